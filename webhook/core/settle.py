# SPDX-License-Identifier: Apache-2.0
"""What a record becomes when a workflow is read at the vendor, by the rule of verdicts (`core.verdict`)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from webhook.core.assurance import Assurance, Table, with_steps
from webhook.core.events import Event
from webhook.core.evidence import Reading
from webhook.core.person import Comparison
from webhook.core.record import NOTICE_PERSON, Record, Reverification
from webhook.core.repeated import NOT_REPEATED, Repeated
from webhook.core.status import CONCLUDED, STARTABLE, Status, Verdict
from webhook.core.times import from_text, to_text
from webhook.core.verdict import Conclusion, concluded
from webhook.core.workflows import (
    OLDEST,
    Stage,
    Workflow,
    joined,
    not_forgotten,
    read_as,
    undoubted,
    unknown_to_vendor,
)

UNKNOWN_FOR = timedelta(days=1)
ASK_AGAIN_FOR = timedelta(days=7)


class Result(StrEnum):
    """What a reading did to a record."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    IGNORED = "ignored"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What of a workflow was seen before; with a document, which identity it verified."""

    event: Event
    workflow_execution_id: str
    other_identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A record after a reading; `event` names what happened where something did, `found` what was found beside it.

    An ignored reading that `counts` is noted in the record all the same: it may matter to a later one.
    """

    result: Result
    record: Record
    event: Event | None = None
    found: tuple[Found, ...] = ()
    reason: str | None = None
    counts: bool = True


def settle(
    record: Record,
    reading: Reading,
    *,
    identity_id: str,
    table: Table,
    verified_address: bool,
    now: datetime,
    is_fresh: bool = True,
    person: Comparison | None = None,
    repeated: Repeated = NOT_REPEATED,
    document: str | None = None,
) -> Outcome:
    """What a reading makes of the record of the identity. A record without the steps of its level gets them.

    `is_fresh`: it was asked for after the record was read. Only then can it clear up what copies of a record dispute.
    `person`, `repeated` and `document`: as for `read_as`.
    """
    if (reason := why_not_counting(record, reading, identity_id)) is not None:
        without = _without_unlisted(record, reading.workflow_execution_id, is_anothers=True)
        return Outcome(result=Result.IGNORED, record=without, reason=reason, counts=without != record)
    read = read_as(
        reading,
        table=table,
        verified_address=verified_address,
        now=now,
        person=person,
        repeated=repeated,
        document=document,
    )
    known = joined(record.known, read, is_fresh=is_fresh)
    if undoubted(known) == undoubted(record.known):
        record = record if known == record.known else shown(record, known)
        return Outcome(result=Result.UNCHANGED, record=with_its_steps(record, table=table))
    settled = with_its_steps(shown(record, known), table=table)
    fulfils = _fulfils(record, settled, read)
    settled = _with_reverification(settled, None if fulfils else _reverification_after(settled, read))
    event = _event(record, settled, fulfils=fulfils)
    found = _found(record, settled, read.id)
    for each in found:
        settled = settled.with_event(
            each.event, now=now, workflow_execution_id=read.id, other_identity=each.other_identity
        )
    if event is None:
        reason = f"another workflow's verdict stands: {settled.status}" if settled.status in CONCLUDED else _NO_NEWS
        return Outcome(result=Result.IGNORED, record=settled, event=_superseded(read), found=found, reason=reason)
    settled = settled.with_event(event, now=now, workflow_execution_id=read.id)
    return Outcome(result=Result.APPLIED, record=settled, event=event, found=found)


_NO_NEWS = "it changes nothing"


def why_not_counting(record: Record, reading: Reading, identity_id: str) -> str | None:
    """Sentence 5 of the rule: somebody else's workflow, or nobody's, never counts. Nor does what was forgotten."""
    if any(reference != identity_id for reference in reading.references):
        return "the workflow is not this identity's"
    if not reading.references:
        return "the workflow names no identity"
    created_at = OLDEST if reading.created_at is None else to_text(reading.created_at)
    if record.forgotten_until is not None and created_at <= record.forgotten_until:
        return "the workflow is from before the operator began anew"
    return None


def taking_in(record: Record, workflows: Iterable[Workflow], *, forgotten_until: str | None = None) -> Record:
    """The record with what else is known of its workflows, and without what an operator has forgotten since."""
    until = max(filter(None, (record.forgotten_until, forgotten_until)), default=None)
    known = record.known
    for each in workflows:
        known = joined(known, each, is_fresh=False)
    if (known, until) == (record.known, record.forgotten_until):
        return record
    return shown(replace(record, forgotten_until=until).with_known(record.known), known)


def shown(record: Record, workflows: tuple[Workflow, ...]) -> Record:
    """The record as all that is known of its workflows makes it.

    Links stay while they lead to the workflow that they were made for; a start that is due stays so beside workflows
    that ended without a result. What an operator has forgotten does not count any more, whoever tells it.
    """
    workflows = not_forgotten(workflows, record.forgotten_until)
    if not workflows and record.forgotten_until is not None:
        return _forgotten(record)
    told = concluded(workflows)
    if told.workflow is None or (told.status is Status.INCOMPLETE and record.status is Status.UNSTARTED):
        return record.with_known(workflows)
    current, has_verdict = told.workflow, told.shows is not None
    is_open = told.status is Status.PENDING
    same = current.id == record.workflow_execution_id
    keeps_link = is_open and same
    changed = replace(
        record,
        status=told.status,
        verdict=current.verdict if has_verdict else None,
        account_id=(record.account_id if same else None) or current.account_id or record.account_id,
        workflow_execution_id=current.id or None,
        verification_url=record.verification_url if keeps_link else None,
        vendor_url=current.url if is_open else None,
        initiated_at=current.created_at or current.seen_at,
        decided_at=None if is_open else current.told_at,
        workflow_key=current.key,
        decision=current.decision,
        checks=told.shows.checks if told.shows is not None else (),
        notice=NOTICE_PERSON if has_verdict and current.names_another else None,
        assurance=record.assurance if _shows_the_same(told, record) else _assurance(told, record.assurance),
        reverification=record.reverification if told.status in (Status.APPROVED, Status.REVIEW) else None,
        asked_at=record.asked_at if {record.status, told.status} <= STARTABLE else None,
    )
    return changed.with_known(workflows)


def _forgotten(record: Record) -> Record:
    """The record where nothing that it tells counts any more."""
    return Record(
        status=Status.UNSTARTED,
        verification_url=record.verification_url if record.status is Status.UNSTARTED else None,
        starts=record.starts,
        history=record.history,
        asked_at=record.asked_at,
        forgotten_until=record.forgotten_until,
    )


def _shows_the_same(told: Conclusion, record: Record) -> bool:
    before = concluded(record.known)
    return record.assurance is not None and (before.shows, before.verified_at) == (told.shows, told.verified_at)


def _assurance(told: Conclusion, known: Assurance | None) -> Assurance | None:
    """The level of what shows it; its steps are left out where they have to be counted anew."""
    shows = told.shows
    if shows is None or shows.level is None:
        return None
    assurance = Assurance(
        level=shows.level,
        name=shows.level_name,
        verified_at=told.verified_at,
        expires_at=shows.expires_at,
        table=shows.table,
    )
    return known if known is not None and replace(known, steps=None) == assurance else assurance


def with_its_steps(record: Record, *, table: Table) -> Record:
    """The record with the steps of its level, where it has none yet."""
    if record.assurance is None or record.assurance.steps is not None:
        return record
    return replace(record, assurance=with_steps(table, record.assurance))


def _fulfils(before: Record, record: Record, read: Workflow) -> bool:
    """Whether there is now what a request to do it again asks for. What shows less than is known is not."""
    further = record.reverification
    if further is None or read.stage is not Stage.CONCLUDED:
        return False
    if read.is_face_check and read.verdict is Verdict.PASSED:
        return _is_younger(read, further)
    shown_before, shows = concluded(before.known).shows, concluded(record.known).shows
    if shows is None or (shows.id != read.id and shown_before is not None and shows.id == shown_before.id):
        return False
    return _is_younger(shows, further)


def _reverification_after(record: Record, read: Workflow) -> Reverification | None:
    """What is left of a request that the workflow does not fulfil."""
    further = record.reverification
    if further is None or read.id != further.workflow_execution_id or read.stage is Stage.OPEN:
        return further
    return _lapsed(further)


def _with_reverification(record: Record, further: Reverification | None) -> Record:
    return replace(record, reverification=further).with_known(record.known)


def _is_younger(read: Workflow, further: Reverification) -> bool:
    """Whether it was created for the request, or after it: an earlier one that is told late must not call it off."""
    if read.id == further.workflow_execution_id:
        return True
    return further.initiated_at is not None and (read.created_at or OLDEST) >= further.initiated_at


def _lapsed(further: Reverification) -> Reverification | None:
    """An open re-verification that ended without a verdict is still due; an offer to step up is simply gone."""
    if further.due_at is None:
        return None
    return Reverification(reason=further.reason, due_at=further.due_at, initiated_at=further.initiated_at)


def _event(before: Record, after: Record, *, fulfils: bool) -> Event | None:
    """What happened, for whoever looks at the record; None where nothing shows."""
    if before.status is Status.PENDING and after.status is Status.PENDING:
        return Event.SETTLED if before.workflow_execution_id != after.workflow_execution_id else None
    if after.status is Status.PENDING:
        return Event.REOPENED
    said = ("status", "workflow_execution_id", "decided_at", "decision", "checks", "notice")
    if any(getattr(before, name) != getattr(after, name) for name in said):
        return Event.SETTLED
    if _level(before) != _level(after):
        return Event.SETTLED
    if before.assurance and after.assurance and before.assurance.verified_at != after.assurance.verified_at:
        return Event.REVERIFICATION_PASSED
    if before.reverification != after.reverification:
        return Event.REVERIFICATION_PASSED if fulfils else Event.REVERIFICATION_LAPSED
    return None


def _found(before: Record, after: Record, workflow_execution_id: str) -> tuple[Found, ...]:
    """What of a workflow is now known to be seen before, and was not."""
    was, told = _repeated(before, workflow_execution_id), _repeated(after, workflow_execution_id)
    found = []
    if told.face and not was.face:
        found.append(Found(event=Event.REPEATED_FACE, workflow_execution_id=workflow_execution_id))
    if (other := told.other_identity) is not None and other != was.other_identity:
        event = Event.REPEATED_DOCUMENT
        found.append(Found(event=event, workflow_execution_id=workflow_execution_id, other_identity=other))
    return tuple(found)


def _repeated(record: Record, workflow_execution_id: str) -> Repeated:
    told = next((each.repeated for each in record.known if each.id == workflow_execution_id), None)
    return told or NOT_REPEATED


def _level(record: Record) -> tuple[int, str | None] | None:
    return None if record.assurance is None else (record.assurance.level, record.assurance.expires_at)


def _superseded(read: Workflow) -> Event | None:
    return Event.SUPERSEDED if read.stage is not Stage.OPEN else None


def settle_unknown(record: Record, workflow_execution_id: str, *, now: datetime) -> Outcome:
    """What it means that the vendor does not know a workflow that is open.

    Right after a start it may not know it yet. After a day an open one never will be known; a verdict stays what it
    was, since data that its retention has removed is no reason to doubt it.
    """
    unchanged = Outcome(result=Result.UNCHANGED, record=record, reason="the workflow is not known there")
    workflow = next((each for each in record.open_workflows if each.id == workflow_execution_id), None)
    if workflow is None:
        return replace(unchanged, record=_without_unlisted(record, workflow_execution_id))
    created_at = from_text(workflow.created_at or workflow.seen_at)
    if created_at is not None and now - created_at <= UNKNOWN_FOR:
        return unchanged
    gone = unknown_to_vendor(workflow, now=now)
    settled = shown(record, tuple(gone if each.id == workflow.id else each for each in record.known))
    settled = _with_reverification(settled, _reverification_after(settled, gone))
    if settled.status is not record.status:
        event = Event.FORGOTTEN
    elif settled.reverification != record.reverification:
        event = Event.REVERIFICATION_LAPSED
    else:
        return Outcome(result=Result.IGNORED, record=settled, reason="the workflow is not known there any more")
    settled = settled.with_event(event, now=now, workflow_execution_id=workflow.id)
    return Outcome(result=Result.APPLIED, record=settled, event=event)


def _without_unlisted(record: Record, workflow_execution_id: str, *, is_anothers: bool = False) -> Record:
    """The record without a workflow that only its summary tells, and that is not the person's by the vendor's word.

    A rejection stays all the same, and so does the only one that is known, unless it `is_anothers`.
    """
    known = tuple(
        each
        for each in record.known
        if not (each.is_unlisted and each.id == workflow_execution_id and each.verdict is not Verdict.FAILED)
    )
    if known == record.known:
        return record
    if known:
        return shown(record, known)
    return Record(status=Status.INCOMPLETE, starts=record.starts, history=record.history) if is_anothers else record


def may_be_known_again(record: Record, *, now: datetime) -> tuple[Workflow, ...]:
    """Workflows that ended only because the vendor did not know them, not long ago.

    It may have been asked by a wrong URL or account, so that they are worth asking for again.
    """
    return tuple(
        each
        for each in record.known
        if each.stage is Stage.UNKNOWN
        and (given_up_at := from_text(each.seen_at)) is not None
        and now - given_up_at < ASK_AGAIN_FOR
    )
