# SPDX-License-Identifier: Apache-2.0
"""A threaded HTTP/1.1 keep-alive server for one WSGI app on loopback, which records and can misbehave below HTTP."""

from __future__ import annotations

import atexit
import contextlib
import re
import socket
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sandbox.faults import Fault
from sandbox.wire import Listener, Reply, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class LoopbackServer:
    """Serves `app` (which may be set later) from `with` on until the block ends.

    `faults` is asked about every request before the app is; None lets the request pass.
    """

    def __init__(self, app: WSGIApplication | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self.faults: Callable[[Request], Fault | None] | None = None
        self.closing = threading.Event()
        self._address = (host, port)
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._replies: list[Reply] = []
        self._connections = 0
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = Listener(self._address, self)
        self._thread = threading.Thread(target=self._serve, args=(self._server,), daemon=True)
        self._thread.start()
        return self

    def _serve(self, server: Listener) -> None:
        while not self.closing.is_set():
            server.handle_request()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server
        assert self._thread
        with self._changed:
            self.closing.set()
            self._changed.notify_all()
        with contextlib.suppress(OSError):  # wakes the thread, which waits for a connection
            host = self._address[0].replace("0.0.0.0", "127.0.0.1")
            socket.create_connection((host, self.port), timeout=1).close()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()

    @property
    def port(self) -> int:
        assert self._server, "not started"
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://{self._address[0]}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        with self._changed:
            return list(self._requests)

    @property
    def replies(self) -> list[Reply]:
        with self._changed:
            return list(self._replies)

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._connections

    def count(self, method: str, path_regex: str) -> int:
        """Requests of this method whose whole path matches."""
        return sum(r.method == method and bool(re.fullmatch(path_regex, r.path)) for r in self.requests)

    def clear(self) -> None:
        with self._changed:
            self._requests.clear()
            self._replies.clear()
            self._connections = 0

    def wait(self, condition: Callable[[LoopbackServer], bool], timeout: float = 15) -> bool:
        """Until `condition(self)` holds; asked again at every request and reply. False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def note(self, item: Request | Reply | None) -> None:
        """For the connection handler: None is a new connection."""
        with self._changed:
            if isinstance(item, Request):
                self._requests.append(item)
            elif isinstance(item, Reply):
                self._replies.append(item)
            else:
                self._connections += 1
            self._changed.notify_all()


# The ports that were given out last. Bound and not listened on, with SO_REUSEADDR: whoever asks for any port gets
# another one, and the program that is told this one can still listen on it.
_reserved: deque[socket.socket] = deque()
_RESERVED_AT_MOST = 200


@atexit.register
def _give_up_all() -> None:
    while _reserved:
        _reserved.popleft().close()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on, and that nobody else is given meanwhile; for programs that cannot pick one."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((host, 0))
    _reserved.append(reserved)
    if len(_reserved) > _RESERVED_AT_MOST:
        _reserved.popleft().close()
    return int(reserved.getsockname()[1])
