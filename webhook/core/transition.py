# SPDX-License-Identifier: Apache-2.0
"""What a record becomes: when a workflow is started, when it cannot be, and when Jumio is read."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from webhook.core.record import Decision, Record
from webhook.core.status import CONCLUDED, Status, classify
from webhook.core.times import from_text, to_text

UNKNOWN_FOR = timedelta(days=1)
# Longer than one start can take, so that a claim only ends early when its process was killed.
CLAIM_FOR = timedelta(seconds=40)


class Event(StrEnum):
    """What happened, in the history of the record and in the audit log."""

    STARTING = "verification.starting"
    STARTED = "verification.started"
    UNSTARTED = "verification.unstarted"
    SETTLED = "verification.settled"
    REOPENED = "verification.reopened"
    SUPERSEDED = "verification.superseded"
    HEALED = "verification.healed"


class Result(StrEnum):
    """What a reading did to a record."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    IGNORED = "ignored"


@dataclass(frozen=True, kw_only=True)
class Started:
    """What Jumio's create reply tells; `created_at` is Jumio's clock where it said so."""

    account_id: str
    workflow_execution_id: str
    verification_url: str | None
    created_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What Jumio's Retrieval API says of one workflow execution.

    `references` are the identity ids it was started for, as echoed by Jumio (`customerInternalReference`,
    `userReference`).
    """

    account_id: str
    workflow_execution_id: str
    workflow_status: str
    decision: Decision | None
    created_at: datetime | None
    completed_at: datetime | None
    workflow_key: int | str | None
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A record after a reading; `event` names what happened where something did."""

    result: Result
    record: Record
    event: Event | None = None
    reason: str | None = None


def claimed(record: Record, *, by: str, now: datetime) -> Record:
    """The record with a claim to start its workflow: several processes sweep at once, and every start costs money."""
    record = _unclaimed(record).with_event(Event.STARTING, now=now)
    return replace(record, history=(*record.history[:-1], {**record.history[-1], "by": by}))


def is_claimed_by_another(record: Record, *, by: str | None, now: datetime) -> bool:
    """Whether another process is about to start a workflow for it."""
    last = record.history[-1] if record.history else {}
    claimed_at = from_text(last.get("at"))
    return (
        last.get("event") == Event.STARTING
        and last.get("by") != by
        and claimed_at is not None
        and abs(now - claimed_at) <= CLAIM_FOR
    )


def started(record: Record, start: Started, *, workflow_key: int | str, now: datetime) -> Record:
    """The record once Jumio has started a workflow."""
    return replace(
        _unclaimed(record),
        status=Status.PENDING,
        verdict=None,
        account_id=start.account_id,
        workflow_execution_id=start.workflow_execution_id,
        verification_url=start.verification_url,
        initiated_at=to_text(start.created_at or now),
        decided_at=None,
        workflow_key=workflow_key,
        decision=None,
    ).with_event(Event.STARTED, now=now)


def not_started(record: Record, *, now: datetime) -> Record:
    """The record when a start was asked for and could not be made; the Jumio account, if any, is kept for the next."""
    record = _unclaimed(record)
    if record.status is Status.UNSTARTED:
        return record
    return Record(
        status=Status.UNSTARTED, account_id=record.account_id, workflow_key=record.workflow_key, history=record.history
    ).with_event(Event.UNSTARTED, now=now)


def settle(record: Record, reading: Reading, *, identity_id: str, now: datetime) -> Outcome:
    """What a reading makes of the record of the identity."""
    if any(reference != identity_id for reference in reading.references):
        return Outcome(result=Result.IGNORED, record=record, reason="the workflow is not this identity's")
    same = reading.workflow_execution_id == record.workflow_execution_id
    status, verdict = classify(reading.workflow_status, reading.decision.type if reading.decision else None)
    if not same:
        if not reading.references:
            return Outcome(result=Result.IGNORED, record=record, reason="the workflow names no identity")
        if (reason := _why_superseded(record, reading, status)) is not None:
            return Outcome(result=Result.IGNORED, record=record, event=Event.SUPERSEDED, reason=reason)
    base = record if same else _adopt(record, reading, now=now)
    open_ = status is Status.PENDING
    read = replace(
        base,
        status=status,
        verdict=verdict,
        account_id=reading.account_id,
        verification_url=base.verification_url if open_ else None,
        workflow_key=reading.workflow_key if base.workflow_key is None else base.workflow_key,
        decision=None if open_ else reading.decision,
    )
    if replace(read, decided_at=record.decided_at) == record:
        return Outcome(result=Result.UNCHANGED, record=record)
    event = Event.REOPENED if open_ else Event.SETTLED
    read = replace(read, decided_at=None if open_ else to_text(reading.completed_at or now))
    return Outcome(result=Result.APPLIED, record=read.with_event(event, now=now), event=event)


def settle_unknown(record: Record, *, now: datetime) -> Outcome:
    """What it means that Jumio does not know the recorded workflow.

    Right after a start it may not know it yet. After a day an open one never will be known; a verdict stays what it
    was, since data that Jumio's retention has removed is no reason to doubt it.
    """
    initiated_at = from_text(record.initiated_at)
    if record.status is not Status.PENDING or (initiated_at is not None and now - initiated_at <= UNKNOWN_FOR):
        return Outcome(result=Result.UNCHANGED, record=record, reason="Jumio does not know the workflow")
    settled = replace(record, status=Status.INCOMPLETE, verification_url=None, decided_at=to_text(now))
    return Outcome(result=Result.APPLIED, record=settled.with_event(Event.SETTLED, now=now), event=Event.SETTLED)


def _unclaimed(record: Record) -> Record:
    return replace(record, history=tuple(event for event in record.history if event.get("event") != Event.STARTING))


def _why_superseded(record: Record, reading: Reading, status: Status) -> str | None:
    """Why another workflow than the recorded one does not count, or None when it does."""
    if record.status is Status.UNSTARTED and status is Status.INCOMPLETE:
        return "it ended without a result, and a new start is due"
    if record.status in (Status.NONE, Status.UNSTARTED):
        return None
    if record.status in CONCLUDED and status not in CONCLUDED:
        # Else whoever was rejected could let a second, forgotten workflow expire and be admitted for it.
        return "it has no verdict, the recorded workflow has one"
    initiated_at = from_text(record.initiated_at)
    if initiated_at is not None and (reading.created_at is None or reading.created_at <= initiated_at):
        return "a younger workflow is recorded"
    return None


def _adopt(record: Record, reading: Reading, *, now: datetime) -> Record:
    return Record(
        workflow_execution_id=reading.workflow_execution_id,
        initiated_at=to_text(reading.created_at or now),
        history=record.history,
    )
