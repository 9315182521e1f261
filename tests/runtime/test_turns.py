# SPDX-License-Identifier: Apache-2.0
"""Turns: those who compute long go one after the other, and whoever is quick goes in between."""

import gevent
import pytest
from gevent import socket

from webhook.runtime.turns import take_turn


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for() -> None:
    taken: list[int] = []

    def work(number: int) -> None:
        take_turn()
        taken.append(number)

    gevent.joinall([gevent.spawn(work, number) for number in range(4)], raise_error=True)
    assert taken == [0, 1, 2, 3]


def test_between_two_turns_whatever_has_arrived_is_looked_at() -> None:
    """With `gevent.sleep(0)` all who wait would go before the event loop polls again."""
    mine, others = socket.socketpair()
    seen: list[str] = []

    def long_work(number: int) -> None:
        take_turn()
        if number == 0:
            others.sendall(b"x")
        seen.append(f"work {number}")

    def sign_in() -> None:
        mine.recv(1)
        seen.append("sign-in")

    with mine, others:
        gevent.joinall([gevent.spawn(sign_in), *(gevent.spawn(long_work, n) for n in range(50))], raise_error=True)
    assert len(seen) == 51
    assert seen.index("sign-in") <= 3


def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    def impatient() -> None:
        with gevent.Timeout(0, False):
            take_turn()

    gevent.joinall([gevent.spawn(impatient) for _ in range(3)], raise_error=True)
    with gevent.Timeout(5):
        take_turn()


@pytest.mark.parametrize("kills", [1, 3])
def test_nor_whoever_is_gone(kills: int) -> None:
    waiting = [gevent.spawn(take_turn) for _ in range(kills)]
    gevent.sleep(0)
    gevent.killall(waiting)
    with gevent.Timeout(5):
        take_turn()
