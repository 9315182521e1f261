# SPDX-License-Identifier: Apache-2.0
"""The rate limits: no window ever holds more calls than allowed, nor a sweep's more than is left to it. Simulated."""

import random
import threading
from collections.abc import Mapping

import pytest

from webhook.coordination.local import Local
from webhook.coordination.pace import LEFT_TO_REQUESTS, PATIENCE_SECONDS, Pace
from webhook.errors import NotStarted
from webhook.idv.jumio.client import RATE_LIMITS
from webhook.runtime.deadline import time_limit

NOTHING = dict.fromkeys(RATE_LIMITS, 0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace_of(
    clock: Clock,
    local: Local | None = None,
    *,
    leaving: Mapping[str, int] = NOTHING,
    stop: threading.Event | None = None,
) -> Pace:
    local = local or Local(RATE_LIMITS, clock=clock)
    return Pace(local, leaving=leaving, stop=stop, clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize("leaving", [NOTHING, LEFT_TO_REQUESTS])
@pytest.mark.parametrize("operation", sorted(RATE_LIMITS))
def test_no_window_holds_more_calls_than_allowed(
    operation: str, leaving: Mapping[str, int], rng: random.Random
) -> None:
    clock = Clock()
    pace = pace_of(clock, leaving=leaving)
    calls, seconds = RATE_LIMITS[operation]
    calls -= leaving[operation]
    begun: list[float] = []
    for _ in range(calls * 6):
        clock.now += rng.choice([0.0, 0.0, 0.0, rng.uniform(0, seconds / calls * 2)])
        pace.wait(operation)
        begun.append(clock.now)

    assert all(begun[i + calls] - begun[i] > seconds for i in range(len(begun) - calls))
    assert begun[calls - 1] - begun[0] < seconds * 2, "the first calls may come in a burst"


def test_looking_for_room_takes_none() -> None:
    clock = Clock()
    pace = pace_of(clock, Local({"start": (1, 5.0)}, clock=clock))
    pace.wait_for_room("start")
    pace.wait_for_room("start")
    pace.wait("start")
    assert clock.slept == []

    pace.wait_for_room("start")

    assert clock.now > 1005
    slept = list(clock.slept)
    pace.wait("start")
    assert clock.slept == slept


def test_sweeps_leave_two_of_five_starts_to_the_living_and_half_of_the_readings() -> None:
    assert LEFT_TO_REQUESTS.keys() == RATE_LIMITS.keys()
    for operation, most in (("start", 3), ("read", 37), ("token", 5)):
        clock = Clock()
        pace = pace_of(clock, leaving=LEFT_TO_REQUESTS)
        for _ in range(most):
            pace.wait(operation)
        assert clock.slept == []
        pace.wait(operation)
        assert clock.slept != []


def test_those_who_wait_for_nothing_are_counted_and_go_first() -> None:
    clock = Clock()
    local = Local(RATE_LIMITS, clock=clock)
    for _ in range(7):
        local.count("start")
    pace_of(clock, local, leaving=LEFT_TO_REQUESTS).wait("start")
    assert clock.now > 1005


def test_a_stop_ends_the_waiting() -> None:
    clock, stop = Clock(), threading.Event()
    pace = pace_of(clock, Local({"start": (1, 5.0)}, clock=clock), stop=stop)
    pace.wait("start")
    stop.set()
    with pytest.raises(NotStarted, match="no room in time"):
        pace.wait("start")
    pace.wait_for_room("start")
    assert clock.slept == []


def test_patience_ends_where_others_take_all_there_is() -> None:
    clock = Clock()
    local = Local({"start": (1, 5.0)}, clock=clock)
    pace = Pace(local, leaving=NOTHING, clock=clock, sleep=lambda seconds: (clock.sleep(seconds), local.count("start")))
    local.count("start")
    with pytest.raises(NotStarted):
        pace.wait("start")
    assert PATIENCE_SECONDS <= clock.now - 1000 < PATIENCE_SECONDS + 6


def test_nobody_waits_when_the_time_is_over() -> None:
    clock = Clock()
    pace = pace_of(clock, Local({"start": (1, 5.0)}, clock=clock))
    pace.wait("start")
    with time_limit(-1.0), pytest.raises(NotStarted):
        pace.wait("start")
    assert clock.slept == []
