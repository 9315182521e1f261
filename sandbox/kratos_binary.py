# SPDX-License-Identifier: Apache-2.0
"""A real Kratos on loopback: `RealKratos` runs the binary and asks its admin API; its people are `NativeClient`."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.kratos_configuration import IDENTITY_SCHEMA, configuration
from sandbox.kratos_native import NativeClient
from sandbox.server import free_port

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class RealKratos(NativeClient):
    """Runs from `with` on, on free ports and with a database in memory; `hooks` are YAML, a later one on top."""

    def __init__(self, *hooks: str, binary: str) -> None:
        super().__init__()
        self._hooks, self._binary = hooks, binary
        self._process: subprocess.Popen[bytes] | None = None
        self._version = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-kratos-")
        folder = Path(self._folder.name)
        public, admin = free_port(), free_port()
        self.public_url, self.admin_url = f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}"
        (folder / "identity.schema.json").write_text(json.dumps(IDENTITY_SCHEMA))
        (folder / "kratos.yml").write_text(json.dumps(self._configuration(folder, public, admin)))
        files = [folder / "kratos.yml", *(folder / f"hooks-{number}.yml" for number in range(len(self._hooks)))]
        for file, text in zip(files[1:], self._hooks, strict=True):
            file.write_text(text)
        self.log_file = folder / "kratos.log"
        # A later -c file's lists replace an earlier one's, just as for whoever deploys ory-actions.yaml.
        command = [self._binary, "serve", *(part for file in files for part in ("-c", str(file)))]
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--dev", "--sqa-opt-out"], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._version = self._find_version()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._http.close()
        self._folder.cleanup()

    @property
    def version(self) -> str:
        return self._version

    def create_identity(self, email: str) -> str:
        body = {"schema_id": "default", "traits": {"email": email}}
        reply = self._http.post(f"{self.admin_url}/admin/identities", json=body, timeout=10)
        reply.raise_for_status()
        return str(reply.json()["id"])

    def identity(self, identity_id: str) -> dict[str, Any]:
        reply = self._get(f"/admin/identities/{identity_id}")
        if reply.status_code == 404:
            raise KeyError(identity_id)
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        reply = self._get(f"/admin/identities/{identity_id}/sessions", active="true")
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    def _get(self, path: str, **query: str) -> requests.Response:
        """On SQLite a busy Kratos asks even readers to try again, by a 400."""
        for _ in range(10):
            reply = self._http.get(self.admin_url + path, params=query, timeout=10)
            if reply.status_code != 400 or b"Unable to serialize access" not in reply.content:
                break
            time.sleep(0.02)
        return reply

    def _configuration(self, folder: Path, public: int, admin: int) -> dict[str, Any]:
        return configuration(folder, public_port=public, admin_port=admin)

    def _wait_until_ready(self) -> None:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"kratos ended at start:\n{self.log_file.read_text()[-4000:]}")
            try:
                if self._http.get(f"{self.admin_url}/health/ready", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"kratos is not ready after {START_SECONDS} s:\n{self.log_file.read_text()[-4000:]}")

    def _find_version(self) -> str:
        """What it calls itself; a binary built from a checkout says "master", its file name says more."""
        version = str(self._http.get(f"{self.admin_url}/version", timeout=10).json()["version"])
        return version if re.search(r"\d", version) else f"{version} ({Path(self._binary).name})"
