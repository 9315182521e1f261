# SPDX-License-Identifier: Apache-2.0
"""A real Kratos on loopback: `RealKratos` writes its configuration, runs the binary and drives its native flows."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from webhook.sandbox.people import PASSWORD, Login, Registration, messages_of
from webhook.sandbox.server import free_port

# No verification or recovery address: either would make registration do more than these tests look at.
IDENTITY_SCHEMA = {
    "$id": "https://example.com/person.schema.json",
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Person",
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {
                "email": {
                    "type": "string",
                    "format": "email",
                    "title": "E-mail",
                    "ory.sh/kratos": {
                        "credentials": {
                            "password": {"identifier": True},
                            "code": {"identifier": True, "via": "email"},
                        }
                    },
                }
            },
            "required": ["email"],
            "additionalProperties": False,
        }
    },
}
START_SECONDS = 30.0
STOP_SECONDS = 10.0
MAIL_SECONDS = 10.0


class RealKratos:
    """Runs from `with` on, on free ports and with a database in memory; `configuration` is YAML with the hooks."""

    def __init__(self, configuration: str, *, binary: str) -> None:
        self._hooks, self._binary = configuration, binary
        self._process: subprocess.Popen[bytes] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self._version = ""
        self.public_url = self.admin_url = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-kratos-")
        folder = Path(self._folder.name)
        public, admin = free_port(), free_port()
        self.public_url, self.admin_url = f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}"
        (folder / "identity.schema.json").write_text(json.dumps(IDENTITY_SCHEMA))
        (folder / "kratos.yml").write_text(json.dumps(self._configuration(folder, public, admin)))
        (folder / "hooks.yml").write_text(self._hooks)
        self.log_file = folder / "kratos.log"
        # A later -c file's lists replace an earlier one's, just as for whoever deploys ory-actions.yaml.
        command = [self._binary, "serve", "-c", str(folder / "kratos.yml"), "-c", str(folder / "hooks.yml")]
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

    def register(self, email: str, *, method: str = "password") -> Registration:
        url = self._new_flow("registration")
        traits = {"traits": {"email": email}}
        if method == "password":
            reply = self._submit(url, {"method": "password", "password": PASSWORD, **traits})
        else:
            reply = self._submit(url, {"method": "code", **traits})
            if reply.json().get("state") == "sent_email":
                code = self._mailed_code(email, "registration")
                reply = self._submit(url, {"method": "code", "code": code, **traits})
        body = reply.json()
        identity_id = body.get("identity", {}).get("id")
        return Registration(
            identity_id, body.get("session_token"), reply.status_code, messages_of(body), body.get("error")
        )

    def login(self, email: str, *, method: str = "password") -> Login:
        url = self._new_flow("login")
        if method == "password":
            reply = self._submit(url, {"method": "password", "identifier": email, "password": PASSWORD})
        else:
            reply = self._submit(url, {"method": "code", "identifier": email})
            if reply.json().get("state") == "sent_email":
                code = self._mailed_code(email, "login")
                reply = self._submit(url, {"method": "code", "identifier": email, "code": code})
        body = reply.json()
        token = body.get("session_token")
        return Login(token is not None, token, reply.status_code, messages_of(body), body.get("error"))

    def whoami(self, session_token: str) -> dict[str, Any] | None:
        reply = self._http.get(
            f"{self.public_url}/sessions/whoami", headers={"X-Session-Token": session_token}, timeout=10
        )
        found: dict[str, Any] = reply.json()
        return found if reply.status_code == 200 else None

    def create_identity(self, email: str) -> str:
        body = {"schema_id": "default", "traits": {"email": email}}
        reply = self._http.post(f"{self.admin_url}/admin/identities", json=body, timeout=10)
        reply.raise_for_status()
        return str(reply.json()["id"])

    def identity(self, identity_id: str) -> dict[str, Any]:
        reply = self._http.get(f"{self.admin_url}/admin/identities/{identity_id}", timeout=10)
        if reply.status_code == 404:
            raise KeyError(identity_id)
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        url = f"{self.admin_url}/admin/identities/{identity_id}/sessions"
        reply = self._http.get(url, params={"active": "true"}, timeout=10)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    def _configuration(self, folder: Path, public: int, admin: int) -> dict[str, Any]:
        return {
            "dsn": "memory",
            "serve": {
                "public": {"host": "127.0.0.1", "port": public, "base_url": f"{self.public_url}/"},
                "admin": {"host": "127.0.0.1", "port": admin, "base_url": f"{self.admin_url}/"},
            },
            "identity": {
                "default_schema_id": "default",
                "schemas": [{"id": "default", "url": (folder / "identity.schema.json").as_uri()}],
            },
            "selfservice": {
                "default_browser_return_url": "http://127.0.0.1/",
                "methods": {
                    # The look-up of leaked passwords would leave this machine.
                    "password": {"enabled": True, "config": {"haveibeenpwned_enabled": False}},
                    "code": {"enabled": True, "passwordless_enabled": True},
                },
            },
            "secrets": {"cookie": [secrets.token_hex(16)], "cipher": [secrets.token_hex(16)]},
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            # Nobody listens there: mails stay in the queue, where the admin API shows them.
            "courier": {"smtp": {"connection_uri": "smtp://sandbox:sandbox@127.0.0.1:1/?disable_starttls=true"}},
            "log": {"level": "info", "format": "json"},
        }

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

    def _new_flow(self, kind: str) -> str:
        reply = self._http.get(f"{self.public_url}/self-service/{kind}/api", timeout=10)
        reply.raise_for_status()
        return f"{self.public_url}/self-service/{kind}?flow={reply.json()['id']}"

    def _submit(self, url: str, body: dict[str, Any]) -> requests.Response:
        # Long enough for three attempts of a hook.
        return self._http.post(url, json=body, timeout=60)

    def _mailed_code(self, email: str, kind: str) -> str:
        """The newest code; Kratos queues the mail before it answers, the courier is a moment behind at most."""
        deadline = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < deadline:
            reply = self._http.get(f"{self.admin_url}/admin/courier/messages", params={"recipient": email}, timeout=10)
            mails = [mail for mail in reply.json() if mail["template_type"] == f"{kind}_code_valid"]
            if mails and (found := re.search(r"\b\d{6}\b", max(mails, key=lambda mail: mail["created_at"])["body"])):
                return found[0]
            time.sleep(0.02)
        raise TimeoutError(f"no {kind} code for {email}")
