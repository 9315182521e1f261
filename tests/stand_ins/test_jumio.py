# SPDX-License-Identifier: Apache-2.0
"""The Jumio stand-in against Jumio's documents: OAuth, starting, retrieval, the page, callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import requests

from sandbox import callbacks
from sandbox.callbacks import Callback
from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import OUTCOMES, Workflow
from sandbox.jumio_rules import body_problem, business_named
from sandbox.server import LoopbackServer

from .worlds import recorder

AGENT = "Acme acme-app/1.0"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BODY: dict[str, Any] = {
    "customerInternalReference": "9f425a8d-7efc-4768-8f23-7647a74fdf13",
    "workflowDefinition": {"key": 10011},
}


@dataclass
class Client:
    """Calls the stand-in as a well-behaved customer does."""

    jumio: JumioStandIn
    session: requests.Session = field(default_factory=requests.Session)

    def token(self, **options: Any) -> requests.Response:
        given = {
            "auth": (self.jumio.client_id, self.jumio.client_secret),
            "data": {"grant_type": "client_credentials"},
            "headers": {"User-Agent": AGENT},
        }
        return self.session.post(self.jumio.auth_url, timeout=10, **{**given, **options})

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"User-Agent": AGENT, "Authorization": f"Bearer {self.token().json()['access_token']}"}
        headers |= options.pop("headers", {})
        return self.session.request(method, f"{self.jumio.api_base_url}{path}", headers=headers, timeout=10, **options)

    def start(self, **members: Any) -> Workflow:
        reply = self.call("POST", "/accounts", json={**BODY, **members})
        assert reply.status_code == 200, reply.text
        return self.jumio.workflow(reply.json()["workflowExecution"]["id"])

    def details(self, workflow: Workflow) -> requests.Response:
        return self.call("GET", f"/accounts/{workflow.account_id}/workflow-executions/{workflow.id}")


def dice(seed: int) -> random.Random:
    return random.Random(seed)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def receiver() -> Iterator[LoopbackServer]:
    with LoopbackServer(recorder()) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jumio(receiver: LoopbackServer, clock: Clock) -> Iterator[JumioStandIn]:
    with JumioStandIn(callback_url=f"{receiver.url}/jumio/callback", clock=clock) as running:
        yield running


@pytest.fixture
def client(jumio: JumioStandIn) -> Iterator[Client]:
    with requests.Session() as session:
        session.trust_env = False
        yield Client(jumio, session)


def problem(reply: requests.Response) -> int:
    """The status, after a look at the documented error body."""
    body = reply.json()
    assert set(body) == {"title", "status", "detail"}
    assert body["status"] == reply.status_code
    return reply.status_code


# OAuth


def test_token(client: Client, clock: Clock) -> None:
    body = client.token().json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    payload = body["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["iat"], claims["exp"]) == (clock.now, clock.now + 3600)


def test_the_same_token_until_it_ends(client: Client, clock: Clock) -> None:
    first = client.token().json()
    clock.now += 3599
    assert client.token().json() == first, "expires_in is no longer true by now, only the token's exp is"
    clock.now += 1
    assert client.token().json()["access_token"] != first["access_token"]


def test_a_token_ends(client: Client, jumio: JumioStandIn, clock: Clock) -> None:
    token = client.token().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.call("POST", "/accounts", json=BODY, headers=headers).status_code == 200
    jumio.revoke_token()
    assert problem(client.call("POST", "/accounts", json=BODY, headers=headers)) == 401
    token = client.token().json()["access_token"]
    clock.now += 3600
    assert not jumio.token_valid(token)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"auth": ("sandbox-client", "wrong")}, 403),
        ({"auth": None}, 403),
        ({"data": {}}, 400),
        ({"data": {"grant_type": "password"}}, 400),
        ({"headers": {}}, 403),
    ],
)
def test_token_refused(client: Client, options: dict[str, Any], status: int) -> None:
    assert problem(client.token(**options)) == status


# Guards


@pytest.mark.parametrize(
    "agent",
    ["", " ", "python-requests/2.32.0", "Python-urllib/3.11", "python-urllib3/2.5", "curl/8.0", "Go-http-client/1.1"],
)
def test_a_user_agent_that_names_no_business(agent: str, client: Client) -> None:
    assert not business_named(agent)
    if agent.strip():
        assert problem(client.call("POST", "/accounts", json=BODY, headers={"User-Agent": agent})) == 403


@pytest.mark.parametrize("agent", [AGENT, "ory-jumio-webhook/1.0", "Acme python-requests/2"])
def test_a_user_agent_that_does(agent: str) -> None:
    assert business_named(agent)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic eDp5"])
def test_no_bearer_token(client: Client, authorization: str) -> None:
    for method, path in (("POST", "/accounts"), ("GET", "/accounts/a/workflow-executions/w")):
        assert problem(client.call(method, path, json=BODY, headers={"Authorization": authorization})) == 401


def test_unknown_paths(client: Client) -> None:
    assert problem(client.call("GET", "/nonsense")) == 404
    assert problem(client.call("PATCH", "/accounts")) == 405


# Starting


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"workflowDefinition": {"key": "10011"}},
        {"userReference": "u" * 100},
        {"tokenLifetime": "5m"},
        {"tokenLifetime": "60d"},
        {"web": {"locale": "de"}},
        {"web": {"locale": "en-GB", "successUrl": "https://app.example.com/done"}},
        {"callbackUrl": "https://idv.example.com/jumio/callback/" + "x" * 200},
        {"callbackUrl": "http://127.0.0.1:3000/jumio/callback/a/b"},
    ],
)
def test_body_taken(members: dict[str, Any]) -> None:
    assert body_problem({**BODY, **members}) is None


@pytest.mark.parametrize(
    "members",
    [
        {"customerInternalReference": None},
        {"customerInternalReference": ""},
        {"customerInternalReference": "x" * 101},
        *({"customerInternalReference": f"a{character}b"} for character in '<>"/;\\`%{}|'),
        {"workflowDefinition": None},
        {"workflowDefinition": {}},
        {"workflowDefinition": {"key": True}},
        {"workflowDefinition": {"key": "ten"}},
        {"userReference": ""},
        {"userReference": "u" * 101},
        {"tokenLifetime": "4m"},
        {"tokenLifetime": "61d"},
        {"tokenLifetime": "1 hour"},
        {"tokenLifetime": 30},
        {"web": []},
        {"web": {"locale": "german"}},
        {"web": {"successUrl": "ftp://example.com/"}},
        {"web": {"errorUrl": 1}},
        {"callbackUrl": "https://idv.example.com/" + "x" * 255},
        {"callbackUrl": "http://idv.example.com/"},
        {"callbackUrl": "https://idv.example.com:8443/"},
        {"callbackUrl": "https://idv.example.com:port/"},
        {"callbackUrl": "https://192.0.2.1/"},
        {"callbackUrl": "https://[2001:db8::1]/"},
        {"callbackUrl": "https://idv.example.com/#top"},
        {"callbackUrl": "https://bücher.example/"},
        {"callbackUrl": "/jumio/callback"},
    ],
)
def test_body_refused(members: dict[str, Any], client: Client) -> None:
    assert body_problem({**BODY, **members})
    assert problem(client.call("POST", "/accounts", json={**BODY, **members})) == 400
    assert client.jumio.workflows == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{bad", b'"text"'])
def test_no_body(client: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert problem(client.call("POST", "/accounts", data=body, headers=headers)) == 400


def test_start(client: Client, jumio: JumioStandIn) -> None:
    members = {"userReference": "u-1", "web": {"successUrl": "https://app.example.com/done", "locale": "de"}}
    reply = client.call("POST", "/accounts", json={**BODY, **members}).json()
    (workflow,) = jumio.workflows
    assert set(reply) == {"timestamp", "account", "web", "sdk", "workflowExecution"}
    assert STAMP.fullmatch(reply["timestamp"])
    assert reply["account"] == {"id": str(UUID(workflow.account_id))}
    assert reply["web"] == {"href": workflow.web_href, "successUrl": "https://app.example.com/done"}
    assert reply["workflowExecution"]["id"] == str(UUID(workflow.id))
    assert [c["category"] for c in reply["workflowExecution"]["credentials"]] == ["ID", "SELFIE", "FACEMAP"]
    assert re.fullmatch(re.escape(jumio.url) + r"/web/v4/app\?authorizationToken=[\w-]+&locale=de", workflow.web_href)
    assert (workflow.status, workflow.reference, workflow.user_reference, workflow.definition_key) == (
        "INITIATED", BODY["customerInternalReference"], "u-1", "10011",
    )  # fmt: skip
    assert jumio.truth(workflow.reference) == [workflow]
    assert jumio.truth("somebody else") == []


def test_a_second_workflow_on_the_same_account(client: Client, jumio: JumioStandIn, clock: Clock) -> None:
    first = client.start()
    clock.now += 1
    reply = client.call("PUT", f"/accounts/{first.account_id}", json=BODY)
    assert (reply.status_code, reply.json()["account"]["id"]) == (200, first.account_id)
    assert jumio.truth(first.reference) == jumio.workflows
    assert [workflow.created_at for workflow in jumio.workflows] == [clock.now - 1, clock.now]
    assert problem(client.call("PUT", "/accounts/unknown", json=BODY)) == 404


# Retrieval


def test_details_before_anything_happened(client: Client) -> None:
    workflow = client.start()
    body = client.details(workflow).json()
    assert body["workflow"] == {
        "id": workflow.id,
        "status": "INITIATED",
        "definitionKey": "10011",
        "customerInternalReference": workflow.reference,
    }
    assert body["account"] == {"id": workflow.account_id}
    assert STAMP.fullmatch(body["createdAt"])
    assert "startedAt" not in body
    assert "completedAt" not in body
    assert body["capabilities"] == {}


@pytest.mark.parametrize(
    ("outcome", "opened", "status", "kind", "label", "score"),
    [
        ("passed", True, "PROCESSED", "PASSED", "PASSED", 0.0),
        ("passed", False, "PROCESSED", "PASSED", "PASSED", 0.0),
        ("warning", True, "PROCESSED", "WARNING", "WARNING", 50.0),
        ("rejected", True, "PROCESSED", "REJECTED", "REJECTED", 100.0),
        ("not_executed", True, "PROCESSED", "NOT_EXECUTED", "NOT_EXECUTED", -1.0),
        ("expire", False, "TOKEN_EXPIRED", "NOT_EXECUTED", "TOKEN_EXPIRED", -1.0),
        ("expire", True, "SESSION_EXPIRED", "REJECTED", "REJECTED", 100.0),
    ],
)
def test_outcomes(client: Client, outcome: str, opened: bool, status: str, kind: str, label: str, score: float) -> None:
    workflow = client.start(userReference="u-1")
    if opened:
        assert client.session.get(workflow.web_href, timeout=10).status_code == 200
    client.jumio.decide(workflow.id, outcome)
    body = client.details(workflow).json()
    assert (body["workflow"]["status"], body["workflow"]["userReference"]) == (status, "u-1")
    assert body["decision"] == {"type": kind, "details": {"label": label}, "risk": {"score": score}}
    assert ("startedAt" in body) is (status != "TOKEN_EXPIRED")
    assert STAMP.fullmatch(body["completedAt"])
    assert (workflow.status, workflow.outcome, workflow.settled) == (status, outcome, True)
    found = {name: entries[0]["decision"]["type"] for name, entries in body["capabilities"].items()}
    assert list(found) == ["usability", "imageChecks", "extraction", "dataChecks", "similarity", "liveness"]
    if outcome in ("passed", "warning", "rejected"):
        assert kind in found.values()
        assert body["capabilities"]["extraction"][0]["data"]["documentNumber"] == "1111111"
    else:
        assert set(found.values()) == {"NOT_EXECUTED"}


def test_an_outcome_can_change(client: Client) -> None:
    workflow = client.start()
    client.jumio.decide(workflow.id, "passed")
    client.jumio.decide(workflow.id, "rejected")
    assert client.details(workflow).json()["decision"]["type"] == "REJECTED"
    with pytest.raises(ValueError, match="is none of passed"):
        client.jumio.decide(workflow.id, "maybe")
    with pytest.raises(KeyError):
        client.jumio.decide("unknown", "passed")


def test_unknown_workflows(client: Client, jumio: JumioStandIn) -> None:
    first, second = client.start(), client.start()
    mixed = f"/accounts/{first.account_id}/workflow-executions/{second.id}"
    assert problem(client.call("GET", mixed)) == 404
    jumio.delete(first.account_id, first.id)
    assert problem(client.details(first)) == 404
    assert jumio.workflows == [second]


# The page


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_page(client: Client, outcome: str) -> None:
    workflow = client.start()
    page = client.session.get(workflow.web_href, timeout=10).text
    assert '<html lang="en">' in page
    assert "<title>" in page
    assert f'<button name="outcome" value="{outcome}">' in page
    assert workflow.started_at is not None
    after = client.session.post(workflow.web_href, data={"outcome": outcome}, timeout=10)
    assert after.status_code == 200
    assert workflow.outcome == outcome
    assert workflow.status in after.text
    assert "<form" not in after.text
    client.session.post(workflow.web_href, data={"outcome": "passed"}, timeout=10)
    assert workflow.outcome == outcome, "one decision a link"


def test_page_escapes(client: Client) -> None:
    workflow = client.start(customerInternalReference="a&b'c")
    assert "a&amp;b&#39;c" in client.session.get(workflow.web_href, timeout=10).text


def test_page_refuses(client: Client, jumio: JumioStandIn) -> None:
    workflow = client.start()
    assert client.session.post(workflow.web_href, data={"outcome": "maybe"}, timeout=10).status_code == 400
    assert client.session.get(f"{jumio.url}/web/v4/app?authorizationToken=x", timeout=10).status_code == 404
    assert not workflow.settled


@pytest.mark.parametrize(
    ("outcome", "where", "acquisition"), [("passed", "done", "SUCCESS"), ("expire", "error", "ERROR")]
)
def test_page_returns_to_the_shop(client: Client, outcome: str, where: str, acquisition: str) -> None:
    web = {"successUrl": "https://app.example.com/done", "errorUrl": "https://app.example.com/error"}
    workflow = client.start(web=web)
    reply = client.session.post(workflow.web_href, data={"outcome": outcome}, timeout=10, allow_redirects=False)
    query = f"accountId={workflow.account_id}&workflowExecutionId={workflow.id}&acquisitionStatus={acquisition}"
    expected = f"https://app.example.com/{where}?{query}&customerInternalReference={workflow.reference}"
    assert (reply.status_code, reply.headers["Location"]) == (303, expected)


# Callbacks


def test_signed_callback(client: Client, jumio: JumioStandIn, receiver: LoopbackServer) -> None:
    workflow = client.start(userReference="u-1")
    jumio.decide(workflow.id, "passed")
    (delivery,) = jumio.wait_for_callbacks()
    assert (delivery.status, delivery.reply, delivery.error) == (200, b"{}\n", None)
    (request,) = receiver.requests
    assert request.path == "/jumio/callback"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "Jumio Sandbox Callback/1.0"
    digest = hmac.new(jumio.callback_secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Jumio-Signature"] == digest
    body = json.loads(request.body)
    assert set(body) == {"callbackSentAt", "userReference", "workflowExecution", "account"}
    assert STAMP.fullmatch(body["callbackSentAt"])
    assert body["workflowExecution"].items() >= {"id": workflow.id, "status": "PROCESSED"}.items()
    assert body["workflowExecution"]["definitionKey"] == "10011"
    assert body["account"]["id"] == workflow.account_id
    assert workflow.reference not in request.body.decode(), "documented: no customerInternalReference"


def test_callback_to_the_workflows_own_url(client: Client, jumio: JumioStandIn, receiver: LoopbackServer) -> None:
    workflow = client.start(callbackUrl=f"{receiver.url}/jumio/callback/person/token")
    jumio.expire(workflow.id)
    jumio.wait_for_callbacks()
    (request,) = receiver.requests
    assert request.path == "/jumio/callback/person/token"
    assert "X-Jumio-Signature" not in request.headers
    assert json.loads(request.body)["workflowExecution"]["status"] == "TOKEN_EXPIRED"


def test_intermediate_callback(client: Client, jumio: JumioStandIn, receiver: LoopbackServer) -> None:
    workflow = client.start()
    jumio.acquire(workflow.id)
    jumio.wait_for_callbacks()
    assert json.loads(receiver.requests[0].body)["workflowExecution"]["status"] == "ACQUIRED"
    assert not workflow.settled
    assert workflow.started_at is not None


def test_no_callback(client: Client, jumio: JumioStandIn) -> None:
    jumio.decide(client.start().id, "passed", callback=False)
    jumio.callback_url = None
    jumio.decide(client.start().id, "passed")
    assert jumio.wait_for_callbacks() == []


def test_nobody_takes_the_callback(client: Client, jumio: JumioStandIn, unused_port: int) -> None:
    jumio.callback_url = f"http://127.0.0.1:{unused_port}/"
    jumio.decide(client.start().id, "passed")
    (delivery,) = jumio.wait_for_callbacks()
    assert (delivery.status, delivery.reply) == (0, b"")
    assert delivery.error
    assert "refused" in delivery.error


def test_lost(client: Client, jumio: JumioStandIn) -> None:
    jumio.sender.policy = callbacks.Lose()
    jumio.decide(client.start().id, "passed")
    assert jumio.wait_for_callbacks() == []


def test_repeated(client: Client, jumio: JumioStandIn) -> None:
    jumio.sender.policy = callbacks.Repeat(3)
    jumio.decide(client.start().id, "passed")
    deliveries = jumio.wait_for_callbacks()
    assert [delivery.status for delivery in deliveries] == [200] * 3
    assert len({delivery.callback.body for delivery in deliveries}) == 1


def test_delayed(client: Client, jumio: JumioStandIn) -> None:
    jumio.sender.policy = callbacks.Delay(30)
    jumio.decide(client.start().id, "passed")
    with pytest.raises(TimeoutError, match="1 callbacks still under way"):
        jumio.wait_for_callbacks(timeout=0.05)
    jumio.sender.close()  # does not wait for it
    jumio.wait_for_callbacks()


def test_held_back(client: Client, receiver: LoopbackServer) -> None:
    jumio = client.jumio
    jumio.sender.policy = callbacks.Hold()
    for outcome in ("warning", "passed"):
        jumio.decide(client.start().id, outcome)
    assert jumio.wait_for_callbacks() == []
    jumio.release_callbacks()
    assert len(jumio.wait_for_callbacks()) == receiver.count("POST", "/jumio/callback") == 2
    jumio.release_callbacks()
    assert len(jumio.wait_for_callbacks()) == 2


def test_policies_are_seeded() -> None:
    sent = [Callback("w", "http://127.0.0.1/", {"X-Jumio-Signature": "s"}, f'{{"n": {n}}}'.encode()) for n in range(40)]

    def outcome(policy: callbacks.Policy) -> list[Callback]:
        return [kept for callback in sent for kept in policy(callback)] + list(policy.release())

    for make in (callbacks.Hold, callbacks.Corrupt, callbacks.Chaos):
        assert outcome(make(dice(7))) == outcome(make(dice(7)))
        assert outcome(make(dice(7))) != outcome(make(dice(8)))
    reordered = outcome(callbacks.Hold(dice(7)))
    assert reordered != sent
    assert sorted(reordered, key=lambda c: sent.index(c)) == sent
    corrupted = outcome(callbacks.Corrupt(dice(7)))
    assert len(corrupted) == len(sent)
    assert all(bad.body != good.body for bad, good in zip(corrupted, sent, strict=True))
    assert {callback.headers["X-Jumio-Signature"] for callback in corrupted} == {"s"}


def test_needs_only_flask_and_requests() -> None:
    """It runs in an image of its own, without the templates' and configurations' libraries."""
    code = "import sys; sys.modules.update(yaml=None, _gojsonnet=None); import sandbox.jumio"
    subprocess.run([sys.executable, "-c", code], check=True)
