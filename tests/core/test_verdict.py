# SPDX-License-Identifier: Apache-2.0
"""The six sentences of the rule of verdicts, each as a table. Every case is read in every order: it never matters."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from core.workflows import ended, face, open_one, passed, rejected, text, warned
from webhook.core.status import Status
from webhook.core.verdict import Conclusion, concluded
from webhook.core.workflows import Stage, Workflow

APPROVED, REVIEW, REJECTED = Status.APPROVED, Status.REVIEW, Status.REJECTED
PENDING, INCOMPLETE = Status.PENDING, Status.INCOMPLETE

Case = tuple[list[Workflow], Status, str]


def conclusion_in_every_order(workflows: Sequence[Workflow]) -> Conclusion:
    told = concluded(workflows)
    assert all(concluded(each) == told for each in permutations(workflows))
    return told


def said_by(case: Case) -> tuple[Status, str | None]:
    told = conclusion_in_every_order(case[0])
    return told.status, None if told.workflow is None else told.workflow.id


# --- 1. a rejection stands until something passed or warned that was created after it was decided ---

REJECTIONS: dict[str, Case] = {
    "alone": ([rejected("r", 1, 5)], REJECTED, "r"),
    "beside one that passed and was created before it": ([passed("p", 0, 9), rejected("r", 1, 5)], REJECTED, "r"),
    "a link held in store is no second try": ([rejected("r", 1, 5), passed("p", 2, 9)], REJECTED, "r"),
    "nor are many links": (
        [rejected("r", 1, 5), passed("p", 2, 9), passed("q", 3, 10), warned("w", 4, 11)], REJECTED, "r",
    ),
    "what was created in the moment of the rejection is not after it": (
        [rejected("r", 1, 5), passed("p", 5, 9)], REJECTED, "r",
    ),
    "created after it and passed undoes it": ([rejected("r", 1, 5), passed("p", 6, 9)], APPROVED, "p"),
    "created after it and warned undoes it": ([rejected("r", 1, 5), warned("w", 6, 9)], REVIEW, "w"),
    "created after it and still open does not": ([rejected("r", 1, 5), open_one("o", 6)], REJECTED, "r"),
    "created after it and expired does not": ([rejected("r", 1, 5), ended("e", 6, 9)], REJECTED, "r"),
    "created after one rejection and before the end of another": (
        [rejected("r", 1, 5), passed("p", 6, 9), rejected("s", 2, 8)], REJECTED, "s",
    ),
    "the one decided last is told": ([rejected("r", 3, 5), rejected("s", 1, 8)], REJECTED, "s"),
    "among links that were all used": (
        [passed("p", 1, 4), rejected("r", 2, 3), warned("w", 3, 5), ended("e", 4, 6)], REJECTED, "r",
    ),
    "of an older link, later than the younger one passed": ([rejected("r", 1, 9), passed("p", 2, 5)], REJECTED, "r"),
    "of a younger one": ([passed("p", 1, 2), rejected("r", 3, 5)], REJECTED, "r"),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTIONS)
def test_a_rejection_stands_until_something_younger_than_its_decision_passed_or_warned(name: str) -> None:
    _, *expected = REJECTIONS[name]
    assert said_by(REJECTIONS[name]) == tuple(expected)


# --- 2. otherwise the youngest that passed or warned has the verdict, also when it comes late ---

VERDICTS: dict[str, Case] = {
    "one passed": ([passed("p", 1, 5)], APPROVED, "p"),
    "one warned": ([warned("w", 1, 5)], REVIEW, "w"),
    "the younger warned": ([passed("p", 1, 5), warned("w", 2, 4)], REVIEW, "w"),
    "the younger passed": ([warned("w", 1, 5), passed("p", 2, 4)], APPROVED, "p"),
    "by creation and not by decision": ([passed("p", 1, 9), warned("w", 2, 3)], REVIEW, "w"),
    "while a younger one is open": ([passed("p", 1, 9), open_one("o", 2)], APPROVED, "p"),
    "while a younger one has expired": ([passed("p", 1, 9), ended("e", 2, 3)], APPROVED, "p"),
    "while younger ones are open and expired": (
        [warned("w", 1, 9), ended("e", 2, 3), open_one("o", 3), ended("f", 4, 5)], REVIEW, "w",
    ),
    "of two of one moment the doubt counts": ([warned("a", 1, 5), passed("p", 1, 5)], REVIEW, "a"),
    "and of two whose moment nobody knows": ([warned("a", None, 5), passed("p", None, 6)], REVIEW, "a"),
    "of two doubts of one moment the ids decide": (
        [warned("b", 1, 5), passed("c", 1, 6), warned("a", 1, 7)], REVIEW, "b",
    ),
    "after a rejection that was undone": (
        [rejected("r", 1, 5), passed("p", 6, 9), warned("w", 7, 8)], REVIEW, "w",
    ),
    "though it shows less than was known": ([passed("p", 1, 5), passed("q", 2, 6, level=0)], APPROVED, "q"),
}  # fmt: skip


@pytest.mark.parametrize("name", VERDICTS)
def test_otherwise_the_youngest_that_passed_or_warned_has_the_verdict(name: str) -> None:
    _, *expected = VERDICTS[name]
    assert said_by(VERDICTS[name]) == tuple(expected)


# --- 3. otherwise the youngest says how things stand ---

WITHOUT_A_VERDICT: dict[str, Case] = {
    "one is open": ([open_one("o", 1)], PENDING, "o"),
    "one has ended": ([ended("e", 1, 5)], INCOMPLETE, "e"),
    "a younger one is open": ([ended("e", 1, 5), open_one("o", 2)], PENDING, "o"),
    "a younger one has ended": ([open_one("o", 1), ended("e", 2, 5)], INCOMPLETE, "e"),
    "the vendor does not know the youngest": (
        [open_one("o", 1), ended("u", 2, None, stage=Stage.UNKNOWN)], INCOMPLETE, "u",
    ),
    "several are open": ([open_one("o", 2), open_one("p", 3), open_one("q", 1)], PENDING, "p"),
    "two are of one moment": ([open_one("a", 1), ended("b", 1, 2)], INCOMPLETE, "b"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_A_VERDICT)
def test_without_a_verdict_the_youngest_says_how_things_stand(name: str) -> None:
    _, *expected = WITHOUT_A_VERDICT[name]
    assert said_by(WITHOUT_A_VERDICT[name]) == tuple(expected)


def test_before_any_workflow_there_is_nothing() -> None:
    assert concluded([]) == Conclusion(status=Status.NONE)


# --- 4. a verdict is never displaced by its absence ---

ABSENCES = [open_one("x", 0), open_one("x", 50), open_one("x", None), ended("x", 50, 60), ended("x", None, None)]


@pytest.mark.parametrize("absence", ABSENCES, ids=lambda each: f"{each.stage.name} {each.created_at}")
@pytest.mark.parametrize("verdict", [passed("v", 1, 5), warned("v", 1, 5), rejected("v", 1, 5)])
def test_a_verdict_is_never_displaced_by_its_absence(verdict: Workflow, absence: Workflow) -> None:
    assert conclusion_in_every_order([verdict, absence]) == concluded([verdict])


# --- 5. a missing creation counts as the oldest, a missing decision as now, so that doubt never admits ---

MISSING_TIMES: dict[str, Case] = {
    "passed, and nobody knows when it was created": ([passed("p", None, 9), rejected("r", 1, 5)], REJECTED, "r"),
    "rejected, and nobody knows when": ([rejected("r", 1, None), passed("p", 50, 60)], REJECTED, "r"),
    "rejected, and nobody knows when it was created": ([rejected("r", None, 5), passed("p", 6, 9)], APPROVED, "p"),
    "rejected, and nobody knows anything": ([rejected("r", None, None), passed("p", 6, 9)], REJECTED, "r"),
    "of two rejections the one of an unknown time is the last": (
        [rejected("r", 1, None), rejected("s", 1, 90), passed("p", 95, 99)], REJECTED, "r",
    ),
    "passed at an unknown time": ([passed("p", 1, None)], APPROVED, "p"),
    "passed at an unknown time and created after the rejection": (
        [rejected("r", 1, 5), passed("p", 6, None)], APPROVED, "p",
    ),
    "passed without a creation beside one that warned": ([passed("z", None, 9), warned("w", 1, 5)], REVIEW, "w"),
    "passed without any time": ([passed("p", None, None)], APPROVED, "p"),
    "open without a creation beside one that expired": ([open_one("z", None), ended("e", 1, 5)], INCOMPLETE, "e"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING_TIMES)
def test_a_time_that_is_missing_never_admits(name: str) -> None:
    _, *expected = MISSING_TIMES[name]
    assert said_by(MISSING_TIMES[name]) == tuple(expected)


# --- 6. a look at a face renews, and gives no verdict; what shows less renews nothing ---

FACES: dict[str, Case] = {
    "a face undoes no rejection": ([rejected("r", 1, 5), face(passed("f", 6, 9))], REJECTED, "r"),
    "nor does a doubted one": ([rejected("r", 1, 5), face(warned("f", 6, 9))], REJECTED, "r"),
    "a face that was refused is a rejection": ([passed("p", 1, 5), face(rejected("f", 6, 9))], REJECTED, "f"),
    "a document after that undoes it": ([face(rejected("f", 1, 5)), passed("p", 6, 9)], APPROVED, "p"),
    "a face leaves the verdict with the document": ([passed("p", 1, 5), face(passed("f", 6, 9))], APPROVED, "p"),
    "and in review": ([warned("w", 1, 5), face(passed("f", 6, 9))], REVIEW, "w"),
    "a doubted face is no result": ([passed("p", 1, 5), face(warned("f", 6, 9))], APPROVED, "p"),
    "a face alone is no verdict": ([face(passed("f", 1, 5))], INCOMPLETE, "f"),
    "nor is a doubted one": ([face(warned("f", 1, 5))], INCOMPLETE, "f"),
    "a face beside an open document": ([face(passed("f", 1, 5)), open_one("o", 2)], PENDING, "o"),
}  # fmt: skip


@pytest.mark.parametrize("name", FACES)
def test_a_face_gives_no_verdict_but_a_rejection(name: str) -> None:
    _, *expected = FACES[name]
    assert said_by(FACES[name]) == tuple(expected)


EVIDENCE: dict[str, tuple[list[Workflow], str, str | None]] = {
    "its own": ([passed("p", 1, 5)], "p", text(5)),
    "a face renews it": ([passed("p", 1, 5), face(passed("f", 6, 9))], "p", text(9)),
    "the last of several faces does": (
        [passed("p", 1, 5), face(passed("f", 6, 9)), face(passed("g", 7, 8))], "p", text(9),
    ),
    "a face renews a doubted document too": ([warned("w", 1, 5), face(passed("f", 6, 9))], "w", text(9)),
    "a doubted face renews nothing": ([passed("p", 1, 5), face(warned("f", 6, 9))], "p", text(5)),
    "an earlier face does not turn the date back": ([face(passed("f", 0, 2)), passed("p", 1, 5)], "p", text(5)),
    "as much evidence replaces it": ([passed("p", 1, 5), passed("q", 2, 9)], "q", text(9)),
    "more evidence does": ([passed("p", 1, 5, level=2), passed("q", 2, 9)], "q", text(9)),
    "less evidence neither replaces nor renews it": ([passed("p", 1, 5), passed("q", 2, 9, level=2)], "p", text(5)),
    "not even without a level": ([passed("p", 1, 5), passed("q", 2, 9, level=None)], "p", text(5)),
    "a doubt counts in any case": ([passed("p", 1, 5), warned("w", 2, 9)], "w", text(9)),
    "and what is shown after it is measured by it": (
        [passed("p", 1, 5), warned("w", 2, 9), passed("q", 3, 12, level=2)], "q", text(12),
    ),
    "less than the best of two": (
        [passed("p", 1, 5), passed("q", 2, 9, level=2), passed("s", 3, 12, level=2)], "p", text(5),
    ),
    "an older one that comes late": ([passed("q", 2, 5), passed("p", 1, 9)], "q", text(5)),
    "what was before a rejection counts no more": (
        [passed("p", 1, 2), rejected("r", 3, 5), passed("q", 6, 9, level=1)], "q", text(9),
    ),
    "nor does a face from before it": (
        [face(passed("f", 4, 11)), rejected("r", 3, 5), passed("q", 6, 9)], "q", text(9),
    ),
    "a rejection": ([passed("p", 1, 2), rejected("r", 3, 5)], "r", text(5)),
    "a rejection is renewed by nothing": ([rejected("r", 3, 5), face(passed("f", 6, 9))], "r", text(5)),
    "what has no time of its own holds since it was first seen": ([passed("p", 1, None)], "p", text(99)),
    "what a face renewed that is not known any more": (
        [passed("p", 1, 5, renewed_at=text(8))], "p", text(8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EVIDENCE)
def test_the_evidence_that_counts_and_since_when(name: str) -> None:
    workflows, shows, verified_at = EVIDENCE[name]
    told = conclusion_in_every_order(workflows)
    assert told.shows is not None
    assert (told.shows.id, told.verified_at) == (shows, verified_at)


@pytest.mark.parametrize("workflows", [[open_one("o", 1)], [ended("e", 1, 2)], [face(passed("f", 1, 5))]])
def test_without_a_verdict_nothing_is_shown(workflows: list[Workflow]) -> None:
    told = concluded(workflows)
    assert (told.shows, told.verified_at) == (None, None)
