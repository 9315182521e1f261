# SPDX-License-Identifier: Apache-2.0
"""When a record is looked at again."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support import NOW, approved, pending, verified

from webhook.core.record import Record
from webhook.core.schedule import DEAD_AFTER, POINTS, due_ones, next_look_at
from webhook.core.status import Status, Verdict
from webhook.core.times import to_text

STARTED = NOW
OPEN = pending(initiated_at=to_text(STARTED))


def later(seconds: float) -> datetime:
    return STARTED + timedelta(seconds=seconds)


def looks(record: Record, *, until: float) -> list[float]:
    """The seconds after the start at which it is looked at by somebody who never sleeps, and has just started it."""
    found: list[float] = []
    looked_at = STARTED
    while (at := next_look_at(record, looked_at=looked_at, now=looked_at)) is not None and at <= later(until):
        assert not due_ones(record, looked_at=looked_at, now=at - timedelta(milliseconds=1))
        assert due_ones(record, looked_at=looked_at, now=at)
        looked_at = at
        found.append((at - STARTED).total_seconds())
    return found


def test_what_is_open_is_looked_at_on_jumios_schedule_and_then_every_hour() -> None:
    assert looks(OPEN, until=940 + 3 * 3600) == [*POINTS, 940 + 3600, 940 + 7200, 940 + 10800]


def test_an_hour_has_ten_looks() -> None:
    assert len(looks(OPEN, until=3600)) == 10


def test_points_that_were_missed_are_not_made_up_for() -> None:
    assert next_look_at(OPEN, looked_at=later(500), now=later(500)) == later(600)


def test_what_nobody_has_looked_at_is_due_however_young() -> None:
    assert len(due_ones(OPEN, looked_at=None, now=STARTED)) == 1


def test_a_start_without_a_time_or_of_the_future_is_as_of_now() -> None:
    for initiated_at in (None, to_text(later(86400))):
        assert next_look_at(pending(initiated_at=initiated_at), looked_at=None, now=STARTED) == later(POINTS[0])


def test_nobody_looks_once_the_link_has_died() -> None:
    now = STARTED + DEAD_AFTER + timedelta(seconds=1)
    assert next_look_at(OPEN, looked_at=None, now=now) is None
    assert due_ones(OPEN, looked_at=None, now=now) == []


@pytest.mark.parametrize("record", [Record(), approved(), verified()])
def test_what_is_settled_is_not_looked_at(record: Record) -> None:
    assert next_look_at(record, looked_at=None, now=NOW) is None


def test_a_start_that_is_due_is_left_to_others_for_two_minutes() -> None:
    record = replace(Record(status=Status.UNSTARTED), asked_at=to_text(NOW))
    assert next_look_at(record, looked_at=None, now=NOW) == NOW + timedelta(minutes=2)


def test_whoever_was_just_rejected_is_looked_at_for_ten_minutes() -> None:
    """A session may have begun while that was written."""
    rejected = replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED)
    rejected = rejected.with_event("verification.settled", now=NOW)
    looks = [next_look_at(rejected, looked_at=None, now=NOW + timedelta(minutes=minute)) for minute in range(12)]
    assert looks == [NOW + timedelta(minutes=minute + 1) for minute in range(10)] + [None, None]
    assert next_look_at(replace(rejected, history=()), looked_at=None, now=NOW) is None

