# SPDX-License-Identifier: Apache-2.0
"""What is no proper HTTP, sent to the real service: refused as the caller's mistake, and no reason to alarm anybody."""

import errno
import json
import random
import re
import socket

import pytest
from support import ORY_SECRET

from sandbox.service import ServiceProcess

HEAD = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {ORY_SECRET}\r\n"
PATHS = ("/jumio/callback", "/jumio/initiate", "/jumio/validate")


def send(service: ServiceProcess, request: bytes) -> bytes:
    """All that is answered, once nothing more is sent."""
    received = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=15) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                received += more
        except OSError as error:  # it need not read all of what it refuses
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                raise
    return received


def status_of(answer: bytes) -> int:
    match = re.match(rb"HTTP/1\.[01] ([0-9]{3}) ", answer)
    assert match, answer
    return int(match[1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 100", "{}"),
        ("Content-Length: 2\r\nContent-Length: 3", "{}"),
        ("Content-Length: -1", "{}"),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: gzip", ""),
        ("Transfer-Encoding: chunked", "50\r\nabc"),
        ("Expect: 200-ok\r\nContent-Length: 2", "{}"),
        ("X-A : b\r\nContent-Length: 2", "{}"),
        ("X-A: b\0c\r\nContent-Length: 2", "{}"),
        (f"X-A: {'b' * 20_000}\r\nContent-Length: 2", "{}"),
    ],
)
def test_broken_framing_is_the_callers_mistake(service: ServiceProcess, path: str, framing: str, body: str) -> None:
    answer = send(service, f"POST {path} HTTP/1.1\r\n{HEAD}{framing}\r\n\r\n{body}".encode())
    assert 400 <= status_of(answer) < 500


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", ["ZZ\r\n", "5\r\nabcdeXX", "-5\r\nabcde\r\n0\r\n\r\n", "\r\n\r\n"])
def test_broken_chunks_are_the_callers_mistake(service: ServiceProcess, path: str, body: str) -> None:
    before = service.log().count("request.crashed")
    answer = send(service, f"POST {path} HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}".encode())
    assert status_of(answer) in (400, 401)
    assert service.log().count("request.crashed") == before


def test_bent_requests_get_no_5xx_and_are_not_quoted_in_the_log(service: ServiceProcess, rng: random.Random) -> None:
    marker = "qUoTeD"
    body = json.dumps({"identity": {"id": "9f425a8d-7efc-4768-8f23-7647a74fdf13", "metadata_public": None}})
    good = f"POST /jumio/validate HTTP/1.1\r\n{HEAD}X-A: {marker}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    pieces = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"\xff",
        b"%",
        b"HTTP/2",
        b"\r\n\r\n",
        b"x" * 5000,
        marker.encode(),
    ]
    statuses = set()
    for _ in range(300):
        request = bytearray(good)
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(request))
            request[at : at + rng.choice((0, 1, 5))] = rng.choice(pieces)
        answer = send(service, bytes(request))
        if answer:
            statuses.add(status_of(answer))
    assert {200, 400} <= statuses
    assert max(statuses) < 500
    lines = service.log().splitlines()
    assert not [line for line in lines if marker in line]
    assert not [line for line in lines if ORY_SECRET in line]


def test_an_unheard_of_method_is_not_quoted_in_the_log(service: ServiceProcess) -> None:
    assert status_of(send(service, f"SECRET-WORD /version HTTP/1.1\r\n{HEAD}\r\n".encode())) == 405
    assert "SECRET-WORD" not in service.log()


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: /jumio", "Script-Name: /jumio", "PATH_INFO: /jumio", "REMOTE_USER: x"]
)
def test_no_header_moves_a_route(service: ServiceProcess, header: str) -> None:
    answer = send(service, f"GET /version HTTP/1.1\r\n{HEAD}{header}\r\n\r\n".encode())
    assert status_of(answer) == 200
