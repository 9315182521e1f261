# SPDX-License-Identifier: Apache-2.0
"""What a vendor says of one workflow, in our words: its status, its decision, and the evidence it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from webhook.core.person import Person
from webhook.core.status import Status, Verdict


class Grade(IntEnum):
    """What a decision leaves of trust, the worst last."""

    CLEAR = 0
    DOUBTED = 1
    REFUTED = 2


@dataclass(frozen=True, kw_only=True)
class Document:
    """What tells a document from any other, in one canonical form. It is never kept, but for a keyed hash."""

    country: str = field(repr=False)
    kind: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one capability decided, in the vendor's words; `data` is only looked at, never kept."""

    capability: str
    decision: str | None
    label: str | None
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The vendor's own words on the execution; the label is free text where the tenant has rules of its own."""

    type: str | None
    label: str | None
    risk_score: float | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verification brought. `document_expires_at` is None where the document prints no date.

    `worst` is the worst grade among the execution's decision and those of its checks. `matched` is what of the document
    is known to be the account's.
    """

    execution: str | None
    checks: tuple[Check, ...]
    worst: Grade
    document_type: str | None
    document_expires_at: datetime | None
    verified_address: bool
    matched: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the vendor says of one workflow execution.

    `references` are the identity ids it was started for, as the vendor echoes them. `is_face_check`: only a face was
    compared with an earlier one, no document was shown. `is_repeated_face`: the vendor knows the face from somebody
    else's verification. `people` are whom the documents name, `document` is the first of them.
    """

    account_id: str
    workflow_execution_id: str
    status: Status
    verdict: Verdict | None
    decision: Decision | None
    created_at: datetime | None
    completed_at: datetime | None
    workflow_key: int | str | None
    references: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    worst: Grade = Grade.CLEAR
    is_face_check: bool = False
    is_repeated_face: bool = False
    document_type: str | None = None
    document_expires_at: datetime | None = None
    people: tuple[Person, ...] = field(default=(), repr=False)
    document: Document | None = field(default=None, repr=False)

    def evidence(self, *, verified_address: bool, matched: frozenset[str] = frozenset()) -> Evidence:
        """What it brings for a level."""
        return Evidence(
            execution=self.decision.type if self.decision else None,
            checks=self.checks,
            worst=self.worst,
            document_type=self.document_type,
            document_expires_at=self.document_expires_at,
            verified_address=verified_address,
            matched=matched,
        )
