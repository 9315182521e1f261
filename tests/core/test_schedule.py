# SPDX-License-Identifier: Apache-2.0
"""When a record is looked at again: on Jumio's own schedule, and what is unstarted after two minutes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support import asked, pending, verified

from core.workflows import START, at, ended, open_one, text
from webhook.core.record import Record
from webhook.core.schedule import DEAD_AFTER, POINTS, due_ones, look_at, next_look_at, open_ones
from webhook.core.settle import ASK_AGAIN_FOR
from webhook.core.start import LEFT_ALONE_FOR, not_started
from webhook.core.status import Status
from webhook.core.times import to_text
from webhook.core.workflows import Stage, Workflow

OPEN = open_one("o", 0)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def recorded(*workflows: Workflow) -> Record:
    return pending(initiated_at=text(0)).with_known(workflows)


# --- one workflow ---


def test_the_points_are_jumios_own() -> None:
    """https://documentation.jumio.ai/docs/developer-resources/Retrieval/retrieval"""
    assert POINTS == (40, 60, 100, 160, 240, 340, 460, 600, 760, 940)


@pytest.mark.parametrize(
    ("looked_at", "due"),
    [
        (None, 40),
        (0, 40),
        (39, 40),
        (40, 60),
        (59.9, 60),
        (60, 100),
        (100, 160),
        (160, 240),
        (240, 340),
        (340, 460),
        (460, 600),
        (600, 760),
        (760, 940),
        (939, 940),
        (940, 940 + 3600),
        (5000, 5000 + 3600),
        (500_000, 500_000 + 3600),
    ],
)
def test_it_is_due_at_the_next_point_after_the_last_look_and_then_every_hour(
    looked_at: float | None, due: float
) -> None:
    last = None if looked_at is None else after(looked_at)
    assert look_at(OPEN, looked_at=last, now=after(looked_at or 0)) == after(due)


@pytest.mark.parametrize("looked_at", [None, after(0)])
def test_once_its_link_has_died_it_is_never_due(looked_at: datetime | None) -> None:
    assert look_at(OPEN, looked_at=looked_at, now=START + DEAD_AFTER) is not None
    assert look_at(OPEN, looked_at=looked_at, now=START + DEAD_AFTER + timedelta(milliseconds=1)) is None


def test_no_link_lives_for_longer() -> None:
    assert timedelta(days=60) < DEAD_AFTER


def test_without_a_creation_it_counts_from_when_it_was_first_seen() -> None:
    assert look_at(open_one("o", None, seen_at=text(0)), looked_at=None, now=after(5)) == after(40)


@pytest.mark.parametrize("workflow", [open_one("o", None, seen_at=None), open_one("o", 60)])
def test_one_of_an_unknown_start_or_a_start_in_the_future_counts_as_of_now(workflow: Workflow) -> None:
    assert look_at(workflow, looked_at=None, now=after(5)) == after(45)


# --- a record ---


def test_what_is_open_is_looked_at_and_what_jumio_did_not_know_a_while_ago() -> None:
    gone = ended("gone", 0, None, stage=Stage.UNKNOWN, seen_at=text(5))
    record = recorded(ended("e", 0, 1), gone, OPEN, open_one("p", 3))
    assert [each.id for each in open_ones(record, now=at(6))] == ["o", "p", "gone"]
    assert [each.id for each in open_ones(record, now=at(5) + ASK_AGAIN_FOR)] == ["o", "p"]


def test_a_further_one_beside_a_verdict_is_looked_at() -> None:
    assert [each.stage for each in open_ones(asked(), now=at(60))] == [Stage.OPEN]


@pytest.mark.parametrize(
    ("looked_at", "now", "due"),
    [
        (None, 0, ["o", "p"]),  # nobody knows when it was looked at last
        (0, 39, []),
        (0, 40, ["o"]),
        (40, 59, []),
        (40, 60, ["o"]),
        (60, 219, ["o"]),
        (60, 220, ["o", "p"]),
        (220, 221, []),
    ],
)
def test_what_is_due_and_what_was_never_looked_at_at_once(looked_at: float | None, now: float, due: list[str]) -> None:
    record = recorded(OPEN, open_one("p", 3))
    last = None if looked_at is None else after(looked_at)
    assert [each.id for each in due_ones(record, looked_at=last, now=after(now))] == due


def test_what_has_died_is_not_even_looked_at_once() -> None:
    assert due_ones(recorded(OPEN), looked_at=None, now=START + DEAD_AFTER + timedelta(seconds=1)) == []


@pytest.mark.parametrize(
    ("looked_at", "now", "next_at"),
    [(None, 0, 40), (0, 0, 40), (60, 60, 100), (200, 200, 180 + 40), (220, 220, 240)],
)
def test_it_is_looked_at_next_when_the_first_of_them_is_due(
    looked_at: float | None, now: float, next_at: float
) -> None:
    record = recorded(OPEN, open_one("p", 3))
    last = None if looked_at is None else after(looked_at)
    assert next_look_at(record, looked_at=last, now=after(now)) == after(next_at)


@pytest.mark.parametrize(
    "record", [Record(), verified(), replace(verified(), status=Status.INCOMPLETE), recorded(ended("e", 0, 1))]
)
def test_nothing_of_it_is_open(record: Record) -> None:
    assert next_look_at(record, looked_at=None, now=at(60)) is None


@pytest.mark.parametrize(
    ("record", "next_at"),
    [
        (not_started(Record(), is_certain=True, now=after(0)), LEFT_ALONE_FOR + timedelta(seconds=30)),
        (Record(asked_at=to_text(after(0)), status=Status.INCOMPLETE), LEFT_ALONE_FOR + timedelta(seconds=30)),
        (not_started(Record(), is_certain=True, now=after(50)), LEFT_ALONE_FOR + timedelta(seconds=30)),
        (Record(status=Status.UNSTARTED), LEFT_ALONE_FOR + timedelta(seconds=30)),
    ],
)
def test_what_is_unstarted_is_looked_at_in_two_minutes(record: Record, next_at: timedelta) -> None:
    assert next_look_at(record, looked_at=None, now=after(30)) == START + next_at


def test_or_before_when_something_is_open_beside_it() -> None:
    record = not_started(recorded(OPEN), is_certain=True, now=after(0))
    assert next_look_at(record, looked_at=None, now=after(0)) == after(40)
