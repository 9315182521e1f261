# SPDX-License-Identifier: Apache-2.0
"""The loopback server: what it records, each fault as a client sees it, and that closing is prompt."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, request

from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import LoopbackServer, free_port

BODY = b'{"answer":42}'


def app() -> Flask:
    made = Flask("echo")
    made.config["SEEN"] = []

    @made.route("/<path:path>", methods=["GET", "POST", "DELETE"])
    def any_path(path: str) -> Response:
        made.config["SEEN"].append((request.method, path, request.query_string, request.get_data()))
        if request.method == "DELETE":
            return Response(status=204)
        return Response(BODY, headers={"X-Answer": "yes"}, content_type="application/json")

    return made


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(app()) as running:
        yield running


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def seen(server: LoopbackServer) -> list[object]:
    assert isinstance(server.app, Flask)
    found: list[object] = server.app.config["SEEN"]
    return found


def inject(server: LoopbackServer, fault: Fault) -> None:
    server.faults = lambda _: fault


def test_records_and_keeps_the_connection(server: LoopbackServer, client: requests.Session) -> None:
    reply = client.post(f"{server.url}/a%20b?q=%C3%BC", data=b"\x00body", headers={"X-Some": "thing"})
    assert (reply.status_code, reply.content, reply.headers["x-answer"]) == (200, BODY, "yes")
    client.post(f"{server.url}/chunked", data=iter([b"one", b"two"]))
    assert client.delete(f"{server.url}/gone").status_code == 204
    assert client.head(f"{server.url}/head").content == b""
    assert server.connections == 1
    first, second, *_ = server.requests
    assert (first.method, first.path, first.query, first.body) == ("POST", "/a b", "q=%C3%BC", b"\x00body")
    assert first.headers["x-some"] == "thing"
    assert second.body == b"onetwo"
    assert seen(server)[:2] == [("POST", "a b", b"q=%C3%BC", b"\x00body"), ("POST", "chunked", b"", b"onetwo")]
    assert [reply.status for reply in server.replies] == [200, 200, 204, 200]
    assert server.replies[0].body == BODY
    assert (server.count("POST", "/.*"), server.count("POST", "/chunk"), server.count("GET", ".*")) == (2, 0, 0)
    server.clear()
    assert (server.requests, server.replies, server.connections) == ([], [], 0)


def test_an_app_can_come_later(client: requests.Session) -> None:
    with LoopbackServer() as server:
        assert client.get(server.url).status_code == 503
        server.app = app()
        assert client.get(f"{server.url}/x").content == BODY


def test_a_fixed_port(client: requests.Session) -> None:
    port = free_port()
    for _ in range(2):
        with LoopbackServer(app(), port=port) as server:
            assert server.port == port
            assert client.get(f"http://127.0.0.1:{port}/x").content == BODY
        client.close()


def test_faults_can_depend_on_the_request(server: LoopbackServer, client: requests.Session) -> None:
    server.faults = lambda request: faults.answer(429, b"{}") if request.path == "/limited" else None
    assert client.get(f"{server.url}/limited").status_code == 429
    assert client.get(f"{server.url}/free").content == BODY


def test_answer(server: LoopbackServer, client: requests.Session) -> None:
    inject(server, faults.answer(503, b"<busy>", {"Retry-After": "7", "Content-Type": "text/html"}))
    reply = client.get(f"{server.url}/x")
    assert (reply.status_code, reply.content, reply.headers["Retry-After"]) == (503, b"<busy>", "7")
    assert reply.headers["Content-Type"] == "text/html"
    assert seen(server) == []


def test_redirect(server: LoopbackServer, client: requests.Session) -> None:
    inject(server, faults.redirect("http://192.0.2.1/", 307))
    reply = client.get(f"{server.url}/x", allow_redirects=False)
    assert (reply.status_code, reply.headers["Location"]) == (307, "http://192.0.2.1/")


def test_garbage(server: LoopbackServer, client: requests.Session) -> None:
    inject(server, faults.garbage())
    reply = client.get(f"{server.url}/x")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        reply.json()


@pytest.mark.parametrize("declared", [True, False])
def test_oversize(server: LoopbackServer, client: requests.Session, declared: bool) -> None:
    inject(server, faults.oversize(2, declared=declared))
    reply = client.get(f"{server.url}/x")
    assert len(reply.json()["padding"]) == 2 << 20
    assert ("Content-Length" in reply.headers) is declared


@pytest.mark.parametrize("processed", [False, True])
def test_reset(server: LoopbackServer, client: requests.Session, processed: bool) -> None:
    inject(server, faults.reset(processed=processed))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.post(f"{server.url}/x")
    assert len(seen(server)) == processed
    assert [reply.status for reply in server.replies] == [0]
    server.faults = None
    assert client.get(f"{server.url}/x").content == BODY


@pytest.mark.parametrize("processed", [False, True])
def test_hang_for_a_while(server: LoopbackServer, client: requests.Session, processed: bool) -> None:
    inject(server, faults.hang(0.3, processed=processed))
    with pytest.raises(requests.ReadTimeout):
        client.get(f"{server.url}/x", timeout=0.1)
    assert len(seen(server)) == processed
    assert client.get(f"{server.url}/x").content == BODY


def test_trickled_body(server: LoopbackServer, client: requests.Session) -> None:
    inject(server, faults.trickle(pause=0.01))
    reply = client.get(f"{server.url}/x", stream=True)
    assert reply.headers["Content-Length"] == str(len(BODY))
    chunks = [reply.raw.read1() for _ in range(2)]
    assert all(len(chunk) < len(BODY) for chunk in chunks)
    assert b"".join(chunks) + reply.raw.read() == BODY


def test_trickled_headers_outlive_a_read_timeout(server: LoopbackServer, client: requests.Session) -> None:
    inject(server, faults.trickle(headers=True, pause=0.002))
    started = time.monotonic()
    assert client.get(f"{server.url}/x", timeout=0.1).content == BODY
    assert time.monotonic() - started > 0.1, "each byte renews a timeout that is per read"


@pytest.mark.parametrize("fault", [faults.hang(), faults.hang(60), faults.trickle(pause=60)], ids=lambda f: f.kind.name)
def test_closing_is_prompt(fault: Fault) -> None:
    with LoopbackServer(app()) as server:
        inject(server, fault)
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        waiting[0].sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting[1].sendall(b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
        assert server.wait(lambda server: len(server.requests) == 1 and server.connections == 3)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    for connection in waiting:
        connection.settimeout(5)
        while connection.recv(4096):
            pass
        connection.close()


def test_wait_is_woken(server: LoopbackServer, client: requests.Session) -> None:
    thread = threading.Thread(target=lambda: client.get(f"{server.url}/x"))
    thread.start()
    assert server.wait(lambda server: len(server.replies) == 1)
    thread.join()
    assert not server.wait(lambda server: len(server.replies) == 2, timeout=0.01)


def test_a_port_that_was_given_out_is_given_to_nobody_else_and_can_be_listened_on() -> None:
    """Else two programs of tests that run beside each other answer in each other's place."""
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))  # as whoever asks for any port does
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with socket.create_server(("127.0.0.1", port)) as listener:
        socket.create_connection(listener.getsockname(), timeout=5).close()
