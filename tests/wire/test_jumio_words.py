# SPDX-License-Identifier: Apache-2.0
"""The contract's status table, row by row."""

import pytest

from webhook.core.status import FINAL_WORKFLOW_STATUSES, Status, Verdict
from webhook.idv.jumio.words import status_of

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


def test_exactly_the_statuses_that_leave_pending_are_final() -> None:
    known = ("INITIATED", "ACQUIRED", "ACQUISITION_STARTED", "PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED")
    assert {name for name in known if status_of(name, "PASSED")[0] is not Status.PENDING} == FINAL_WORKFLOW_STATUSES
