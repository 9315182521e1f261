# SPDX-License-Identifier: Apache-2.0
"""The rule of verdicts for every set of results, every order, repetition and split over processes.

`expected` is a model of it, written from the contract's six sentences alone: it knows all results at once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support import ACCOUNT, FACE_CHECKS, IDENTITY, OTHER_IDENTITY, PASSED_CHECKS, TABLE, reading, settings_of

from core.workflows import at, text
from sandbox import json_patch
from webhook.coordination.local import Local
from webhook.core.evidence import Decision, Reading
from webhook.core.person import Comparison, Match, OnDifferentPerson
from webhook.core.record import Record, Reverification
from webhook.core.settle import settle
from webhook.core.status import Status, Verdict
from webhook.core.workflows import MOST_KEPT, MOST_OPEN, Stage, Workflow
from webhook.errors import KratosRefused
from webhook.ory.kratos.documents import Identity, patch_of
from webhook.verification.links import Links
from webhook.verification.recorder import Recorder

NOW = at(1000)
PASSED, WARNED, REJECTED, NOT_EXECUTED, EXPIRED, OPEN = (
    "PASSED",
    "WARNING",
    "REJECTED",
    "NOT_EXECUTED",
    "EXPIRED",
    "OPEN",
)
VERDICTS = (PASSED, WARNED, REJECTED)
# What the shipped table makes of a passed document that shows so many of the checks.
SHOWN = {3: 6, 2: 4, 0: 2}
CHECKS = {level: tuple(sorted(PASSED_CHECKS, key=lambda each: each.capability in ("liveness", "similarity")))[:count]
          for level, count in SHOWN.items()}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Told:
    """What Jumio tells of a workflow at one time; times are minutes, None where it tells none."""

    outcome: str
    decided: int | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """One workflow: what Jumio tells of it in the end, and what it told before."""

    id: str
    created: int | None
    last: Told
    before: tuple[Told, ...] = ()
    is_face: bool = False
    level: int = 3
    references: tuple[str, ...] = (IDENTITY, IDENTITY)

    @property
    def readings(self) -> list[Reading]:
        return [self.read(told) for told in (*self.before, self.last)]

    def read(self, told: Told) -> Reading:
        """As the service gets it."""
        processed = told.outcome in (*VERDICTS, NOT_EXECUTED)
        return reading(
            workflow_execution_id=self.id,
            workflow_status="PROCESSED" if processed else {OPEN: "INITIATED", EXPIRED: "TOKEN_EXPIRED"}[told.outcome],
            decision=Decision(type=told.outcome, label=None, risk_score=None) if processed else None,
            created_at=_instant(self.created),
            completed_at=_instant(told.decided),
            references=self.references,
            checks=FACE_CHECKS if self.is_face else CHECKS[self.level],
        )


def _instant(minute: int | None) -> datetime | None:
    return None if minute is None else at(minute)


# --- the model ---


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the contract says. `workflows` are those that may be named: it does not tell which of equals.

    `verified_at` is None where it tells nothing.
    """

    status: Status
    workflows: frozenset[str]
    level: int | None = None
    verified_at: int | None = None


def expected(stories: Iterable[Story]) -> Expected:
    """The six sentences."""
    # 5. A workflow whose references name another identity, or none, never counts.
    own = [each for each in stories if each.references and set(each.references) == {IDENTITY}]
    # 6. What only looks at a face gives no verdict.
    good = [each for each in own if each.last.outcome in (PASSED, WARNED) and not each.is_face]
    # 1. Rejected when something was, and nothing that was created after its decision passed or warned.
    rejections = [each for each in own if each.last.outcome == REJECTED]
    standing = [each for each in rejections if not any(_created_after(one, each) for one in good)]
    if standing:
        return Expected(status=Status.REJECTED, workflows=_ids(standing), level=0)
    # 2. Otherwise the youngest that passed or warned.
    if good:
        counting = sorted((one for one in good if all(_created_after(one, each) for each in rejections)), key=_age)
        youngest = [one for one in counting if one.created == counting[-1].created]
        shown = _evidence(counting)
        faces = [
            one
            for one in own
            if one.is_face and one.last.outcome == PASSED and all(_created_after(one, each) for each in rejections)
        ]
        times = [one.last.decided for one in (shown, *faces)]
        return Expected(
            status=Status.APPROVED if counting[-1].last.outcome == PASSED else Status.REVIEW,
            workflows=_ids([one for one in youngest if one.last.outcome == counting[-1].last.outcome]),
            level=shown.level if shown.last.outcome == PASSED else 0,
            verified_at=None if None in times else max(time for time in times if time is not None),
        )
    # 3. Otherwise the youngest says how things stand.
    if own:
        youngest_of_all = max(own, key=_age)
        is_open = youngest_of_all.last.outcome == OPEN
        return Expected(status=Status.PENDING if is_open else Status.INCOMPLETE, workflows=_ids([youngest_of_all]))
    return Expected(status=Status.NONE, workflows=frozenset())


def counting(stories: Iterable[Story], names: Mapping[str, Match], on_different: OnDifferentPerson) -> list[Story]:
    """What counts, where a document that names somebody else does what the setting says."""
    outcomes = {
        OnDifferentPerson.REVIEW: {PASSED: WARNED},
        OnDifferentPerson.REJECT: {PASSED: REJECTED, WARNED: REJECTED},
        OnDifferentPerson.IGNORE: {},
    }[on_different]
    return [
        replace(each, last=replace(each.last, outcome=outcomes.get(each.last.outcome, each.last.outcome)))
        if names[each.id] is Match.DIFFERENT and not each.is_face
        else each
        for each in stories
    ]


def _age(story: Story) -> tuple[int, int, str]:
    """A missing creation counts as the oldest. Of two of one moment the worse counts, since doubt never admits."""
    worse = (PASSED, WARNED, REJECTED).index(story.last.outcome) + 1 if story.last.outcome in VERDICTS else 0
    return -1 if story.created is None else story.created, worse, story.id


def _created_after(one: Story, rejection: Story) -> bool:
    """A missing decision counts as now: nothing was created after that."""
    if one.created is None or rejection.last.decided is None:
        return False
    return one.created > rejection.last.decided


def _evidence(documents: Sequence[Story]) -> Story:
    """6. What shows less than what is known renews nothing; a doubt is what is known from then on."""
    doubts = [index for index, each in enumerate(documents) if each.last.outcome == WARNED]
    since = documents[doubts[-1] if doubts else 0 :]
    levels = [0 if each.last.outcome == WARNED else each.level for each in since]
    return [each for index, each in enumerate(since) if levels[index] >= max(levels[: index + 1])][-1]


def _ids(stories: Iterable[Story]) -> frozenset[str]:
    return frozenset(each.id for each in stories)


# --- what there may be ---

minutes = st.integers(0, 12)


@st.composite
def told_before(draw: st.DrawFn, last: Told) -> tuple[Told, ...]:
    """What Jumio may have told before: open, ended, another verdict that it revised since."""
    before = [Told(outcome=OPEN)] if draw(st.booleans()) else []
    if last.outcome == OPEN:
        return tuple(before)
    if last.outcome in VERDICTS:
        if draw(st.booleans()):
            before.append(Told(outcome=draw(st.sampled_from([EXPIRED, NOT_EXECUTED])), decided=draw(minutes)))
        if last.decided is not None and last.decided > 0:
            earlier = st.builds(Told, outcome=st.sampled_from(VERDICTS), decided=st.integers(0, last.decided - 1))
            before += draw(st.lists(earlier, max_size=2, unique_by=lambda each: each.decided))
        if last.outcome == REJECTED and draw(st.booleans()):
            before.append(Told(outcome=draw(st.sampled_from([PASSED, WARNED]))))  # of which nobody knows when
    return tuple(before)


@st.composite
def a_story(draw: st.DrawFn, name: str, outcomes: Sequence[str] = (*VERDICTS, NOT_EXECUTED, EXPIRED, OPEN)) -> Story:
    outcome = draw(st.sampled_from(outcomes))
    last = Told(outcome=outcome, decided=None if outcome == OPEN else draw(minutes | st.none()))
    return Story(
        id=name,
        created=draw(minutes | st.none()),
        last=last,
        before=draw(told_before(last)),
        is_face=draw(st.sampled_from([False, False, True])),
        level=draw(st.sampled_from(sorted(SHOWN))),
        references=draw(st.sampled_from([(IDENTITY, IDENTITY)] * 6 + [(IDENTITY, OTHER_IDENTITY), ()])),
    )


@st.composite
def all_stories(draw: st.DrawFn, *, most: int = 6) -> tuple[Story, ...]:
    ids = [chr(ord("a") + number) for number in range(draw(st.integers(1, most)))]
    return tuple(draw(a_story(each)) for each in ids)


@st.composite
def orders(draw: st.DrawFn, stories: Sequence[Story]) -> list[Reading]:
    """All that Jumio tells, in any order, and some of it again."""
    readings = [each for story in stories for each in story.readings]
    again = draw(st.lists(st.sampled_from(readings), max_size=4))
    return list(draw(st.permutations([*readings, *again])))


# --- what comes of it ---


def read_into(record: Record, each: Reading, *, is_fresh: bool = True, person: Comparison | None = None) -> Record:
    options: dict[str, Any] = {"table": TABLE, "verified_address": False, "now": NOW, "is_fresh": is_fresh}
    return settle(record, each, identity_id=IDENTITY, person=person, **options).record


def record_of(readings: Iterable[Reading], record: Record | None = None) -> Record:
    record = record or Record()
    for each in readings:
        record = read_into(record, each)
    return record


def compared(record: Record) -> Record:
    """But for the history, which tells what happened when."""
    return replace(record, history=())


def assert_is(record: Record, wanted: Expected) -> None:
    assert record.status is wanted.status
    assert record.verdict == {
        Status.APPROVED: Verdict.PASSED, Status.REVIEW: Verdict.WARNING, Status.REJECTED: Verdict.FAILED,
    }.get(wanted.status)  # fmt: skip
    assert (record.workflow_execution_id or "") in (wanted.workflows or {""})
    assert (None if record.assurance is None else record.assurance.level) == wanted.level
    if wanted.verified_at is not None:
        assert record.assurance is not None
        assert record.assurance.verified_at == text(wanted.verified_at)


@given(data=st.data(), stories=all_stories())
def test_every_order_and_repetition_ends_in_the_record_that_the_contract_says(
    data: st.DataObject, stories: tuple[Story, ...]
) -> None:
    record = record_of(data.draw(orders(stories)))
    assert_is(record, expected(stories))
    assert compared(record_of(data.draw(orders(stories)))) == compared(record)


@given(data=st.data(), stories=all_stories(), on_different=st.sampled_from(OnDifferentPerson))
def test_whose_document_it_is_counts_in_every_order(
    data: st.DataObject, stories: tuple[Story, ...], on_different: OnDifferentPerson
) -> None:
    names = {each.id: data.draw(st.sampled_from(Match)) for each in stories}
    persons = {
        name: Comparison(name=match, birthdate=Match.UNKNOWN, of="0", counts_as=on_different)
        for name, match in names.items()
    }

    def read_all() -> Record:
        record = Record()
        for each in data.draw(orders(stories)):
            record = read_into(record, each, person=persons[each.workflow_execution_id])
        return record

    record, wanted = read_all(), expected(counting(stories, names, on_different))
    assert record.status is wanted.status
    assert (record.workflow_execution_id or "") in (wanted.workflows or {""})
    assert compared(read_all()) == compared(record)
    if record.notice is not None and record.assurance is not None:
        assert record.status is not Status.APPROVED or on_different is OnDifferentPerson.IGNORE
    decided = next((each for each in record.known if each.id == record.workflow_execution_id), None)
    assert (record.notice is not None) is (record.verdict is not None and decided is not None and decided.names_another)


class Store:
    """Kratos, to several processes: each version of one identity, since a process may have read an earlier one."""

    def __init__(self) -> None:
        self.versions: list[dict[str, Any]] = [{"metadata_public": None, "metadata_admin": None}]

    def seen(self, version: int = -1) -> Identity:
        return Identity(id=IDENTITY, state="active", **json.loads(json.dumps(self.versions[version])))

    def get(self, identity_id: str) -> Identity:
        return self.seen()

    def write(self, identity: Any, record: Record, *, state: str | None = None) -> Identity:
        patch = json.loads(json.dumps(patch_of(record, onto=identity)))
        try:
            written = json_patch.apply(self.versions[-1], patch)
        except json_patch.PatchError as error:
            raise KratosRefused(str(error), status=400) from None
        self.versions.append(written)
        assert self.seen().shows(patch)
        return self.seen()


def recorder_of(store: Any) -> Recorder:
    return Recorder(store, links=Links(settings_of().links), coordination=Local({}), table=TABLE, clock=lambda: NOW)


@given(data=st.data(), stories=all_stories())
def test_every_split_over_processes_ends_in_the_same_record(data: st.DataObject, stories: tuple[Story, ...]) -> None:
    """Each writes upon what it read, which others may have changed since, but for the workflow that it writes."""
    store = Store()
    recorder = recorder_of(store)
    written_at: dict[str, int] = {}
    for each in data.draw(orders(stories)):
        newest = len(store.versions) - 1
        version = data.draw(st.integers(max(written_at.get(each.workflow_execution_id, 0), newest - 4), newest))
        before = store.seen(version)
        after = read_into(before.record, each, is_fresh=version == newest)
        if after.status is not Status.NONE and not before.holds(after):
            recorder.write(before, after)
        written_at[each.workflow_execution_id] = len(store.versions) - 1
    record = store.seen().record
    assert_is(record, expected(stories))
    assert compared(record) == compared(record_of(data.draw(orders(stories))))
    assert store.seen().holds(record)


@given(data=st.data(), stories=all_stories(), decided=minutes)
def test_more_links_never_help_whoever_was_rejected(
    data: st.DataObject, stories: tuple[Story, ...], decided: int
) -> None:
    held = tuple(
        replace(each, created=data.draw(st.none() | st.integers(0, decided)), references=(IDENTITY,))
        for each in stories
    )
    rejection = Story(id="r", created=0, last=Told(outcome=REJECTED, decided=decided))
    assert record_of(data.draw(orders((*held, rejection)))).status is Status.REJECTED


@given(data=st.data(), stories=all_stories())
def test_a_rejection_is_never_lost_at_any_time(data: st.DataObject, stories: tuple[Story, ...]) -> None:
    """From when it was read on, until something is read that undoes it."""
    rejection = Story(id="r", created=data.draw(minutes), last=Told(outcome=REJECTED, decided=data.draw(minutes)))
    record, read = record_of(rejection.readings), [rejection]
    for each in data.draw(st.permutations(stories)):
        record = record_of(each.readings, record)
        read.append(each)
        undone = any(
            one.last.outcome in (PASSED, WARNED) and not one.is_face and _created_after(one, rejection) for one in read
        )
        assert undone or record.status is Status.REJECTED


@given(data=st.data(), stories=all_stories())
def test_doubt_about_a_time_never_admits(data: st.DataObject, stories: tuple[Story, ...]) -> None:
    """Whoever is rejected stays so when Jumio forgets when something was created, or when a rejection was decided."""

    def forgetting(story: Story) -> Story:
        if story.last.outcome == REJECTED:
            return replace(story, last=replace(story.last, decided=None))
        return replace(story, created=None)

    before = record_of(data.draw(orders(stories)))
    doubted = tuple(forgetting(each) if data.draw(st.booleans()) else each for each in stories)
    after = record_of(data.draw(orders(doubted)))
    assert before.status is not Status.REJECTED or after.status is Status.REJECTED


# --- what a request to do it again becomes ---

BASE = Story(id="base", created=0, last=Told(outcome=PASSED, decided=0), level=2)
REQUESTED = 5
REQUEST = Reverification(
    reason="risk",
    due_at=text(900),
    workflow_execution_id="asked",
    vendor_url="https://jumio.example.com",
    initiated_at=text(REQUESTED),
)


@st.composite
def stories_since_a_request(draw: st.DrawFn) -> tuple[Story, ...]:
    """Without rejections, which end everything; what is older than the request shows no more than was known then."""
    outcomes = (PASSED, WARNED, NOT_EXECUTED, EXPIRED, OPEN)
    asked = replace(draw(a_story("asked", outcomes)), created=REQUESTED)
    others = [draw(a_story(name, outcomes)) for name in ("a", "b", "c")[: draw(st.integers(0, 3))]]
    others = [replace(each, level=0) if each.created is None or each.created < REQUESTED else each for each in others]
    known = [replace(each, before=(), references=(IDENTITY,)) for each in (asked, *others)]
    early = Told(outcome=EXPIRED, decided=REQUESTED)
    return tuple(replace(each, before=(early,)) if draw(st.booleans()) else each for each in known)


def is_fulfilled(stories: Iterable[Story]) -> bool:
    """By a face, or by what shows at least as much as what was known before it, started for it or later."""
    known = 2
    for each in sorted((BASE, *stories), key=_age):
        if each.last.outcome not in (PASSED, WARNED) or (each.is_face and each.last.outcome == WARNED):
            continue
        shown = 0 if each.last.outcome == WARNED else each.level
        counts = each.is_face or each.last.outcome == WARNED or shown >= known
        if counts and each.created is not None and each.created >= REQUESTED:
            return True
        if not each.is_face and counts:
            known = shown
    return False


@given(data=st.data(), stories=stories_since_a_request())
def test_a_request_ends_by_what_shows_as_much_as_is_known_in_every_order(
    data: st.DataObject, stories: tuple[Story, ...]
) -> None:
    asked = Workflow(id="asked", account_id=ACCOUNT, stage=Stage.OPEN, created_at=text(REQUESTED))
    verified = record_of(BASE.readings)
    record = replace(verified, reverification=REQUEST).with_known((*verified.known, asked))
    further = record_of(data.draw(orders(stories)), record).reverification
    if is_fulfilled(stories):
        assert further is None
        return
    assert further is not None
    [last] = [each.last for each in stories if each.id == "asked"]
    is_open = last.outcome == OPEN and not any(each.before for each in stories if each.id == "asked")
    assert further == (REQUEST if is_open else Reverification(
        reason="risk", due_at=text(900), initiated_at=text(REQUESTED)
    ))  # fmt: skip


# --- very many ---


@given(data=st.data(), stories=all_stories(most=9), created=st.lists(minutes, min_size=8, max_size=24))
def test_of_very_many_only_what_decides_is_kept_and_it_decides_the_same(
    data: st.DataObject, stories: tuple[Story, ...], created: list[int]
) -> None:
    of_no_use = [
        Story(id=f"expired {number}", created=minute, last=Told(outcome=EXPIRED, decided=minute))
        for number, minute in enumerate(created)
    ]
    every = (*(replace(each, before=()) for each in stories), *of_no_use)
    record = record_of(data.draw(orders(every)))
    assert len(record.known) <= MOST_KEPT
    assert len(record.open_workflows) <= MOST_OPEN
    assert_is(record, expected(every))
