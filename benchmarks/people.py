# SPDX-License-Identifier: Apache-2.0
"""What is sent to the service, as whole HTTP requests: hooks, callbacks and links, all about made-up people."""

import json
from typing import Literal

from webhook.core.signing import capability_token

SECRET = "benchmark-secret"
PUBLIC_URL = "http://127.0.0.1"
TRIGGER = "1f6d26ba-7d8d-4d5a-8f9c-3b6a1f7d2c11"

# What Kratos has of somebody before the service first writes; the number stands in the identity's id.
Recorded = Literal["nothing", "open", "approved", "by the story"]
_GROUPS: dict[Recorded, str] = {"nothing": "0000", "open": "0001", "approved": "0002", "by the story": "0003"}


def identity_id(number: int, recorded: Recorded = "nothing") -> str:
    return f"{number:08x}-{_GROUPS[recorded]}-4000-8000-000000000000"


def recorded_of(identity: str) -> Recorded:
    return next(recorded for recorded, group in _GROUPS.items() if identity[9:13] == group)


def http(method: str, path: str, body: object = None, *, is_hook: bool = False) -> str:
    """One request; hooks carry Ory's secret."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if is_hook:
        lines += [f"Authorization: Bearer {SECRET}", f"Ory-Webhook-Trigger-ID: {TRIGGER}"]
    text = "" if body is None else json.dumps(body)
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
    return "\r\n".join([*lines, "", text])


ALIVE = http("GET", "/health/alive")
READY = http("GET", "/health/ready")


def validate() -> str:
    """The sign-in of somebody whose status is settled."""
    stamp = "2026-01-01T00:00:00Z"
    jumio = {
        "status": "approved",
        "verdict": "PASSED",
        "account_id": identity_id(1),
        "workflow_execution_id": identity_id(2),
        "verification_url": None,
        "initiated_at": stamp,
        "decided_at": stamp,
    }
    identity = {"id": identity_id(3), "metadata_public": {"jumio": jumio}}
    return http("POST", "/jumio/validate", {"identity": identity, "flow": _flow()}, is_hook=True)


def initiate(identity: str) -> str:
    return http("POST", "/jumio/initiate", {"identity": {"id": identity}, "flow": _flow()}, is_hook=True)


def reverify(identity: str) -> str:
    return http("POST", "/jumio/reverify", {"identity": {"id": identity}, "reason": "manual"}, is_hook=True)


def callback(identity: str) -> str:
    """Jumio's callback on the URL that only Jumio was told; see `benchmarks.answers` for the ids."""
    body = {
        "callbackSentAt": "2026-01-01T00:00:00.000Z",
        "workflowExecution": {"id": f"w{identity}", "status": "PROCESSED", "definitionKey": "10011"},
        "account": {"id": identity},
    }
    return http("POST", f"/jumio/callback/{identity}/{capability_token(identity, secret=SECRET.encode())}", body)


def _flow() -> dict[str, str]:
    return {"id": identity_id(4), "type": "browser"}
