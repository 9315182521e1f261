# SPDX-License-Identifier: Apache-2.0
"""The gates of settings and recovery, and the policies in their templates: clean, and spoiled in one way each."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import ORY_SECRET, settings_of

from webhook.commands.doctor import kratos_config, policies
from webhook.commands.doctor.findings import Finding, Severity, merged
from webhook.commands.doctor.library import Library

Document = dict[str, Any]

FLOWS = "selfservice.flows"
TOTP = f"{FLOWS}.settings.after.totp.hooks[0].config"
RECOVERY = f"{FLOWS}.recovery.after.hooks[0].config"
LOGIN = f"{FLOWS}.login.after.password.hooks[0].config"
ENROLMENTS = ("password", "totp", "webauthn", "passkey", "lookup_secret", "oidc")
POLICY = '{ min_level: 3, on_unmet: "start", max_age: "90d", block_statuses: ["rejected"] }'
AT_RECOVERY = '{ min_level: 2, on_unmet: "block" }'
POLICY_AS_JSON = '{"min_level": 3, "on_unmet": "start", "max_age": "90d", "block_statuses": ["rejected"]}'
# As the shipped ones: the policy on top, and who acts is in the session, or in the identity where there is none.
TEMPLATE = """
// min_level: 9 would be too much, and policy: { min_level: 9 } is a comment
local policy = %s;
function(ctx)
  local session = std.get(ctx, 'session');
  local person = if std.isObject(session) then session.identity else ctx.identity;
  {
    identity: { id: person.id, metadata_public: null, contact_verified: person.verifiable_addresses[0].verified },
    flow: { id: ctx.flow.id, type: ctx.flow.type },
    policy: policy,
  }
"""
NO_POLICY = "function(ctx) { identity: { id: ctx.identity.id, metadata_public: null } }"


def base64_of(source: str) -> str:
    return f"base64://{base64.b64encode(source.encode()).decode()}"


def gate(policy: str = POLICY, **changed: Any) -> dict[str, Any]:
    """One hook of the gate with this policy; None removes a member of its config."""
    config = {
        "url": "https://jumio-webhook.example.com/jumio/validate",
        "method": "POST",
        "body": base64_of(TEMPLATE % policy),
        "can_interrupt": True,
        "auth": {
            "type": "api_key",
            "config": {"in": "header", "name": "Authorization", "value": f"Bearer {ORY_SECRET}"},
        },
        **changed,
    }
    return {"hook": "web_hook", "config": {name: value for name, value in config.items() if value is not None}}


@pytest.fixture
def stepped_up(clean: Document) -> Document:
    """Both shipped files: a gate for every setting, and one for recovery."""
    flows = clean["selfservice"]["flows"]
    flows["settings"] = {"after": {method: {"hooks": [gate()]} for method in (*ENROLMENTS, "profile")}}
    del flows["recovery"]
    flows["recovery"] = {"enabled": True, "after": {"hooks": [gate(AT_RECOVERY)]}}
    copied: Document = copy.deepcopy(clean)
    return copied


def check(document: Document, **settings: str) -> list[Finding]:
    return merged(kratos_config.check(document, settings_of(**settings), policies.policies(document, Library())))


def places(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.id, place) for finding in findings for place in (finding.where, *finding.also)]


def at_totp(hook: dict[str, Any]) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        document["selfservice"]["flows"]["settings"]["after"]["totp"]["hooks"] = [hook]

    return spoil


def at_recovery(hook: dict[str, Any] | None, **flow: Any) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        hooks = [] if hook is None else [hook]
        document["selfservice"]["flows"]["recovery"] = {"enabled": True, "after": {"hooks": hooks}, **flow}

    return spoil


def at_login(hook: dict[str, Any]) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        document["selfservice"]["flows"]["login"]["after"]["password"]["hooks"] = [hook]

    return spoil


def besides(place: str, hook: dict[str, Any]) -> Callable[[Document], None]:
    """One more hook, at a place such as `settings.before`."""

    def spoil(document: Document) -> None:
        here = document["selfservice"]["flows"]
        for name in place.split("."):
            here = here.setdefault(name, {})
        here.setdefault("hooks", []).append(hook)

    return spoil


def both(*spoils: Callable[[Document], None]) -> Callable[[Document], None]:
    def spoil(document: Document) -> None:
        for one in spoils:
            one(document)

    return spoil


def only_the_profile(document: Document) -> None:
    at_recovery(None)(document)
    document["selfservice"]["flows"]["settings"] = {"after": {"profile": {"hooks": [gate()]}}}


def nothing(document: Document) -> None:
    pass


def test_clean(stepped_up: Document) -> None:
    assert check(stepped_up) == []


SPOILED: dict[str, tuple[Callable[[Document], None], dict[str, str], list[tuple[str, str]]]] = {
    # --- a policy on a hook that cannot interrupt ---
    "settings that only tell": (
        at_totp(gate(can_interrupt=None)), {},
        [("policy-cannot-interrupt", f"{TOTP}.can_interrupt")],
    ),
    "settings, the new way": (at_totp(gate(can_interrupt=None, response={"parse": True})), {}, []),
    "settings ignored": (
        at_totp(gate(can_interrupt=None, response={"ignore": True})), {},
        [("policy-cannot-interrupt", f"{TOTP}.response.ignore")],
    ),
    "settings ignored and read": (
        at_totp(gate(response={"ignore": True})), {},
        [("policy-cannot-interrupt", f"{TOTP}.response.ignore")],
    ),
    "recovery that only tells": (
        at_recovery(gate(AT_RECOVERY, can_interrupt=False)), {},
        [("policy-cannot-interrupt", f"{RECOVERY}.can_interrupt")],
    ),
    "sign-in that only tells": (
        at_login(gate(can_interrupt=False)), {},
        [("policy-cannot-interrupt", f"{LOGIN}.can_interrupt")],
    ),
    "before settings": (
        besides("settings.before", gate()), {},
        [("policy-cannot-interrupt", f"{FLOWS}.settings.before.hooks[0].config.body")],
    ),
    "after a registration": (
        besides("registration.after.passkey", gate()), {},
        [("policy-cannot-interrupt", f"{FLOWS}.registration.after.passkey.hooks[2].config.body")],
    ),
    # --- the same hooks without a policy ---
    "settings without a policy that only tell": (
        at_totp(gate(can_interrupt=None, body=base64_of(NO_POLICY))), {},
        [("gate-cannot-interrupt", f"{TOTP}.can_interrupt")],
    ),
    "recovery without a policy that only tells": (
        at_recovery(gate(AT_RECOVERY, can_interrupt=None, body=base64_of(NO_POLICY))), {},
        [("gate-cannot-interrupt", f"{RECOVERY}.can_interrupt")],
    ),
    "settings without a policy, ignored": (
        at_totp(gate(can_interrupt=None, response={"ignore": True}, body=base64_of(NO_POLICY))), {},
        [("gate-ignored", f"{TOTP}.response.ignore")],
    ),
    # --- a gate that Kratos never calls ---
    "settings for every method": (
        besides("settings.after", gate()), {},
        [("gate-never-asked", f"{FLOWS}.settings.after.hooks[0].config")],
    ),
    "settings for every method that only tell": (
        besides("settings.after", gate(can_interrupt=None, body=base64_of(NO_POLICY))), {},
        [("gate-cannot-interrupt", f"{FLOWS}.settings.after.hooks[0].config.can_interrupt")],
    ),
    # --- a policy that is none ---
    "a list": (at_totp(gate("[]")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "null": (at_totp(gate("null")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "an unknown member": (at_totp(gate("{ min_levle: 3 }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "an unknown status": (at_totp(gate("{ block_statuses: ['no'] }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "a level that is a text": (at_totp(gate("{ min_level: '3' }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "a level that is a truth": (at_totp(gate("{ min_level: true }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "a level below none": (at_totp(gate("{ min_level: -1 }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "an age that is a number": (at_totp(gate("{ max_age: 90 }")), {}, [("policy-malformed", f"{TOTP}.body")]),
    "nothing to ask for": (at_totp(gate("{}")), {}, []),
    "an unknown member at recovery": (
        at_recovery(gate("{ level: 2 }")), {}, [("policy-malformed", f"{RECOVERY}.body")],
    ),
    # --- a level that nobody reaches ---
    "above the table": (at_totp(gate("{ min_level: 4 }")), {}, [("level-unreachable", f"{TOTP}.body")]),
    "above the table, at sign-in": (at_login(gate("{ min_level: 9 }")), {}, [("level-unreachable", f"{LOGIN}.body")]),
    "above the table and malformed": (
        at_totp(gate("{ min_level: 4, level: 4 }")), {},
        [("level-unreachable", f"{TOTP}.body"), ("policy-malformed", f"{TOTP}.body")],
    ),
    "a workflow that shows no face": (
        nothing, {"JUMIO_WORKFLOW_KEY": "2"},
        [("level-unreachable", f"{FLOWS}.settings.after.{method}.hooks[0].config.body")
         for method in (*ENROLMENTS, "profile")],
    ),
    "a workflow that shows no document": (
        at_totp(gate("{ min_level: 1 }")), {"JUMIO_WORKFLOW_KEY": "10014"},
        [*[("level-unreachable", f"{FLOWS}.settings.after.{method}.hooks[0].config.body")
           for method in (*ENROLMENTS, "profile") if method != "totp"],
         ("level-unreachable", f"{RECOVERY}.body")],
    ),
    "a workflow of the tenant's own": (nothing, {"JUMIO_WORKFLOW_KEY": "10999"}, []),
    # --- recovery ---
    "recovery without a gate": (
        at_recovery(None), {},
        [("recovery-without-gate", f"{FLOWS}.recovery.after.hooks")],
    ),
    "recovery with a hook of somebody else's": (
        at_recovery({"hook": "revoke_active_sessions"}), {},
        [("recovery-without-gate", f"{FLOWS}.recovery.after.hooks")],
    ),
    "recovery that is off": (at_recovery(None, enabled=False), {}, []),
    "recovery that is nowhere": (lambda document: document["selfservice"]["flows"].pop("recovery"), {}, []),
    "only the profile has a gate": (
        only_the_profile, {},
        [("recovery-without-gate", f"{FLOWS}.recovery.after.hooks")],
    ),
    "recovery that starts for whoever reads the mail": (
        at_recovery(gate("{ min_level: 2, on_unmet: 'start' }")), {},
        [("recovery-starts", f"{RECOVERY}.body")],
    ),
    "recovery that starts, without a level": (
        at_recovery(gate("{ on_unmet: 'start' }")), {},
        [("recovery-starts", f"{RECOVERY}.body")],
    ),
    # --- a method whose settings have no gate ---
    **{
        f"the settings of {method} without a gate": (
            both(
                lambda document, method=method: document["selfservice"]["flows"]["settings"]["after"].pop(method),
                lambda document, method=method: document["selfservice"].update(methods={method: {"enabled": True}}),
            ), {},
            [("settings-method-without-gate", f"{FLOWS}.settings.after.{method}.hooks")],
        )
        for method in (*ENROLMENTS, "profile")
    },
    "a method without a gate, but off": (
        lambda document: document["selfservice"]["flows"]["settings"]["after"].pop("passkey"), {}, [],
    ),
    "a gate that is listed for every method": (
        both(
            lambda document: document["selfservice"]["flows"]["settings"]["after"].pop("profile"),
            besides("settings.after", gate()),
        ), {},
        [("gate-never-asked", f"{FLOWS}.settings.after.hooks[0].config"),
         ("settings-method-without-gate", f"{FLOWS}.settings.after.profile.hooks")],
    ),
    # --- what a policy's own list lets through ---
    "a list with approved": (
        at_login(gate("{ block_statuses: ['rejected', 'approved'] }")), {},
        [("approved-blocked", f"{LOGIN}.body")],
    ),
    "a list with approved, beside a level": (
        at_totp(gate("{ min_level: 3, block_statuses: ['approved'] }")), {},
        [("approved-blocked", f"{TOTP}.body")],
    ),
    "a list without rejected": (
        at_login(gate("{ block_statuses: [] }")), {},
        [("rejected-admitted", f"{LOGIN}.body")],
    ),
    "a list without rejected, beside a level": (at_totp(gate("{ min_level: 1, block_statuses: [] }")), {}, []),
    "a list without rejected, beside an age": (at_totp(gate("{ max_age: '90d', block_statuses: [] }")), {}, []),
    "a list with pending, without none": (
        at_login(gate("{ block_statuses: ['rejected', 'pending'] }")), {},
        [("block-list-gap", f"{LOGIN}.body")],
    ),
    "a list of everybody undecided": (
        at_login(gate("{ block_statuses: ['rejected', 'pending', 'none', 'unstarted', 'incomplete'] }")), {}, [],
    ),
    # --- the traps of every hook ---
    "a secret that is logged": (
        at_recovery(gate(AT_RECOVERY, auth=None, headers={"X-Webhook-Secret": ORY_SECRET})), {},
        [("secret-in-x-webhook-secret", f"{RECOVERY}.headers.X-Webhook-Secret")],
    ),
    "a secret that is unknown": (
        at_totp(gate(auth=None, headers={"Authorization": "Bearer other"})), {},
        [("secret-unknown", f"{TOTP}.headers.Authorization")],
    ),
    "no secret": (at_totp(gate(auth=None)), {}, [("secret-missing", f"{TOTP}.auth")]),
    "http over the internet": (
        at_recovery(gate(AT_RECOVERY, url="http://jumio-webhook.example.com/jumio/validate")), {},
        [("hook-url-not-tls", f"{RECOVERY}.url")],
    ),
    "GET": (at_totp(gate(method="GET")), {}, [("hook-method-not-post", f"{TOTP}.method")]),
    "no template": (at_totp(gate(body=None)), {}, [("body-missing", f"{TOTP}.body")]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_each_trap_by_its_name_and_place(name: str, stepped_up: Document) -> None:
    spoil, settings, expected = SPOILED[name]
    spoil(stepped_up)
    findings = check(stepped_up, **settings)
    assert places(findings) == expected
    assert all(finding.what and finding.remedy for finding in findings)
    assert ORY_SECRET not in repr(findings)


def test_what_may_be_meant_so_is_a_warning(stepped_up: Document) -> None:
    del stepped_up["selfservice"]["flows"]["settings"]["after"]["profile"]
    findings = check(stepped_up, JUMIO_WORKFLOW_KEY="2")
    assert {(finding.severity, finding.id) for finding in findings} == {
        (Severity.WARNING, "level-unreachable"),
        (Severity.WARNING, "settings-method-without-gate"),
    }


def test_the_table_in_force_decides(stepped_up: Document, tmp_path: Path) -> None:
    table = tmp_path / "assurance.toml"
    rows = '[[levels]]\nlevel = 1\nname = "contact"\n[[levels]]\nlevel = 2\nname = "document"\n'
    table.write_text(f'version = "ours"\nwarning_cap = 1\n{rows}')
    found = check(stepped_up, ASSURANCE_TABLE=str(table))
    assert [(finding.id, len(finding.also)) for finding in found] == [("level-unreachable", len(ENROLMENTS))]

    table.write_text(
        f'{table.read_text()}[[levels]]\nlevel = 3\nname = "screened"\n'
        'require = [{ capability = "liveness" }, { capability = "watchlistScreening" }]\n'
    )
    [finding] = check(stepped_up, ASSURANCE_TABLE=str(table))
    assert finding.severity is Severity.WARNING
    assert "brings no watchlistScreening:" in finding.what


def test_the_shipped_templates_as_an_operator_copies_them(stepped_up: Document, tmp_path: Path) -> None:
    file = tmp_path / "step-up.jsonnet"
    file.write_text(TEMPLATE % "{ min_level: 8 }")
    for uri in (file.as_uri(), str(file)):
        at_totp(gate(body=uri))(stepped_up)
        assert places(check(stepped_up)) == [("level-unreachable", f"{TOTP}.body")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (TEMPLATE % POLICY, {"min_level": 3}),
        (TEMPLATE % "{}", {}),
        (NO_POLICY, None),
        ("function(ctx) { 'policy': { \"min_level\": 12 } }", {"min_level": 12}),
        ("function(ctx) { policy::: { min_level: if true then 3 else 4 } }", {}),
        ("function(ctx) { policy:: { min_level: 3 } }", None),
        ("function(ctx) { policy+: { min_level: 1 } + { min_level: 2 } }", {"min_level": 2}),
        ("function(ctx) { note: 'our policy' }", None),
        ("/* policy: { min_level: 4 } */ function(ctx) {} # policy: {}", None),
    ],
)
def test_where_a_template_fails_here_a_policy_is_looked_for(clean: Document, source: str, expected: object) -> None:
    body, hash_sign, comment = source.partition(" #")
    at_login(gate(body=base64_of(f"{body} + (error 'not here'){hash_sign}{comment}")))(clean)
    assert policies.policies(clean, Library()).get(LOGIN) == expected
    assert (LOGIN in policies.policies(clean, Library())) is (expected is not None)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (TEMPLATE % POLICY, json.loads(POLICY_AS_JSON)),
        ("function(ctx) { policy: { min_level: if ctx.flow.type == 'api' then 4 else 3 } }", {"min_level": 3}),
        ("function(ctx) { ['policy' + '']: {} }", {}),
        ("function(ctx) { policy: { min_level: ctx.identity.traits.role } }", {}),  # fails here: by its text
        ("local shared = import 'policies.libsonnet'; function(ctx) { policy: { min_level: 2 } + shared }",
         {"min_level": 2}),
        ("function(ctx) { policy: ", {}),
        ("local f(n) = 1 + f(n); function(ctx) { policy: { min_level: f(1) } }", {}),
        (NO_POLICY, None),
        ("function(ctx) [ctx.identity.id]", None),
        ("function(ctx) error 'no'", None),
    ],
)  # fmt: skip
def test_what_a_template_sends(clean: Document, source: str, expected: object) -> None:
    at_login(gate(body=base64_of(source)))(clean)
    assert policies.policies(clean, Library()).get(LOGIN) == expected
    assert (LOGIN in policies.policies(clean, Library())) is (expected is not None)


@pytest.mark.parametrize("body", ["base64://%", "file:///no/such/folder/here/step-up.jsonnet", ""])
def test_a_template_that_cannot_be_read_has_no_policy(clean: Document, body: str) -> None:
    at_login(gate(body=body))(clean)
    assert LOGIN not in policies.policies(clean, Library())
