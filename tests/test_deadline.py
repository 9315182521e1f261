# SPDX-License-Identifier: Apache-2.0
"""Time limits: nested ones only ever shorten."""

import threading

import pytest

from webhook.runtime.deadline import DeadlineExceeded, remaining, time_limit


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
