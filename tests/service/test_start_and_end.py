# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook serve` as a process: bad settings, a port in use, a log nobody takes, and an end without losses."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
import requests
from support import REQUIRED

from sandbox import faults
from sandbox.server import LoopbackServer
from sandbox.service import ServiceProcess
from sandbox.world import CALLBACK_SECRET, ORY_SECRET, World, world

from .conftest import ALONE, wait_for_workers

AUTH = {"Authorization": f"Bearer {ORY_SECRET}"}
HOOK = {"identity": {"id": "9f425a8d-7efc-4768-8f23-7647a74fdf13", "metadata_public": None}}
ALIVE = b"GET /health/alive HTTP/1.1\r\nHost: x\r\n\r\n"
BODY_HALF_SENT = (
    f"POST /jumio/validate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ORY_SECRET}\r\nContent-Length: 100\r\n\r\n{{"
).encode()
SETTINGS = {**ALONE, "ORY_WEBHOOK_SECRET": ORY_SECRET}


def serve(tmp_path: Path, *, timeout: float = 30, **environment: str) -> subprocess.CompletedProcess[str]:
    """A `serve` that is expected to end by itself, away from any `.env`."""
    return subprocess.run(
        [sys.executable, "-m", "webhook", "serve"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "BIND_ADDRESS": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_without_settings_all_that_is_missing_is_named(tmp_path: Path) -> None:
    ended = serve(tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    for name in REQUIRED:
        assert f"- {name} is missing\n" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_all_bad_settings_are_named_at_once_without_their_secrets(tmp_path: Path) -> None:
    bad = {
        "ORY_WEBHOOK_SECRET": f"{ORY_SECRET},,{CALLBACK_SECRET}",
        "KRATOS_ADMIN_URL": "kratos",
        "ORY_API_KEY": "ory_apikey_of\tthe_tests",
        "PORT": "http",
        "WEB_CONCURRENCY": "0",
        "PUBLIC_URL": "http://plain.example.com",
        "BLOCK_LOGIN_STATUSES": "rejected,denied",
        "ON_REJECTED": "delete",
        "LOG_LEVEL": "loud",
        "LOG_FORMAT": "xml",
        "JUMIO_TOKEN_LIFETIME": "forever",
    }
    ended = serve(tmp_path, **{**SETTINGS, **bad})
    assert ended.returncode == 2
    for name in bad:
        assert f"- {name} " in ended.stderr
    for secret in (
        ORY_SECRET,
        CALLBACK_SECRET,
        "ory_apikey",
        *(REQUIRED[name] for name in REQUIRED if "SECRET" in name),
    ):
        assert secret not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_told_and_ends_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = serve(tmp_path, **SETTINGS, PORT=str(taken.getsockname()[1]))
        assert ended.returncode not in (0, None)
        assert str(taken.getsockname()[1]) in ended.stderr
        assert "in use" in ended.stderr
        assert "Traceback" not in ended.stderr


# --- logs that nobody takes ---


def without_a_reader() -> IO[bytes]:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "wb", buffering=0)


def full() -> IO[bytes]:
    return Path("/dev/full").open("wb", buffering=0)


class Muted(ServiceProcess):
    """A service whose standard output and error are what `output` opens, or closed."""

    shell = 'exec "$0" -m webhook serve'

    def __init__(self, output: IO[bytes]) -> None:
        super().__init__({**SETTINGS, "LOG_LEVEL": "debug"})
        self.output = output

    def start(self, *, timeout: float = 20) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", self.shell, sys.executable],
            cwd=self._directory.name,
            env=self.child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )
        self.wait_for_the_first_answer(timeout)

    def wait_for_the_first_answer(self, timeout: float) -> None:
        give_up_at = time.monotonic() + timeout
        while True:
            assert self.process is not None
            assert self.process.poll() is None
            assert time.monotonic() < give_up_at
            try:
                assert requests.get(f"{self.url}/health/alive", timeout=2).json() == {"status": "ok"}
            except requests.ConnectionError:
                time.sleep(0.02)
            else:
                return


class Closed(Muted):
    shell = 'exec "$0" -m webhook serve >&- 2>&-'


def works(service: ServiceProcess) -> None:
    """All is answered as usual, the errors that log most included."""
    for _ in range(5):
        url = f"{service.url}/jumio"
        assert requests.post(f"{url}/validate", json=HOOK, headers=AUTH, timeout=10).json() == {"status": "none"}
        assert requests.post(f"{url}/validate", json=HOOK, timeout=10).status_code == 401
        assert requests.post(f"{url}/initiate", json=HOOK, headers=AUTH, timeout=10).status_code == 503
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400")
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            answer = b""
            while more := connection.recv(4096):
                answer += more
            assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
            assert answer.endswith(b'"}\n')
            assert b'"event"' not in answer


@pytest.mark.parametrize(("kind", "output"), [(Muted, without_a_reader), (Muted, full), (Closed, full)])
def test_a_log_that_nobody_takes_does_no_harm(kind: type[Muted], output: object) -> None:
    assert callable(output)
    with output() as nowhere, kind(nowhere) as service:
        works(service)
        assert service.stop() == 0


@pytest.mark.parametrize("output", [without_a_reader, full])
def test_sync_as_a_companion_outlives_its_log(output: object) -> None:
    assert callable(output)
    with world(kratos_binary=None, WEB_CONCURRENCY="1") as here, output() as nowhere:
        companion = subprocess.Popen(
            [sys.executable, "-m", "webhook", "sync", "--every", "1"],
            env=here.service.child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=nowhere,
            stderr=nowhere,
        )
        try:
            kratos: LoopbackServer = here.kratos.server
            assert kratos.wait(lambda server: server.count("GET", "/admin/identities") >= 2, timeout=5)
            companion.send_signal(signal.SIGTERM)
            assert companion.wait(10) == 0
        finally:
            companion.kill()
            companion.wait()


# --- the end ---


@pytest.fixture
def here() -> Iterator[World]:
    with world(kratos_binary=None) as started:
        yield started


@pytest.mark.parametrize("peer", ["jumio", "kratos"])
def test_sigterm_finishes_what_waits_for_a_slow_peer(here: World, peer: str) -> None:
    identity_id = here.kratos.create_identity("ada@example.com")
    slow: LoopbackServer = getattr(here, peer).server
    method, path = {"jumio": ("POST", "/api/v1/accounts"), "kratos": ("PATCH", "/admin/identities/.*")}[peer]
    slow.faults = lambda request: faults.hang(0.8) if (request.method, request.path[:7]) == (method, path[:7]) else None
    process = here.service.process
    assert process is not None
    with ThreadPoolExecutor() as pool:
        waiting = [
            pool.submit(
                requests.post,
                f"{here.service.url}/jumio/initiate",
                json={"identity": {"id": identity_id}},
                headers=AUTH,
                timeout=15,
            )
            for _ in range(3)  # of which two wait for the first
        ]
        assert slow.wait(lambda server: server.count(method, path) >= 1)
        process.send_signal(signal.SIGTERM)
        answers = [one.result().json() for one in waiting]
    assert [answer["status"] for answer in answers] == ["pending"] * 3
    assert len({answer["workflow_execution_id"] for answer in answers}) == len(here.jumio.truth(identity_id))
    assert process.wait(15) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{here.service.url}/health/alive", timeout=2)


def test_it_ends_within_two_seconds_when_idle() -> None:
    """Whatever is connected, and whatever of a request has been sent."""
    half_done = (b"", b"POST /jumio/validate HTTP/1.1\r\n", ALIVE, ALIVE + b"GET /hea", BODY_HALF_SENT)
    with ServiceProcess(SETTINGS) as service, contextlib.ExitStack() as stack:
        for start in half_done * 20:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=5))
            client.sendall(start)
            if start.startswith(ALIVE):
                assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 2


def test_it_ends_though_nobody_reads_its_log() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as nowhere, Muted(nowhere) as service:
        for _ in range(400):  # more than a pipe holds
            assert requests.post(f"{service.url}/jumio/validate", json=HOOK, headers=AUTH, timeout=5).status_code == 200
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 5


@pytest.fixture
def two_workers() -> Iterator[World]:
    with world(kratos_binary=None, WEB_CONCURRENCY="2") as started:
        wait_for_workers(started.service, 2)
        yield started


def test_nothing_is_left_behind(two_workers: World) -> None:
    here = two_workers
    process = here.service.process
    assert process is not None
    requests.post(f"{here.service.url}/jumio/validate", json=HOOK, headers=AUTH, timeout=5)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    counters = {place.parent for pid in children for place in Path("/dev/shm").glob(f"jumio-webhook-*/*_{pid}.db")}  # noqa: S108
    assert len(children) == 2
    assert len(counters) == 1
    assert here.service.stop() == 0
    assert not any(place.exists() for place in counters)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
