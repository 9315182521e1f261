# SPDX-License-Identifier: Apache-2.0
"""Nobody can make the service call a host that is not configured. Nothing is patched: the interpreter itself tells.

A canary listens on loopback and must see no connection; an audit hook records every address that is connected to and
every name that is looked up (https://docs.python.org/3/library/audit_events.html).
"""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from support import ACCOUNT, AUTH, IDENTITY, WORKFLOW, approved, capability, pending, signed

from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import LoopbackServer
from sandbox.wire import Request
from webhook import wiring
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.metadata import public_member

_contacted: list[tuple[str, int]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _contacted.append((str(arguments[1][0]), int(arguments[1][1])))
    elif event == "socket.getaddrinfo":
        _contacted.append((str(arguments[0]), int(arguments[1] or 0)))


sys.addaudithook(_hook)  # for good: an audit hook cannot be removed


@pytest.fixture
def canary() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server
        assert server.connections == 0


@pytest.fixture
def guarded(make_world: Callable[..., Any], canary: LoopbackServer) -> Iterator[Any]:
    """A world from whose start on only its two peers may be contacted."""
    world = make_world(ON_REJECTED="deactivate", BLOCK_LOGIN_STATUSES="rejected,pending")
    _contacted.clear()
    yield world
    allowed = {("127.0.0.1", world.jumio.server.port), ("127.0.0.1", world.kratos.server.port)}
    assert {(host.strip("[]"), port) for host, port in _contacted} <= allowed


def capability_path(identity_id: str) -> str:
    return f"/jumio/callback/{quote(identity_id, safe='', errors='replace')}/{capability(identity_id)}"


def hostile_texts(canary: LoopbackServer) -> list[str]:
    url, place = canary.url, canary.url.removeprefix("http://")
    return [
        *(
            url,
            f"{url}/",
            f"//{place}/",
            f"@{place}/",
            f"x@{place}",
            f"\\\\{place}\\",
            f"..//{place}",
            f"%2f%2f{place}",
        ),
        *(
            "..",
            ".",
            "../..",
            "../../..",
            "..%2f..",
            "%2e%2e",
            "a/../../b",
            "?x=",
            "#x",
            "a?b#c",
            "x\r\nHost: y",
            "x\x00y",
        ),
        *(" ", "", "a b", "é", "\ud800", ";", ":80", ":@", "localhost", "169.254.169.254", "[::1]", "x" * 3000),
    ]


def test_hostile_ids_and_hrefs_in_callbacks(guarded: Any, canary: LoopbackServer) -> None:
    person = guarded.person()
    for text in hostile_texts(canary):
        for workflow, account in ((text, ACCOUNT), (WORKFLOW, text), (text, text), (WORKFLOW, ACCOUNT)):
            body = json.dumps(
                {
                    "workflowExecution": {"id": workflow, "href": canary.url, "status": "PROCESSED"},
                    "account": {"id": account, "href": canary.url},
                    "callbackUrl": canary.url,
                    "web": {"href": canary.url},
                }
            ).encode()
            headers = {
                **signed(body),
                "Host": canary.url.removeprefix("http://"),
                "X-Forwarded-Host": "elsewhere.invalid",
            }
            assert guarded.client.post("/jumio/callback", data=body, headers=headers).status_code in (400, 503)
            assert guarded.client.post(capability_path(person), data=body).status_code in (400, 503)
    assert guarded.jumio.server.requests, "not one callback got as far as a call"


def test_hostile_identity_ids(guarded: Any, canary: LoopbackServer) -> None:
    body = json.dumps({"workflowExecution": {"id": WORKFLOW, "status": "PROCESSED"}, "account": {"id": ACCOUNT}})
    for text in hostile_texts(canary):
        for metadata in ({}, {"metadata_public": None}, {"metadata_public": {"jumio": {"status": "pending"}}}):
            hook = {"identity": {"id": text, **metadata}, "href": canary.url}
            for route in ("initiate", "validate"):
                assert guarded.client.post(f"/jumio/{route}", json=hook, headers=AUTH).status_code == 400
        assert guarded.client.post(capability_path(text), data=body).status_code in (400, 401, 404)
    assert _contacted == []


def test_hostile_references_at_jumio_name_no_identity(guarded: Any, canary: LoopbackServer) -> None:
    for text in hostile_texts(canary):
        answer = {
            "workflow": {"id": WORKFLOW, "status": "PROCESSED", "customerInternalReference": text, "href": canary.url},
            "account": {"id": ACCOUNT, "href": canary.url},
        }
        guarded.jumio.server.faults = at("GET", r"/api/v1/.*", faults.answer(200, json.dumps(answer).encode()))
        body = json.dumps(
            {"workflowExecution": {"id": WORKFLOW, "status": "PROCESSED"}, "account": {"id": ACCOUNT}}
        ).encode()
        reply = guarded.client.post("/jumio/callback", data=body, headers=signed(body))
        assert (reply.status_code, reply.json["result"]) == (200, "ignored")
    assert guarded.kratos.server.requests == []


def test_hostile_ids_in_the_metadata_stay_in_their_place_of_jumios_urls(guarded: Any, canary: LoopbackServer) -> None:
    """Whoever may write metadata must not be able to aim our token at another of Jumio's resources."""
    for number, text in enumerate(hostile_texts(canary)):
        if "x@" in text or text == "\ud800":
            continue  # no e-mail address may stand in the log; no database keeps half a surrogate pair
        record = pending(account_id=text, workflow_execution_id=text)
        person = guarded.person_with(record, f"person{number}")
        hook = {"identity": {"id": person, "metadata_public": {"jumio": public_member(record)}}}
        assert guarded.client.post("/jumio/validate", json=hook, headers=AUTH).status_code in (200, 403)
        incomplete = guarded.person_with(pending(account_id=text, status=Status.INCOMPLETE), f"again{number}")
        answer = guarded.client.post("/jumio/initiate", json={"identity": {"id": incomplete}}, headers=AUTH)
        assert answer.status_code == 200, (text, answer.json)
    for request in guarded.jumio.server.requests:
        assert re.fullmatch(
            r"/oauth2/token|/api/v1/accounts(/[\w-]{1,100}(/workflow-executions/[\w-]{1,100})?)?", request.path
        )


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize(
    ("peer", "method", "path"),
    [
        ("jumio", "POST", r"/oauth2/token"),
        ("jumio", "POST", r"/api/v1/accounts"),
        ("jumio", "GET", r"/api/v1/accounts/.*"),
        ("kratos", "GET", r"/admin/identities/.*"),
        ("kratos", "GET", r"/admin/identities"),
        ("kratos", "PATCH", r"/admin/identities/.*"),
        ("kratos", "DELETE", r"/admin/identities/.*"),
        ("kratos", "GET", r"/health/ready"),
    ],
)
def test_no_redirect_is_followed(
    guarded: Any,
    monkeypatch: pytest.MonkeyPatch,
    canary: LoopbackServer,
    peer: str,
    method: str,
    path: str,
    status: int,
) -> None:
    rejected = guarded.person_with(approved(status=Status.REJECTED, verdict=Verdict.FAILED), "rejected")
    guarded.kratos.identities.sign_in(rejected, "password")
    fresh = guarded.person("fresh")
    guarded.client.post("/jumio/initiate", json={"identity": {"id": fresh}}, headers=AUTH)
    [workflow] = guarded.jumio.truth(fresh)
    guarded.jumio.decide(workflow.id, "rejected", callback=False)
    another = guarded.person("another")
    guarded.jumio.revoke_token()
    guarded.forget_calls()

    server = getattr(guarded, peer).server
    server.faults = at(method, path, faults.redirect(f"{canary.url}/elsewhere", status))
    app = type(guarded)(jumio=guarded.jumio, kratos=guarded.kratos, settings=guarded.settings).client
    app.get("/health/ready")
    app.post("/jumio/initiate", json={"identity": {"id": another}}, headers=AUTH)
    body = json.dumps(
        {"workflowExecution": {"id": workflow.id, "status": "PROCESSED"}, "account": {"id": workflow.account_id}}
    )
    app.post(capability_path(fresh), data=body)
    monkeypatch.setattr("webhook.verification.walk.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", ())
    wiring.for_commands(guarded.settings).sweeper(threading.Event()).sweep()
    assert server.count(method, path), "the redirect was never met"


def test_hrefs_in_jumios_answers_are_kept_or_dropped_but_not_followed(guarded: Any, canary: LoopbackServer) -> None:
    person = guarded.person()
    started = {
        "account": {"id": ACCOUNT, "href": canary.url},
        "web": {"href": f"{canary.url}/web"},
        "sdk": {"token": "x"},
        "workflowExecution": {"id": WORKFLOW, "href": canary.url, "credentials": [{"api": {"parts": canary.url}}]},
    }
    guarded.jumio.server.faults = at("POST", r"/api/v1/accounts", faults.answer(200, json.dumps(started).encode()))
    answer = guarded.client.post("/jumio/initiate", json={"identity": {"id": person}}, headers=AUTH)
    assert answer.json["verification_url"] == f"{canary.url}/web"
    details = {
        "workflow": {
            "id": WORKFLOW,
            "status": "PROCESSED",
            "href": canary.url,
            "customerInternalReference": person,
            "userReference": person,
        },
        "account": {"id": ACCOUNT, "href": canary.url},
        "decision": {"type": "PASSED", "href": canary.url},
        "steps": {"href": canary.url},
        "capabilities": {"usability": [{"href": canary.url}]},
    }
    guarded.jumio.server.faults = at("GET", r"/api/v1/.*", faults.answer(200, json.dumps(details).encode()))
    body = json.dumps({"workflowExecution": {"id": WORKFLOW, "status": "PROCESSED"}, "account": {"id": ACCOUNT}})
    assert guarded.client.post(capability_path(person), data=body).json["result"] == "applied"


def test_a_link_header_of_kratos_leads_nowhere_but_to_kratos(guarded: Any, canary: LoopbackServer) -> None:
    person = guarded.person_with(pending())
    page = json.dumps([guarded.kratos.identity(person)]).encode()
    tokens = ["first", "@x", "//y", canary.url, f"&page_token={canary.url}", ""]
    links = [f'<{canary.url}/admin/identities?page_token={token}>; rel="next"' for token in tokens]

    def linked(request: Request) -> Fault | None:
        if (request.method, request.path) != ("GET", "/admin/identities"):
            return None
        link = {"Link": links.pop(0)} if links else {}
        return faults.answer(200, page, {**link, "Content-Location": canary.url, "Refresh": f"0; url={canary.url}"})

    guarded.kratos.server.faults = linked
    report = wiring.for_commands(guarded.settings).sweeper(threading.Event()).sweep()
    assert report.failed == 0
    assert report.scanned == len(tokens)  # the last of them is empty, and ends it


def test_the_guard_would_notice(canary: LoopbackServer) -> None:
    import socket

    _contacted.clear()
    with socket.create_connection(("127.0.0.1", canary.port)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(100)
    assert ("127.0.0.1", canary.port) in _contacted
    assert canary.connections == 1
    canary.clear()


def at(method: str, path: str, fault: Fault) -> Callable[[Request], Fault | None]:
    return lambda request: fault if request.method == method and re.fullmatch(path, request.path) else None


def test_no_proxy_header_of_a_caller_matters(guarded: Any, canary: LoopbackServer) -> None:
    """httpoxy: a `Proxy:` header must not become HTTP_PROXY for our own calls."""
    answer = guarded.client.post(
        "/jumio/initiate", json={"identity": {"id": guarded.person()}}, headers={**AUTH, "Proxy": canary.url}
    )
    assert answer.json["status"] == "pending"
    assert IDENTITY not in str(answer.json)
