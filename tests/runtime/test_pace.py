# SPDX-License-Identifier: Apache-2.0
"""The rate limits: no window ever holds more calls than allowed. Time is simulated."""

import random

import pytest

from webhook.coordination.pace import Pace
from webhook.idv.jumio.client import RATE_LIMITS


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("operation", sorted(RATE_LIMITS))
def test_no_window_holds_more_calls_than_allowed(operation: str, rng: random.Random) -> None:
    clock = Clock()
    pace = Pace(RATE_LIMITS, clock=clock, sleep=clock.sleep)
    calls, seconds = RATE_LIMITS[operation]
    begun: list[float] = []
    for _ in range(calls * 6):
        clock.now += rng.choice([0.0, 0.0, 0.0, rng.uniform(0, seconds / calls * 2)])
        pace.wait(operation)
        begun.append(clock.now)

    assert all(begun[i + calls] - begun[i] > seconds for i in range(len(begun) - calls))
    assert begun[calls - 1] - begun[0] < seconds * 2, "the first calls may come in a burst"


def test_looking_for_room_takes_none() -> None:
    clock = Clock()
    pace = Pace({"start": (1, 5.0)}, clock=clock, sleep=clock.sleep)
    pace.wait_for_room("start")
    pace.wait_for_room("start")
    pace.wait("start")
    assert clock.slept == []

    pace.wait_for_room("start")

    assert clock.now > 1005
    slept = list(clock.slept)
    pace.wait("start")
    assert clock.slept == slept
