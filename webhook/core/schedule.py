# SPDX-License-Identifier: Apache-2.0
"""When a record is worth looking at again: Jumio's own schedule for what is open, two minutes for what is unstarted.

And for a while each minute, for whoever was just rejected.

https://documentation.jumio.ai/docs/developer-resources/Retrieval/retrieval (the intervals it recommends)
"""

from datetime import datetime, timedelta

from webhook.core.record import Record
from webhook.core.settle import may_be_known_again
from webhook.core.start import LEFT_ALONE_FOR, is_start_due
from webhook.core.status import Status
from webhook.core.times import from_text
from webhook.core.workflows import Workflow

# Seconds after its start at which a workflow is looked at; after the last of them, every hour.
POINTS = (40, 60, 100, 160, 240, 340, 460, 600, 760, 940)
THEN_EVERY = timedelta(hours=1)
# No link lives longer than 60 days.
DEAD_AFTER = timedelta(days=61)
# A session that began while the rejection was written is ended by the sweeps of so long, and how often they look.
SESSIONS_ENDED_FOR = timedelta(minutes=10)
SESSIONS_ENDED_EVERY = timedelta(minutes=1)


def look_at(workflow: Workflow, *, looked_at: datetime | None, now: datetime) -> datetime | None:
    """When a workflow that has not ended is due; None once its link has died.

    `looked_at` is None before the first look.
    A start of which nobody knows when it was, or that lies in the future, counts as of now.
    """
    started_at = from_text(workflow.created_at or workflow.seen_at) or now
    started_at = min(started_at, now)
    if now - started_at > DEAD_AFTER:
        return None
    if looked_at is None:
        return started_at + timedelta(seconds=POINTS[0])
    points = (started_at + timedelta(seconds=point) for point in POINTS)
    return next((point for point in points if point > looked_at), looked_at + THEN_EVERY)


def open_ones(record: Record, *, now: datetime) -> tuple[Workflow, ...]:
    """What is read again until it has ended or died; also what the vendor did not know a while ago."""
    return (*record.open_workflows, *may_be_known_again(record, now=now))


def due_ones(record: Record, *, looked_at: datetime | None, now: datetime) -> list[Workflow]:
    """What is due now. What was never looked at is, however young."""
    return [
        each
        for each in open_ones(record, now=now)
        if (at := look_at(each, looked_at=looked_at, now=now)) is not None and (looked_at is None or at <= now)
    ]


def was_just_rejected(record: Record, *, now: datetime, unchanged_for: timedelta | None = None) -> bool:
    """Whether a session may have begun while the rejection was being written; by any clock that can tell.

    `unchanged_for` is how long ago the identity was written, by the clock of whoever keeps it.
    """
    if record.status is not Status.REJECTED:
        return False
    last = from_text(record.history[-1].get("at")) if record.history else None
    ages = (unchanged_for, None if last is None else abs(now - last))
    return any(age is not None and age < SESSIONS_ENDED_FOR for age in ages)


def next_look_at(record: Record, *, looked_at: datetime | None, now: datetime) -> datetime | None:
    """When the record is worth looking at; None when nothing of it is open, unstarted or just rejected."""
    times = [look_at(each, looked_at=looked_at, now=now) for each in open_ones(record, now=now)]
    if is_start_due(record):
        times.append(now + LEFT_ALONE_FOR)
    if was_just_rejected(record, now=now):
        times.append(now + SESSIONS_ENDED_EVERY)
    return min(filter(None, times), default=None)
