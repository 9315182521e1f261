# SPDX-License-Identifier: Apache-2.0
"""SIGTERM: what is in flight is answered, and whoever is idle or half done holds nothing up.

test_worker.py has the same in detail, test_log_that_nobody_takes.py the end while nobody reads the log.
"""

import contextlib
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support import ORY_SECRET

from sandbox import faults
from sandbox.service import ServiceProcess
from sandbox.wire import Request
from sandbox.world import ORY_SECRET as SANDBOX_SECRET
from sandbox.world import world

from .conftest import ALONE

ALIVE = b"GET /health/alive HTTP/1.1\r\nHost: x\r\n\r\n"
BODY_HALF_SENT = (
    f"POST /jumio/validate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ORY_SECRET}\r\nContent-Length: 100\r\n\r\n{{"
).encode()


def test_it_ends_within_two_seconds_when_idle() -> None:
    """Whatever is connected, and whatever of a request has been sent."""
    half_done = (b"", b"POST /jumio/validate HTTP/1.1\r\n", ALIVE, ALIVE + b"GET /hea", BODY_HALF_SENT)
    with ServiceProcess(ALONE) as service, contextlib.ExitStack() as stack:
        for start in half_done * 20:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=5))
            client.sendall(start)
            if start.startswith(ALIVE):
                assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 2


def test_what_waits_for_a_slow_peer_is_answered() -> None:
    with world(kratos_binary=None) as here, ThreadPoolExecutor() as pool:
        by_jumio, by_kratos = (here.kratos.create_identity(f"{name}@example.com") for name in ("ada", "ben"))
        jumio, kratos = here.jumio.server, here.kratos.server

        def starting_is_slow(request: Request) -> faults.Fault | None:
            return faults.hang(0.8) if by_jumio.encode() in request.body else None

        def writing_is_slow(request: Request) -> faults.Fault | None:
            return faults.hang(0.8) if request.method == "PATCH" and by_kratos in request.path else None

        def initiate(identity_id: str) -> requests.Response:
            body, headers = {"identity": {"id": identity_id}}, {"Authorization": f"Bearer {SANDBOX_SECRET}"}
            return requests.post(f"{here.service.url}/jumio/initiate", json=body, headers=headers, timeout=15)

        jumio.faults, kratos.faults = starting_is_slow, writing_is_slow
        process = here.service.process
        assert process is not None
        people = [by_jumio, by_kratos] * 3  # of which two each wait for the first
        waiting = [pool.submit(initiate, identity_id) for identity_id in people]
        assert jumio.wait(lambda server: server.count("POST", "/api/v1/accounts") == 2), here.service.log()
        assert kratos.wait(lambda server: server.count("PATCH", "/admin/identities/.*") >= 1)
        process.send_signal(signal.SIGTERM)
        answers = [one.result().json() for one in waiting]

        assert [answer["status"] for answer in answers] == ["pending"] * 6
        for identity_id in (by_jumio, by_kratos):
            [workflow] = here.jumio.truth(identity_id)
            assert [a["workflow_execution_id"] for a in answers].count(workflow.id) == 3
        assert process.wait(15) == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{here.service.url}/health/alive", timeout=2)
