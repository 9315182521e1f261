# SPDX-License-Identifier: Apache-2.0
"""Jumio's words, row by row: the contract's status table, grades, and what a verification consisted of."""

import pytest
from support import FACE_CHECKS, PASSED_CHECKS

from webhook.core.evidence import Check, Grade
from webhook.core.status import Status, Verdict
from webhook.idv.jumio.words import grade_of, has_face, is_face_check, is_final, is_repeated_face, status_of

DECISIONS = ("PASSED", "WARNING", "REJECTED", "FAILED", "NOT_EXECUTED", "", None)


@pytest.mark.parametrize(
    ("decision", "status", "verdict"),
    [
        ("PASSED", Status.APPROVED, Verdict.PASSED),
        ("WARNING", Status.REVIEW, Verdict.WARNING),
        ("REJECTED", Status.REJECTED, Verdict.FAILED),
        ("FAILED", Status.REJECTED, Verdict.FAILED),
        ("NOT_EXECUTED", Status.INCOMPLETE, None),
        ("passed", Status.INCOMPLETE, None),
        ("APPROVED_VERIFIED", Status.INCOMPLETE, None),
        ("", Status.INCOMPLETE, None),
        (None, Status.INCOMPLETE, None),
    ],
)
def test_the_decision_counts_once_a_workflow_is_processed(
    decision: str | None, status: Status, verdict: Verdict | None
) -> None:
    assert status_of("PROCESSED", decision) == (status, verdict)


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("workflow_status", ["SESSION_EXPIRED", "TOKEN_EXPIRED"])
def test_an_expired_workflow_is_incomplete_whatever_decision_it_carries(
    workflow_status: str, decision: str | None
) -> None:
    assert status_of(workflow_status, decision) == (Status.INCOMPLETE, None)


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("workflow_status", ["INITIATED", "ACQUIRED", "ACQUISITION_STARTED", "processed", "", "NEW"])
def test_any_other_workflow_is_pending_whatever_decision_it_carries(workflow_status: str, decision: str | None) -> None:
    assert status_of(workflow_status, decision) == (Status.PENDING, None)


@pytest.mark.parametrize(
    "name", ["INITIATED", "ACQUIRED", "ACQUISITION_STARTED", "PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED", "NEW", ""]
)
def test_exactly_the_statuses_that_leave_pending_are_final(name: str) -> None:
    assert is_final(name) is (status_of(name, "PASSED")[0] is not Status.PENDING)


@pytest.mark.parametrize(
    ("decision", "grade"),
    [
        ("PASSED", Grade.CLEAR),
        ("NOT_EXECUTED", Grade.CLEAR),
        ("WARNING", Grade.DOUBTED),
        ("REJECTED", Grade.REFUTED),
        ("FAILED", Grade.REFUTED),
        ("warning", Grade.CLEAR),
        ("SOMETHING_NEW", Grade.CLEAR),
        ("", Grade.CLEAR),
        (None, Grade.CLEAR),
    ],
)
def test_what_a_decision_leaves_of_trust(decision: str | None, grade: Grade) -> None:
    assert grade_of(decision) is grade
    assert Grade.CLEAR < Grade.DOUBTED < Grade.REFUTED


def check(capability: str, decision: str | None = "PASSED", label: str | None = "OK") -> Check:
    return Check(capability=capability, decision=decision, label=label, data={})


@pytest.mark.parametrize(
    ("checks", "is_one"),
    [
        (FACE_CHECKS, True),
        ((*FACE_CHECKS, check("extraction", "NOT_EXECUTED")), True),
        ((*FACE_CHECKS, check("extraction", None)), True),
        ((check("authentication", "WARNING"),), True),
        ((), False),
        (PASSED_CHECKS, False),
        ((*PASSED_CHECKS, check("authentication")), False),
        ((check("authentication", "NOT_EXECUTED"), check("liveness")), False),
        ((check("authentication", None), check("liveness")), False),
    ],
)
def test_a_face_check_compares_a_face_and_shows_no_document(checks: tuple[Check, ...], is_one: bool) -> None:
    assert is_face_check(checks) is is_one


@pytest.mark.parametrize(
    ("checks", "is_one"),
    [
        ((check("imageChecks", "WARNING", "REPEATED_FACE"),), True),
        ((check("imageChecks", "PASSED", "REPEATED_FACE"),), True),
        ((check("imageChecks"), check("imageChecks", "REJECTED", "REPEATED_FACE")), True),
        ((check("dataChecks", "REJECTED", "MISMATCHING_DATA_REPEATED_FACE"),), True),
        ((check("dataChecks", "WARNING", "MISMATCHING_DATA_REPEATED_FACE"),), True),
        ((check("imageChecks", "NOT_EXECUTED", "REPEATED_FACE"),), False),
        ((check("imageChecks", None, "REPEATED_FACE"),), False),
        ((check("imageChecks", "WARNING", "DIFFERENT_PERSON"),), False),
        ((check("dataChecks", "REJECTED", "MISMATCHING_DATAPOINTS"),), False),
        ((check("dataChecks", "WARNING", "REPEATED_FACE"),), False),
        ((check("imageChecks", "WARNING", None),), False),
        ((), False),
    ],
)
def test_a_face_that_jumio_knows(checks: tuple[Check, ...], is_one: bool) -> None:
    assert is_repeated_face(checks) is is_one


@pytest.mark.parametrize(
    ("checks", "has"),
    [
        (PASSED_CHECKS, True),
        ((check("liveness"), check("liveness")), True),
        ((check("liveness"), check("liveness", "NOT_EXECUTED")), False),
        ((check("liveness", "WARNING"),), False),
        ((check("similarity"),), False),
        ((), False),
    ],
)
def test_a_face_can_only_be_compared_with_one_that_was_seen_alive(checks: tuple[Check, ...], has: bool) -> None:
    assert has_face(checks) is has
