# SPDX-License-Identifier: Apache-2.0
"""What a reading makes of a record: one reading, one thing varied. What they mean together: test_verdict.py."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import (
    ACCOUNT,
    FACE_CHECKS,
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
    verified,
)

from webhook.core.events import Event
from webhook.core.evidence import Decision
from webhook.core.record import Record
from webhook.core.settle import (
    ASK_AGAIN_FOR,
    Outcome,
    Result,
    may_be_known_again,
    settle,
    settle_unknown,
    shown,
    taking_in,
)
from webhook.core.status import Status, Verdict
from webhook.core.workflows import Stage, Workflow

INITIATED = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
DECIDED = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
REJECTED = Decision(type="REJECTED", label="REJECTED", risk_score=100.0)
WARNING = Decision(type="WARNING", label=None, risk_score=None)
NOT_EXECUTED = Decision(type="NOT_EXECUTED", label="TOKEN_EXPIRED", risk_score=-1.0)
INCOMPLETE = approved(status=Status.INCOMPLETE, verdict=None, decision=None)


def settled(record: Record, now: datetime = NOW, *, is_fresh: bool = True, **changed: Any) -> Outcome:
    return settle(
        record,
        reading(**changed),
        identity_id=IDENTITY,
        table=TABLE,
        verified_address=False,
        now=now,
        is_fresh=is_fresh,
    )


def without_history(record: Record) -> Record:
    return replace(record, history=())


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
    assert without_history(outcome.record) == pending(
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


def test_its_times_are_jumios_own() -> None:
    record = settled(pending(initiated_at="2026-03-02T18:00:09.000Z")).record
    assert (record.initiated_at, record.decided_at) == ("2026-03-02T18:00:00.000Z", "2026-03-02T18:30:00.000Z")


def test_without_a_time_of_jumios_it_was_decided_when_that_was_first_seen() -> None:
    once = settled(pending(), completed_at=None).record
    assert once.decided_at == "2026-03-02T18:48:37.319Z"
    assert settled(once, completed_at=None, now=LATER) == Outcome(result=Result.UNCHANGED, record=once)


def test_without_a_creation_it_shows_when_it_was_first_seen() -> None:
    adopted = settled(Record(), workflow_status="INITIATED", created_at=None).record
    assert adopted.initiated_at == "2026-03-02T18:48:37.319Z"
    assert settled(adopted, created_at=None).record.initiated_at is None


def test_without_a_decision_a_processed_workflow_is_incomplete() -> None:
    assert settled(pending(), decision=None).record.status is Status.INCOMPLETE


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"decision": WARNING},
        {"decision": REJECTED},
        {"decision": NOT_EXECUTED},
        {"workflow_status": "TOKEN_EXPIRED", "decision": None},
        {"completed_at": None},
        {"created_at": None},
        {"checks": FACE_CHECKS},
        {"checks": PASSED_CHECKS},
    ],
    ids=repr,
)
def test_the_same_result_twice_changes_nothing_even_later(changed: dict[str, Any]) -> None:
    once = settled(pending(), **changed).record
    twice = settled(once, now=LATER, **changed)
    assert (twice.result, twice.event, twice.record) == (Result.UNCHANGED, None, once)


@pytest.mark.parametrize("workflow_status", ["INITIATED", "ACQUIRED", "SOMETHING_NEW"])
def test_an_open_workflow_that_is_still_open_is_unchanged_and_keeps_its_link(workflow_status: str) -> None:
    outcome = settled(pending(), workflow_status=workflow_status, decision=NOT_EXECUTED)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, pending())


def test_when_jumio_says_it_was_created_is_noted_of_an_open_one_where_it_was_a_guess() -> None:
    guessed = replace(pending().known[0], created_at="2026-03-02T18:00:09.000Z", seen_at="2026-03-02T18:00:09.000Z")
    outcome = settled(shown(Record(), (guessed,)), workflow_status="INITIATED")
    assert (outcome.result, outcome.event, outcome.counts) == (Result.IGNORED, None, True)
    assert outcome.record.initiated_at == pending().initiated_at
    assert settled(outcome.record, workflow_status="INITIATED").result is Result.UNCHANGED


def test_what_the_reply_to_the_start_told_of_that_stays_until_it_ends() -> None:
    told = pending(initiated_at="2026-03-02T18:00:00.001Z")
    assert settled(told, workflow_status="INITIATED").record == told
    assert settled(told).record.initiated_at == pending().initiated_at


@pytest.mark.parametrize("revised", [None, WARNING, REJECTED])
@pytest.mark.parametrize("before", [REJECTED, WARNING])
def test_a_verdict_that_jumio_revised_counts(before: Decision, revised: Decision | None) -> None:
    decision = revised or Decision(type="PASSED", label=None, risk_score=None)
    once = settled(pending(), decision=before).record
    outcome = settled(once, decision=decision, completed_at=LATER)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert (outcome.record.decision, outcome.record.decided_at) == (decision, "2026-03-02T19:48:37.319Z")
    late = settled(outcome.record, decision=before)
    assert (late.result, late.record) == (Result.UNCHANGED, outcome.record), "and what it said before does not"


@pytest.mark.parametrize(
    "record",
    [
        verified(),
        approved(),  # of before there were levels
        verified(2, status=Status.REVIEW, verdict=Verdict.WARNING),
    ],
)
def test_a_result_without_a_time_that_comes_again_makes_nobody_younger(record: Record) -> None:
    """Else whoever replays a callback could."""
    told = settled(record, now=LATER, completed_at=None, checks=PASSED_CHECKS)
    assert told.record.assurance is None or told.record.assurance.verified_at == "2026-03-02T18:30:00.000Z"
    assert told.record.decided_at == "2026-03-02T18:30:00.000Z"


def test_a_label_that_changed_is_applied() -> None:
    outcome = settled(approved(), decision=Decision(type="PASSED", label="RULE 7", risk_score=0.0))
    assert (outcome.result, outcome.event, outcome.record.status) == (Result.APPLIED, Event.SETTLED, Status.APPROVED)


def test_a_level_that_another_table_gives_is_applied() -> None:
    outcome = settled(verified(2), checks=PASSED_CHECKS)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert outcome.record.assurance == assured(3)


@pytest.mark.parametrize("changed", [{"workflow_status": "ACQUIRED"}, {"decision": NOT_EXECUTED}, {"decision": None}])
@pytest.mark.parametrize("verdict", [None, WARNING, REJECTED])
def test_a_verdict_that_jumio_takes_back_stays(verdict: Decision | None, changed: dict[str, Any]) -> None:
    """CONTRACT section 4, sentence 4: `sync --identity ID --forget` is the way to begin anew."""
    once = settled(pending(), **({} if verdict is None else {"decision": verdict})).record
    outcome = settled(once, completed_at=LATER, **changed)
    assert (outcome.result, outcome.event, outcome.record) == (Result.UNCHANGED, None, once)


def test_one_that_ended_is_not_open_again() -> None:
    assert settled(INCOMPLETE, workflow_status="ACQUIRED").record == INCOMPLETE


def test_an_account_that_was_not_recorded_is_added() -> None:
    assert settled(approved(account_id=None)).record.account_id == ACCOUNT


@pytest.mark.parametrize("record", [verified(), verified(status=Status.REVIEW, verdict=Verdict.WARNING)])
def test_a_level_from_before_there_were_steps_gets_them(record: Record) -> None:
    assert record.assurance is not None
    before = replace(record, assurance=replace(record.assurance, steps=None))
    outcome = settled(before, workflow_status="ACQUIRED")
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, record)


# --- whose workflow it is (sentence 5) ---

EVERYBODY = [Record(), pending(), approved(), Record(status=Status.UNSTARTED)]


@pytest.mark.parametrize("record", EVERYBODY, ids=lambda record: record.status)
@pytest.mark.parametrize(
    ("references", "reason"),
    [
        ((OTHER_IDENTITY,), "the workflow is not this identity's"),
        ((IDENTITY, OTHER_IDENTITY), "the workflow is not this identity's"),
        ((OTHER_IDENTITY, IDENTITY), "the workflow is not this identity's"),
        (("",), "the workflow is not this identity's"),
        ((IDENTITY.upper(),), "the workflow is not this identity's"),
        ((), "the workflow names no identity"),
    ],
)
@pytest.mark.parametrize("workflow_id", [WORKFLOW, NEWER_WORKFLOW])
def test_a_workflow_of_somebody_else_or_of_nobody_never_counts(
    record: Record, references: tuple[str, ...], reason: str, workflow_id: str
) -> None:
    outcome = settled(record, references=references, workflow_execution_id=workflow_id)
    assert outcome == Outcome(result=Result.IGNORED, record=record, reason=reason, counts=False)


def test_one_reference_is_enough() -> None:
    assert settled(pending(), references=(IDENTITY,)).result is Result.APPLIED


@pytest.mark.parametrize(
    ("forgotten_until", "created_at", "counts"),
    [
        ("2026-03-02T18:00:00.000Z", INITIATED, False),
        ("2026-03-02T18:00:00.000Z", INITIATED + timedelta(milliseconds=1), True),
        ("2026-03-02T18:00:00.000Z", None, False),
        ("some day", INITIATED, False),
        (None, None, True),
    ],
)
def test_what_was_created_before_the_operator_began_anew_does_not_count(
    forgotten_until: str | None, created_at: datetime | None, counts: bool
) -> None:
    record = Record(forgotten_until=forgotten_until)
    outcome = settled(record, created_at=created_at)
    assert outcome.counts is counts
    assert (outcome.record == record) is not counts
    assert outcome.record.forgotten_until == forgotten_until
    assert counts or outcome.reason == "the workflow is from before the operator began anew"


# --- another workflow than the recorded one ---


def other(record: Record, **changed: Any) -> Outcome:
    return settled(
        record, **{"workflow_execution_id": NEWER_WORKFLOW, "created_at": NOW, "completed_at": NOW} | changed
    )


@pytest.mark.parametrize("record", [Record(), Record(status=Status.UNSTARTED, initiated_at="2026-03-02T18:00:00.000Z")])
@pytest.mark.parametrize("created_at", [INITIATED - timedelta(days=9), INITIATED])
def test_a_workflow_is_adopted_where_nothing_is_recorded(record: Record, created_at: datetime) -> None:
    outcome = other(record, created_at=created_at, completed_at=DECIDED)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert without_history(outcome.record) == approved(
        workflow_execution_id=NEWER_WORKFLOW,
        initiated_at=created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        assurance=assured(0),
    )


def test_an_open_workflow_is_adopted_where_nothing_is_recorded() -> None:
    outcome = other(Record(), workflow_status="INITIATED")
    assert (outcome.result, outcome.event, outcome.record.status) == (Result.APPLIED, Event.REOPENED, Status.PENDING)
    assert outcome.record.decided_at is outcome.record.decision is outcome.record.verification_url is None


@pytest.mark.parametrize("workflow_status", ["TOKEN_EXPIRED", "SESSION_EXPIRED"])
def test_a_workflow_that_ended_without_a_result_does_not_cancel_a_start_that_is_due(workflow_status: str) -> None:
    unstarted = Record(status=Status.UNSTARTED, asked_at="2026-03-02T18:48:00.000Z")
    outcome = other(unstarted, workflow_status=workflow_status)
    assert (outcome.result, outcome.event) == (Result.IGNORED, Event.SUPERSEDED)
    assert replace(outcome.record, more=None) == unstarted
    assert [each.id for each in outcome.record.known] == [NEWER_WORKFLOW]


def test_a_verdict_cancels_a_start_that_is_due() -> None:
    outcome = other(Record(status=Status.UNSTARTED, asked_at="2026-03-02T18:48:00.000Z"))
    assert (outcome.record.status, outcome.record.asked_at) == (Status.APPROVED, None)


@pytest.mark.parametrize("record", [pending(), INCOMPLETE, approved()], ids=lambda record: record.status)
def test_a_verdict_of_a_younger_workflow_is_adopted(record: Record) -> None:
    outcome = other(record, decision=REJECTED)
    assert (outcome.result, outcome.event, outcome.record.status) == (Result.APPLIED, Event.SETTLED, Status.REJECTED)
    assert outcome.record.workflow_execution_id == NEWER_WORKFLOW
    assert outcome.record.initiated_at == "2026-03-02T18:48:37.319Z"
    assert outcome.record.verification_url is outcome.record.vendor_url is None
    assert [each.id for each in outcome.record.known] == [WORKFLOW, NEWER_WORKFLOW]


@pytest.mark.parametrize("decision", [None, WARNING, REJECTED])
@pytest.mark.parametrize("record", [pending(), INCOMPLETE], ids=lambda record: record.status)
@pytest.mark.parametrize("created_at", [None, INITIATED - timedelta(days=1)])
def test_a_verdict_that_comes_late_counts_while_a_younger_one_is_open_or_has_expired(
    created_at: datetime | None, record: Record, decision: Decision | None
) -> None:
    outcome = other(record, created_at=created_at, **({} if decision is None else {"decision": decision}))
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.SETTLED)
    assert outcome.record.workflow_execution_id == NEWER_WORKFLOW
    assert {each.id for each in outcome.record.open_workflows} == ({WORKFLOW} if record == pending() else set())


@pytest.mark.parametrize(
    ("workflow_status", "event", "status"),
    [("INITIATED", Event.SETTLED, Status.PENDING), ("TOKEN_EXPIRED", Event.SETTLED, Status.INCOMPLETE)],
)
def test_a_younger_workflow_says_how_things_stand_where_there_is_no_verdict(
    workflow_status: str, event: Event, status: Status
) -> None:
    outcome = other(pending(), workflow_status=workflow_status)
    assert (outcome.result, outcome.event, outcome.record.status) == (Result.APPLIED, event, status)
    assert outcome.record.verification_url is None, "that led to the other one"


def test_a_younger_open_one_reopens_what_was_incomplete() -> None:
    outcome = other(INCOMPLETE, workflow_status="INITIATED")
    assert (outcome.event, outcome.record.status) == (Event.REOPENED, Status.PENDING)


@pytest.mark.parametrize("created_at", [None, INITIATED - timedelta(seconds=1)])
def test_an_older_verdict_beside_a_verdict_is_noted_and_changes_nothing(created_at: datetime | None) -> None:
    outcome = other(verified(), created_at=created_at)
    assert (outcome.result, outcome.event, outcome.counts) == (Result.IGNORED, Event.SUPERSEDED, True)
    assert outcome.reason == "another workflow's verdict stands: approved"
    assert replace(outcome.record, more=None) == verified()
    assert [each.id for each in outcome.record.known] == [NEWER_WORKFLOW, WORKFLOW]


def test_an_older_one_that_ended_without_a_verdict_changes_nothing() -> None:
    outcome = other(pending(), created_at=INITIATED - timedelta(days=1), workflow_status="TOKEN_EXPIRED")
    assert (outcome.result, outcome.event) == (Result.IGNORED, Event.SUPERSEDED)
    assert outcome.reason == "it changes nothing"
    assert replace(outcome.record, more=None) == pending()


def test_an_older_rejection_that_was_decided_later_rejects() -> None:
    outcome = other(approved(), created_at=INITIATED - timedelta(days=1), decision=REJECTED)
    assert (outcome.event, outcome.record.status) == (Event.SETTLED, Status.REJECTED)


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
    record = approved(status=status, verdict=None, initiated_at=initiated_at)
    record = replace(record, verdict=record.known[0].verdict)
    outcome = other(record, created_at=LATER, **changed)
    assert outcome.result is Result.IGNORED
    assert (outcome.event is None) is (outcome.record.open_workflows != ())
    assert replace(outcome.record, more=None) == record


def test_an_adopted_result_applied_twice_changes_nothing() -> None:
    once = other(Record()).record
    assert other(once, now=LATER) == Outcome(result=Result.UNCHANGED, record=once)


# --- what the copies of a record dispute ---


def doubted(record: Record) -> Record:
    """The record, as far as only its summary tells it."""
    return record.with_known(tuple(replace(each, is_doubtful=True) for each in record.known))


def test_a_fresh_reading_settles_a_doubt() -> None:
    outcome = settled(doubted(verified()), checks=PASSED_CHECKS)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, verified())
    rejected = settled(doubted(verified()), decision=REJECTED, completed_at=INITIATED)
    assert (rejected.event, rejected.record.status) == (Event.SETTLED, Status.REJECTED)


def test_a_reading_from_before_the_doubt_does_not() -> None:
    outcome = settled(doubted(verified()), decision=REJECTED, completed_at=INITIATED, is_fresh=False)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, doubted(verified()))


FORGED = Workflow(
    id=NEWER_WORKFLOW, account_id=ACCOUNT, stage=Stage.CONCLUDED, verdict=Verdict.PASSED,
    is_doubtful=True, is_unlisted=True,
    created_at="2026-03-02T19:00:00.000Z", decided_at="2026-03-02T19:00:00.000Z",
)  # fmt: skip


def test_a_doubtful_verdict_of_somebody_elses_workflow_is_dropped() -> None:
    record = shown(pending(), (*pending().known, FORGED))
    assert record.status is Status.APPROVED
    outcome = settled(record, workflow_execution_id=NEWER_WORKFLOW, references=(OTHER_IDENTITY,))
    assert (outcome.counts, outcome.record.status) == (True, Status.PENDING)


def test_where_nothing_else_is_known_a_check_is_due_again() -> None:
    record = replace(shown(Record(), (FORGED,)), starts=("2026-03-02T18:00:00.000Z",))
    assert record.status is Status.APPROVED
    outcome = settled(record, workflow_execution_id=NEWER_WORKFLOW, references=(OTHER_IDENTITY,))
    assert (outcome.counts, outcome.record) == (True, Record(status=Status.INCOMPLETE, starts=record.starts))


def test_a_doubtful_verdict_that_jumio_does_not_know_is_dropped() -> None:
    record = shown(pending(), (*pending().known, FORGED))
    outcome = settle_unknown(record, NEWER_WORKFLOW, now=NOW)
    assert (outcome.result, outcome.record.status) == (Result.UNCHANGED, Status.PENDING)


def test_the_only_one_that_is_known_is_not() -> None:
    """Its retention may have removed the data: that is no reason to doubt a verdict."""
    record = doubted(verified())
    assert settle_unknown(record, WORKFLOW, now=NOW).record == record


# --- what others wrote ---


def test_what_others_wrote_meanwhile_is_taken_in() -> None:
    rejection = other(pending(), decision=REJECTED).record
    assert taking_in(pending(), pending().known) == pending()
    taken = taking_in(pending(), rejection.known)
    assert replace(taken, history=()) == replace(rejection, history=(), assurance=taken.assurance)
    assert taking_in(rejection, pending().known) == rejection


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
    outcome = settle_unknown(pending(), WORKFLOW, now=INITIATED + age)
    assert outcome.result is result
    assert (outcome.record == pending()) is (result is Result.UNCHANGED)


def test_after_a_day_it_is_incomplete_and_its_link_is_gone() -> None:
    now = INITIATED + timedelta(days=2)
    outcome = settle_unknown(pending(), WORKFLOW, now=now)
    assert outcome.event is Event.FORGOTTEN
    assert replace(outcome.record, history=(), more=None) == pending(
        status=Status.INCOMPLETE, verification_url=None, vendor_url=None, decided_at="2026-03-04T18:00:00.000Z"
    )
    assert outcome.record.history[-1]["workflow_execution_id"] == WORKFLOW
    assert settle_unknown(outcome.record, WORKFLOW, now=now + timedelta(days=9)).record == outcome.record


def test_for_a_week_it_may_be_known_again() -> None:
    """It may have been asked for by a wrong URL or account."""
    given_up_at = INITIATED + timedelta(days=2)
    record = settle_unknown(pending(), WORKFLOW, now=given_up_at).record
    just_before = given_up_at + ASK_AGAIN_FOR - timedelta(milliseconds=1)
    assert [each.id for each in may_be_known_again(record, now=just_before)] == [WORKFLOW]
    assert may_be_known_again(record, now=given_up_at + ASK_AGAIN_FOR) == ()
    assert settled(record).record.status is Status.APPROVED
    assert settled(record, workflow_status="INITIATED").event is Event.REOPENED


@pytest.mark.parametrize("record", [Record(), pending(), approved(), INCOMPLETE], ids=lambda record: record.status)
def test_nothing_else_is_asked_for_again(record: Record) -> None:
    assert may_be_known_again(record, now=NOW) == ()


def test_one_that_was_given_up_nobody_knows_when_is_not_asked_for_again() -> None:
    gone = replace(pending().known[0], stage=Stage.UNKNOWN, seen_at=None)
    assert may_be_known_again(INCOMPLETE.with_known((gone,)), now=NOW) == ()


@pytest.mark.parametrize("initiated_at", [None, "some day"])
def test_an_open_workflow_without_a_usable_time_that_jumio_does_not_know_is_incomplete(
    initiated_at: str | None,
) -> None:
    assert settle_unknown(pending(initiated_at=initiated_at), WORKFLOW, now=NOW).record.status is Status.INCOMPLETE


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_any_other_status_stays_when_jumio_no_longer_knows_the_workflow(status: Status) -> None:
    record = approved(status=status)
    outcome = settle_unknown(record, WORKFLOW, now=INITIATED + timedelta(days=400))
    assert (outcome.result, outcome.event, outcome.record) == (Result.UNCHANGED, None, record)


def test_another_open_one_that_jumio_does_not_know_leaves_a_verdict() -> None:
    record = other(verified(), workflow_status="INITIATED").record
    outcome = settle_unknown(record, NEWER_WORKFLOW, now=NOW + timedelta(days=2))
    assert (outcome.result, outcome.event) == (Result.IGNORED, None)
    assert outcome.reason == "the workflow is not known there any more"
    assert outcome.record.open_workflows == ()
    assert replace(outcome.record, more=None) == verified()
