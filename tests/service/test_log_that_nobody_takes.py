# SPDX-License-Identifier: Apache-2.0
"""A log whose reader has stopped, has gone, or was never there: all is answered as usual, and the end is no later."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import requests
from support import AUTH

from sandbox.server import LoopbackServer
from sandbox.service import ServiceProcess
from sandbox.world import World, world

from .conftest import ALONE, HOOK

CLOSED = ("/bin/sh", "-c", 'exec "$0" -m webhook serve >&- 2>&-', sys.executable)
PIPE_BYTES = 4096


@contextlib.contextmanager
def a_full_disk() -> Iterator[IO[bytes]]:
    with Path("/dev/full").open("wb", buffering=0) as full:
        yield full


@contextlib.contextmanager
def a_reader_that_has_gone() -> Iterator[IO[bytes]]:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as broken:
        yield broken


@contextlib.contextmanager
def a_reader_that_stopped() -> Iterator[IO[bytes]]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as unread:
        yield unread


@contextlib.contextmanager
def nothing_at_all() -> Iterator[None]:
    """Standard output and error are closed."""
    yield None


def works(service: ServiceProcess) -> None:
    """All is answered as usual, the errors that log most included."""
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
        assert b'"event"' not in answer, "what is logged went where an answer belongs"


def lines_lost(service: ServiceProcess) -> float:
    told = requests.get(f"{service.url}/metrics/prometheus", headers=AUTH, timeout=5).text
    [value] = re.findall(r"^jumio_webhook_log_lines_lost_total (\S+)$", told, re.MULTILINE)
    return float(value)


@pytest.mark.parametrize("where", [a_full_disk, a_reader_that_has_gone, a_reader_that_stopped, nothing_at_all])
def test_a_log_that_nobody_takes_does_no_harm(where: type[contextlib.AbstractContextManager[IO[bytes] | None]]) -> None:
    settings = {**ALONE, "LOG_LEVEL": "debug"}
    with where() as log:
        started = ServiceProcess(settings, command=CLOSED) if log is None else ServiceProcess(settings, log_to=log)
        with started as service:
            for _ in range(5):  # some 40 lines of 200 bytes
                works(service)
            # Lines for a pipe that is not read wait for a reader, as long as there is room for them.
            assert (lines_lost(service) > 0) is (where is not a_reader_that_stopped)
            begun = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - begun < 3


def test_a_worker_that_is_killed_then_is_replaced() -> None:
    with a_full_disk() as full, ServiceProcess(ALONE, log_to=full) as service:
        works(service)
        killed = service.workers()
        service.kill_workers(killed)
        give_up_at = time.monotonic() + 10
        while service.workers() in ([], killed):
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        works(service)


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(kratos_binary=None) as started:
        yield started


def test_sync_as_a_companion_outlives_its_log(here: World) -> None:
    kratos: LoopbackServer = here.kratos.server
    with contextlib.ExitStack() as stack:
        companions = []
        for where in (a_full_disk, a_reader_that_has_gone):
            nowhere = stack.enter_context(where())
            companion = subprocess.Popen(
                [sys.executable, "-m", "webhook", "sync", "--every", "1"],
                env=here.service.child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=nowhere,
                stderr=nowhere,
            )
            stack.callback(companion.wait)
            stack.callback(companion.kill)
            companions.append(companion)
        # Each sweeps at its start and a second later.
        assert kratos.wait(lambda server: server.count("GET", "/admin/identities") >= 4, timeout=15)
        time.sleep(0.1)  # for the report of the last one
        for companion in companions:
            companion.send_signal(signal.SIGTERM)
        assert [companion.wait(10) for companion in companions] == [0, 0]
