# SPDX-License-Identifier: Apache-2.0
"""The worker's connections, one event at a time; tests/operations has the same end to end, with many at once."""

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from webhook.limits import CLIENT_SECONDS
from webhook.web import worker as module
from webhook.web.server import _Logger
from webhook.web.worker import LONG_REQUESTS_BUDGET, LONGEST_REQUEST, SHORT_REQUEST, Worker, _ClientSocket, _close

HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, _ClientSocket]]:
    """A client, and the worker's end of its connection."""
    client, end = socket.socketpair()
    ours = _ClientSocket(fileno=end.detach())
    ours.setblocking(False)
    client.settimeout(5)
    with client, ours:
        yield client, ours


def sent(client: socket.socket, ours: _ClientSocket, data: bytes) -> bool:
    """Whether a thread can go on with it, once all of it was sent and taken in."""
    done = False
    for start in range(0, len(data), SHORT_REQUEST // 2):
        client.sendall(data[start : start + SHORT_REQUEST // 2])
        done = ours.collect()
        if done:
            break
    return done


# --- collecting a request ---

WHOLE = {
    "without a body": GET,
    "with one": HEAD + b"Content-Length: 2\r\n\r\n{}",
    "with an empty one": HEAD + b"content-length:0\r\n\r\n",
    "in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "in no chunk": HEAD + b"transfer-encoding:chunked\r\n\r\n0\r\n\r\n",
    "in chunks, with trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "a length that is none": HEAD + b"Content-Length: many\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_request_is_handed_over_and_then_ends(pair: tuple[socket.socket, _ClientSocket], name: str) -> None:
    client, ours = pair
    assert sent(client, ours, WHOLE[name])
    assert ours.recv(8192) == WHOLE[name]
    assert ours.recv(8192) == b""


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "a length that is none"])
def test_byte_by_byte_only_the_last_one_makes_it_whole(pair: tuple[socket.socket, _ClientSocket], name: str) -> None:
    client, ours = pair
    request = WHOLE[name]
    assert [sent(client, ours, request[at : at + 1]) for at in range(len(request))] == [
        *([False] * (len(request) - 1)),
        True,
    ]
    assert ours.recv() == request


def test_nothing_has_arrived(pair: tuple[socket.socket, _ClientSocket]) -> None:
    _, ours = pair
    assert not ours.collect()
    assert ours.collected == b""


@pytest.mark.parametrize("request_", [b"", b"POST /jum", HEAD, HEAD + b"Content-Length: 9\r\n\r\n{}"])
def test_a_client_that_hangs_up_is_handed_over(pair: tuple[socket.socket, _ClientSocket], request_: bytes) -> None:
    client, ours = pair
    assert not request_ or not sent(client, ours, request_)
    client.close()
    assert ours.collect()
    assert ours.recv() == request_


def test_a_connection_that_was_reset_is_handed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        with _ClientSocket(fileno=accepted.detach()) as ours:
            assert ours.collect()
            assert ours.recv() == b""


@pytest.mark.parametrize(
    ("request_", "at"),
    [
        (b"x" * (SHORT_REQUEST + 1), SHORT_REQUEST),
        (HEAD + b"X: " + b"y" * SHORT_REQUEST, SHORT_REQUEST),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (LONGEST_REQUEST + 1), 1),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + b"x" * LONGEST_REQUEST, LONGEST_REQUEST),
    ],
    ids=["no head", "an endless head", "too long a body", "endless chunks"],
)
def test_what_is_too_long_is_handed_on_to_be_refused(
    pair: tuple[socket.socket, _ClientSocket], request_: bytes, at: int
) -> None:
    client, ours = pair
    assert sent(client, ours, request_)
    assert at <= len(ours.collected) <= len(request_)


def test_the_longest_body_that_is_taken(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    body = b"x" * (1 << 20)
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    assert not sent(client, ours, head + body[:-1])
    assert sent(client, ours, b"x")
    assert ours.recv() == head + body


# --- expectations, pipelines, and the next request ---


@pytest.mark.parametrize("framing", [b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_an_expectation_is_met_once_the_head_is_there(
    pair: tuple[socket.socket, _ClientSocket], framing: bytes
) -> None:
    client, ours = pair
    assert not sent(client, ours, HEAD + b"Expect: 100-continue\r\n" + framing)
    assert not sent(client, ours, b"\r\n")
    assert client.recv(8192) == CONTINUE
    body = b"{}" if b"Length" in framing else b"2\r\n{}\r\n0\r\n\r\n"
    assert not sent(client, ours, body[:1])
    assert sent(client, ours, body[1:])
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.recv(8192)  # once is enough


def test_one_who_brings_the_body_along_is_not_told_to_go_on(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    assert sent(client, ours, HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.recv(8192)


def test_one_who_expects_and_is_gone_does_no_harm(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    client.close()
    assert not ours.collect()
    assert ours.collect()


def test_a_second_request_is_dropped_and_the_connection_ends_after_the_first(
    pair: tuple[socket.socket, _ClientSocket],
) -> None:
    client, ours = pair
    assert sent(client, ours, GET + GET + b"GET")
    assert ours.recv() == GET
    assert ours.collect(), "no more is read"
    assert ours.recv() == b""


def test_the_next_request_on_the_connection_is_collected_anew(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    expecting = HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    for _ in range(2):
        assert not sent(client, ours, expecting)
        assert client.recv(8192) == CONTINUE
        assert sent(client, ours, b"{}")
        assert ours.recv() == expecting + b"{}"


def test_a_thread_waits_for_the_client_to_take_the_answer_and_no_longer(
    pair: tuple[socket.socket, _ClientSocket],
) -> None:
    _, ours = pair
    ours.setblocking(True)
    assert ours.gettimeout() == CLIENT_SECONDS
    ours.setblocking(False)
    assert ours.gettimeout() == 0


# --- closing ---


def test_closing_takes_what_has_arrived_and_waits_for_nobody(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    client.sendall(b"x" * (SHORT_REQUEST + 1))
    begun = time.monotonic()
    _close(SimpleNamespace(sock=ours), graceful=True)
    assert time.monotonic() - begun < 1
    assert ours.fileno() == -1
    assert client.recv(1) == b""


def test_closing_what_the_client_has_closed(pair: tuple[socket.socket, _ClientSocket]) -> None:
    client, ours = pair
    client.close()
    _close(SimpleNamespace(sock=ours), graceful=True)
    assert ours.fileno() == -1


def test_closing_at_once(pair: tuple[socket.socket, _ClientSocket]) -> None:
    _, ours = pair
    _close(SimpleNamespace(sock=ours))
    assert ours.fileno() == -1


# --- the worker ---


class Here:
    """A worker with one thread, whose event loop the test turns."""

    def __init__(self, listener: socket.socket) -> None:
        config = Config()
        config.set("threads", 1)
        config.set("keepalive", 65)
        self.worker: Any = Worker(0, os.getppid(), [listener], None, 30, config, _Logger(config))
        self.worker.wsgi = self.app
        self.worker.tpool = ThreadPoolExecutor(1)
        self.worker.poller = selectors.DefaultSelector()
        self.worker.method_queue.init()
        self.worker.poller.register(
            self.worker.method_queue.fileno(), selectors.EVENT_READ, self.worker.method_queue.run_callbacks
        )
        self.worker.set_accept_enabled(True)
        self.address = listener.getsockname()
        self.served = 0

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.served += 1
        answer = str(len(body)).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def client(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=5)

    def turn(self, until: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + 5
        while not until():
            assert time.monotonic() < give_up_at
            self.worker.wait_for_and_dispatch_events(0.02)

    def answered(self, count: int) -> None:
        """So many requests, and their connections are idle again or closed."""
        self.turn(lambda: self.served == count and len(self.worker.keepalived_conns) == self.worker.nr_conns)

    def close(self) -> None:
        self.worker.tpool.shutdown()
        self.worker.method_queue.run_callbacks(None)  # what a thread has just finished with is told to the loop there
        for key in list(self.worker.poller.get_map().values()):
            if isinstance(key.fileobj, _ClientSocket):
                key.fileobj.close()
        for conn in (*self.worker.pending_conns, *self.worker.keepalived_conns):
            conn.sock.close()
        self.worker.poller.close()
        self.worker.method_queue.close()
        self.worker.tmp.close()


def body_of(client: socket.socket) -> bytes:
    """Of the answer; it is one byte long."""
    answer = b""
    while not answer.partition(b"\r\n\r\n")[2]:
        more = client.recv(8192)
        assert more, answer
        answer += more
    return answer.partition(b"\r\n\r\n")[2]


@pytest.fixture
def here() -> Iterator[Here]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = Here(listener)
        yield started
        started.close()


def test_a_connection_waits_without_a_thread_until_its_request_is_whole(here: Here) -> None:
    with here.client() as client:
        here.turn(lambda: len(here.worker.pending_conns) == 1)
        [conn] = here.worker.pending_conns
        assert 0 < conn.timeout - time.monotonic() <= CLIENT_SECONDS
        client.sendall(HEAD + b"Content-Length: 2\r\n\r\n{")
        here.turn(lambda: conn.sock.collected.endswith(b"{"))
        assert (here.served, list(here.worker.pending_conns)) == (0, [conn])
        client.sendall(b"}")
        here.answered(1)
        assert body_of(client) == b"2"


def test_the_next_request_on_a_connection_waits_without_a_thread_too(here: Here) -> None:
    with here.client() as client:
        for number in (1, 3):
            client.sendall(GET)
            here.answered(number)
            assert body_of(client) == b"0"
            client.sendall(GET[:5])
            here.turn(lambda: len(here.worker.pending_conns) == 1)
            assert not here.worker.keepalived_conns
            client.sendall(GET[5:])
            here.answered(number + 1)
            assert body_of(client) == b"0"


def test_a_client_that_hangs_up_is_let_go(here: Here) -> None:
    with here.client() as client:
        client.sendall(GET[:5])
        here.turn(lambda: here.worker.nr_conns == 1)
    here.turn(lambda: here.worker.nr_conns == 0)
    assert here.served == 0


def test_what_took_too_long_is_closed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_SECONDS", 0.0)
    with here.client() as client:
        client.sendall(GET[:5])
        here.turn(lambda: len(here.worker.pending_conns) == 1)
        here.worker.murder_pending()
        assert (here.worker.nr_conns, len(here.worker.pending_conns)) == (0, 0)
        client.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_worker_that_stops_waits_for_no_half_sent_request(here: Here) -> None:
    with here.client() as half, here.client() as idle:
        half.sendall(GET[:5])
        here.turn(lambda: len(here.worker.pending_conns) == 2)
        idle.sendall(GET)
        here.turn(lambda: len(here.worker.keepalived_conns) == 1)
        deadline = time.monotonic() + 1
        here.worker._cap_keepalive(deadline)
        assert [conn.timeout for conn in (*here.worker.pending_conns, *here.worker.keepalived_conns)] == [deadline] * 2


def test_one_long_request_too_many_is_cut_off_and_refused(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LONG_REQUESTS_BUDGET >= 8 * LONGEST_REQUEST
    monkeypatch.setattr(module, "LONG_REQUESTS_BUDGET", 3 * SHORT_REQUEST)
    start = HEAD + b"Content-Length: 900000\r\n\r\n" + b"x" * (2 * SHORT_REQUEST)

    def have_arrived(count: int) -> bool:
        return [len(conn.sock.collected) for conn in here.worker.pending_conns].count(len(start)) == count

    with here.client() as first, here.client() as second, here.client() as short:
        first.sendall(start)
        here.turn(lambda: have_arrived(1))
        second.sendall(start)
        here.turn(lambda: here.worker.nr_conns == 2)
        assert here.served == 1
        assert have_arrived(1), "the first goes on"
        short.sendall(GET)
        here.turn(lambda: here.served == 2)
        assert body_of(short) == b"0"


CUT_OFF = {
    "too long": b"Content-Length: %d\r\n" % (2 * LONGEST_REQUEST),
    "a length of many digits": b"Content-Length: 00000000000000000000000000%d\r\n" % len(GET),
    "a length beyond all bounds": b"Content-Length: %s\r\n" % (b"9" * 30),
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", CUT_OFF)
def test_what_follows_a_request_that_was_cut_off_is_never_taken_for_one(here: Here, name: str, together: bool) -> None:
    """Else a body would smuggle requests past a proxy, which sends those of many people over one connection."""
    head = HEAD + CUT_OFF[name] + b"\r\n"
    with here.client() as client:
        client.sendall(head + (GET[:7] if together else b""))
        here.turn(lambda: here.served == 1)
        with contextlib.suppress(OSError):
            client.sendall(GET * 3)
        here.turn(lambda: here.worker.nr_conns == 0)
    assert here.served == 1


def test_nor_is_what_follows_the_beginning_of_a_further_request(here: Here) -> None:
    with here.client() as client:
        client.sendall(GET + GET[:7])
        here.turn(lambda: here.served == 1)
        with contextlib.suppress(OSError):
            client.sendall(GET)
        here.turn(lambda: here.worker.nr_conns == 0)
    assert here.served == 1


def test_whoever_is_idle_for_longest_makes_room(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_CONNECTIONS", here.worker.worker_connections - 3)
    with here.client() as half, here.client() as idle:
        half.sendall(GET[:5])
        idle.sendall(GET)
        here.turn(lambda: len(here.worker.keepalived_conns) == 1 and here.worker.nr_conns == 2)
        assert body_of(idle) == b"0"
        with here.client() as third:
            third.sendall(GET)
            here.turn(lambda: here.served == 2)
            assert body_of(third) == b"0"
            assert idle.recv(1) == b"", "kept-alive ones go first"
            with here.client() as fourth:
                fourth.sendall(GET[:5])
                here.turn(lambda: here.worker.nr_conns == 2 and len(here.worker.pending_conns) == 2)
                assert third.recv(1) == b""


def test_there_may_be_nobody_who_is_idle(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_CONNECTIONS", here.worker.worker_connections)
    with here.client() as client:
        client.sendall(GET)
        here.turn(lambda: here.served == 1)
        assert body_of(client) == b"0"
