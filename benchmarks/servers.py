# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured, each as a child process under the shipped gunicorn configuration."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import load, people
from sandbox.server import free_port
from sandbox.service import ServiceProcess

SERVERS = ("bare WSGI", "plain Flask", "the service")
START_SECONDS = 30


def environment(peers_url: str) -> dict[str, str]:
    """The settings of all of them."""
    return {
        "ORY_WEBHOOK_SECRET": people.SECRET,
        "KRATOS_ADMIN_URL": peers_url,
        "JUMIO_AUTH_URL": f"{peers_url}/oauth2/token",
        "JUMIO_API_BASE_URL": f"{peers_url}/api/v1",
        "JUMIO_CLIENT_ID": "benchmark",
        "JUMIO_CLIENT_SECRET": "benchmark-client-secret",
        "JUMIO_CALLBACK_SECRET": people.SECRET,
        "PUBLIC_URL": people.PUBLIC_URL,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }


class Server:
    """One of them."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        self.name, self.port = name, free_port()
        kind = {"bare WSGI": ["benchmarks.baseline", "bare"], "plain Flask": ["benchmarks.baseline", "flask"]}
        self._arguments = kind.get(name, ["webhook", "serve"])
        self._service = ServiceProcess(settings, port=self.port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until the first answered validate."""
        begun = time.perf_counter()
        with self._service.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._arguments], env=self._service.child_environment(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise SystemExit(f"{self.name} did not start:\n{self._service.log()}")
            time.sleep(0.002)
        return time.perf_counter() - begun

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10):
                pass
            return self.load([people.validate()], count=1).statuses == {"200": 1}
        except OSError:
            return False

    def load(self, requests: Sequence[str], *, count: int, connections: int = 1) -> load.Outcome:
        job = load.Job(port=self.port, connections=connections, count=count, requests=requests)
        return load.perform(job) if count == 1 else load.run(job)
