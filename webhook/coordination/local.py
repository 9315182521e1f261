# SPDX-License-Identifier: Apache-2.0
"""What the requests of one process agree on: one at a time for each identity.

Kratos' PATCH is a read-modify-write that nothing protects, and a workflow that is started twice is paid for twice.
"""

import contextlib
from collections.abc import Iterator

from gevent.lock import Semaphore

from webhook.errors import Busy
from webhook.runtime.deadline import DeadlineExceeded, remaining

_LONGEST_WAIT = 60.0


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
