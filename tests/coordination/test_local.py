# SPDX-License-Identifier: Apache-2.0
"""One process alone: its memory is bounded, and time passes. What both kinds must do stands in test_both.py."""

import pytest
from support import IDENTITY, OTHER_IDENTITY

from webhook.coordination.local import LOOKS_AT_MOST, PAID_AT_MOST, Local
from webhook.idv.jumio.client import RATE_LIMITS


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def local(clock: Clock) -> Local:
    return Local(RATE_LIMITS, clock=clock)


def test_what_was_paid_for_is_remembered_for_an_hour(local: Local, clock: Clock) -> None:
    local.remember_paid(IDENTITY, "workflow")
    clock.now += 3599
    assert local.paid(IDENTITY) == "workflow"
    clock.now += 1
    assert local.paid(IDENTITY) is None
    assert local._paid == {}


def test_of_very_many_the_oldest_is_dropped(local: Local) -> None:
    for number in range(PAID_AT_MOST):
        local.remember_paid(str(number), "workflow")
    local.remember_paid("0", "a newer one")
    local.remember_paid(IDENTITY, "workflow")
    assert len(local._paid) == PAID_AT_MOST
    assert (local.paid("0"), local.paid("1"), local.paid(IDENTITY)) == ("a newer one", None, "workflow")


def test_a_person_is_looked_at_again_after_five_seconds(local: Local, clock: Clock) -> None:
    assert local.may_look(IDENTITY)
    clock.now += 4.9
    assert local.may_look(OTHER_IDENTITY)
    assert not local.may_look(IDENTITY)
    clock.now += 0.1
    assert local.may_look(IDENTITY)
    assert not local.may_look(OTHER_IDENTITY)
    clock.now += 60
    assert local.may_look("somebody else")
    assert list(local._looked) == ["somebody else"], "what is over takes no memory"


def test_many_looks_fill_no_memory(local: Local) -> None:
    for number in range(LOOKS_AT_MOST + 10):
        assert local.may_look(str(number))
    assert len(local._looked) == LOOKS_AT_MOST
    assert local.may_look("0"), "dropped, as the oldest"
    assert not local.may_look(str(LOOKS_AT_MOST))


def test_calls_leave_the_window_one_by_one(local: Local, clock: Clock) -> None:
    for _ in range(5):
        assert local.room("start", leaving=0) == 0.0
        clock.now += 1.0
    assert local.room("start", leaving=0) == pytest.approx(0.1)
    clock.now += 0.11
    assert local.room("start", leaving=0) == 0.0
    assert local.room("start", leaving=0) == pytest.approx(0.99)


def test_any_number_of_calls_takes_bounded_memory(local: Local) -> None:
    for _ in range(1000):
        local.count("start")
    assert len(local._begun["start"]) == RATE_LIMITS["start"][0]


def test_there_is_no_index(local: Local) -> None:
    local.schedule(IDENTITY, 1.0)
    local.mark_complete(60)
    assert local.take_due(10, lease=60) is None
    assert local.next_due() is None
    local.unschedule(IDENTITY)
