# SPDX-License-Identifier: Apache-2.0
"""Calls the service's hooks as Kratos does, three attempts, with the bodies that jsonnet/*.jsonnet make."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter

from sandbox.hooks import ATTEMPTS, USER_AGENT

# Kratos: 1 s, 2 s and 30 s.
WAITS = (0.05, 0.1)
TIMEOUT = 15


class Hooks:
    """Safe to share between threads. `answers` holds (hook, status) of every attempt, 0 for one without an answer."""

    def __init__(self, url: Callable[[], str], secret: str, *, unanswered: Callable[[str, float, float], None]) -> None:
        """Each attempt goes to whatever `url` says then.

        `unanswered` is told of each attempt without an answer: identity id, begin and end.
        """
        self._url, self._unanswered = url, unanswered
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=32))
        self._session.headers.update({"Authorization": f"Bearer {secret}", "User-Agent": USER_AGENT})
        self._lock = threading.Lock()
        self._pause = threading.Event()
        self._answers: list[tuple[str, int]] = []

    def close(self) -> None:
        self._session.close()

    @property
    def answers(self) -> list[tuple[str, int]]:
        with self._lock:
            return list(self._answers)

    def initiate(self, identity_id: str) -> tuple[int, Any]:
        """(status, JSON) of the last attempt; status 0 when none got an answer."""
        return self._run("initiate", {"identity": {"id": identity_id}})

    def validate(self, identity: dict[str, Any]) -> tuple[int, Any]:
        """The same, for the identity as it stands in Kratos."""
        record = (identity["metadata_public"] or {}).get("jumio")
        public = None if record is None else {"jumio": record}
        return self._run("validate", {"identity": {"id": identity["id"], "metadata_public": public}})

    def _run(self, hook: str, body: dict[str, Any]) -> tuple[int, Any]:
        body["flow"] = {"id": str(uuid4()), "type": "browser"}
        headers = {"Ory-Webhook-Trigger-ID": str(uuid4())}
        status, answer = 0, None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause.wait(WAITS[attempt - 1])
            begun = time.time()
            try:
                reply = self._session.post(
                    f"{self._url()}/jumio/{hook}", json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
                )
                status, answer = reply.status_code, reply.json()
            except requests.RequestException:
                status, answer = 0, None
                self._unanswered(body["identity"]["id"], begun, time.time())
            with self._lock:
                self._answers.append((hook, status))
            if status not in (0, 429) and status < 500:
                break
        return status, answer
