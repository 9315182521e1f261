# SPDX-License-Identifier: Apache-2.0
"""Settings that are well-formed but unwise. Pure; the values of secrets are compared and never shown."""

import re
from collections.abc import Iterator

from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.hosts import is_plain_and_public
from webhook.settings import Settings

# Those of .env.example and ory-actions.yaml, and their usual kin.
_PLACEHOLDER = re.compile(r"(change|replace)[-_ ]?me|your[-_ ]|<", re.IGNORECASE)
_GENERATED = "the output of `openssl rand -hex 32`"


def check(settings: Settings) -> list[Finding]:
    """Everything unwise in the settings."""
    return [*_secrets(settings), *_shared(settings), *_urls(settings), *_public_url(settings)]


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Placeholders in the shape of our examples; those of .env.example itself are refused at start."""
    for name, secrets in (
        ("ORY_WEBHOOK_SECRET", settings.ory_webhook_secrets),
        ("JUMIO_CALLBACK_SECRET", settings.jumio.callback_secrets),
    ):
        if any(_is_placeholder(secret.decode(errors="replace")) for secret in secrets):
            what = "is still the placeholder of an example, which everybody knows"
            yield error("secret-placeholder", where=name, what=what, remedy=f"{name}={_GENERATED}")
    given = {
        "ORY_API_KEY": settings.kratos.api_key or "",
        "JUMIO_CLIENT_ID": settings.jumio.client_id,
        "JUMIO_CLIENT_SECRET": settings.jumio.client_secret,
    }
    for name, value in given.items():
        if _is_placeholder(value):
            what = "is still the placeholder of an example"
            issuer = "Ory's console" if name == "ORY_API_KEY" else "Jumio's portal"
            yield error("secret-placeholder", where=name, what=what, remedy=f"{name}=what {issuer} shows")


def _is_placeholder(text: str) -> bool:
    return _PLACEHOLDER.match(text) is not None


def _shared(settings: Settings) -> Iterator[Finding]:
    jumio = {*settings.jumio.callback_secrets, settings.jumio.client_secret.encode()}
    if jumio.intersection(settings.ory_webhook_secrets):
        yield warning(
            "secret-shared",
            where="ORY_WEBHOOK_SECRET",
            what="is also a secret used with Jumio: whoever learns it at one side can speak for the other",
            remedy=f"ORY_WEBHOOK_SECRET={_GENERATED}, and the same in Kratos' hooks",
        )


def _urls(settings: Settings) -> Iterator[Finding]:
    urls = {
        "KRATOS_ADMIN_URL": settings.kratos.admin_url,
        "JUMIO_AUTH_URL": settings.jumio.auth_url,
        "JUMIO_API_BASE_URL": settings.jumio.api_base_url,
    }
    for name, url in urls.items():
        if is_plain_and_public(url):
            yield error(
                "url-not-tls",
                where=name,
                what="is plain http to a host that is neither loopback nor private: credentials go in clear",
                remedy=f"{name}=https://...",
            )


def _public_url(settings: Settings) -> Iterator[Finding]:
    if settings.links.public_url is None:
        yield warning(
            "public-url-unset",
            where="PUBLIC_URL",
            what="is not set, so that only signed callbacks are taken, and Jumio's public documents describe no "
            "signature: verdicts may only ever come through `jumio-webhook sync`",
            remedy="PUBLIC_URL=https://<the public name of this service>",
        )
