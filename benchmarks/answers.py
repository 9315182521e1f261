# SPDX-License-Identifier: Apache-2.0
"""What Kratos and Jumio answer: canned, in the sandbox's shapes, so that it costs next to nothing.

Jumio's account id is the identity's id and its workflow id is that with a `w` before it, so nothing must be looked
up. Identities are only remembered once they were patched; of any other the id says what is recorded.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from benchmarks.people import Recorded, identity_id, recorded_of
from sandbox import jumio_records
from webhook.core.record import Record
from webhook.core.schedule import POINTS, THEN_EVERY
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.documents import patch_of

NIL = "00000000-0000-0000-0000-000000000000"
_ANY = "11111111-2222-4333-8444-555555555555"
_BASE_URL = "http://127.0.0.1/api/v1"
_LINK = f"http://127.0.0.1/web/v4/app?authorizationToken={'t' * 400}"
# An open workflow is old enough to be looked at, and its link not yet dead.
_OPEN_FOR_SECONDS = 600


# When a workflow is started, and when its person is done with it; None is never. Seconds since the epoch.
Story = tuple[float, float | None]


class Answers:
    """Both peers' answers. `listed` identities are in Kratos' list, every one approved.

    But for those of whom `tell` told a story, the first ones of the list: no callback ever comes for them.
    """

    def __init__(self, listed: int = 0) -> None:
        self._listed = listed
        self._tokens = 0
        self._created = json.dumps(jumio_records.created(_workflow(settled=False), _BASE_URL, time.time())).encode()
        self._details = json.dumps(jumio_records.details(_workflow(settled=True), _BASE_URL)).encode()
        self._recorded: dict[Recorded, dict[str, Any]] = {
            "nothing": {},
            "open": _written(_open()),
            "approved": _written(_approved()),
        }
        self._identities = {recorded: _identity(metadata) for recorded, metadata in self._recorded.items()}
        self._stories: list[Story] = []
        self._of_stories: list[bytes] = []
        self._told_at = 0.0
        self.skipped = 0.0  # seconds that our clock is ahead
        self.begin_anew()
        self.revoke_token()

    def begin_anew(self) -> None:
        """Forget whatever was patched and started."""
        self._patched: dict[str, dict[str, Any]] = {}
        self.starts: Counter[str] = Counter()  # workflows by identity
        self.calls: Counter[str] = Counter()  # by what is asked for
        self.readings: list[float] = []  # when
        self.healed: list[float] = []  # seconds from the schedule's first point at which there was a verdict

    def tell(self, stories: Sequence[Story]) -> None:
        """What becomes of the first of those who are listed."""
        self._stories, self._told_at = list(stories), self.now()
        self._of_stories = [
            _identity(_written(replace(_open(), initiated_at=jumio_records.stamp(began), verification_url=_LINK)))
            for began, _ in stories
        ]

    def now(self) -> float:
        return time.time() + self.skipped

    def revoke_token(self) -> None:
        """Whoever calls Jumio next is answered 401, and needs another one."""
        self._tokens += 1
        self._token = f"{self._tokens:08}{'a' * 800}"

    def answer(self, method: str, target: str, head: bytes, body: bytes) -> tuple[int, bytes, str]:
        """Status, body and further header lines."""
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        if parts[0] == "clock":
            self.skipped = float(parts[1])
            return 200, b"{}", ""
        if parts[0] == "oauth2":
            token = {"access_token": self._token, "expires_in": 3600, "token_type": "Bearer"}
            return 200, json.dumps(token).encode(), ""
        if parts[0] == "api":
            if self._token.encode() not in head:
                return 401, b'{"title": "Unauthorized"}', ""
            return 200, self._of_jumio(method, parts, body), ""
        if parts[:2] == ["admin", "identities"] and len(parts) == 2:
            asked = parse_qs(query)
            self.calls["lists by id" if "ids" in asked else "lists"] += 1
            if "ids" in asked:
                return 200, b"[" + b",".join(self._one("GET", each, b"") for each in asked["ids"]) + b"]", ""
            return 200, *self._page(asked)
        if parts[:2] == ["admin", "identities"] and len(parts) == 3:
            self.calls["writings" if method == "PATCH" else "one identity"] += 1
            return 200, self._one(method, parts[2], body), ""
        return 200, b'{"status":"ok"}', ""

    def _of_jumio(self, method: str, parts: list[str], body: bytes) -> bytes:
        if method == "GET":
            self.readings.append(self.now())
            if recorded_of(parts[3]) == "by the story":
                return self._reading(parts[3])
            return self._details.replace(_ANY.encode(), parts[3].encode())
        reference = json.loads(body)["customerInternalReference"]
        self.starts[reference] += 1
        return self._created.replace(_ANY.encode(), reference.encode())

    def _reading(self, identity: str) -> bytes:
        began, ended = self._stories[int(identity[:8], 16)]
        workflow = replace(_workflow(settled=False), created_at=began)
        if ended is not None and ended <= self.now():
            workflow.settle("passed", ended)
        return json.dumps(jumio_records.details(workflow, _BASE_URL)).replace(_ANY, identity).encode()

    def _one(self, method: str, identity: str, body: bytes) -> bytes:
        if method == "PATCH":
            if identity not in self._patched:
                self._patched[identity] = json.loads(self._unpatched(identity))
            _patch(self._patched[identity], patch := json.loads(body))
            if recorded_of(identity) == "by the story":
                self._note_healed(*self._stories[int(identity[:8], 16)], patch)
        if identity in self._patched:
            return json.dumps(self._patched[identity]).encode()
        return self._unpatched(identity)

    def _unpatched(self, identity: str) -> bytes:
        recorded = recorded_of(identity)
        document = self._identities["nothing" if recorded == "by the story" else recorded]
        if recorded == "by the story" and self._stories[number := int(identity[:8], 16)][0] <= self.now():
            document = self._of_stories[number]
        return document.replace(_ANY.encode(), identity.encode())

    def _note_healed(self, began: float, ended: float | None, patch: list[dict[str, Any]]) -> None:
        status = {"path": "/metadata_admin/jumio/status", "value": "approved"}
        if ended is not None and any(status.items() <= each.items() for each in patch):
            point = next((began + each for each in POINTS if began + each >= ended), ended + THEN_EVERY.total_seconds())
            if point >= self._told_at:
                self.healed.append(self.now() - point)

    def _page(self, query: dict[str, list[str]]) -> tuple[bytes, str]:
        size = int(query.get("page_size", ["250"])[0])
        first = int(query.get("page_token", [NIL])[0][:8], 16)
        last = min(first + size, self._listed)
        told, approved = len(self._stories), self._identities["approved"]
        rows = [self._one("GET", identity_id(number, "by the story"), b"") for number in range(first, min(last, told))]
        rows += [approved.replace(_ANY.encode(), identity_id(each).encode()) for each in range(max(first, told), last)]
        following = f"page_size={size}&page_token={identity_id(last)}"
        link = f'Link: </admin/identities?{following}>; rel="next"\r\n' if last < self._listed else ""
        return b"[" + b",".join(rows) + b"]", link


def _workflow(*, settled: bool) -> jumio_records.Workflow:
    workflow = jumio_records.Workflow(
        account_id=_ANY,
        id=f"w{_ANY}",
        reference=_ANY,
        user_reference=_ANY,
        definition_key="10011",
        callback_url=None,
        success_url=None,
        error_url=None,
        token="t" * 400,
        web_href=_LINK,
        created_at=time.time(),
    )
    if settled:
        workflow.settle("passed", time.time())
    return workflow


def _open() -> Record:
    return Record(
        status=Status.PENDING, account_id=_ANY, workflow_execution_id=f"w{_ANY}", vendor_url=_LINK,
        initiated_at=jumio_records.stamp(time.time() - _OPEN_FOR_SECONDS), workflow_key=10011,
    )  # fmt: skip


def _approved() -> Record:
    stamp = jumio_records.stamp(time.time())
    return Record(
        status=Status.APPROVED, verdict=Verdict.PASSED, account_id=_ANY, workflow_execution_id=f"w{_ANY}",
        initiated_at=stamp, decided_at=stamp, workflow_key=10011,
    )  # fmt: skip


def _written(record: Record) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    _patch(metadata, patch_of(record))
    return metadata


def _identity(metadata: dict[str, Any]) -> bytes:
    stamp = "2026-01-01T00:00:00.000000Z"
    document = {
        "id": _ANY,
        "credentials": {"password": {"type": "password", "identifiers": [f"{_ANY}@example.com"], "version": 0}},
        "schema_id": "default",
        "schema_url": "http://127.0.0.1/schemas/ZGVmYXVsdA",
        "state": "active",
        "state_changed_at": stamp,
        "traits": {"email": f"{_ANY}@example.com"},
        "metadata_public": metadata.get("metadata_public"),
        "metadata_admin": metadata.get("metadata_admin"),
        "created_at": stamp,
        "updated_at": stamp,
        "organization_id": None,
    }
    return json.dumps(document).encode()


def _patch(metadata: dict[str, Any], patch: list[dict[str, Any]]) -> None:
    """As much of JSON Patch as the service uses, without Kratos' checks."""
    for operation in patch:
        *parents, last = operation["path"].strip("/").split("/")
        place = metadata
        for name in parents:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        if operation["op"] == "remove":
            place.pop(last, None)
        else:
            place[last] = operation["value"]
