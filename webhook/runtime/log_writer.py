# SPDX-License-Identifier: Apache-2.0
"""Writes log lines without ever keeping anybody waiting: a thread of its own, and a backlog with an end.

A pipe that nobody reads blocks whoever writes to it, and with cooperative workers that is everybody. No flag on the
descriptor helps: it is shared with whoever else has it open. So a real thread writes, and what it does not get rid of
is lost, counted, and told of once lines pass again.
"""

import contextlib
import os
import time
from collections import deque

from gevent import monkey

from webhook.limits import LOG_BACKLOG_BYTES

_STANDARD_ERROR = 2
# Lines are written together, so that a busy process does not change threads for each.
_GATHER_SECONDS = 0.01
_AT_ONCE_BYTES = 64 << 10

# The blocking originals, whether or not gevent has patched these modules by now.
_start_thread = monkey.get_original("_thread", "start_new_thread")
_new_lock = monkey.get_original("_thread", "allocate_lock")
_sleep = monkey.get_original("time", "sleep")


class LogWriter:
    """Lines for one file descriptor."""

    def __init__(self, descriptor: int = _STANDARD_ERROR, *, backlog: int = LOG_BACKLOG_BYTES) -> None:
        self._descriptor = descriptor
        self._backlog = backlog
        self._begin()
        # A thread does not live on in a forked process; what the parent has not written yet, it writes itself.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lines: deque[bytes] = deque()
        # Of the first three only the caller's thread changes any, of the others only the writing one.
        self._taken = self._dropped = self._told = 0
        self._done = self._failed = 0
        self._is_running = False
        self._is_awake = False
        self._wake = _new_lock()
        self._wake.acquire()

    @property
    def lost(self) -> int:
        """How many lines were not written."""
        return self._dropped + self._failed

    def take_lost(self) -> int:
        """How many were lost since this was asked last; none as long as lines wait, since more may get lost."""
        if self.waiting:
            return 0
        untold = self.lost - self._told
        self._told += untold
        return untold

    @property
    def waiting(self) -> int:
        """How many bytes are still to be written."""
        return self._taken - self._done

    def write(self, line: bytes) -> None:
        """Have the line written soon. It is lost where too much is waiting already."""
        if self.waiting + len(line) > self._backlog:
            self._dropped += 1
            return
        self._taken += len(line)
        self._lines.append(line)
        if not self._is_running:
            self._is_running = True
            _start_thread(self._work, ())
        if not self._is_awake:
            self._is_awake = True
            self._wake.release()

    def flush(self, seconds: float) -> None:
        """Wait until all is written, but no longer than this: for a process that ends."""
        ends_at = time.monotonic() + seconds
        while self.waiting and time.monotonic() < ends_at:
            time.sleep(_GATHER_SECONDS)

    # The rest runs in the native thread, where coverage does not look under gevent; tests/runtime/test_log_writer.py.

    def _work(self) -> None:  # pragma: no cover
        while True:
            self._wake.acquire()
            _sleep(_GATHER_SECONDS)
            self._is_awake = False
            while self._lines:
                self._write(self._gathered())

    def _gathered(self) -> bytes:  # pragma: no cover
        lines = [self._lines.popleft()]
        size = len(lines[0])
        while self._lines and size + len(self._lines[0]) <= _AT_ONCE_BYTES:
            lines.append(self._lines.popleft())
            size += len(lines[-1])
        return b"".join(lines)

    def _write(self, block: bytes) -> None:  # pragma: no cover
        rest = block
        with contextlib.suppress(OSError):  # the disk is full, the reader is gone
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self._failed += rest.count(b"\n")
        self._done += len(block)
