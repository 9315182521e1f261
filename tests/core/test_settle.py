# SPDX-License-Identifier: Apache-2.0
"""What a reading makes of a record: one recorded workflow, one reading, one thing varied."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import (
    ACCOUNT,
    IDENTITY,
    NEWER_WORKFLOW,
    NOW,
    OTHER_IDENTITY,
    PASSED_CHECKS,
    TABLE,
    WORKFLOW,
    approved,
    assured,
    pending,
    reading,
)

from webhook.core.events import Event
from webhook.core.evidence import Decision
from webhook.core.record import Record
from webhook.core.settle import Outcome, Result, settle, settle_unknown, was_forgotten
from webhook.core.status import Status, Verdict

INITIATED = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
REJECTED = Decision(type="REJECTED", label="REJECTED", risk_score=100.0)
NOT_EXECUTED = Decision(type="NOT_EXECUTED", label="TOKEN_EXPIRED", risk_score=-1.0)


def settled(record: Record, now: datetime = NOW, **changed: Any) -> Outcome:
    return settle(record, reading(**changed), identity_id=IDENTITY, table=TABLE, verified_address=False, now=now)


# --- the recorded workflow ---


@pytest.mark.parametrize(
    ("workflow_status", "decision", "status", "verdict"),
    [
        ("PROCESSED", "PASSED", Status.APPROVED, Verdict.PASSED),
        ("PROCESSED", "WARNING", Status.REVIEW, Verdict.WARNING),
        ("PROCESSED", "REJECTED", Status.REJECTED, Verdict.FAILED),
        ("PROCESSED", "NOT_EXECUTED", Status.INCOMPLETE, None),
        ("SESSION_EXPIRED", "REJECTED", Status.INCOMPLETE, None),
        ("TOKEN_EXPIRED", "NOT_EXECUTED", Status.INCOMPLETE, None),
    ],
)
def test_a_result_of_the_recorded_workflow_settles_it(
    workflow_status: str, decision: str, status: Status, verdict: Verdict | None
) -> None:
    said = Decision(type=decision, label="a label", risk_score=12.5)
    outcome = settled(pending(), workflow_status=workflow_status, decision=said)
    assert (outcome.result, outcome.event, outcome.reason) == (Result.APPLIED, Event.SETTLED, None)
    assert replace(outcome.record, history=()) == pending(
        status=status,
        verdict=verdict,
        verification_url=None,
        vendor_url=None,
        decided_at="2026-03-02T18:30:00.000Z",
        decision=said,
        assurance=assured(0) if verdict else None,
    )
    assert outcome.record.history[-1] == {
        "at": "2026-03-02T18:48:37.319Z",
        "event": "verification.settled",
        "status": status.value,
        "workflow_execution_id": WORKFLOW,
    }


def test_without_a_time_of_jumios_a_workflow_is_decided_now() -> None:
    assert settled(pending(), completed_at=None).record.decided_at == "2026-03-02T18:48:37.319Z"


def test_without_a_decision_a_processed_workflow_is_incomplete() -> None:
    assert settled(pending(), decision=None).record.status is Status.INCOMPLETE


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"decision": Decision(type="WARNING", label=None, risk_score=None)},
        {"decision": REJECTED},
        {"decision": NOT_EXECUTED},
        {"workflow_status": "TOKEN_EXPIRED", "decision": None},
        {"completed_at": None},
    ],
)
def test_the_same_result_twice_changes_nothing_even_later(changed: dict[str, Any]) -> None:
    once = settled(pending(), **changed).record
    twice = settled(once, now=LATER, **changed)
    assert (twice.result, twice.event, twice.record) == (Result.UNCHANGED, None, once)


@pytest.mark.parametrize("workflow_status", ["INITIATED", "ACQUIRED", "SOMETHING_NEW"])
def test_an_open_workflow_that_is_still_open_is_unchanged_and_keeps_its_link(workflow_status: str) -> None:
    outcome = settled(pending(), workflow_status=workflow_status, decision=NOT_EXECUTED)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, pending())


@pytest.mark.parametrize("decision", ["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED"])
def test_a_newer_reading_of_the_recorded_workflow_wins_whatever_it_says(decision: str) -> None:
    before = settled(pending(), decision=REJECTED if decision != "REJECTED" else NOT_EXECUTED).record
    outcome = settled(before, decision=Decision(type=decision, label=None, risk_score=None))
    assert outcome.result is Result.APPLIED
    assert outcome.record.decision == Decision(type=decision, label=None, risk_score=None)
    assert len(outcome.record.history) == 2


@pytest.mark.parametrize(
    "record",
    [
        approved(assurance=assured(3), checks=PASSED_CHECKS),
        approved(),  # of before there were levels
        approved(status=Status.REVIEW, verdict=Verdict.WARNING, assurance=assured(2), checks=PASSED_CHECKS),
    ],
)
def test_a_result_without_a_time_that_comes_again_changes_nothing(record: Record) -> None:
    """Else whoever replays a callback could make a verification young again."""
    said = {
        "completed_at": None,
        "checks": PASSED_CHECKS,
        "decision": Decision(type="PASSED", label="RULE 7", risk_score=0.0),
    }
    once = settled(record, **said)
    assert once.result is Result.APPLIED
    twice = settled(once.record, now=LATER, **said)
    assert (twice.result, twice.record) == (Result.UNCHANGED, once.record)


def test_a_label_that_changed_is_applied() -> None:
    outcome = settled(approved(), decision=Decision(type="PASSED", label="RULE 7", risk_score=0.0))
    assert (outcome.result, outcome.record.status) == (Result.APPLIED, Status.APPROVED)


def test_a_verdict_that_jumio_takes_back_reopens_the_verification() -> None:
    outcome = settled(approved(), workflow_status="ACQUIRED")
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.REOPENED)
    assert replace(outcome.record, history=()) == pending(verification_url=None, vendor_url=None)
    assert outcome.record.history[-1]["event"] == "verification.reopened"


@pytest.mark.parametrize("references", [(), (IDENTITY,), (IDENTITY, IDENTITY)])
def test_the_recorded_workflow_needs_no_reference(references: tuple[str, ...]) -> None:
    assert settled(pending(), references=references).result is Result.APPLIED


def test_an_account_that_was_not_recorded_is_added() -> None:
    outcome = settled(approved(account_id=None))
    assert (outcome.result, outcome.record.account_id) == (Result.APPLIED, ACCOUNT)


# --- whose workflow it is ---


@pytest.mark.parametrize("record", [Record(), pending(), approved(), Record(status=Status.UNSTARTED)])
@pytest.mark.parametrize(
    "references",
    [(OTHER_IDENTITY,), (IDENTITY, OTHER_IDENTITY), (OTHER_IDENTITY, IDENTITY), ("",), (IDENTITY.upper(),)],
)
def test_a_workflow_with_a_foreign_reference_is_ignored_even_the_recorded_one(
    record: Record, references: tuple[str, ...]
) -> None:
    outcome = settled(record, references=references)
    assert (outcome.result, outcome.record, outcome.event) == (Result.IGNORED, record, None)
    assert outcome.reason == "the workflow is not this identity's"


@pytest.mark.parametrize("record", [Record(), pending(), approved(), Record(status=Status.UNSTARTED)])
def test_another_workflow_without_a_reference_is_ignored(record: Record) -> None:
    outcome = settled(record, workflow_execution_id=NEWER_WORKFLOW, references=(), created_at=NOW)
    assert (outcome.result, outcome.record, outcome.event) == (Result.IGNORED, record, None)
    assert outcome.reason == "the workflow names no identity"


# --- another workflow than the recorded one ---


def other(record: Record, **changed: Any) -> Outcome:
    return settled(record, **{"workflow_execution_id": NEWER_WORKFLOW, "created_at": NOW, **changed})


@pytest.mark.parametrize("created_at", [None, INITIATED - timedelta(days=9), INITIATED])
@pytest.mark.parametrize("record", [Record(), Record(status=Status.UNSTARTED, initiated_at="2026-03-02T18:00:00.000Z")])
def test_a_workflow_is_adopted_where_nothing_usable_is_recorded(record: Record, created_at: datetime | None) -> None:
    outcome = other(record, created_at=created_at)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert replace(outcome.record, history=()) == approved(
        workflow_execution_id=NEWER_WORKFLOW,
        initiated_at="2026-03-02T18:48:37.319Z"
        if created_at is None
        else created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        assurance=assured(0),
    )


def test_an_open_workflow_is_adopted_where_nothing_is_recorded() -> None:
    outcome = other(Record(), workflow_status="INITIATED")
    assert (outcome.result, outcome.event, outcome.record.status) == (Result.APPLIED, Event.REOPENED, Status.PENDING)
    assert outcome.record.decided_at is outcome.record.decision is outcome.record.verification_url is None


@pytest.mark.parametrize("workflow_status", ["TOKEN_EXPIRED", "SESSION_EXPIRED"])
def test_a_workflow_that_ended_without_a_result_does_not_cancel_a_start_that_is_due(workflow_status: str) -> None:
    unstarted = Record(status=Status.UNSTARTED)
    outcome = other(unstarted, workflow_status=workflow_status)
    assert (outcome.result, outcome.event, outcome.record) == (Result.IGNORED, Event.SUPERSEDED, unstarted)


@pytest.mark.parametrize("record", [pending(), approved(status=Status.INCOMPLETE, verdict=None), approved()])
def test_a_verdict_of_a_younger_workflow_is_adopted(record: Record) -> None:
    outcome = other(record, decision=REJECTED)
    assert (outcome.result, outcome.record.status) == (Result.APPLIED, Status.REJECTED)
    assert outcome.record.workflow_execution_id == NEWER_WORKFLOW
    assert outcome.record.initiated_at == "2026-03-02T18:48:37.319Z"
    assert outcome.record.verification_url is None


@pytest.mark.parametrize("workflow_status", ["INITIATED", "TOKEN_EXPIRED"])
@pytest.mark.parametrize("record", [pending(), approved(status=Status.INCOMPLETE, verdict=None)])
def test_a_younger_workflow_without_a_verdict_is_adopted_where_there_is_none_either(
    record: Record, workflow_status: str
) -> None:
    assert other(record, workflow_status=workflow_status).result is Result.APPLIED


@pytest.mark.parametrize("created_at", [None, INITIATED - timedelta(seconds=1), INITIATED])
@pytest.mark.parametrize("record", [pending(), approved(), approved(status=Status.INCOMPLETE, verdict=None)])
def test_an_older_workflow_is_superseded(record: Record, created_at: datetime | None) -> None:
    outcome = other(record, created_at=created_at, decision=REJECTED)
    assert (outcome.result, outcome.event, outcome.record) == (Result.IGNORED, Event.SUPERSEDED, record)
    assert outcome.reason == "a younger workflow is recorded"


@pytest.mark.parametrize("initiated_at", [None, "long ago"])
def test_a_record_without_a_usable_time_counts_as_older(initiated_at: str | None) -> None:
    assert other(pending(initiated_at=initiated_at), created_at=None).result is Result.APPLIED


@pytest.mark.parametrize(
    "changed",
    [
        {"workflow_status": "TOKEN_EXPIRED"},
        {"workflow_status": "SESSION_EXPIRED", "decision": REJECTED},
        {"workflow_status": "INITIATED"},
        {"decision": NOT_EXECUTED},
        {"decision": None},
    ],
)
@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW, Status.REJECTED])
@pytest.mark.parametrize("initiated_at", ["2026-03-02T18:00:00.000Z", None])
def test_a_verdict_is_never_displaced_by_another_workflow_without_one(
    initiated_at: str | None, status: Status, changed: dict[str, Any]
) -> None:
    record = approved(status=status, initiated_at=initiated_at)
    outcome = other(record, created_at=LATER, **changed)
    assert (outcome.result, outcome.event, outcome.record) == (Result.IGNORED, Event.SUPERSEDED, record)


def test_an_adopted_result_applied_twice_changes_nothing() -> None:
    once = other(Record()).record
    assert other(once, now=LATER) == Outcome(result=Result.UNCHANGED, record=once)


# --- a workflow Jumio does not know ---


@pytest.mark.parametrize(
    ("age", "result"),
    [
        (timedelta(0), Result.UNCHANGED),
        (timedelta(hours=23, minutes=59), Result.UNCHANGED),
        (timedelta(days=1), Result.UNCHANGED),
        (timedelta(days=1, milliseconds=1), Result.APPLIED),
        (timedelta(days=400), Result.APPLIED),
        (timedelta(days=-1), Result.UNCHANGED),
    ],
)
def test_an_open_workflow_that_jumio_does_not_know_is_given_a_day(age: timedelta, result: Result) -> None:
    outcome = settle_unknown(pending(), now=INITIATED + age)
    assert outcome.result is result
    assert (outcome.record == pending()) is (result is Result.UNCHANGED)


def test_after_a_day_it_is_incomplete_and_its_link_is_gone() -> None:
    now = INITIATED + timedelta(days=2)
    outcome = settle_unknown(pending(), now=now)
    assert outcome.event is Event.FORGOTTEN
    assert was_forgotten(outcome.record, now=NOW + timedelta(days=1))
    assert not was_forgotten(outcome.record, now=NOW + timedelta(days=30))
    assert replace(outcome.record, history=()) == pending(
        status=Status.INCOMPLETE, verification_url=None, vendor_url=None, decided_at="2026-03-04T18:00:00.000Z"
    )
    assert settle_unknown(outcome.record, now=now + timedelta(days=9)).record == outcome.record


@pytest.mark.parametrize("initiated_at", [None, "some day"])
def test_an_open_workflow_without_a_usable_time_that_jumio_does_not_know_is_incomplete(
    initiated_at: str | None,
) -> None:
    assert settle_unknown(pending(initiated_at=initiated_at), now=NOW).record.status is Status.INCOMPLETE


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_any_other_status_stays_when_jumio_no_longer_knows_the_workflow(status: Status) -> None:
    record = approved(status=status)
    outcome = settle_unknown(record, now=INITIATED + timedelta(days=400))
    assert (outcome.result, outcome.event, outcome.record) == (Result.UNCHANGED, None, record)
