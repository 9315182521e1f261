# SPDX-License-Identifier: Apache-2.0
"""The real service as a child process on loopback, under its shipped gunicorn configuration."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import requests

from sandbox.server import free_port

# What a child needs of the environment, to run the same code; anything else could bring settings of the machine's own.
_INHERITED = ("PATH", "PYTHONPATH", "LANG", "COVERAGE_PROCESS_START", "TMPDIR")


class ServiceProcess:
    """`jumio-webhook serve`, up from `with` on; `environment` may be set until then.

    Its log is kept in a file, unless `log_to` is something else that a child process can write to. `command` starts it
    in another way.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        log_to: IO[bytes] | int | None = None,
        command: Sequence[str] = (sys.executable, "-m", "webhook", "serve"),
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._log_to = log_to
        self._command = command
        self._directory = tempfile.TemporaryDirectory(prefix="jumio-webhook-")
        self.log_path = Path(self._directory.name, "service.log")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._directory.cleanup()

    def start(self, *, timeout: float = 20) -> None:
        """Start it and wait for its first answer."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._directory.name,
                env=self.child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log if self._log_to is None else self._log_to,
                stderr=log if self._log_to is None else self._log_to,
            )
        give_up_at = time.monotonic() + timeout
        while True:
            try:
                if requests.get(f"{self.url}/health/alive", timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                self.stop()
                raise RuntimeError(f"the service did not start:\n{self.log()}")
            time.sleep(0.02)

    def child_environment(self) -> dict[str, str]:
        """The settings of the child and of further commands beside it (`run`)."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        listening = {"BIND_ADDRESS": "127.0.0.1", "PORT": str(self.port)}
        return {**inherited, **listening, **self.environment}

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Another command of the service with the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "webhook", *arguments],
            cwd=self._directory.name,
            env=self.child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers (by Linux' /proc)."""
        assert self.process
        try:
            return [
                int(pid)
                for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            ]
        except FileNotFoundError:
            return []

    def kill_workers(self, pids: Iterable[int] | None = None) -> None:
        """SIGKILL for all workers, or for these; gunicorn starts new ones."""
        for pid in self.workers() if pids is None else pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, *, timeout: float = 20) -> int | None:
        """SIGTERM, and SIGKILL if that does not end it; the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(timeout)

    def log(self) -> str:
        """Everything it has logged so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
