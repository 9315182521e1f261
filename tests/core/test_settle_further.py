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
    OTHER_IDENTITY,
    PASSED_CHECKS,
    TABLE,
    WORKFLOW,
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
DUE_ONLY = Reverification(reason="risk", due_at=DUE, initiated_at=FURTHER.initiated_at)


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


def plain(record: Record) -> Record:
    """But for the history, and the list of what is known where it tells more than the record."""
    return replace(record, history=(), more=None)


IN_REVIEW: dict[str, Any] = {"status": Status.REVIEW, "verdict": Verdict.WARNING}
BOTH = [verified(), verified(**IN_REVIEW)]
both = pytest.mark.parametrize("known", BOTH, ids=lambda record: record.status)


# --- passed ---


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@both
def test_a_passed_face_renews_the_date_and_neither_raises_nor_lowers_the_level(known: Record, level: int) -> None:
    before = asked(replace(known, assurance=assured(level), starts=("2026-03-02T18:48:37.319Z",)))
    for verified_address in (False, True):
        outcome = settled(before, face(), verified_address=verified_address)
        assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_PASSED)
        assert plain(outcome.record) == replace(
            before, reverification=None, assurance=assured(level, verified_at="2026-03-02T18:58:37.000Z")
        )
        assert event_of(outcome.record) == {
            "at": "2026-03-02T19:03:37.000Z",
            "event": "reverification.passed",
            "status": known.status.value,
            "workflow_execution_id": NEWER_WORKFLOW,
        }


def test_a_renewal_of_before_workflows_were_listed_is_known_by_its_date_and_no_event_when_it_comes_again() -> None:
    current = assured(expires_at="2030-01-02T00:00:00.000Z", verified_at="2026-03-02T18:58:37.000Z")
    outcome = settled(verified(assurance=replace(current, steps=None)), face())
    assert (outcome.result, outcome.event) == (Result.IGNORED, Event.SUPERSEDED)
    assert plain(outcome.record) == verified(assurance=current)


@pytest.mark.parametrize(
    ("times", "verified_at"),
    [
        ({}, "2026-03-02T18:58:37.000Z"),
        ({"completed_at": None}, "2026-03-02T19:03:37.000Z"),
    ],
)
@pytest.mark.parametrize("read", [face, document])
def test_a_renewal_counts_as_of_its_end_else_as_of_now(read: Any, times: dict[str, None], verified_at: str) -> None:
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
    assert plain(outcome.record) == verified(
        workflow_execution_id=NEWER_WORKFLOW,
        workflow_key=10014,  # the definition that was asked for
        initiated_at="2026-03-02T18:48:37.000Z",
        decided_at="2026-03-02T18:58:37.000Z",
        assurance=assured(3, verified_at="2026-03-02T18:58:37.000Z", expires_at="2026-05-01T00:00:00.000Z"),
    )


WITHOUT_LIVENESS = tuple(check for check in PASSED_CHECKS if check.capability != "liveness")


def test_a_passed_document_with_less_evidence_has_the_verdict_and_renews_nothing() -> None:
    """Sentence 6: it neither renews what is known nor ends what is due."""
    outcome = settled(asked(), document(checks=WITHOUT_LIVENESS))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert plain(outcome.record) == verified(
        workflow_execution_id=NEWER_WORKFLOW,
        workflow_key=10014,
        initiated_at="2026-03-02T18:48:37.000Z",
        decided_at="2026-03-02T18:58:37.000Z",
        reverification=DUE_ONLY,
    )


def test_an_offer_to_step_up_that_showed_less_is_gone() -> None:
    outcome = settled(asked(reason="step-up", due_at=None), document(checks=WITHOUT_LIVENESS))
    assert (outcome.event, outcome.record.reverification) == (Event.SETTLED, None)
    assert outcome.record.assurance == assured(3)


def test_what_is_due_is_done_by_the_next_that_shows_as_much() -> None:
    weaker = settled(asked(), document(checks=WITHOUT_LIVENESS)).record
    done = settled(weaker, document(workflow_execution_id=NEWEST_WORKFLOW, created_at=DONE, completed_at=LATER))
    assert (done.event, done.record.reverification) == (Event.SETTLED, None)
    by_a_face = settled(weaker, face(workflow_execution_id=NEWEST_WORKFLOW, created_at=DONE, completed_at=LATER))
    assert (by_a_face.event, by_a_face.record.reverification) == (Event.REVERIFICATION_PASSED, None)


def test_nothing_of_a_persons_data_stays_with_the_checks() -> None:
    named = tuple(replace(check, data={"firstName": "JANE", "documentNumber": "1111111"}) for check in PASSED_CHECKS)
    for record in (pending(), asked()):
        read = document(checks=named) if record.reverification else reading(checks=named)
        assert settled(record, read).record.checks == PASSED_CHECKS


# --- rejected, doubted ---


@pytest.mark.parametrize("read", [face, document])
@both
def test_a_rejected_one_rejects(known: Record, read: Any) -> None:
    checks = (Check(capability="authentication", decision="REJECTED", label="FAILED", data={}),)
    outcome = settled(asked(known), read(decision=REJECTED, checks=checks))
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
    assert plain(outcome.record) == verified(
        **IN_REVIEW,
        workflow_execution_id=NEWER_WORKFLOW,
        workflow_key=10014,
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
@both
def test_a_doubted_face_is_no_result_and_due_as_before(known: Record, level: int) -> None:
    before = asked(replace(known, assurance=assured(level)))
    outcome = settled(before, face(decision=WARNING))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert plain(outcome.record) == replace(before, reverification=DUE_ONLY)
    assert event_of(outcome.record) == {
        "at": "2026-03-02T19:03:37.000Z",
        "event": "reverification.lapsed",
        "status": known.status.value,
        "workflow_execution_id": NEWER_WORKFLOW,
    }


def test_an_offer_to_step_up_by_a_face_that_is_doubted_vanishes() -> None:
    outcome = settled(asked(reason="step-up", due_at=None), face(decision=WARNING))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert plain(outcome.record) == verified()


# --- without a result ---


EXPIRED = [
    {"workflow_status": "TOKEN_EXPIRED", "decision": NOT_EXECUTED},
    {"workflow_status": "SESSION_EXPIRED", "decision": REJECTED},
    {"decision": NOT_EXECUTED},
    {"decision": None},
]


@pytest.mark.parametrize("changed", EXPIRED)
@both
def test_one_that_expired_is_due_as_before(known: Record, changed: dict[str, Any]) -> None:
    outcome = settled(asked(known), face(**changed))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert plain(outcome.record) == replace(known, reverification=DUE_ONLY)
    assert event_of(outcome.record)["workflow_execution_id"] == NEWER_WORKFLOW
    assert event_of(outcome.record)["event"] == "reverification.lapsed"


@pytest.mark.parametrize("changed", EXPIRED)
def test_a_step_up_that_expired_simply_vanishes(changed: dict[str, Any]) -> None:
    outcome = settled(asked(reason="step-up", due_at=None), face(**changed))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REVERIFICATION_LAPSED)
    assert plain(outcome.record) == verified()


@pytest.mark.parametrize("workflow_status", ["INITIATED", "ACQUIRED", "SOMETHING_NEW"])
def test_one_that_is_still_open_changes_nothing(workflow_status: str) -> None:
    outcome = settled(asked(), face(workflow_status=workflow_status))
    assert outcome == Outcome(result=Result.UNCHANGED, record=asked())


@pytest.mark.parametrize("changed", EXPIRED)
def test_one_that_ended_already_does_not_end_again(changed: dict[str, Any]) -> None:
    once = settled(asked(), face(**changed)).record
    assert settled(once, face(**changed)) == Outcome(result=Result.UNCHANGED, record=once)
    assert settled(once, face(workflow_status="ACQUIRED")).record == once


def test_one_that_was_revised_after_it_expired_counts() -> None:
    once = settled(asked(), face(workflow_status="TOKEN_EXPIRED")).record
    passed = settled(once, face())
    assert (passed.event, passed.record.reverification) == (Event.REVERIFICATION_PASSED, None)


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
    taken_back = settled(asked(), reading(workflow_status="ACQUIRED")).record
    assert taken_back == asked()


def test_an_old_reading_of_the_recorded_workflow_does_not_undo_a_renewal() -> None:
    renewed = settled(asked(), face()).record
    assert settled(renewed, reading(checks=PASSED_CHECKS)) == Outcome(result=Result.UNCHANGED, record=renewed)
    relabelled = settled(renewed, reading(checks=PASSED_CHECKS, decision=replace(WARNING, type="PASSED")))
    assert relabelled.result is Result.APPLIED
    assert relabelled.record.assurance == renewed.assurance


@pytest.mark.parametrize("references", [(), (OTHER_IDENTITY,)])
def test_one_that_is_nobodys_or_somebody_elses_does_not_count_though_it_was_asked_for(
    references: tuple[str, ...],
) -> None:
    outcome = settled(asked(), face(references=references))
    assert (outcome.result, outcome.record, outcome.counts) == (Result.IGNORED, asked(), False)


REJECTED_BEFORE = verified(0, status=Status.REJECTED, verdict=Verdict.FAILED, decision=REJECTED)


@pytest.mark.parametrize(
    ("record", "created_at", "read", "status", "event"),
    [
        # never noted, because Kratos could not be written: counts by the rule of verdicts
        (verified(), ASKED, face, Status.APPROVED, Event.REVERIFICATION_PASSED),
        (verified(), ASKED, document, Status.APPROVED, Event.SETTLED),
        (verified(), datetime(2026, 3, 2, 17, tzinfo=UTC), document, None, Event.SUPERSEDED),
        (verified(), None, document, None, Event.SUPERSEDED),
        (REJECTED_BEFORE, ASKED, document, Status.APPROVED, Event.SETTLED),
        (REJECTED_BEFORE, datetime(2026, 3, 2, 18, 30, tzinfo=UTC), document, None, Event.SUPERSEDED),
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
@pytest.mark.parametrize("record", [*BOTH, REJECTED_BEFORE], ids=lambda record: record.status)
def test_one_without_a_verdict_that_was_never_noted_displaces_nothing(record: Record, changed: dict[str, Any]) -> None:
    outcome = settled(record, face(**changed))
    assert (outcome.result, plain(outcome.record)) == (Result.IGNORED, record)
    assert outcome.event is (None if outcome.record.open_workflows else Event.SUPERSEDED)


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
    assert settled(once, read, now=BACK_AT_THE_DESK + timedelta(days=1)) == Outcome(
        result=Result.UNCHANGED, record=once
    )


@pytest.mark.parametrize("open_", [True, False], ids=["open", "due"])
@pytest.mark.parametrize("name", [name for name in SAME_AGAIN if not name.startswith("a rejected")])
def test_an_earlier_result_that_comes_again_does_not_end_a_later_request(name: str, open_: bool) -> None:
    """Jumio's callbacks may be replayed: else an old one would call off what was asked for since."""
    once = settled(asked(), SAME_AGAIN[name]).record
    later = replace(DUE_ONLY, initiated_at="2026-03-02T18:59:00.000Z")
    since = replace(once, reverification=later).with_known(once.known)
    if open_:
        since = replace(since, reverification=replace(later, workflow_execution_id=NEWEST_WORKFLOW))
    again = settled(since, SAME_AGAIN[name], now=BACK_AT_THE_DESK + timedelta(days=1))
    assert again == Outcome(result=Result.UNCHANGED, record=since)


@pytest.mark.parametrize(
    ("initiated_at", "ends"), [("2026-03-02T18:48:37.000Z", True), ("2026-03-02T18:48:37.001Z", False), (None, False)]
)
@pytest.mark.parametrize("read", [face, document])
def test_one_that_was_never_noted_ends_a_request_that_is_not_younger(
    read: Any, initiated_at: str | None, ends: bool
) -> None:
    since = asked(workflow_execution_id=NEWEST_WORKFLOW, initiated_at=initiated_at)
    outcome = settled(since, read())
    assert outcome.result is Result.APPLIED
    assert outcome.record.reverification == (None if ends else since.reverification)
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
    assert plain(outcome.record) == replace(known, reverification=None)


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
    outcome = settle_unknown(asked(), NEWER_WORKFLOW, now=ASKED + age)
    assert outcome.result is result
    if result is Result.APPLIED:
        assert outcome.event is Event.REVERIFICATION_LAPSED
        assert plain(outcome.record) == verified(reverification=DUE_ONLY)


def test_one_of_an_unknown_age_is_given_up_at_once() -> None:
    assert settle_unknown(asked(initiated_at=None), NEWER_WORKFLOW, now=ASKED).event is Event.REVERIFICATION_LAPSED


def test_one_that_is_due_and_not_open_leaves_the_verdict() -> None:
    due = verified(reverification=DUE_ONLY)
    assert settle_unknown(due, WORKFLOW, now=ASKED + timedelta(days=400)).record == due


# --- after a rejection ---


@pytest.mark.parametrize("decision", [None, WARNING])
def test_a_face_alone_undoes_no_rejection(decision: Decision | None) -> None:
    outcome = settled(REJECTED_BEFORE, face(**({} if decision is None else {"decision": decision})))
    assert (outcome.result, outcome.event) == (Result.IGNORED, Event.SUPERSEDED)
    assert plain(outcome.record) == REJECTED_BEFORE


def test_a_document_that_passes_later_does_undo_a_rejection() -> None:
    assert settled(REJECTED_BEFORE, document()).record.status is Status.APPROVED
