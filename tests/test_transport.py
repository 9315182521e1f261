# SPDX-License-Identifier: Apache-2.0
"""The bounds of outbound HTTP, below any peer's client."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from sandbox import faults
from sandbox.server import LoopbackServer
from webhook.runtime import http as transport
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.runtime.http import BoundedPoolManager, TooLarge, read_bounded, timeouts


class Stream(io.BytesIO):
    def read(self, amt: int | None = -1, decode_content: bool = True) -> bytes:
        return super().read(amt)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 100_000])
def test_a_body_within_the_limit_is_read_whole(size: int) -> None:
    assert read_bounded(Stream(b"x" * size), limit=100_000) == b"x" * size


def test_a_body_over_the_limit_is_given_up_on_early() -> None:
    stream = Stream(b"x" * 10_000_000)
    with pytest.raises(TooLarge):
        read_bounded(stream, limit=100_000)
    assert stream.tell() <= 100_000 + 64 * 1024


def test_the_limit_is_one_mebibyte() -> None:
    assert len(read_bounded(Stream(b"x" * (1 << 20)))) == 1 << 20
    with pytest.raises(TooLarge):
        read_bounded(Stream(b"x" * ((1 << 20) + 1)))


def test_a_call_has_three_seconds_to_connect_and_eight_to_read_or_what_is_left() -> None:
    assert timeouts() == (3.0, 8.0)
    with time_limit(1.0):
        connect, read = timeouts()
        assert 0 < connect <= 1.0
        assert 0 < read <= 1.0
    with time_limit(-1.0), pytest.raises(DeadlineExceeded):
        timeouts()


Get = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def get() -> Iterator[Get]:
    """One GET through a pool of ours."""
    pool = BoundedPoolManager()
    answers: list[urllib3.BaseHTTPResponse] = []

    def send(url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        answers.append(pool.request("GET", url, preload_content=False, **options))
        return answers[-1]

    yield send
    for answer in answers:
        answer.close()
    pool.clear()


def test_a_redirect_is_handed_over_and_not_followed(get: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda _: faults.redirect("/elsewhere")
    answer = get(peer.url, redirect=True, retries=5)
    assert (answer.status, len(peer.requests)) == (302, 1)


def test_a_failure_is_not_retried(get: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda _: faults.reset()
    with pytest.raises(HTTPError):
        get(peer.url, retries=5)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("headers", [True, False])
def test_an_answer_that_trickles_ends_with_the_time_limit(get: Get, peer: LoopbackServer, headers: bool) -> None:
    peer.faults = lambda _: faults.trickle(headers=headers, pause=0.1)
    begun = time.monotonic()
    with time_limit(0.2), pytest.raises((HTTPError, DeadlineExceeded)):
        read_bounded(get(peer.url, timeout=8.0))
    assert time.monotonic() - begun < 2.0


def test_a_name_without_an_address_is_an_error_of_urllib3s(get: Get) -> None:
    with pytest.raises(NewConnectionError):
        get("http://name.invalid")


def addresses_for(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(transport.socket, "getaddrinfo", lambda *_, **__: answer)


def test_the_next_address_is_tried_when_one_refuses(
    get: Get, peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
    addresses_for(monkeypatch, refusing, ("127.0.0.1", peer.port))
    peer.faults = lambda _: faults.answer(200, b"{}")
    assert get(peer.url).status == 200


def test_when_every_address_refuses_the_last_problem_is_told(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
    addresses_for(monkeypatch, refusing, refusing)
    with pytest.raises(NewConnectionError, match="refused"):
        get("http://kratos.invalid")


def test_a_name_whose_addresses_are_none_is_told_apart(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses_for(monkeypatch)
    with pytest.raises(NewConnectionError, match="no address"):
        get("http://kratos.invalid")


def test_all_addresses_share_one_connect_budget(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    # A listener whose queue is full answers no further connection, as a host behind a dropping firewall.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        address = silent.getsockname()
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        addresses_for(monkeypatch, *[address] * 8)
        monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.2)
        begun = time.monotonic()
        with pytest.raises(NewConnectionError):
            get("http://kratos.invalid")
        assert time.monotonic() - begun < 0.8
        for filler in fillers:
            filler.close()


def test_connections_are_reused(get: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda _: faults.answer(200, b"{}")
    for _ in range(5):
        read_bounded(get(peer.url))
    assert peer.connections == 1
