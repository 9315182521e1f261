# SPDX-License-Identifier: Apache-2.0
"""The traps of a Kratos configuration: a clean one has none, and each spoiled one has exactly the one it should."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support import OLD_ORY_SECRET, ORY_SECRET, settings_of

from webhook.commands.doctor import kratos_config
from webhook.commands.doctor.findings import Finding, Severity, merged
from webhook.commands.doctor.kratos_methods import first_factors, registration_methods, second_factors

REGISTRATION = "selfservice.flows.registration.after"
LOGIN = "selfservice.flows.login.after"
INITIATE = f"{REGISTRATION}.password.hooks[0].config"
GATE = f"{LOGIN}.password.hooks[0].config"
EVERY_METHOD = {
    "password": {"enabled": True},
    "code": {"passwordless_enabled": True},
    **{name: {"enabled": True} for name in ("oidc", "webauthn", "passkey", "totp", "lookup_secret", "link", "profile")},
}

Document = dict[str, Any]


def at(document: Any, place: str) -> Any:
    """What stands at such a place as findings name."""
    for name in re.findall(r"\w+", place):
        document = document[int(name) if name.isdigit() else name]
    return document


def put(place: str, value: Any) -> Callable[[Document], None]:
    """Write one value; None removes what is there. The members around it are made where they are missing."""
    around, _, name = place.rpartition(".")

    def spoil(document: Document) -> None:
        here: Any = document
        for part in re.findall(r"\w+", around):
            here = here[int(part)] if part.isdigit() else here.setdefault(part, {})
        if value is None:
            here.pop(name, None)
        else:
            here[name] = value

    return spoil


def both(*spoils: Callable[[Document], None]) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        for one in spoils:
            one(document)

    return spoil


def to_generic(flow: str) -> Callable[[Document], None]:
    """The password's hooks as generic ones, with a hook of somebody else's in their place."""

    def spoil(document: Document) -> None:
        after = document["selfservice"]["flows"][flow]["after"]
        after["hooks"] = [hook for hook in after["password"]["hooks"] if hook["hook"] == "web_hook"]
        after["password"]["hooks"] = [
            {"hook": "web_hook", "config": {"url": "https://crm.example.com/", "method": "GET"}}
        ]

    return spoil


def auth(**config: str) -> dict[str, Any]:
    return {"type": "api_key", "config": {"in": "header", "name": "Authorization", **config}}


def check(document: Mapping[str, Any], **settings: str) -> list[Finding]:
    return merged(kratos_config.check(document, settings_of(**settings), {}))


def places(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.id, place) for finding in findings for place in (finding.where, *finding.also)]


def test_our_own_configuration_is_clean(clean: Document) -> None:
    assert check(clean) == []


def test_our_own_configuration_is_clean_with_every_method(clean: Document) -> None:
    clean["selfservice"]["methods"] = EVERY_METHOD
    assert check(clean) == []


SPOILED: dict[str, tuple[Callable[[Document], None], dict[str, str], list[tuple[str, str]]]] = {
    "initiate parsed": (
        put(f"{INITIATE}.response", {"parse": True}), {},
        [("initiate-hook-parsed", f"{INITIATE}.response.parse")],
    ),
    "initiate parsed, the old way": (
        both(put(f"{INITIATE}.response", None), put(f"{INITIATE}.can_interrupt", True)), {},
        [("initiate-hook-parsed", f"{INITIATE}.can_interrupt")],
    ),
    "initiate parsed and ignored": (
        put(f"{INITIATE}.response.parse", True), {},
        [("initiate-hook-parsed", f"{INITIATE}.response.parse")],
    ),
    "initiate parsed at sign-in": (
        lambda document: at(document, f"{LOGIN}.password.hooks").append(
            {"hook": "web_hook", "config": {**at(document, INITIATE), "response": {"parse": True}}}
        ), {},
        [("initiate-hook-parsed", f"{LOGIN}.password.hooks[1].config.response.parse")],
    ),
    "initiate at sign-in": (
        lambda document: at(document, f"{LOGIN}.password.hooks").append(
            {"hook": "web_hook", "config": at(document, INITIATE)}
        ), {}, [],
    ),
    "initiate neither parsed nor ignored": (
        put(f"{INITIATE}.response", None), {},
        [("initiate-hook-not-ignored", f"{INITIATE}.response")],
    ),
    "initiate explicitly not ignored": (
        put(f"{INITIATE}.response", {"ignore": False, "parse": False}), {},
        [("initiate-hook-not-ignored", f"{INITIATE}.response")],
    ),
    "gate that only tells": (
        put(f"{GATE}.can_interrupt", None), {},
        [("gate-cannot-interrupt", f"{GATE}.can_interrupt")],
    ),
    "gate, the new way": (
        both(put(f"{GATE}.can_interrupt", None), put(f"{GATE}.response.parse", True)), {}, [],
    ),
    "gate ignored": (
        both(put(f"{GATE}.can_interrupt", None), put(f"{GATE}.response.ignore", True)), {},
        [("gate-ignored", f"{GATE}.response.ignore")],
    ),
    "gate ignored and read": (
        put(f"{GATE}.response.ignore", True), {},
        [("gate-ignored", f"{GATE}.response.ignore")],
    ),
    "generic initiate": (
        to_generic("registration"), {},
        [("generic-hooks-switched-off", f"{REGISTRATION}.password.hooks")],
    ),
    "generic gate": (
        to_generic("login"), {},
        [("generic-hooks-switched-off", f"{LOGIN}.password.hooks")],
    ),
    "generic gate, and nothing in its way": (
        both(to_generic("login"), put(f"{LOGIN}.password.hooks", [])), {}, [],
    ),
    "method without initiate": (
        put(f"{REGISTRATION}.password.hooks", [{"hook": "session"}]), {},
        [("method-without-initiate", f"{REGISTRATION}.password.hooks")],
    ),
    "method without any registration hook": (
        put(f"{REGISTRATION}.password", None), {},
        [("method-without-initiate", f"{REGISTRATION}.password.hooks")],
    ),
    "nobody registers": (
        both(put(f"{REGISTRATION}.password", None), put("selfservice.flows.registration.enabled", False)), {}, [],
    ),
    "method without gate": (
        put(f"{LOGIN}.password", None), {},
        [("method-without-gate", f"{LOGIN}.password.hooks")],
    ),
    "method without gate, but off": (
        both(put(f"{LOGIN}.passkey", None), put("selfservice.methods.passkey.enabled", False)), {}, [],
    ),
    "code without gate, but only for recovery": (
        both(put(f"{LOGIN}.code", None), put("selfservice.methods.code.enabled", True)), {}, [],
    ),
    "code without gate": (
        both(put(f"{LOGIN}.code", None), put("selfservice.methods.code.passwordless_enabled", True)), {},
        [("method-without-gate", f"{LOGIN}.code.hooks")],
    ),
    "code as a second factor without gate": (
        both(put(f"{LOGIN}.code", None), put("selfservice.methods.code.mfa_enabled", True)), {},
        [("method-without-gate", f"{LOGIN}.code.hooks")],
    ),
    "webauthn as a second factor registers nobody": (
        both(put(f"{REGISTRATION}.webauthn", None), put("selfservice.methods.webauthn.enabled", True)), {}, [],
    ),
    "webauthn as a second factor without gate": (
        both(put(f"{LOGIN}.webauthn", None), put("selfservice.methods.webauthn.enabled", True)), {},
        [("method-without-gate", f"{LOGIN}.webauthn.hooks")],
    ),
    "webauthn without initiate": (
        both(
            put(f"{REGISTRATION}.webauthn", None),
            put("selfservice.methods.webauthn", {"enabled": True, "config": {"passwordless": True}}),
        ), {},
        [("method-without-initiate", f"{REGISTRATION}.webauthn.hooks")],
    ),
    "totp without gate": (
        both(put(f"{LOGIN}.totp", None), put("selfservice.methods.totp.enabled", True)), {},
        [("method-without-gate", f"{LOGIN}.totp.hooks")],
    ),
    "totp with hooks of its own before the generic gate": (
        both(
            to_generic("login"),
            lambda document: at(document, f"{LOGIN}.password").update(hooks=[]),
            put(f"{LOGIN}.totp.hooks", [{"hook": "revoke_active_sessions"}]),
            put("selfservice.methods.totp.enabled", True),
        ), {},
        [("generic-hooks-switched-off", f"{LOGIN}.totp.hooks")],
    ),
    "saml has generic hooks only": (
        put("selfservice.methods.saml.enabled", True), {},
        [("method-without-initiate", f"{REGISTRATION}.hooks"), ("method-without-gate", f"{LOGIN}.hooks")],
    ),
    "a session while pending is blocked": (
        lambda document: None, {"BLOCK_LOGIN_STATUSES": "rejected, pending"},
        [("session-hook-admits-blocked", f"{REGISTRATION}.password.hooks[1]"),
         ("template-input-overflow", f"{INITIATE}.body")],
    ),
    "no session": (
        lambda document: at(document, f"{REGISTRATION}.password.hooks").pop(), {},
        [("session-hook-missing", f"{REGISTRATION}.password.hooks")],
    ),
    "no session while somebody new passes no gate": (
        lambda document: at(document, f"{REGISTRATION}.password.hooks").pop(),
        {"BLOCK_LOGIN_STATUSES": "rejected,none,unstarted,pending"}, [],
    ),
    "the session first": (lambda document: at(document, f"{REGISTRATION}.password.hooks").reverse(), {}, []),
    "recovery without a gate": (
        both(put("selfservice.flows.recovery.enabled", True), put("selfservice.flows.recovery.after", None)), {},
        [("recovery-without-gate", "selfservice.flows.recovery.after.hooks")],
    ),
    "recovery without a gate, but off": (put("selfservice.flows.recovery.after", None), {}, []),
    "an input that a person overflows": (
        lambda document: at(document, f"{REGISTRATION}.password.hooks").pop(),
        {"BLOCK_LOGIN_STATUSES": "rejected,unstarted,pending,incomplete"},
        [("template-input-overflow", f"{INITIATE}.body"),
        ],
    ),
    "a private hook that Kratos may not call": (
        both(put("clients.http.disallow_private_ip_ranges", True), put(f"{GATE}.url", "http://gate:3000/jumio/validate")),
        {}, [("private-hook-disallowed", f"{GATE}.url")],
    ),
    "a private address that Kratos may not call": (
        both(
            put("clients.http.disallow_private_ip_ranges", True),
            put("clients.http.private_ip_exception_urls", ["http://10.0.0.8:3000/jumio/initiate"]),
            put(f"{INITIATE}.url", "http://10.0.0.9:3000/jumio/initiate"),
        ),
        {}, [("private-hook-disallowed", f"{INITIATE}.url")],
    ),
    "a private hook that is excepted": (
        both(
            put("clients.http.disallow_private_ip_ranges", True),
            put("clients.http.private_ip_exception_urls", ["http://gate:3000/jumio/validate"]),
            put(f"{GATE}.url", "http://gate:3000/jumio/validate"),
        ), {}, [],
    ),
    "private hooks that are excepted by a pattern": (
        both(
            put("clients.http.disallow_private_ip_ranges", True),
            put("clients.http.private_ip_exception_urls", ["http://gate:3000/**"]),
            put(f"{GATE}.url", "http://gate:3000/jumio/validate"),
        ), {}, [],
    ),
    "only public hooks, and no private one allowed": (
        put("clients.http.disallow_private_ip_ranges", True), {}, [],
    ),
    "no session while pending is blocked": (
        lambda document: at(document, f"{REGISTRATION}.password.hooks").pop(),
        {"BLOCK_LOGIN_STATUSES": "none,pending"}, [],
    ),
    "a session while review is blocked": (lambda document: None, {"BLOCK_LOGIN_STATUSES": "rejected,review"}, []),
    "secret in a header that is logged": (
        put(f"{GATE}.auth", auth(name="X-Webhook-Secret", value=ORY_SECRET)), {},
        [("secret-in-x-webhook-secret", f"{GATE}.auth.config.name")],
    ),
    "secret in a static header that is logged": (
        both(put(f"{GATE}.auth", None), put(f"{GATE}.headers", {"x-webhook-secret": ORY_SECRET})), {},
        [("secret-in-x-webhook-secret", f"{GATE}.headers.x-webhook-secret")],
    ),
    "secret in a static header": (
        both(put(f"{GATE}.auth", None), put(f"{GATE}.headers", {"Authorization": f"bearer {ORY_SECRET}"})), {}, [],
    ),
    "secret unknown": (
        put(f"{GATE}.auth", auth(value="Bearer CHANGE_ME")), {},
        [("secret-unknown", f"{GATE}.auth.config.value")],
    ),
    "the older secret": (put(f"{GATE}.auth", auth(value=f"Bearer {OLD_ORY_SECRET}")), {}, []),
    "no bearer": (
        put(f"{GATE}.auth", auth(value=ORY_SECRET)), {},
        [("bearer-missing", f"{GATE}.auth.config.value")],
    ),
    "no auth": (put(f"{GATE}.auth", None), {}, [("secret-missing", f"{GATE}.auth")]),
    "auth in a cookie": (
        put(f"{GATE}.auth", auth(value=f"Bearer {ORY_SECRET}", **{"in": "cookie"})), {},
        [("secret-missing", f"{GATE}.auth")],
    ),
    "basic auth wins over a static header": (
        both(
            put(f"{GATE}.auth", {"type": "basic_auth", "config": {"user": "u", "password": ORY_SECRET}}),
            put(f"{GATE}.headers", {"Authorization": f"Bearer {ORY_SECRET}", "X-Number": 1}),
        ), {},
        [("secret-missing", f"{GATE}.auth")],
    ),
    "auth of the wrong shape": (put(f"{GATE}.auth", "Bearer"), {}, [("secret-missing", f"{GATE}.auth")]),
    "http over the internet": (
        put(f"{GATE}.url", "http://jumio-webhook.example.com/jumio/validate"), {},
        [("hook-url-not-tls", f"{GATE}.url")],
    ),
    "http in a private network": (put(f"{GATE}.url", "http://jumio-webhook:3000/jumio/validate"), {}, []),
    "another prefix": (put(f"{GATE}.url", "https://www.example.com/kyc/v1/jumio/validate"), {}, []),
    "credentials in the URL": (
        put(f"{GATE}.url", "https://user:password@jumio-webhook.example.com/jumio/validate"), {},
        [("hook-url-has-credentials", f"{GATE}.url")],
    ),
    "the secret in the URL": (
        put(f"{GATE}.url", f"https://jumio-webhook.example.com/jumio/validate?secret={ORY_SECRET}"), {},
        [("hook-url-has-credentials", f"{GATE}.url")],
    ),
    "GET": (put(f"{GATE}.method", "GET"), {}, [("hook-method-not-post", f"{GATE}.method")]),
    "no template for initiate": (put(f"{INITIATE}.body", None), {}, [("body-missing", f"{INITIATE}.body")]),
    "no template for the gate": (put(f"{GATE}.body", ""), {}, [("body-missing", f"{GATE}.body")]),
    "logs that leak": (
        put("log.leak_sensitive_values", True), {},
        [("kratos-logs-leak", "log.leak_sensitive_values")],
    ),
    "a URL that is none": (
        put(f"{GATE}.url", "https://[jumio/jumio/validate"), {},
        [("method-without-gate", f"{LOGIN}.password.hooks")],
    ),
    "a URL of the wrong shape": (
        put(f"{GATE}.url", 7), {},
        [("method-without-gate", f"{LOGIN}.password.hooks")],
    ),
    "a hook before, not after": (
        put("selfservice.flows.login.before.hooks", [{"hook": "web_hook", "config": {
            "url": "https://jumio-webhook.example.com/jumio/validate", "method": "POST", "body": "file://x",
            "auth": auth(value="Bearer unknown"),
        }}]), {},
        [("secret-unknown", "selfservice.flows.login.before.hooks[0].config.auth.config.value")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_each_trap_by_its_name_and_place(name: str, clean: Document) -> None:
    spoil, settings, expected = SPOILED[name]
    spoil(clean)
    findings = check(clean, **settings)
    assert places(findings) == expected
    assert all(finding.what and finding.remedy for finding in findings)
    assert ORY_SECRET not in repr(findings)


@pytest.mark.parametrize("hooks", [None, "web_hook", {"hook": "web_hook"}, [None, "web_hook", []]])
def test_hooks_of_a_wrong_shape_are_no_hooks(clean: Document, hooks: object) -> None:
    at(clean, f"{LOGIN}.password")["hooks"] = hooks
    assert places(check(clean)) == [("method-without-gate", f"{LOGIN}.password.hooks")]


@pytest.mark.parametrize("document", [None, [], {}, {"selfservice": {"flows": {"login": None, "registration": []}}}])
def test_a_document_of_a_wrong_shape_has_no_hooks(document: Any) -> None:
    assert {finding.id for finding in check(document)} == {"method-without-initiate", "method-without-gate"}


def test_a_second_factor_is_less_grave_than_a_first(clean: Document) -> None:
    clean["selfservice"]["methods"] = EVERY_METHOD
    clean["selfservice"]["flows"]["login"]["after"] = {}
    findings = check(clean)
    assert [(finding.severity, finding.where.split(".")[-2], len(finding.also)) for finding in findings] == [
        (Severity.ERROR, "password", 3),
        (Severity.WARNING, "totp", 2),
    ]


def test_a_trap_that_several_methods_share_is_told_once(clean: Document) -> None:
    for method in ("password", "oidc"):
        at(clean, f"{LOGIN}.{method}.hooks[0].config")["method"] = "PUT"
    [finding] = check(clean)
    assert (finding.where, finding.also) == (f"{GATE}.method", (f"{LOGIN}.oidc.hooks[0].config.method",))


def test_a_place_is_told_once(clean: Document) -> None:
    finding = Finding(severity=Severity.ERROR, id="a", where="b", what="c", remedy="d")
    assert merged([finding, finding]) == [finding]


@pytest.mark.parametrize(
    ("methods", "first", "second"),
    [
        ({}, ["password"], []),
        ({"password": {"enabled": False}}, [], []),
        ({"password": {"enabled": False}, "code": {"enabled": False, "passwordless_enabled": True}}, ["code"], []),
        ({"code": {"enabled": False, "mfa_enabled": True}}, ["password"], []),
        ({"code": {"mfa_enabled": True}}, ["password"], ["code"]),
        ({"code": {"passwordless_enabled": True, "mfa_enabled": True}}, ["password", "code"], []),
        ({"webauthn": {"enabled": True, "config": {"passwordless": True}}}, ["password", "webauthn"], []),
        ({"webauthn": {"config": {"passwordless": True}}}, ["password"], []),
        (EVERY_METHOD, ["password", "oidc", "passkey", "code"], ["totp", "lookup_secret", "webauthn"]),
        ({"saml": {"enabled": True}, "deviceauthn": {"enabled": True}}, ["password", "saml"], ["deviceauthn"]),
    ],
)
def test_the_methods_that_are_enabled(methods: dict[str, Any], first: list[str], second: list[str]) -> None:
    document = {"selfservice": {"methods": methods}}
    assert (first_factors(document), second_factors(document)) == (first, second)
    assert registration_methods(document) == first


def test_the_shipped_file_needs_its_secret_changed(clean: Document) -> None:
    text = json.dumps(clean).replace(ORY_SECRET, "CHANGE_ME")
    findings = check(json.loads(text))
    assert {finding.id for finding in findings} == {"secret-unknown"}
    assert sum(1 + len(finding.also) for finding in findings) == 13
