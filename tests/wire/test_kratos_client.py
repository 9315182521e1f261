# SPDX-License-Identifier: Apache-2.0
"""What each answer of Kratos means, what is tried again, and that nothing can hold a call or make it wander."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from support import API_KEY, IDENTITY, SOON, approved, pending, settings_of

from sandbox import faults
from sandbox.faults import Fault
from sandbox.kratos import KratosStandIn
from sandbox.server import LoopbackServer, Request
from webhook.errors import AnswerTooLarge, IdentityUnknown, KratosError, KratosRefused, KratosUnavailable
from webhook.ory.kratos import client as module
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.documents import Identity, answered_at
from webhook.ory.kratos.metadata import admin_member, public_member
from webhook.runtime.deadline import time_limit

STRANGER = Identity(id=IDENTITY, state="active", metadata_public=None, metadata_admin=None)
CONFLICT = json.dumps(
    {"error": {"code": 400, "message": "Unable to serialize access due to a concurrent update in another session"}}
).encode()

OPERATIONS: dict[str, tuple[Callable[[KratosClient], object], str]] = {
    "get": (lambda client: client.get(IDENTITY), "GET"),
    "write": (lambda client: client.write(STRANGER, pending()), "PATCH"),
    "page": (lambda client: client.page(None), "GET"),
    "note_asked": (lambda client: client.note_asked(IDENTITY, "2026-03-02T18:00:00.000Z"), "PATCH"),
    "by_address": (lambda client: client.by_address("ada@example.com"), "GET"),
    "many": (lambda client: client.many([IDENTITY]), "GET"),
    "end_sessions": (lambda client: client.end_sessions(IDENTITY), "DELETE"),
}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


@pytest.fixture
def client(kratos: KratosStandIn) -> KratosClient:
    return KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url).kratos)


@pytest.fixture
def person(kratos: KratosStandIn) -> str:
    return kratos.create_identity("person@example.com")


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_WAITS", (0.0, 0.0))


def in_turn(*answers: Fault | None) -> Callable[[Any], Fault | None]:
    left = list(answers)
    return lambda _: left.pop(0) if left else None


# --- credentials ---


def test_the_api_key_is_sent_as_a_bearer_token(kratos: KratosStandIn, person: str) -> None:
    kratos.api_key = API_KEY
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url, ORY_API_KEY=API_KEY).kratos)
    client.write(client.get(person), pending())
    client.page(None)
    client.end_sessions(person)
    assert [request.headers["Authorization"] for request in kratos.server.requests] == [f"Bearer {API_KEY}"] * 4


def test_without_an_api_key_nothing_is_sent(kratos: KratosStandIn, client: KratosClient, person: str) -> None:
    client.get(person)
    assert "Authorization" not in kratos.server.requests[0].headers


@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_wrong_api_key_is_the_operators_matter(kratos: KratosStandIn, person: str, key: str | None) -> None:
    kratos.api_key = API_KEY
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url, ORY_API_KEY=key).kratos)
    with pytest.raises(KratosRefused, match="401"):
        client.get(person)


def test_every_call_names_this_service(kratos: KratosStandIn, client: KratosClient, person: str) -> None:
    client.get(person)
    client.check_ready()
    assert all(request.headers["User-Agent"].startswith("ory-jumio-webhook/") for request in kratos.server.requests)


# --- answers ---


@each_operation
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, KratosUnavailable),
        (400, KratosRefused),
        (401, KratosRefused),
        (403, KratosRefused),
        (405, KratosRefused),
        (422, KratosRefused),
        (500, KratosUnavailable),
        (502, KratosUnavailable),
        (503, KratosUnavailable),
        (504, KratosUnavailable),
    ],
)
def test_each_status_is_an_error_by_who_must_act_and_no_call_is_repeated(
    kratos: KratosStandIn, client: KratosClient, name: str, status: int, error: type[KratosError]
) -> None:
    kratos.server.faults = lambda _: faults.answer(status, b"{}")
    with pytest.raises(error, match=str(status)) as caught:
        OPERATIONS[name][0](client)
    assert (caught.value.peer, caught.value.status, caught.value.retry_after) == ("kratos", status, None)
    assert [request.method for request in kratos.server.requests] == [OPERATIONS[name][1]]


@pytest.mark.parametrize("name", ["get", "write", "page"])
def test_404_is_an_unknown_identity(kratos: KratosStandIn, client: KratosClient, name: str) -> None:
    kratos.server.faults = lambda _: faults.answer(404, b"{}")
    with pytest.raises(IdentityUnknown):
        OPERATIONS[name][0](client)


TRANSIENT = [
    pytest.param(faults.answer(400, CONFLICT), id="a serialisation conflict"),
    pytest.param(faults.answer(409, b"{}"), id="409"),
    pytest.param(faults.answer(429, b"{}"), id="429"),
    pytest.param(faults.answer(429, b"{}", {"x-ratelimit-reset": "0"}), id="429, open again now"),
    pytest.param(faults.answer(429, b"{}", {"x-ratelimit-reset": "soon"}), id="429, open again at no number"),
    pytest.param(faults.answer(429, b"{}", {"x-ratelimit-reset": "9" * 30}), id="429, open again in no time"),
    pytest.param(faults.answer(429, b"{}", {"x-ratelimit-reset": "\xb2"}), id="429, open again at a superscript"),
]


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("failures", [1, 2])
def test_a_transient_refusal_is_tried_again_twice(
    kratos: KratosStandIn, client: KratosClient, person: str, fault: Fault, failures: int
) -> None:
    identity = client.get(person)
    kratos.server.clear()
    kratos.server.faults = in_turn(*[fault] * failures)
    client.write(identity, pending())
    assert kratos.server.count("PATCH", ".*") == failures + 1
    assert client.get(person).metadata_public == {"jumio": public_member(pending())}


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("fault", TRANSIENT)
@each_operation
def test_a_refusal_that_stays_ends_the_call_at_the_third_time(
    kratos: KratosStandIn, client: KratosClient, name: str, fault: Fault
) -> None:
    kratos.server.faults = lambda _: fault
    with pytest.raises(KratosUnavailable, match=f"try again .{fault.status}."):
        OPERATIONS[name][0](client)
    assert len(kratos.server.requests) == 3


def test_between_two_tries_there_is_a_pause(kratos: KratosStandIn, client: KratosClient, person: str) -> None:
    kratos.server.faults = in_turn(faults.answer(409, b"{}"))
    begun = time.monotonic()
    client.get(person)
    assert module.RETRY_WAITS[0] <= time.monotonic() - begun < SOON


def test_a_rate_limit_that_stays_closed_longer_than_we_may_wait_is_not_waited_for(
    kratos: KratosStandIn, client: KratosClient
) -> None:
    kratos.server.faults = lambda _: faults.answer(429, b"{}", {"x-ratelimit-reset": "60"})
    begun = time.monotonic()
    with pytest.raises(KratosUnavailable) as caught:
        client.get(IDENTITY)
    assert caught.value.retry_after == 60.0
    assert time.monotonic() - begun < SOON
    assert len(kratos.server.requests) == 1


def test_a_pause_that_the_callers_limit_does_not_allow_is_not_made(
    kratos: KratosStandIn, client: KratosClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_WAITS", (60.0, 60.0))
    kratos.server.faults = lambda _: faults.answer(409, b"{}")
    begun = time.monotonic()
    with time_limit(30), pytest.raises(KratosUnavailable, match="409") as caught:
        client.get(IDENTITY)
    assert (caught.value.peer, caught.value.status) == ("kratos", 409)
    assert time.monotonic() - begun < SOON
    assert len(kratos.server.requests) == 1


NOT_KRATOS = {
    "garbage": faults.garbage(),
    "nothing": faults.answer(200),
    "null": faults.answer(200, b"null"),
    "a string": faults.answer(200, b'"x"'),
    "an empty object": faults.answer(200, b"{}"),
    "a list of odd things": faults.answer(200, b"[1]"),
    "deep nesting": faults.answer(200, b"[" * 200_000),
    "a page of HTML": faults.answer(200, b"<html>", {"Content-Type": "text/html"}),
    "no gzip": faults.answer(200, b"x" * 100, {"Content-Encoding": "gzip"}),
    "a reset": faults.reset(),
}


@pytest.mark.parametrize("fault", NOT_KRATOS.values(), ids=NOT_KRATOS)
@pytest.mark.parametrize("name", ["get", "write", "page"])
def test_an_answer_that_is_not_kratos_is_unavailable(
    kratos: KratosStandIn, client: KratosClient, name: str, fault: Fault
) -> None:
    kratos.server.faults = lambda _: fault
    is_deep_page = name == "page" and fault is NOT_KRATOS["deep nesting"]
    with pytest.raises(AnswerTooLarge if is_deep_page else KratosUnavailable):
        OPERATIONS[name][0](client)
    assert len(kratos.server.requests) == 1 or is_deep_page, "of a page one may be at fault, so that it is halved"


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("name", ["get", "write"])
def test_an_answer_that_is_too_long_is_not_read_to_its_end(
    kratos: KratosStandIn, client: KratosClient, person: str, name: str, declared: bool
) -> None:
    kratos.server.faults = lambda _: faults.oversize(3, declared=declared)
    with pytest.raises(AnswerTooLarge):
        OPERATIONS[name][0](client)
    kratos.server.faults = None
    assert client.get(person).id == person


@pytest.mark.parametrize(
    "change",
    [
        {"metadata_public": None},
        {"metadata_admin": None},
        {"metadata_public": {"jumio": public_member(approved())}},
        {"metadata_admin": {"jumio": admin_member(approved())}},
        {"metadata_public": "odd"},
    ],
    ids=str,
)
def test_a_reply_that_does_not_hold_what_was_written_is_no_success(
    kratos: KratosStandIn, client: KratosClient, person: str, change: dict[str, Any]
) -> None:
    identity = client.get(person)
    kept = {
        **kratos.identity(person),
        "metadata_public": {"jumio": public_member(pending())},
        "metadata_admin": {"jumio": admin_member(pending())},
    }
    kratos.server.faults = lambda _: faults.answer(200, json.dumps({**kept, **change}).encode())
    with pytest.raises(KratosUnavailable, match="did not keep"):
        client.write(identity, pending())


def test_a_state_that_was_not_kept_is_no_success(kratos: KratosStandIn, client: KratosClient, person: str) -> None:
    client.write(client.get(person), pending())
    active = json.dumps(kratos.identity(person)).encode()
    kratos.server.faults = lambda _: faults.answer(200, active)
    client.write(STRANGER, pending())
    with pytest.raises(KratosUnavailable, match="did not keep"):
        client.write(STRANGER, pending(), state="inactive")


# --- pages ---


def test_a_page_that_is_too_large_is_asked_for_in_halves(kratos: KratosStandIn, client: KratosClient) -> None:
    people = sorted(kratos.create_identity(f"person{n}@example.com") for n in range(4))
    kratos.server.faults = lambda request: (
        faults.oversize(2, declared=False) if int(request.query.split("page_size=")[1].split("&")[0]) > 3 else None
    )
    page, token = client.page(None, size=12)
    assert [identity.id for identity in page] == people[:3]
    sizes = [request.query for request in kratos.server.requests]
    assert sizes == ["page_size=12", "page_size=6", "page_size=3"]
    rest, end = client.page(token, size=3)
    assert ([identity.id for identity in rest], end) == (people[3:], None)


def size_of(request: Request) -> int:
    return int(request.query.split("page_size=")[1].split("&")[0])


def test_pages_stay_small_where_all_are_large_and_grow_again(kratos: KratosStandIn, client: KratosClient) -> None:
    """A failed try is a call that the rate limit counts, and a megabyte read for nothing."""
    for number in range(40):
        kratos.create_identity(f"person{number}@example.com")
    kratos.server.faults = lambda request: faults.oversize(2, declared=False) if size_of(request) > 3 else None
    token = None
    for _ in range(9):
        _, token = client.page(token, size=12)
    assert [size_of(request) for request in kratos.server.requests] == [12, 6, 3, 3, 3, 3, 6, 3, 3, 3, 3, 6, 3]
    kratos.server.faults = None
    kratos.server.clear()
    for _ in range(9):
        client.page(None, size=12)
    assert [size_of(request) for request in kratos.server.requests] == [3, 3, 3, 6, 6, 6, 6, 12, 12]


def test_a_single_identity_that_is_too_large_is_an_error(kratos: KratosStandIn, client: KratosClient) -> None:
    kratos.server.faults = lambda _: faults.oversize(2)
    with pytest.raises(AnswerTooLarge):
        client.page(None, size=2)
    assert len(kratos.server.requests) == 2


def test_the_link_to_the_next_page_is_not_followed(
    kratos: KratosStandIn, client: KratosClient, peer: LoopbackServer
) -> None:
    link = f'<{peer.url}/evil?page_token=00000000-0000-0000-0000-000000000001>; rel="next"'
    kratos.server.faults = in_turn(faults.answer(200, b"[]", {"Link": link}))
    _, token = client.page(None)
    assert token == "00000000-0000-0000-0000-000000000001"
    client.page(token)
    assert peer.connections == 0


# --- time and place ---


@pytest.mark.parametrize(
    "fault",
    [faults.hang(), faults.trickle(pause=0.08), faults.trickle(headers=True, pause=0.08)],
    ids=["silence", "a trickled body", "trickled headers"],
)
@pytest.mark.parametrize("name", [*OPERATIONS, "ready"])
def test_no_answer_can_hold_a_call_beyond_its_time_limit(
    kratos: KratosStandIn, client: KratosClient, name: str, fault: Fault
) -> None:
    kratos.server.faults = lambda _: fault
    operation = client.check_ready if name == "ready" else lambda: OPERATIONS[name][0](client)
    begun = time.monotonic()
    with time_limit(0.1), pytest.raises(KratosUnavailable, match="in time"):
        operation()
    assert 0.08 < time.monotonic() - begun < SOON


def test_a_call_has_a_limit_of_its_own(
    kratos: KratosStandIn, client: KratosClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.KRATOS_SECONDS <= 3.0
    monkeypatch.setattr(module, "KRATOS_SECONDS", 0.1)
    kratos.server.faults = lambda _: faults.hang()
    for operation in (client.check_ready, lambda: client.get(IDENTITY)):
        begun = time.monotonic()
        with pytest.raises(KratosUnavailable, match="in time"):
            operation()
        assert time.monotonic() - begun < SOON


def test_no_more_calls_are_in_flight_than_is_set(kratos: KratosStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.runtime.http.PLACE_SECONDS", 0.05)
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url, KRATOS_MAX_IN_FLIGHT="2").kratos)
    kratos.server.faults = lambda _: faults.hang()
    waiting = [gevent.spawn(client.get, IDENTITY) for _ in range(2)]
    assert kratos.server.wait(lambda server: len(server.requests) == 2)
    with pytest.raises(KratosUnavailable, match="too many calls to Kratos are under way"):
        client.get(IDENTITY)
    assert len(kratos.server.requests) == 2
    gevent.killall(waiting)
    kratos.server.faults = None
    with pytest.raises(IdentityUnknown):
        client.get(IDENTITY)  # the places are free again


@each_operation
def test_a_call_whose_time_is_over_is_not_made(kratos: KratosStandIn, client: KratosClient, name: str) -> None:
    with time_limit(-1.0), pytest.raises(KratosUnavailable, match="in time"):
        OPERATIONS[name][0](client)
    assert kratos.server.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", [*OPERATIONS, "ready"])
def test_a_redirect_is_not_followed(
    kratos: KratosStandIn, client: KratosClient, peer: LoopbackServer, name: str, status: int
) -> None:
    kratos.server.faults = lambda _: faults.redirect(f"{peer.url}/evil", status)
    with pytest.raises(KratosUnavailable, match=str(status)):
        client.check_ready() if name == "ready" else OPERATIONS[name][0](client)
    assert peer.connections == 0


def test_a_kratos_that_is_gone_is_told_from_a_slow_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=f"http://127.0.0.1:{port}").kratos)
    with pytest.raises(KratosUnavailable, match="cannot be reached"):
        client.check_ready()


@each_operation
def test_a_host_that_does_not_speak_tls_is_unavailable(peer: LoopbackServer, name: str) -> None:
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=peer.url.replace("http://", "https://")).kratos)
    with pytest.raises(KratosUnavailable, match="cannot be reached"):
        OPERATIONS[name][0](client)


def test_a_path_in_the_setting_is_kept(peer: LoopbackServer) -> None:
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=f"{peer.url}/base/").kratos)
    peer.faults = lambda _: faults.answer(404)
    with pytest.raises(IdentityUnknown):
        client.get(IDENTITY)
    assert peer.requests[0].path == f"/base/admin/identities/{IDENTITY}"


@pytest.mark.parametrize("fault", [faults.reset(), faults.oversize(2), faults.answer(500), faults.garbage()])
def test_the_next_call_after_a_failure_works(
    kratos: KratosStandIn, client: KratosClient, person: str, fault: Fault
) -> None:
    kratos.server.faults = in_turn(fault)
    with pytest.raises(KratosError):
        client.get(person)
    assert client.get(person).id == person


# --- Ory Network's bucket ---


def of_identity(person: str, **headers: str) -> Fault:
    return faults.answer(200, json.dumps({"id": person, "state": "active"}).encode(), headers)


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"x-ratelimit-remaining": "2", "x-ratelimit-reset": "1"}, 1.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 1.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1"}, 0.0),
        ({"x-ratelimit-remaining": "2"}, 0.0),
        ({"x-ratelimit-remaining": "few", "x-ratelimit-reset": "1"}, 0.0),
        ({}, 0.0),
    ],
)
def test_whoever_is_patient_leaves_the_rest_of_the_bucket_to_others(
    kratos: KratosStandIn, person: str, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], waits: float
) -> None:
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url).kratos, is_patient=True)
    kratos.server.faults = in_turn(of_identity(person, **headers))
    client.get(person)
    slept = list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    client.get(person)
    assert slept == ([pytest.approx(waits, abs=0.2)] if waits else [])
    client.page(None)
    assert len(slept) <= 1, "each kind of call has a bucket of its own"


def test_whoever_has_no_time_for_that_is_told_so(kratos: KratosStandIn, person: str) -> None:
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url).kratos, is_patient=True)
    kratos.server.faults = in_turn(of_identity(person, **{"x-ratelimit-remaining": "1", "x-ratelimit-reset": "60"}))
    client.get(person)
    with time_limit(5), pytest.raises(KratosUnavailable, match="rate limit leaves no time"):
        client.get(person)
    assert len(kratos.server.requests) == 1


def test_hooks_and_callbacks_do_not_wait_for_the_bucket(
    kratos: KratosStandIn, client: KratosClient, person: str
) -> None:
    low = of_identity(person, **{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"})
    kratos.server.faults = in_turn(low, low)
    with time_limit(5):
        assert client.get(person).id == client.get(person).id == person


# --- when it answered ---


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_a_date_that_is_none_tells_nothing(date: str | None) -> None:
    assert answered_at(date) is None


def test_what_is_nested_too_deeply_to_be_written_again_is_refused(
    kratos: KratosStandIn, client: KratosClient, person: str
) -> None:
    deep: list[Any] = []
    for _ in range(900):  # as much as can be read
        deep = [deep]
    newer = {"jumio": {"status": "pending", "by a newer version": deep}}
    identity = Identity(id=person, state="active", metadata_public=newer, metadata_admin=None)
    with pytest.raises(KratosRefused, match="nested too deeply"):
        client.write(identity, approved())
    assert kratos.server.requests == []
