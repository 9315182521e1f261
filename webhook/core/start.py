# SPDX-License-Identifier: Apache-2.0
"""What a record becomes around the start of a workflow: started, asked for again, or not to be started now."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from webhook.core.events import Event
from webhook.core.record import Record, Reverification
from webhook.core.settle import shown
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text, to_text
from webhook.core.workflows import OLDEST, Stage, Workflow, joined

# Why somebody is asked to do it again; `step-up` is the gate's own, `name-change` that of a hook.
REASONS = ("risk", "role-change", "scheduled", "manual")
STEP_UP = "step-up"
NAME_CHANGE = "name-change"
STARTS_COUNT_FOR = timedelta(days=1)
# A hook is repeated by Kratos, and a person presses again, for so long: until then an `unstarted` is left to them.
# No time of a workflow is believed that lies beyond it.
_LATEST = "9000"
LEFT_ALONE_FOR = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Started:
    """What the vendor's reply to a start tells; `created_at` is the vendor's clock where it said so."""

    account_id: str
    workflow_execution_id: str
    verification_url: str | None
    created_at: datetime | None


def counted(record: Record, *, now: datetime) -> Record:
    """The record without the note of a start whose end nobody told: that counts as one, for it may be paid for."""
    asked_at = from_text(record.asked_at)
    if asked_at is None:
        return replace(record, asked_at=None)
    starts = (*_recent_starts(record, now=now), to_text(min(asked_at, now)))
    return replace(record, asked_at=None, starts=starts)


def asked(record: Record, *, now: datetime) -> Record:
    """The record with the note that a start is asked for."""
    status = Status.UNSTARTED if record.status is Status.NONE else record.status
    return replace(record, status=status, asked_at=to_text(now))


def started(record: Record, start: Started, *, workflow_key: int | str, link: str | None, now: datetime) -> Record:
    """The record once a workflow has been started; `link` is shown to the person instead of the vendor's own."""
    workflow = _begun(record, start, workflow_key, now=now)
    begun = replace(shown(record, joined(record.known, workflow)), reverification=None, asked_at=None)
    if begun.workflow_execution_id == workflow.id:
        begun = replace(begun, verification_url=link or start.verification_url, vendor_url=start.verification_url)
    begun = replace(begun, starts=_with_start(record, now=now)).with_known(begun.known)
    return begun.with_event(Event.STARTED, now=now, workflow_execution_id=workflow.id)


def _begun(record: Record, start: Started, workflow_key: int | str, *, now: datetime) -> Workflow:
    """The workflow that was just started: the youngest, also where only our clock tells when that was."""
    youngest = max([each.created_at or OLDEST for each in record.known] + [record.forgotten_until or OLDEST])
    told = None if start.created_at is None else to_text(start.created_at)
    created_at = told or to_text(now)
    if created_at <= youngest < _LATEST and (latest := from_text(youngest)) is not None:
        created_at = to_text(latest + timedelta(milliseconds=1))
    return Workflow(
        id=start.workflow_execution_id,
        account_id=start.account_id,
        stage=Stage.OPEN,
        created_at=created_at,
        seen_at=None if created_at == told else to_text(now),
        key=workflow_key,
        url=start.verification_url,
    )


def reverifying(
    record: Record,
    start: Started,
    *,
    reason: str,
    due_at: datetime | None,
    workflow_key: int | str,
    link: str | None,
    now: datetime,
) -> Record:
    """The record once a further workflow has been started; what is known of the person stands until it ends."""
    earlier = from_text(record.reverification.due_at) if record.reverification else None
    due = min(filter(None, (earlier, due_at)), default=None)
    workflow = _begun(record, start, workflow_key, now=now)
    further = Reverification(
        reason=reason,
        due_at=None if due is None else to_text(due),
        workflow_execution_id=start.workflow_execution_id,
        verification_url=link or start.verification_url,
        vendor_url=start.verification_url,
        initiated_at=workflow.created_at,
        workflow_key=workflow_key,
    )
    known = joined(record.known, workflow)
    record = replace(
        record, account_id=start.account_id, reverification=further, starts=_with_start(record, now=now), asked_at=None
    ).with_known(known)
    return record.with_event(Event.REVERIFICATION_STARTED, now=now, workflow_execution_id=start.workflow_execution_id)


def asked_again(record: Record, *, reason: str, due_at: datetime | None, now: datetime) -> Record:
    """The record when a re-verification is asked for that is open already, or cannot be started now."""
    further = record.reverification or Reverification(reason=reason, due_at=None, initiated_at=to_text(now))
    due = min(filter(None, (from_text(further.due_at), due_at)), default=None)
    asked = replace(record, reverification=replace(further, due_at=None if due is None else to_text(due)))
    return record if asked == record else asked.with_event(Event.REVERIFICATION_ASKED, now=now)


def is_overdue(record: Record, *, now: datetime) -> bool:
    """Whether a re-verification should have been made by now; a date that cannot be read has passed."""
    if record.reverification is None or record.reverification.due_at is None:
        return False
    due_at = from_text(record.reverification.due_at)
    return due_at is None or due_at <= now


def starts_in_last_day(record: Record, *, now: datetime) -> int:
    """How many workflows were started for the person in the last 24 hours."""
    return len(_recent_starts(record, now=now))


def limit_ends_at(record: Record, *, limit: int, now: datetime) -> datetime | None:
    """When one more workflow may be started; None where one may be started now."""
    starts = sorted(filter(None, map(from_text, _recent_starts(counted(record, now=now), now=now))))
    return None if len(starts) < limit else starts[len(starts) - limit] + STARTS_COUNT_FOR


def _recent_starts(record: Record, *, now: datetime) -> tuple[str, ...]:
    times = [(text, from_text(text)) for text in record.starts]
    return tuple(text for text, at in times if at is not None and now - at < STARTS_COUNT_FOR)


def _with_start(record: Record, *, now: datetime) -> tuple[str, ...]:
    return (*_recent_starts(record, now=now), to_text(now))


def not_started(record: Record, *, is_certain: bool, now: datetime) -> Record:
    """The record when a start was asked for and could not be made; the vendor's account is kept for the next.

    One of which it is not certain that nothing was started counts for the limit: it may have been paid for.
    """
    starts = record.starts if is_certain else _with_start(record, now=now)
    if record.status is Status.UNSTARTED and record.history:  # without one there was only the note
        return replace(record, starts=starts, asked_at=None)
    unstarted = Record(
        status=Status.UNSTARTED,
        account_id=record.account_id,
        verification_url=record.verification_url if record.status is Status.INCOMPLETE else None,
        workflow_key=record.workflow_key,
        starts=starts,
        history=record.history,
        forgotten_until=record.forgotten_until,
    ).with_known(record.known)
    return unstarted.with_event(Event.UNSTARTED, now=now)


def not_started_further(record: Record, *, is_certain: bool, now: datetime) -> Record:
    """The record when a further workflow could not be started."""
    return record if is_certain else replace(record, starts=_with_start(record, now=now))


def begun_anew(record: Record, *, reason: str, now: datetime) -> Record:
    """The record once an operator has forgotten what was concluded: a start is due, on a new account of the vendor's.

    Whatever was created up to the last that is known of does not count any more, however late it is told. What stood
    is kept in the history.
    """
    times = [time for each in record.known for time in (each.created_at, each.decided_at) if time is not None]
    anew = Record(
        status=Status.UNSTARTED,
        starts=record.starts,
        history=record.history,
        forgotten_until=max([*times, record.forgotten_until or OLDEST], default=OLDEST) or to_text(now),
    ).with_event(Event.BEGUN_ANEW, now=now, workflow_execution_id=record.workflow_execution_id)
    stood = {"status": record.status.value, "decided_at": record.decided_at, "reason": reason}
    return replace(anew, history=(*anew.history[:-1], {**anew.history[-1], **stood}))


def is_start_due(record: Record) -> bool:
    """Whether a start was asked for and not made, as far as the record tells."""
    return record.status is Status.UNSTARTED or (record.asked_at is not None and record.status in STARTABLE)


def last_asked_at(record: Record) -> datetime | None:
    """When that start was asked for, by the clock of whoever asked."""
    asked_at = record.asked_at or (record.history[-1].get("at") if record.history else None)
    return from_text(asked_at)
