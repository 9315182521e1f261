# SPDX-License-Identifier: Apache-2.0
"""The two copies of a record in an identity's metadata: what is written, and reading whatever stands there."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from webhook.core.assurance import Assurance, Step
from webhook.core.evidence import Check, Decision
from webhook.core.person import Comparison, Match, OnDifferentPerson
from webhook.core.record import HISTORY_LENGTH, NOTICE_PERSON, Record, Reverification
from webhook.core.repeated import OnRepeated, Repeated
from webhook.core.settle import shown
from webhook.core.status import Status, Verdict
from webhook.core.times import from_text, to_text
from webhook.core.workflows import Stage, Workflow, merged, not_forgotten

Word = TypeVar("Word", bound=StrEnum)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_SHARED = (
    "status",
    "verdict",
    "account_id",
    "workflow_execution_id",
    "initiated_at",
    "decided_at",
    "assurance",
    "notice",
)
# The members that this version knows, below both copies; what another version wrote beside them stays as it is.
Names = Mapping[str, "Names"]


def _names(*names: str) -> Names:
    return {name: {} for name in names}


_ASSURANCE = _names("level", "name", "verified_at", "expires_at", "table", "steps")
_FURTHER = _names("reason", "due_at", "due", "workflow_execution_id", "verification_url")
_COMMON: Names = {**_names(*_SHARED, "verification_url"), "assurance": _ASSURANCE}
_DECISION = _names("type", "label", "risk_score")
PUBLIC_NAMES: Names = {**_COMMON, "reverification": _FURTHER}
ADMIN_NAMES: Names = {
    **_COMMON,
    "reverification": {**_FURTHER, **_names("initiated_at", "workflow_key")},
    **_names("workflow_key", "checks", "starts", "history", "asked_at", "forgotten_until", "match"),
    "decision": _DECISION,
}
WORKFLOWS = "workflows"
# The statuses at which a link leads to a check.
LINKED = (Status.PENDING, Status.UNSTARTED, Status.INCOMPLETE)
_NO_ID = "unknown"
_STATES = {Stage.OPEN: "open", Stage.ENDED: "ended", Stage.UNKNOWN: "unknown"}


def public_member(record: Record) -> dict[str, Any]:
    """`metadata_public.jumio`: what the person and every reader of the session see."""
    written = _shared_member(record) | {"verification_url": record.verification_url}
    if (further := record.reverification) is not None:
        written["reverification"] = _further_member(further)
    return written


def admin_member(record: Record) -> dict[str, Any]:
    """`metadata_admin.jumio`: what operators see, and what heals the public copy."""
    workflows = workflow_members(record)
    return admin_summary(record) | ({WORKFLOWS: workflows} if workflows else {})


def workflow_members(record: Record) -> dict[str, dict[str, Any]]:
    """Every known workflow by its id. Each is written by itself, so that two processes can add one each."""
    return {key_of(each): _workflow_member(each) for each in record.known}


def key_of(workflow: Workflow) -> str:
    """The name of the member that holds it."""
    return workflow.id or _NO_ID


def admin_summary(record: Record) -> dict[str, Any]:
    """The admin copy but for the workflows."""
    decision = record.decision
    written = _shared_member(record) | {
        "workflow_key": record.workflow_key,
        "decision": None if decision is None else _decision_member(decision),
        "history": [dict(event) for event in record.history],
    }
    if record.vendor_url is not None:
        written["verification_url"] = record.vendor_url
    if record.checks:
        written["checks"] = _check_members(record.checks)
    if record.asked_at is not None:
        written["asked_at"] = record.asked_at
    if record.forgotten_until is not None:
        written["forgotten_until"] = record.forgotten_until
    if record.person is not None:
        written["match"] = _match_member(record.person)
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
    if record.notice is not None:
        written["notice"] = record.notice
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


def _workflow_member(workflow: Workflow) -> dict[str, Any]:
    written = {
        "state": _STATES[workflow.stage] if workflow.verdict is None else workflow.verdict.value,
        "account_id": workflow.account_id,
        "created_at": workflow.created_at,
        "decided_at": workflow.decided_at,
        "seen_at": workflow.seen_at,
        "renewed_at": workflow.renewed_at,
        "face_check": workflow.is_face_check or None,
        "level": workflow.level,
        "level_name": workflow.level_name or None,
        "expires_at": workflow.expires_at,
        "table": workflow.table or None,
        "decision": None if workflow.decision is None else _decision_member(workflow.decision),
        "checks": _check_members(workflow.checks) or None,
        "workflow_key": workflow.key,
        "verification_url": workflow.url,
        "said": None if workflow.said is None else workflow.said.value,
        "match": None if workflow.person is None else _match_member(workflow.person),
        "match_of": None if workflow.person is None else workflow.person.of,
        "match_counts_as": None if workflow.person is None else workflow.person.counts_as.value,
        "match_held": True if workflow.person is not None and workflow.person.is_held else None,
        "document": workflow.document,
        **({} if workflow.repeated is None else _repeated_members(workflow.repeated)),
    }
    return {name: value for name, value in written.items() if value is not None}


WORKFLOW_NAMES: Names = {
    **_names("state", "account_id", "created_at", "decided_at", "seen_at", "renewed_at", "face_check", "level"),
    **_names("level_name", "expires_at", "table", "checks", "workflow_key", "verification_url", "said"),
    **_names(
        "match",
        "match_of",
        "match_counts_as",
        "match_held",
        "repeated_face",
        "repeated_counts_as",
        "document",
        "other_identity",
    ),
    "decision": _DECISION,
}


def _repeated_members(repeated: Repeated) -> dict[str, Any]:
    return {
        "repeated_face": repeated.face or None,
        "other_identity": repeated.other_identity,
        "repeated_counts_as": repeated.counts_as.value,
    }


def _match_member(person: Comparison) -> dict[str, str]:
    return {"name": person.name.value, "birthdate": person.birthdate.value}


def _decision_member(decision: Decision) -> dict[str, Any]:
    return {"type": decision.type, "label": decision.label, "risk_score": decision.risk_score}


def _check_members(checks: tuple[Check, ...]) -> list[dict[str, Any]]:
    return [{"capability": check.capability, "decision": check.decision, "label": check.label} for check in checks]


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
    listed = parse_workflows(member(metadata_admin))
    if _is_forgotten(public, admin.forgotten_until):
        public = Record()
    chosen = max(admin, public, key=_age)  # max() keeps the first of equals: the admin copy
    is_same = (public.status, public.workflow_execution_id) == (chosen.status, chosen.workflow_execution_id)
    shown_url = public.verification_url if is_same and chosen.status in LINKED else None
    record = replace(
        admin,
        **{name: getattr(chosen, name) for name in _SHARED},
        verification_url=shown_url,
        vendor_url=admin.vendor_url or (shown_url if chosen.status is Status.PENDING else None),
        reverification=_merged(public.reverification, admin.reverification if admin != Record() else None),
    )
    if record.status is Status.NONE and record.asked_at is not None:
        record = replace(record, status=Status.UNSTARTED)
    known = merged(listed or admin.known, public.known, is_list=bool(listed))
    until = record.forgotten_until
    counting = not_forgotten(known, until)
    is_told_by_record = counting == record.known and (bool(counting) or until is None)
    return record if is_told_by_record else shown(record, counting)


def _is_forgotten(public: Record, until: str | None) -> bool:
    """Whether the public copy is from before an operator began anew."""
    return not_forgotten(public.known, until) != public.known


def copies_agree(record: Record, metadata_public: object, metadata_admin: object) -> bool:
    """Whether both copies say what the record says, by all that this version knows."""
    public, admin = member(metadata_public), member(metadata_admin)
    if record == Record():
        return public is None and admin is None
    if public is None or admin is None:
        return False
    listed = parse_workflows(admin)
    workflows_agree = listed == record.known if listed else record.more is None
    return (
        workflows_agree
        and known_of(public, PUBLIC_NAMES) == public_member(record)
        and known_of(admin, ADMIN_NAMES) == admin_summary(record)
    )


def known_of(written: object, names: Names) -> object:
    """What stands there, by the members that this version knows."""
    if not names or not isinstance(written, Mapping):
        return written
    return {name: known_of(value, names[name]) for name, value in written.items() if name in names}


def with_what_stands(stands: object, written: Any, names: Names) -> Any:
    """What is to be written, with the members beside it that this version does not know."""
    if not names or not isinstance(stands, Mapping) or not isinstance(written, Mapping):
        return written
    kept = {name: value for name, value in stands.items() if name not in names}
    return kept | {name: with_what_stands(stands.get(name), value, names[name]) for name, value in written.items()}


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
        notice=NOTICE_PERSON if written.get("notice") == NOTICE_PERSON else None,
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
        asked_at=_text(written, "asked_at"),
        forgotten_until=_time(written, "forgotten_until"),
        history=tuple(event for event in _list(written, "history") if isinstance(event, Mapping))[-HISTORY_LENGTH:],
    )


def parse_workflows(written: Mapping[str, Any] | None) -> tuple[Workflow, ...]:
    """Those that are listed; none where there is no list: before there was one, or in somebody else's writing."""
    found = None if written is None else written.get(WORKFLOWS)
    if not isinstance(found, Mapping):
        return ()
    read = [_parse_workflow(key, value) for key, value in found.items() if isinstance(value, Mapping)]
    return tuple(sorted((each for each in read if each is not None), key=lambda each: each.age))


def _parse_workflow(key: str, written: Mapping[str, Any]) -> Workflow | None:
    state = _text(written, "state")
    verdict = Verdict(state) if state in tuple(Verdict) else None
    stage = Stage.CONCLUDED if verdict else next((stage for stage, name in _STATES.items() if name == state), None)
    if stage is None or not key:
        return None
    decision, level = written.get("decision"), written.get("level")
    return Workflow(
        id="" if key == _NO_ID else key,
        account_id=_text(written, "account_id"),
        stage=stage,
        created_at=_time(written, "created_at"),
        verdict=verdict,
        decided_at=_time(written, "decided_at"),
        seen_at=_time(written, "seen_at"),
        renewed_at=_time(written, "renewed_at"),
        is_face_check=written.get("face_check") is True,
        level=level if isinstance(level, int) and not isinstance(level, bool) else None,
        level_name=_text(written, "level_name") or "",
        expires_at=_text(written, "expires_at"),
        table=_text(written, "table") or "",
        decision=_parse_decision(decision) if isinstance(decision, Mapping) else None,
        checks=tuple(_parse_check(check) for check in _list(written, "checks") if isinstance(check, Mapping)),
        key=_key(written),
        url=_text(written, "verification_url") if stage is Stage.OPEN else None,
        said=_one_of(Verdict, written.get("said")),
        person=_parse_person(written, verdict),
        repeated=_parse_repeated(written),
        document=_text(written, "document"),
    )


def _parse_person(written: Mapping[str, Any], verdict: Verdict | None) -> Comparison | None:
    """What was compared; what somebody has bent of it counts as different, until it is compared anew."""
    if verdict is None or not written.keys() & {"match", "match_of", "match_counts_as", "match_held"}:
        return None
    match, of = written.get("match"), _text(written, "match_of")
    if not isinstance(match, Mapping) or of is None:
        return Comparison.lost(verdict)
    counts_as = _one_of(OnDifferentPerson, written.get("match_counts_as"))
    return Comparison(
        name=_one_of(Match, match.get("name")) or Match.UNKNOWN,
        birthdate=_one_of(Match, match.get("birthdate")) or Match.UNKNOWN,
        of=of,
        counts_as=counts_as or OnDifferentPerson.REVIEW,
        is_held=written.get("match_held") is True,
    )


def _parse_repeated(written: Mapping[str, Any]) -> Repeated | None:
    counts_as = _one_of(OnRepeated, written.get("repeated_counts_as"))
    repeated = Repeated(
        face=written.get("repeated_face") is True,
        other_identity=_text(written, "other_identity"),
        counts_as=counts_as or OnRepeated.FLAG,
    )
    return repeated if repeated.is_found else None


def _one_of(words: type[Word], text: object) -> Word | None:
    return words(text) if isinstance(text, str) and text in tuple(words) else None


def _time(written: Mapping[str, Any], name: str) -> str | None:
    """In the one form in which times can be compared as they are."""
    instant = from_text(written.get(name))
    return None if instant is None else to_text(instant)


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
