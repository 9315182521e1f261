# SPDX-License-Identifier: Apache-2.0
"""What is known of the workflows of one identity. Joining one more reading is of any order, and may be repeated."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from webhook.core.assurance import CONTACT, NONE, Table, level_of
from webhook.core.evidence import Check, Decision, Reading
from webhook.core.person import Comparison, OnDifferentPerson
from webhook.core.repeated import NOT_REPEATED, Repeated, of_document, together
from webhook.core.status import CONCLUDED, Status, Verdict
from webhook.core.times import to_text

MOST_OPEN = 5
MOST_KEPT = 16
MOST_COMPARED = 48
# What stands for a time that the vendor does not tell: a creation counts as the oldest, a decision as the latest.
OLDEST, LATEST = "", "~"
_BADNESS = {None: 0, Verdict.PASSED: 1, Verdict.WARNING: 2, Verdict.FAILED: 3}


class Stage(IntEnum):
    """How far a workflow has come. What is later is never displaced by what is earlier."""

    UNKNOWN = 0  # to the vendor, for more than a day; it may have been asked by a wrong URL
    OPEN = 1
    ENDED = 2  # without a verdict: expired, not executed
    CONCLUDED = 3


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One workflow. Times are RFC 3339 texts in UTC with milliseconds, so that they can be compared as they are.

    `created_at` and `decided_at` are the vendor's own. `seen_at` is when we first saw it like this, where the vendor
    tells no such time: it is shown, and decides nothing; beside it the `created_at` of an open one is a guess.
    `renewed_at` is when a face check renewed it that is not known itself. `level` to `table` are what a verdict is
    worth; None where levels were not told. `said` is the vendor's own verdict where it counts as another, because of
    whom the document names (`person`) or because the person was verified as somebody else before (`repeated`).
    `document` is a keyed hash of the one that was shown.
    """

    id: str
    account_id: str | None
    stage: Stage
    created_at: str | None = None
    verdict: Verdict | None = None
    decided_at: str | None = None
    seen_at: str | None = None
    renewed_at: str | None = None
    is_face_check: bool = False
    level: int | None = None
    level_name: str = ""
    expires_at: str | None = None
    table: str = ""
    decision: Decision | None = None
    checks: tuple[Check, ...] = ()
    key: int | str | None = None
    said: Verdict | None = None
    person: Comparison | None = None
    repeated: Repeated | None = None
    document: str | None = None
    url: str | None = None  # the vendor's own link, while it is open
    # The two copies of the record differ about it; or only the summary tells of it at all. Never written.
    is_doubtful: bool = False
    is_unlisted: bool = False

    @property
    def age(self) -> tuple[str, int, str]:
        """By creation; of two of the same moment the worse counts as the younger, and then the ids decide."""
        return self.created_at or OLDEST, _BADNESS[self.verdict], self.id

    @property
    def names_another(self) -> bool:
        """Whether its document is somebody else's, and that is why it does not count as more; not a rejected one."""
        is_vendors_rejection = self.verdict is Verdict.FAILED and self.said is None
        return self.person is not None and self.person.is_anothers and not is_vendors_rejection

    @property
    def told_at(self) -> str | None:
        """When it was decided or ended, for people."""
        return self.decided_at or self.seen_at

    @property
    def verified_at(self) -> str | None:
        """Since when its evidence holds."""
        return max(filter(None, (self.told_at, self.renewed_at)), default=None)


def read_as(
    reading: Reading,
    *,
    table: Table,
    verified_address: bool,
    now: datetime,
    person: Comparison | None = None,
    repeated: Repeated = NOT_REPEATED,
    document: str | None = None,
) -> Workflow:
    """The workflow as the reading tells it. `verified_address`: of the identity, for a table that asks for it.

    `person`: whether its document names whom the account names, where that is compared. `repeated`: what else
    than the face was seen before, and what either does; `document`: the keyed hash of it.
    """
    stage = _stage_of(reading.status)
    created_at, decided_at = _text(reading.created_at), _text(reading.completed_at)
    told = created_at if stage is Stage.OPEN else decided_at
    workflow = Workflow(
        id=reading.workflow_execution_id,
        account_id=reading.account_id,
        stage=stage,
        created_at=created_at,
        verdict=reading.verdict,
        decided_at=None if stage is Stage.OPEN else decided_at,
        seen_at=None if told else to_text(now),
        key=reading.workflow_key,
        decision=None if stage is Stage.OPEN else reading.decision,
    )
    if stage is not Stage.CONCLUDED:
        return workflow
    person = None if reading.is_face_check else person  # which reads no document
    is_another = person is not None and person.is_different
    matched = frozenset() if person is None else person.matched
    evidence = reading.evidence(verified_address=verified_address, matched=matched)
    level = level_of(table, evidence, now=reading.completed_at or reading.created_at or now)
    level = min(level, CONTACT) if is_another else level
    verdict = workflow.verdict
    if person is not None and is_another and verdict is not None and verdict is not Verdict.FAILED:
        verdict = person.counts_as.verdict(verdict)
        level = NONE if verdict is Verdict.FAILED else level
    repeated = replace(repeated, face=reading.is_repeated_face)
    if repeated.verdict(verdict) is not verdict:
        verdict, level = repeated.verdict(verdict), min(level, CONTACT)
    return replace(
        workflow,
        verdict=verdict,
        said=None if verdict is workflow.verdict else workflow.verdict,
        person=person,
        repeated=repeated if repeated.is_found else None,
        document=document,
        is_face_check=reading.is_face_check,
        level=level,
        level_name=table.name_of(level),
        expires_at=_text(evidence.document_expires_at),
        table=table.version,
        checks=tuple(replace(check, data={}) for check in evidence.checks),  # their data may name a person
    )


def joined(known: Iterable[Workflow], read: Workflow, *, is_fresh: bool = True) -> tuple[Workflow, ...]:
    """All that is known once this has been read too, the oldest first; at most `MOST_KEPT`.

    What is doubtful is settled by a reading only when that is fresh: asked for after the doubt was there.
    """
    by_id = {each.id: each for each in known}
    before = by_id.get(read.id)
    by_id[read.id] = read if before is None else _better(before, read, is_fresh=is_fresh)
    return _pruned(sorted(by_id.values(), key=lambda each: each.age))


def merged(whole: Iterable[Workflow], summary: Iterable[Workflow], *, is_list: bool = True) -> tuple[Workflow, ...]:
    """What the whole copy of a record and its summary tell together.

    What they dispute is doubtful. Until it is read again a rejection counts, whoever tells it, and else the whole copy.
    So is what only the summary tells. Where the whole copy is no list, it is a summary as well (`is_list`).
    """
    listed, summed = {each.id: each for each in whole}, {each.id: each for each in summary}
    told = [_undisputed(listed.get(key), summed.get(key)) for key in {**listed, **summed}]
    # What names no workflow counts only where it is listed or rejects, or nothing else is known.
    named = [each for each in told if each.id or (each.id in listed and (is_list or each.verdict is Verdict.FAILED))]
    return _pruned(sorted(named or told, key=lambda each: each.age))


def _undisputed(listed: Workflow | None, summed: Workflow | None) -> Workflow:
    if listed is None or summed is None:
        [told] = filter(None, (listed, summed))
        return replace(told, is_doubtful=listed is None, is_unlisted=listed is None)
    if _summary(listed) == _summary(summed):
        return listed
    counts = summed if summed.verdict is Verdict.FAILED and _rank(summed) > _rank(listed) else listed
    return replace(
        counts,
        is_doubtful=True,
        account_id=listed.account_id or summed.account_id,  # a summary tells one for all of them
        said=counts.said or listed.said,
        person=listed.person or summed.person,
        repeated=listed.repeated,
        document=listed.document,
    )


def _summary(workflow: Workflow) -> tuple[Stage, Verdict | None, str | None]:
    """As much of it as a summary tells: one time of a verdict, whose ever it is, and the level of all together."""
    if workflow.verdict is Verdict.FAILED or (workflow.verdict is not None and not workflow.is_face_check):
        return Stage.CONCLUDED, workflow.verdict, workflow.told_at
    return Stage.OPEN if workflow.stage is Stage.OPEN else Stage.ENDED, None, None


def not_forgotten(workflows: Iterable[Workflow], until: str | None) -> tuple[Workflow, ...]:
    """Those created after an operator began anew; one whose creation nobody tells is from before that."""
    return tuple(each for each in workflows if until is None or (each.created_at or OLDEST) > until)


def undoubted(workflows: Iterable[Workflow]) -> tuple[Workflow, ...]:
    """The same, without any doubt."""
    return tuple(replace(each, is_doubtful=False, is_unlisted=False) for each in workflows)


def unknown_to_vendor(workflow: Workflow, *, now: datetime) -> Workflow:
    """An open workflow, once it is clear that the vendor does not know it."""
    return replace(workflow, stage=Stage.UNKNOWN, seen_at=to_text(now))


def _better(known: Workflow, read: Workflow, *, is_fresh: bool) -> Workflow:
    if is_fresh and known.is_doubtful and (read.stage is Stage.CONCLUDED or known.verdict is not Verdict.FAILED):
        # What the vendor says is settled by that; what we made of it is not in dispute.
        return _judged(known, _repeated(known, read, beside=of_document(known.repeated)))
    if _rank(read) < _rank(known):
        return _repeated(read, _compared_anew(known, read.person), beside=of_document(read.repeated))
    if _rank(read) > _rank(known):
        told = replace(read, account_id=read.account_id or known.account_id, key=known.key or read.key)
        return _judged(known, _repeated(known, told, beside=of_document(known.repeated)))
    # The same told again: levels may have changed with the table, times have not.
    told = replace(
        read,
        account_id=read.account_id or known.account_id,
        key=known.key or read.key,
        created_at=_created_at(known, read),
        seen_at=None if read.seen_at is None else known.seen_at or read.seen_at,
        renewed_at=known.renewed_at,
        url=read.url or known.url,
        is_doubtful=known.is_doubtful and not is_fresh,
        is_unlisted=known.is_unlisted and not is_fresh,
    )
    return _judged(known, _repeated(known, told, beside=known.repeated))


def _repeated(other: Workflow, counts: Workflow, *, beside: Repeated | None) -> Workflow:
    """What counts, with what the other telling found to be seen before: at any time, and whosever name matches."""
    repeated = together(beside, counts.repeated)
    verdict = counts.verdict if repeated is None else repeated.verdict(counts.verdict)
    document = counts.document or other.document
    if (repeated, verdict, document) == (counts.repeated, counts.verdict, counts.document):
        return counts
    counts = replace(counts, repeated=repeated, document=document)
    if verdict is counts.verdict:
        return counts
    return _at_most(other, replace(counts, verdict=verdict, said=counts.said or counts.verdict))


def _at_most(known: Workflow, read: Workflow) -> Workflow:
    """What is read, with the lower level of both."""
    if known.level is None or (read.level is not None and read.level <= known.level):
        return read
    return replace(read, level=known.level, level_name=known.level_name)


def _compared_anew(known: Workflow, person: Comparison | None) -> Workflow:
    """What counts, with a comparison with what the account says today; the level is raised by a reading that counts."""
    if person is None or known.person is None or person.of == known.person.of or known.verdict is None:
        return known
    said = known.said or known.verdict
    verdict = person.counts_as.verdict(said) if person.is_different else said
    level = known.level if known.level is None or not person.is_different else min(known.level, CONTACT)
    level = NONE if verdict is Verdict.FAILED and level is not None else level
    level_name = known.level_name if level == known.level else ""
    anew = replace(
        known,
        verdict=verdict,
        said=None if said is verdict else said,
        person=person,
        level=level,
        level_name=level_name,
    )
    return _judged(known, anew)


def _judged(known: Workflow, read: Workflow) -> Workflow:
    """What is read with what whom its document names has made of it before.

    A rejection for that stays, and all else until the document is known to be the account's: neither a name that was
    made unreadable nor another verdict of the vendor's takes it back.
    """
    was, now = known.person, read.person
    if was is None or not was.is_anothers or (now is not None and now.is_different):
        return read
    is_rejected = was.counts_as is OnDifferentPerson.REJECT
    if now is not None and now.is_matched and not is_rejected:
        return read
    person = replace(now or was.unknown(), counts_as=was.counts_as, is_held=True)
    if read.verdict is None or read.verdict is Verdict.FAILED:
        return replace(read, person=person)
    said = read.said or read.verdict
    verdict = was.counts_as.verdict(read.verdict)
    level = NONE if verdict is Verdict.FAILED else CONTACT
    held = replace(read, verdict=verdict, said=None if said is verdict else said, person=person)
    if held.level is None or held.level <= level:
        return held
    is_known = known.level is not None and known.level <= level
    return replace(held, level=known.level if is_known else level, level_name=known.level_name if is_known else "")


def _created_at(known: Workflow, read: Workflow) -> str | None:
    """As the reply to the start told it, which is a moment later than what is told afterwards; until it ends."""
    if read.stage is not Stage.OPEN:
        return read.created_at
    is_vendors = known.seen_at is None
    return (is_vendors and known.created_at) or read.created_at or known.created_at


def _rank(workflow: Workflow) -> tuple[Stage, str, int]:
    if workflow.stage is not Stage.CONCLUDED:
        return workflow.stage, OLDEST, 0
    # Of one workflow too a missing time never admits: any time is later than that of what nobody knows when it passed.
    unknown = LATEST if (workflow.said or workflow.verdict) is Verdict.FAILED else OLDEST
    return workflow.stage, workflow.decided_at or unknown, _BADNESS[workflow.said or workflow.verdict]


def _pruned(workflows: list[Workflow]) -> tuple[Workflow, ...]:
    """Without the open ones beyond the youngest five; and of very many without those that mean least."""
    beyond = [each for each in workflows if each.stage is Stage.OPEN][:-MOST_OPEN]
    workflows = [each for each in workflows if each not in beyond]
    if len(workflows) > MOST_COMPARED:  # nobody has so many, but somebody else's writing may
        workflows = _telling(workflows)
    while len(workflows) > MOST_KEPT:
        workflows.remove(min(workflows, key=lambda each: (_means(each, workflows), each.age)))
    return tuple(workflows)


def _telling(workflows: list[Workflow]) -> list[Workflow]:
    """The latest of the rejections, and the youngest of all."""
    rejections = sorted((each for each in workflows if each.verdict is Verdict.FAILED), key=_decided)[-MOST_OPEN:]
    others = [each for each in workflows if each.verdict is not Verdict.FAILED][-(MOST_COMPARED - MOST_OPEN) :]
    return sorted([*rejections, *others], key=lambda each: each.age)


def _means(workflow: Workflow, among: list[Workflow]) -> int:
    """0: nothing, beside another that says at least as much; 1: it is open; 2: it may decide; 3: it rejects.

    A rejection means something beside a later one too: that one may be revised.
    """
    if workflow.stage is Stage.OPEN:
        return 1
    if workflow.verdict is None or (workflow.is_face_check and workflow.verdict is Verdict.WARNING):
        return 0
    others = [each for each in among if each.stage is Stage.CONCLUDED and each.id != workflow.id]
    is_covered = any(_covers(each, workflow) for each in others)
    if workflow.verdict is Verdict.FAILED:
        return 2 if is_covered else 3
    return 0 if is_covered else 2


def _covers(other: Workflow, workflow: Workflow) -> bool:
    if workflow.verdict is Verdict.FAILED:
        return other.verdict is Verdict.FAILED and _decided(other) > _decided(workflow)
    if other.verdict is Verdict.FAILED or other.is_face_check is not workflow.is_face_check or other.age < workflow.age:
        return False
    if workflow.verdict is Verdict.WARNING:  # it is what is known, for all that comes after it
        return other.verdict is Verdict.WARNING
    if workflow.is_face_check:
        return other.verdict is Verdict.PASSED and _decided(other) >= _decided(workflow)
    return other.verdict is Verdict.WARNING or (other.level or 0) >= (workflow.level or 0)


def _decided(workflow: Workflow) -> tuple[str, str]:
    return workflow.decided_at or LATEST, workflow.id


def _stage_of(status: Status) -> Stage:
    if status in CONCLUDED:
        return Stage.CONCLUDED
    return Stage.OPEN if status is Status.PENDING else Stage.ENDED


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else to_text(instant)
