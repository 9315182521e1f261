# SPDX-License-Identifier: Apache-2.0
"""The token that all requests share."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest

from webhook.errors import VendorRefused, VendorUnavailable
from webhook.idv.jumio.token import FETCH_NEEDS_SECONDS, RENEW_BEFORE_SECONDS, SHORTEST_USE_SECONDS, SharedToken
from webhook.runtime.deadline import time_limit


class Source:
    """Hands out `token 1`, `token 2` and so on, each good for `lifetime` seconds of a clock the test moves."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.now = 1000.0
        self.lifetime = lifetime
        self.count = 0
        self.error: Exception | None = None

    def __call__(self) -> tuple[str, float]:
        self.count += 1
        if self.error is not None:
            raise self.error
        return f"token {self.count}", self.now + self.lifetime

    def shared(self) -> SharedToken:
        return SharedToken(self, clock=lambda: self.now)


def test_one_token_serves_until_shortly_before_its_end() -> None:
    source = Source()
    token = source.shared()
    source.now += 0
    assert {token.get() for _ in range(100)} == {"token 1"}
    source.now += 3600 - RENEW_BEFORE_SECONDS - 0.001
    assert token.get() == "token 1"
    source.now += 0.001
    assert token.get() == "token 2"
    assert source.count == 2


@pytest.mark.parametrize("lifetime", [-5.0, 0.0, 1.0, RENEW_BEFORE_SECONDS, RENEW_BEFORE_SECONDS + 1])
def test_a_token_near_its_end_is_not_asked_for_at_every_call(lifetime: float) -> None:
    source = Source(lifetime)
    token = source.shared()
    assert {token.get() for _ in range(100)} == {"token 1"}
    source.now += SHORTEST_USE_SECONDS
    assert token.get() == "token 2"
    assert source.count == 2


def test_a_refused_token_is_replaced_once_for_everybody_who_was_refused() -> None:
    source = Source()
    token = source.shared()
    assert token.get() == "token 1"
    assert [token.get(refused="token 1") for _ in range(8)] == ["token 2"] * 8
    assert source.count == 2


def test_after_a_failure_the_old_token_is_gone_and_the_next_call_asks_again() -> None:
    source = Source()
    token = source.shared()
    token.get()
    source.error = VendorRefused("no")
    with pytest.raises(VendorRefused):
        token.get(refused="token 1")
    with pytest.raises(VendorRefused):
        token.get()
    source.error = None
    assert token.get() == "token 4"


@pytest.mark.parametrize("refused", [None, "token 0"])
def test_eight_at_once_cause_one_request(refused: str | None) -> None:
    source = Source()
    token = source.shared()
    together = threading.Barrier(8, timeout=10)

    def get(_: int) -> str:
        together.wait()
        return token.get(refused=refused)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(get, range(8))) == {"token 1"}
    assert source.count == 1


@pytest.mark.parametrize("allowed", [0.05, -1.0])
def test_whoever_waits_for_anothers_request_gives_up_in_time(allowed: float) -> None:
    asked, answer = threading.Event(), threading.Event()

    def fetch() -> tuple[str, float]:
        asked.set()
        assert answer.wait(10)
        return "token", 1e12

    token = SharedToken(fetch)

    def waiter() -> None:
        with time_limit(allowed):
            token.get()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(token.get)
        assert asked.wait(10)
        with pytest.raises(VendorUnavailable, match="in time"):
            threads.submit(waiter).result(10)
        answer.set()
        assert first.result(10) == "token"


class Slow(Source):
    """Hands out the next token only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = threading.Event(), threading.Event()

    def __call__(self) -> tuple[str, float]:
        self.asked.set()
        assert self.answer.wait(10)
        return super().__call__()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def renewing(slow: Slow) -> Iterator[SharedToken]:
    """A token that still holds for a moment, and that somebody is renewing."""
    slow.answer.set()
    token = slow.shared()
    token.get()
    slow.answer.clear()
    slow.asked.clear()
    slow.now += 3600 - RENEW_BEFORE_SECONDS + 1
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(token.get)
        assert slow.asked.wait(10)
        yield token
        slow.answer.set()
        assert first.result(10) == "token 2"


def test_while_somebody_renews_it_the_others_go_on_with_the_old_one(slow: Slow, renewing: SharedToken) -> None:
    with time_limit(0.5):
        assert {renewing.get() for _ in range(10)} == {"token 1"}
        slow.now += RENEW_BEFORE_SECONDS - 2
        assert renewing.get() == "token 1", "to its very end"


@pytest.mark.parametrize(("seconds", "refused"), [(RENEW_BEFORE_SECONDS - 1, None), (0.0, "token 1")])
def test_once_it_has_ended_or_was_refused_they_wait(
    slow: Slow, renewing: SharedToken, seconds: float, refused: str | None
) -> None:
    slow.now += seconds
    with time_limit(0.05), pytest.raises(VendorUnavailable, match="in time"):
        renewing.get(refused=refused)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(renewing.get, refused=refused)
        slow.answer.set()
        assert waiting.result(10) == "token 2"
    assert slow.count == 2


@pytest.mark.parametrize(("allowed", "asks"), [(FETCH_NEEDS_SECONDS + 10, True), (FETCH_NEEDS_SECONDS - 0.05, False)])
def test_after_waiting_in_vain_one_asks_oneself_if_there_is_time_for_an_answer(
    slow: Slow, allowed: float, asks: bool
) -> None:
    """Else all who waited for a Jumio that does not answer would ask it, one after the other."""
    token = slow.shared()
    slow.error = VendorUnavailable("down")

    def patient() -> str:
        with time_limit(allowed):
            return token.get()

    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(token.get)
        assert slow.asked.wait(10)
        waiting = [threads.submit(patient) for _ in range(5)]
        gevent.sleep(0.01)
        slow.answer.set()
        with pytest.raises(VendorUnavailable, match="down"):
            first.result(10)
        for one in waiting:
            with pytest.raises(VendorUnavailable, match="down" if asks else "in time"):
                one.result(10)
    assert slow.count == (6 if asks else 1)


def test_whoever_has_not_waited_asks_with_little_time_too() -> None:
    with time_limit(0.01):
        assert Source().shared().get() == "token 1"


def test_the_lock_is_free_after_a_failure() -> None:
    def fetch() -> tuple[str, float]:
        raise VendorUnavailable("down")

    token: SharedToken = SharedToken(fetch)
    call: Callable[[], str] = token.get
    for _ in range(3):
        with time_limit(0.5), pytest.raises(VendorUnavailable, match="down"):
            call()
