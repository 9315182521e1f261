# SPDX-License-Identifier: Apache-2.0
"""The client on the wire: what it sends, what each answer means, and that nothing can hold it or make it wander."""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gevent
import pytest
from support import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    IDENTITY,
    SOON,
    WORKFLOW,
    callback_path,
    settings_of,
)

from sandbox import faults
from sandbox.faults import Fault
from sandbox.jumio import JumioStandIn
from sandbox.server import LoopbackServer
from sandbox.wire import Request
from webhook import __version__
from webhook.core.status import Status
from webhook.errors import (
    NotStarted,
    VendorError,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
    WorkflowUnknown,
)
from webhook.idv.jumio import client as module
from webhook.idv.jumio.client import JumioClient
from webhook.runtime.deadline import time_limit

Call = Callable[[JumioClient], object]


KEY = 10011


def start(client: JumioClient) -> object:
    return client.start(IDENTITY, account_id=None, workflow_key=KEY)


def update(client: JumioClient) -> object:
    return client.start(IDENTITY, account_id=ACCOUNT, workflow_key=KEY)


def read(client: JumioClient) -> object:
    return client.read(account_id=ACCOUNT, workflow_execution_id=WORKFLOW)


def check_token(client: JumioClient) -> None:
    client.check_token()


CALLS: dict[str, tuple[Call, str]] = {
    "start": (start, "POST"),
    "update": (update, "PUT"),
    "read": (read, "GET"),
}
each_call = pytest.mark.parametrize("name", CALLS)
each_operation = pytest.mark.parametrize("operation", [start, update, read, check_token])


def client_of(*, before_call: Callable[[str], None] = lambda operation: None, **changed: str) -> JumioClient:
    settings = settings_of(**changed)
    return JumioClient(settings.jumio, callback_base_url=settings.links.public_url, before_call=before_call)


@pytest.fixture
def make_client(jumio: JumioStandIn) -> Callable[..., JumioClient]:
    def make(**changed: Any) -> JumioClient:
        return client_of(**{"JUMIO_AUTH_URL": jumio.auth_url, "JUMIO_API_BASE_URL": jumio.api_base_url, **changed})

    return make


@pytest.fixture
def client(make_client: Callable[..., JumioClient]) -> JumioClient:
    return make_client()


@pytest.fixture
def lonely(peer: LoopbackServer) -> JumioClient:
    """A client of a server that answers nothing but faults."""
    return client_of(JUMIO_AUTH_URL=f"{peer.url}/oauth2/token", JUMIO_API_BASE_URL=f"{peer.url}/api/v1")


def is_token(request: Request) -> bool:
    return request.path == "/oauth2/token"


def api_calls(server: LoopbackServer) -> list[Request]:
    return [request for request in server.requests if not is_token(request)]


def token_calls(server: LoopbackServer) -> list[Request]:
    return [request for request in server.requests if is_token(request)]


# --- what is sent ---


def test_a_token_is_asked_for_with_basic_auth_and_client_credentials(jumio: JumioStandIn, client: JumioClient) -> None:
    client.check_token()
    [request] = jumio.server.requests
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant_type=client_credentials"


def test_credentials_that_are_not_ascii_are_sent_as_utf_8(
    jumio: JumioStandIn, make_client: Callable[..., JumioClient]
) -> None:
    with pytest.raises(VendorRefused):
        make_client(JUMIO_CLIENT_ID="kündin", JUMIO_CLIENT_SECRET="gehéim").check_token()
    sent = jumio.server.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == "kündin:gehéim".encode()


def test_every_call_names_the_business_and_bears_the_token(
    jumio: JumioStandIn, make_client: Callable[..., JumioClient]
) -> None:
    client = make_client(JUMIO_USER_AGENT="ExampleBank hook/1.0")
    begun = client.start(IDENTITY, account_id=None, workflow_key=KEY)
    client.start(IDENTITY, account_id=begun.account_id, workflow_key=KEY)
    client.read(account_id=begun.account_id, workflow_execution_id=begun.workflow_execution_id)
    assert len(jumio.server.requests) == 4
    for request in jumio.server.requests:
        assert request.headers["User-Agent"] == "ExampleBank hook/1.0"
        assert request.headers["Accept"] == "application/json"
    for request in api_calls(jumio.server):
        assert request.headers["Authorization"] == f"Bearer {jumio.issue_token()}"


def test_the_user_agent_names_this_service_where_nothing_is_set(jumio: JumioStandIn, client: JumioClient) -> None:
    client.check_token()
    assert jumio.server.requests[0].headers["User-Agent"] == f"ory-jumio-webhook/{__version__}"


def sent_by_start(jumio: JumioStandIn, client: JumioClient) -> dict[str, Any]:
    client.start(IDENTITY, account_id=None, workflow_key=KEY)
    [request] = api_calls(jumio.server)
    assert (request.method, request.path) == ("POST", "/api/v1/accounts")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Length"] == str(len(request.body))
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_a_start_sends_the_identity_and_the_workflow_key_only(jumio: JumioStandIn, client: JumioClient) -> None:
    assert sent_by_start(jumio, client) == {
        "customerInternalReference": IDENTITY,
        "userReference": IDENTITY,
        "workflowDefinition": {"key": 10011},
    }


def test_a_start_passes_through_what_is_set(jumio: JumioStandIn, make_client: Callable[..., JumioClient]) -> None:
    client = make_client(
        PUBLIC_URL="https://hook.example.com/base/",
        JUMIO_TOKEN_LIFETIME="60m",
        JUMIO_SUCCESS_URL="https://app.example.com/done",
        JUMIO_LOCALE="de",
    )
    assert sent_by_start(jumio, client) == {
        "customerInternalReference": IDENTITY,
        "userReference": IDENTITY,
        "workflowDefinition": {"key": KEY},
        "callbackUrl": f"https://hook.example.com/base{callback_path(IDENTITY)}",
        "tokenLifetime": "60m",
        "web": {"successUrl": "https://app.example.com/done", "locale": "de"},
    }


def test_a_start_reads_account_workflow_and_link(jumio: JumioStandIn, client: JumioClient) -> None:
    begun = client.start(IDENTITY, account_id=None, workflow_key=KEY)
    [workflow] = jumio.truth(IDENTITY)
    assert (begun.account_id, begun.workflow_execution_id) == (workflow.account_id, workflow.id)
    assert begun.verification_url == workflow.web_href
    assert begun.created_at is not None


def test_a_further_workflow_is_put_on_the_existing_account(jumio: JumioStandIn, client: JumioClient) -> None:
    first = client.start(IDENTITY, account_id=None, workflow_key=KEY)
    second = client.start(IDENTITY, account_id=first.account_id, workflow_key=KEY)
    assert second.account_id == first.account_id
    assert second.workflow_execution_id != first.workflow_execution_id
    assert [(request.method, request.path) for request in api_calls(jumio.server)] == [
        ("POST", "/api/v1/accounts"),
        ("PUT", f"/api/v1/accounts/{first.account_id}"),
    ]
    first_body, second_body = (request.body for request in api_calls(jumio.server))
    assert first_body == second_body


@pytest.mark.parametrize(
    ("outcome", "status", "decision"),
    [
        ("passed", Status.APPROVED, "PASSED"),
        ("warning", Status.REVIEW, "WARNING"),
        ("rejected", Status.REJECTED, "REJECTED"),
        ("not_executed", Status.INCOMPLETE, "NOT_EXECUTED"),
        ("expire", Status.INCOMPLETE, "NOT_EXECUTED"),
    ],
)
def test_a_reading_says_what_jumio_decided(
    jumio: JumioStandIn, client: JumioClient, outcome: str, status: Status, decision: str
) -> None:
    begun = client.start(IDENTITY, account_id=None, workflow_key=KEY)
    jumio.decide(begun.workflow_execution_id, outcome)
    reading = client.read(account_id=begun.account_id, workflow_execution_id=begun.workflow_execution_id)
    assert reading.status is status
    assert reading.decision is not None
    assert reading.decision.type == decision
    assert reading.references == (IDENTITY, IDENTITY)
    assert reading.workflow_key == 10011
    assert reading.created_at is not None
    assert reading.completed_at is not None


def test_what_jumio_does_not_know_is_told_apart(jumio: JumioStandIn, client: JumioClient) -> None:
    for call in (update, read):
        with pytest.raises(WorkflowUnknown):
            call(client)
    assert len(api_calls(jumio.server)) == 2


HOSTILE_IDS = [
    "../../oauth2/token",
    "a/b",
    "a/../b",
    "a?b=c",
    "a#b",
    "a%2Fb",
    "%2e%2e",
    "a b",
    "a\nb",
    "é",
    "\x00",
    "\\",
    "@evil.example",
    ".",
    "..",
]


@pytest.mark.parametrize("hostile", [*HOSTILE_IDS, "", "\ud800"])
def test_an_id_that_is_none_of_jumios_goes_into_no_url(jumio: JumioStandIn, client: JumioClient, hostile: str) -> None:
    for call in (
        lambda: client.read(account_id=hostile, workflow_execution_id=WORKFLOW),
        lambda: client.read(account_id=ACCOUNT, workflow_execution_id=hostile),
        lambda: client.start(IDENTITY, account_id=hostile, workflow_key=KEY),
    ):
        with pytest.raises(WorkflowUnknown):
            call()
    assert jumio.server.requests == []


# --- the token ---


def test_eight_threads_share_one_token(jumio: JumioStandIn, client: JumioClient) -> None:
    together = threading.Barrier(8, timeout=10)

    def call(_: int) -> None:
        together.wait()
        client.start(IDENTITY, account_id=None, workflow_key=KEY)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(8)))
    assert len(token_calls(jumio.server)) == 1
    assert len(jumio.workflows) == 8


def test_a_refused_token_is_renewed_and_the_call_repeated_once(jumio: JumioStandIn, client: JumioClient) -> None:
    client.check_token()
    for call in (start, start):
        jumio.revoke_token()
        jumio.issue_token()  # another one is valid now, as after a restart on Jumio's side
        call(client)
    assert len(jumio.workflows) == 2
    assert len(token_calls(jumio.server)) == 3
    assert [reply.status for reply in jumio.server.replies if not is_token(reply.request)] == [401, 200, 401, 200]


@each_call
def test_a_call_is_repeated_once_after_a_401_and_not_twice(name: str, jumio: JumioStandIn, client: JumioClient) -> None:
    call, method = CALLS[name]
    jumio.server.faults = lambda request: None if is_token(request) else faults.answer(401, b"{}")
    with pytest.raises(VendorRefused, match="401"):
        call(client)
    assert [request.method for request in api_calls(jumio.server)] == [method, method]
    assert len(token_calls(jumio.server)) == 2


def test_a_failing_renewal_after_a_401_ends_the_call(jumio: JumioStandIn, client: JumioClient) -> None:
    client.check_token()
    jumio.server.faults = lambda request: faults.answer(500 if is_token(request) else 401, b"{}")
    with pytest.raises(VendorUnavailable, match="token request"):
        start(client)
    assert len(api_calls(jumio.server)) == 1


def test_a_token_whose_jwt_ends_before_its_stated_lifetime_is_renewed_in_time(
    lonely: JumioClient, peer: LoopbackServer
) -> None:
    def token_until(exp: float) -> Fault:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode().rstrip("=")
        return faults.answer(200, json.dumps({"access_token": f"h.{claims}.s", "expires_in": 3600}).encode())

    lonely._token._clock = lambda: now
    now = time.time()
    peer.faults = lambda _: token_until(now + 600)
    lonely.check_token()
    now += 530
    lonely.check_token()
    assert len(peer.requests) == 1
    now += 11  # less than a minute is left
    lonely.check_token()
    assert len(peer.requests) == 2


def test_a_token_from_jumios_cache_that_is_about_to_end_is_not_asked_for_at_every_call(
    jumio: JumioStandIn, client: JumioClient
) -> None:
    jumio.issue_token()
    with jumio.lock:
        assert jumio._token is not None
        token, _ = jumio._token
        soon = time.time() + 30
        head, claims, tail = token.split(".")
        claims = base64.urlsafe_b64encode(json.dumps({"exp": soon}).encode()).decode().rstrip("=")
        jumio._token = (f"{head}.{claims}.{tail}", soon)
    for _ in range(20):
        start(client)
    assert len(token_calls(jumio.server)) == 1


@each_operation
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.answer(400, b'{"error": "invalid_request"}'), VendorRefused),
        (faults.answer(401, b'{"error": "invalid_client"}'), VendorRefused),
        (faults.answer(403), VendorRefused),
        (faults.answer(404), VendorRefused),
        (faults.answer(429), VendorRateLimited),
        (faults.answer(500), VendorUnavailable),
        (faults.answer(200, b"{}"), VendorUnavailable),
        (faults.answer(200, b'{"access_token": " "}'), VendorUnavailable),
        (faults.garbage(), VendorUnavailable),
        (faults.oversize(2), VendorUnavailable),
        (faults.reset(), VendorUnavailable),
    ],
    ids=["400", "401", "403", "404", "429", "500", "no token", "an empty token", "garbage", "too much", "a reset"],
)
def test_a_token_endpoint_that_fails_fails_the_call_and_nothing_else_is_called(
    jumio: JumioStandIn, client: JumioClient, operation: Call, fault: Fault, error: type[VendorError]
) -> None:
    jumio.server.faults = lambda request: fault if is_token(request) else None
    with pytest.raises(error):
        operation(client)
    assert api_calls(jumio.server) == []
    assert len(token_calls(jumio.server)) == 1


def test_wrong_credentials_are_the_operators_matter(make_client: Callable[..., JumioClient]) -> None:
    with pytest.raises(VendorRefused, match=r"token request \(403 Forbidden\)"):
        make_client(JUMIO_CLIENT_SECRET="wrong").check_token()


# --- answers ---


@each_call
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, VendorUnavailable),
        (304, VendorUnavailable),
        (400, VendorRefused),
        (403, VendorRefused),
        (404, WorkflowUnknown),
        (405, VendorRefused),
        (409, VendorRefused),
        (422, VendorRefused),
        (429, VendorRateLimited),
        (500, VendorUnavailable),
        (502, VendorUnavailable),
        (503, VendorUnavailable),
        (504, VendorUnavailable),
    ],
)
def test_each_status_is_an_error_by_who_must_act_and_no_call_is_repeated(
    jumio: JumioStandIn, client: JumioClient, name: str, status: int, error: type[VendorError]
) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else faults.answer(status, b"{}")
    with pytest.raises(VendorError) as caught:
        CALLS[name][0](client)
    assert type(caught.value) is error
    assert (caught.value.peer, caught.value.status) == ("jumio", status)
    assert len(api_calls(jumio.server)) == 1


def test_without_a_proper_user_agent_jumio_refuses(make_client: Callable[..., JumioClient]) -> None:
    with pytest.raises(VendorRefused, match="403 Forbidden"):
        start(make_client(JUMIO_USER_AGENT="python-requests/2"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"title": "Unauthorized", "detail": "JANE DOE"}', "(403 Unauthorized)"),
        (b'{"title": "' + b"x" * 500 + b'"}', "(403 " + "x" * 60 + ")"),
        (b'{"title": "line\\nbreak"}', "(403)"),
        (b'{"title": "\\u00fcber"}', "(403)"),
        (b'{"title": 7}', "(403)"),
        (b'{"detail": "JANE DOE"}', "(403)"),
        (b"[]", "(403)"),
        (b"<html>", "(403)"),
        (b"", "(403)"),
    ],
)
def test_a_refusal_says_the_problems_title_and_never_its_detail(
    jumio: JumioStandIn, client: JumioClient, body: bytes, said: str
) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else faults.answer(403, body)
    with pytest.raises(VendorRefused) as caught:
        start(client)
    assert str(caught.value) == f"Jumio refused the start request {said}"


@each_call
@pytest.mark.parametrize(
    "fault",
    [
        faults.garbage(),
        faults.answer(200),
        faults.answer(200, b"null"),
        faults.answer(200, b"[]"),
        faults.answer(200, b"{}"),
        faults.answer(200, b"[" * 200_000),
        faults.answer(204),
        faults.oversize(2),
        faults.oversize(2, declared=False),
        faults.answer(200, b"x" * 100, {"Content-Encoding": "gzip"}),
        faults.reset(),
    ],
    ids=["garbage", "nothing", "null", "list", "empty", "deep", "204", "much", "much, chunked", "no gzip", "reset"],
)
def test_an_answer_that_is_not_jumios_is_unavailable_and_the_call_is_not_repeated(
    jumio: JumioStandIn, client: JumioClient, name: str, fault: Fault
) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else fault
    with pytest.raises(VendorUnavailable):
        CALLS[name][0](client)
    assert len(api_calls(jumio.server)) == 1


def test_a_start_whose_answer_is_lost_is_not_repeated(jumio: JumioStandIn, client: JumioClient) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else faults.reset(processed=True)
    with pytest.raises(VendorUnavailable):
        start(client)
    assert len(jumio.workflows) == 1


def test_the_next_call_after_a_failure_works(jumio: JumioStandIn, client: JumioClient) -> None:
    for fault in (faults.reset(), faults.oversize(2), faults.garbage(), faults.answer(500)):
        jumio.server.faults = lambda request, fault=fault: None if is_token(request) else fault
        with pytest.raises(VendorUnavailable):
            start(client)
        jumio.server.faults = None
        start(client)


@each_call
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    jumio: JumioStandIn, client: JumioClient, peer: LoopbackServer, name: str, status: int
) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else faults.redirect(f"{peer.url}/evil", status)
    with pytest.raises(VendorUnavailable, match=str(status)):
        CALLS[name][0](client)
    assert peer.connections == 0
    assert len(api_calls(jumio.server)) == 1


def test_a_redirect_of_the_token_endpoint_is_not_followed(
    jumio: JumioStandIn, client: JumioClient, peer: LoopbackServer
) -> None:
    jumio.server.faults = lambda _: faults.redirect(f"{peer.url}/evil", 307)
    with pytest.raises(VendorUnavailable):
        client.check_token()
    assert peer.connections == 0


@pytest.mark.parametrize("location", ["http://[::1", "\xff"])
def test_a_redirect_to_nonsense_is_an_error_of_jumios(jumio: JumioStandIn, client: JumioClient, location: str) -> None:
    jumio.server.faults = lambda request: None if is_token(request) else faults.redirect(location)
    with pytest.raises(VendorUnavailable, match="302"):
        start(client)


@pytest.fixture
def flood() -> Iterator[tuple[str, Callable[[], int]]]:
    """A server whose redirect has a body of 64 MiB: its URL, and how much of it was taken."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent = 0

    def serve() -> None:
        nonlocal sent
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 67108864\r\n\r\n")
            try:
                while sent < 1 << 26:
                    sent += connection.send(b"x" * 65536)
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()

    def taken() -> int:
        thread.join(10)
        return sent

    yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
    thread.join(10)
    listener.close()


def test_the_body_of_a_redirect_is_bounded_too(flood: tuple[str, Callable[[], int]]) -> None:
    url, taken = flood
    client = client_of(JUMIO_AUTH_URL=url, JUMIO_API_BASE_URL=url)
    with pytest.raises(VendorUnavailable):
        client.check_token()
    assert taken() < 1 << 24  # what the sockets' buffers hold, and not all of it


# --- time ---


@each_operation
@pytest.mark.parametrize(
    "fault",
    [faults.hang(), faults.trickle(pause=0.02), faults.trickle(headers=True, pause=0.02)],
    ids=["silence", "a trickled body", "trickled headers"],
)
def test_no_answer_can_hold_a_call_beyond_its_time_limit(
    jumio: JumioStandIn, client: JumioClient, monkeypatch: pytest.MonkeyPatch, operation: Call, fault: Fault
) -> None:
    monkeypatch.setattr(module, "START_NEEDS_SECONDS", 0.0)
    jumio.server.faults = lambda request: None if is_token(request) and operation is not check_token else fault
    begun = time.monotonic()
    with time_limit(0.1), pytest.raises(VendorUnavailable, match="did not answer in time") as caught:
        operation(client)
    assert not isinstance(caught.value, NotStarted), "it may have been"
    assert 0.08 < time.monotonic() - begun < SOON


@pytest.mark.parametrize("operation", [start, update])
def test_a_start_is_not_sent_with_too_little_time_to_hear_its_answer(
    jumio: JumioStandIn, client: JumioClient, operation: Call
) -> None:
    assert module.START_NEEDS_SECONDS == 4.0
    with time_limit(3.9), pytest.raises(NotStarted, match="too little time"):
        operation(client)
    assert api_calls(jumio.server) == []
    assert len(token_calls(jumio.server)) == 1
    with time_limit(10), pytest.raises(WorkflowUnknown) if operation is update else contextlib.nullcontext():
        operation(client)
    assert len(api_calls(jumio.server)) == 1


def test_what_came_before_it_counts(
    jumio: JumioStandIn, make_client: Callable[..., JumioClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token, its turn in the rate limits, and a start that was refused for an old token."""
    monkeypatch.setattr(module, "START_NEEDS_SECONDS", 1.0)
    held = make_client(before_call=lambda operation: time.sleep(0.1) if operation == "start" else None)
    with time_limit(1.05), pytest.raises(NotStarted):
        start(held)
    assert api_calls(jumio.server) == []
    client = make_client()
    client.check_token()
    jumio.revoke_token()  # so that the first answer, late, is a 401
    jumio.server.faults = lambda request: None if is_token(request) else faults.hang(0.1)
    with time_limit(1.05), pytest.raises(NotStarted):
        start(client)
    assert len(api_calls(jumio.server)) == 1
    assert jumio.workflows == []


def test_connecting_counts_too(jumio: JumioStandIn, client: JumioClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow resolver, a lost packet, a handshake with somebody far away."""
    monkeypatch.setattr(module, "START_NEEDS_SECONDS", 1.0)
    client.check_token()
    client._session.close()  # the connection that the token came by
    find = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: gevent.sleep(0.3) or find(*args))
    with time_limit(1.2), pytest.raises(NotStarted, match="too little time"):
        start(client)
    assert api_calls(jumio.server) == []


@pytest.mark.parametrize("operation", [start, update])
def test_a_start_that_finds_no_connection_was_not_sent(
    make_client: Callable[..., JumioClient], operation: Call
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotStarted, match="cannot be reached"):
        operation(make_client(JUMIO_API_BASE_URL=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("operation", [read, check_token])
def test_whatever_costs_nothing_is_sent_as_long_as_there_is_time(client: JumioClient, operation: Call) -> None:
    with time_limit(3.9), pytest.raises(WorkflowUnknown) if operation is read else contextlib.nullcontext():
        operation(client)


@pytest.mark.parametrize(("operation", "error"), [(start, NotStarted), (read, VendorUnavailable)])
def test_no_more_calls_are_in_flight_than_is_set(
    jumio: JumioStandIn, make_client: Callable[..., JumioClient], monkeypatch: pytest.MonkeyPatch,
    operation: Call, error: type[VendorError],
) -> None:  # fmt: skip
    monkeypatch.setattr("webhook.runtime.http.PLACE_SECONDS", 0.05)
    client = make_client(JUMIO_MAX_IN_FLIGHT="2")
    client.check_token()
    jumio.server.clear()
    jumio.server.faults = lambda _: faults.hang()
    waiting = [gevent.spawn(read, client) for _ in range(2)]
    assert jumio.server.wait(lambda server: len(server.requests) == 2)
    with pytest.raises(VendorUnavailable, match="too many calls to it are under way") as caught:
        operation(client)
    assert type(caught.value) is error
    assert len(jumio.server.requests) == 2
    gevent.killall(waiting)
    jumio.server.faults = None
    with pytest.raises(WorkflowUnknown):
        read(client)  # the places are free again


@each_operation
def test_a_call_whose_time_is_over_is_not_made(jumio: JumioStandIn, client: JumioClient, operation: Call) -> None:
    client.check_token()
    jumio.server.clear()
    if operation is check_token:
        client._token._renew_at = 0.0
    with time_limit(-1.0), pytest.raises(VendorUnavailable, match="in time"):
        operation(client)
    assert jumio.server.requests == []


def test_a_host_that_cannot_be_reached_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = client_of(JUMIO_AUTH_URL=f"http://127.0.0.1:{port}/t", JUMIO_API_BASE_URL=f"http://127.0.0.1:{port}")
    with pytest.raises(VendorUnavailable, match="cannot be reached"):
        client.check_token()


def test_a_host_that_does_not_speak_tls_is_unavailable(peer: LoopbackServer) -> None:
    url = peer.url.replace("http://", "https://")
    with pytest.raises(VendorUnavailable, match="cannot be reached"):
        client_of(JUMIO_AUTH_URL=url, JUMIO_API_BASE_URL=url).check_token()


@pytest.mark.parametrize("host", ["a..example.com", "a" * 64 + ".example.com"])
def test_a_host_that_cannot_be_a_name_is_unavailable(host: str) -> None:
    url = f"http://{host}/"
    with pytest.raises(VendorUnavailable, match="cannot be reached"):
        client_of(JUMIO_AUTH_URL=url, JUMIO_API_BASE_URL=url).check_token()


# --- surroundings ---


def test_a_stray_netrc_does_not_replace_the_token(
    jumio: JumioStandIn, client: JumioClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login stray password stray\n")
    monkeypatch.setenv("NETRC", str(netrc))
    start(client)
    assert [request.headers["Authorization"].split()[0] for request in jumio.server.requests] == ["Basic", "Bearer"]


def test_through_a_proxy_the_same_bounds_hold(peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", peer.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    url = "http://jumio.invalid"
    client = client_of(JUMIO_AUTH_URL=f"{url}/oauth2/token", JUMIO_API_BASE_URL=url)
    peer.faults = lambda _: faults.hang()
    with time_limit(0.2), pytest.raises(VendorUnavailable):
        client.check_token()
    peer.faults = lambda _: faults.oversize(2)
    with pytest.raises(VendorUnavailable, match="too large"):
        client.check_token()
    peer.faults = lambda _: faults.answer(200, b'{"access_token": "t"}')
    client.check_token()
    assert [request.headers["Host"] for request in peer.requests] == ["jumio.invalid"] * 3


def test_whoever_paces_is_told_of_each_call_before_it_is_made(
    jumio: JumioStandIn, make_client: Callable[..., JumioClient]
) -> None:
    told: list[tuple[str, int]] = []
    client = make_client(before_call=lambda operation: told.append((operation, len(jumio.server.requests))))
    begun = client.start(IDENTITY, account_id=None, workflow_key=KEY)
    client.read(account_id=begun.account_id, workflow_execution_id=begun.workflow_execution_id)
    assert [operation for operation, _ in told][-1] == "read"
    assert sorted(operation for operation, _ in told) == ["read", "start", "token"]
    assert [count for _, count in told] == [0, 1, 2]
