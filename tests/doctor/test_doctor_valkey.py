# SPDX-License-Identifier: Apache-2.0
"""The doctor at a Valkey: what is wrong with it, and that nothing is left behind. The password is never shown."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from coordination.conftest import make_server  # noqa: F401  # a fixture
from coordination.servers import Server, answering, listening
from support import settings_of

from webhook.commands.doctor import command, peers, valkey_check
from webhook.commands.doctor.findings import Severity
from webhook.valkey_url import ValkeyUrl

MakeServer = Callable[..., Server]


def ids(url: ValkeyUrl) -> list[str]:
    findings = valkey_check.check(url)
    assert all(finding.severity is Severity.WARNING and finding.where == "REDIS_URL" for finding in findings)
    assert "hush" not in str(findings)
    return [finding.id for finding in findings]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey_check, "CALL_SECONDS", 0.1)


def test_one_in_order(make_server: MakeServer) -> None:
    server = make_server()
    assert ids(server.url) == []
    assert server.expiries() == {}


def test_nobody_is_there(make_server: MakeServer) -> None:
    server = make_server()
    server.kill()
    [finding] = valkey_check.check(server.url)
    assert finding.id == "valkey-unreachable"
    assert finding.what == "ConnectionError: Connection refused; meanwhile each process decides alone"


@pytest.mark.usefixtures("quick")
def test_it_hangs_or_is_something_else(make_server: MakeServer) -> None:
    server = make_server()
    server.freeze()
    assert ids(server.url) == ["valkey-unreachable"]
    with listening(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        assert ids(url) == ["valkey-unreachable"]
    with listening(answering(b"+HUSH\r\n")) as url:
        assert ids(url) == ["valkey-unreachable"]


def test_it_refuses_us(make_server: MakeServer) -> None:
    server = make_server("--requirepass", "hush")
    assert ids(server.url) == ["valkey-refused"]
    assert ids(replace(server.url, password="hushhush")) == ["valkey-refused"]
    right = replace(server.url, password="hush")
    assert ids(right) == []
    server.do("ACL", "SETUSER", "reader", "on", ">hush", "~*", "+@read", "+ping", "+info", url=right)
    assert ids(replace(right, username="reader")) == ["valkey-refused"]


def test_it_takes_no_writes(make_server: MakeServer) -> None:
    server = make_server()
    server.do("REPLICAOF", "127.0.0.1", 1)
    assert ids(server.url) == ["valkey-not-writable"]
    server.do("REPLICAOF", "NO", "ONE")
    server.do("CONFIG", "SET", "maxmemory", 1)
    [finding] = valkey_check.check(server.url)
    assert (finding.id, finding.what.partition(":")[0]) == ("valkey-not-writable", "OutOfMemoryError")


def test_it_may_drop_keys(make_server: MakeServer) -> None:
    server = make_server("--maxmemory-policy", "allkeys-lru")
    [finding] = valkey_check.check(server.url)
    assert finding.id == "valkey-evicts"
    assert "allkeys-lru" in finding.what


def test_it_may_not_say_how_it_keeps_things(make_server: MakeServer) -> None:
    server = make_server("--maxmemory-policy", "allkeys-lru")
    server.do("ACL", "SETUSER", "default", "-info")
    assert ids(server.url) == []


def test_it_is_slow_and_says_little() -> None:
    def slow(connection: socket.socket) -> None:
        answers = iter([b"+PONG\r\n"] * 5 + [b"+OK\r\n", b":1\r\n", b"$4\r\nnone\r\n"])
        while connection.recv(65536):
            time.sleep(0.06)
            connection.sendall(next(answers))

    with listening(slow) as url:
        assert ids(url) == ["valkey-slow"]


@pytest.mark.usefixtures("quick")
def test_a_password_in_clear_through_the_internet() -> None:
    assert ids(ValkeyUrl(host="valkey.invalid", password="hush")) == ["valkey-not-tls", "valkey-unreachable"]
    assert ids(ValkeyUrl(host="valkey.invalid", password="hush", tls=True)) == ["valkey-unreachable"]


def test_it_is_one_of_the_checks(
    make_server: MakeServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "check_kratos", lambda settings: [])
    monkeypatch.setattr(peers, "check_jumio", lambda settings: ([], True))
    server, local = make_server("--requirepass", "hush"), "http://127.0.0.1:3000"
    settings = settings_of(REDIS_URL=f"unix://{server.url.path}", PUBLIC_URL=local, KRATOS_ADMIN_URL=local)
    assert command.run(settings, kratos_files=[], as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert [finding["id"] for finding in told["findings"]] == ["valkey-refused"]
    assert "valkey" in told["checked"]
