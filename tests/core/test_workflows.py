# SPDX-License-Identifier: Apache-2.0
"""What is known of the workflows of one person: joined with what is read, bounded, and told by two copies."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from support import ACCOUNT, FACE_CHECKS, NOW, PASSED_CHECKS, TABLE, WORKFLOW, reading

from core.workflows import at, ended, face, open_one, passed, rejected, text, warned
from webhook.core.evidence import Check, Decision
from webhook.core.status import Verdict
from webhook.core.times import to_text
from webhook.core.workflows import (
    MOST_KEPT,
    MOST_OPEN,
    Stage,
    Workflow,
    joined,
    merged,
    read_as,
    undoubted,
    unknown_to_vendor,
)

REFUSED = Decision(type="REJECTED", label="REJECTED", risk_score=100.0)


def ids(workflows: Sequence[Workflow]) -> list[str]:
    return [each.id for each in workflows]


def all_joined(workflows: Sequence[Workflow]) -> tuple[Workflow, ...]:
    known: tuple[Workflow, ...] = ()
    for each in workflows:
        known = joined(known, each)
    return known


# --- as a reading tells it ---


def as_read(**changed: Any) -> Workflow:
    return read_as(reading(**changed), table=TABLE, verified_address=False, now=NOW)


def test_a_workflow_is_what_the_reading_tells() -> None:
    assert as_read(checks=PASSED_CHECKS, document_expires_at=at(9)) == Workflow(
        id=WORKFLOW,
        account_id=ACCOUNT,
        stage=Stage.CONCLUDED,
        created_at="2026-03-02T18:00:00.000Z",
        verdict=Verdict.PASSED,
        decided_at="2026-03-02T18:30:00.000Z",
        level=0,
        level_name="none",
        expires_at=text(9),
        table=TABLE.version,
        decision=Decision(type="PASSED", label="PASSED", risk_score=0.0),
        checks=PASSED_CHECKS,
        key=10011,
    ), "a document that had expired when it was shown gives no level"


@pytest.mark.parametrize(
    ("workflow_status", "stage", "decided_at"),
    [
        ("INITIATED", Stage.OPEN, None),
        ("ACQUIRED", Stage.OPEN, None),
        ("TOKEN_EXPIRED", Stage.ENDED, "2026-03-02T18:30:00.000Z"),
        ("SESSION_EXPIRED", Stage.ENDED, "2026-03-02T18:30:00.000Z"),
    ],
)
def test_without_a_verdict_it_brings_no_evidence(workflow_status: str, stage: Stage, decided_at: str | None) -> None:
    read = as_read(workflow_status=workflow_status, checks=PASSED_CHECKS)
    assert (read.stage, read.decided_at, read.verdict, read.level, read.checks) == (stage, decided_at, None, None, ())


def test_an_open_one_has_no_decision_yet() -> None:
    assert as_read(workflow_status="INITIATED").decision is None


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({}, False),
        ({"created_at": None}, False),
        ({"completed_at": None}, True),
        ({"workflow_status": "TOKEN_EXPIRED", "completed_at": None}, True),
        ({"workflow_status": "INITIATED", "completed_at": None}, False),
        ({"workflow_status": "INITIATED", "created_at": None}, True),
    ],
)
def test_when_it_was_first_seen_is_kept_where_jumio_tells_no_time(changed: dict[str, Any], seen: bool) -> None:
    assert as_read(**changed).seen_at == (to_text(NOW) if seen else None)


def test_whether_only_a_face_was_looked_at() -> None:
    assert as_read(checks=FACE_CHECKS).is_face_check
    assert not as_read(checks=PASSED_CHECKS).is_face_check


def test_nothing_of_a_persons_data_stays_with_the_checks() -> None:
    named = tuple(replace(check, data={"firstName": "JANE", "documentNumber": "1111111"}) for check in PASSED_CHECKS)
    assert as_read(checks=named).checks == PASSED_CHECKS


# --- joined ---


STAGES = [
    ended("x", 1, None, stage=Stage.UNKNOWN),
    open_one("x", 1),
    ended("x", 1, 3),
    passed("x", 1, None),
    passed("x", 1, 4),
    warned("x", 1, 4),
    rejected("x", 1, 4),
    passed("x", 1, 5),
    rejected("x", 1, None),
]


@pytest.mark.parametrize("index", range(len(STAGES)))
def test_what_is_later_is_never_displaced_by_what_is_earlier(index: int) -> None:
    """Nor a verdict by one that was decided before; nor a rejection by one of an unknown time."""
    for earlier in STAGES[:index]:
        assert joined([earlier], STAGES[index]) == (STAGES[index],)
        assert joined([STAGES[index]], earlier) == (STAGES[index],)


def test_what_jumio_does_not_know_is_open_again_once_it_does() -> None:
    gone = unknown_to_vendor(open_one("x", 1), now=NOW)
    assert (gone.stage, gone.seen_at) == (Stage.UNKNOWN, to_text(NOW))
    assert joined([gone], open_one("x", 1)) == (open_one("x", 1),)


def test_they_are_kept_by_age_in_whatever_order_they_were_read() -> None:
    three = [open_one("c", None), passed("b", 1, 9), ended("a", 2, 3)]
    for order in permutations(three):
        assert ids(all_joined(order)) == ["c", "b", "a"]


def test_of_one_moment_the_ids_decide() -> None:
    assert ids(all_joined([open_one("b", 1), open_one("a", 1)])) == ["a", "b"]


@pytest.mark.parametrize(
    "known", [open_one("x", None, account_id="its", key=7), ended("x", 1, 2, account_id="its", key=7)]
)
@pytest.mark.parametrize("read", [passed("x", 1, 5, account_id=None), ended("x", 1, 2, account_id=None)])
def test_an_account_and_a_definition_that_are_known_stay(known: Workflow, read: Workflow) -> None:
    [told] = joined([known], read)
    assert (told.account_id, told.key) == ("its", 7)


def test_told_again_it_was_first_seen_when_it_was() -> None:
    """Else whoever replays a callback could make a verification young again."""
    once = passed("x", 1, None, seen_at=text(20))
    assert joined([once], replace(once, seen_at=text(90))) == (once,)
    without = replace(once, seen_at=None)  # of a record that somebody bent
    assert joined([without], replace(once, seen_at=text(90))) == (replace(once, seen_at=text(90)),)


def test_told_again_with_another_level_it_is_what_is_told_last() -> None:
    again = passed("x", 1, 5, level=2, table="another")
    assert joined([passed("x", 1, 5)], again) == (again,)


def test_told_again_a_renewal_that_is_not_known_itself_stays() -> None:
    assert joined([passed("x", 1, 5, renewed_at=text(8))], passed("x", 1, 5)) == (
        passed("x", 1, 5, renewed_at=text(8)),
    )


def test_an_open_one_keeps_the_time_of_its_start_where_jumio_tells_none() -> None:
    [told] = joined([open_one("x", 1)], open_one("x", None))
    assert (told.created_at, told.seen_at) == (text(1), text(99))
    [verdict] = joined([passed("x", 1, 5)], passed("x", None, 5))
    assert verdict.created_at is None, "doubt never admits: it may be our own clock's"


# --- bounded ---


def test_of_many_that_are_open_the_youngest_five_are_kept() -> None:
    many = [open_one(f"o{number}", number) for number in range(MOST_OPEN + 3)]
    for order in (many, many[::-1]):
        assert ids(all_joined(order)) == [f"o{number}" for number in range(3, MOST_OPEN + 3)]


EXPIRED = [ended(f"e{number:02}", 20 + number, 50) for number in range(MOST_KEPT)]


def kept_beside_many(*workflows: Workflow) -> list[str]:
    """Which of them are left beside more than can be kept, in whatever order they were read."""
    every = (*workflows, *EXPIRED)
    kept = all_joined(every)
    assert len(kept) == MOST_KEPT
    assert all_joined(every[::-1]) == kept
    return [each for each in ids(kept) if not each.startswith("e")]


@pytest.mark.parametrize(
    ("workflows", "kept"),
    [
        ([passed("p", 1, 5)], ["p"]),
        ([open_one("o", 1)], ["o"]),
        ([rejected("r", 1, 5)], ["r"]),
        ([rejected("r", 1, 5), rejected("s", 2, 4)], ["r", "s"]),  # the later one may be revised
        ([rejected("r", 1, 5), rejected("s", 2, None)], ["r", "s"]),
        ([rejected("r", 1, 5), passed("p", 0, 4)], ["p", "r"]),
        ([passed("p", 1, 5), passed("q", 2, 6)], ["q"]),
        ([passed("p", 1, 5, level=2), passed("q", 2, 6)], ["q"]),
        ([passed("p", 1, 5), passed("q", 2, 6, level=2)], ["p", "q"]),
        ([passed("p", 1, 5), passed("q", 2, 6, level=None)], ["p", "q"]),
        ([passed("p", 1, 5), warned("w", 2, 6)], ["w"]),
        ([warned("w", 1, 5), warned("x", 2, 6)], ["x"]),
        ([warned("w", 1, 5), passed("p", 2, 6)], ["w", "p"]),
        ([passed("p", 1, 5), face(passed("f", 2, 6))], ["p", "f"]),
        ([face(passed("f", 2, 6)), face(passed("g", 3, 7))], ["g"]),
        ([face(passed("f", 2, 7)), face(passed("g", 3, 6))], ["f", "g"]),
        ([face(passed("f", 2, 6)), face(warned("g", 3, 7))], ["f"]),
        ([face(warned("f", 2, 6)), face(passed("g", 3, 7))], ["g"]),
    ],
    ids=lambda each: "-".join(each if isinstance(each[0], str) else ids(each)),
)
def test_of_very_many_what_may_decide_is_kept(workflows: list[Workflow], kept: list[str]) -> None:
    assert kept_beside_many(*workflows) == kept


def test_a_result_that_was_forgotten_for_a_doubt_comes_back_below_it() -> None:
    """Its callback may be replayed: then what was shown after the doubt still counts by itself."""
    kept = all_joined([passed("p", 0, 3), warned("w", 1, 5), passed("q", 2, 6, level=2), *EXPIRED])
    assert "w" in ids(joined(kept, passed("p", 0, 3)))


def test_of_very_many_that_all_may_decide_the_oldest_go() -> None:
    many = [face(passed(f"f{number:02}", number, 90 - number)) for number in range(MOST_KEPT + 2)]
    assert ids(all_joined(many)) == [f"f{number:02}" for number in range(2, MOST_KEPT + 2)]
    assert "r" in ids(all_joined([rejected("r", 0, 1), *many])), "but never a rejection"


# --- two copies ---


def test_copies_that_tell_the_same_leave_no_doubt() -> None:
    whole = (passed("p", 1, 5), open_one("o", 6))
    assert merged(whole, (passed("p", 1, 5, level=None, checks=()),)) == whole


@pytest.mark.parametrize(
    ("listed", "summed"),
    [
        (ended("x", 1, None, stage=Stage.UNKNOWN), ended("x", 1, 5)),
        (ended("x", 1, 5), ended("x", 1, 6)),
        (face(passed("x", 1, 5)), ended("x", 1, 5)),
        (face(warned("x", 1, 5)), ended("x", 1, 5)),
        (passed("x", 1, None), passed("x", 1, 99)),
        (open_one("x", 1), open_one("x", 2)),
    ],
)
def test_a_summary_that_tells_less_disputes_nothing(listed: Workflow, summed: Workflow) -> None:
    assert merged([listed], [summed]) == (listed,)


@pytest.mark.parametrize(
    ("listed", "summed", "counts"),
    [
        (passed("x", 1, 5), rejected("x", 1, 5), rejected("x", 1, 5)),
        (passed("x", 1, 5), rejected("x", 1, 6), rejected("x", 1, 6)),
        (passed("x", 1, 6), rejected("x", 1, 5), passed("x", 1, 6)),
        (rejected("x", 1, 5), passed("x", 1, 6), rejected("x", 1, 5)),
        (passed("x", 1, 5), passed("x", 1, 6), passed("x", 1, 5)),
        (passed("x", 1, 5), warned("x", 1, 6), passed("x", 1, 5)),
        (open_one("x", 1), passed("x", 1, 5), open_one("x", 1)),
        (open_one("x", 1), rejected("x", 1, 5), rejected("x", 1, 5)),
        (ended("x", 1, 5), open_one("x", 1), ended("x", 1, 5)),
        (face(rejected("x", 1, 5)), ended("x", 1, 5), face(rejected("x", 1, 5))),
    ],
)
def test_of_what_they_dispute_a_later_rejection_counts_else_the_list_and_it_is_doubtful(
    listed: Workflow, summed: Workflow, counts: Workflow
) -> None:
    """Doubt never admits: what only a summary tells admits nobody before it is read again."""
    assert merged([listed], [summed]) == (replace(counts, is_doubtful=True),)


def test_what_they_dispute_is_read_at_the_account_that_is_listed() -> None:
    [disputed] = merged([ended("x", 1, 5)], [rejected("x", 1, 5, account_id="of another")])
    assert (disputed.verdict, disputed.account_id) == (Verdict.FAILED, ACCOUNT)


def test_what_only_the_summary_tells_is_doubtful_and_what_only_the_list_tells_is_not() -> None:
    assert merged([open_one("o", 1)], [passed("p", 2, 5)]) == (
        open_one("o", 1),
        replace(passed("p", 2, 5), is_doubtful=True, is_unlisted=True),
    )


def unlisted(workflow: Workflow) -> Workflow:
    return replace(workflow, is_doubtful=True, is_unlisted=True)


def test_what_names_no_workflow_counts_only_where_nothing_else_is_known_or_it_rejects() -> None:
    nameless = passed("", 1, 5)
    assert merged([], [nameless]) == (unlisted(nameless),)
    assert merged([open_one("o", 1)], [nameless]) == (open_one("o", 1),)
    assert merged([nameless], [open_one("o", 6)], is_list=False) == (unlisted(open_one("o", 6)),)
    rejection = rejected("", 1, 5)
    assert merged([rejection], [open_one("o", 6)], is_list=False) == (rejection, unlisted(open_one("o", 6)))
    assert merged([nameless, open_one("o", 6)], [nameless]) == (nameless, open_one("o", 6)), "or it is listed"


def test_doubt_can_be_put_aside() -> None:
    assert undoubted([replace(open_one("o", 1), is_doubtful=True, is_unlisted=True)]) == (open_one("o", 1),)


DOUBTED = replace(passed("x", 1, 5), is_doubtful=True)


@pytest.mark.parametrize("read", [passed("x", 1, 5), warned("x", 1, 3), rejected("x", 1, 2)])
def test_a_fresh_reading_settles_a_doubt_whatever_it_says(read: Workflow) -> None:
    assert joined([DOUBTED], read) == (read,)


def test_a_doubted_rejection_is_not_settled_by_a_workflow_without_a_verdict_and_anything_else_is() -> None:
    rejection = replace(rejected("x", 1, 5), is_doubtful=True)
    assert joined([rejection], open_one("x", 1)) == (rejection,)
    assert joined([rejection], passed("x", 1, 4)) == (passed("x", 1, 4),)
    assert joined([DOUBTED], open_one("x", 1)) == (open_one("x", 1),)
    assert joined([replace(ended("x", 1, 2), is_doubtful=True)], open_one("x", 1)) == (open_one("x", 1),)


def test_nor_by_a_reading_from_before_the_doubt() -> None:
    assert joined([DOUBTED], warned("x", 1, 3), is_fresh=False) == (DOUBTED,)
    assert joined([DOUBTED], passed("x", 1, 5), is_fresh=False) == (DOUBTED,)
    assert joined([DOUBTED], rejected("x", 1, 6), is_fresh=False) == (rejected("x", 1, 6),)


# --- their own ---


@pytest.mark.parametrize(
    ("workflow", "told_at", "verified_at"),
    [
        (passed("p", 1, 5), text(5), text(5)),
        (passed("p", 1, None), text(99), text(99)),
        (passed("p", 1, 5, renewed_at=text(8)), text(5), text(8)),
        (passed("p", 1, 5, renewed_at=text(4)), text(5), text(5)),
        (open_one("o", 1), None, None),
    ],
)
def test_since_when_its_evidence_holds(workflow: Workflow, told_at: str | None, verified_at: str | None) -> None:
    assert (workflow.told_at, workflow.verified_at) == (told_at, verified_at)


def test_a_level_is_as_of_the_decision() -> None:
    """And not as of the reading: a document may have expired since."""
    expires_at = at(0) + timedelta(days=1)
    read = as_read(checks=PASSED_CHECKS, document_expires_at=expires_at, completed_at=at(5))
    assert (read.level, as_read(checks=PASSED_CHECKS, completed_at=at(5), document_expires_at=at(5)).level) == (3, 0)


def test_a_doubted_capability_caps_the_level() -> None:
    doubted = Check(capability="watchlistScreening", decision="WARNING", label="ALERT", data={})
    assert as_read(checks=(*PASSED_CHECKS, doubted)).level == TABLE.warning_cap
    assert as_read(checks=PASSED_CHECKS, decision=REFUSED).level == 0


def test_thousands_are_compared_in_no_time() -> None:
    """Somebody else may have written them; the latest rejection is kept among them."""
    many = [ended(f"e{number:04}", number, number) for number in range(3000)]
    begun = time.process_time()
    kept = merged([rejected("r", 1, 5000), *many], [])
    assert time.process_time() - begun < 1
    assert len(kept) == MOST_KEPT
    assert "r" in ids(kept)
