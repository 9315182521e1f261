# SPDX-License-Identifier: Apache-2.0
"""The OAuth2 access token that all threads of a process share."""

import threading
import time
from collections.abc import Callable

from webhook.errors import JumioUnavailable
from webhook.runtime.deadline import DeadlineExceeded, remaining

RENEW_BEFORE_SECONDS = 60.0
# Jumio caches tokens too and may hand out one that is about to end: then do not ask again at every call.
SHORTEST_USE_SECONDS = 5.0


class SharedToken:
    """Fetches a token when there is none, before it ends, and after it was refused; once for all waiting threads."""

    def __init__(self, fetch: Callable[[], tuple[str, float]], *, clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    def get(self, *, refused: str | None = None) -> str:
        """A token that is not `refused`, the one Jumio has just answered 401 to.

        :raises JumioError: Jumio gives none.
        """
        try:
            acquired = self._lock.acquire(timeout=remaining(at_most=60.0))
        except DeadlineExceeded:
            acquired = False
        if not acquired:
            raise JumioUnavailable("Jumio gave no access token in time")
        try:
            if self._token is None or self._token == refused or self._clock() >= self._renew_at:
                self._token = None
                token, ends_at = self._fetch()
                self._renew_at = max(ends_at - RENEW_BEFORE_SECONDS, self._clock() + SHORTEST_USE_SECONDS)
                self._token = token
            return self._token
        finally:
            self._lock.release()
