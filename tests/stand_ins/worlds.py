# SPDX-License-Identifier: Apache-2.0
"""What the fixtures are made of: a Kratos of either kind whose hooks call a recorder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
from flask import Flask

from sandbox.people import Kratos
from sandbox.server import LoopbackServer
from sandbox.start import find_kratos

SECRET = "hook-secret"
KINDS = ("stand-in", "real")


@dataclass
class World:
    """A Kratos of either kind, and the server its hooks call: 200 `{}` unless `hooks.faults` says otherwise."""

    kind: str
    kratos: Kratos
    hooks: LoopbackServer

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call to the admin API."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.kratos.admin_url + path, timeout=10, **options)

    def new_identity(self) -> str:
        return self.kratos.create_identity(email())


def email() -> str:
    return f"{uuid4().hex}@example.com"


def recorder() -> Flask:
    app = Flask("recorder")

    @app.post("/<path:_path>")
    def anything(_path: str) -> dict[str, str]:
        return {}

    return app


def binary_for(kind: str) -> str | None:
    """None for the stand-in; skips the test when a real Kratos is asked for and there is none."""
    if kind == "stand-in":
        return None
    binary = find_kratos()
    if binary is None:
        pytest.skip("no real Kratos: KRATOS_BIN is not set and no kratos is on the PATH")
    return binary
