# SPDX-License-Identifier: Apache-2.0
"""The record of a verification as it stands in an identity's metadata: reading both copies, writing both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from webhook.core.status import Status, Verdict
from webhook.core.times import from_text, to_text

HISTORY_LENGTH = 10
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Jumio's own words on the execution; the label is free text where the tenant has rules of its own."""

    type: str | None
    label: str | None
    risk_score: float | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of an identity's verification. Times are RFC 3339 texts, ids are Jumio's."""

    status: Status = Status.NONE
    verdict: Verdict | None = None
    account_id: str | None = None
    workflow_execution_id: str | None = None
    verification_url: str | None = None
    initiated_at: str | None = None
    decided_at: str | None = None
    workflow_key: int | str | None = None
    decision: Decision | None = None
    history: tuple[Mapping[str, Any], ...] = ()

    def with_event(self, event: str, *, now: datetime) -> "Record":
        """The record with one more event in its history, of which the last ten are kept."""
        entry = {
            "at": to_text(now),
            "event": event,
            "status": self.status.value,
            "workflow_execution_id": self.workflow_execution_id,
        }
        return replace(self, history=(*self.history, entry)[-HISTORY_LENGTH:])

    def public_member(self) -> dict[str, Any]:
        """`metadata_public.jumio`: what the person and every reader of the session see."""
        shared = self._shared()
        shared["verification_url"] = self.verification_url
        return shared

    def admin_member(self) -> dict[str, Any]:
        """`metadata_admin.jumio`: what operators see, and what heals the public copy."""
        decision = self.decision
        return {
            **self._shared(),
            "workflow_key": self.workflow_key,
            "decision": None
            if decision is None
            else {"type": decision.type, "label": decision.label, "risk_score": decision.risk_score},
            "history": [dict(event) for event in self.history],
        }

    def _shared(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "verdict": None if self.verdict is None else self.verdict.value,
            "account_id": self.account_id,
            "workflow_execution_id": self.workflow_execution_id,
            "initiated_at": self.initiated_at,
            "decided_at": self.decided_at,
        }


def member(metadata: object) -> Mapping[str, Any] | None:
    """The `jumio` member of an identity's metadata, whatever shape that metadata has; None where there is none."""
    found = metadata.get("jumio") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else None


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
    return replace(
        admin,
        **{name: getattr(chosen, name) for name in _SHARED},
        verification_url=public.verification_url
        if public.workflow_execution_id == chosen.workflow_execution_id and chosen.status is Status.PENDING
        else None,
    )


def copies_agree(record: Record, metadata_public: object, metadata_admin: object) -> bool:
    """Whether both copies say exactly what the record says."""
    return member(metadata_public) == _or_none(record, record.public_member()) and member(metadata_admin) == _or_none(
        record, record.admin_member()
    )


def _or_none(record: Record, written: dict[str, Any]) -> dict[str, Any] | None:
    return None if record == Record() else written


_SHARED = ("status", "verdict", "account_id", "workflow_execution_id", "initiated_at", "decided_at")


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
    )


def _parse_admin(written: Mapping[str, Any] | None) -> Record:
    if written is None:
        return Record()
    key = written.get("workflow_key")
    decision = written.get("decision")
    history = written.get("history")
    return replace(
        _parse_shared(written),
        workflow_key=key if isinstance(key, int | str) else None,
        decision=_parse_decision(decision) if isinstance(decision, Mapping) else None,
        history=tuple(event for event in history if isinstance(event, Mapping))[-HISTORY_LENGTH:]
        if isinstance(history, list)
        else (),
    )


def _parse_decision(written: Mapping[str, Any]) -> Decision:
    score = written.get("risk_score")
    return Decision(
        type=_text(written, "type"),
        label=_text(written, "label"),
        risk_score=score if isinstance(score, int | float) else None,
    )


def _text(written: Mapping[str, Any], name: str) -> str | None:
    value = written.get(name)
    return value if isinstance(value, str) else None
