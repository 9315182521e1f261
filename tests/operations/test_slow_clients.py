# SPDX-License-Identifier: Apache-2.0
"""Sixty clients that are slow in every way keep nobody else from being answered: two workers, eight threads each."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from support import ORY_SECRET, REQUIRED

from sandbox.service import ServiceProcess

AUTH = {"Authorization": f"Bearer {ORY_SECRET}"}
HOOK = {"identity": {"id": "9f425a8d-7efc-4768-8f23-7647a74fdf13", "metadata_public": None}}
CLIENTS = 60

BODY = json.dumps(HOOK).encode()
HEAD = f"POST /jumio/validate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ORY_SECRET}\r\n".encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
STARTS = {
    "nothing": b"",
    "a partial line": b"POST /jum",
    "a partial head": HEAD,
    "a head without its last byte": HEAD + LENGTH + b"\r",
    "no body": HEAD + LENGTH + b"\r\n",
    "a partial body": HEAD + LENGTH + b"\r\n" + BODY[:10],
}
COSTLY_STARTS = {
    "an expectation": HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n",
    "a partial chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n50\r\nabc",
    "a long body that is partial": HEAD + b"Content-Length: 900000\r\n\r\n" + b"x" * 100_000,
    "a second request that is partial": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + LENGTH,
}
COMPLETE = {
    "Connection: close": b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": b"GET /health HTTP/1.0\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\r\n\r\n",
    "keep-alive": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture
def service() -> Iterator[ServiceProcess]:
    nowhere = "http://127.0.0.1:9"  # nothing here calls anybody
    peers = {"KRATOS_ADMIN_URL": nowhere, "JUMIO_AUTH_URL": nowhere, "JUMIO_API_BASE_URL": nowhere}
    with ServiceProcess({**REQUIRED, **peers}) as started:
        give_up_at = time.monotonic() + 10
        while started.log().count("Booting worker") < 2:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        yield started


@contextlib.contextmanager
def slow_clients(service: ServiceProcess, start: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
            client.sendall(start)
            clients.append(client)
        yield clients


def slowest_answer(service: ServiceProcess, count: int = 10) -> float:
    """Seconds, of a few normal requests, each on a connection of its own."""
    slowest = 0.0
    for _ in range(count):
        begun = time.monotonic()
        answer = requests.post(f"{service.url}/jumio/validate", json=HOOK, headers=AUTH, timeout=3)
        slowest = max(slowest, time.monotonic() - begun)
        assert answer.status_code == 200
    return slowest


@pytest.mark.parametrize("name", STARTS)
def test_whoever_stops_in_the_middle_delays_nobody(service: ServiceProcess, name: str) -> None:
    with slow_clients(service, STARTS[name]):
        assert slowest_answer(service) < 1


@pytest.mark.parametrize("name", COSTLY_STARTS)
def test_whoever_stops_where_it_costs_a_thread_delays_nobody(service: ServiceProcess, name: str) -> None:
    with slow_clients(service, COSTLY_STARTS[name]):
        assert slowest_answer(service, count=3) < 1


@pytest.mark.parametrize("name", COMPLETE)
def test_whoever_does_not_hang_up_delays_nobody(service: ServiceProcess, name: str) -> None:
    with slow_clients(service, COMPLETE[name]):
        assert slowest_answer(service) < 1


def test_whoever_sends_byte_by_byte_delays_nobody_and_is_answered(service: ServiceProcess) -> None:
    request = HEAD + LENGTH + b"\r\n" + BODY
    with slow_clients(service, b"") as clients:

        def trickle() -> None:
            for number in range(len(request)):
                for client in clients:
                    client.sendall(request[number : number + 1])

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert slowest_answer(service) < 1
        finally:
            sender.join()
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_whoever_never_reads_delays_nobody(service: ServiceProcess) -> None:
    with slow_clients(service, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 200):
        assert slowest_answer(service) < 1
