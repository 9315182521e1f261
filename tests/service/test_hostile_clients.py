# SPDX-License-Identifier: Apache-2.0
"""Sixty clients that are slow in every way keep nobody else from being answered, and end when their time is over."""

import contextlib
import http.client
import json
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from support import ACCOUNT, AUTH, ORY_SECRET, WORKFLOW, signed

from sandbox.service import ServiceProcess

from .conftest import HOOK

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


@contextlib.contextmanager
def slow_clients(service: ServiceProcess, start: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
            client.sendall(start)
            clients.append(client)
        yield clients


def read_to_the_end(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while more := client.recv(65536):
            received += more
    return received


def slowest_answer(service: ServiceProcess, count: int = 10) -> float:
    """Seconds, of a few normal requests, each on a connection of its own."""
    slowest = 0.0
    for _ in range(count):
        begun = time.monotonic()
        answer = requests.post(f"{service.url}/jumio/validate", json=HOOK, headers=AUTH, timeout=3)
        slowest = max(slowest, time.monotonic() - begun)
        assert answer.status_code == 200
    return slowest


# What has not arrived in time never will: answered 400 where the head is there, closed where it is not.
HALF_DONE: dict[str, tuple[bytes, list[bytes]]] = {
    "nothing": (b"", []),
    "a partial head": (HEAD, []),
    "a partial body": (HEAD + LENGTH + b"\r\n" + BODY[:10], [b"400"]),
    "a partial chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n50\r\nabc", [b"400"]),
    "a second request that is partial": (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + LENGTH, [b"200"]),
    "a request that trickles": (HEAD, []),
}


@dataclass
class HalfDone:
    """Somebody who sends no more than this, or a header line every half second; listens until the other end closes."""

    name: str
    client: socket.socket
    seconds: float = 0.0
    answer: bytes = b""

    def live(self) -> None:
        begun = time.monotonic()
        self.client.sendall(HALF_DONE[self.name][0])
        with contextlib.suppress(OSError):  # of a reset, or because nobody wants to know any more
            while "trickles" in self.name and not select.select([self.client], [], [], 0.5)[0]:
                self.client.sendall(b"X-A: b\r\n")
            self.answer = read_to_the_end(self.client)
        self.seconds = time.monotonic() - begun

    @property
    def statuses(self) -> list[bytes]:
        return re.findall(rb"^HTTP/1\.1 (\d+) ", self.answer, re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def half_done(service: ServiceProcess) -> Iterator[list[tuple[HalfDone, threading.Thread]]]:
    """Beside all other tests, since it takes 10 s."""
    with contextlib.ExitStack() as stack:
        made = []
        for name in HALF_DONE:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
            somebody = HalfDone(name, client)
            made.append((somebody, threading.Thread(target=somebody.live)))
        for _, thread in made:
            thread.start()
        yield made
        for somebody, thread in made:
            with contextlib.suppress(OSError):  # it has ended
                somebody.client.shutdown(socket.SHUT_RDWR)
            thread.join()


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


def test_idle_connections_by_the_thousand_delay_nobody(service: ServiceProcess) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
        assert slowest_answer(service) < 1


def test_requests_in_one_packet_are_answered_in_their_order(service: ServiceProcess) -> None:
    requests_ = [f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("version", "health", "nowhere", "version")]
    last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall("".join([*requests_, last]).encode())
        answer = read_to_the_end(client)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"200", b"200", b"404", b"200", b"200"]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        ("Content-Length: 0\r\nContent-Length: 44", ""),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
        ("Transfer-Encoding : chunked", "0\r\n\r\n"),
        ("Content-Length: 2x", "{}"),
    ],
)
def test_what_follows_a_request_of_doubtful_length_is_never_taken_for_one(
    service: ServiceProcess, framing: str, body: str
) -> None:
    smuggled = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(f"POST /jumio/callback HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}{smuggled}".encode())
        with contextlib.suppress(OSError):  # it may have answered and gone already
            client.shutdown(socket.SHUT_WR)
        answer = read_to_the_end(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"version"' not in answer


def test_an_expectation_is_met_once_the_head_is_there(service: ServiceProcess) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        for _ in range(2):
            client.sendall(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n")
            assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(BODY)
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 ")


LONGEST = 1 << 20
CALLBACK = b"POST /jumio/callback HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


@pytest.mark.parametrize(("length", "code"), [(LONGEST, b"401"), (LONGEST + 1, b"413")])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_the_longest_body_that_is_taken(service: ServiceProcess, is_chunked: bool, length: int, code: bytes) -> None:
    """It is read whole to be checked, and then it is not signed."""
    body = b"x" * length
    declared = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % length
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        with contextlib.suppress(ConnectionError):  # it need not read all of what it refuses
            client.sendall(CALLBACK + declared + b"\r\n\r\n" + (chunked(body) if is_chunked else body))
        assert client.recv(4096).split()[1] == code


@pytest.mark.parametrize(
    ("path", "mebibytes"),
    [
        *((path, 1.5) for path in ("/jumio/initiate", "/jumio/validate", "/jumio/reverify")),
        *(("/jumio/callback", mebibytes) for mebibytes in (1.5, 3, 6, 20, 60)),
    ],
)
def test_whoever_reads_only_when_all_is_sent_is_told_that_it_is_too_long(
    service: ServiceProcess, path: str, mebibytes: float
) -> None:
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    client.request("POST", path, body=bytes(int(mebibytes * LONGEST)), headers=AUTH)
    answer = client.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (413, "close")
    client.close()


TOO_LONG = {
    "too long": b"Content-Length: %d\r\n" % (2 * LONGEST),
    "a length of many digits": b"Content-Length: 00000000000000000000000000%d\r\n" % (2 * LONGEST),
    "a length beyond all bounds": b"Content-Length: %s\r\n" % (b"9" * 30),
    "a chunk beyond all bounds": b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", TOO_LONG)
def test_what_follows_a_request_that_was_refused_is_never_taken_for_one(
    service: ServiceProcess, name: str, together: bool
) -> None:
    """Else a body would smuggle requests past a proxy, which sends those of many people over one connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client, contextlib.suppress(OSError):
        client.sendall(CALLBACK + TOO_LONG[name] + b"\r\n" + GET * 3 * together)
        answer = client.recv(4096) if "Length" in TOO_LONG[name].decode() else b""
        client.sendall(GET * 3)
        client.shutdown(socket.SHUT_WR)
        answer += read_to_the_end(client)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) in ([b"413"], [b"400"])
    assert b'"version"' not in answer


def assert_others_are_let_in(service: ServiceProcess, *, length: int) -> None:
    """Jumio's signed callbacks, up to this length, and what has shown a secret."""
    started = {"workflowExecution": {"id": WORKFLOW, "status": "INITIATED"}, "account": {"id": ACCOUNT}}
    body = json.dumps(started).encode().ljust(length)
    answer = requests.post(f"{service.url}/jumio/callback", data=body, headers=signed(body), timeout=3)
    assert answer.json() == {"result": "ignored", "reason": "an intermediate status"}
    for hook in (BODY, BODY.ljust(100_000)):
        in_chunks = iter([hook])
        answer = requests.post(f"{service.url}/jumio/validate", data=in_chunks, headers=AUTH, timeout=3)
        assert answer.status_code == 200
    assert slowest_answer(service, count=3) < 1


def test_long_bodies_that_are_not_authenticated_cannot_fill_the_memory(service: ServiceProcess) -> None:
    """16 MiB of them are let in at once, and the next is told so."""
    head = b"POST /jumio/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10)) for _ in range(24)
        ]
        for client in clients:
            client.sendall(head + b"x" * 900_000)
        refused = 0
        while answered := select.select(clients, [], [], 1)[0]:
            for client in answered:
                answer = client.recv(4096)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"Retry-After: " in answer
                clients.remove(client)
                refused += 1
        assert 1 <= refused <= 8
        for size in [60_000] * 24 + [16_000] * 24:  # what room is left
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
            client.sendall(head + b"x" * size)
        assert_others_are_let_in(service, length=60_000)


def test_nor_can_short_ones_by_the_hundred(service: ServiceProcess) -> None:
    short = b"POST /jumio/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 64000\r\n\r\n" + b"x" * 63_000
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10)) for _ in range(400)
        ]
        for client in clients:
            with contextlib.suppress(ConnectionError):  # it has been refused already
                client.sendall(short)
        refused = [client for client in select.select(clients, [], [], 5)[0] if b" 503 " in client.recv(4096)]
        assert refused
        assert_others_are_let_in(service, length=8192)


ENDLESS = {
    "a body that is too long": (b"Content-Length: %d\r\n\r\n" % (64 * LONGEST), b"x" * 65536),
    "long chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n" % (60_000, b"x" * 60_000)),
    "the smallest chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    "a chunk's size": (b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    "a chunk's extension": (b"Transfer-Encoding: chunked\r\n\r\n5;", b"a" * 65536),
    "trailers": (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 8000),
    "headers": (b"", b"X-A: b\r\n" * 8000),
    "no line's end": (b"X-A: ", b"x" * 65536),
}


def test_whoever_never_stops_sending_delays_nobody_and_is_hung_up_on(service: ServiceProcess) -> None:
    """All at once: some are heard for as long as a request may take to arrive."""
    ended = []

    def send(name: str) -> None:
        head, more = ENDLESS[name]
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", service.port), timeout=10) as client,
        ):
            client.sendall(CALLBACK + head)
            while True:
                client.sendall(more)
        ended.append(name)

    threads = [threading.Thread(target=send, args=(name,)) for name in ENDLESS]
    for thread in threads:
        thread.start()
    assert slowest_answer(service, count=5) < 1
    for thread in threads:
        thread.join(15)
    assert sorted(ended) == sorted(ENDLESS)


def test_a_body_that_ends_before_its_announced_length_is_not_taken(service: ServiceProcess) -> None:
    for body in (BODY, BODY.ljust(70_000)):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body)
            client.shutdown(socket.SHUT_WR)
            assert read_to_the_end(client).startswith(b"HTTP/1.1 400 ")


def test_a_request_half_sent_is_dropped_after_ten_seconds(half_done: list[tuple[HalfDone, threading.Thread]]) -> None:
    for _, thread in half_done:
        thread.join()
    assert {one.name: one.statuses for one, _ in half_done} == {name: told for name, (_, told) in HALF_DONE.items()}
    assert [one for one, _ in half_done if not 9.5 < one.seconds < 12] == []
