# SPDX-License-Identifier: Apache-2.0
"""What the requests of one process agree on, in its memory, which is bounded. There is no thread and no index.

Kratos' PATCH is a read-modify-write that nothing protects, and a workflow that is started twice is paid for twice.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from gevent.lock import Semaphore

from webhook.coordination.port import LOOK_EVERY_SECONDS, PAID_FOR_SECONDS, WINDOW_SLACK, Limits
from webhook.errors import Busy
from webhook.runtime.deadline import DeadlineExceeded, remaining

_LONGEST_WAIT = 60.0
# Persons, the oldest of whom is dropped: an outage must not fill memory.
PAID_AT_MOST = 1000
LOOKS_AT_MOST = 10_000


class IdentityLocks:
    """Locks by identity id, kept only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[Semaphore, int]] = {}

    @contextlib.contextmanager
    def hold(self, identity_id: str) -> Iterator[None]:
        """Be the only one at work on the identity.

        :raises Busy: somebody else was, for all the time allowed.
        """
        lock, users = self._locks.get(identity_id, (Semaphore(1), 0))
        self._locks[identity_id] = (lock, users + 1)
        try:
            try:
                acquired = lock.acquire(timeout=remaining(at_most=_LONGEST_WAIT))
            except DeadlineExceeded:
                acquired = False
            if not acquired:
                raise Busy("another change of this identity is under way")
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, users = self._locks.pop(identity_id)
            if users > 1:
                self._locks[identity_id] = (lock, users - 1)


class Local:
    """See `webhook.coordination.port.Coordination`, of which this is all that one process needs."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds, from whenever."""
        self._limits = limits
        self._clock = clock
        self._locks = IdentityLocks()
        self._starting: set[str] = set()
        # Each in the order in which it was written: a person's time of expiry, and what is remembered until then.
        self._paid: dict[str, tuple[float, str]] = {}
        self._looked: dict[str, float] = {}
        # No more than the limit: when the last of so many began is all that the window asks.
        self._begun: dict[str, deque[float]] = {name: deque(maxlen=calls) for name, (calls, _) in limits.items()}

    def hold(self, identity_id: str) -> AbstractContextManager[None]:
        return self._locks.hold(identity_id)

    @contextlib.contextmanager
    def starting(self, identity_id: str) -> Iterator[None]:
        if identity_id in self._starting:
            raise Busy("a workflow is being started for this identity")
        self._starting.add(identity_id)
        try:
            yield
        finally:
            self._starting.discard(identity_id)

    def paid(self, identity_id: str) -> str | None:
        expires_at, document = self._paid.get(identity_id, (0.0, ""))
        if expires_at > self._clock():
            return document
        self._paid.pop(identity_id, None)
        return None

    def remember_paid(self, identity_id: str, document: str) -> None:
        self._paid.pop(identity_id, None)
        if len(self._paid) >= PAID_AT_MOST:
            del self._paid[next(iter(self._paid))]
        self._paid[identity_id] = (self._clock() + PAID_FOR_SECONDS, document)

    def forget_paid(self, identity_id: str) -> None:
        self._paid.pop(identity_id, None)

    def claim_document(self, document: str, identity_id: str) -> str | None:
        return None

    def may_look(self, identity_id: str) -> bool:
        now = self._clock()
        if self._looked.get(identity_id, now) > now:
            return False
        self._looked.pop(identity_id, None)
        while self._looked:
            oldest = next(iter(self._looked))
            if self._looked[oldest] > now and len(self._looked) < LOOKS_AT_MOST:
                break
            del self._looked[oldest]
        self._looked[identity_id] = now + LOOK_EVERY_SECONDS
        return True

    def count(self, operation: str) -> None:
        self._begun[operation].append(self._clock())

    def room(self, operation: str, *, leaving: int, take: bool = True) -> float:
        calls, seconds = self._limits[operation]
        begun, allowed, now = self._begun[operation], calls - leaving, self._clock()
        if len(begun) >= allowed and (wait := begun[-allowed] + seconds * WINDOW_SLACK - now) > 0:
            return wait
        if take:
            begun.append(now)
        return 0.0

    def schedule(self, identity_id: str, due: float) -> None:
        """Nothing: there is no index."""

    def unschedule(self, identity_id: str) -> None:
        """Nothing: there is no index."""

    def take_due(self, at_most: int, *, lease: float) -> list[str] | None:
        return None

    def next_due(self) -> float | None:
        return None

    def mark_complete(self, seconds: float) -> None:
        """Nothing: there is no index."""
