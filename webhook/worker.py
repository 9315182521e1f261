# SPDX-License-Identifier: Apache-2.0
"""gunicorn's threaded worker, hardened against slow clients.

gunicorn's own gives a connection a thread with its first byte and then waits for the rest without end; its
documentation asks for a buffering proxy in front. Here the worker's event loop collects a request, within bounds,
before a thread is spent on it, and whatever a thread still waits for has a time limit.
"""

import errno
import re
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# Within which a client must have sent its request, and taken its answer.
CLIENT_SECONDS = 10.0
# What the hooks send is below 4 KiB; only a larger request costs a thread while it is still arriving.
COLLECTED_BYTES = 64 * 1024

_HEAD_ENDS = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
# A client that expects "100 Continue" waits for a word of ours, and a chunked body has no length to wait for.
_NEEDS_A_THREAD = re.compile(rb"\r\n(expect|transfer-encoding):", re.IGNORECASE)


class _ClientSocket(socket.socket):
    """A connection that collects what arrives, and bounds the time of what a thread waits for."""

    _ends_at = 0.0
    _collected = b""

    def collect(self) -> bool:
        """Take in what has arrived; whether it is time to spend a thread on it."""
        try:
            arrived = super().recv(COLLECTED_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True  # the thread's own recv() meets the same error, and gunicorn knows what to do about it
        self._collected += arrived
        return not arrived or len(self._collected) >= COLLECTED_BYTES or _is_complete(self._collected)

    def setblocking(self, flag: bool) -> None:
        """gunicorn sets a connection to blocking when a thread begins to read a request."""
        self._ends_at = time.monotonic() + CLIENT_SECONDS
        self.settimeout(CLIENT_SECONDS if flag else 0.0)

    def recv(self, *args: Any) -> bytes:
        """What was collected, else what arrives in time."""
        if self._collected:
            collected, self._collected = self._collected, b""
            return collected
        if self.gettimeout():
            self.settimeout(max(0.001, self._ends_at - time.monotonic()))
        try:
            return super().recv(*args)
        except TimeoutError:
            # As if the client had gone: gunicorn then closes the connection without a word in the log.
            raise ConnectionResetError(errno.ECONNRESET, "the client is too slow") from None


class Worker(ThreadWorker):
    """`gthread`, with such connections."""

    def enqueue_req(self, conn: Any) -> None:
        """A new connection waits in the event loop first; any other has a request for a thread."""
        if isinstance(conn.sock, _ClientSocket):
            super().enqueue_req(conn)
            return
        conn.sock = _ClientSocket(fileno=conn.sock.detach())
        conn.sock.setblocking(False)
        self._await_request(conn, self.poller.register)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """More of a request has arrived; gunicorn closes the connection when its time is up."""
        if client.collect():
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """A further request begins to arrive on a connection that was kept alive."""
        if client.collect():
            super().on_client_socket_readable(conn, client)
            return
        self.keepalived_conns.remove(conn)
        self._await_request(conn, self.poller.modify)

    def _await_request(self, conn: Any, watch: Any) -> None:
        conn.timeout = time.monotonic() + CLIENT_SECONDS
        self.pending_conns.append(conn)
        watch(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))


def _is_complete(request: bytes) -> bool:
    head_ends = request.find(_HEAD_ENDS)
    if head_ends < 0:
        return False
    head = request[: head_ends + len(_HEAD_ENDS)]
    length = _CONTENT_LENGTH.search(head)
    arrived = len(request) - len(head)
    return _NEEDS_A_THREAD.search(head) is not None or length is None or arrived >= int(length[1])
