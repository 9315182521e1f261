# SPDX-License-Identifier: Apache-2.0
"""Who called which stand-in when, what became of it, and whether every second start has an excuse."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sandbox.faults import Fault, Kind
from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import Workflow
from sandbox.kratos import KratosStandIn
from sandbox.server import Request

# Silence that is shorter than this is a delay, not a loss.
PATIENCE_SECONDS = 1.0


@dataclass
class Call:
    """A call a stand-in got: `what` is `token`, `start`, `read`, `get`, `patch`, `sessions`, `page` or `other`.

    `workflow_id` is the one that a start made, or that a PATCH wanted to note.
    """

    at: float
    what: str
    identity_id: str | None
    request: Request
    fault: Fault | None = None
    workflow_id: str | None = None

    @property
    def is_reply_lost(self) -> bool:
        return self.fault is not None and not (
            self.fault.kind is Kind.HANG and self.fault.seconds is not None and self.fault.seconds < PATIENCE_SECONDS
        )


@dataclass(frozen=True)
class Write:
    """The record of an identity as somebody's PATCH left it; `known` are all workflows that it tells of."""

    at: float
    identity_id: str
    workflow_id: str | None
    known: frozenset[str]


@dataclass(frozen=True)
class Second:
    """A start for somebody who had been started: when each of the two was asked for, and what excuses the later one."""

    identity_id: str
    begun: float
    again: float
    excuse: str


class Ledger:
    """Watches both stand-ins from its making on. `weather` decides on the fault of each call."""

    def __init__(self, jumio: JumioStandIn, kratos: KratosStandIn) -> None:
        self.weather: Callable[[Call], Fault | None] = lambda call: None
        self._jumio, self._kratos = jumio, kratos
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._unanswered: list[tuple[str, float, float]] = []
        self._writes: list[Write] = []
        self._starts: list[tuple[Workflow, Call]] = []
        self._here = threading.local()
        self._start, self._patch = jumio.start, kratos.identities.patch
        jumio.start = self._noting_start
        kratos.identities.patch = self._noting_patch
        jumio.server.faults = self._asked
        kratos.server.faults = self._asked

    def close(self) -> None:
        """Leave the stand-ins as they were."""
        self._jumio.server.faults = self._kratos.server.faults = None
        self._jumio.start = self._start
        self._kratos.identities.patch = self._patch

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def unanswered(self, identity_id: str, begun: float, ended: float) -> None:
        """A hook got no answer: the worker that had it was killed."""
        with self._lock:
            self._unanswered.append((identity_id, begun, ended))

    def unanswered_by_any(self) -> None:
        """A sync was killed just now, and with it whatever it had asked for."""
        with self._lock:
            self._unanswered += [(call.identity_id, call.at, time.time()) for call in self._calls if call.identity_id]

    def starts_of(self, identity_id: str) -> list[Workflow]:
        with self._lock:
            return [workflow for workflow, call in self._starts if call.identity_id == identity_id]

    def excuses(self) -> Counter[str]:
        """Why anybody was started more than once; `none` counts those that had no need to be."""
        seconds = self.seconds()
        for second in seconds:
            if second.excuse in ("none", "overwritten"):
                print(f"{second.identity_id}: {second.excuse}", *self.story(second.identity_id), sep="\n  ")
        return Counter(second.excuse for second in seconds)

    def seconds(self) -> list[Second]:
        """Every start but the first of each."""
        with self._lock:
            starts, writes, calls = list(self._starts), list(self._writes), list(self._calls)
        found: list[Second] = []
        for identity_id in {call.identity_id for _, call in starts}:
            # By arrival: a start may hang while whoever asked for it is killed, and be made after the next one.
            own = [(call.at, workflow, call) for workflow, call in starts if call.identity_id == identity_id]
            own.sort(key=lambda start: start[0])
            noted = [write for write in writes if write.identity_id == identity_id]
            own_calls = [call for call in calls if call.identity_id == identity_id]
            for (begun, workflow, call), (again, later, _) in pairwise(own):
                # What the second start could know is what stood there when it read the identity.
                # A PATCH that notes no workflow tells it as well: its reply is the identity.
                reads = [c for c in own_calls if c.what == "get" or (c.what == "patch" and c.workflow_id is None)]
                seen_at = max((call.at for call in reads if call.at <= again), default=again)
                seen = [write for write in noted if write.at <= seen_at]
                tried = [c for c in own_calls if c.what == "patch" and c.workflow_id and begun <= c.at <= again]
                excuse = self._excuse(workflow, call, again, seen, tried)
                if excuse == "none" and not any(later.id in write.known for write in noted):
                    # Of a worker that was killed, and its last words travelled longer than the next one's.
                    excuse = "killed" if self._died_before(again, identity_id) else "none"
                found.append(Second(str(identity_id), begun, again, excuse))
        return found

    def overtaken(self) -> set[str]:
        """Identities in which the write of an older workflow, of a killed worker for one, landed after a younger's."""
        with self._lock:
            starts, writes = list(self._starts), list(self._writes)
        made = {workflow.id: workflow.created_at for workflow, _ in starts}
        found, newest = set(), dict[str, float]()
        for write in writes:
            moment = made.get(write.workflow_id or "", 0.0)
            if moment < newest.get(write.identity_id, 0.0):
                found.add(write.identity_id)
            newest[write.identity_id] = max(moment, newest.get(write.identity_id, 0.0))
        return found

    def story(self, identity_id: str) -> list[str]:
        """What happened around an identity, line by line."""
        with self._lock:
            lines = [
                (call.at, f"{call.what} {call.workflow_id or ''} {call.fault or ''}")
                for call in self._calls
                if call.identity_id == identity_id
            ]
            lines += [
                (write.at, f"WRITTEN {write.workflow_id}") for write in self._writes if write.identity_id == identity_id
            ]
            lines += [
                (begun, f"UNANSWERED until {ended}") for who, begun, ended in self._unanswered if who == identity_id
            ]
            lines += [(w.created_at, f"MADE {w.id}") for w, call in self._starts if call.identity_id == identity_id]
        return [f"{at:.3f} {line}" for at, line in sorted(lines)]

    def _excuse(self, workflow: Workflow, call: Call, again: float, seen: list[Write], patches: list[Call]) -> str:
        if any(workflow.id in write.known for write in seen):
            if self._ended(workflow, again):
                return "it ended"
            return "none" if workflow.id in seen[-1].known else "overwritten"
        if call.is_reply_lost:
            return "reply lost"
        if any(patch.workflow_id == workflow.id and patch.fault for patch in patches):
            return "not noted"
        return "killed" if self._died_before(again, call.identity_id, asked_before=call.at) else "none"

    def _ended(self, workflow: Workflow, before: float) -> bool:
        """Whether it, or one that was created since, had ended without a result: then the next one was due."""
        return any(
            each.created_at >= workflow.created_at
            and each.outcome in ("expire", "not_executed")
            and (each.completed_at or before) < before
            for each in self._jumio.truth(workflow.reference)
        )

    def _died_before(self, moment: float, identity_id: str | None, *, asked_before: float | None = None) -> bool:
        return any(
            who == identity_id and asked <= (asked_before or moment) and ended <= moment
            for who, asked, ended in self._unanswered
        )

    def _asked(self, request: Request) -> Fault | None:
        call = Call(time.time(), *self._kind(request), request)
        if call.what == "patch":
            call.workflow_id = _noted_in(request.body)
        self._here.call = call
        with self._lock:
            self._calls.append(call)
        call.fault = self.weather(call)
        return call.fault

    def _kind(self, request: Request) -> tuple[str, str | None]:
        parts = request.path.removeprefix("/admin").strip("/").split("/")
        if parts[0] == "identities":
            if len(parts) == 1:
                return "page", None
            return "sessions" if len(parts) > 2 else {"GET": "get", "PATCH": "patch"}[request.method], parts[1]
        if parts[0] == "oauth2":
            return "token", None
        if "workflow-executions" in parts:
            try:
                return "read", self._jumio.workflow(parts[-1]).reference
            except KeyError:
                return "read", None
        if "accounts" in parts:
            return "start", _started_for(request.body)
        return "other", None

    def _noting_start(self, body: dict[str, Any], account_id: str | None) -> Workflow | None:
        workflow = self._start(body, account_id)
        if workflow is not None:
            self._here.call.workflow_id = workflow.id
            with self._lock:
                self._starts.append((workflow, self._here.call))
        return workflow

    def _noting_patch(self, identity_id: str, patch: Any, **options: Any) -> dict[str, Any]:
        written = self._patch(identity_id, patch, **options)
        member = (written.get("metadata_admin") or {}).get("jumio") or {}
        with self._lock:
            known = frozenset(member.get("workflows") or ())
            self._writes.append(Write(time.time(), identity_id, member.get("workflow_execution_id"), known))
        return written


def _started_for(body: bytes) -> str | None:
    try:
        reference: str = json.loads(body)["customerInternalReference"]
    except ValueError:  # its sender was killed in the middle of it
        return None
    return reference


def _noted_in(body: bytes) -> str | None:
    """Of whichever members are written: only those that changed are."""
    try:
        operations = json.loads(body)
    except ValueError:
        return None
    for entry in operations:
        above, _, workflow_id = entry["path"].rpartition("/")
        if above == "/metadata_admin/jumio/workflows" and entry.get("value", {}).get("state") == "open":
            return str(workflow_id)
    return None
