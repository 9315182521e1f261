# SPDX-License-Identifier: Apache-2.0
"""Calls to Valkey with bounds: time, connections, size. No retries, and no text of the server's gets past it.

Knows no key. valkey-py has the protocol and the pool; the connecting is ours, because its own lets go of a socket
without closing it when it is broken off, reads all certificate authorities anew for each connection, and does not
compare the certificate's name. docs/decisions/0008
"""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gevent
from gevent import Greenlet
from gevent.lock import Semaphore
from valkey._parsers import _RESP2Parser
from valkey.connection import AbstractConnection, ConnectionPool
from valkey.exceptions import AuthenticationError, ConnectionError, ResponseError  # noqa: A004  # as it names them

from webhook.limits import COORDINATION_SECONDS, VALKEY_ANSWER_BYTES, VALKEY_CONNECTIONS
from webhook.runtime.connecting import Address, connected, connected_to_first
from webhook.runtime.deadline import DeadlineExceeded, interrupted, remaining, time_limit
from webhook.valkey_url import ValkeyUrl

T = TypeVar("T")

# Error codes that may be told. Anything else of a server's text might be what was sent to it, the password too.
_CODES = frozenset({"BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "MOVED", "NOREPLICAS", "WRONGTYPE"})


class Failed(Exception):
    """Valkey did not do what was asked; ``str()`` is the cause, fit for a log line.

    `answered`: it is there, and said no at once; or it was not even asked, for want of a connection. So it would be no
    use to leave it alone for a while. `denied`: who we are, or what we want, is not allowed.
    """

    def __init__(self, cause: str, *, answered: bool = False, denied: bool = False) -> None:
        super().__init__(cause)
        self.answered = answered
        self.denied = denied


class Client:
    """All calls to one Valkey from this process. The first call connects."""

    def __init__(self, url: ValkeyUrl, *, seconds: float = COORDINATION_SECONDS) -> None:
        """`seconds` is what one call may take in all.

        :raises OSError: the certificate authorities cannot be read.
        """
        self._seconds = seconds
        self._places = Semaphore(VALKEY_CONNECTIONS)
        self._pool = ConnectionPool(
            connection_class=_Connection,
            max_connections=VALKEY_CONNECTIONS,
            dial=_Dial(url, seconds),
            parser_class=_RESP2Parser,  # not the one of libvalkey, should that be installed: it reads as it likes
            db=url.database,
            username=url.username,
            password=url.password,
            socket_timeout=seconds,
            lib_name=None,  # each would be a round trip more, at every connection
            lib_version=None,
        )

    def call(self, convert: Callable[[Any], T], *command: str | bytes | float) -> T:
        """One command, and what `convert` makes of its answer: None, bytes, an integer, or a list of these.

        :raises Failed: there was no answer, none in time, an error, or one of which `convert` makes nothing.
        :raises DeadlineExceeded: the time allowed was over earlier than the time of a call.
        """
        allowed = remaining(self._seconds)
        try:
            with time_limit(self._seconds), self._place(), interrupted(self._seconds):
                return convert(self._exchange(command))
        except DeadlineExceeded:
            if allowed < self._seconds:
                raise
            raise Failed("no answer in time") from None
        except Failed:
            raise
        except ResponseError as error:
            raise Failed(_cause(error), answered=True, denied=type(error).__name__ == "NoPermissionError") from None
        except Exception as error:  # the library's own, and whatever it or we stumble over in a garbled answer
            raise Failed(_cause(error), denied=isinstance(error, AuthenticationError)) from None

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=remaining(self._seconds)):
            raise Failed("no connection was free in time", answered=True)
        try:
            yield
        finally:
            self._places.release()

    def _exchange(self, command: tuple[str | bytes | float, ...]) -> Any:
        connection: Any = self._pool.get_connection(str(command[0]))
        try:
            connection.send_command(*command)
            return connection.read_response()
        finally:
            self._pool.release(connection)

    def close(self) -> None:
        """Close every connection; the next call makes a new one."""
        self._pool.disconnect()


def _cause(error: Exception) -> str:
    """What went wrong, in words of ours, the library's or the operating system's; never the server's."""
    kind = type(error).__name__
    if isinstance(error, ResponseError):
        code = str(error).partition(" ")[0]
        return f"{kind} {code}" if code in _CODES else kind
    below = error if isinstance(error, OSError) else error.__context__
    if isinstance(below, ssl.SSLCertVerificationError):
        return f"{kind}: {below.verify_message}"
    return f"{kind}: {below.strerror}" if isinstance(below, OSError) and below.strerror else kind


class _Dial:
    """Makes sockets to one address."""

    def __init__(self, url: ValkeyUrl, seconds: float) -> None:
        self.url = url
        self._seconds = seconds
        self._looking_up: Greenlet | None = None
        # Once, since reading the authorities takes tens of milliseconds in which nobody else is served.
        self._context = ssl.create_default_context(cafile=url.ca_certs) if url.tls else None

    def connect(self) -> socket.socket:
        """A connected socket; with TLS, to a server whose certificate bears the URL's host.

        :raises OSError: there is none.
        """
        if self.url.path:
            return connected((socket.AF_UNIX, self.url.path), seconds=self._seconds)
        plain = connected_to_first(self._addresses(), seconds=self._seconds)
        plain.settimeout(self._seconds)
        return plain if self._context is None else self._secured(plain, self._context)

    def _addresses(self) -> list[Address]:
        """Of the host. A lookup that hangs holds one of the process's few threads for them; it is awaited, not joined
        by a second one.
        """
        if self._looking_up is None or self._looking_up.ready():
            arguments = (self.url.host, self.url.port, socket.AF_UNSPEC, socket.SOCK_STREAM)
            self._looking_up = gevent.spawn(_looked_up, arguments)
        found = self._looking_up.get()
        if isinstance(found, OSError):
            raise found
        return [(family, address) for family, _, _, _, address in found]

    def _secured(self, plain: socket.socket, context: ssl.SSLContext) -> socket.socket:
        secured = context.wrap_socket(plain, server_hostname=self.url.host, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured


def _looked_up(arguments: tuple[Any, ...]) -> Any:
    """What `getaddrinfo` says, its error included: a greenlet that raises would print it."""
    try:
        return socket.getaddrinfo(*arguments)
    except OSError as error:
        return error.with_traceback(None)
    except UnicodeError:
        return OSError(errno.EINVAL, "the host is no name that can be looked up")


class _Connection(AbstractConnection):
    """valkey-py's, on a socket of ours."""

    def __init__(self, *, dial: _Dial, **options: Any) -> None:
        super().__init__(**options)
        self._dial = dial

    def repr_pieces(self) -> list[tuple[str, Any]]:
        return [("url", self._dial.url)]

    def _connect(self) -> Any:
        return _Bounded(self._dial.connect())

    def _host_error(self) -> str:
        return "valkey"


class _Bounded:
    """A socket that takes so many bytes of one answer. Without it, a server that never stops sending is read for ever:
    where data is there, nothing waits, so that nothing is broken off either.
    """

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self._left = VALKEY_ANSWER_BYTES
        self.settimeout, self.shutdown, self.close = real.settimeout, real.shutdown, real.close

    def sendall(self, data: bytes) -> None:
        self._left = VALKEY_ANSWER_BYTES
        self._real.sendall(data)

    def recv(self, size: int) -> bytes:
        data = self._real.recv(size)
        self._left -= len(data)
        if self._left < 0:
            raise ConnectionError("the answer is too long")
        return data
