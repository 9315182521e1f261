# SPDX-License-Identifier: Apache-2.0
"""The wire to Valkey: whatever is at the other end, a call ends in time, and no text of that end's gets past it."""

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from doctor.certificates import Authority
from support import IDENTITY

from coordination.servers import answering, listening, refused, shared_at
from webhook.coordination import client as client_module
from webhook.coordination.client import Client, Failed
from webhook.errors import Busy
from webhook.limits import COORDINATION_SECONDS, VALKEY_ANSWER_BYTES, VALKEY_CONNECTIONS
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.valkey_url import ValkeyUrl

BROKEN_OFF = COORDINATION_SECONDS + 0.25


def as_it_is(answer: Any) -> Any:
    return answer


def failure_at(converse: Callable[[socket.socket], None], *, convert: Callable[[Any], Any] = as_it_is) -> Failed:
    """What one call to such a server says; however it goes, it is over in time."""
    with listening(converse) as url:
        client = Client(url)
        begun = time.monotonic()
        failed = refused(lambda: client.call(convert, "GET", "key"))
        assert time.monotonic() - begun < BROKEN_OFF
        client.close()
    return failed


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def trickling(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"$1000\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def hanging_up(connection: socket.socket) -> None:
    connection.recv(65536)


def endless(connection: socket.socket) -> None:
    connection.recv(65536)
    while True:
        connection.sendall(b"+" + b"x" * 65536)


def endless_list(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"*1000000000\r\n")
    while True:
        connection.sendall(b":1\r\n" * 1000)


@pytest.mark.parametrize(
    ("converse", "cause"),
    [
        (silent, "no answer in time"),
        (trickling, "no answer in time"),
        (hanging_up, "ConnectionError"),
        (endless, "ConnectionError"),
        (endless_list, "ConnectionError"),
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "InvalidResponse"),
        (answering(b"$many\r\n"), "ValueError"),
        (answering(b"$999999999999\r\n"), "no answer in time"),
        (answering(b"*1\r\n" * 10_000), "RecursionError"),
        (answering(b"\r\n"), "ConnectionError"),
        (answering(b"\xff\xfe\x00\r\n"), "InvalidResponse"),
        (answering(b"-LOADING Redis is loading the dataset in memory\r\n"), "BusyLoadingError"),
        (answering(b"-NOAUTH Authentication required.\r\n"), "AuthenticationError"),
    ],
)
def test_a_server_that_is_none_or_not_well(converse: Callable[[socket.socket], None], cause: str) -> None:
    failed = failure_at(converse)
    assert str(failed) == cause
    assert not failed.answered


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "OutOfMemoryError"),
        (b"-READONLY You can't write against a read only replica.\r\n", "ReadOnlyError"),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "ResponseError MISCONF"),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", "ResponseError MOVED"),
        (b"-NOPERM this user has no permissions\r\n", "NoPermissionError"),
        (b"-ERR unknown command 'AUTH', with args beginning with: 'hush'\r\n", "ResponseError"),
        (b"-HUSH\r\n", "ResponseError"),
    ],
)
def test_a_server_that_says_no(answer: bytes, cause: str) -> None:
    failed = failure_at(answering(answer))
    assert str(failed) == cause
    assert failed.answered
    assert failed.denied is (cause == "NoPermissionError")


def test_an_answer_that_is_none_to_this_question() -> None:
    failed = failure_at(answering(b"+OK\r\n"), convert=lambda answer: answer["x"])
    assert (str(failed), failed.answered) == ("TypeError", False)


def test_nobody_listens(tmp_path: Path) -> None:
    with listening(silent) as url:
        pass
    assert str(refused(lambda: Client(url).call(as_it_is, "PING"))) == "ConnectionError: Connection refused"
    url = ValkeyUrl(path=str(tmp_path / "none"))
    assert "No such file" in str(refused(lambda: Client(url).call(as_it_is, "PING")))


@pytest.mark.parametrize("host", ["valkey.invalid", "a" * 64 + ".example"])
def test_a_host_without_an_address(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(name: str, *arguments: Any) -> Any:
        """No test asks anybody's name server."""
        if name == "valkey.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(name, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    said = str(refused(lambda: Client(ValkeyUrl(host=host)).call(as_it_is, "PING")))
    assert said in (
        "ConnectionError: Name or service not known",
        "ConnectionError: the host is no name that can be looked up",
    )


def test_a_lookup_that_hangs_takes_one_thread_however_often_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = threading.Event()

    with listening(answering(b"+PONG\r\n")) as url:

        def getaddrinfo(host: str, *_: Any) -> Any:
            asked.append(host)
            answer.wait()
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (url.host, url.port))]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        client = Client(ValkeyUrl(host="valkey.example"), seconds=0.05)
        for _ in range(3):
            assert str(refused(lambda: client.call(as_it_is, "PING"))) == "no answer in time"
        assert asked == ["valkey.example"]
        answer.set()
        gevent.sleep(0.01)
        assert client.call(as_it_is, "PING") == b"PONG"
        client.close()


def test_of_several_addresses_one_that_works_is_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answering(b"+PONG\r\n")) as url, socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        addresses: list[Any] = []
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: addresses)
        assert "has no address" in str(refused(lambda: Client(url).call(as_it_is, "PING")))
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # whoever comes now is neither taken nor refused
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        found = (deaf.getsockname(), (url.host, url.port))
        addresses += [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found]
        client = Client(url)
        assert client.call(as_it_is, "PING") == b"PONG"
        client.close()
        for each in waiting:
            each.close()


def test_a_connection_that_is_not_made_is_closed_when_it_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest would tell of a socket that is left to the garbage collector."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        url = ValkeyUrl(host="127.0.0.1", port=deaf.getsockname()[1])
        client = Client(url, seconds=5.0)
        with time_limit(0.05), pytest.raises(DeadlineExceeded):
            client.call(as_it_is, "PING")
        for each in waiting:
            each.close()


def test_all_connections_are_taken() -> None:
    with listening(silent) as url:
        client = Client(url, seconds=0.3)
        calls = [gevent.spawn(refused, lambda: client.call(as_it_is, "PING")) for _ in range(VALKEY_CONNECTIONS)]
        gevent.sleep(0)
        client._seconds = 0.1
        failed = refused(lambda: client.call(as_it_is, "PING"))
        assert (str(failed), failed.answered) == ("no connection was free in time", True)
        gevent.joinall(calls)
        assert {str(call.value) for call in calls} == {"no answer in time"}
        client.close()


def test_an_answer_may_be_as_long_as_the_bound() -> None:
    text = b"x" * (VALKEY_ANSWER_BYTES - 20)
    with listening(answering(b"$%d\r\n%b\r\n" % (len(text), text))) as url:
        client = Client(url)
        for _ in range(3):
            assert client.call(as_it_is, "GET", "key") == text
        client.close()


def test_an_answer_that_came_too_late_is_nobody_elses() -> None:
    answers = itertools.count()

    def late(connection: socket.socket) -> None:
        while connection.recv(65536):
            number = next(answers)
            if number == 0:
                time.sleep(0.1)
            connection.sendall(b":%d\r\n" % number)

    with listening(late) as url:
        client = Client(url, seconds=0.05)
        assert str(refused(lambda: client.call(as_it_is, "GET", "a"))) == "no answer in time"
        time.sleep(0.1)
        assert client.call(as_it_is, "GET", "b") == 1
        client.close()


def test_what_was_said_without_being_asked_is_no_answer() -> None:
    def chatty(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(b":1\r\n:2\r\n")

    with listening(chatty) as url:
        client = Client(url)
        assert [client.call(as_it_is, "GET", "a") for _ in range(3)] == [1, 1, 1]
        client.close()


@pytest.mark.parametrize(
    "answer", [b"+QUEUED\r\n", b":7\r\n", b"$3\r\nabc\r\n", b"*1\r\n*0\r\n", b"*0\r\n", b"$2\r\n\xff\xff\r\n"]
)
def test_answers_of_the_wrong_kind_are_taken_for_none(answer: bytes) -> None:
    """Nothing is raised, whatever comes; and what must be bounded stays so."""
    for call in (
        lambda shared: shared.paid(IDENTITY),
        lambda shared: shared.remember_paid(IDENTITY, "x"),
        lambda shared: shared.may_look(IDENTITY),
        lambda shared: shared.count("start"),
        lambda shared: shared.room("start", leaving=2),
        lambda shared: shared.schedule(IDENTITY, 1.0),
        lambda shared: shared.unschedule(IDENTITY),
        lambda shared: shared.take_due(5, lease=5),
        lambda shared: shared.next_due(),
        lambda shared: shared.mark_complete(5),
    ):
        with listening(answering(answer)) as url, shared_at(url) as shared:
            call(shared)
            try:
                with shared.starting(IDENTITY):
                    pass
            except Busy:
                assert answer == b":7\r\n"


# --- TLS ---


@pytest.fixture
def serve(authority: Authority, tmp_path: Path) -> Iterator[Callable[[str], ValkeyUrl]]:
    """A Valkey on loopback, behind a certificate of this name."""
    with contextlib.ExitStack() as stack:

        def start(name: str) -> ValkeyUrl:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.issue(tmp_path, kind="rsa", host=name))

            def converse(connection: socket.socket) -> None:
                with context.wrap_socket(connection, server_side=True) as secured:
                    answering(b"+PONG\r\n")(secured)

            plain = stack.enter_context(listening(converse))
            return ValkeyUrl(host="localhost", port=plain.port, tls=True, ca_certs=str(authority.file))

        yield start


def test_tls(serve: Callable[[str], ValkeyUrl]) -> None:
    client = Client(serve("localhost"))
    for _ in range(2):
        assert client.call(as_it_is, "PING") == b"PONG"
    client.close()


def test_a_certificate_of_another_name_or_of_nobody_we_trust(serve: Callable[[str], ValkeyUrl]) -> None:
    url = serve("another.example")
    assert "Hostname mismatch" in str(refused(lambda: Client(url).call(as_it_is, "PING")))
    unknown = ValkeyUrl(host="localhost", port=url.port, tls=True)
    assert "unable to get local issuer" in str(refused(lambda: Client(unknown).call(as_it_is, "PING")))


@pytest.mark.parametrize(
    ("converse", "cause"), [(answering(b"-ERR\r\n"), "ConnectionError"), (silent, "no answer in time")]
)
def test_one_that_speaks_no_tls_or_hangs_in_the_handshake(
    converse: Callable[[socket.socket], None], cause: str
) -> None:
    with listening(converse) as url:
        client = Client(ValkeyUrl(host="localhost", port=url.port, tls=True))
        assert str(refused(lambda: client.call(as_it_is, "PING"))).startswith(cause)


def test_a_connection_shows_no_password() -> None:
    url = ValkeyUrl(host="valkey", password="hush")
    shown = repr(client_module._Connection(dial=client_module._Dial(url, 1.0), password="hush"))
    assert "valkey" in shown
    assert "hush" not in shown
