# SPDX-License-Identifier: Apache-2.0
"""Settings that are well-formed but unwise. Pure; the values of secrets are compared and never shown."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from webhook.commands.doctor import block_lists
from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.hosts import is_plain_and_public
from webhook.settings import Settings

# Those of .env.example and ory-actions.yaml, and their usual kin.
_PLACEHOLDER = re.compile(r"(change|replace)[-_ ]?me|your[-_ ]|<", re.IGNORECASE)
_GENERATED = "the output of `openssl rand -hex 32`"


def check(settings: Settings) -> list[Finding]:
    """Everything unwise in the settings."""
    return [
        *_secrets(settings),
        *_shared(settings),
        *_urls(settings),
        *_jumio_urls(settings),
        *_public_url(settings),
        *_unused(settings),
        *block_lists.check(
            settings.verification.block_login_statuses, where="BLOCK_LOGIN_STATUSES", remedy="BLOCK_LOGIN_STATUSES="
        ),
    ]


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Placeholders in the shape of our examples; those of .env.example itself are refused at start."""
    for name, secrets in (
        ("ORY_WEBHOOK_SECRET", settings.ory_webhook_secrets),
        ("JUMIO_CALLBACK_SECRET", settings.jumio.callback_secrets),
        ("DOCUMENT_HASH_SECRET", settings.verification.document_secrets or ()),
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


def _jumio_urls(settings: Settings) -> Iterator[Finding]:
    """https://documentation.jumio.ai/docs/developer-resources/API/Authentication: each region issues its own tokens."""
    api, auth = urlsplit(settings.jumio.api_base_url), urlsplit(settings.jumio.auth_url)
    if not api.path.endswith("/api/v1"):
        yield error(
            "jumio-api-path",
            where="JUMIO_API_BASE_URL",
            what="does not end in /api/v1: Jumio answers every start and every reading 404, so that nobody is verified",
            remedy=f"JUMIO_API_BASE_URL={api.scheme}://{api.netloc}/api/v1",
        )
    regions = [_region(url.hostname or "") for url in (auth, api)]
    if None not in regions and regions[0] != regions[1]:
        yield error(
            "jumio-regions-differ",
            where="JUMIO_API_BASE_URL",
            what=f"is of the region {regions[1]}, and JUMIO_AUTH_URL's tokens are for {regions[0]}: Jumio refuses "
            "every start and every reading, so that nobody is verified",
            remedy=f"JUMIO_API_BASE_URL=https://account.{regions[0]}.jumio.ai/api/v1, or the JUMIO_AUTH_URL of your "
            "tenant's region",
        )


def _region(host: str) -> str | None:
    """`emea-1` of `auth.emea-1.jumio.ai`; None where it is no host of Jumio's."""
    labels = host.lower().rstrip(".").split(".")
    return labels[-3] if len(labels) > 3 and labels[-2:] == ["jumio", "ai"] else None


def _public_url(settings: Settings) -> Iterator[Finding]:
    if settings.links.public_url is None:
        yield warning(
            "public-url-unset",
            where="PUBLIC_URL",
            what="is not set, so that only signed callbacks are taken, and Jumio's public documents describe no "
            "signature: verdicts may only ever come through `jumio-webhook sync`",
            remedy="PUBLIC_URL=https://<the public name of this service>",
        )


def _unused(settings: Settings) -> Iterator[Finding]:
    """What one setting asks for, and another one that is not set would have to give."""
    if settings.verification.document_secrets and settings.valkey is None:
        yield warning(
            "documents-not-compared",
            where="DOCUMENT_HASH_SECRET",
            what="does nothing without REDIS_URL: a document that verified another identity before is not found",
            remedy="REDIS_URL=redis://<host>:6379/0",
        )
    asking = [str(row.level) for row in settings.verification.assurance_table.levels if row.matches]
    if asking and settings.kratos.traits is None:
        yield warning(
            "level-out-of-reach",
            where="ASSURANCE_TABLE",
            what=f"asks at level {asking[0]} for a name that matches, and nothing is compared: nobody reaches it",
            remedy="IDENTITY_TRAITS=given_name=/name/first,family_name=/name/last, as your schema has it",
        )
