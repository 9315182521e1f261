# SPDX-License-Identifier: Apache-2.0
"""The statuses of a verification."""

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
    """What was concluded, where something was."""

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
