# SPDX-License-Identifier: Apache-2.0
"""How long what is under way may still take. Nested limits only ever shorten it."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

import gevent

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


class DeadlineExceeded(Exception):
    """The time allowed for the current piece of work is used up."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Allow what runs inside at most `seconds`; an earlier end that is already set stays.

    It only says so: whatever waits asks `remaining`, or is `interrupted`.
    """
    ends_at = time.monotonic() + seconds
    outer = _ends_at.get()
    token = _ends_at.set(ends_at if outer is None else min(outer, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextlib.contextmanager
def time_of_its_own(seconds: float) -> Iterator[None]:
    """Allow what runs inside `seconds` even where no time is left: for what must be told or undone at the end."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining(at_most: float) -> float:
    """Seconds left, `at_most` of them.

    :raises DeadlineExceeded: nothing is left.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return at_most
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the time allowed is used up")
    return min(left, at_most)


def has_time_for(seconds: float) -> bool:
    """Whether more than so many seconds are left."""
    try:
        return remaining(at_most=seconds + 1) > seconds
    except DeadlineExceeded:
        return False


@contextlib.contextmanager
def interrupted(at_most: float) -> Iterator[None]:
    """Break off whatever waits inside when the time allowed, or `at_most` seconds, are over.

    Within, it is gevent's own Timeout that is raised, a BaseException: urllib3 takes a TimeoutError for the peer's and
    goes on. It is armed anew each time, around one call, so that no later call runs without one.

    :raises DeadlineExceeded: they are.
    """
    timer = gevent.Timeout.start_new(remaining(at_most))
    try:
        yield
    except gevent.Timeout as raised:
        if raised is not timer:
            raise
        raised.__traceback__ = None  # else it and the frames that it names would keep each other alive
        raise DeadlineExceeded("the time allowed is used up") from None
    finally:
        timer.close()
        del timer
