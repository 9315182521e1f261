# SPDX-License-Identifier: Apache-2.0
"""A further verification of somebody who was verified: passed, rejected, doubted, lapsed, lost, never noted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import (
    FACE_CHECKS,
    FURTHER,
    IDENTITY,
    NEWER_WORKFLOW,
    PASSED_CHECKS,
    TABLE,
    approved,
    asked,
    assured,
    pending,
    reading,
    verified,
)

from webhook.core.events import Event
from webhook.core.evidence import Check, Decision
from webhook.core.record import Record, Reverification
from webhook.core.settle import Outcome, Result, settle, settle_unknown
from webhook.core.status import Status, Verdict

NEWEST_WORKFLOW = "44444444-4444-4444-4444-aaaaaaaaaaaa"
DUE = FURTHER.due_at
LATER = datetime(2026, 5, 1, tzinfo=UTC)
ASKED = datetime(2026, 3, 2, 18, 48, 37, tzinfo=UTC)
DONE = ASKED + timedelta(minutes=10)
BACK_AT_THE_DESK = DONE + timedelta(minutes=5)
REJECTED = Decision(type="REJECTED", label="REJECTED", risk_score=100.0)
WARNING = Decision(type="WARNING", label="WARNING", risk_score=50.0)
NOT_EXECUTED = Decision(type="NOT_EXECUTED", label="TOKEN_EXPIRED", risk_score=-1.0)
DUE_ONLY = Reverification(reason="risk", due_at=DUE)


def face(**changed: Any) -> Any:
    """What Jumio says of the further workflow: the face is the one it knows."""
    values = {
        "workflow_execution_id": NEWER_WORKFLOW,
        "created_at": ASKED,
        "completed_at": DONE,
        "workflow_key": 10014,
        "checks": FACE_CHECKS,
    }
    return reading(**{**values, **changed})


def document(**changed: Any) -> Any:
    """What Jumio says of the further workflow: a new document, and the face on it."""
    values = {"checks": PASSED_CHECKS, "workflow_key": 10011, "document_type": "PASSPORT"}
    return face(**{**values, **changed})


def settled(record: Record, read: Any, *, now: datetime = BACK_AT_THE_DESK, verified_address: bool = False) -> Outcome:
    return settle(record, read, identity_id=IDENTITY, table=TABLE, verified_address=verified_address, now=now)


def event_of(record: Record) -> dict[str, Any]:
    return dict(record.history[-1])


# --- passed ---


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_a_passed_face_renews_the_date_and_neither_raises_nor_lowers_the_level(level: int, status: Status) -> None:
    before = asked(verified(level, status=status, starts=("2026-03-02T18:48:37.319Z",)))
    for verified_address in (False, True):
        outcome = settled(before, face(), verified_address=verified_address)
        assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_PASSED)
        assert replace(outcome.record, history=()) == replace(
            before, reverification=None, assurance=assured(level, verified_at="2026-03-02T18:58:37.000Z")
        )
        assert event_of(outcome.record) == {
            "at": "2026-03-02T19:03:37.000Z",
            "event": "reverification.passed",
            "status": status.value,
            "workflow_execution_id": NEWER_WORKFLOW,
        }


def test_a_face_told_again_brings_a_record_from_before_there_were_steps_its_own_and_is_no_event() -> None:
    current = assured(expires_at="2030-01-02T00:00:00.000Z", verified_at="2026-03-02T18:58:37.000Z")
    outcome = settled(verified(assurance=replace(current, steps=None)), face())
    assert (outcome.result, outcome.event) == (Result.UNCHANGED, None)
    assert outcome.record == verified(assurance=current)


@pytest.mark.parametrize(
    ("times", "verified_at"),
    [
        ({}, "2026-03-02T18:58:37.000Z"),
        ({"completed_at": None}, "2026-03-02T18:48:37.000Z"),
        ({"completed_at": None, "created_at": None}, "2026-03-02T19:03:37.000Z"),
    ],
)
@pytest.mark.parametrize("read", [face, document])
def test_a_renewal_counts_as_of_its_end_else_its_start_else_now(
    read: Any, times: dict[str, None], verified_at: str
) -> None:
    renewed = settled(asked(), read(**times)).record.assurance
    assert renewed is not None
    assert renewed.verified_at == verified_at


def test_the_document_of_the_level_expires_as_before() -> None:
    before = asked(verified(assurance=assured(3, expires_at="2027-01-02T00:00:00.000Z")))
    renewed = settled(before, face(document_expires_at=LATER)).record.assurance
    assert renewed == assured(3, expires_at="2027-01-02T00:00:00.000Z", verified_at="2026-03-02T18:58:37.000Z")


def test_a_passed_face_of_somebody_without_a_level_gives_none() -> None:
    outcome = settled(asked(approved()), face())
    assert (outcome.event, outcome.record.assurance) == (Event.REVERIFICATION_PASSED, None)
    assert outcome.record.reverification is None


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_passed_document_with_as_much_evidence_replaces_what_was_known(level: int) -> None:
    before = asked(verified(level))
    outcome = settled(before, document(document_expires_at=LATER))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert replace(outcome.record, history=()) == verified(
        workflow_execution_id=NEWER_WORKFLOW,
        initiated_at="2026-03-02T18:48:37.000Z",
        decided_at="2026-03-02T18:58:37.000Z",
        assurance=assured(3, verified_at="2026-03-02T18:58:37.000Z", expires_at="2026-05-01T00:00:00.000Z"),
    )


def test_a_passed_document_with_less_evidence_renews_and_does_not_lower() -> None:
    without_liveness = tuple(check for check in PASSED_CHECKS if check.capability != "liveness")
    before = asked(verified(3))
    outcome = settled(before, document(checks=without_liveness))
    assert outcome.event is Event.REVERIFICATION_PASSED
    assert replace(outcome.record, history=()) == replace(
        before, reverification=None, assurance=assured(3, verified_at="2026-03-02T18:58:37.000Z")
    )


def test_nothing_of_a_persons_data_stays_with_the_checks() -> None:
    named = tuple(replace(check, data={"firstName": "JANE", "documentNumber": "1111111"}) for check in PASSED_CHECKS)
    for record in (pending(), asked()):
        read = document(checks=named) if record.reverification else reading(checks=named)
        assert settled(record, read).record.checks == PASSED_CHECKS


# --- rejected, doubted ---


@pytest.mark.parametrize("read", [face, document])
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_a_rejected_one_rejects(status: Status, read: Any) -> None:
    checks = (Check(capability="authentication", decision="REJECTED", label="FAILED", data={}),)
    outcome = settled(asked(verified(3, status=status)), read(decision=REJECTED, checks=checks))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert (outcome.record.status, outcome.record.verdict) == (Status.REJECTED, Verdict.FAILED)
    assert outcome.record.reverification is None
    assert outcome.record.workflow_execution_id == NEWER_WORKFLOW
    assert outcome.record.decision == REJECTED
    assert outcome.record.checks == checks
    assert outcome.record.assurance is not None
    assert outcome.record.assurance.level == 0


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize(("verified_address", "left"), [(False, 0), (True, 1)])
def test_a_doubted_document_is_reviewed_at_the_level_of_its_own_evidence(
    level: int, verified_address: bool, left: int
) -> None:
    outcome = settled(asked(verified(level)), document(decision=WARNING), verified_address=verified_address)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert replace(outcome.record, history=()) == verified(
        status=Status.REVIEW,
        verdict=Verdict.WARNING,
        workflow_execution_id=NEWER_WORKFLOW,
        initiated_at="2026-03-02T18:48:37.000Z",
        decided_at="2026-03-02T18:58:37.000Z",
        decision=WARNING,
        assurance=assured(left, verified_at="2026-03-02T18:58:37.000Z"),
    )
    assert event_of(outcome.record)["status"] == "review"


def test_a_doubted_capability_of_a_passed_document_caps_its_level() -> None:
    checks = (*PASSED_CHECKS, Check(capability="watchlistScreening", decision="WARNING", label="ALERT", data={}))
    outcome = settled(asked(), document(decision=WARNING, checks=checks), verified_address=True)
    assert outcome.record.assurance == assured(1, verified_at="2026-03-02T18:58:37.000Z")
    # Where the table asks for no PASSED execution, the cap is what is left.
    table = replace(TABLE, levels=tuple(replace(row, execution=None) for row in TABLE.levels))
    capped = settle(
        asked(),
        document(decision=WARNING, checks=checks),
        identity_id=IDENTITY,
        table=table,
        verified_address=False,
        now=BACK_AT_THE_DESK,
    )
    assert capped.record.assurance == assured(2, verified_at="2026-03-02T18:58:37.000Z")


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_a_doubted_face_is_no_result_and_due_as_before(status: Status, level: int) -> None:
    before = asked(verified(level, status=status))
    outcome = settled(before, face(decision=WARNING))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert replace(outcome.record, history=()) == replace(before, reverification=DUE_ONLY)
    assert event_of(outcome.record) == {
        "at": "2026-03-02T19:03:37.000Z",
        "event": "reverification.lapsed",
        "status": status.value,
        "workflow_execution_id": NEWER_WORKFLOW,
    }


def test_an_offer_to_step_up_by_a_face_that_is_doubted_vanishes() -> None:
    outcome = settled(asked(reason="step-up", due_at=None), face(decision=WARNING))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert replace(outcome.record, history=()) == verified()


# --- without a result ---


EXPIRED = [
    {"workflow_status": "TOKEN_EXPIRED", "decision": NOT_EXECUTED},
    {"workflow_status": "SESSION_EXPIRED", "decision": REJECTED},
    {"decision": NOT_EXECUTED},
    {"decision": None},
]


@pytest.mark.parametrize("changed", EXPIRED)
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_one_that_expired_is_due_as_before(status: Status, changed: dict[str, Any]) -> None:
    before = asked(verified(status=status))
    outcome = settled(before, face(**changed))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert replace(outcome.record, history=()) == replace(before, reverification=DUE_ONLY)
    assert event_of(outcome.record)["workflow_execution_id"] == NEWER_WORKFLOW
    assert event_of(outcome.record)["event"] == "reverification.lapsed"


@pytest.mark.parametrize("changed", EXPIRED)
def test_a_step_up_that_expired_simply_vanishes(changed: dict[str, Any]) -> None:
    outcome = settled(asked(reason="step-up", due_at=None), face(**changed))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert replace(outcome.record, history=()) == verified()


@pytest.mark.parametrize("workflow_status", ["INITIATED", "ACQUIRED", "SOMETHING_NEW"])
def test_one_that_is_still_open_changes_nothing(workflow_status: str) -> None:
    outcome = settled(asked(), face(workflow_status=workflow_status))
    assert outcome == Outcome(result=Result.UNCHANGED, record=asked())


@pytest.mark.parametrize("changed", [*EXPIRED, {"workflow_status": "ACQUIRED"}])
def test_one_that_ended_already_does_not_end_again(changed: dict[str, Any]) -> None:
    ended = verified(reverification=DUE_ONLY)
    assert settled(ended, face(**changed)).result is Result.IGNORED


# --- what stands beside it ---


def test_the_recorded_workflow_read_again_leaves_it_open() -> None:
    before = asked()
    again = settled(before, reading(checks=PASSED_CHECKS))
    assert again == Outcome(result=Result.UNCHANGED, record=before)


def test_a_verdict_of_the_recorded_workflow_that_changes_meanwhile_counts() -> None:
    warned = settled(asked(), reading(checks=PASSED_CHECKS, decision=WARNING)).record
    assert (warned.status, warned.reverification) == (Status.REVIEW, FURTHER)
    rejected = settled(asked(), reading(checks=PASSED_CHECKS, decision=REJECTED)).record
    assert (rejected.status, rejected.reverification) == (Status.REJECTED, None)
    reopened = settled(asked(), reading(workflow_status="ACQUIRED")).record
    assert (reopened.status, reopened.reverification) == (Status.PENDING, None)


def test_an_old_reading_of_the_recorded_workflow_does_not_undo_a_renewal() -> None:
    renewed = settled(asked(), face()).record
    assert settled(renewed, reading(checks=PASSED_CHECKS)) == Outcome(result=Result.UNCHANGED, record=renewed)
    relabelled = settled(renewed, reading(checks=PASSED_CHECKS, decision=replace(WARNING, type="PASSED")))
    assert relabelled.result is Result.APPLIED
    assert relabelled.record.assurance == renewed.assurance


def test_a_reference_is_not_needed_of_one_that_was_asked_for() -> None:
    assert settled(asked(), face(references=())).event is Event.REVERIFICATION_PASSED
    assert settled(verified(), face(references=())).reason == "the workflow names no identity"
    foreign = settled(asked(), face(references=("7a1cbd0c-3c5e-4b0f-9a55-0f8e3c9d2b11",)))
    assert foreign == Outcome(result=Result.IGNORED, record=asked(), reason="the workflow is not this identity's")


@pytest.mark.parametrize(
    ("record", "created_at", "read", "status", "event"),
    [
        # never noted, because Kratos could not be written: adopted where the contract's table says so
        (verified(), ASKED, face, Status.APPROVED, Event.REVERIFICATION_PASSED),
        (verified(), ASKED, document, Status.APPROVED, Event.SETTLED),
        (verified(), datetime(2026, 3, 2, 17, tzinfo=UTC), document, None, Event.SUPERSEDED),
        (verified(), None, document, None, Event.SUPERSEDED),
        (verified(status=Status.REJECTED, verdict=Verdict.FAILED), ASKED, document, Status.APPROVED, Event.SETTLED),
        (pending(), ASKED, document, Status.APPROVED, Event.SETTLED),
        (Record(), None, document, Status.APPROVED, Event.SETTLED),
        (Record(status=Status.UNSTARTED), None, document, Status.APPROVED, Event.SETTLED),
    ],
)
def test_a_further_workflow_that_was_never_noted(
    record: Record, created_at: datetime | None, read: Any, status: Status | None, event: Event
) -> None:
    outcome = settled(record, read(created_at=created_at))
    assert outcome.event is event
    assert outcome.record.status is (status or record.status)
    assert (outcome.result is Result.IGNORED) is (event is Event.SUPERSEDED)


@pytest.mark.parametrize("changed", [*EXPIRED, {"workflow_status": "ACQUIRED"}])
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW, Status.REJECTED])
def test_one_without_a_verdict_that_was_never_noted_displaces_nothing(status: Status, changed: dict[str, Any]) -> None:
    outcome = settled(verified(status=status), face(**changed))
    assert (outcome.result, outcome.event) == (Result.IGNORED, Event.SUPERSEDED)


@pytest.mark.parametrize("record", [verified(), asked()])
def test_a_rejection_that_was_never_noted_rejects(record: Record) -> None:
    outcome = settled(record, face(workflow_execution_id=NEWEST_WORKFLOW, decision=REJECTED))
    assert (outcome.event, outcome.record.status, outcome.record.reverification) == (
        Event.SETTLED,
        Status.REJECTED,
        None,
    )


# --- the same again ---


SAME_AGAIN = {
    "a passed document": document(),
    "a rejected document": document(decision=REJECTED),
    "a rejected face": face(decision=REJECTED),
    "a face that expired": face(workflow_status="TOKEN_EXPIRED"),
    "a passed face": face(),
    "a document with less": document(checks=PASSED_CHECKS[:3]),
    "a doubted face": face(decision=WARNING),
    "a doubted document": document(decision=WARNING),
}


@pytest.mark.parametrize("further", [{}, {"reason": "step-up", "due_at": None}], ids=["due", "step-up"])
@pytest.mark.parametrize("timed", [True, False], ids=["with times", "without"])
@pytest.mark.parametrize("name", SAME_AGAIN)
def test_the_same_result_twice_changes_nothing(name: str, timed: bool, further: dict[str, Any]) -> None:
    """CONTRACT section 4: applying the same result twice writes nothing."""
    read = SAME_AGAIN[name] if timed else replace(SAME_AGAIN[name], completed_at=None)
    once = settled(asked(**further), read).record
    twice = settled(once, read, now=BACK_AT_THE_DESK + timedelta(days=1))
    assert twice.record == once
    assert twice.result in (Result.UNCHANGED, Result.IGNORED)


@pytest.mark.parametrize("open_", [True, False], ids=["open", "due"])
@pytest.mark.parametrize("name", [name for name in SAME_AGAIN if not name.startswith("a rejected")])
def test_an_earlier_result_that_comes_again_does_not_end_a_later_one(name: str, open_: bool) -> None:
    """Jumio's callbacks may be replayed: else an old one would call off what was asked for since."""
    once = settled(asked(), SAME_AGAIN[name]).record
    later = replace(FURTHER, workflow_execution_id=NEWEST_WORKFLOW) if open_ else DUE_ONLY
    since = replace(once, reverification=later)
    again = settled(since, SAME_AGAIN[name], now=BACK_AT_THE_DESK + timedelta(days=1))
    assert again.record == since
    assert again.result in (Result.UNCHANGED, Result.IGNORED)


@pytest.mark.parametrize("read", [face, document])
def test_a_younger_one_that_was_never_noted_leaves_open_what_was_asked_for(read: Any) -> None:
    since = asked(workflow_execution_id=NEWEST_WORKFLOW)
    outcome = settled(since, read())
    assert outcome.result is Result.APPLIED
    assert outcome.record.reverification == since.reverification
    assert outcome.record.assurance == assured(3, verified_at="2026-03-02T18:58:37.000Z")


def test_an_older_renewal_that_arrives_late_does_not_turn_the_date_back() -> None:
    """Jumio's callbacks may be replayed and come out of order."""
    first = settled(asked(), face()).record
    second = settled(
        asked(first, workflow_execution_id=NEWEST_WORKFLOW),
        face(workflow_execution_id=NEWEST_WORKFLOW, created_at=LATER, completed_at=LATER),
        now=LATER,
    ).record
    assert second.assurance is not None
    assert second.assurance.verified_at == "2026-05-01T00:00:00.000Z"
    assert settled(second, face(), now=LATER + timedelta(days=1)).record == second


def test_the_one_that_was_asked_for_never_turns_the_date_back_either() -> None:
    known = asked(verified(assurance=assured(3, verified_at="2026-05-01T00:00:00.000Z")))
    outcome = settled(known, face())
    assert outcome.event is Event.REVERIFICATION_PASSED
    assert replace(outcome.record, history=()) == replace(known, reverification=None)


# --- a workflow Jumio does not know ---


@pytest.mark.parametrize(
    ("age", "result"),
    [
        (timedelta(0), Result.UNCHANGED),
        (timedelta(days=1), Result.UNCHANGED),
        (timedelta(days=1, milliseconds=1), Result.APPLIED),
    ],
)
def test_a_further_workflow_that_jumio_does_not_know_is_given_a_day(age: timedelta, result: Result) -> None:
    outcome = settle_unknown(asked(), now=ASKED + age)
    assert outcome.result is result
    if result is Result.APPLIED:
        assert outcome.event is Event.REVERIFICATION_LAPSED
        assert replace(outcome.record, history=()) == verified(reverification=DUE_ONLY)


def test_one_of_an_unknown_age_is_given_up_at_once() -> None:
    assert settle_unknown(asked(initiated_at=None), now=ASKED).event is Event.REVERIFICATION_LAPSED


def test_one_that_is_due_and_not_open_leaves_the_verdict() -> None:
    due = verified(reverification=DUE_ONLY)
    assert settle_unknown(due, now=ASKED + timedelta(days=400)).record == due


@pytest.mark.parametrize("decision", [None, WARNING])
def test_a_face_alone_undoes_no_rejection(decision: Decision | None) -> None:
    rejected = replace(verified(), status=Status.REJECTED, verdict=Verdict.FAILED, decision=REJECTED)
    outcome = settled(rejected, face(**({} if decision is None else {"decision": decision})))
    assert (outcome.result, outcome.record, outcome.event) == (Result.IGNORED, rejected, Event.SUPERSEDED)


def test_a_document_that_passes_later_does_undo_a_rejection() -> None:
    rejected = replace(verified(), status=Status.REJECTED, verdict=Verdict.FAILED, decision=REJECTED)
    assert settled(rejected, document()).record.status is Status.APPROVED
