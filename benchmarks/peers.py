# SPDX-License-Identifier: Apache-2.0
"""Kratos and Jumio, as fast as Python can be: canned answers in the sandbox's shapes, from one process of their own.

Jumio's account id is the identity's id and its workflow id is that with a `w` before it, so nothing must be looked
up. Identities are only remembered once they were patched; any other has no record. The list has as many as the
first argument says, every one approved.
"""

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qs

from sandbox import jumio_records
from webhook.core.record import Record
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.documents import patch_of

NIL = "00000000-0000-0000-0000-000000000000"
_ANY = "11111111-2222-4333-8444-555555555555"
_BASE_URL = "http://127.0.0.1/api/v1"


def identity_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def _workflow(*, settled: bool) -> jumio_records.Workflow:
    token = "t" * 400
    workflow = jumio_records.Workflow(
        account_id=_ANY,
        id=f"w{_ANY}",
        reference=_ANY,
        user_reference=_ANY,
        definition_key="10011",
        callback_url=None,
        success_url=None,
        error_url=None,
        token=token,
        web_href=f"http://127.0.0.1/web/v4/app?authorizationToken={token}",
        created_at=time.time(),
    )
    if settled:
        workflow.settle("passed", time.time())
    return workflow


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


def _approved() -> bytes:
    stamp = jumio_records.stamp(time.time())
    record = Record(
        status=Status.APPROVED, verdict=Verdict.PASSED, account_id=_ANY, workflow_execution_id=f"w{_ANY}",
        initiated_at=stamp, decided_at=stamp, workflow_key=10011,
    )  # fmt: skip
    return _identity(_patched({}, patch_of(record)))


def _patched(metadata: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    for operation in patch:
        _, name, member = operation["path"].split("/")
        metadata.setdefault(name, {})[member] = operation["value"]
    return metadata


class Peers:
    """The answers."""

    def __init__(self, listed: int) -> None:
        self.listed = listed
        self.metadata: dict[str, dict[str, Any]] = {}
        self.token = json.dumps({"access_token": "a" * 800, "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.created = json.dumps(jumio_records.created(_workflow(settled=False), _BASE_URL, time.time())).encode()
        self.details = json.dumps(jumio_records.details(_workflow(settled=True), _BASE_URL)).encode()
        self.approved = _approved()

    def answer(self, method: str, target: str, body: bytes) -> tuple[bytes, str]:
        """Body and further header lines."""
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        if parts[0] == "oauth2":
            return self.token, ""
        if parts[0] == "api" and method == "POST":
            return self.created.replace(_ANY.encode(), json.loads(body)["customerInternalReference"].encode()), ""
        if parts[0] == "api":
            return self.details.replace(_ANY.encode(), parts[3].encode()), ""
        if parts[:2] == ["admin", "identities"] and len(parts) == 2:
            return self._page(parse_qs(query))
        if parts[:2] == ["admin", "identities"] and len(parts) == 3:
            if method == "PATCH":
                _patched(self.metadata.setdefault(parts[2], {}), json.loads(body))
            return _identity(self.metadata.get(parts[2], {})).replace(_ANY.encode(), parts[2].encode()), ""
        return b'{"status":"ok"}', ""

    def _page(self, query: dict[str, list[str]]) -> tuple[bytes, str]:
        size = int(query.get("page_size", ["250"])[0])
        first = int(query.get("page_token", [NIL])[0][:8], 16)
        last = min(first + size, self.listed)
        rows = [self.approved.replace(_ANY.encode(), identity_id(number).encode()) for number in range(first, last)]
        following = f"page_size={size}&page_token={identity_id(last)}"
        link = f'Link: </admin/identities?{following}>; rel="next"\r\n' if last < self.listed else ""
        return b"[" + b",".join(rows) + b"]", link


class _Connection(asyncio.Protocol):
    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length:
            return
        self._received = b""
        method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
        answer, further = self._peers.answer(method, target, body)
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n{further}\r\n"
        self._transport.write(lines.encode() + answer)


async def serve(listed: int) -> None:
    """Print the port, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    peers = Peers(listed)
    server = await loop.create_server(lambda: _Connection(peers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
