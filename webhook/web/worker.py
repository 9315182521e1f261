# SPDX-License-Identifier: Apache-2.0
"""gunicorn's threaded worker, hardened against slow clients: no thread ever waits for one.

gunicorn's own gives a connection a thread with its first byte and then waits for the rest without end; its
documentation asks for a buffering proxy in front. Here the worker's event loop collects each request whole, within
bounds, before a thread is spent on it.
"""

import contextlib
import re
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# Within which a client must have sent its request, and taken its answer.
CLIENT_SECONDS = 10.0
# What the application takes (1 MiB) and its head; a longer request is handed on as it is, to be refused.
LONGEST_REQUEST = (1 << 20) + (64 << 10)
# What the hooks send is below 4 KiB. Longer requests that are still arriving share this much memory.
SHORT_REQUEST = 64 << 10
LONG_REQUESTS_BUDGET = 16 << 20
# So many below gunicorn's `worker_connections`, where it stops to accept, each new connection costs an idle one.
SPARE_CONNECTIONS = 50

_HEAD_ENDS = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_ANY_LENGTH = re.compile(rb"\r\ncontent-length", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class _ClientSocket(socket.socket):
    """A connection of which a thread only ever reads what has been collected."""

    collected = b""
    _handed_over = False
    _continued = False
    _ended = False

    def collect(self) -> bool:
        """Take in what has arrived; whether a thread can go on with it."""
        if self._handed_over:
            self._handed_over = self._continued = False
        if self._ended:
            return True
        try:
            arrived = super().recv(SHORT_REQUEST)
        except BlockingIOError:
            return False
        except OSError:
            arrived = b""
        self.collected += arrived
        return not arrived or self._is_whole()

    def _is_whole(self) -> bool:
        head_ends = self.collected.find(_HEAD_ENDS)
        if head_ends < 0:
            return len(self.collected) >= SHORT_REQUEST and self.end()
        head = self.collected[: head_ends + len(_HEAD_ENDS)]
        if _CHUNKED.search(head):
            body = b"\r\n" + self.collected[len(head) :]
            whole = b"\r\n0\r\n" in body and body.endswith(_HEAD_ENDS)
        else:
            announced = _CONTENT_LENGTH.search(head)
            size = len(head) + (int(announced[1]) if announced else 0)
            if size > LONGEST_REQUEST or (announced is None and _ANY_LENGTH.search(head)):
                return self.end()
            whole = len(self.collected) >= size
            if len(self.collected) > size:
                # Nobody here pipelines; whoever does finds the connection closed after its first answer, and tries
                # again.
                self.collected = self.collected[:size]
                self.end()
        if not whole and not self._continued and _EXPECTS.search(head):
            self._continued = True
            with contextlib.suppress(OSError):
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return whole or (len(self.collected) >= LONGEST_REQUEST and self.end())

    def end(self) -> bool:
        """Read no more: a thread goes on with what is there, and the connection ends with its answer.

        Else the rest of a request that was cut off would be taken for a request of its own. To shut the connection
        down for reading is not enough: Linux takes what arrives all the same. It wakes the event loop, though.
        """
        self._ended = True
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RD)
        return True

    def setblocking(self, flag: bool) -> None:
        """gunicorn sets a connection to blocking when a thread begins with it: it then only waits to be answered."""
        self.settimeout(CLIENT_SECONDS if flag else 0.0)

    def recv(self, *args: Any) -> bytes:
        """What was collected, then the end."""
        self._handed_over = True
        collected, self.collected = self.collected, b""
        return collected


class Worker(ThreadWorker):
    """`gthread`, with such connections."""

    def enqueue_req(self, conn: Any) -> None:
        """A new connection waits in the event loop first; any other has a request for a thread."""
        if isinstance(conn.sock, _ClientSocket):
            super().enqueue_req(conn)
            return
        conn.sock = _ClientSocket(fileno=conn.sock.detach())
        conn.sock.setblocking(False)
        conn.close = partial(_close, conn)
        if self.nr_conns >= self.worker_connections - SPARE_CONNECTIONS:
            self._evict()
        self._await_request(conn, self.poller.register)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """More of a request has arrived; gunicorn closes the connection when its time is up."""
        if client.collect() or (self._is_over_budget(client) and client.end()):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """A further request begins to arrive on a connection that was kept alive."""
        if client.collect():
            super().on_client_socket_readable(conn, client)
            return
        self.keepalived_conns.remove(conn)
        self._await_request(conn, self.poller.modify)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: what has been half sent is not waited for any longer than an idle connection."""
        super()._cap_keepalive(deadline)  # type: ignore[misc]  # missing in the types
        for conn in self.pending_conns:
            conn.timeout = deadline

    def _await_request(self, conn: Any, watch: Any) -> None:
        conn.timeout = time.monotonic() + CLIENT_SECONDS
        self.pending_conns.append(conn)
        watch(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _evict(self) -> None:
        """Close whoever has been idle for longest: connections that nobody uses must not keep new ones out."""
        for idle in (self.keepalived_conns, self.pending_conns):
            if idle:
                conn = idle.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
                return

    def _is_over_budget(self, client: _ClientSocket) -> bool:
        """Whether this long request is one too many: a thread then finds it cut off, and refuses it."""
        if len(client.collected) <= SHORT_REQUEST:
            return False
        arriving: list[Any] = [conn.sock for conn in self.pending_conns]
        return sum(len(sock.collected) for sock in arriving) > LONG_REQUESTS_BUDGET


def _close(conn: Any, graceful: bool = False) -> None:
    """Close at once. gunicorn's own waits, on the event loop, until the client hangs up."""
    with contextlib.suppress(OSError):
        if graceful:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.settimeout(0)
            # What has already arrived is taken, lest the kernel answers it by a reset that cuts our answer short.
            while socket.socket.recv(conn.sock, SHORT_REQUEST):
                pass
    conn.sock.close()
