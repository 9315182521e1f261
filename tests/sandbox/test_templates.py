# SPDX-License-Identifier: Apache-2.0
"""Our two templates, evaluated with contexts recorded from Kratos v26.2.0 (browser and native, password and code)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.sandbox.hooks import evaluate
from webhook.sandbox.shipped import PLACEHOLDERS, actions, shipped

RECORDED = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "contexts").glob("*.json")}
ABSENT = object()
STATUSES = ("unstarted", "pending", "approved", "review", "rejected", "incomplete")
REGISTRATION = ("password", "oidc", "code", "webauthn", "passkey")


def body(template: str, context: dict[str, Any]) -> Any:
    return json.loads(evaluate((shipped("jsonnet") / f"{template}.jsonnet").as_uri(), context))


def with_metadata(name: str, metadata: Any) -> dict[str, Any]:
    context: dict[str, Any] = copy.deepcopy(RECORDED[name])
    del context["identity"]["metadata_public"]
    if metadata is not ABSENT:
        context["identity"]["metadata_public"] = metadata
    return context


def test_contexts_of_every_kind_were_recorded() -> None:
    assert {name.split("-")[0] for name in RECORDED} == {"registration", "login"}
    assert "csrf_token" in json.dumps(RECORDED["login-browser"])
    assert "ory_kratos_session" in RECORDED["login-browser"]["request_cookies"]


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
        "identity": {"id": context["identity"]["id"], "metadata_public": None, "contact_verified": False},
        "flow": {"id": context["flow"]["id"], "type": context["flow"]["type"]},
    }


@pytest.mark.parametrize(
    ("metadata", "sent"),
    [
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
    ],
)
def test_validate_survives_any_metadata(metadata: Any, sent: Any) -> None:
    found = body("validate", with_metadata("login-browser", metadata))
    assert found["identity"]["metadata_public"] == sent
    assert body("initiate", with_metadata("login-browser", metadata))["identity"].keys() == {"id"}


def test_nothing_else_leaves_kratos() -> None:
    context = with_metadata("login-browser", {"jumio": {"status": "approved"}, "crm": "private"})
    for template in ("initiate", "validate"):
        sent = json.dumps(body(template, context))
        for secret in ("csrf", "cookie", "ory_kratos_session", "example.com", "private", "127.0.0.1"):
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


def test_actions_are_filled() -> None:
    text = actions(service_url="http://127.0.0.1:3000/", ory_secret="a-secret")
    assert not any(placeholder in text for placeholder in PLACEHOLDERS.values())
    hook = yaml.safe_load(text)["selfservice"]["flows"]["login"]["after"]["totp"]["hooks"][0]["config"]
    assert hook["url"] == "http://127.0.0.1:3000/jumio/validate"
    assert hook["auth"]["config"] == {"in": "header", "name": "Authorization", "value": "Bearer a-secret"}
    assert evaluate(hook["body"], RECORDED["login-code"])


def test_shipped_files_are_looked_for_by_name() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-file is neither in"):
        shipped("no-such-file")
