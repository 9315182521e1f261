# SPDX-License-Identifier: Apache-2.0
"""Time limits: nested ones only ever shorten, and whatever waits is broken off."""

import threading
import time
from collections.abc import Callable

import gevent
import pytest
from support import SOON

from webhook.runtime.deadline import (
    DeadlineExceeded,
    has_time_for,
    interrupted,
    remaining,
    time_limit,
    time_of_its_own,
)


def test_without_a_limit_all_that_is_asked_for_remains() -> None:
    assert remaining(8.0) == 8.0


def test_inside_a_limit_what_is_left_of_it_remains() -> None:
    with time_limit(5.0):
        assert 4.0 < remaining(8.0) <= 5.0
        assert remaining(1.0) == 1.0
    assert remaining(8.0) == 8.0


def test_an_inner_limit_shortens_and_never_lengthens() -> None:
    with time_limit(5.0):
        with time_limit(1.0):
            assert remaining(8.0) <= 1.0
        with time_limit(60.0):
            assert remaining(8.0) <= 5.0
        assert remaining(8.0) > 4.0


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_nothing_remains_of_a_limit_that_is_over(seconds: float) -> None:
    with time_limit(seconds), pytest.raises(DeadlineExceeded):
        remaining(8.0)


def test_what_must_be_told_at_the_end_has_a_time_of_its_own() -> None:
    with time_limit(-1.0):
        with time_of_its_own(0.5):
            assert 0.4 < remaining(8.0) <= 0.5
            with time_limit(0.1):
                assert remaining(8.0) <= 0.1
        with pytest.raises(DeadlineExceeded):
            remaining(8.0)


def test_a_limit_ends_with_its_block_even_by_an_exception() -> None:
    with pytest.raises(KeyError), time_limit(1.0):
        raise KeyError
    assert remaining(8.0) == 8.0


def test_a_limit_is_its_own_threads() -> None:
    seen: list[float] = []
    with time_limit(1.0):
        thread = threading.Thread(target=lambda: seen.append(remaining(8.0)))
        thread.start()
        thread.join()
    assert seen == [8.0]


@pytest.mark.parametrize(("left", "seconds", "has"), [(5.0, 4.0, True), (4.0, 4.0, False), (-1.0, 0.1, False)])
def test_whether_there_is_time_for_something(left: float, seconds: float, has: bool) -> None:
    assert has_time_for(1e6), "without a limit there is time for anything"
    with time_limit(left):
        assert has_time_for(seconds) is has


# --- breaking off ---


def wait_long() -> None:
    time.sleep(10)


def lock_that_is_taken() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def event_that_never_comes() -> None:
    threading.Event().wait()


@pytest.mark.parametrize("wait", [wait_long, lock_that_is_taken, event_that_never_comes])
@pytest.mark.parametrize(("limit", "at_most"), [(60.0, 0.02), (0.02, 60.0)])
def test_whatever_waits_is_broken_off_at_the_earlier_end(
    wait: Callable[[], None], limit: float, at_most: float
) -> None:
    begun = time.monotonic()
    with time_limit(limit), pytest.raises(DeadlineExceeded), interrupted(at_most):
        wait()
    assert 0.015 < time.monotonic() - begun < SOON


def test_when_the_time_is_over_nothing_is_begun() -> None:
    with time_limit(-1.0), pytest.raises(DeadlineExceeded), interrupted(60.0):
        raise AssertionError("it was begun")


def test_it_cannot_be_taken_for_a_timeout_of_the_peers() -> None:
    """urllib3 takes a TimeoutError, or any OSError, for the peer's and goes on."""

    def library() -> None:
        try:
            wait_long()
        except Exception as error:
            raise AssertionError("a library would have swallowed it") from error

    with pytest.raises(DeadlineExceeded), interrupted(0.01):
        library()


def test_it_is_armed_anew_for_each_call() -> None:
    with time_limit(60.0):
        for _ in range(2):
            with pytest.raises(DeadlineExceeded), interrupted(0.01):
                wait_long()


def test_it_ends_with_its_block_and_leaves_no_timer() -> None:
    with interrupted(0.01):
        pass
    time.sleep(0.03)
    with pytest.raises(KeyError), interrupted(0.01):
        raise KeyError
    time.sleep(0.03)


def test_somebody_elses_timeout_is_not_taken_for_it() -> None:
    outer = gevent.Timeout.start_new(0.01)
    with pytest.raises(gevent.Timeout) as raised, interrupted(60.0):
        wait_long()
    assert raised.value is outer


def test_an_inner_one_leaves_the_outer_one_in_force() -> None:
    begun = time.monotonic()

    def wait_twice() -> None:
        with pytest.raises(DeadlineExceeded), interrupted(0.01):
            wait_long()
        wait_long()

    with pytest.raises(DeadlineExceeded), interrupted(0.05):
        wait_twice()
    assert 0.04 < time.monotonic() - begun < SOON
