# SPDX-License-Identifier: Apache-2.0
"""Re-verification as its callers see it: the route, what stands while it is open, and how it ends."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support import (
    ACCOUNT,
    FACE_DOUBTED,
    FACE_PASSED,
    IDENTITY,
    World,
    approved,
    assured,
    capabilities,
    days_ago,
    message_of,
    pending,
    told,
    verified,
)

from sandbox import faults
from sandbox.faults import Fault
from sandbox.jumio_records import Workflow
from sandbox.server import Request
from webhook import wiring
from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.core.times import from_text
from webhook.runtime import metrics


def asked(world: World, person: str, **more: Any) -> Workflow:
    """The further workflow that was started for somebody."""
    assert world.reverify(person, **more).status_code == 200
    return world.jumio.truth(person)[-1]


def due_in_days(world: World, person: str) -> float | None:
    due_at = from_text(world.record(person)[0]["reverification"]["due_at"])
    return None if due_at is None else round((due_at - datetime.now(UTC)).total_seconds() / 86400, 3)


def in_seconds(instant: str) -> int:
    """As Unix seconds, for readers that know no calendar."""
    return math.ceil(datetime.fromisoformat(instant).timestamp())


# --- asking ---


def test_a_reverification_is_started_on_the_existing_account(world: World) -> None:
    person = world.verified_person()
    before = world.record(person)
    answer = world.reverify(person, reason="risk", due_in="7d")
    [first, workflow] = world.jumio.truth(person)
    public, admin = world.record(person)
    shown = public["reverification"]
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "approved", "reverification": told(shown)},
    )
    assert shown == {
        "reason": "risk",
        "due_at": shown["due_at"],
        "due": in_seconds(shown["due_at"]),
        "workflow_execution_id": workflow.id,
        "verification_url": workflow.web_href,
    }
    assert due_in_days(world, person) == 7
    assert (workflow.account_id, world.starts()) == (first.account_id, ["PUT 10014"])
    assert public == {**before[0], "reverification": shown}, "the earlier verdict and level stand"
    assert admin == {
        **before[1],
        "reverification": {**shown, "initiated_at": admin["reverification"]["initiated_at"], "workflow_key": 10014},
        "starts": admin["starts"],
        "history": admin["history"],
        "workflows": {
            **before[1]["workflows"],
            workflow.id: {
                "state": "open",
                "account_id": workflow.account_id,
                "created_at": admin["reverification"]["initiated_at"],
                "workflow_key": 10014,
                "verification_url": workflow.web_href,
            },
        },
    }
    assert len(admin["starts"]) == 2
    assert admin["history"][-1]["event"] == "reverification.started"
    assert admin["history"][-1]["workflow_execution_id"] == workflow.id


@pytest.mark.parametrize("how", ["secret", "nobody", "malformed"])
def test_who_may_not_or_says_nothing_usable(world: World, how: str) -> None:
    if how == "secret":
        assert world.client.post("/jumio/reverify", json={"identity": {"id": IDENTITY}}).status_code == 401
        assert world.calls() == []
    elif how == "nobody":
        assert world.reverify(IDENTITY).status_code == 404
    else:
        for more in ({"reason": "x"}, {"due_in": "x"}, {"x": 1}):
            assert world.reverify(IDENTITY, **more).status_code == 400
        assert world.calls() == []
    assert world.starts() == []


@pytest.mark.parametrize(
    ("record", "starts", "status"),
    [
        (None, ["POST 10011"], "pending"),
        (Record(status=Status.UNSTARTED), ["POST 10011"], "pending"),
        (approved(status=Status.INCOMPLETE, verdict=None, account_id=None), ["POST 10011"], "pending"),
        (pending(), [], "pending"),
        (verified(0, status=Status.REJECTED), [], "rejected"),
    ],
    ids=["none", "unstarted", "incomplete", "pending", "rejected"],
)
def test_whoever_is_not_verified_gets_at_most_an_ordinary_start(
    world: World, record: Record | None, starts: list[str], status: str
) -> None:
    person = world.person_with(record) if record else world.person()
    answer = world.reverify(person, due_in="7d")
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["status"], world.starts()) == (status, starts)
    assert "reverification" not in world.record(person)[0]


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_approved_and_review_are_asked_to_do_it_again(world: World, status: Status) -> None:
    person = world.verified_person()
    world.change(person, lambda record: replace(record, status=status))
    assert world.reverify(person).json["status"] == status.value
    assert world.starts() == ["PUT 10014"]


def test_without_a_face_that_was_seen_alive_a_document_is_needed(world: World) -> None:
    """Which checks show one: wire/test_jumio_words.py."""
    person = world.verified_person()
    world.change(person, lambda record: replace(record, checks=record.checks[:3]))
    asked(world, person)
    assert world.starts() == ["PUT 10011"]
    assert world.record(person)[1]["reverification"]["workflow_key"] == 10011


def test_the_face_workflow_can_be_set(make_world: Callable[..., World]) -> None:
    world = make_world(JUMIO_REAUTH_WORKFLOW_KEY="9", JUMIO_WORKFLOW_KEY="10164")
    person = world.verified_person()
    asked(world, person)
    assert world.starts() == ["PUT 9"]


def test_on_an_account_that_jumio_deleted_a_document_is_needed(world: World) -> None:
    person = world.person_with(verified())
    asked(world, person)
    assert world.starts() == ["PUT 10014", "POST 10011"]
    public, admin = world.record(person)
    assert public["account_id"] not in (None, ACCOUNT)
    assert admin["reverification"]["workflow_key"] == 10011, "the one that was started"


@pytest.mark.parametrize("first", ["7d", None])
def test_asked_again_while_it_is_open_starts_nothing_and_only_shortens_the_time(
    world: World, first: str | None
) -> None:
    person = world.verified_person()
    asked(world, person, **({"due_in": first} if first else {}))
    link = world.record(person)[0]["reverification"]["verification_url"]
    world.forget_calls()
    world.reverify(person, due_in="30d", reason="manual")
    assert due_in_days(world, person) == (7 if first else 30)
    world.reverify(person)
    assert due_in_days(world, person) == (7 if first else 30)
    answer = world.reverify(person, due_in="1d")
    assert due_in_days(world, person) == 1
    assert answer.json is not None
    assert answer.json["reverification"]["verification_url"] == link
    assert world.starts() == []
    assert world.record(person)[1]["history"][-1]["event"] == "reverification.asked"


@pytest.mark.parametrize(
    "fault",
    [faults.answer(500), faults.answer(429), faults.answer(403), faults.reset(), faults.garbage()],
    ids=["500", "429", "403", "a reset", "garbage"],
)
@pytest.mark.parametrize("due_in", ["7d", None])
def test_what_jumio_does_not_start_is_due_all_the_same(world: World, fault: Fault, due_in: str | None) -> None:
    person = world.verified_person()
    before = world.record(person)
    world.jumio.server.faults = lambda request: fault if request.method == "PUT" else None
    answer = world.reverify(person, reason="risk", due_in=due_in)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["reason"]
    assert world.record(person)[0]["status"] == "approved"
    if due_in is None:
        public, admin = world.record(person)
        assert (public, {**admin, "starts": None}) == (before[0], {**before[1], "starts": None})
        assert "reverification" not in answer.json
    else:
        assert answer.json["reverification"]["workflow_execution_id"] is None
        assert due_in_days(world, person) == 7
    world.jumio.server.faults = None
    asked(world, person, reason="manual")
    assert (due_in_days(world, person) is None) is (due_in is None)


def test_starts_are_limited_and_it_is_due_all_the_same(make_world: Callable[..., World]) -> None:
    world = make_world(MAX_STARTS_PER_DAY="1")
    person = world.verified_person()
    answer = world.reverify(person, due_in="1d")
    assert answer.json is not None
    assert answer.json["reason"] == "the limit of 1 starts a day is reached"
    assert due_in_days(world, person) == 1
    assert world.starts() == []


def test_a_workflow_that_cannot_be_noted_is_told_loudly(
    world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0, 0.0))
    person = world.verified_person()
    world.kratos.server.faults = lambda request: (
        faults.answer(500) if request.method == "PATCH" and b"reverification" in request.body else None
    )
    assert world.reverify(person).status_code == 503
    assert [line for line in log_lines if "verification.unrecorded" in line and "ERROR" in line]


def test_nothing_is_started_for_whom_nothing_can_be_noted(world: World) -> None:
    person = world.verified_person()
    world.kratos.identities.patch(person, [{"op": "replace", "path": "/metadata_public", "value": "text"}])
    assert world.reverify(person).status_code == 503
    assert world.starts() == []


def test_a_further_start_is_not_counted_as_a_verdict(world: World) -> None:
    person = world.verified_person()

    def approved_so_far() -> float:
        lines = metrics.exposition().decode().splitlines()
        [line] = [line for line in lines if line.startswith('jumio_webhook_verifications_total{status="approved"}')]
        return float(line.split()[-1])

    before = approved_so_far()
    asked(world, person)
    assert approved_so_far() == before


# --- how it ends ---


def test_a_passed_face_renews_the_date_and_keeps_the_level(world: World) -> None:
    person = world.verified_person()
    old = days_ago(91)
    world.change(person, lambda record: replace(record, assurance=assured(2, verified_at=old)))
    before = world.record(person)
    workflow = asked(world, person, due_in="7d")
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert public == {
        **before[0],
        "assurance": {**before[0]["assurance"], "verified_at": public["assurance"]["verified_at"]},
    }
    assert public["assurance"]["verified_at"] > old
    assert (public["workflow_execution_id"], "reverification" in admin) == (before[0]["workflow_execution_id"], False)
    assert admin["checks"] == before[1]["checks"]
    assert admin["history"][-1]["event"] == "reverification.passed"


def test_a_passed_document_with_as_much_evidence_replaces_what_was_known(world: World) -> None:
    person = world.verified_person()
    world.change(person, lambda record: replace(record, assurance=assured(2, verified_at=days_ago(91)), checks=()))
    workflow = asked(world, person, due_in="7d")
    world.says(workflow, "passed")
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert (public["status"], public["assurance"]["level"]) == ("approved", 3)
    assert public["workflow_execution_id"] == workflow.id
    assert len(admin["checks"]) == 6
    assert "reverification" not in public
    world.forget_calls()
    assert world.call_back(workflow).json == {"result": "unchanged"}
    assert world.call_back(world.jumio.truth(person)[0]).json == {
        "result": "ignored",
        "reason": "another workflow's verdict stands: approved",
    }


def test_a_callback_of_a_passed_face_that_comes_twice_writes_once(world: World) -> None:
    person = world.verified_person()
    workflow = asked(world, person)
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    world.call_back(workflow)
    world.forget_calls()
    world.call_back(workflow)
    assert world.kratos.server.count("PATCH", ".*") == 0


@pytest.mark.parametrize(
    ("on_rejected", "sessions", "state"),
    [("block", 1, "active"), ("revoke", 0, "active"), ("deactivate", 0, "inactive")],
)
def test_a_rejected_one_rejects_with_all_its_consequences(
    make_world: Callable[..., World], on_rejected: str, sessions: int, state: str
) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    person = world.verified_person()
    world.kratos.identities.sign_in(person, "password")
    workflow = asked(world, person, due_in="7d")
    world.says(workflow, "rejected", capabilities=capabilities(usability="PASSED", authentication="REJECTED"))
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert (public["status"], public["verdict"], public["assurance"]["level"]) == ("rejected", "FAILED", 0)
    assert ("reverification" in public, "reverification" in admin) == (False, False)
    assert len(world.kratos.sessions(person)) == sessions
    assert world.kratos.identity(person)["state"] == state
    assert message_of(world.hook(person))["id"] == 9010001
    assert world.reverify(person).json["status"] == "rejected"


def test_a_doubted_document_is_reviewed_at_the_level_of_its_own_evidence(world: World) -> None:
    person = world.verified_person()
    world.change(person, lambda record: replace(record, checks=()))
    workflow = asked(world, person, due_in="7d")
    world.says(workflow, "warning")
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert (public["status"], public["verdict"], public["assurance"]["level"]) == ("review", "WARNING", 0)
    assert (public["workflow_execution_id"], admin["decision"]["type"]) == (workflow.id, "WARNING")
    assert ("reverification" in public, "reverification" in admin) == (False, False)
    world.forget_calls()
    assert world.call_back(workflow).json == {"result": "unchanged"}
    assert world.kratos.server.count("PATCH", ".*") == 0


def test_a_doubted_face_is_no_result_and_due_as_before(world: World) -> None:
    person = world.verified_person()
    before = world.record(person)[0]
    workflow = asked(world, person, due_in="7d")
    due_at = world.record(person)[0]["reverification"]["due_at"]
    world.says(workflow, "warning", capabilities=FACE_DOUBTED)
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert public == {
        **before,
        "reverification": {
            "reason": "manual",
            "due_at": due_at,
            "due": in_seconds(due_at),
            "workflow_execution_id": None,
            "verification_url": None,
        },
    }
    assert admin["history"][-1]["event"] == "reverification.lapsed"
    asked(world, person)
    world.forget_calls()
    assert world.call_back(workflow).json == {"result": "unchanged"}
    assert world.kratos.server.count("PATCH", ".*") == 0, "told again, it does not call off the next try"


@pytest.mark.parametrize("outcome", ["expire", "not_executed"])
def test_one_that_expired_is_due_as_before(world: World, outcome: str) -> None:
    person = world.verified_person()
    workflow = asked(world, person, reason="risk", due_in="7d")
    due_at = world.record(person)[0]["reverification"]["due_at"]
    world.jumio.decide(workflow.id, outcome, callback=False)
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert (public["status"], public["assurance"]["level"]) == ("approved", 3)
    assert public["reverification"] == {
        "reason": "risk",
        "due_at": due_at,
        "due": in_seconds(due_at),
        "workflow_execution_id": None,
        "verification_url": None,
    }
    assert admin["history"][-1]["event"] == "reverification.lapsed"
    world.forget_calls()
    assert world.call_back(workflow).json["result"] == "unchanged"
    assert world.kratos.server.count("PATCH", ".*") == 0
    assert world.hook(person, policy={"min_level": 3}).status_code == 200, "there is time until it is due"
    asked(world, person)
    assert world.record(person)[0]["reverification"]["due_at"] == due_at
    assert world.record(person)[0]["reverification"]["reason"] == "manual"


def test_one_without_a_date_that_expired_is_gone(world: World) -> None:
    person = world.verified_person()
    workflow = asked(world, person)
    world.jumio.decide(workflow.id, "expire", callback=False)
    world.call_back(workflow)
    assert "reverification" not in world.record(person)[0]


def overdue(world: World, person: str) -> None:
    def change(record: Record) -> Record:
        further = record.reverification or Reverification(reason="risk", due_at=None)
        return replace(record, reverification=replace(further, due_at=days_ago(0.001)))

    world.change(person, change)


def test_after_its_date_the_level_falls_to_1_until_it_is_done(world: World) -> None:
    person = world.verified_person()
    workflow = asked(world, person, due_in="7d")
    assert world.hook(person, policy={"min_level": 3}).json == {"status": "approved", "level": 3}
    overdue(world, person)
    message = message_of(world.hook(person, policy={"min_level": 2}))
    assert (message["id"], message["context"]["current"]["level"]) == (9010012, 1)
    assert "verification_url" not in message["context"], "a policy that only blocks shows no link"
    message = message_of(world.hook(person, policy={"min_level": 2, "on_unmet": "start"}))
    assert message["context"]["verification_url"] == workflow.web_href
    assert world.starts() == ["PUT 10014"]
    assert world.record(person)[0]["assurance"]["level"] == 3, "the record is not touched"
    assert world.hook(person).json == {"status": "approved"}
    assert world.hook(person, policy={"min_level": 1}).json == {"status": "approved", "level": 1}
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    world.call_back(workflow)
    assert world.hook(person, policy={"min_level": 3}).json == {"status": "approved", "level": 3}


def test_one_that_expired_is_asked_for_again_at_the_gate_once_it_is_overdue(world: World) -> None:
    person = world.verified_person()
    workflow = asked(world, person, due_in="7d")
    world.jumio.decide(workflow.id, "expire", callback=False)
    world.call_back(workflow)
    overdue(world, person)
    message = message_of(world.hook(person, policy={"min_level": 2, "on_unmet": "start"}))
    assert message["id"] == 9010012
    new = world.jumio.truth(person)[-1]
    assert (new.definition_key, message["context"]["verification_url"]) == ("10014", new.web_href)
    assert message["context"]["verification_url"] != workflow.web_href


def test_a_further_workflow_that_was_never_noted_is_adopted(world: World) -> None:
    """Kratos could not be written after Jumio had started it: its verdict counts as the contract's table says."""
    person = world.verified_person()
    workflow = asked(world, person)
    world.change(person, lambda record: replace(record, reverification=None))
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    assert world.call_back(workflow).json == {"result": "applied"}
    public, _ = world.record(person)
    assert (public["status"], public["assurance"]["level"]) == ("approved", 3)


def test_eight_at_once_start_one_workflow(world: World) -> None:
    person = world.verified_person()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: world.reverify(person, due_in="7d").json, range(8)))
    assert world.starts() == ["PUT 10014"]
    links = {answer["reverification"]["workflow_execution_id"] for answer in answers if answer is not None}
    assert links == {world.jumio.truth(person)[-1].id}


# --- what another process does meanwhile ---


def test_whoever_is_rejected_meanwhile_is_handed_no_second_check(world: World) -> None:
    """Another process notes the rejection between our reading and the note that a start is asked for."""
    person = world.verified_person()
    [first] = world.jumio.truth(person)
    world.says(first, "rejected")

    def meanwhile(request: Request) -> None:
        if request.method == "PATCH":
            world.kratos.server.faults = None
            wiring.for_requests(world.settings).settler.settle_callback(first.account_id, first.id, identity_id=person)

    world.kratos.server.faults = meanwhile
    answer = world.reverify(person)
    assert (answer.status_code, answer.json["status"]) == (200, "rejected")
    assert world.starts() == []
    assert message_of(world.hook(person))["context"] == {"status": "rejected"}


def test_a_further_workflow_that_was_paid_for_and_could_not_be_noted_is_adopted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", ())
    person = world.verified_person()
    world.kratos.server.faults = lambda request: (
        faults.answer(500) if request.method == "PATCH" and b"reverification" in request.body else None
    )
    assert world.reverify(person).status_code == 503
    world.kratos.server.faults = None
    answer = world.reverify(person)
    assert answer.json["reverification"]["workflow_execution_id"] == world.jumio.truth(person)[-1].id
    assert world.starts() == ["PUT 10014"]
