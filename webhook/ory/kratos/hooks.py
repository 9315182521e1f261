# SPDX-License-Identifier: Apache-2.0
"""The bodies that callers send, parsed strictly into values. Anything odd is `Malformed`, with the cause named."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webhook.core.assurance import Policy, parse_duration, parse_policy
from webhook.core.record import Record
from webhook.core.status import FINAL_WORKFLOW_STATUSES
from webhook.errors import Malformed
from webhook.ory.kratos.metadata import public_record

REASONS = ("risk", "role-change", "scheduled", "manual")
NIL_UUID = "00000000-0000-0000-0000-000000000000"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# Jumio's ids are UUIDs today; whatever fits one path segment is taken, so that no id can leave its place in a URL.
_JUMIO_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class GateHook:
    """What a hook of the gate tells: who is at it, the public copy of the record, and what this hook demands."""

    identity_id: str
    record: Record
    verified_address: bool
    policy: Policy | None


@dataclass(frozen=True, kw_only=True)
class ReverifyOrder:
    """What `POST /jumio/reverify` asks for."""

    identity_id: str
    reason: str
    due_in: timedelta | None


@dataclass(frozen=True, kw_only=True)
class Doorbell:
    """What is taken from a Jumio callback: which workflow to look at, never what it says of it."""

    account_id: str
    workflow_execution_id: str
    is_final: bool


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """The object that the body holds.

    :raises Malformed: not UTF-8, not JSON, a duplicate key, nested too deeply, or not an object.
    """
    if not body:
        raise Malformed("the body is empty")
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError:  # also what a wrong encoding and an endless number raise
        raise Malformed("the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise Malformed("the body is not a JSON object")
    return parsed


def parse_initiate(body: bytes) -> str:
    """The identity id of `POST /jumio/initiate`."""
    return _identity_id(parse_json_object(body))


def parse_validate(body: bytes, *, highest_level: int) -> GateHook:
    """What `POST /jumio/validate` tells; a hook that does not send the metadata must not let everybody in."""
    parsed = parse_json_object(body)
    identity_id = _identity_id(parsed)
    if "metadata_public" not in parsed["identity"]:
        raise Malformed("identity.metadata_public is missing: does the hook use jsonnet/validate.jsonnet?")
    metadata_public = parsed["identity"]["metadata_public"]
    if metadata_public is not None and not isinstance(metadata_public, dict):
        raise Malformed("identity.metadata_public is neither an object nor null")
    verified_address = parsed["identity"].get("contact_verified", False)
    if not isinstance(verified_address, bool):
        raise Malformed("identity.contact_verified is neither true nor false")
    return GateHook(
        identity_id=identity_id,
        record=public_record(metadata_public),
        verified_address=verified_address,
        policy=parse_policy(parsed["policy"], highest=highest_level) if "policy" in parsed else None,
    )


def parse_reverify(body: bytes) -> ReverifyOrder:
    """What `POST /jumio/reverify` asks for."""
    parsed = parse_json_object(body)
    if unknown := sorted(set(parsed) - {"identity", "reason", "due_in"}):
        raise Malformed(f"unknown members: {', '.join(unknown)[:100]}")
    reason = parsed.get("reason", "manual")
    if reason not in REASONS:
        raise Malformed(f"reason must be one of {', '.join(REASONS)}")
    due_in = parsed.get("due_in")
    return ReverifyOrder(
        identity_id=_identity_id(parsed),
        reason=reason,
        due_in=None if due_in is None else parse_duration(due_in, "due_in"),
    )


def parse_callback(body: bytes) -> Doorbell:
    """What a Jumio callback tells. Shape: https://documentation.jumio.ai/docs/developer-resources/callback"""
    parsed = parse_json_object(body)
    workflow = parsed.get("workflowExecution")
    account = parsed.get("account")
    if not isinstance(workflow, dict) or not isinstance(account, dict):
        raise Malformed("workflowExecution and account must be objects")
    status = workflow.get("status")
    if not isinstance(status, str):
        raise Malformed("workflowExecution.status must be a string")
    return Doorbell(
        account_id=_jumio_id(account, "account.id"),
        workflow_execution_id=_jumio_id(workflow, "workflowExecution.id"),
        is_final=status in FINAL_WORKFLOW_STATUSES,
    )


def usable_identity_id(text: str) -> str | None:
    """The id in Kratos' own (lower) case, or None when it cannot be an identity's."""
    identity_id = text.lower()
    return identity_id if _UUID.fullmatch(identity_id) and identity_id != NIL_UUID else None


def usable_jumio_id(value: object) -> str | None:
    """The id when it can be one of Jumio's, else None."""
    return value if isinstance(value, str) and _JUMIO_ID.fullmatch(value) else None


def _identity_id(parsed: Mapping[str, Any]) -> str:
    identity = parsed.get("identity")
    value = identity.get("id") if isinstance(identity, dict) else None
    if not isinstance(value, str):
        raise Malformed("identity.id is missing")
    if value == NIL_UUID:
        raise Malformed(
            "identity.id is the nil UUID: the hook parses its response (response.parse or can_interrupt), so Kratos"
            " runs it before the identity is stored; use response.ignore, as ory-actions.yaml does"
        )
    identity_id = usable_identity_id(value)
    if identity_id is None:
        raise Malformed("identity.id is not a UUID")
    return identity_id


def _jumio_id(parsed: Mapping[str, Any], name: str) -> str:
    value = usable_jumio_id(parsed.get("id"))
    if value is None:
        raise Malformed(f"{name} is not an id")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("duplicate key")
    return unique


def _no_constant(name: str) -> None:
    raise ValueError(name)
