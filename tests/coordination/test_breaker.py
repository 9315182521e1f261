# SPDX-License-Identifier: Apache-2.0
"""The breaker: something dead costs one try in a while."""

from webhook.coordination.breaker import LEFT_ALONE_SECONDS, Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_works_is_always_tried() -> None:
    breaker = Breaker()
    assert all(breaker.lets_through() for _ in range(3))
    breaker.worked()
    assert breaker.lets_through()


def test_after_a_failure_nobody_tries_for_a_while_and_then_one_does() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    breaker.failed()
    assert not breaker.lets_through()
    clock.now += LEFT_ALONE_SECONDS - 0.1
    assert not breaker.lets_through()
    clock.now += 0.1
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    clock.now += LEFT_ALONE_SECONDS
    assert breaker.lets_through(), "the one who tried never told how it went"


def test_one_that_works_lets_everybody_through_again() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    breaker.failed()
    clock.now += LEFT_ALONE_SECONDS
    assert breaker.lets_through()
    breaker.worked()
    assert all(breaker.lets_through() for _ in range(3))
