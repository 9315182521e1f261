# SPDX-License-Identifier: Apache-2.0
"""Outbound HTTP with bounds: calls in flight, total time, size; no redirects, no hidden retries. Knows no peer."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import requests
import urllib3
from gevent.lock import Semaphore
from gevent.socket import wait_read
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context

from webhook.limits import CONNECT_SECONDS, MAX_ANSWER_BYTES, PLACE_SECONDS
from webhook.runtime.connecting import Address, connected_to_first
from webhook.runtime.deadline import DeadlineExceeded, interrupted, remaining
from webhook.runtime.log import OutboundCall, outbound_call
from webhook.runtime.turns import take_turn

# Above what any limit leaves: the deadline ends a call, not urllib3.
_READ_SECONDS = 60.0
TIMEOUTS = (CONNECT_SECONDS, _READ_SECONDS)
# As many idle connections to a peer stay open for the next call; those of a burst beyond them are closed.
KEPT_CONNECTIONS = 10
_before_sending: ContextVar[Callable[[], None]] = ContextVar("before_sending")


class Crowded(Exception):
    """So many calls to the peer were in flight that this one found no place."""


class Unreachable(Exception):
    """The connection could not be made, or broke. The text is only the kind of what went wrong."""


class TooLarge(Exception):
    """The answer's body is longer than is read. `link` is its `Link` header."""

    def __init__(self, link: str | None) -> None:
        super().__init__()
        self.link = link


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A peer's answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Response(Protocol):
    """As urllib3's HTTPResponse, before its body is read."""

    status: int
    headers: Any

    def read(self, amt: int, decode_content: bool) -> bytes: ...
    def close(self) -> None: ...
    def release_conn(self) -> None: ...


class Outbound:
    """All calls to one peer from this process."""

    def __init__(self, peer: str, *, at_most: int) -> None:
        self._peer = peer
        self._places = Semaphore(at_most)

    def exchange(
        self,
        operation: str,
        send: Callable[[], _Response],
        *,
        at_most: float,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Answer:
        """One call: wait for a place, send, read the answer whole; logged with how long it took.

        Waiting for a place, name resolution, connecting and a body that trickles all count for the time allowed.
        `before_sending` is called when the connection is there and nothing has been sent; what it raises is raised.

        :raises Crowded: there was no place.
        :raises Unreachable: there was no connection, or it broke.
        :raises DeadlineExceeded: the time allowed, or `at_most` seconds, were over.
        :raises TooLarge: the answer is longer than `MAX_ANSWER_BYTES`.
        """
        with outbound_call(self._peer, operation) as call:
            take_turn()
            token = _before_sending.set(before_sending)
            try:
                with self._place(), interrupted(at_most):
                    return _read(send(), call)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise Unreachable(type(error).__name__) from error
            except (Crowded, DeadlineExceeded):
                take_turn()  # those who waited together give up together
                raise
            finally:
                _before_sending.reset(token)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=remaining(PLACE_SECONDS)):
            raise Crowded
        try:
            yield
        finally:
            self._places.release()


def _read(response: _Response, call: OutboundCall) -> Answer:
    try:
        body = b""
        while chunk := response.read(64 * 1024, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise TooLarge(response.headers.get("Link"))
    except BaseException:
        response.close()
        raise
    response.release_conn()
    call.status = response.status
    return Answer(status=response.status, headers=response.headers, body=body)


class _InTurn:
    """What both kinds of connection share: the answer is parsed when it is there and it is one's turn."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        connection = cast("HTTPConnection", self)
        if connection.sock is None:
            connection.connect()
        _before_sending.get()()
        super().request(*args, **kwargs)  # type: ignore[misc]  # of the class beside it

    def getresponse(self) -> Any:
        wait_read(cast("HTTPConnection", self).sock.fileno())
        take_turn()
        return super().getresponse()  # type: ignore[misc]  # of the class beside it

    def _new_conn(self) -> socket.socket:
        """As urllib3's, but all addresses share the time for connecting, which begins when they are known."""
        connection = cast("HTTPConnection", self)
        try:
            return connected_to_first(_addresses_of(connection), seconds=CONNECT_SECONDS)
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error


def _addresses_of(connection: HTTPConnection) -> list[Address]:
    host = connection._dns_host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, allowed_gai_family(), socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NewConnectionError(connection, f"the name has no address: {error}") from error
    return [(family, address) for family, _, _, _, address in found]


class _Connection(_InTurn, HTTPConnection):
    pass


class _TLSConnection(_InTurn, HTTPSConnection):
    """With a context that is made once, until the authorities change. For each connection urllib3 reads them all
    anew, which takes tens of milliseconds in which nobody else is served.
    """

    _authorities: tuple[str | None, str | None] | None = None

    def connect(self) -> None:
        if self.proxy is None or self.proxy.scheme != "https":  # that one needs the authorities itself
            if self._authorities is None:  # else it was closed, and is opened again
                self._authorities = self.ca_certs, self.ca_cert_dir
                self.ca_certs = self.ca_cert_dir = None
            self.ssl_context = _context_trusting(*self._authorities)
        super().connect()


# Of each file and directory of authorities the context that trusts them, as they were.
_contexts: dict[tuple[str | None, str | None], tuple[list[tuple[int, ...] | None], ssl.SSLContext]] = {}


def _context_trusting(ca_certs: str | None, ca_cert_dir: str | None) -> ssl.SSLContext:
    """Trusts the authorities of that file and directory, else the system's; made anew when these have changed."""
    asked_for = paths = ca_certs, ca_cert_dir
    if not any(asked_for):
        system = ssl.get_default_verify_paths()
        paths = system.cafile, system.capath
    versions = [_version_of(path) for path in paths]
    known = _contexts.get(asked_for)
    if known is not None and known[0] == versions:
        return known[1]
    context = create_urllib3_context()
    if any(asked_for):
        context.load_verify_locations(ca_certs, ca_cert_dir)
    else:
        context.load_default_certs()
    _contexts[asked_for] = versions, context
    return context


def _version_of(path: str | None) -> tuple[int, ...] | None:
    """What changes with a file; None where there is none."""
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class _Pool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Connection)


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _TLSConnection)


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}


class PoolManager(urllib3.PoolManager):
    """urllib3's pools with such connections; follows no redirect and retries nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maxsize=KEPT_CONNECTIONS, retries=False, **kwargs)
        self.pool_classes_by_scheme = dict(_POOLS)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # as urllib3 does
        kw["retries"] = False
        return super().urlopen(method, url, redirect=False, **kw)


class Adapter(HTTPAdapter):
    """The same for `requests`, also through the proxy that HTTPS_PROXY may name."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = PoolManager()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager
