# SPDX-License-Identifier: Apache-2.0
"""The worker seen from its clients, in this process, so that its seconds can be made short and its connections few."""

import contextlib
import gc
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gunicorn.config import Config
from gunicorn.sock import TCPSocket

from webhook.web import worker as module
from webhook.web.server import _Logger
from webhook.web.worker import Client, Worker

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
SECONDS = 0.4


class Here:
    """A worker with an application that says how long the body was, once it `may`; `padding` makes that longer."""

    def __init__(self, listener: Any) -> None:
        config = Config()
        config.set("keepalive", 65)
        config.set("graceful_timeout", 1)
        self.address = listener.getsockname()
        listening = TCPSocket(self.address, config, None, fd=listener.detach())
        self.worker: Any = Worker(0, os.getppid(), [listening], None, 30, config, _Logger(config))
        self.worker.patch()
        self.worker.wsgi = self.app
        self.begun = self.answered = 0
        self.may = Event()
        self.may.set()
        self.padding = 0
        self.running = gevent.spawn(self.worker.run)

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.begun += 1
        self.may.wait()
        self.answered += 1
        answer = str(len(body)).encode() + b" " * self.padding
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def client(self, sends: bytes = b"") -> socket.socket:
        made = socket.create_connection(self.address, timeout=5)
        made.sendall(sends)
        return made

    def wait(self, until: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + 5
        while not until():
            assert time.monotonic() < give_up_at
            gevent.sleep(0.005)

    def connected(self, count: int) -> None:
        self.wait(lambda: len(self.worker._clients) == count)

    def stop(self) -> float:
        """SIGTERM; for how many seconds it still ran."""
        begun = time.monotonic()
        self.worker.handle_exit(None, None)
        self.running.join(5)
        assert self.running.successful()
        return time.monotonic() - begun


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setattr(module, "CLIENT_SECONDS", SECONDS)
    monkeypatch.setattr(module, "_REST_SECONDS", SECONDS)
    monkeypatch.setattr(Client, "_idle_seconds", SECONDS)
    thresholds = gc.get_threshold()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = Here(listener)
        yield started
        gc.set_threshold(*thresholds)
        started.may.set()
        started.stop()
        started.connected(0)
        started.worker.tmp.close()


def rest_of(client: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    received = b""
    with client:
        while more := client.recv(65536):
            received += more
    return received


def body_of(client: socket.socket) -> bytes:
    answer = b""
    while not answer.partition(b"\r\n\r\n")[2]:
        more = client.recv(65536)
        assert more, answer
        answer += more
    return answer.partition(b"\r\n\r\n")[2]


# --- clients that leave something half done ---


@pytest.mark.parametrize(
    ("start", "statuses"),
    [
        (b"", []),
        (b"GET / HT", []),
        (GET[:-1], []),
        (GET + GET[:9], [b"200"]),
        (GET + POST + b"123", [b"200", b"400"]),
    ],
)
def test_what_has_not_arrived_in_time_never_will(here: Here, start: bytes, statuses: list[bytes]) -> None:
    def strict(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        whole = len(environ["wsgi.input"].read()) == int(environ.get("CONTENT_LENGTH") or 0)
        start_response("200 OK" if whole else "400 Bad Request", [("Content-Length", "0")])
        return []

    here.worker.wsgi = strict
    begun = time.monotonic()
    answer = rest_of(here.client(start))
    assert SECONDS * 0.9 < time.monotonic() - begun < SECONDS + 2
    assert [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")] == statuses


def trickle(client: socket.socket) -> None:
    while True:
        client.sendall(b"X")
        gevent.sleep(SECONDS / 10)


def test_every_byte_does_not_buy_new_time(here: Here) -> None:
    begun = time.monotonic()
    with here.client() as client:
        sender = gevent.spawn(trickle, client)
        with contextlib.suppress(ConnectionError):
            assert client.recv(1) == b""
        sender.kill()
    assert time.monotonic() - begun < SECONDS + 2
    assert here.begun == 0


def test_nobody_sends_without_end(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REQUEST_BYTES", 100_000)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    answer = b"0"
    with contextlib.suppress(ConnectionError), here.client(head) as client:
        client.sendall(b"x" * 200_000)
        answer = body_of(client)
    here.connected(0)
    assert int(answer) < 200_000


def test_the_next_request_has_its_own_time(here: Here) -> None:
    """And between two of them a connection may rest for longer."""
    with here.client() as client:
        for _ in range(3):
            client.sendall(POST)
            gevent.sleep(SECONDS * 0.6)
            client.sendall(b"1234")
            assert body_of(client) == b"4"
        gevent.sleep(SECONDS * 1.5)
        client.sendall(GET)
        assert body_of(client) == b"0"


def test_whoever_does_not_take_the_answer_is_let_go(here: Here) -> None:
    here.padding = 20_000_000
    with here.client(GET) as client:
        here.wait(lambda: here.answered == 1)
        here.connected(0)
        client.settimeout(5)
        received = 0
        try:
            while more := client.recv(1 << 20):
                received += len(more)
        except ConnectionError:
            pass
        assert received < here.padding


def test_a_reset_is_the_end_of_the_request(here: Here, log_lines: list[str]) -> None:
    client = here.client(GET[:9])
    here.connected(1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    here.connected(0)
    assert (here.begun, log_lines) == (0, [])


# --- bodies that are refused ---

LINES = {
    "announced": b"Content-Length: 3000000\r\n",
    "in chunks": b"Transfer-Encoding: chunked\r\n",
    "the last one": b"Content-Length: 3000000\r\nConnection: close\r\n",
    "a short one, the last": b"Content-Length: 60000\r\nConnection: close\r\n",
}


def refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Without a look at the body."""
    start_response("413 Content Too Large", [("Content-Length", "2")])
    return [b"no"]


def head_of(name: str) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\n" + LINES[name] + b"\r\n"


@pytest.mark.parametrize("name", LINES)
def test_a_refusal_reaches_whoever_sends_a_body_to_its_end_before_reading(
    here: Here, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Closed with some of it unread, the connection would be reset, and the answer lost."""
    monkeypatch.setattr(module, "CLIENT_SECONDS", 5.0)
    monkeypatch.setattr(module, "MAX_REQUEST_BYTES", 100_000)
    here.worker.wsgi = refuse
    client = here.client(head_of(name))
    here.connected(1)
    gevent.sleep(0.05)  # it is answered already
    client.sendall(b"2DC6C0\r\n" * (name == "in chunks") + b"x" * (60_000 if "short" in name else 3_000_000))
    gevent.sleep(0.05)
    begun = time.monotonic()
    client.shutdown(socket.SHUT_WR)
    answer = rest_of(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer
    here.connected(0)
    assert time.monotonic() - begun < 2


def test_of_a_short_one_the_rest_is_read_and_the_connection_kept(here: Here) -> None:
    here.worker.wsgi = refuse
    with here.client(POST) as client:
        assert body_of(client) == b"no"
        client.sendall(b"1234" + GET)
        assert body_of(client) == b"no"


def test_whoever_sends_on_after_a_refusal_has_no_more_time_for_it_and_delays_nobody(here: Here) -> None:
    here.worker.wsgi = refuse

    def flood(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while True:
                client.sendall(b"x" * 65536)

    begun = time.monotonic()
    senders = [gevent.spawn(flood, here.client(head_of("announced"))) for _ in range(4)]
    while not all(sender.ready() for sender in senders) and time.monotonic() - begun < 3:
        asked = time.monotonic()
        with here.client(GET) as client:
            assert body_of(client) == b"no"
        assert time.monotonic() - asked < 0.3
        gevent.sleep(0.02)
    assert SECONDS * 0.9 < time.monotonic() - begun < SECONDS + 2
    for sender in senders:
        sender.get(timeout=1)


def test_whoever_says_nothing_more_after_a_refusal_is_no_hindrance(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_SECONDS", 5.0)
    here.worker.wsgi = refuse
    client = here.client(head_of("announced"))
    here.wait(lambda: any(each.is_reading for each in here.worker._clients))
    assert here.stop() < SECONDS + 0.6
    assert rest_of(client).startswith(b"HTTP/1.1 413 ")


# --- room for new connections ---


def test_whoever_is_idle_for_longest_makes_room_and_then_whoever_is_half_done(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLIENT_SECONDS", 5.0)
    monkeypatch.setattr(module, "SPARE_CONNECTIONS", module.MAX_CONNECTIONS - 3)
    half = here.client(GET[:9])
    here.connected(1)
    first, second = here.client(GET), here.client(GET)
    assert body_of(second) + body_of(first) == b"00"
    first.sendall(GET)
    assert body_of(first) == b"0"
    with here.client(GET) as third:
        assert body_of(third) == b"0"
        assert rest_of(second) == b"", "it was idle for longer than the first"
        with here.client(GET[:9]), here.client(GET[:9]):
            assert rest_of(first) == b""
            here.connected(3)
            with here.client(GET[:9]):
                assert rest_of(half) == b"", "nobody else is idle"


def test_whoever_is_served_keeps_the_connection(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_CONNECTIONS", module.MAX_CONNECTIONS - 1)
    here.may.clear()
    with here.client(GET) as first, here.client(GET) as second:
        here.wait(lambda: here.begun == 2)
        here.may.set()
        assert body_of(first) + body_of(second) == b"00"


# --- the end ---


def test_idle_connections_hold_nothing_up(here: Here) -> None:
    clients = [here.client(), here.client(GET)]
    assert body_of(clients[1]) == b"0"
    here.connected(2)
    assert here.stop() < SECONDS
    assert [rest_of(client) for client in clients] == [b"", b""]


def test_what_is_in_flight_is_answered_and_then_the_connection_ends(here: Here) -> None:
    """A request that began after the signal tells the client so; what follows it is the next process' to answer."""
    here.may.clear()
    client = here.client(GET * 5)
    here.wait(lambda: here.begun == 1)
    gevent.spawn_later(0.2, here.may.set)
    assert here.stop() < 1
    answer = rest_of(client)
    assert (answer.count(b"HTTP/1.1 200 "), answer.count(b"Connection: close")) == (2, 1)
    with pytest.raises(ConnectionError):
        here.client()


def test_the_rest_of_a_request_may_still_arrive_for_a_moment(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_SECONDS", 5.0)
    prompt, late = here.client(POST), here.client(POST)
    here.connected(2)
    here.wait(lambda: all(client.is_reading and not client.is_idle for client in here.worker._clients))
    gevent.spawn_later(SECONDS / 2, prompt.sendall, b"1234")
    assert SECONDS * 0.9 < here.stop() < SECONDS + 0.6
    assert b"HTTP/1.1 200 " in rest_of(prompt)
    late.close()


def test_after_the_time_for_the_end_it_ends(here: Here) -> None:
    here.may.clear()
    client = here.client(GET)
    here.wait(lambda: here.begun == 1)
    assert 0.9 < here.stop() < 2
    here.may.set()
    client.close()


# --- garbage ---


def test_garbage_is_collected_while_nobody_is_served_and_else_rarely(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[None] = []
    monkeypatch.setattr(module.gc, "collect", lambda: collected.append(None))

    def collections(*, after: float) -> int:
        here.worker._collected_at = time.monotonic() - after
        here.worker._collect_garbage()
        return len(collected)

    assert collections(after=1000) == 0, "nobody has asked for anything yet"
    here.may.clear()
    with here.client(GET) as client:
        here.wait(lambda: here.begun == 1)
        assert collections(after=500) == 0, "somebody is being served"
        assert collections(after=601) == 1
        here.may.set()
        assert body_of(client)
    with here.client(GET) as client:
        assert body_of(client)
        here.wait(lambda: all(each.is_idle for each in here.worker._clients))
        assert collections(after=9) == 1
        assert collections(after=11) == 2
        assert collections(after=11) == 2, "nothing has happened since"
