# SPDX-License-Identifier: Apache-2.0
"""The traps inside one of our hooks: how its answer is read, where it goes, and with what secret. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from webhook.commands.doctor.findings import Finding, error
from webhook.commands.doctor.hosts import is_plain_and_public
from webhook.commands.doctor.kratos_hooks import Hook, Role
from webhook.commands.doctor.kratos_methods import dig, mapping
from webhook.core.signing import is_known_secret
from webhook.settings import Settings

_WRITE_AUTH = (
    "auth: {type: api_key, config: {in: header, name: Authorization, value: Bearer <one of ORY_WEBHOOK_SECRET>}}"
)

_STOPPED = {"login": "sign-in"}
_BOTH = "an answer cannot be both ignored and read: Kratos refuses the whole configuration"


def check(hook: Hook, settings: Settings, *, has_policy: bool) -> list[Finding]:
    """Everything wrong inside the hook, but for its policy: how that is answered is said by `policy_check`."""
    findings = [*_request(hook, settings), *_secret(hook, settings)]
    if hook.moment == "after":
        if hook.role is Role.INITIATE:
            findings += _initiate(hook)
        else:
            findings += _gate_never_asked(hook)
            findings += [] if has_policy else _gate(hook)
    return findings


def _initiate(hook: Hook) -> Iterator[Finding]:
    """https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks"""
    member = hook.interrupts_by
    if member is not None:
        if hook.ignores:
            what = _BOTH
        elif hook.flow == "registration":
            what = "a hook whose answer is read runs before the identity exists, with a nil id: nothing can be started"
        else:
            what = "a hook whose answer is read stops the flow when this service cannot be reached"
        yield error(
            "initiate-hook-parsed",
            where=f"{hook.place}.{member}",
            what=what,
            remedy=f"remove `{member}` and write `response: {{ignore: true}}`",
        )
    elif not hook.ignores:
        yield error(
            "initiate-hook-not-ignored",
            where=f"{hook.place}.response",
            what="an answer that is neither read nor ignored fails the registration when this service is out, while "
            "the identity stays behind",
            remedy="response: {ignore: true}",
        )


def _gate_never_asked(hook: Hook) -> Iterator[Finding]:
    """`PreSettingsPrePersist` in driver/registry_default_settings.go: there is no fallback as in the other flows."""
    if hook.flow == "settings" and hook.method is None and hook.interrupts_by is not None:
        yield error(
            "gate-never-asked",
            where=hook.place,
            what="in settings a hook that interrupts runs only where its method lists it: here it is never called",
            remedy="list it under settings.after.password, totp, webauthn, passkey, lookup_secret, oidc and profile",
        )


def _gate(hook: Hook) -> Iterator[Finding]:
    if hook.ignores:
        yield error(
            "gate-ignored",
            where=f"{hook.place}.response.ignore",
            what="the gate's answer is thrown away, so that it stops nobody" if hook.interrupts_by is None else _BOTH,
            remedy="remove `response.ignore` and write `can_interrupt: true`",
        )
    elif hook.interrupts_by is None:
        yield error(
            "gate-cannot-interrupt",
            where=f"{hook.place}.can_interrupt",
            what="the gate stops nothing: without it the hook runs once the change is stored"
            if hook.flow == "settings"
            else f"the gate stops a {_STOPPED.get(hook.flow, hook.flow)}, but the person reads a bare 502 instead of "
            "the reason",
            remedy="can_interrupt: true",
        )


def _request(hook: Hook, settings: Settings) -> Iterator[Finding]:
    url = str(hook.config["url"])
    parts = urlsplit(url)
    if is_plain_and_public(url):
        yield error(
            "hook-url-not-tls",
            where=f"{hook.place}.url",
            what="is plain http to a host that is neither loopback nor private: secret and personal data go in clear",
            remedy="url: https://...",
        )
    secrets = [secret.decode(errors="replace") for secret in settings.ory_webhook_secrets]
    if parts.username is not None or parts.password is not None or any(secret in parts.query for secret in secrets):
        yield error(
            "hook-url-has-credentials",
            where=f"{hook.place}.url",
            what="holds credentials; Kratos shows a hook's URL to the person when the hook fails",
            remedy=f"take them out of the URL; {_WRITE_AUTH}",
        )
    if hook.config.get("method") != "POST":
        yield error(
            "hook-method-not-post",
            where=f"{hook.place}.method",
            what="this service answers a hook only to POST",
            remedy="method: POST",
        )
    if not hook.config.get("body"):
        name = "initiate" if hook.role is Role.INITIATE else "validate"
        yield error(
            "body-missing",
            where=f"{hook.place}.body",
            what="without a template Kratos fails the hook before it calls anybody",
            remedy=f"body: file:///etc/config/kratos/jsonnet/{name}.jsonnet",
        )


def _secret(hook: Hook, settings: Settings) -> Iterator[Finding]:
    sent = _sent_headers(hook.config)
    values: list[tuple[str, str]] = []
    bearer_is_missing = False
    if "authorization" in sent:
        _, place, value = sent["authorization"]
        scheme, _, credentials = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            values.append((place, credentials.strip()))
        else:
            bearer_is_missing = True
            yield error(
                "bearer-missing",
                where=f"{hook.place}.{place}",
                what="Kratos sends the value as it is, and this service asks for the scheme Bearer",
                remedy="value: Bearer <one of ORY_WEBHOOK_SECRET>",
            )
    if "x-webhook-secret" in sent:
        name_place, place, value = sent["x-webhook-secret"]
        values.append((place, value.strip()))
        yield error(
            "secret-in-x-webhook-secret",
            where=f"{hook.place}.{name_place}",
            what="Kratos logs this header in clear with every call; it redacts Authorization",
            remedy=_WRITE_AUTH,
        )
    if not values and not bearer_is_missing:
        yield error(
            "secret-missing",
            where=f"{hook.place}.auth",
            what="no header carries a secret that this service reads: every call is answered 401",
            remedy=_WRITE_AUTH,
        )
    elif values and not is_known_secret((value.encode() for _, value in values), secrets=settings.ory_webhook_secrets):
        yield error(
            "secret-unknown",
            where=f"{hook.place}.{values[0][0]}",
            what="is none of ORY_WEBHOOK_SECRET: every call is answered 401",
            remedy="write one of ORY_WEBHOOK_SECRET here, or add this one to it, after a comma",
        )


def _sent_headers(config: Mapping[Any, Any]) -> dict[str, tuple[str, str, str]]:
    """What Kratos sends, by lower-case name: (place of the name, place of the value, value). `auth` wins.

    request/auth.go in Kratos; basic auth is left out, as it is nothing this service reads.
    """
    sent = {
        str(name).lower(): (f"headers.{name}", f"headers.{name}", value)
        for name, value in mapping(config.get("headers")).items()
        if isinstance(value, str)
    }
    auth = mapping(config.get("auth"))
    if auth.get("type") == "basic_auth":
        sent.pop("authorization", None)
    key = dig(auth, "config")
    if auth.get("type") == "api_key" and key.get("in") == "header" and isinstance(key.get("value"), str):
        sent[str(key.get("name")).lower()] = ("auth.config.name", "auth.config.value", key["value"])
    return sent
