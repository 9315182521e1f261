# SPDX-License-Identifier: Apache-2.0
"""Ways to a session in a real Kratos that the stand-in does not have, with the hooks of ory-actions.yaml as shipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox import faults
from sandbox.kratos_binary import RealKratos
from sandbox.people import PASSWORD
from sandbox.server import LoopbackServer
from sandbox.shipped import actions

from .worlds import SECRET, binary_for, email, recorder

TEXT = {"id": 9010001, "text": "No.", "type": "error", "context": {}}
REFUSAL = faults.answer(403, json.dumps({"messages": [{"instance_ptr": "#/", "messages": [TEXT]}]}).encode())


class WithLinks(RealKratos):
    """One that verifies addresses, and whose admins may send links."""

    def _configuration(self, folder: Path, public: int, admin: int) -> dict[str, Any]:
        made = super()._configuration(folder, public, admin)
        made["selfservice"]["methods"]["link"] = {"enabled": True}
        made["selfservice"]["flows"]["verification"] = {"enabled": True, "use": "code"}
        return made

    def verify(self, address: str) -> requests.Response:
        """By the code in the mail."""
        url, json_only = self._new_flow("verification"), {"Accept": "application/json"}
        asked = self._http.post(url, json={"method": "code", "email": address}, headers=json_only, timeout=10)
        assert asked.json()["state"] == "sent_email"
        code = self._mailed_code(address, "verification")
        return self._http.post(url, json={"method": "code", "code": code}, headers=json_only, timeout=10)

    def register_with(self, address: str, payload: dict[str, Any]) -> requests.Response:
        body = {"method": "password", "password": PASSWORD, "traits": {"email": address}, "transient_payload": payload}
        return self._submit(self._new_flow("registration"), body)

    def login_with(self, address: str, payload: dict[str, Any]) -> requests.Response:
        body = {"method": "password", "password": PASSWORD, "identifier": address, "transient_payload": payload}
        return self._submit(self._new_flow("login"), body)

    def use_admin_code(self, identity_id: str) -> requests.Response:
        asked = {"identity_id": identity_id, "flow_type": "api"}
        made = self._http.post(f"{self.admin_url}/admin/recovery/code", json=asked, timeout=10).json()
        (flow,) = parse_qs(urlsplit(made["recovery_link"]).query)["flow"]
        url = f"{self.public_url}/self-service/recovery?flow={flow}"
        return self._http.post(url, json={"method": "code", "code": made["recovery_code"]}, timeout=10)

    def use_admin_link(self, identity_id: str) -> requests.Response:
        asked = {"identity_id": identity_id}
        made = self._http.post(f"{self.admin_url}/admin/recovery/link", json=asked, timeout=10).json()
        return self._http.get(made["recovery_link"], allow_redirects=False, timeout=10)


@pytest.fixture(scope="module")
def hooks() -> Iterator[LoopbackServer]:
    with LoopbackServer(recorder()) as server:
        yield server


@pytest.fixture(scope="module")
def started(hooks: LoopbackServer) -> Iterator[WithLinks]:
    binary = binary_for("real")
    assert binary
    with WithLinks(actions(service_url=hooks.url, ory_secret=SECRET), binary=binary) as kratos:
        yield kratos


@pytest.fixture
def kratos(started: WithLinks, hooks: LoopbackServer) -> Iterator[WithLinks]:
    yield started
    hooks.faults = None


def somebody(kratos: WithLinks) -> tuple[str, str]:
    address = email()
    registered = kratos.register(address)
    assert registered.identity_id
    return address, registered.identity_id


def test_verifying_an_address_gives_no_session(kratos: WithLinks) -> None:
    address, identity_id = somebody(kratos)
    verified = kratos.verify(address)
    assert verified.json()["state"] == "passed_challenge"
    assert "Set-Cookie" not in verified.headers
    assert "session" not in verified.json()
    assert verified.json().get("continue_with") is None
    assert len(kratos.sessions(identity_id)) == 1, "the registration's"


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("way", ["use_admin_code", "use_admin_link"])
def test_what_an_operator_sends_for_a_recovery_comes_by_the_gate(
    kratos: WithLinks, hooks: LoopbackServer, way: str, refused: bool
) -> None:
    _, identity_id = somebody(kratos)
    hooks.faults = lambda request: REFUSAL if refused and request.path == "/jumio/validate" else None
    hooks.clear()
    getattr(kratos, way)(identity_id)
    asked = [request for request in hooks.requests if identity_id.encode() in request.body]
    assert [request.path for request in asked if request.path == "/jumio/validate"] == ["/jumio/validate"]
    assert len(kratos.sessions(identity_id)) == (1 if refused else 2)


# The two below stand last: what overflows leaves a broken evaluator behind, at which some later hook fails, once.
TOO_LONG = {"note": "x" * 300_000}


def test_whoever_fills_the_template_s_input_starts_nothing(kratos: WithLinks, hooks: LoopbackServer) -> None:
    """github.com/ory/kratos/pull/4601: what the doctor calls `template-input-overflow`."""
    hooks.clear()
    registered = kratos.register_with(email(), TOO_LONG)
    assert registered.status_code == 200
    assert registered.json()["session_token"]
    identity_id = registered.json()["identity"]["id"]
    others = [somebody(kratos)[1].encode() for _ in range(5)]
    assert hooks.wait(lambda server: any(other in request.body for other in others for request in server.requests))
    assert not [request for request in hooks.requests if identity_id.encode() in request.body]


def test_but_whoever_fills_it_at_a_sign_in_passes_no_gate(kratos: WithLinks, hooks: LoopbackServer) -> None:
    """Kratos asks nobody and fails, or asks with an empty body, which the service refuses."""
    address, identity_id = somebody(kratos)
    hooks.faults = lambda request: None if request.body else REFUSAL
    for _ in range(3):
        assert "session_token" not in kratos.login_with(address, TOO_LONG).json()
    assert len(kratos.sessions(identity_id)) == 1
    assert any(kratos.login(address).allowed for _ in range(10))
