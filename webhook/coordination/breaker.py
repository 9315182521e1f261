# SPDX-License-Identifier: Apache-2.0
"""A breaker: after a failure nobody is let through for a while, then one who tries."""

import time
from collections.abc import Callable

LEFT_ALONE_SECONDS = 5.0


class Breaker:
    """Keeps something dead from costing everybody the time that it takes to find out."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._try_at: float | None = None

    def lets_through(self) -> bool:
        """Whether to try. Whoever is the one who tries, after a failure, tells how it went."""
        if self._try_at is None:
            return True
        if self._clock() < self._try_at:
            return False
        self._try_at = self._clock() + LEFT_ALONE_SECONDS  # for the others, until it is known how that went
        return True

    def failed(self) -> None:
        """It did not work: leave it alone for a while."""
        self._try_at = self._clock() + LEFT_ALONE_SECONDS

    def worked(self) -> None:
        """It works: let everybody through."""
        self._try_at = None
