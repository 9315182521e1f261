# SPDX-License-Identifier: Apache-2.0
"""Staying below a peer's rate limits: a command's call waits for room in the window, and leaves some to requests."""

import threading
import time
from collections.abc import Callable, Mapping

from webhook.coordination.port import Coordination
from webhook.errors import NotStarted
from webhook.runtime.deadline import DeadlineExceeded, remaining

# Of the calls in a window (`RATE_LIMITS` of the Jumio client), so many are left to hooks, callbacks and pages.
LEFT_TO_REQUESTS = {"start": 2, "read": 38, "token": 5}
# Those who are served first may take everything for a while, and it is not known for how long.
PATIENCE_SECONDS = 60.0
# A stop is noticed, and another process's wish for the same room is allowed for, at least so often.
_LONGEST_NAP_SECONDS = 0.5


class Pace:
    """Lets a call begin only when the window has room. A call counts from when it was let through."""

    def __init__(
        self,
        coordination: Coordination,
        *,
        leaving: Mapping[str, int] = LEFT_TO_REQUESTS,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._coordination = coordination
        self._leaving = leaving
        self._stop = stop or threading.Event()
        self._clock = clock
        self._sleep = sleep

    def wait(self, operation: str) -> None:
        """Return once a call of this operation may begin, which it then does.

        :raises NotStarted: it was stopped, or there was no room for all patience or within the time allowed.
        """
        if not self._await_room(operation, take=True):
            raise NotStarted("Jumio was not asked: its rate limit left no room in time")

    def wait_for_room(self, operation: str) -> None:
        """Return once a call could begin, without beginning one; or when stopped, or out of patience."""
        self._await_room(operation, take=False)

    def _await_room(self, operation: str, *, take: bool) -> bool:
        ends_at = self._clock() + PATIENCE_SECONDS
        leaving = self._leaving[operation]
        while wait := self._coordination.room(operation, leaving=leaving, take=take):
            try:
                nap = remaining(at_most=min(wait, _LONGEST_NAP_SECONDS))
            except DeadlineExceeded:
                return False
            if self._stop.is_set() or self._clock() >= ends_at:
                return False
            self._sleep(nap)
        return True
