# SPDX-License-Identifier: Apache-2.0
"""The connections of a `LoopbackServer`: reads a request, runs the app or acts out a fault, writes the reply."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from requests.structures import CaseInsensitiveDict
from werkzeug.test import run_wsgi_app

from sandbox.faults import Kind

if TYPE_CHECKING:
    from sandbox.server import LoopbackServer


@dataclass(frozen=True)
class Request:
    """As it came in; `path` without the query, `headers` looked up in any case."""

    method: str
    path: str
    query: str
    headers: CaseInsensitiveDict[str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What `request` was answered with by the app or a fault; `status` 0 when the connection was reset instead."""

    request: Request
    status: int
    body: bytes


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Connection)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's name here, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        self.owner.note(None)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            request.close()  # an orderly shutdown would send a FIN ahead of the reset
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is nothing to report
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def log_message(self, *_: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def _respond(self) -> None:
        owner = self.server.owner
        url = urlsplit(self.path)
        request = Request(
            self.command, unquote(url.path), url.query, CaseInsensitiveDict(self.headers.items()), self._read_body()
        )
        owner.note(request)
        fault = owner.faults(request) if owner.faults else None
        if fault is None:
            self._send(request, *self._run_app(request))
        elif fault.kind is Kind.ANSWER:
            if fault.processed:
                self._run_app(request)
            self._send(request, fault.status, list(fault.headers.items()), fault.body, declared=fault.declared)
        elif fault.kind is Kind.RESET:
            if fault.processed:
                self._run_app(request)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            owner.note(Reply(request, 0, b""))
        elif fault.kind is Kind.HANG:
            early = self._run_app(request) if fault.processed else None
            if owner.closing.wait(fault.seconds):
                self.close_connection = True
            else:
                self._send(request, *(early or self._run_app(request)))
        else:
            headers = fault.kind is Kind.TRICKLE_HEADERS
            self._send(request, *self._run_app(request), trickle=(headers, fault.seconds or 0.0))

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            length = self.headers.get("Content-Length", "0")
            return self.rfile.read(int(length)) if length.isdigit() else b""
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _run_app(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        app = self.server.owner.app
        if app is None:
            return 503, [("Content-Type", "text/plain")], b"no app yet"
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.path.encode().decode("latin-1"),
            "QUERY_STRING": request.query,
            "REQUEST_URI": self.path,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"):
                environ[f"HTTP_{key}"] = value
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        return int(status.split()[0]), list(headers), b"".join(body)

    def _send(
        self,
        request: Request,
        status: int,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        declared: bool = True,
        trickle: tuple[bool, float] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if declared:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
            body_on_wire = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = io.BytesIO()
        self.wfile, wire = head, self.wfile
        self.end_headers()
        self.wfile = wire
        payload = body if declared else body_on_wire
        if request.method == "HEAD" or status in (204, 304):
            payload = b""
        # Noted before the last byte leaves, so that whoever has read the reply finds it in `replies`.
        self.server.owner.note(Reply(request, status, body))
        if trickle is None:
            wire.write(head.getvalue() + payload)
            return
        from_headers, pause = trickle
        slow = head.getvalue() + payload
        if not from_headers:
            wire.write(head.getvalue())
            slow = payload
        for byte in slow:
            wire.write(bytes((byte,)))
            if self.server.owner.closing.wait(pause):
                self.close_connection = True
                return
