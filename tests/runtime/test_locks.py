# SPDX-License-Identifier: Apache-2.0
"""One writer per identity."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import IDENTITY, OTHER_IDENTITY

from webhook.coordination.local import IdentityLocks
from webhook.errors import Busy
from webhook.runtime.deadline import time_limit


def test_those_at_work_on_one_identity_take_turns() -> None:
    locks = IdentityLocks()
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with locks.hold(IDENTITY):
                inside += 1
                most = max(most, inside)
                threading.Event().wait(0)  # lets another thread run
                inside -= 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert most == 1
    assert locks._locks == {}


def test_those_at_work_on_different_identities_do_not_wait() -> None:
    locks = IdentityLocks()
    together = threading.Barrier(2, timeout=10)

    def work(identity_id: str) -> None:
        with locks.hold(identity_id):
            together.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, [IDENTITY, OTHER_IDENTITY]))
    assert locks._locks == {}


@pytest.mark.parametrize("allowed", [0.05, -1.0])
def test_a_waiter_gives_up_in_time_and_leaves_the_lock_to_its_holder(allowed: float) -> None:
    locks = IdentityLocks()

    def wait() -> None:
        with time_limit(allowed), locks.hold(IDENTITY):
            raise AssertionError("two at once")

    with ThreadPoolExecutor(1) as threads, locks.hold(IDENTITY):
        with pytest.raises(Busy, match="under way"):
            threads.submit(wait).result(10)
        assert len(locks._locks) == 1
    assert locks._locks == {}


def test_a_lock_is_freed_by_an_exception() -> None:
    locks = IdentityLocks()
    with pytest.raises(KeyError), locks.hold(IDENTITY):
        raise KeyError
    with time_limit(0.5), locks.hold(IDENTITY):
        pass
    assert locks._locks == {}
