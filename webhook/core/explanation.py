# SPDX-License-Identifier: Apache-2.0
"""Whether somebody may sign in, and why they have the level they have, as plain values and in words."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from webhook.core.assurance import Level, Table, decay, effective_level
from webhook.core.evidence import Evidence, Grade
from webhook.core.record import Record
from webhook.core.sign_in import Account, Rules, match_of, sign_in
from webhook.core.start import is_overdue
from webhook.core.status import Status
from webhook.core.times import from_text, to_text
from webhook.core.workflows import Workflow

GradeOf = Callable[[str | None], Grade]


def explanation(
    record: Record,
    *,
    account: Account,
    rules: Rules,
    verified_address: bool,
    table: Table,
    grade_of: GradeOf,
    now: datetime,
) -> dict[str, Any]:
    """Everything there is to say, as plain values. `grade_of` knows the vendor's words for decisions."""
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
        "sign_in": sign_in(record, account=account, rules=rules, now=now),
        "match": match_of(record),
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
        "repeated": _repeated(record),
        "why_not_higher": _why_not_higher(record, table, grade_of, verified_address, now),
        "decays": _decays(record, table, due_at),
        "reverification": further
        and {"reason": further.reason, "due_at": further.due_at, "open": further.workflow_execution_id is not None},
        "history": [dict(event) for event in record.history],
    }


def as_text(told: Mapping[str, Any]) -> str:
    """The same for people, the help desk's questions first."""
    match = ", ".join(f"{name} {word}" for name, word in (told["match"] or {}).items())
    lines = [
        f"may sign in      {'yes' if told['sign_in']['allowed'] else 'no'}",
        f"{'why' if told['sign_in']['allowed'] else 'why not':<17}{told['sign_in']['why']}",
        *(f"{'' if number else 'what now':<17}{step}" for number, step in enumerate(told["sign_in"]["what_now"])),
        "",
        f"status           {told['status']} (verdict {told['verdict'] or 'none'})",
        f"level            {told['level']}; effective now: {told['effective_level']} ({told['effective_name']})",
        f"verified at      {told['verified_at'] or 'never'}, by table {told['table'] or '-'}",
        f"verified address {'yes' if told['verified_address'] else 'no'}",
        f"match            {match or 'not compared'}",
    ]
    if (further := told["reverification"]) is not None:
        state = "open" if further["open"] else "due, none open"
        lines.append(f"re-verification  {state}; reason {further['reason']}, due {further['due_at'] or 'never'}")
    lines += [f"verified before  {words}" for words in told["repeated"]]
    for heading, items in (
        ("checks", [f"{c['capability']}: {c['decision']} ({c['label']})" for c in told["checks"]]),
        ("why not higher", told["why_not_higher"]),
        ("what decays", [f"{d['at']}  {d['what']}" for d in told["decays"]]),
        ("history", [f"{e.get('at')}  {e.get('event')}  {e.get('status')}" for e in told["history"]]),
    ):
        lines += ["", f"{heading}:", *(f"  {item}" for item in items or ["nothing"])]
    return "\n".join(lines)


def _why_not_higher(
    record: Record, table: Table, grade_of: GradeOf, verified_address: bool, now: datetime
) -> list[str]:
    """What capped the level, and what each higher one still asks for."""
    execution = record.decision.type if record.decision else None
    decided = [("the execution", execution), *((check.capability, check.decision) for check in record.checks)]
    reasons = []
    if refuted := [(where, word) for where, word in decided if grade_of(word) is Grade.REFUTED]:
        reasons.append(f"a {refuted[0][1]} anywhere is level 0")
    if doubted := [(where, word) for where, word in decided if grade_of(word) is Grade.DOUBTED]:
        where, word = doubted[-1]
        reasons.append(f"a {word} ({where}) caps the level at {table.warning_cap}")
    expires_at = from_text(record.assurance.expires_at) if record.assurance else None
    evidence = Evidence(
        execution=execution,
        checks=record.checks,
        worst=max(grade_of(word) for _, word in decided),
        document_type=None,
        document_expires_at=expires_at,
        verified_address=verified_address,
        matched=frozenset() if record.person is None else record.person.matched,
    )
    if any(each.id == record.workflow_execution_id and each.said is not None for each in _repeated_ones(record)):
        reasons.append("somebody who was verified before is in review (ON_REPEATED) and has level 1 at most")
    reached = record.assurance.level if record.assurance else 0
    reasons += [
        f"level {row.level} ({row.name}) asks for: {', '.join(missing)}"
        for row in table.levels
        if row.level > reached and (missing := _told(row).missing(evidence, now=now))
    ]
    return reasons


def _repeated(record: Record) -> list[str]:
    """What of each workflow was seen before, in words."""
    words = []
    for each in record.known:
        if each.repeated is not None and each.repeated.face:
            words.append(f"the face of workflow {each.id}, by Jumio's word")
        if each.repeated is not None and each.repeated.other_identity is not None:
            words.append(f"the document of workflow {each.id}, as identity {each.repeated.other_identity}")
    return words


def _repeated_ones(record: Record) -> list[Workflow]:
    return [each for each in record.known if each.repeated is not None]


def _told(row: Level) -> Level:
    """The row by what is kept of a verification: neither the kind of the document nor any of Jumio's data is."""
    return replace(row, documents=(), require=tuple(replace(condition, data={}) for condition in row.require))


def _decays(record: Record, table: Table, due_at: datetime | None) -> list[dict[str, str]]:
    if record.assurance is None:
        return []
    what = {
        "document": "the document expires; the level falls to {}",
        "age": "the verification is too old; the level falls to {}",
    }
    decays = [
        {"at": to_text(each.at), "what": what[each.because].format(f"{each.level} ({table.name_of(each.level)})")}
        for each in decay(table, record.assurance)
    ]
    if due_at is not None:
        decays.append({"at": to_text(due_at), "what": "the re-verification is due; the level falls to 1"})
    return sorted(decays, key=lambda each: each["at"])
