# SPDX-License-Identifier: Apache-2.0
"""People who register, are verified and sign in, and what must be true of them once the faults have stopped."""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import Workflow
from sandbox.kratos import KratosStandIn
from sandbox.kratos_admin import NIL
from sandbox.world import CALLBACK_SECRET, ORY_SECRET, World, world

from .hooks import Hooks
from .ledger import Ledger

# The contract's table (section 4), written down once more: by workflow status and decision type.
PROCESSED = {
    "PASSED": ("approved", "PASSED"),
    "WARNING": ("review", "WARNING"),
    "REJECTED": ("rejected", "FAILED"),
    "NOT_EXECUTED": ("incomplete", None),
}
EXPIRED = ("SESSION_EXPIRED", "TOKEN_EXPIRED")
SHARED = ("status", "verdict", "account_id", "workflow_execution_id", "initiated_at", "decided_at")
HISTORY_LENGTH = 10
LONG_AGO = "2000-01-01T00:00:00.000Z"
LEAKS = (
    "authorizationToken",
    "eyJ",
    "JANE",
    "1111111",
    "1990-01-01",
    r"/jumio/verify/[\w-]{9}",
    r"\w@\w",
    r"\bDOE\b",
    "Traceback",
)


class Town:
    """A `World` whose calls are watched, with hooks that are called as Kratos would."""

    def __init__(self, here: World, ledger: Ledger, hooks: Hooks) -> None:
        self.here, self.ledger, self.hooks = here, ledger, hooks
        self.people: dict[str, str] = {}  # id: name

    def register(self, name: str) -> str:
        """A new identity with the session that the `session` hook gives; its hook is yet to be called."""
        identity_id = self.kratos.create_identity(f"{name}@example.com")
        self.kratos.identities.sign_in(identity_id, "password")
        self.people[identity_id] = name
        return identity_id

    def login(self, identity_id: str) -> int:
        """The status of the login gate; 200 gives a session."""
        status, _ = self.hooks.validate(self.kratos.identity(identity_id))
        if status == 200:
            self.kratos.identities.sign_in(identity_id, "password")
        return status

    @property
    def kratos(self) -> KratosStandIn:
        assert isinstance(self.here.kratos, KratosStandIn)
        return self.here.kratos

    def copies(self, identity_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The public and the admin copy of the record; empty where there is none."""
        return copies_of(self.kratos, identity_id)

    def untrue(self, identity_id: str) -> list[str]:
        """See `untrue`."""
        return untrue(self.here.jumio, self.kratos, identity_id)

    def leaks(self, log: str) -> list[str]:
        """What a log holds that none may."""
        jumio = self.here.jumio
        secrets = {workflow.token for workflow in jumio.workflows}
        secrets |= {w.callback_url.rpartition("/")[2] for w in jumio.workflows if w.callback_url}
        patterns = [*map(re.escape, (ORY_SECRET, CALLBACK_SECRET, jumio.client_secret)), *LEAKS]
        found = [line for line in log.splitlines() if re.search("|".join(patterns), line)]
        return found + sorted(secrets & set(re.findall(r"[\w-]{20,}", log)))


def untrue(jumio: JumioStandIn, kratos: KratosStandIn, identity_id: str) -> list[str]:
    """What is wrong with an identity, in words; nothing when it equals Jumio's truth.

    Nothing either where nothing is recorded: whoever calls knows whether that may be.
    """
    public, admin = copies_of(kratos, identity_id)
    if not public and not admin:
        return []
    if not public or not admin:
        return [f"one copy only: {public} {admin}"]
    recorded = [workflow for workflow in jumio.truth(identity_id) if workflow.id == admin["workflow_execution_id"]]
    if not recorded:
        return [f"no workflow of this identity's is recorded: {public}"]
    wrong = [f"{name}: {public.get(name)} != {admin[name]}" for name in SHARED if public.get(name) != admin[name]]
    if (admin["status"], admin["verdict"]) != truth_of(recorded[0]):
        wrong.append(f"recorded {admin['status']}, {admin['verdict']}; Jumio says {truth_of(recorded[0])}")
    if admin["account_id"] != recorded[0].account_id:
        wrong.append("recorded another account")
    if admin["status"] == "rejected" and kratos.sessions(identity_id):
        wrong.append("rejected, with a live session")
    return wrong + _inconsistent(public, admin)


def _inconsistent(public: dict[str, Any], admin: dict[str, Any]) -> list[str]:
    """What does not fit the record's own status."""
    is_open = admin["status"] == "pending"
    wrong = []
    link = public.get("verification_url")
    if link and not is_open and (admin["status"] not in ("unstarted", "incomplete") or "/jumio/verify/" not in link):
        wrong.append(f"a link while {admin['status']}")
    if not public.get("verification_url") and is_open:
        wrong.append("pending, without a link")
    if (admin["decided_at"] is None) is not is_open:
        wrong.append(f"decided_at {admin['decided_at']} while {admin['status']}")
    if len(admin["history"]) > HISTORY_LENGTH or any("by" in event for event in admin["history"]):
        wrong.append(f"history {admin['history']}")
    return wrong


def truth_of(workflow: Workflow) -> tuple[str, str | None]:
    """(status, verdict) of what Jumio says of it, by the contract."""
    if workflow.status in EXPIRED:
        return "incomplete", None
    if workflow.status != "PROCESSED":
        return "pending", None
    assert workflow.decision
    return PROCESSED[workflow.decision["type"]]


def copies_of(kratos: KratosStandIn, identity_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    identity = kratos.identity(identity_id)
    public, admin = ((identity[name] or {}).get("jumio") or {} for name in ("metadata_public", "metadata_admin"))
    return public, admin


def let_two_minutes_pass(kratos: KratosStandIn) -> None:
    """Let whoever could not be started have waited for long: a sweep leaves them to their hook for two minutes."""
    rows, _ = kratos.identities.page(1_000_000, NIL)
    waiting = set()
    for row in rows:
        admin = (row["metadata_admin"] or {}).get("jumio") or {}
        patch = []
        if admin.get("status") == "unstarted" and admin.get("history"):
            aged = [*admin["history"][:-1], {**admin["history"][-1], "at": LONG_AGO}]
            patch.append({"op": "replace", "path": "/metadata_admin/jumio/history", "value": aged})
        if admin.get("asked_at"):
            patch.append({"op": "replace", "path": "/metadata_admin/jumio/asked_at", "value": LONG_AGO})
        if patch:
            kratos.identities.patch(row["id"], patch)
            waiting.add(row["id"])
    kratos.identities.untouched_since(LONG_AGO, only=waiting)


@contextlib.contextmanager
def town(*, capability_urls: bool = True, **settings: str) -> Iterator[Town]:
    """Everything up, in fair weather."""
    with world(kratos_binary=None, capability_urls=capability_urls, **settings) as here:
        assert isinstance(here.kratos, KratosStandIn)
        ledger = Ledger(here.jumio, here.kratos)
        hooks = Hooks(lambda: here.service.url, ORY_SECRET, unanswered=ledger.unanswered)
        try:
            yield Town(here, ledger, hooks)
        finally:
            ledger.close()
            hooks.close()


class Meddler:
    """Somebody else who writes identities and knows nothing of us: once for each, so that one copy always survives."""

    def __init__(self, place: Town, seeded: random.Random) -> None:
        self._town, self._seeded = place, seeded
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._left: list[str] = []
        self._lock = threading.Lock()
        self.done = 0

    def __enter__(self) -> Meddler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def meet(self, identity_id: str) -> None:
        """Somebody to be meddled with, as soon as there is a workflow to be lost."""
        with self._lock:
            self._left.append(identity_id)

    def _run(self) -> None:
        acts: tuple[Callable[[str], None], ...] = (self._stale, self._stale, self._remove, self._forge)
        while not self._closing.wait(0.01):
            with self._lock:
                waiting = list(self._left)
            for identity_id in waiting:
                public, admin = self._town.copies(identity_id)
                if public.get("workflow_execution_id") and public.get("status") == admin.get("status"):
                    with self._lock:
                        self._left.remove(identity_id)
                    self._seeded.choice(acts)(identity_id)
                    self.done += 1

    def _stale(self, identity_id: str) -> None:
        """A profile change that takes its time: Kratos then writes the whole row as it was before."""
        pause = self._seeded.uniform(0.02, 0.2)
        theme = [{"op": "add", "path": "/metadata_public/theme", "value": "dark"}]
        self._town.kratos.identities.patch(identity_id, theme, between=lambda: self._closing.wait(pause) and None)

    def _remove(self, identity_id: str) -> None:
        name = self._seeded.choice(("metadata_public", "metadata_admin"))
        self._town.kratos.identities.patch(identity_id, [{"op": "replace", "path": f"/{name}", "value": {"plan": 1}}])

    def _forge(self, identity_id: str) -> None:
        public, _ = self._town.copies(identity_id)
        forged = {**public, "status": "approved", "verdict": "PASSED", "decided_at": "2099-01-01T00:00:00.000Z"}
        patch = [{"op": "replace", "path": "/metadata_public/jumio", "value": forged}]
        self._town.kratos.identities.patch(identity_id, json.loads(json.dumps(patch)))
