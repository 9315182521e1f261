# SPDX-License-Identifier: Apache-2.0
"""gunicorn's gevent worker, with an end to everything that a client may leave half done.

docs/decisions/0005 says why it is this one, and what each of these few lines is for.
"""

import contextlib
import errno
import gc
import math
import time
from functools import partial
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from webhook.limits import CLIENT_SECONDS, MAX_CONNECTIONS, MAX_REQUEST_BYTES, SHORT_BODY_BYTES, SPARE_CONNECTIONS
from webhook.runtime import log

# How often the arbiter is told that the worker lives, and how often a worker that stops looks who is left.
_NOTIFY_SECONDS, _DRAIN_SECONDS = 1.0, 0.05
# A full collection of garbage stops everybody, for 20 ms and more beside hundreds of requests. So it is made when
# nobody is served, at most once in the first of these, or else once in the second.
_NEVER_BY_ITSELF = 1_000_000
_QUIET_SECONDS, _BUSY_SECONDS = 10.0, 600.0
# For so long a worker that stops waits for the rest of a request that is arriving.
_REST_SECONDS = 1.0
# What nobody wants to read goes here, and after each time there is a pause: it may come as fast as it can be sent.
_WASTE = bytearray(64 << 10)
_PAUSE_SECONDS = 0.001


class Client(socket.socket):  # type: ignore[misc]  # gevent has no types
    """A connection. What of a request has not arrived in time never will: that is read as its end, as a break is.

    Without a request it is idle, and may be closed at any moment. It is reading while it waits for a byte.
    """

    is_idle = True
    is_reading = False
    _is_over = False
    _ends_at: float
    _received: int = 0
    _idle_seconds = CLIENT_SECONDS

    @classmethod
    def of(cls, accepted: socket.socket) -> "Client":
        """The connection that was accepted."""
        return cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())

    def rest(self, *, seconds: float, begun: bool) -> None:
        """Wait for the next request for so long; `begun` where some of it has arrived together with the last one."""
        self.is_idle = not begun
        self._idle_seconds = seconds
        self._begin()

    def _begin(self) -> None:
        self._ends_at = time.monotonic() + CLIENT_SECONDS
        self._received = 0

    def recv(self, *args: Any) -> bytes:
        data: bytes = b""
        if self._is_over:
            return data
        gevent.sleep(0)  # what has arrived is read without waiting, and could keep everybody else waiting
        left = self._idle_seconds if self.is_idle else self._ends_at - time.monotonic()
        if left > 0 and self._received <= MAX_REQUEST_BYTES:
            self.is_reading = True
            with contextlib.suppress(OSError), gevent.Timeout(left, False):
                data = super().recv(*args)
            self.is_reading = False
        self._is_over = not data
        if self.is_idle:
            self.is_idle = False
            self._begin()
        self._received += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        with gevent.Timeout(CLIENT_SECONDS, BrokenPipeError(errno.EPIPE, "the answer was not taken")):
            super().sendall(data, flags)

    def take_no_more(self) -> None:
        """Send nothing more, and throw away what still arrives in the request's time.

        Closed with something unread, a connection is reset, and the answer may be lost with it.
        """
        left = 0.0 if self._is_over else self._ends_at - time.monotonic()
        self.is_reading = True
        with contextlib.suppress(OSError), gevent.Timeout(max(left, 0.0), False):
            self.shutdown(socket.SHUT_WR)
            while self.recv_into(_WASTE):
                gevent.sleep(_PAUSE_SECONDS)
        self.is_reading = False

    def hang_up(self) -> None:
        """Wake whoever reads from it."""
        with contextlib.suppress(OSError):  # it has gone already
            self.shutdown(socket.SHUT_RDWR)


class Worker(GeventWorker):
    """`gevent`, with such connections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: dict[Client, None] = {}  # in the order in which they came to rest
        self._stopping = Event()
        # When the last full collection was, and after how many requests.
        self._collected_at, self._collected_after = time.monotonic(), 0

    def patch(self) -> None:
        """The sockets alone: everything else has been, before it was imported (`webhook.__main__`)."""
        self.sockets = [
            socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach()) for each in self.sockets
        ]

    def run(self) -> None:
        """Serve until told to stop; then what has arrived is answered, and nobody else is waited for."""
        servers = [self._server(listener) for listener in self.sockets]
        gc.set_threshold(*gc.get_threshold()[:2], _NEVER_BY_ITSELF)
        while self.alive:
            self.notify()
            self._collect_garbage()
            self._stopping.wait(_NOTIFY_SECONDS)
        for server in servers:
            server.close()
        begun = time.monotonic()
        while any(len(server.pool) for server in servers) and self._has_time_since(begun):
            is_over = time.monotonic() - begun > _REST_SECONDS
            for client in [client for client in self._clients if client.is_idle or (is_over and client.is_reading)]:
                client.hang_up()
            self.notify()
            gevent.sleep(_DRAIN_SECONDS)

    def _collect_garbage(self) -> None:
        if self.nr == self._collected_after:
            return
        is_quiet = all(client.is_idle for client in self._clients)
        if time.monotonic() - self._collected_at > (_QUIET_SECONDS if is_quiet else _BUSY_SECONDS):
            gc.collect()
            self._collected_at, self._collected_after = time.monotonic(), self.nr

    def _has_time_since(self, begun: float) -> bool:
        return time.monotonic() - begun < float(self.cfg.graceful_timeout)

    def _server(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        server = StreamServer(listener, handle=partial(self.handle, listener), spawn=Pool(MAX_CONNECTIONS))
        # A few at a time, so that a burst of connections does not keep those waiting that are there.
        server.max_accept = 1 if self.cfg.workers > 1 else 10
        server.start()
        return server

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """SIGTERM."""
        super().handle_exit(sig, frame)
        self._stopping.set()

    def timeout_ctx(self) -> Any:
        """No limit of gunicorn's own: each reading has one."""
        return gevent.Timeout(None, False)

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serve one connection."""
        own = Client.of(client)
        if len(self._clients) >= MAX_CONNECTIONS - SPARE_CONNECTIONS:
            self._evict()
        self._clients[own] = None
        try:
            super().handle(listener, own, addr)
        finally:
            self._clients.pop(own, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request. Whoever sends many at once gives way to the others between two of them."""
        gevent.sleep(0)
        log.begin()  # nothing that is logged from here on belongs to the request before it
        body = req.body.reader
        req.should_close = partial(_is_last, req.should_close(), body)  # what the answer says of the connection
        try:
            super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            if _unread_of(body):
                sock.take_no_more()
            raise
        self._clients.pop(sock, None)
        self._clients[sock] = None
        sock.rest(seconds=self.cfg.keepalive, begun=bool(req.unreader.buf.getvalue()))
        return True

    def _evict(self) -> None:
        """Hang up on whoever has been idle, or else half done, for longest: they must not keep new ones out."""
        idle = (client for client in self._clients if client.is_idle)
        reading = (client for client in self._clients if client.is_reading)
        client = next(idle, None) or next(reading, None)
        if client is not None:
            client.hang_up()


def _is_last(is_asked_for: bool, body: Any) -> bool:
    """Whether the connection ends with the answer. Else gunicorn reads the rest of a body: that must not be long."""
    return is_asked_for or _unread_of(body) > SHORT_BODY_BYTES


def _unread_of(body: Any) -> float:
    """How much of a body has not been read; of one in chunks nobody knows."""
    return math.inf if getattr(body, "parser", None) is not None else getattr(body, "length", 0)
