# SPDX-License-Identifier: Apache-2.0
"""The two copies of a record in an identity's metadata: what is written, and reading whatever stands there."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webhook.core.assurance import Assurance, Step
from webhook.core.evidence import Check, Decision
from webhook.core.record import HISTORY_LENGTH, Record, Reverification
from webhook.core.status import Status, Verdict
from webhook.core.times import from_text

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_SHARED = ("status", "verdict", "account_id", "workflow_execution_id", "initiated_at", "decided_at", "assurance")


def public_member(record: Record) -> dict[str, Any]:
    """`metadata_public.jumio`: what the person and every reader of the session see."""
    written = _shared_member(record) | {"verification_url": record.verification_url}
    if (further := record.reverification) is not None:
        written["reverification"] = _further_member(further)
    return written


def admin_member(record: Record) -> dict[str, Any]:
    """`metadata_admin.jumio`: what operators see, and what heals the public copy."""
    decision = record.decision
    written = _shared_member(record) | {
        "workflow_key": record.workflow_key,
        "decision": None
        if decision is None
        else {"type": decision.type, "label": decision.label, "risk_score": decision.risk_score},
        "history": [dict(event) for event in record.history],
    }
    if record.vendor_url is not None:
        written["verification_url"] = record.vendor_url
    if record.checks:
        written["checks"] = [
            {"capability": check.capability, "decision": check.decision, "label": check.label}
            for check in record.checks
        ]
    if record.starts:
        written["starts"] = list(record.starts)
    if (further := record.reverification) is not None:
        written["reverification"] = _further_member(further) | {
            "verification_url": further.vendor_url,
            "initiated_at": further.initiated_at,
            "workflow_key": further.workflow_key,
        }
    return written


def _shared_member(record: Record) -> dict[str, Any]:
    written: dict[str, Any] = {
        "status": record.status.value,
        "verdict": None if record.verdict is None else record.verdict.value,
        "account_id": record.account_id,
        "workflow_execution_id": record.workflow_execution_id,
        "initiated_at": record.initiated_at,
        "decided_at": record.decided_at,
    }
    if (assurance := record.assurance) is not None:
        written["assurance"] = {
            "level": assurance.level,
            "name": assurance.name,
            "verified_at": assurance.verified_at,
            "expires_at": assurance.expires_at,
            "table": assurance.table,
        }
        if assurance.steps is not None:
            written["assurance"]["steps"] = [
                {"at": step.at, "level": step.level, "name": step.name} for step in assurance.steps
            ]
    return written


def _further_member(further: Reverification) -> dict[str, Any]:
    due_at = from_text(further.due_at)
    return {
        "reason": further.reason,
        "due_at": further.due_at,
        "workflow_execution_id": further.workflow_execution_id,
        "verification_url": further.verification_url,
        # The same instant in Unix seconds, for jsonnet/session-token.jsonnet, which knows no calendar.
        **({} if due_at is None else {"due": math.ceil(due_at.timestamp())}),
    }


def member(metadata: object) -> Mapping[str, Any] | None:
    """The `jumio` member of an identity's metadata, whatever shape that metadata has; None where there is none."""
    found = metadata.get("jumio") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else None


def is_readable(metadata: object) -> bool:
    """Whether an identity's metadata can be judged by: no `jumio` member at all, or one with a status that we know."""
    if not isinstance(metadata, Mapping) or "jumio" not in metadata:
        return True
    written = member(metadata)
    return written is not None and written.get("status") in list(Status)


def public_record(metadata_public: object) -> Record:
    """The record by the public copy alone: all that a login hook gets to see."""
    return _parse_shared(member(metadata_public))


def read_record(metadata_public: object, metadata_admin: object) -> Record:
    """The record by both copies.

    Where they differ one of them was overwritten by somebody else's write. The copy of the younger workflow
    counts, then the one decided later, then the admin copy; `sync` asks Jumio in any case.
    """
    public = public_record(metadata_public)
    admin = _parse_admin(member(metadata_admin))
    chosen = max(admin, public, key=_age)  # max() keeps the first of equals: the admin copy
    is_open = chosen.status is Status.PENDING and public.workflow_execution_id == chosen.workflow_execution_id
    shown = public.verification_url if is_open else None
    return replace(
        admin,
        **{name: getattr(chosen, name) for name in _SHARED},
        verification_url=shown,
        vendor_url=admin.vendor_url or shown,
        reverification=_merged(public.reverification, admin.reverification if admin != Record() else None),
    )


def copies_agree(record: Record, metadata_public: object, metadata_admin: object) -> bool:
    """Whether both copies say exactly what the record says."""
    if record == Record():
        return member(metadata_public) is None and member(metadata_admin) is None
    return member(metadata_public) == public_member(record) and member(metadata_admin) == admin_member(record)


def _merged(public: Reverification | None, admin: Reverification | None) -> Reverification | None:
    """The admin copy knows more, but not the link that the person was shown."""
    if admin is None or public is None:
        return admin or public
    same = public.workflow_execution_id == admin.workflow_execution_id
    return replace(admin, verification_url=public.verification_url if same else None)


def _age(record: Record) -> tuple[bool, datetime, datetime]:
    return (
        record.status is not Status.NONE,
        from_text(record.initiated_at) or _LONG_AGO,
        from_text(record.decided_at) or _LONG_AGO,
    )


def _parse_shared(written: Mapping[str, Any] | None) -> Record:
    if written is None:
        return Record()
    try:
        status = Status(written.get("status", ""))
    except ValueError:
        return Record()
    try:
        verdict = Verdict(written.get("verdict", ""))
    except ValueError:
        verdict = None
    return Record(
        status=status,
        verdict=verdict,
        account_id=_text(written, "account_id"),
        workflow_execution_id=_text(written, "workflow_execution_id"),
        verification_url=_text(written, "verification_url"),
        initiated_at=_text(written, "initiated_at"),
        decided_at=_text(written, "decided_at"),
        assurance=_parse_assurance(written.get("assurance")),
        reverification=_parse_further(written.get("reverification")),
    )


def _parse_admin(written: Mapping[str, Any] | None) -> Record:
    if written is None:
        return Record()
    decision = written.get("decision")
    further = written.get("reverification")
    parsed = _parse_shared(written)
    if parsed.reverification is not None and isinstance(further, Mapping):
        parsed = replace(
            parsed,
            reverification=replace(
                parsed.reverification,
                verification_url=None,
                vendor_url=_text(further, "verification_url"),
                initiated_at=_text(further, "initiated_at"),
                workflow_key=_key(further),
            ),
        )
    return replace(
        parsed,
        verification_url=None,
        vendor_url=parsed.verification_url,
        workflow_key=_key(written),
        decision=_parse_decision(decision) if isinstance(decision, Mapping) else None,
        checks=tuple(_parse_check(check) for check in _list(written, "checks") if isinstance(check, Mapping)),
        starts=tuple(text for text in _list(written, "starts") if isinstance(text, str)),
        history=tuple(event for event in _list(written, "history") if isinstance(event, Mapping))[-HISTORY_LENGTH:],
    )


def _parse_decision(written: Mapping[str, Any]) -> Decision:
    score = written.get("risk_score")
    return Decision(
        type=_text(written, "type"),
        label=_text(written, "label"),
        risk_score=score if isinstance(score, int | float) else None,
    )


def _parse_check(written: Mapping[str, Any]) -> Check:
    return Check(
        capability=_text(written, "capability") or "",
        decision=_text(written, "decision"),
        label=_text(written, "label"),
        data={},
    )


def _parse_assurance(written: object) -> Assurance | None:
    if not isinstance(written, Mapping):
        return None
    level = written.get("level")
    if not isinstance(level, int) or isinstance(level, bool):
        return None
    return Assurance(
        level=level,
        name=_text(written, "name") or "",
        verified_at=_text(written, "verified_at"),
        expires_at=_text(written, "expires_at"),
        table=_text(written, "table") or "",
        steps=_parse_steps(written.get("steps")),
    )


def _parse_steps(written: object) -> tuple[Step, ...] | None:
    if not isinstance(written, list):
        return None
    return tuple(_parse_step(step) for step in written if isinstance(step, Mapping))


def _parse_step(written: Mapping[str, Any]) -> Step:
    return Step(at=_whole(written, "at"), level=_whole(written, "level"), name=_text(written, "name") or "")


def _parse_further(written: object) -> Reverification | None:
    if not isinstance(written, Mapping):
        return None
    return Reverification(
        reason=_text(written, "reason") or "",
        due_at=_text(written, "due_at"),
        workflow_execution_id=_text(written, "workflow_execution_id"),
        verification_url=_text(written, "verification_url"),
    )


def _whole(written: Mapping[str, Any], name: str) -> int:
    value = written.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _key(written: Mapping[str, Any]) -> int | str | None:
    key = written.get("workflow_key")
    return key if isinstance(key, int | str) else None


def _list(written: Mapping[str, Any], name: str) -> list[Any]:
    value = written.get(name)
    return value if isinstance(value, list) else []


def _text(written: Mapping[str, Any], name: str) -> str | None:
    value = written.get(name)
    return value if isinstance(value, str) else None
