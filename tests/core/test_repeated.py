# SPDX-License-Identifier: Apache-2.0
"""Somebody who was verified as another identity before: what a workflow counts as then, and what lifts that."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support import IDENTITY, NOW, OTHER_IDENTITY, PASSED_CHECKS, TABLE, pending, reading

from core.evidence import check, with_check
from webhook.core.evidence import Decision
from webhook.core.explanation import as_text, explanation
from webhook.core.person import Comparison, Match
from webhook.core.record import Record
from webhook.core.repeated import OnRepeated, Repeated, together
from webhook.core.settle import Outcome, Result, settle
from webhook.core.sign_in import Account, Link, Rules
from webhook.core.status import Verdict
from webhook.core.workflows import joined
from webhook.idv.jumio.words import grade_of

FLAG, REVIEW = OnRepeated.FLAG, OnRepeated.REVIEW
PASSED, WARNING, FAILED = Verdict.PASSED, Verdict.WARNING, Verdict.FAILED
SAME = Comparison(name=Match.MATCHED, birthdate=Match.MATCHED, of="fingerprint")
OTHER = Comparison(name=Match.DIFFERENT, birthdate=Match.UNKNOWN, of="fingerprint")
UNKNOWN = Comparison(name=Match.UNKNOWN, birthdate=Match.UNKNOWN, of="fingerprint")
# As a tenant's rules may have it: known, and a pass all the same.
SEEN = with_check(check("imageChecks", "PASSED", "REPEATED_FACE"))


def settled(record: Record | None = None, **changed: Any) -> Outcome:
    """What becomes of somebody's open workflow whose face Jumio knows."""
    repeated = Repeated(other_identity=changed.pop("other", None), counts_as=changed.pop("on_repeated", FLAG))
    asked = {"person": changed.pop("person", None), "document": changed.pop("document", None), "repeated": repeated}
    return settle(
        record or pending(),
        reading(**{"checks": SEEN, **changed}),
        identity_id=IDENTITY,
        table=TABLE,
        verified_address=True,
        now=NOW,
        **asked,
    )


def shown(outcome: Outcome) -> tuple[Verdict | None, Verdict | None, int | None]:
    """The verdict, what Jumio said, and the level."""
    [workflow] = outcome.record.known
    assert outcome.record.verdict is workflow.verdict
    return workflow.verdict, workflow.said, workflow.level


def events(record: Record) -> list[str]:
    return [each["event"] for each in record.history]


@pytest.mark.parametrize(
    ("kind", "on_repeated", "expected"),
    [
        ("PASSED", FLAG, (PASSED, None, 3)),
        ("PASSED", REVIEW, (WARNING, PASSED, 1)),
        ("WARNING", FLAG, (WARNING, None, 1)),
        ("WARNING", REVIEW, (WARNING, None, 1)),
        ("REJECTED", FLAG, (FAILED, None, 0)),
        ("REJECTED", REVIEW, (FAILED, None, 0)),
    ],
)
def test_what_it_does_to_what_jumio_says(kind: str, on_repeated: OnRepeated, expected: tuple[Any, ...]) -> None:
    said = Decision(type=kind, label=kind, risk_score=None)
    outcome = settled(decision=said, on_repeated=on_repeated)
    assert shown(outcome) == expected
    assert events(outcome.record) == ["verification.repeated_face", "verification.settled"]
    assert outcome.record.decision == said, "which stays Jumio's own"


@pytest.mark.parametrize("on_repeated", OnRepeated)
def test_nothing_of_it_where_the_face_is_new(on_repeated: OnRepeated) -> None:
    outcome = settled(checks=PASSED_CHECKS, on_repeated=on_repeated)
    assert shown(outcome) == (PASSED, None, 3)
    assert events(outcome.record) == ["verification.settled"]
    assert outcome.record.known[0].repeated is None


def test_the_same_read_again_is_no_news() -> None:
    first = settled(on_repeated=REVIEW)
    again = settled(first.record, on_repeated=REVIEW)
    assert (again.result, again.found, again.record) == (Result.UNCHANGED, (), first.record)


def test_what_is_found_later_is_told_then() -> None:
    later = settled(settled(checks=PASSED_CHECKS).record)
    assert events(later.record) == ["verification.settled", "verification.repeated_face", "verification.settled"]
    assert later.result is Result.APPLIED


@pytest.mark.parametrize("person", [None, SAME, OTHER, UNKNOWN])
@pytest.mark.parametrize("then", [None, SAME, UNKNOWN])
def test_no_name_that_matches_lifts_a_review_for_it(person: Comparison | None, then: Comparison | None) -> None:
    first = settled(person=person, on_repeated=REVIEW)
    again = settled(first.record, person=then, on_repeated=REVIEW)
    assert shown(first) == shown(again) == (WARNING, PASSED, 1)


@pytest.mark.parametrize(
    ("person", "then", "expected"),
    [
        (None, None, PASSED),
        (SAME, SAME, PASSED),
        (SAME, UNKNOWN, PASSED),
        (SAME, None, PASSED),
        (UNKNOWN, SAME, PASSED),
        (UNKNOWN, UNKNOWN, PASSED),
        (OTHER, UNKNOWN, WARNING),
        (OTHER, OTHER, WARNING),
        (OTHER, SAME, PASSED),
    ],
)
def test_another_setting_counts_with_the_next_look(
    person: Comparison | None, then: Comparison | None, expected: Verdict
) -> None:
    first = settled(person=person, on_repeated=REVIEW)
    assert settled(first.record, person=then, on_repeated=FLAG).record.verdict is expected


@pytest.mark.parametrize("then", [SAME, UNKNOWN])
def test_it_outlives_the_label(then: Comparison) -> None:
    """Jumio's retention may have removed what it was seen by."""
    first = settled(person=SAME, on_repeated=REVIEW)
    again = settled(first.record, person=then, checks=PASSED_CHECKS, on_repeated=REVIEW)
    assert shown(again) == (WARNING, PASSED, 1)
    assert "verification.repeated_face" not in events(again.record)[2:]


def test_a_later_decision_of_jumios_that_lacks_it_counts() -> None:
    first = settled(on_repeated=REVIEW)
    revised = datetime(2026, 3, 2, 18, 40, tzinfo=UTC)
    assert shown(settled(first.record, checks=PASSED_CHECKS, completed_at=revised)) == (PASSED, None, 3)


@pytest.mark.parametrize("person", [None, SAME, OTHER, UNKNOWN])
@pytest.mark.parametrize("then", [None, SAME, OTHER, UNKNOWN])
def test_no_review_hides_that_jumio_rejects(person: Comparison | None, then: Comparison | None) -> None:
    first = settled(person=person, on_repeated=REVIEW)
    rejected = Decision(type="REJECTED", label="REJECTED", risk_score=None)
    later = datetime(2026, 3, 2, 18, 40, tzinfo=UTC)
    for changed in ({}, {"completed_at": later}):
        assert shown(settled(first.record, person=then, decision=rejected, **changed))[0] is FAILED


def test_workflows_are_joined_in_any_order() -> None:
    outcomes = [settled(on_repeated=REVIEW), settled(checks=PASSED_CHECKS), settled(on_repeated=REVIEW, person=SAME)]
    told = [workflow for outcome in outcomes for workflow in outcome.record.known]
    ends = set()
    for order in itertools.permutations(told):
        known: tuple[Any, ...] = ()
        for each in order:
            known = joined(known, each)
        ends.add((known[0].verdict, known[0].said, known[0].level, known[0].repeated))
    assert ends == {(WARNING, PASSED, 1, Repeated(face=True, counts_as=REVIEW))}


def test_together() -> None:
    found = Repeated(face=True, counts_as=REVIEW)
    assert together(None, None) is None
    assert together(found, None) == together(None, found) == found
    assert together(found, replace(found, counts_as=FLAG)) == replace(found, counts_as=FLAG)


def explained(record: Record) -> dict[str, Any]:
    return explanation(
        record,
        account=Account(state="active", gate_status=record.status, link=Link.NONE),
        rules=Rules(blocked=frozenset(), starts_a_day=5),
        verified_address=True,
        table=TABLE,
        grade_of=grade_of,
        now=NOW,
    )


def test_it_is_explained() -> None:
    record = settled(on_repeated=REVIEW).record
    told = explained(record)
    [words] = told["repeated"]
    assert words == f"the face of workflow {record.workflow_execution_id}, by Jumio's word"
    assert any("ON_REPEATED" in reason for reason in told["why_not_higher"])
    assert f"verified before  {words}" in as_text(told)
    assert "verification.repeated_face" in as_text(told)
    flagged = settled().record
    told = explained(flagged)
    assert told["repeated"]
    assert not any("ON_REPEATED" in reason for reason in told["why_not_higher"])


def test_a_check_of_that_name_elsewhere_says_nothing() -> None:
    odd = (*PASSED_CHECKS, check("similarity", "WARNING", "REPEATED_FACE"))
    assert settled(checks=odd).found == ()


def test_a_document_of_another_identity_is_told_with_its_id() -> None:
    outcome = settled(checks=PASSED_CHECKS, other=OTHER_IDENTITY, document="hash", on_repeated=REVIEW)
    assert shown(outcome) == (WARNING, PASSED, 1)
    assert events(outcome.record) == ["verification.repeated_document", "verification.settled"]
    assert [each.get("other_identity") for each in outcome.record.history] == [OTHER_IDENTITY, None]
    again = settled(outcome.record, checks=PASSED_CHECKS, on_repeated=REVIEW)
    assert again.record.known == outcome.record.known, "also when nobody can tell any more"
    assert again.found == ()


def test_no_later_decision_of_jumios_takes_a_document_back() -> None:
    later = {"checks": PASSED_CHECKS, "completed_at": datetime(2026, 3, 2, 18, 40, tzinfo=UTC), "on_repeated": REVIEW}
    found = {"checks": PASSED_CHECKS, "other": OTHER_IDENTITY, "document": "hash", "on_repeated": REVIEW}
    for first, then in ((found, later), (later, found)):
        outcome = settled(settled(**first).record, **then)
        assert shown(outcome) == (WARNING, PASSED, 1)
        assert outcome.record.known[0].document == "hash"
