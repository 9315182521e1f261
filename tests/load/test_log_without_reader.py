# SPDX-License-Identifier: Apache-2.0
"""A log that nobody takes costs lines, never a request: a pipe holds 64 KiB, some 270 lines."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks import load, people
from benchmarks.servers import environment
from sandbox.service import ServiceProcess

VALIDATES = 2000
NOWHERE = "http://127.0.0.1:9"  # nothing here calls anybody
CLOSED = ("/bin/sh", "-c", 'exec "$0" -m webhook serve >&- 2>&-', sys.executable)


@pytest.fixture(params=["never read", "closed", "full"])
def log_goes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(log_goes: str) -> Iterator[ServiceProcess]:
    settings = {**environment(NOWHERE), "LOG_LEVEL": "info"}
    with Path("/dev/full").open("wb", buffering=0) as full:
        log: dict[str, Any] = {
            "never read": {"log_to": subprocess.PIPE},
            "closed": {"command": CLOSED},
            "full": {"log_to": full},
        }
        started = ServiceProcess(settings, **log[log_goes])
        try:
            with started:
                yield started
        finally:
            assert started.process is not None
            for pipe in (started.process.stdout, started.process.stderr):
                if pipe is not None:
                    pipe.close()


def lines_lost(service: ServiceProcess) -> float:
    headers = {"Authorization": f"Bearer {people.SECRET}"}
    told = requests.get(f"{service.url}/metrics/prometheus", headers=headers, timeout=5).text
    [value] = re.findall(r"^jumio_webhook_log_lines_lost_total (\S+)$", told, re.MULTILINE)
    return float(value)


def test_sign_ins_go_on_and_the_end_is_soon(service: ServiceProcess, log_goes: str) -> None:
    job = load.Job(port=service.port, connections=8, count=VALIDATES, requests=[people.validate()], seconds=15)
    outcome = load.run(job)
    assert outcome.statuses == {"200": VALIDATES}
    assert outcome.percentile(99) < 0.25
    # Lines for a pipe that is not read wait for a reader, as long as there is room for them.
    assert (lines_lost(service) > 0) == (log_goes != "never read")
    begun = time.monotonic()
    assert service.stop(timeout=10) == 0
    assert time.monotonic() - begun < 5
