# SPDX-License-Identifier: Apache-2.0
"""What a record becomes when a workflow is read at the vendor. This is where a verdict is decided, and nowhere else."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from webhook.core.assurance import Assurance, Table, level_of, with_steps
from webhook.core.events import Event
from webhook.core.evidence import Check, Evidence, Reading
from webhook.core.record import Record, Reverification
from webhook.core.status import CONCLUDED, Status
from webhook.core.times import from_text, to_text

UNKNOWN_FOR = timedelta(days=1)
ASK_AGAIN_FOR = timedelta(days=7)


class Result(StrEnum):
    """What a reading did to a record."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    IGNORED = "ignored"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A record after a reading; `event` names what happened where something did."""

    result: Result
    record: Record
    event: Event | None = None
    reason: str | None = None


def settle(
    record: Record, reading: Reading, *, identity_id: str, table: Table, verified_address: bool, now: datetime
) -> Outcome:
    """What a reading makes of the record of the identity.

    A record from before there were steps gets them, unless the reading does not count.
    The recorded workflow's newer reading wins, whatever it says. Another workflow counts when it was asked for (the
    open re-verification), when nothing usable is recorded, or when it is younger than what is recorded.
    """
    outcome = _settled(
        with_its_steps(record, table=table),
        reading,
        identity_id=identity_id,
        table=table,
        verified_address=verified_address,
        now=now,
    )
    return replace(outcome, record=record) if outcome.result is Result.IGNORED else outcome


def _settled(
    record: Record, reading: Reading, *, identity_id: str, table: Table, verified_address: bool, now: datetime
) -> Outcome:
    if any(reference != identity_id for reference in reading.references):
        return Outcome(result=Result.IGNORED, record=record, reason="the workflow is not this identity's")
    status = reading.status
    same = reading.workflow_execution_id == record.workflow_execution_id
    asked_for = _is_asked_for(record, reading)
    if not same and not asked_for:
        if not reading.references:
            return Outcome(result=Result.IGNORED, record=record, reason="the workflow names no identity")
        if (reason := _why_superseded(record, reading, status)) is not None:
            return Outcome(result=Result.IGNORED, record=record, event=Event.SUPERSEDED, reason=reason)
    evidence = reading.evidence(verified_address=verified_address)
    if not same and record.status is Status.REJECTED and reading.is_face_check and status is not Status.REJECTED:
        return Outcome(
            result=Result.IGNORED, record=record, event=Event.SUPERSEDED, reason="a face alone undoes no rejection"
        )
    if asked_for and status not in CONCLUDED:
        return _without_result(record, status, now=now)
    if not same and record.status in (Status.APPROVED, Status.REVIEW):
        return _settle_further(record, reading, evidence, table=table, now=now)
    base = record if same else _adopt(record, reading, now=now)
    return _concluded(record, base, reading, evidence, table=table, now=now)


def with_its_steps(record: Record, *, table: Table) -> Record:
    """The record with the steps of its level, where it was written before there were any."""
    if record.assurance is None or record.assurance.steps is not None:
        return record
    return replace(record, assurance=with_steps(table, record.assurance))


def _concluded(
    record: Record,
    base: Record,
    reading: Reading,
    evidence: Evidence,
    *,
    table: Table,
    now: datetime,
) -> Outcome:
    """The base with what the reading says of its workflow."""
    status = reading.status
    open_ = status is Status.PENDING
    # Where it has no time of its own, the same result told again keeps the time it had.
    known_at = from_text(record.decided_at) if status is record.status else None
    decided_at = reading.completed_at or known_at or now
    read = replace(
        base,
        status=status,
        verdict=reading.verdict,
        account_id=reading.account_id,
        verification_url=base.verification_url if open_ else None,
        vendor_url=base.vendor_url if open_ else None,
        workflow_key=reading.workflow_key if base.workflow_key is None else base.workflow_key,
        decision=None if open_ else reading.decision,
        checks=_kept(evidence.checks) if status in CONCLUDED else (),
        assurance=_assurance(evidence, table=table, at=decided_at) if status in CONCLUDED else None,
        reverification=base.reverification if status in (Status.APPROVED, Status.REVIEW) else None,
    )
    if status is record.status and read.assurance is not None:
        read = replace(read, assurance=with_steps(table, _not_older(read.assurance, record.assurance)))
    if replace(read, decided_at=record.decided_at) == record:
        return Outcome(result=Result.UNCHANGED, record=record)
    event = Event.REOPENED if open_ else Event.SETTLED
    read = replace(read, decided_at=None if open_ else to_text(decided_at))
    return Outcome(result=Result.APPLIED, record=read.with_event(event, now=now), event=event)


def _settle_further(
    record: Record,
    reading: Reading,
    evidence: Evidence,
    *,
    table: Table,
    now: datetime,
) -> Outcome:
    """What the verdict of a further workflow makes of somebody who is approved or in review.

    A rejection replaces what was known, and so does a doubt about a document. A pass renews it; it replaces it only
    when it brings as much evidence, so that a look at the face neither raises nor lowers a level. A doubt about a face
    is no result: the advice is to let the person try again.
    https://documentation.jumio.ai/docs/references/capabilities/authentication-capabilities
    Only the one that was asked for ends the request: an earlier one that is told again must not call off a later one.
    """
    status = reading.status
    asked_for = _is_asked_for(record, reading)
    further = None if asked_for else record.reverification
    at = reading.completed_at or reading.created_at or now
    assurance = _assurance(evidence, table=table, at=at)
    known = record.assurance
    if status is Status.REVIEW and reading.is_face_check:
        doubted = Outcome(result=Result.IGNORED, record=record, reason="a doubt about a face is no result")
        return _without_result(record, Status.INCOMPLETE, now=now) if asked_for else doubted
    if status is Status.APPROVED and (reading.is_face_check or assurance.level < (known.level if known else 0)):
        fresh = known and with_steps(table, _not_older(replace(known, verified_at=to_text(at)), known))
        changed = replace(record, assurance=fresh, reverification=further)
        event = Event.REVERIFICATION_PASSED
    else:
        changed = replace(
            _adopt(record, reading, now=now),
            status=status,
            verdict=reading.verdict,
            account_id=reading.account_id,
            workflow_key=reading.workflow_key,
            decision=reading.decision,
            decided_at=to_text(at),
            checks=_kept(evidence.checks),
            assurance=assurance,
            reverification=None if status is Status.REJECTED else further,
        )
        event = Event.SETTLED
    if changed == record:
        return Outcome(result=Result.UNCHANGED, record=record)
    changed = changed.with_event(event, now=now, workflow_execution_id=reading.workflow_execution_id)
    return Outcome(result=Result.APPLIED, record=changed, event=event)


def _is_asked_for(record: Record, reading: Reading) -> bool:
    """Whether it is the open re-verification."""
    further = record.reverification
    return further is not None and further.workflow_execution_id == reading.workflow_execution_id


def _without_result(record: Record, status: Status, *, now: datetime) -> Outcome:
    """An open re-verification that ended without a verdict is still due; an offer to step up is simply gone."""
    further = record.reverification
    if status is Status.PENDING or further is None:
        return Outcome(result=Result.UNCHANGED, record=record)
    due = None if further.due_at is None else Reverification(reason=further.reason, due_at=further.due_at)
    ended = replace(record, reverification=due).with_event(
        Event.REVERIFICATION_LAPSED, now=now, workflow_execution_id=further.workflow_execution_id
    )
    return Outcome(result=Result.APPLIED, record=ended, event=Event.REVERIFICATION_LAPSED)


def _assurance(evidence: Evidence, *, table: Table, at: datetime) -> Assurance:
    """The level as of the conclusion: what expires later lowers it when it is read, not where it is written."""
    level = level_of(table, evidence, now=at)
    expires_at = evidence.document_expires_at
    assurance = Assurance(
        level=level,
        name=table.name_of(level),
        verified_at=to_text(at),
        expires_at=None if expires_at is None else to_text(expires_at),
        table=table.version,
    )
    return with_steps(table, assurance)


def _kept(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Without their data, which may name a person."""
    return tuple(replace(check, data={}) for check in checks)


def _not_older(assurance: Assurance, known: Assurance | None) -> Assurance:
    """The assurance, but as fresh as what is known: an old reading must not undo that a look at the face renewed it."""
    verified_at = from_text(assurance.verified_at)
    known_at = None if known is None else from_text(known.verified_at)
    if verified_at is None or known_at is None or known_at <= verified_at:
        return assurance
    return replace(assurance, verified_at=to_text(known_at))


def settle_unknown(record: Record, *, now: datetime) -> Outcome:
    """What it means that the vendor does not know the workflow that is open.

    Right after a start it may not know it yet. After a day an open one never will be known; a verdict stays what it
    was, since data that its retention has removed is no reason to doubt it.
    """
    further = record.reverification
    is_further_open = further is not None and further.workflow_execution_id is not None
    initiated_at = from_text(further.initiated_at if further is not None and is_further_open else record.initiated_at)
    if initiated_at is not None and now - initiated_at <= UNKNOWN_FOR:
        return Outcome(result=Result.UNCHANGED, record=record, reason="the workflow is not known there")
    if is_further_open:
        return _without_result(record, Status.INCOMPLETE, now=now)
    if record.status is not Status.PENDING:
        return Outcome(result=Result.UNCHANGED, record=record, reason="the workflow is not known there")
    settled = replace(record, status=Status.INCOMPLETE, verification_url=None, vendor_url=None, decided_at=to_text(now))
    return Outcome(result=Result.APPLIED, record=settled.with_event(Event.FORGOTTEN, now=now), event=Event.FORGOTTEN)


def was_forgotten(record: Record, *, now: datetime) -> bool:
    """Whether the record ended only because the vendor did not know its workflow, not long ago.

    It may have been asked by a wrong URL or account, so that it is worth asking again.
    """
    last = record.history[-1] if record.history else {}
    at = from_text(last.get("at"))
    return (
        record.status is Status.INCOMPLETE
        and last.get("event") == Event.FORGOTTEN
        and at is not None
        and now - at < ASK_AGAIN_FOR
    )


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
        starts=record.starts,
        history=record.history,
    )
