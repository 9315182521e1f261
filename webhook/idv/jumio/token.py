# SPDX-License-Identifier: Apache-2.0
"""The OAuth2 access token that all requests of a process share."""

import threading
import time
from collections.abc import Callable
from typing import cast

from webhook.errors import VendorUnavailable
from webhook.runtime.deadline import DeadlineExceeded, has_time_for, remaining
from webhook.runtime.turns import take_turn

RENEW_BEFORE_SECONDS = 60.0
# Whoever has waited in vain for somebody else's asks for one only with so much time left: not all of them in turn.
FETCH_NEEDS_SECONDS = 0.5
# Jumio caches tokens too and may hand out one that is about to end: then do not ask again at every call.
SHORTEST_USE_SECONDS = 5.0


class SharedToken:
    """Fetches a token when there is none, before it ends, and after it was refused; once for all who wait."""

    def __init__(self, fetch: Callable[[], tuple[str, float]], *, clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0

    def get(self, *, refused: str | None = None) -> str:
        """A token that is not `refused`, the one Jumio has just answered 401 to.

        While somebody renews one that has not ended, the others go on with it.

        :raises VendorError: Jumio gives none.
        """
        if self._is_usable(refused, until=self._ends_at) and (self._clock() < self._renew_at or self._lock.locked()):
            return cast("str", self._token)
        waits = self._lock.locked()
        try:
            return self._awaited(refused, has_waited=waits)
        finally:
            if waits:  # all who waited go on, or give up, together
                take_turn()

    def _awaited(self, refused: str | None, *, has_waited: bool) -> str:
        try:
            acquired = self._lock.acquire(timeout=remaining(at_most=60.0))
        except DeadlineExceeded:
            acquired = False
        if not acquired:
            raise VendorUnavailable("Jumio gave no access token in time")
        try:
            if self._token == refused:
                self._token = None
            if not self._is_usable(refused, until=self._renew_at):
                if has_waited and not has_time_for(FETCH_NEEDS_SECONDS):
                    raise VendorUnavailable("Jumio gave no access token in time")
                self._token, self._ends_at = self._fetch()
                self._renew_at = max(self._ends_at - RENEW_BEFORE_SECONDS, self._clock() + SHORTEST_USE_SECONDS)
            return cast("str", self._token)
        finally:
            self._lock.release()

    def _is_usable(self, refused: str | None, *, until: float) -> bool:
        return self._token is not None and self._token != refused and self._clock() < until
