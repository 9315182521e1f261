# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook explain ID`: why somebody has the level they have, in words or as JSON. It writes nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webhook.core.assurance import Evidence, Level, Table, effective_level
from webhook.core.record import Record
from webhook.core.start import is_overdue
from webhook.core.status import Status
from webhook.core.times import from_text, to_text


def explanation(record: Record, *, verified_address: bool, table: Table, now: datetime) -> dict[str, Any]:
    """Everything there is to say, as plain values."""
    further = record.reverification
    due_at = from_text(further.due_at) if further else None
    overdue = is_overdue(record, now=now)
    assurance = record.assurance
    effective = effective_level(
        table,
        assurance,
        verified_address=verified_address and record.status is not Status.REJECTED,
        overdue=overdue,
        now=now,
    )
    return {
        "status": record.status.value,
        "verdict": None if record.verdict is None else record.verdict.value,
        "level": 0 if assurance is None else assurance.level,
        "effective_level": effective,
        "effective_name": table.name_of(effective),
        "verified_at": assurance and assurance.verified_at,
        "table": assurance and assurance.table,
        "verified_address": verified_address,
        "checks": [
            {"capability": check.capability, "decision": check.decision, "label": check.label}
            for check in record.checks
        ],
        "why_not_higher": _why_not_higher(record, table, verified_address, now),
        "decays": _decays(record, table, due_at),
        "reverification": further
        and {"reason": further.reason, "due_at": further.due_at, "open": further.workflow_execution_id is not None},
        "history": [dict(event) for event in record.history],
    }


def as_text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"status           {told['status']} (verdict {told['verdict'] or 'none'})",
        f"level            {told['level']}; effective now: {told['effective_level']} ({told['effective_name']})",
        f"verified at      {told['verified_at'] or 'never'}, by table {told['table'] or '-'}",
        f"verified address {'yes' if told['verified_address'] else 'no'}",
    ]
    if (further := told["reverification"]) is not None:
        state = "open" if further["open"] else "due, none open"
        lines.append(f"re-verification  {state}; reason {further['reason']}, due {further['due_at'] or 'never'}")
    for heading, items in (
        ("checks", [f"{c['capability']}: {c['decision']} ({c['label']})" for c in told["checks"]]),
        ("why not higher", told["why_not_higher"]),
        ("what decays", [f"{d['at']}  {d['what']}" for d in told["decays"]]),
        ("history", [f"{e.get('at')}  {e.get('event')}  {e.get('status')}" for e in told["history"]]),
    ):
        lines += ["", f"{heading}:", *(f"  {item}" for item in items or ["nothing"])]
    return "\n".join(lines)


def as_json(told: Mapping[str, Any]) -> str:
    """The same for machines."""
    return json.dumps(told, indent=2)


def _why_not_higher(record: Record, table: Table, verified_address: bool, now: datetime) -> list[str]:
    """What capped the level, and what each higher one still asks for."""
    decisions = {check.decision: check for check in record.checks}
    execution = record.decision.type if record.decision else None
    reasons = []
    if execution == "REJECTED" or "REJECTED" in decisions:
        reasons.append("a REJECTED anywhere is level 0")
    if execution == "WARNING" or "WARNING" in decisions:
        where = decisions["WARNING"].capability if "WARNING" in decisions else "the execution"
        reasons.append(f"a WARNING ({where}) caps the level at {table.warning_cap}")
    expires_at = from_text(record.assurance.expires_at) if record.assurance else None
    evidence = Evidence(
        execution=execution,
        checks=record.checks,
        document_type=None,
        document_expires_at=expires_at,
        verified_address=verified_address,
    )
    reached = record.assurance.level if record.assurance else 0
    reasons += [
        f"level {row.level} ({row.name}) asks for: {', '.join(missing)}"
        for row in table.levels
        if row.level > reached and (missing := _told(row).missing(evidence, now=now))
    ]
    return reasons


def _told(row: Level) -> Level:
    """The row by what is kept of a verification: neither the kind of the document nor any of Jumio's data is."""
    return replace(row, documents=(), require=tuple(replace(condition, data={}) for condition in row.require))


def _decays(record: Record, table: Table, due_at: datetime | None) -> list[dict[str, str]]:
    assurance = record.assurance
    decays: list[dict[str, str]] = []
    if assurance is None:
        return decays
    verified_at = from_text(assurance.verified_at)
    if assurance.expires_at is not None:
        decays.append({"at": assurance.expires_at, "what": "the document expires; levels that need a valid one end"})
    for row in table.levels:
        if row.max_age is not None and row.level <= assurance.level and verified_at is not None:
            ends = to_text(verified_at + row.max_age)
            decays.append({"at": ends, "what": f"level {row.level} ({row.name}) is {row.max_age.days} days old"})
    if due_at is not None:
        decays.append({"at": to_text(due_at), "what": "the re-verification is due; the level falls to 1"})
    return sorted(decays, key=lambda decay: decay["at"])


def now() -> datetime:
    """The clock of the command."""
    return datetime.now(UTC)
