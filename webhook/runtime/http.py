# SPDX-License-Identifier: Apache-2.0
"""Outbound HTTP with bounds: connect, read and total time, size, no redirects, no hidden retries. Knows no peer.

A plain read timeout starts anew with every byte that arrives, so a peer that trickles could hold a thread for
ever. Here every read of a socket gets what is left of the current `deadline.time_limit` instead.
"""

import http.client
import io
import socket
from typing import Any, Protocol, cast

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from webhook.runtime.deadline import remaining, time_limit

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
MAX_ANSWER_BYTES = 1 << 20
POOL_SIZE = 16  # above the 8 threads of a worker, so that no connection is thrown away


class TooLarge(Exception):
    """The answer's body is longer than the limit."""


class _Reader(io.RawIOBase):
    """A socket's raw stream, every read of which ends with the current time limit."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(remaining(READ_SECONDS))
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))


class _Bounded:
    """What both kinds of connection share."""

    def _new_conn(self) -> socket.socket:
        """One connect budget for all of a host's addresses; urllib3's own is per address, and clouds publish eight."""
        connection = cast("HTTPConnection", self)
        problem: OSError = OSError("the name has no address")
        with time_limit(CONNECT_SECONDS):
            try:
                addresses = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:  # the latter for what cannot be a host's name
                raise NewConnectionError(connection, str(error)) from error
            for family, kind, protocol, _, address in addresses:
                sock = socket.socket(family, kind, protocol)
                try:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.settimeout(remaining(CONNECT_SECONDS))
                    sock.connect(address)
                    return sock
                except OSError as error:
                    sock.close()
                    problem = error
        raise NewConnectionError(connection, str(problem)) from problem


class _Connection(_Bounded, HTTPConnection):
    response_class = _BoundedResponse


class _TLSConnection(_Bounded, HTTPSConnection):
    response_class = _BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Connection)


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _TLSConnection)


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}


class BoundedPoolManager(urllib3.PoolManager):
    """urllib3's pools with our bounds; follows no redirect and retries nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maxsize=POOL_SIZE, retries=False, **kwargs)
        self.pool_classes_by_scheme = dict(_POOLS)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # as urllib3 does
        # (urllib3's own signature differs from its base class in the same way)
        kw["retries"] = False
        return super().urlopen(method, url, redirect=False, **kw)


class BoundedAdapter(HTTPAdapter):
    """The same bounds for `requests`, also through the proxy that HTTPS_PROXY may name."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = BoundedPoolManager()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager


def timeouts() -> tuple[float, float]:
    """(connect, read) seconds for a call that starts now.

    :raises DeadlineExceeded: nothing is left.
    """
    return remaining(CONNECT_SECONDS), remaining(READ_SECONDS)


class _Stream(Protocol):
    def read(self, amt: int, decode_content: bool) -> bytes: ...


def read_bounded(stream: _Stream, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The whole body, decoded.

    :raises TooLarge: it is longer than `limit` bytes.
    """
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(64 * 1024, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise TooLarge
        parts.append(chunk)
    return b"".join(parts)
