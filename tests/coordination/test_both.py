# SPDX-License-Identifier: Apache-2.0
"""What one process alone and processes that share a Valkey must both do."""

from collections.abc import Callable, Iterator

import gevent
import pytest
from support import IDENTITY, OTHER_IDENTITY

from coordination.servers import Server, shared_at
from webhook.coordination.local import Local
from webhook.coordination.port import Coordination
from webhook.errors import Busy
from webhook.idv.jumio.client import RATE_LIMITS
from webhook.runtime.deadline import time_limit


@pytest.fixture(params=["local", "shared", "shared, and away"])
def both(request: pytest.FixtureRequest) -> Iterator[Coordination]:
    if request.param == "local":
        yield Local(RATE_LIMITS)
        return
    server: Server = request.getfixturevalue("server" if request.param == "shared" else "make_server")
    if request.param != "shared":
        make: Callable[[], Server] = request.getfixturevalue("make_server")
        server = make()
        server.kill()
    with shared_at(server.url) as shared:
        yield shared


def test_one_at_work_on_an_identity(both: Coordination) -> None:
    with both.hold(IDENTITY), both.hold(OTHER_IDENTITY), time_limit(0.02), pytest.raises(Busy), both.hold(IDENTITY):
        raise AssertionError("two at once")
    with both.hold(IDENTITY):
        pass


def test_one_starts_and_others_are_told_at_once(both: Coordination) -> None:
    with both.starting(IDENTITY):
        with pytest.raises(Busy), both.starting(IDENTITY):
            raise AssertionError("two at once")
        with both.starting(OTHER_IDENTITY):
            pass
    with pytest.raises(KeyError), both.starting(IDENTITY):
        raise KeyError
    with both.starting(IDENTITY):
        pass


def test_of_many_at_the_same_moment_one_starts(both: Coordination) -> None:
    started: list[int] = []

    def start(number: int) -> None:
        try:
            with both.starting(IDENTITY):
                gevent.sleep(0.05)
                started.append(number)
        except Busy:
            pass

    gevent.joinall([gevent.spawn(start, number) for number in range(50)], raise_error=True)
    assert len(started) == 1


def test_what_was_paid_for_is_remembered_until_it_is_noted(both: Coordination) -> None:
    assert both.paid(IDENTITY) is None
    both.remember_paid(IDENTITY, '{"an": "é"}')
    assert both.paid(IDENTITY) == '{"an": "é"}'
    assert both.paid(OTHER_IDENTITY) is None
    both.remember_paid(IDENTITY, "a newer one")
    assert both.paid(IDENTITY) == "a newer one"
    both.forget_paid(IDENTITY)
    both.forget_paid(OTHER_IDENTITY)
    assert both.paid(IDENTITY) is None
    both.remember_paid(IDENTITY, "one more")
    assert both.paid(IDENTITY) == "one more"


def test_a_person_is_not_looked_at_twice_in_a_moment(both: Coordination) -> None:
    assert both.may_look(IDENTITY)
    assert not both.may_look(IDENTITY)
    assert both.may_look(OTHER_IDENTITY)


def test_calls_that_leave_some_to_others_stop_earlier(both: Coordination) -> None:
    assert [both.room("start", leaving=2) for _ in range(3)] == [0.0] * 3
    assert 4.0 < both.room("start", leaving=2) <= 5.1
    assert both.room("start", leaving=1, take=False) == 0.0
    assert both.room("start", leaving=1, take=False) == 0.0, "asking takes nothing"
    assert both.room("start", leaving=1) == 0.0
    assert both.room("start", leaving=1) > 4.0
    assert both.room("read", leaving=38) == 0.0


def test_the_living_are_never_held_back_and_always_counted(both: Coordination) -> None:
    for _ in range(12):
        both.count("start")
    assert 4.0 < both.room("start", leaving=0) <= 5.1


def test_a_window_passes(both: Coordination) -> None:
    for _ in range(10):
        both.count("token")
    wait = both.room("token", leaving=0)
    assert 0.5 < wait <= 1.02
    gevent.sleep(wait + 0.01)
    assert both.room("token", leaving=0) == 0.0
