# SPDX-License-Identifier: Apache-2.0
"""The bodies of Kratos' hooks, parsed strictly into values. Anything odd is `Malformed`, with the cause named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webhook.core.ids import NIL_UUID, usable_identity_id
from webhook.core.policy import Policy, parse_policy
from webhook.core.record import Record
from webhook.core.start import NAME_CHANGE, REASONS
from webhook.core.strict_json import parse_json_object
from webhook.core.times import parse_duration
from webhook.errors import Malformed
from webhook.ory.kratos.metadata import is_readable, public_record


@dataclass(frozen=True, kw_only=True)
class GateHook:
    """What a hook of the gate tells: who is at it, the public copy of the record, and what this hook demands.

    Where the copy is there and cannot be read (`is_readable` is false), `record` says nothing.
    """

    identity_id: str
    record: Record
    is_readable: bool = True
    verified_address: bool
    policy: Policy | None


@dataclass(frozen=True, kw_only=True)
class ReverifyOrder:
    """What `POST /jumio/reverify` asks for."""

    identity_id: str
    reason: str
    due_in: timedelta | None


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
        is_readable=is_readable(metadata_public),
        verified_address=verified_address,
        policy=parse_policy(parsed["policy"], highest=highest_level) if "policy" in parsed else None,
    )


def parse_reverify(body: bytes) -> ReverifyOrder:
    """What `POST /jumio/reverify` asks for."""
    parsed = parse_json_object(body)
    if unknown := sorted(set(parsed) - {"identity", "reason", "due_in"}):
        raise Malformed(f"unknown members: {', '.join(unknown)[:100]}")
    reason = parsed.get("reason", "manual")
    if reason not in (*REASONS, NAME_CHANGE):
        raise Malformed(f"reason must be one of {', '.join((*REASONS, NAME_CHANGE))}")
    due_in = parsed.get("due_in")
    return ReverifyOrder(
        identity_id=_identity_id(parsed),
        reason=reason,
        due_in=None if due_in is None else parse_duration(due_in, "due_in"),
    )


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
