# SPDX-License-Identifier: Apache-2.0
"""The statuses of a verification and the table that turns Jumio's words into them."""

from enum import StrEnum


class Status(StrEnum):
    """Where an identity's verification stands; `none` is never written, it is the absence of a record."""

    NONE = "none"
    UNSTARTED = "unstarted"
    PENDING = "pending"
    APPROVED = "approved"
    REVIEW = "review"
    REJECTED = "rejected"
    INCOMPLETE = "incomplete"


class Verdict(StrEnum):
    """What Jumio concluded, where it concluded something."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"


class OnRejected(StrEnum):
    """What a rejection does beside the login gate."""

    BLOCK = "block"
    REVOKE = "revoke"
    DEACTIVATE = "deactivate"


STARTABLE = frozenset({Status.NONE, Status.UNSTARTED, Status.INCOMPLETE})
CONCLUDED = frozenset({Status.APPROVED, Status.REVIEW, Status.REJECTED})

# https://developer.jumio.ai/docs/Integrate/netVerifyv2/v2TransactionDataMapping/statusMappings
EXPIRED_WORKFLOW_STATUSES = frozenset({"SESSION_EXPIRED", "TOKEN_EXPIRED"})
FINAL_WORKFLOW_STATUSES = EXPIRED_WORKFLOW_STATUSES | {"PROCESSED"}

_PROCESSED: dict[str | None, tuple[Status, Verdict]] = {
    "PASSED": (Status.APPROVED, Verdict.PASSED),
    "WARNING": (Status.REVIEW, Verdict.WARNING),
    "REJECTED": (Status.REJECTED, Verdict.FAILED),
    "FAILED": (Status.REJECTED, Verdict.FAILED),
}


def classify(workflow_status: str, decision_type: str | None) -> tuple[Status, Verdict | None]:
    """Status and verdict of what Jumio says of a workflow.

    The workflow's status is read first: a session that expired may carry a decision REJECTED (seen in a real
    record), and whoever merely let it expire is not a fraudster.
    """
    if workflow_status == "PROCESSED":
        return _PROCESSED.get(decision_type, (Status.INCOMPLETE, None))
    if workflow_status in EXPIRED_WORKFLOW_STATUSES:
        return Status.INCOMPLETE, None
    return Status.PENDING, None
