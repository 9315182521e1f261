# SPDX-License-Identifier: Apache-2.0
"""One writer per identity within a process: Kratos' PATCH is an unprotected read-modify-write."""

import contextlib
import threading
from collections.abc import Iterator

from webhook.errors import KratosUnavailable
from webhook.runtime.deadline import DeadlineExceeded, remaining


class IdentityLocks:
    """Locks by identity id, kept only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def hold(self, identity_id: str) -> Iterator[None]:
        """Be the only one at work on the identity.

        :raises KratosUnavailable: somebody else was, for all the time allowed.
        """
        with self._guard:
            lock, users = self._locks.get(identity_id, (threading.Lock(), 0))
            self._locks[identity_id] = (lock, users + 1)
        try:
            try:
                acquired = lock.acquire(timeout=remaining(at_most=60.0))
            except DeadlineExceeded:
                acquired = False
            if not acquired:
                raise KratosUnavailable("another change of this identity is under way")
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, users = self._locks[identity_id]
                if users == 1:
                    del self._locks[identity_id]
                else:
                    self._locks[identity_id] = (lock, users - 1)
