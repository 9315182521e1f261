# SPDX-License-Identifier: Apache-2.0
"""Staying below a peer's rate limits: never more than so many calls in any window of so many seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable


class Pace:
    """Lets a call begin only when the window has room. A call counts from when it was let through."""

    def __init__(
        self,
        limits: dict[str, tuple[int, float]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._begun: dict[str, deque[float]] = {name: deque(maxlen=calls) for name, (calls, _) in limits.items()}

    def wait(self, operation: str) -> None:
        """Return once a call of this operation may begin."""
        with self._lock:
            self._await_room(operation)
            self._begun[operation].append(self._clock())

    def wait_for_room(self, operation: str) -> None:
        """Return once a call could begin, without beginning one."""
        with self._lock:
            self._await_room(operation)

    def _await_room(self, operation: str) -> None:
        calls, seconds = self._limits[operation]
        begun = self._begun[operation]
        if len(begun) == calls:
            # Jumio counts arrivals, and two calls may travel at different speed: hence a little more.
            while (wait := begun[0] + seconds * 1.02 - self._clock()) > 0:
                self._sleep(wait)
