# SPDX-License-Identifier: Apache-2.0
"""Jumio's words and what they mean to us. Nobody else decides by them."""

from collections.abc import Collection

from webhook.core.evidence import Check, Grade
from webhook.core.status import Status, Verdict

# https://developer.jumio.ai/docs/Integrate/netVerifyv2/v2TransactionDataMapping/statusMappings
_EXPIRED = frozenset({"SESSION_EXPIRED", "TOKEN_EXPIRED"})
_PROCESSED: dict[str | None, tuple[Status, Verdict]] = {
    "PASSED": (Status.APPROVED, Verdict.PASSED),
    "WARNING": (Status.REVIEW, Verdict.WARNING),
    "REJECTED": (Status.REJECTED, Verdict.FAILED),
    "FAILED": (Status.REJECTED, Verdict.FAILED),
}
# By capability. The second is a rejection by default, the first a warning; either can be set to something else.
# https://documentation.jumio.ai/docs/developer-resources/retrieval
_REPEATED_FACE = frozenset({("imageChecks", "REPEATED_FACE"), ("dataChecks", "MISMATCHING_DATA_REPEATED_FACE")})
_GRADES = {"REJECTED": Grade.REFUTED, "FAILED": Grade.REFUTED, "WARNING": Grade.DOUBTED}


def status_of(workflow_status: str, decision_type: str | None) -> tuple[Status, Verdict | None]:
    """Status and verdict of what Jumio says of a workflow.

    The workflow's status is read first: a session that expired may carry a decision REJECTED (seen in a real
    record), and whoever merely let it expire is not a fraudster.
    """
    if workflow_status == "PROCESSED":
        return _PROCESSED.get(decision_type, (Status.INCOMPLETE, None))
    if workflow_status in _EXPIRED:
        return Status.INCOMPLETE, None
    return Status.PENDING, None


def is_final(workflow_status: str) -> bool:
    """Whether a workflow with this status has ended."""
    return workflow_status == "PROCESSED" or workflow_status in _EXPIRED


def grade_of(decision_type: str | None) -> Grade:
    """What a decision, of an execution or of one capability, leaves of trust."""
    return _GRADES.get(decision_type or "", Grade.CLEAR)


def is_face_check(checks: Collection[Check]) -> bool:
    """Whether only a face was compared with what Jumio already had, and no document was shown."""
    ran = {check.capability for check in checks if check.decision not in (None, "NOT_EXECUTED")}
    return "authentication" in ran and "extraction" not in ran


def is_repeated_face(checks: Collection[Check]) -> bool:
    """Whether Jumio knows the face from another verification, perhaps beside other data; whatever it made of that."""
    return any(
        (check.capability, check.label) in _REPEATED_FACE and check.decision not in (None, "NOT_EXECUTED")
        for check in checks
    )


def has_face(checks: Collection[Check]) -> bool:
    """Whether an earlier verification left a face to compare with: then the workflow of a face check can run.

    https://documentation.jumio.ai/docs/references/servicesAndworkflow/standardService/authenticationWorkflow
    """
    liveness = [check for check in checks if check.capability == "liveness"]
    return bool(liveness) and all(check.decision == "PASSED" for check in liveness)
