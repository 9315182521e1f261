# SPDX-License-Identifier: Apache-2.0
"""The bounds of outbound HTTP, below any peer's client, by both ways in which the clients send."""

import _socket
import contextlib
import gc
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import gevent
import pytest
import requests
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from doctor.certificates import Authority, key_of, make_certificate
from gevent import monkey

from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import LoopbackServer
from webhook.limits import MAX_ANSWER_BYTES
from webhook.runtime import http
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.runtime.http import (
    KEPT_CONNECTIONS,
    Adapter,
    Answer,
    Crowded,
    Outbound,
    PoolManager,
    TooLarge,
    Unreachable,
)

# One GET, at most so many seconds long.
Get = Callable[..., Answer]
SOON = 2.0
URLLIB3_TIMEOUTS = urllib3.Timeout(connect=http.TIMEOUTS[0], read=http.TIMEOUTS[1])


def by_urllib3() -> Iterator[Callable[[str], Any]]:
    """As ory_client sends."""
    pool = PoolManager()
    options = {"preload_content": False, "timeout": URLLIB3_TIMEOUTS, "redirect": True, "retries": 5}
    yield lambda url: pool.request("GET", url, **options)
    pool.clear()


def by_requests() -> Iterator[Callable[[str], Any]]:
    """As Jumio's client sends."""
    with requests.Session() as session:
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, Adapter())
        yield lambda url: session.get(url, timeout=http.TIMEOUTS, allow_redirects=False, stream=True).raw


@pytest.fixture(params=[by_urllib3, by_requests])
def send(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    yield from request.param()


@pytest.fixture
def outbound() -> Outbound:
    return Outbound("kratos", at_most=2 * KEPT_CONNECTIONS)


@pytest.fixture
def get(send: Callable[[str], Any], outbound: Outbound) -> Get:
    return lambda url, at_most=10.0: outbound.exchange("get", lambda: send(url), at_most=at_most)


def at_once(count: int, work: Callable[[], object]) -> list[object]:
    """What came of each, an exception included."""

    def caught() -> object:
        try:
            return work()
        except Exception as error:
            return error

    greenlets = [gevent.spawn(caught) for _ in range(count)]
    gevent.joinall(greenlets)
    return [greenlet.value for greenlet in greenlets]


# --- answers ---


def test_an_answer_is_read_whole_and_logged(get: Get, peer: LoopbackServer, log_lines: list[str]) -> None:
    peer.faults = lambda _: faults.answer(418, b'{"a": 1}', {"X-Some": "thing"})
    answer = get(peer.url)
    assert (answer.status, answer.body, answer.headers["x-some"]) == (418, b'{"a": 1}', "thing")
    [line] = log_lines
    assert ' outbound {"peer": "kratos", "operation": "get", "code": 418, "duration_ms": ' in line


@pytest.mark.parametrize("declared", [True, False])
def test_the_longest_answer_that_is_read(get: Get, peer: LoopbackServer, declared: bool) -> None:
    body = b"x" * MAX_ANSWER_BYTES
    peer.faults = lambda _: Fault(faults.Kind.ANSWER, body=body, declared=declared)
    assert get(peer.url).body == body


@pytest.mark.parametrize("declared", [True, False])
def test_a_longer_one_is_given_up_on(get: Get, peer: LoopbackServer, declared: bool) -> None:
    link = '</next>; rel="next"'
    body = b"x" * (MAX_ANSWER_BYTES + 1)
    peer.faults = lambda _: Fault(faults.Kind.ANSWER, headers={"Link": link}, body=body, declared=declared)
    with pytest.raises(TooLarge) as raised:
        get(peer.url)
    assert raised.value.link == link


def test_an_endless_one_is_given_up_on_early(get: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda _: faults.oversize(64, declared=False)
    begun = time.monotonic()
    with pytest.raises(TooLarge):
        get(peer.url)
    assert time.monotonic() - begun < SOON
    peer.faults = lambda _: faults.answer(200)
    get(peer.url)
    assert peer.connections == 2, "a connection with a rest in it is not used again"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_handed_over_and_not_followed(get: Get, peer: LoopbackServer, status: int) -> None:
    peer.faults = lambda _: faults.redirect(f"{peer.url}/elsewhere", status)
    assert get(peer.url).status == status
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [413, 429, 500, 503])
def test_no_answer_makes_it_try_again(get: Get, peer: LoopbackServer, status: int) -> None:
    peer.faults = lambda _: faults.answer(status, headers={"Retry-After": "0"})
    assert get(peer.url).status == status
    assert len(peer.requests) == 1


# --- no answer ---


def test_a_connection_that_breaks_is_not_tried_again(get: Get, peer: LoopbackServer, log_lines: list[str]) -> None:
    peer.faults = lambda _: faults.reset()
    with pytest.raises(Unreachable, match=r"^\w+$"):
        get(peer.url)
    assert len(peer.requests) == 1
    assert [" outbound " in line and '"code": ' not in line for line in log_lines] == [True]


def test_a_body_that_breaks_off(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(4096)
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

        serving = gevent.spawn(serve)
        with pytest.raises(Unreachable):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}")
        serving.get()


def test_what_is_not_http(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(4096)
                accepted.sendall(b"220 smtp.example.com ESMTP\r\n")

        serving = gevent.spawn(serve)
        with pytest.raises(Unreachable):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}")
        serving.get()


def test_nobody_listens(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable):
        get(f"http://127.0.0.1:{port}")


def test_a_name_without_an_address(get: Get) -> None:
    with pytest.raises(Unreachable):
        get("http://name.invalid")


def test_the_next_address_is_tried_when_one_refuses(
    get: Get, peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in (refusing, ("127.0.0.1", peer.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    peer.faults = lambda _: faults.answer(200, b"{}")
    assert get(f"http://kratos.invalid:{peer.port}").body == b"{}"


def test_all_addresses_share_the_time_for_connecting(
    get: Get, silent_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)
    port = int(silent_host.rpartition(":")[2])
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 20)
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        get(f"http://kratos.invalid:{port}")
    assert 0.15 < time.monotonic() - begun < SOON


def test_an_address_that_is_silent_leaves_time_for_the_next(
    get: Get, peer: LoopbackServer, silent_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route that drops everything: what IPv6, or a zone that is down, often is."""
    monkeypatch.setattr(http, "CONNECT_SECONDS", 1.0)
    peer_is_far_away(peer, monkeypatch, seconds=0.3)
    silent = ("127.0.0.1", int(silent_host.rpartition(":")[2]))
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in (silent, ("127.0.0.1", peer.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    peer.faults = lambda _: faults.answer(200, b"{}")
    assert get(f"http://kratos.invalid:{peer.port}").body == b"{}"


def test_the_time_for_connecting_begins_when_the_addresses_are_known(
    get: Get, peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first resolver that is down takes seconds, until the next one is asked."""
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.5)
    peer_is_far_away(peer, monkeypatch, seconds=0.1)

    def slow(*_: Any, **__: Any) -> Any:
        gevent.sleep(0.6)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    peer.faults = lambda _: faults.answer(200, b"{}")
    assert get(f"http://kratos.invalid:{peer.port}").body == b"{}"


def peer_is_far_away(peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """So long a connection to it takes."""
    connect = socket.socket.connect

    def slow(self: socket.socket, address: Any) -> Any:
        if address[1] == peer.port:
            allowed = self.gettimeout()
            gevent.sleep(seconds if allowed is None else min(seconds, allowed))
            if allowed is not None and allowed < seconds:
                raise TimeoutError
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", slow)


def test_an_address_of_a_family_that_is_refused_is_no_end(
    get: Get, peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As IPv6 is where the system, or what confines the process, forbids it."""
    port = peer.port
    refused = (1000, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
    addresses = [refused, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    peer.faults = lambda _: faults.answer(200, b"{}")
    assert get(f"http://kratos.invalid:{port}").body == b"{}"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [refused])
    with pytest.raises(Unreachable, match=r"^\w+$"):
        get(f"http://another.invalid:{port}")


def test_what_must_hold_before_it_is_sent_is_asked_when_the_connection_is_there(
    send: Callable[[str], Any], outbound: Outbound, peer: LoopbackServer
) -> None:
    sent: list[int] = []
    for _ in range(2):  # on a new connection, and on the one that was kept
        outbound.exchange(
            "get", lambda: send(peer.url), at_most=10.0, before_sending=lambda: sent.append(len(peer.requests))
        )
    assert (sent, peer.connections, len(peer.requests)) == ([0, 1], 1, 2)

    def refuse() -> None:
        raise KeyError("not now")

    with pytest.raises(KeyError):
        outbound.exchange("get", lambda: send(peer.url), at_most=10.0, before_sending=refuse)
    assert len(peer.requests) == 2


# --- time ---


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The system's resolver finds no end."""
    end = monkey.get_original("_thread", "allocate_lock")()  # a real one: names are resolved in real threads
    end.acquire()

    def hang(*_: Any) -> Any:
        end.acquire(timeout=30)
        end.release()
        raise _socket.gaierror(_socket.EAI_AGAIN, "in vain")

    monkeypatch.setattr(_socket, "getaddrinfo", hang)
    yield "http://kratos.invalid"
    end.release()


@pytest.fixture
def silent_host() -> Iterator[str]:
    """A listener whose queue is full answers no further connection, as a host behind a firewall that drops."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for filler in fillers:
            filler.close()


@pytest.fixture
def no_garbage() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def never_answers(peer: LoopbackServer) -> str:
    peer.faults = lambda _: faults.hang()
    return peer.url


@pytest.fixture
def trickles_its_head(peer: LoopbackServer) -> str:
    peer.faults = lambda _: faults.trickle(headers=True, pause=0.05)
    return peer.url


@pytest.fixture
def trickles_its_body(peer: LoopbackServer) -> str:
    peer.faults = lambda _: faults.trickle(pause=0.05)
    return peer.url


@pytest.mark.parametrize(
    "peer_that",
    ["hanging_names", "silent_host", "never_answers", "trickles_its_head", "trickles_its_body"],
)
def test_a_call_ends_with_the_time_allowed(
    get: Get, outbound: Outbound, request: pytest.FixtureRequest, peer_that: str
) -> None:
    url: str = request.getfixturevalue(peer_that)
    for allowed, at_most in ((0.2, 10.0), (10.0, 0.2)):
        begun = time.monotonic()
        with time_limit(allowed), pytest.raises(DeadlineExceeded):
            get(url, at_most=at_most)
        assert 0.15 < time.monotonic() - begun < SOON


def test_nothing_stays_open_until_the_garbage_is_collected(get: Get, silent_host: str, no_garbage: None) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    for _ in range(3):
        with pytest.raises(DeadlineExceeded):
            get(silent_host, at_most=0.1)
    assert opened() <= before, "what others left behind may be gone by now"


def test_a_call_that_was_broken_off_leaves_no_connection_behind(get: Get, peer: LoopbackServer) -> None:
    """What arrives on it later would be taken for the next call's answer."""
    peer.faults = lambda _: faults.hang(0.2)
    with pytest.raises(DeadlineExceeded):
        get(peer.url, at_most=0.1)
    peer.faults = lambda _: faults.answer(200, b"new")
    assert get(peer.url).body == b"new"
    assert peer.connections == 2


def test_nothing_is_sent_once_the_time_is_used_up(get: Get, peer: LoopbackServer) -> None:
    with time_limit(-1.0), pytest.raises(DeadlineExceeded):
        get(peer.url)
    assert (peer.connections, len(peer.requests)) == (0, 0)


def test_others_go_on_while_one_waits(get: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda request: faults.hang() if request.path == "/slow" else faults.answer(200)
    waiting = gevent.spawn(get, f"{peer.url}/slow")
    assert peer.wait(lambda server: server.count("GET", "/slow") == 1)
    begun = time.monotonic()
    assert [get(peer.url).status for _ in range(5)] == [200] * 5
    assert time.monotonic() - begun < SOON
    waiting.kill()


# --- places ---


@pytest.fixture
def narrow(send: Callable[[str], Any]) -> Get:
    """One call at a time."""
    outbound = Outbound("jumio", at_most=1)
    return lambda url, at_most=10.0: outbound.exchange("get", lambda: send(url), at_most=at_most)


def test_a_call_waits_for_its_place(narrow: Get, peer: LoopbackServer) -> None:
    now, most = 0, 0

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        nonlocal now, most
        now += 1
        most = max(now, most)
        gevent.sleep(0.02)
        now -= 1
        start_response("200 OK", [])
        return []

    peer.app = app
    assert [getattr(answer, "status", answer) for answer in at_once(5, lambda: narrow(peer.url))] == [200] * 5
    assert (most, peer.connections) == (1, 1)


def test_whoever_finds_no_place_in_time_is_told_so_and_sends_nothing(
    narrow: Get, peer: LoopbackServer, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    monkeypatch.setattr(http, "PLACE_SECONDS", 0.2)
    peer.faults = lambda _: faults.hang()
    waiting = gevent.spawn(narrow, peer.url)
    assert peer.wait(lambda server: len(server.requests) == 1)
    begun = time.monotonic()
    assert [type(raised) for raised in at_once(3, lambda: narrow(peer.url))] == [Crowded] * 3
    assert 0.15 < time.monotonic() - begun < SOON
    assert len(peer.requests) == 1
    waiting.kill()
    assert ["Crowded" in line for line in log_lines] == [True, True, True, False]


def test_waiting_for_a_place_counts_for_the_time_allowed(narrow: Get, peer: LoopbackServer) -> None:
    peer.faults = lambda _: faults.hang()
    waiting = gevent.spawn(narrow, peer.url)
    assert peer.wait(lambda server: len(server.requests) == 1)
    begun = time.monotonic()
    with time_limit(0.2), pytest.raises((Crowded, DeadlineExceeded)):
        narrow(peer.url)
    assert 0.15 < time.monotonic() - begun < http.PLACE_SECONDS
    waiting.kill()


@pytest.mark.parametrize(
    "fault", [faults.reset(), faults.hang(), faults.trickle(), faults.oversize(2)], ids=lambda fault: fault.kind.name
)
def test_a_place_is_given_back_whatever_happens(narrow: Get, peer: LoopbackServer, fault: Fault) -> None:
    peer.faults = lambda _: fault
    for _ in range(2):
        with pytest.raises((Unreachable, DeadlineExceeded, TooLarge)):
            narrow(peer.url, at_most=0.2)
    peer.faults = lambda _: faults.answer(200)
    assert narrow(peer.url).status == 200


# --- connections ---


def test_connections_are_used_again_and_those_of_a_burst_are_not_kept(get: Get, peer: LoopbackServer) -> None:
    burst = 2 * KEPT_CONNECTIONS
    together = Barrier(burst + 1)

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        together.wait(5)
        start_response("200 OK", [])
        return []

    for made in (burst, burst + KEPT_CONNECTIONS):
        peer.app = app
        calls = gevent.spawn(at_once, burst, lambda: get(peer.url))
        together.wait(5)
        assert [getattr(answer, "status", answer) for answer in calls.get()] == [200] * burst
        assert peer.connections == made
    peer.app = None
    for _ in range(5):
        get(peer.url)
    assert peer.connections == burst + KEPT_CONNECTIONS


# --- TLS ---


@dataclass
class Secured:
    """A peer that speaks TLS: answers every request with the request's path. `closes`: then hangs up."""

    port: int
    authority: Path
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    pause: float = 0.0
    closes: bool = False

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def accept(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                gevent.spawn(self.serve, connection, context)

    def serve(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            while head := secured.recv(65536):
                method, path = head.split()[:2]
                self.asked.append(f"{method.decode()} {path.decode()}")
                close = b"Connection: close\r\n" if self.closes else b""
                for byte in b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (close, len(path), path):
                    secured.sendall(bytes((byte,)))
                    gevent.sleep(self.pause)
                if self.closes:
                    break


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    key = key_of("ecdsa")
    certificate = make_certificate("authority", key, issuer=name, signed_by=key, days=9, is_authority=True)
    authority = Authority(key, certificate, tmp_path / "authority.pem")
    authority.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(tmp_path, kind="ecdsa"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Secured(listener.getsockname()[1], authority.file)
        accepting = gevent.spawn(made.accept, listener, context)
        yield made
        accepting.kill()


@pytest.fixture(params=["urllib3", "requests"])
def get_secured(request: pytest.FixtureRequest, secured: Secured, outbound: Outbound) -> Iterator[Get]:
    trusted = str(secured.authority)
    pool = PoolManager(ca_certs=trusted)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", Adapter())
        sends = {
            "urllib3": lambda url: pool.request("GET", url, preload_content=False, timeout=URLLIB3_TIMEOUTS),
            "requests": lambda url: session.get(url, timeout=http.TIMEOUTS, stream=True, verify=trusted).raw,
        }
        send = sends[request.param]
        yield lambda url, at_most=10.0: outbound.exchange("get", lambda: send(url), at_most=at_most)
    pool.clear()


def test_the_same_by_tls(get_secured: Get, secured: Secured) -> None:
    assert [get_secured(f"{secured.url}/{number}").body for number in range(3)] == [b"/0", b"/1", b"/2"]
    assert secured.connections == 1
    answers = at_once(20, lambda: get_secured(f"{secured.url}/many"))
    assert [getattr(answer, "body", answer) for answer in answers] == [b"/many"] * 20
    secured.pause = 0.05
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        get_secured(secured.url, at_most=0.3)
    assert time.monotonic() - begun < SOON


def test_the_authorities_are_read_once_and_not_for_each_connection(
    get_secured: Get, secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them takes tens of milliseconds, in which nobody else is served."""
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **kwargs: read.append(args) or load(*args, **kwargs)
    )
    answers = at_once(20, lambda: get_secured(f"{secured.url}/many"))
    assert [getattr(answer, "body", answer) for answer in answers] == [b"/many"] * 20
    assert (secured.connections, len(read)) == (20, 1)


def another_authority() -> bytes:
    key = key_of("ecdsa")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")])
    certificate = make_certificate("another", key, issuer=name, signed_by=key, days=9, is_authority=True)
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_authorities_that_are_renewed_count_for_the_next_connection(get_secured: Get, secured: Secured) -> None:
    secured.closes = True
    right = secured.authority.read_bytes()
    assert get_secured(secured.url).body == b"/"
    made = len(http._contexts)
    for wrong in (another_authority(), b"", None):
        if wrong is None:
            secured.authority.unlink()
        else:
            secured.authority.write_bytes(wrong)
        with pytest.raises(Unreachable):
            get_secured(secured.url)
        secured.authority.write_bytes(right)
        assert get_secured(secured.url).body == b"/"
    assert len(http._contexts) == made, "what was made of the old ones is gone"


def test_so_do_those_of_the_system(outbound: Outbound, secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    system = secured.authority.with_name("system.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    pool = PoolManager()
    send = partial(pool.request, "GET", secured.url, preload_content=False, timeout=URLLIB3_TIMEOUTS)
    for content in (None, another_authority()):
        if content is not None:
            system.write_bytes(content)
        with pytest.raises(Unreachable):
            outbound.exchange("get", send, at_most=5.0)
    new = system.with_name("new.pem")  # as it is done with care: moved into its place, perhaps with the time of before
    new.write_bytes(secured.authority.read_bytes())
    new.replace(system)
    assert outbound.exchange("get", send, at_most=5.0).body == b"/"
    pool.clear()


def test_whom_one_peer_trusts_no_other_peer_trusts(get: Get, get_secured: Get, secured: Secured) -> None:
    assert get_secured(secured.url).status == 200
    with pytest.raises(Unreachable):
        get(secured.url)


# As above: the proxy breaks off within a handshake, the one behind it.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_proxy_that_speaks_tls_is_trusted_by_the_same_authorities(outbound: Outbound, secured: Secured) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", Adapter())
        options = {"proxies": {"https": secured.url}, "verify": str(secured.authority), "stream": True}
        with pytest.raises(Unreachable):
            outbound.exchange("get", lambda: session.get("https://jumio.invalid/", **options).raw, at_most=5.0)
    assert secured.asked[0] == "CONNECT jumio.invalid:443"


def test_a_certificate_for_another_host(get_secured: Get, secured: Secured) -> None:
    with pytest.raises(Unreachable):
        get_secured(secured.url.replace("localhost", "127.0.0.1"))


def test_a_certificate_that_is_not_trusted(get: Get, secured: Secured) -> None:
    with pytest.raises(Unreachable):
        get(secured.url)


# What is broken off within a handshake is closed by nobody, until nobody knows it any more, which is at once.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_host_that_says_nothing_to_tls(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(DeadlineExceeded):
        get(f"https://127.0.0.1:{listener.getsockname()[1]}", at_most=0.2)
