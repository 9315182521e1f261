# SPDX-License-Identifier: Apache-2.0
"""`POST /jumio/initiate`: what is started for whom, what is answered when it cannot be, and that none is paid twice."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support import ACCOUNT, IDENTITY, NEWER_WORKFLOW, WORKFLOW, World, approved, days_ago, pending, verified

from contract.routes import assert_refused
from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import Request
from webhook.core.ids import NIL_UUID
from webhook.core.record import Record
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.metadata import admin_member


def statuses(world: World, person: str) -> list[str | None]:
    return [copy and copy["status"] for copy in world.record(person)]


def events(world: World, person: str) -> list[str]:
    return [event["event"] for event in world.record(person)[1]["history"]]


# --- what is started ---


def test_a_workflow_is_started_and_its_link_is_told(world: World) -> None:
    person = world.person(metadata_public={"theirs": 1})
    answer = world.initiate(person)
    [workflow] = world.jumio.truth(person)
    assert (answer.status_code, answer.json) == (
        200,
        {
            "status": "pending",
            "account_id": workflow.account_id,
            "workflow_execution_id": workflow.id,
            "verification_url": workflow.web_href,
        },
    )
    assert world.starts() == ["POST 10011"]
    assert statuses(world, person) == ["pending", "pending"]
    assert world.kratos.identity(person)["metadata_public"]["theirs"] == 1


def test_asked_again_while_it_is_open_the_answer_is_the_same_and_nothing_is_started(world: World) -> None:
    person = world.person()
    first = world.initiate(person)
    assert world.initiate(person.upper()).json == first.json
    assert len(world.jumio.workflows) == 1


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW, Status.REJECTED])
def test_for_whoever_has_a_verdict_it_is_told_and_nothing_is_started(world: World, status: Status) -> None:
    person = world.person_with(approved(status=status))
    before = world.record(person)
    for calls in (["kratos PATCH", "kratos PATCH"], ["kratos GET"]):  # once it is known, nothing is noted for nothing
        world.forget_calls()
        answer = world.initiate(person)
        assert (answer.status_code, answer.json) == (200, {"status": status.value})
        assert world.calls() == calls
        public, admin = world.record(person)
        assert (public, {**admin, "workflows": None}) == (before[0], {**before[1], "workflows": None})


def test_an_open_one_without_a_link_from_jumio_is_still_pending(world: World) -> None:
    answer = world.initiate(world.person_with(pending(verification_url=None, vendor_url=None)))
    assert answer.json == {
        "status": "pending",
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "verification_url": None,
    }
    assert world.starts() == []


@pytest.mark.parametrize("status", [Status.INCOMPLETE, Status.UNSTARTED])
def test_whoever_has_an_account_gets_a_new_workflow_on_it(world: World, status: Status) -> None:
    person = world.person()
    world.initiate(person)
    [first] = world.jumio.truth(person)
    world.change(person, lambda record: replace(record, status=status))
    world.forget_calls()
    answer = world.initiate(person)
    [_, second] = world.jumio.truth(person)
    assert second.account_id == first.account_id
    assert answer.json is not None
    assert (answer.json["status"], answer.json["workflow_execution_id"]) == ("pending", second.id)
    assert world.starts() == ["PUT 10011"]


def test_on_an_account_that_jumio_deleted_a_new_one_is_made(world: World) -> None:
    person = world.person_with(Record(status=Status.UNSTARTED, account_id=ACCOUNT))
    answer = world.initiate(person)
    assert answer.json is not None
    assert answer.json["status"] == "pending"
    assert answer.json["account_id"] != ACCOUNT
    assert world.starts() == ["PUT 10011", "POST 10011"]


# --- what cannot be ---

JUMIO_FAULTS = {
    "500": faults.answer(500),
    "503": faults.answer(503),
    "429": faults.answer(429),
    "403": faults.answer(403),
    "400": faults.answer(400),
    "404": faults.answer(404),
    "garbage": faults.garbage(),
    "a reset": faults.reset(),
}


@pytest.mark.parametrize("name", JUMIO_FAULTS)
def test_a_registration_never_fails_because_of_jumio_and_it_is_started_later(world: World, name: str) -> None:
    person = world.person(metadata_public={"theirs": 1})
    world.jumio.server.faults = lambda request: JUMIO_FAULTS[name] if request.path.endswith("/accounts") else None
    answer = world.initiate(person)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"status", "reason"}
    assert answer.json["status"] == "unstarted"
    assert answer.json["reason"]
    assert statuses(world, person) == ["unstarted", "unstarted"]
    assert world.kratos.identity(person)["metadata_public"]["theirs"] == 1

    history = world.record(person)[1]["history"]
    assert world.initiate(person).json == answer.json
    assert world.record(person)[1]["history"] == history, "it is recorded already"

    world.jumio.server.faults = None
    assert world.initiate(person).json["status"] == "pending"
    assert events(world, person) == ["verification.unstarted", "verification.started"]


@pytest.mark.parametrize("silent", ["token", "start"])
def test_time_is_kept_back_to_record_what_jumio_was_too_slow_for(
    world: World, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 1.0)
    monkeypatch.setattr("webhook.verification.start.KRATOS_SECONDS", 0.7)
    monkeypatch.setattr("webhook.idv.jumio.client.START_NEEDS_SECONDS", 0.0)
    person = world.person()
    world.jumio.server.faults = lambda request: (
        faults.hang() if (silent == "token") is request.path.startswith("/oauth2") else None
    )
    answer = world.initiate(person)
    assert answer.json == {"status": "unstarted", "reason": "Jumio did not answer in time"}
    assert statuses(world, person) == ["unstarted", "unstarted"]


def test_a_start_that_could_not_be_heard_of_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it may be paid for and lost: a POST that creates a workflow has 4 s at least to be answered."""
    monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 6.9)  # of which Kratos keeps three
    person = world.person()
    answer = world.initiate(person)
    assert answer.json is not None
    assert answer.json["status"] == "unstarted"
    assert "too little time" in answer.json["reason"]
    assert world.starts() == []
    assert statuses(world, person) == ["unstarted", "unstarted"]


def test_what_finds_no_room_at_jumio_is_unstarted(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.runtime.http.PLACE_SECONDS", 0.05)
    monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 8.0)
    world = make_world(JUMIO_MAX_IN_FLIGHT="1")
    one, other = world.person("one"), world.person("other")
    world.jumio.server.faults = lambda request: faults.hang(0.3) if request.path.endswith("/accounts") else None
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(world.initiate, one)
        assert world.jumio.server.wait(lambda server: server.count("POST", ".*/accounts") == 1)
        answer = world.initiate(other)
        assert first.result(10).json["status"] == "pending"
    assert answer.json == {
        "status": "unstarted", "reason": "Jumio was not asked: too many calls to it are under way"
    }  # fmt: skip
    assert world.starts() == ["POST 10011"]
    assert statuses(world, other) == ["unstarted", "unstarted"]


def test_for_an_unknown_identity_it_is_404(world: World) -> None:
    assert_refused(world.initiate(IDENTITY), 404)
    assert world.calls() == ["kratos PATCH"]


def test_for_the_nil_uuid_the_cause_is_named(world: World) -> None:
    answer = world.initiate(NIL_UUID)
    assert_refused(answer, 400)
    assert answer.json is not None
    assert "the hook parses its response" in answer.json["error"]["reason"]
    assert world.calls() == []


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize(
    "fault",
    [faults.answer(500), faults.answer(401), faults.answer(400, b"{}"), faults.garbage(), faults.reset()],
    ids=["500", "401", "400", "garbage", "a reset"],
)
def test_a_kratos_that_cannot_be_read_or_written_is_503_and_nothing_is_paid_for(
    world: World, fault: Fault, is_known: bool
) -> None:
    person = world.person()
    if is_known:
        world.services.starter._known[person] = None
    world.kratos.server.faults = lambda request: fault if request.method in ("GET", "PATCH") else None
    assert_refused(world.initiate(person), 503)
    assert world.starts() == []


@pytest.mark.parametrize("odd", ["text", ["jumio"]], ids=repr)
@pytest.mark.parametrize("name", ["metadata_public", "metadata_admin"])
def test_nothing_is_started_for_whom_nothing_can_be_noted(world: World, name: str, odd: object) -> None:
    person = world.person(**{name: odd})
    assert_refused(world.initiate(person), 503)
    assert world.starts() == []
    assert world.kratos.identity(person)[name] == odd


def test_what_stands_in_our_place_and_is_no_record_is_replaced(world: World) -> None:
    person = world.person(metadata_admin={"jumio": "text", "theirs": 1})
    assert world.initiate(person).json["status"] == "pending"
    admin = world.kratos.identity(person)["metadata_admin"]
    assert (admin["theirs"], admin["jumio"]["status"]) == (1, "pending")


def test_of_very_many_the_oldest_are_forgotten_to_have_a_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which costs them a write, and nothing else."""
    monkeypatch.setattr("webhook.verification.start.KNOWN_AT_MOST", 2)
    people = [world.person(f"person-{number}") for number in range(4)]
    for person in people * 2:
        assert world.initiate(person).json["status"] == "pending"
    assert len(world.starts()) == len(people)


def test_a_note_that_kratos_refuses_is_503_and_nothing_is_paid_for(world: World) -> None:
    person = world.person()
    world.kratos.server.faults = lambda request: faults.answer(403) if request.method == "PATCH" else None
    assert_refused(world.initiate(person), 503)
    assert world.starts() == []


@pytest.mark.parametrize("asks", ["first", "again", "further"])
def test_whoever_was_faster_is_the_answer(world: World, asks: str) -> None:
    """Another process has started one after this one had read, and tells when this one notes that it will."""
    person = world.person_with(verified(level=1) if asks == "further" else Record(status=Status.INCOMPLETE))
    if asks == "again":
        world.jumio.server.faults = lambda request: faults.answer(500)
        assert world.initiate(person).json["status"] == "unstarted"
        world.jumio.server.faults = None
        world.forget_calls()
    theirs = approved(status=Status.REJECTED, verdict=Verdict.FAILED, workflow_execution_id=NEWER_WORKFLOW)
    workflow = admin_member(theirs)["workflows"][NEWER_WORKFLOW] | {"created_at": "2099-01-01T00:00:00.000Z"}
    workflow["decided_at"] = "2099-01-02T00:00:00.000Z"
    written = []

    def meanwhile(request: Request) -> None:
        if request.method == "PATCH" and not written:
            written.append(request.path)
            path = f"/metadata_admin/jumio/workflows/{NEWER_WORKFLOW}"
            stands = world.kratos.identity(person)["metadata_admin"]["jumio"].get("workflows")
            patch = [] if stands else [{"op": "add", "path": "/metadata_admin/jumio/workflows", "value": {}}]
            world.kratos.identities.patch(person, [*patch, {"op": "add", "path": path, "value": workflow}])

    world.kratos.server.faults = meanwhile
    answer = world.reverify(person) if asks == "further" else world.initiate(person)
    assert (answer.status_code, answer.json["status"]) == (200, "rejected")
    assert world.starts() == []
    assert world.record(person)[1].get("asked_at") is None


# --- what was paid for ---


def cannot_be_written(world: World, fault: Fault, times: int | None = None) -> None:
    """PATCHes of Kratos fail: so many, or all, but for those that note that a start is asked for."""
    left = iter(range(times)) if times is not None else iter(int, 1)

    def is_note(request: Request) -> bool:
        steps = json.loads(request.body)
        return [(step["op"], step["path"]) for step in steps] == [("add", "/metadata_admin/jumio/asked_at")]

    world.kratos.server.faults = lambda request: (
        fault if request.method == "PATCH" and not is_note(request) and next(left, None) is not None else None
    )


@pytest.mark.parametrize("failures", [1, 2])
def test_it_is_noted_with_patience(world: World, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0, 0.0))
    person = world.person()
    cannot_be_written(world, faults.answer(500), failures)
    assert world.initiate(person).json["status"] == "pending"
    assert statuses(world, person) == ["pending", "pending"]
    assert len(world.jumio.workflows) == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (503, 3), (403, 1)])
def test_when_it_cannot_be_noted_that_is_told_loudly(
    world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch, status: int, tries: int
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0, 0.0))
    cannot_be_written(world, faults.answer(status))
    assert_refused(world.initiate(world.person()), 503)
    assert [line for line in log_lines if "verification.unrecorded" in line and "ERROR" in line]
    assert len(world.jumio.workflows) == 1
    assert world.kratos.server.count("PATCH", ".*") == 1 + tries


def test_it_is_noted_by_the_next_attempt_of_the_same_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", ())
    person = world.person()
    cannot_be_written(world, faults.answer(500))
    assert world.initiate(person).status_code == 503
    world.kratos.server.faults = None
    answer = world.initiate(person)
    assert answer.status_code == 200
    assert [workflow.id for workflow in world.jumio.truth(person)] == [answer.json["workflow_execution_id"]]


def test_but_not_for_as_long_as_jumio_keeps_it_open(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", ())
    world = make_world()
    person = world.person()
    cannot_be_written(world, faults.answer(500))
    assert world.initiate(person).status_code == 503
    world.kratos.server.faults = None
    monkeypatch.setattr(world.services.coordination, "_clock", lambda: time.monotonic() + 3601)
    assert world.initiate(person).status_code == 200
    assert len(world.jumio.truth(person)) == 2


def test_an_outage_fills_no_memory_with_what_could_not_be_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", ())
    monkeypatch.setattr("webhook.coordination.local.PAID_AT_MOST", 1)
    people = [world.person(name) for name in ("one", "other")]
    cannot_be_written(world, faults.answer(503))
    for person in people:
        assert world.initiate(person).status_code == 503
    world.kratos.server.faults = None
    for person in reversed(people):
        assert world.initiate(person).status_code == 200
    assert [len(world.jumio.truth(person)) for person in people] == [2, 1], "the last is remembered"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(faults.answer(403), "Kratos"), (faults.answer(429), "Kratos"), (faults.answer(500), "may have been started")],
    ids=["403", "429", "500"],
)
def test_neither_a_start_nor_that_it_failed_can_be_noted(world: World, fault: Fault, reason: str) -> None:
    person = world.person()
    world.jumio.server.faults = lambda request: fault if request.path.endswith("/accounts") else None
    cannot_be_written(world, faults.answer(503))
    answer = world.initiate(person)
    assert_refused(answer, 503)
    assert answer.json is not None
    assert reason in answer.json["error"]["reason"]
    assert world.record(person)[0] is None
    assert world.record(person)[1].keys() == {"asked_at"}, "the next sweep starts whoever bears this note"
    assert len(world.starts()) == 1


# --- how often ---


def ended(world: World, person: str) -> None:
    """What was started last expires, and Jumio says so."""
    workflow = world.jumio.truth(person)[-1]
    world.jumio.decide(workflow.id, "expire", callback=False)
    world.call_back(workflow)


def test_five_a_day_by_default(world: World) -> None:
    person = world.person()
    for _ in range(7):
        answer = world.initiate(person)
        ended(world, person)
    assert len(world.jumio.truth(person)) == 5
    assert answer.json == {"status": "incomplete", "reason": "the limit of 5 starts a day is reached"}
    world.change(person, lambda record: replace(record, starts=tuple(days_ago(1) for _ in record.starts)))
    assert world.initiate(person).json["status"] == "pending"


# --- one at a time ---


def test_eight_at_once_start_one_workflow(world: World) -> None:
    person = world.person()
    world.jumio.server.faults = lambda request: faults.hang(0.05) if request.path.endswith("/accounts") else None
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: world.initiate(person).json, range(8)))
    [workflow] = world.jumio.workflows
    assert {answer["workflow_execution_id"] for answer in answers if answer is not None} == {workflow.id}
    assert len(answers) == 8


def test_whoever_waits_for_another_change_of_the_identity_gives_up_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person()
    with world.services.settler.attending(person):
        monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 0.1)
        answer = world.initiate(person)
    assert_refused(answer, 503)
    assert answer.json is not None
    assert "another change of this identity is under way" in answer.json["error"]["reason"]
    assert world.calls() == []


# --- what others wrote where we remember ---


@pytest.mark.parametrize(
    "document",
    ["", "5", "null", "[" * 10_000, '"abcde"', "[1, 2, 3, 4, 5]", "[]", '["a/b", "c", null, null, 1]'],
    ids=lambda document: document[:20],
)
def test_what_cannot_be_what_was_paid_for_is_not_adopted(world: World, document: str) -> None:
    person = world.person()
    world.services.coordination.remember_paid(person, document)
    answer = world.initiate(person)
    assert answer.status_code == 200
    assert [workflow.id for workflow in world.jumio.truth(person)] == [answer.json["workflow_execution_id"]]


def test_a_start_whose_end_nobody_told_counts_for_the_limit(make_world: Callable[..., World]) -> None:
    world = make_world(MAX_STARTS_PER_DAY="2")
    person = world.person()
    lost = faults.reset(processed=True)
    world.jumio.server.faults = lambda request: lost if request.path.endswith("/accounts") else None
    cannot_be_written(world, faults.answer(503))
    for _ in range(3):
        world.initiate(person)
    assert len(world.starts()) == 1, "nothing more is paid for before the unknown one is counted"
    world.kratos.server.faults = None
    for _ in range(3):
        world.initiate(person)
    assert len(world.starts()) == 2
