# SPDX-License-Identifier: Apache-2.0
"""Our hooks' templates, evaluated with contexts recorded from Kratos v26.2.0: sign-up, sign-in, settings, recovery."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.hooks import evaluate
from sandbox.shipped import PLACEHOLDERS, STEP_UP, actions, shipped

RECORDED = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "contexts").glob("*.json")}
ABSENT = object()
STATUSES = ("unstarted", "pending", "approved", "review", "rejected", "incomplete")
STEP_UPS = {
    "step-up": {"min_level": 3, "on_unmet": "start"},
    "step-up-profile": {"min_level": 2, "on_unmet": "start"},
    "step-up-recovery": {"min_level": 2, "on_unmet": "block"},
    "recovery": {"on_unmet": "block"},
}
REGISTRATION = ("password", "oidc", "code", "webauthn", "passkey")


def body(template: str, context: dict[str, Any]) -> Any:
    return json.loads(evaluate((shipped("jsonnet") / f"{template}.jsonnet").as_uri(), context))


def bodies(template: str, contexts: list[dict[str, Any]]) -> list[Any]:
    """The same for many, in one evaluation: starting Jsonnet costs more than all of them."""
    source = f"function(ctx) std.map(({(shipped('jsonnet') / f'{template}.jsonnet').read_text()}), ctx)"
    uri = f"base64://{base64.b64encode(source.encode()).decode()}"
    found: list[Any] = json.loads(evaluate(uri, contexts))  # type: ignore[arg-type]  # a mapping is enough
    return found


def acting(context: dict[str, Any]) -> dict[str, Any]:
    """Who does it, as stored: a recovery has no session yet."""
    found: dict[str, Any] = context["session"]["identity"] if "session" in context else context["identity"]
    return found


def with_member(name: str, member: str, value: Any) -> dict[str, Any]:
    context: dict[str, Any] = copy.deepcopy(RECORDED[name])
    for identity in (context["identity"], acting(context)):
        identity.pop(member, None)
        if value is not ABSENT:
            identity[member] = value
    return context


def with_metadata(name: str, metadata: Any) -> dict[str, Any]:
    return with_member(name, "metadata_public", metadata)


def test_contexts_of_every_kind_were_recorded() -> None:
    assert {name.split("-")[0] for name in RECORDED} == {"registration", "login", "settings", "recovery"}
    assert "csrf_token" in json.dumps(RECORDED["login-browser"])
    assert "ory_kratos_session" in RECORDED["login-browser"]["request_cookies"]
    assert "totp_secret_key" in json.dumps(RECORDED["settings-totp"])
    profile = RECORDED["settings-profile"]
    assert profile["identity"]["traits"] != profile["session"]["identity"]["traits"]


@pytest.mark.parametrize("name", RECORDED)
def test_initiate(name: str) -> None:
    context = RECORDED[name]
    assert body("initiate", context) == {
        "identity": {"id": context["identity"]["id"]},
        "flow": {"id": context["flow"]["id"], "type": context["flow"]["type"]},
    }


@pytest.mark.parametrize("name", RECORDED)
def test_validate_as_recorded(name: str) -> None:
    context = RECORDED[name]
    assert body("validate", context) == {
        "identity": {
            "id": context["identity"]["id"],
            "metadata_public": None,
            "contact_verified": name == "recovery-code",
        },
        "flow": {"id": context["flow"]["id"], "type": context["flow"]["type"]},
    }


@pytest.mark.parametrize("template", STEP_UPS)
@pytest.mark.parametrize("name", RECORDED)
def test_step_up_as_recorded(name: str, template: str) -> None:
    """The same as at a sign-in, about whoever acts, and the policy."""
    context = RECORDED[name]
    expected = body("validate", {**context, "identity": acting(context)})
    assert body(template, context) == {**expected, "policy": STEP_UPS[template]}


def test_step_up_templates_differ_in_their_policy_only() -> None:
    texts = [(shipped("jsonnet") / f"{template}.jsonnet").read_text() for template in STEP_UPS]
    assert len({text.partition("function(ctx)")[2] for text in texts}) == 1


def test_the_proposed_identity_decides_nothing() -> None:
    context = copy.deepcopy(RECORDED["settings-profile"])
    forged = {"jumio": {"assurance": {"level": 4}}}
    context["identity"] |= {"metadata_public": forged, "verifiable_addresses": [{"verified": True}], "id": "other"}
    for template in STEP_UPS:
        assert body(template, context)["identity"] == {
            "id": acting(context)["id"],
            "metadata_public": None,
            "contact_verified": False,
        }


@pytest.mark.parametrize("template", ["validate", *STEP_UPS])
def test_contact_verified_survives_any_addresses(template: str) -> None:
    cases: list[tuple[Any, bool]] = [
        (ABSENT, False),
        (None, False),
        ([], False),
        ("verified", False),
        ({"verified": True}, False),
        ([None, "verified", ["verified"], {}], False),
        ([{"verified": False}, {"verified": "true"}, {"verified": 1}, {"verified": None}], False),
        ([{"verified": True}], True),
        ([{"verified": False}, {"verified": True, "value": "jane@example.com"}], True),
    ]
    for name in ("login-browser", "settings-totp", "recovery-code"):
        found = bodies(template, [with_member(name, "verifiable_addresses", addresses) for addresses, _ in cases])
        assert [each["identity"]["contact_verified"] for each in found] == [verified for _, verified in cases]


def test_validate_survives_any_metadata() -> None:
    cases: list[tuple[Any, Any]] = [
        (ABSENT, None),
        (None, None),
        ({}, None),
        ({"crm": "private"}, None),
        ("jumio", None),
        ("", None),
        (["jumio"], None),
        ([], None),
        (7, None),
        (True, None),
        ({"jumio": None}, {"jumio": None}),
        ({"jumio": "approved"}, {"jumio": "approved"}),
        ({"jumio": []}, {"jumio": []}),
        ({"jumio": {}, "crm": "private"}, {"jumio": {}}),
        *(({"jumio": {"status": s, "a": [1]}}, {"jumio": {"status": s, "a": [1]}}) for s in STATUSES),
    ]
    at_login = [with_metadata("login-browser", metadata) for metadata, _ in cases]
    sent = [sent for _, sent in cases]
    assert [found["identity"]["metadata_public"] for found in bodies("validate", at_login)] == sent
    assert all(found["identity"].keys() == {"id"} for found in bodies("initiate", at_login))
    for template in STEP_UPS:
        for name in ("settings-totp", "settings-profile", "recovery-code"):
            found = bodies(template, [with_metadata(name, metadata) for metadata, _ in cases])
            assert [each["identity"]["metadata_public"] for each in found] == sent


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_else_leaves_kratos(name: str) -> None:
    context = with_metadata(name, {"jumio": {"status": "approved"}, "crm": "private"})
    context["request_cookies"] = {"ory_kratos_session": "private"}
    for template in ("initiate", "validate", *STEP_UPS):
        sent = json.dumps(body(template, context))
        for secret in ("csrf", "cookie", "ory_kratos_session", "example.com", "private", "127.0.0.1", "secret"):
            assert secret not in sent


def test_actions_name_every_method() -> None:
    flows = yaml.safe_load(shipped("ory-actions.yaml").read_text())["selfservice"]["flows"]
    registration, login = flows["registration"]["after"], flows["login"]["after"]
    assert set(registration) == set(REGISTRATION)
    assert set(login) == {*REGISTRATION, "totp", "lookup_secret"}
    for method in registration.values():
        web_hook, session = method["hooks"]
        assert session == {"hook": "session"}
        assert web_hook["config"]["response"] == {"ignore": True}
        assert web_hook["config"]["url"].endswith("/jumio/initiate")
    for method in login.values():
        (web_hook,) = method["hooks"]
        assert web_hook["config"]["can_interrupt"] is True
        assert web_hook["config"]["url"].endswith("/jumio/validate")
    (web_hook,) = flows["recovery"]["after"]["hooks"]
    assert web_hook["config"]["can_interrupt"] is True
    assert web_hook["config"]["url"].endswith("/jumio/validate")
    assert web_hook["config"]["body"] == f"{PLACEHOLDERS['templates']}/recovery.jsonnet"
    assert set(flows) == {"registration", "login", "recovery"}


def test_actions_are_filled() -> None:
    text = actions(service_url="http://127.0.0.1:3000/", ory_secret="a-secret")
    assert not any(placeholder in text for placeholder in PLACEHOLDERS.values())
    hook = yaml.safe_load(text)["selfservice"]["flows"]["login"]["after"]["totp"]["hooks"][0]["config"]
    assert hook["url"] == "http://127.0.0.1:3000/jumio/validate"
    assert hook["auth"]["config"] == {"in": "header", "name": "Authorization", "value": "Bearer a-secret"}
    assert evaluate(hook["body"], RECORDED["login-code"])


def test_step_up_actions_name_every_method() -> None:
    flows = yaml.safe_load(shipped(STEP_UP).read_text())["selfservice"]["flows"]
    settings, recovery = flows["settings"]["after"], flows["recovery"]["after"]
    assert set(flows) == {"settings", "recovery"}
    assert set(settings) == {"password", "totp", "webauthn", "passkey", "lookup_secret", "oidc", "profile"}
    for name, gate in {**settings, "recovery": recovery}.items():
        ((web_hook,),) = gate.values()
        assert web_hook["config"]["can_interrupt"] is True
        assert web_hook["config"]["url"].endswith("/jumio/validate")
        template = f"step-up-{name}" if name in ("profile", "recovery") else "step-up"
        assert web_hook["config"]["body"] == f"{PLACEHOLDERS['templates']}/{template}.jsonnet"


def test_step_up_actions_are_filled() -> None:
    text = actions(service_url="http://127.0.0.1:3000/", ory_secret="a-secret", file=STEP_UP)
    assert not any(placeholder in text for placeholder in PLACEHOLDERS.values())
    hook = yaml.safe_load(text)["selfservice"]["flows"]["recovery"]["after"]["hooks"][0]["config"]
    assert hook["url"] == "http://127.0.0.1:3000/jumio/validate"
    assert hook["auth"]["config"] == {"in": "header", "name": "Authorization", "value": "Bearer a-secret"}
    assert evaluate(hook["body"], RECORDED["recovery-code"])


def test_shipped_files_are_looked_for_by_name() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-file is neither in"):
        shipped("no-such-file")
