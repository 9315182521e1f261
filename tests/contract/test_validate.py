# SPDX-License-Identifier: Apache-2.0
"""`POST /jumio/validate` without a policy: whom the sign-in stops, what they read, and what it costs."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import pytest
from support import IDENTITY, LINK, SOON, World, approved, days_ago, message_of, pending, verified

from contract.routes import assert_refused
from sandbox import faults
from sandbox.faults import Fault, Kind
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.ory.kratos.metadata import admin_member, public_member


def by_status(status: Status) -> dict[str, Any] | None:
    if status is Status.NONE:
        return None
    # Too young to be looked at again.
    return {"jumio": public_member(pending(status=status, initiated_at="2999-01-01T00:00:00.000Z")), "theirs": 1}


EVERY_BUT_APPROVED = "none,unstarted,pending,review,incomplete,rejected"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("block", [",".join(Status), "rejected", EVERY_BUT_APPROVED])
def test_a_sign_in_goes_on_unless_its_status_is_listed(
    make_world: Callable[..., World], status: Status, block: str
) -> None:
    """What each reads: wire/test_kratos_refusals.py."""
    world = make_world(BLOCK_LOGIN_STATUSES=block)
    answer = world.validate(IDENTITY, by_status(status))
    if status.value in block.split(","):
        assert message_of(answer)["context"] == {"status": status.value} | (
            {"verification_url": LINK} if status is Status.PENDING else {}
        )
        assert answer.json is not None
        assert answer.json.keys() == {"messages"}
    else:
        assert (answer.status_code, answer.json) == (200, {"status": status.value})
    assert world.calls() == []


def test_whoever_stays_undecided_is_stopped_by_a_setting_of_the_operators(make_world: Callable[..., World]) -> None:
    """`none` is the status of an identity without a verification, whatever else its metadata hold."""
    world = make_world(BLOCK_LOGIN_STATUSES="none")
    for metadata in (None, {}, {"theirs": 1}, {"jumio": public_member(Record())}):
        assert message_of(world.validate(IDENTITY, metadata))["id"] == 9010005


@pytest.mark.parametrize("odd", ["approved", 1, [], True], ids=repr)
def test_metadata_of_a_shape_that_cannot_be_read_is_never_a_pass(world: World, odd: object) -> None:
    assert_refused(world.validate(IDENTITY, odd), 400, "validate")


# --- a public copy that is there and cannot be read ---

UNREADABLE: list[Any] = [
    *("approved", "", 1, True, None, [], ["approved"]),
    *(
        {},
        {"status": "verified"},
        {"status": "APPROVED"},
        {"status": None},
        {"status": ["approved"]},
        {"verdict": "PASSED"},
    ),
]


def overwritten(world: World, record: Record | None, odd: object) -> str:
    """Somebody whose admin copy is intact (or who has none) and whose public copy somebody else has written over."""
    admin = {} if record is None else {"metadata_admin": {"jumio": json.loads(json.dumps(admin_member(record)))}}
    return world.person(metadata_public={"jumio": odd, "theirs": 1}, **admin)


@pytest.mark.parametrize("odd", UNREADABLE, ids=repr)
def test_the_admin_copy_decides_where_the_public_one_cannot_be_read(
    make_world: Callable[..., World], odd: object
) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES="rejected,none")
    person = overwritten(world, approved(status=Status.REJECTED), odd)
    assert message_of(world.hook(person))["id"] == 9010001
    assert world.calls() == ["kratos GET"]


def test_it_lets_in_too(world: World, log_lines: list[str]) -> None:
    person = overwritten(world, verified(), "approved")
    answer = world.hook(person)
    assert (answer.status_code, answer.json) == (200, {"status": "approved"})
    assert world.hook(person, policy={"min_level": 3}).json == {"status": "approved", "level": 3}
    assert world.calls() == ["kratos GET", "kratos GET"]
    assert len([line for line in log_lines if " gate.unreadable " in line]) == 2


@pytest.mark.parametrize("block", ["rejected", "none", EVERY_BUT_APPROVED, "approved"])
@pytest.mark.parametrize("admin", [None, "approved", {"jumio": "approved"}, {"jumio": {"status": "fine"}}], ids=repr)
def test_where_neither_copy_can_be_read_nobody_passes_whatever_is_blocked(
    make_world: Callable[..., World], block: str, admin: object
) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES=block)
    person = world.person(metadata_public={"jumio": "approved"}, metadata_admin=admin)
    assert_refused(world.hook(person), 403, "validate")
    assert_refused(world.hook(person, policy={}), 403, "validate")


def test_nor_where_kratos_does_not_know_the_identity(world: World) -> None:
    assert_refused(world.validate(IDENTITY, {"jumio": "approved"}), 403, "validate")


@pytest.mark.parametrize("metadata", [None, {}, {"theirs": "approved"}])
def test_metadata_without_a_record_are_no_reason_to_ask_anybody(world: World, metadata: object) -> None:
    assert world.validate(IDENTITY, metadata).json == {"status": "none"}
    assert world.calls() == []


def test_what_is_open_for_long_is_still_looked_at(world: World) -> None:
    person = open_for_long(world)
    world.jumio.decide(world.jumio.truth(person)[0].id, "rejected", callback=False)
    patch = [{"op": "add", "path": "/metadata_public/jumio", "value": "odd"}]
    world.kratos.identities.patch(person, patch)
    assert message_of(world.hook(person))["id"] == 9010001
    assert world.record(person)[0]["status"] == "rejected", "and the public copy is healed with it"


def test_a_refusal_is_logged_with_its_status(make_world: Callable[..., World], log_lines: list[str]) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES="rejected")
    world.validate(IDENTITY, by_status(Status.REJECTED))
    [line] = [line for line in log_lines if " gate.refused " in line]
    assert line.startswith("webhook INFO ")
    assert '"status": "rejected"' in line


# --- a callback that may be lost ---


def open_for_long(world: World) -> str:
    """Somebody whose workflow has been open for more than a minute."""
    person = world.person()
    world.initiate(person)
    world.change(person, lambda record: replace(record, initiated_at=days_ago(0.1)))
    world.forget_calls()
    return person


def test_jumio_decides(world: World) -> None:
    person = open_for_long(world)
    world.jumio.decide(world.jumio.truth(person)[0].id, "rejected", callback=False)
    assert message_of(world.hook(person))["id"] == 9010001
    assert world.record(person)[0]["status"] == "rejected"


@pytest.mark.parametrize("initiated_at", [None, "some day", "2026-01-01T00:00:00.000Z"])
def test_an_open_verification_of_some_or_an_unknown_age_is_looked_at(world: World, initiated_at: str | None) -> None:
    person = world.person_with(pending(initiated_at=initiated_at))
    assert world.hook(person).status_code == 200
    assert world.jumio.server.count("GET", ".*") == 1


def test_a_fresh_one_is_not(world: World) -> None:
    person = world.person()
    world.initiate(person)
    world.forget_calls()
    assert world.hook(person).json == {"status": "pending"}
    assert world.calls() == []


def test_a_verdict_that_is_known_and_cannot_be_written_decides(world: World, log_lines: list[str]) -> None:
    person = open_for_long(world)
    before = world.record(person)
    world.jumio.decide(world.jumio.truth(person)[0].id, "rejected", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "PATCH" else None
    assert message_of(world.hook(person))["id"] == 9010001
    assert world.record(person) == before
    assert [line for line in log_lines if " gate.not_recorded " in line]


def test_sessions_that_cannot_be_ended_do_not_let_the_rejected_in(world: World, log_lines: list[str]) -> None:
    person = open_for_long(world)
    world.jumio.decide(world.jumio.truth(person)[0].id, "rejected", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "DELETE" else None
    assert message_of(world.hook(person))["id"] == 9010001
    assert [line for line in log_lines if " gate.not_recorded " in line]


# --- peers that fail ---

# Whatever else they may answer: wire/test_kratos_client.py, wire/test_jumio_client.py.
PEER_FAULTS: dict[str, Fault] = {
    "401": faults.answer(401, b"{}"),
    "404": faults.answer(404, b"{}"),
    "429": faults.answer(429, b"{}"),
    "500": faults.answer(500, b"{}"),
    "garbage": faults.garbage(),
    "too much, chunked": faults.oversize(2, declared=False),
    "a redirect": faults.redirect("http://127.0.0.1:1/"),
    "a reset": faults.reset(),
    "silence": faults.hang(),
    "trickled headers": faults.trickle(headers=True, pause=0.05),
}


@pytest.mark.parametrize("name", PEER_FAULTS)
@pytest.mark.parametrize("who", ["kratos", "jumio", "token"])
def test_whatever_fails_behind_it_the_gate_decides_by_the_record_it_was_sent(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, log_lines: list[str], who: str, name: str
) -> None:
    if PEER_FAULTS[name].kind not in (Kind.ANSWER, Kind.RESET):
        monkeypatch.setattr("webhook.verification.gate.LOOK_SECONDS", 0.3)
    world = make_world(BLOCK_LOGIN_STATUSES="pending")
    record = pending(initiated_at=days_ago(0.5))
    person = world.person_with(record)
    server = world.kratos.server if who == "kratos" else world.jumio.server
    server.faults = lambda request: (
        PEER_FAULTS[name] if who == "kratos" or (who == "token") is request.path.startswith("/oauth2") else None
    )
    public = {"jumio": public_member(record)}
    lenient = make_world(BLOCK_LOGIN_STATUSES="rejected")  # the same record lets pass where the operator wants that
    stopped, passes = gevent.spawn(world.validate, person, public), gevent.spawn(lenient.validate, person, public)
    assert message_of(stopped.get(timeout=SOON))["id"] == 9010002
    answer = passes.get(timeout=SOON)
    assert (answer.status_code, answer.json) == (200, {"status": "pending"})
    is_an_answer = (who, name) == ("jumio", "404")  # a workflow that is not known there yet
    assert is_an_answer or len([line for line in log_lines if " gate.not_looked " in line]) == 2


@pytest.mark.parametrize("name", PEER_FAULTS)
def test_a_record_that_cannot_be_read_is_no_pass_whatever_fails_behind_the_gate(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str], name: str
) -> None:
    monkeypatch.setattr("webhook.verification.gate.LOOK_SECONDS", 0.3)
    person = overwritten(world, verified(), "approved")
    public = world.kratos.identity(person)["metadata_public"]
    world.kratos.server.faults = lambda request: PEER_FAULTS[name]
    begun = time.monotonic()
    assert_refused(gevent.spawn(world.validate, person, public).get(timeout=SOON), 403, "validate")
    assert time.monotonic() - begun < 2
    [line] = [line for line in log_lines if " gate.unreadable " in line]
    assert '"error"' in line


def test_reading_it_and_looking_again_share_their_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = open_for_long(world)
    public = {"jumio": "odd"}
    world.kratos.identities.patch(person, [{"op": "add", "path": "/metadata_public", "value": public}])
    monkeypatch.setattr("webhook.verification.gate.LOOK_SECONDS", 0.5)
    world.jumio.server.faults = lambda request: faults.hang()
    pause = faults.hang(0.3)  # the read takes most of it
    world.kratos.server.faults = lambda request: pause
    begun = time.monotonic()
    answer = gevent.spawn(world.validate, person, public).get(timeout=SOON)
    assert (answer.status_code, answer.json) == (200, {"status": "pending"})
    assert time.monotonic() - begun < 0.75


def test_another_change_of_the_identity_does_not_hold_a_sign_in_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.gate.LOOK_SECONDS", 0.05)
    person = open_for_long(world)
    with world.services.settler.attending(person):
        assert world.hook(person).json == {"status": "pending"}
    assert world.jumio.server.requests == []


# --- not too often ---


@pytest.fixture
def braked(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("webhook.coordination.local.LOOK_EVERY_SECONDS", 5.0)
    return make_world()


def reads_of(world: World) -> int:
    return world.jumio.server.count("GET", ".*/workflow-executions/.*")


def test_one_person_is_looked_at_once_in_a_while_however_often_they_come(braked: World) -> None:
    person = braked.person()
    braked.initiate(person)
    old = {"jumio": {**braked.record(person)[0], "initiated_at": days_ago(1)}}
    for _ in range(3):
        assert braked.validate(person, old).json == {"status": "pending"}
    assert reads_of(braked) == 1


def test_the_brake_of_one_person_holds_nobody_else(braked: World) -> None:
    for name in ("one", "other"):
        person = braked.person(name)
        braked.initiate(person)
        braked.validate(person, {"jumio": {**braked.record(person)[0], "initiated_at": days_ago(1)}})
    assert reads_of(braked) == 2


def test_a_further_workflow_is_looked_at_once_in_a_while_too(braked: World) -> None:
    person = braked.verified_person()
    policy = {"max_age": "1m", "on_unmet": "block"}
    braked.reverify(person)
    old = braked.record(person)[0]
    old["assurance"]["verified_at"] = days_ago(1)
    for _ in range(3):
        assert braked.validate(person, {"jumio": old}, policy=policy).status_code in (200, 403)
    assert reads_of(braked) == 1
