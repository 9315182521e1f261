# SPDX-License-Identifier: Apache-2.0
"""How sure we are who somebody is: the table of levels, the level of a verification, and its decay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.core.evidence import Check, Evidence, Grade
from webhook.core.times import from_text

NONE, CONTACT = 0, 1
_LONG_AGO, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Step:
    """From the Unix second `at` on a level is at most `level`. Plain numbers, for readers that know no calendar."""

    at: int
    level: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Assurance:
    """A level as it stands in a record; times are RFC 3339 texts. `expires_at` is when the document expires.

    `steps` is how it decays, by the table that gave it; None where it was written before there were steps.
    """

    level: int
    name: str
    verified_at: str | None
    expires_at: str | None
    table: str
    steps: tuple[Step, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One capability that a level asks for, and how it must have gone."""

    capability: str
    decision: str | None
    label: str | None
    data: Mapping[str, Any]

    def is_met(self, checks: Sequence[Check]) -> bool:
        """Whether the capability ran, and went like this every time it did."""
        own = [check for check in checks if check.capability == self.capability]
        return bool(own) and all(self._matches(check) for check in own)

    def _matches(self, check: Check) -> bool:
        return (
            self.decision in (None, check.decision)
            and self.label in (None, check.label)
            and all(check.data.get(name) == value for name, value in self.data.items())
        )


@dataclass(frozen=True, kw_only=True)
class Level:
    """One row of the table."""

    level: int
    name: str
    verified_address: bool
    execution: str | None
    document_valid: bool
    documents: tuple[str, ...]
    max_age: timedelta | None
    require: tuple[Condition, ...]
    matches: tuple[str, ...] = ()

    def missing(self, evidence: Evidence, *, now: datetime) -> list[str]:
        """What of this row alone the evidence does not meet, in words for an operator."""
        expires_at = evidence.document_expires_at
        lacking = [
            (self.verified_address and not evidence.verified_address, "a verified address"),
            (self.execution not in (None, evidence.execution), f"execution {self.execution}"),
            (self.document_valid and expires_at is not None and expires_at <= now, "a document that has not expired"),
            (bool(self.documents) and evidence.document_type not in self.documents, " or ".join(self.documents)),
        ]
        return (
            [words for lacks, words in lacking if lacks]
            + [
                " ".join(filter(None, (condition.capability, condition.decision, condition.label)))
                for condition in self.require
                if not condition.is_met(evidence.checks)
            ]
            + [f"a {name} that matches" for name in self.matches if name not in evidence.matched]
        )


@dataclass(frozen=True, kw_only=True)
class Table:
    """The levels in rising order, without level 0."""

    version: str
    warning_cap: int
    levels: tuple[Level, ...]

    def name_of(self, level: int) -> str:
        """The name of a level; `none` for 0 and for one that this table does not have."""
        return next((row.name for row in self.levels if row.level == level), "none")

    @property
    def highest(self) -> int:
        """The highest level that can be reached."""
        return self.levels[-1].level


def level_of(table: Table, evidence: Evidence, *, now: datetime) -> int:
    """The level that the evidence gives."""
    if evidence.worst is Grade.REFUTED:
        return NONE
    reached = NONE
    for row in table.levels:
        if not row.missing(evidence, now=now):
            reached = row.level
        elif row.level > CONTACT:  # whoever lacks a verified address may still show a document
            break
    return min(reached, table.warning_cap) if evidence.worst is Grade.DOUBTED else reached


@dataclass(frozen=True, kw_only=True)
class Decay:
    """From `at` on the level is at most `level`, because of its row's `document_valid` (`document`) or `max_age`."""

    at: datetime
    level: int
    because: str


def decay(table: Table, assurance: Assurance) -> list[Decay]:
    """How a recorded level falls as time goes by, the next first. This is the only place where that is defined.

    A level includes those below it, so that each falls to just below the row that has ended. A time that cannot be
    read has passed.
    """
    verified_at, expires_at = from_text(assurance.verified_at), from_text(assurance.expires_at)
    decays = []
    for row in table.levels:
        if not CONTACT < row.level <= assurance.level:
            continue
        if row.document_valid and assurance.expires_at is not None:
            decays.append(Decay(at=expires_at or _LONG_AGO, level=row.level - 1, because="document"))
        if row.max_age is not None:
            ends = _LONG_AGO if verified_at is None else min(verified_at, _LAST - row.max_age) + row.max_age
            decays.append(Decay(at=ends, level=row.level - 1, because="age"))
    return sorted(decays, key=lambda each: each.at)


def with_steps(table: Table, assurance: Assurance) -> Assurance:
    """The assurance with its decay as plain numbers."""
    steps = tuple(
        Step(at=math.ceil(each.at.timestamp()), level=each.level, name=table.name_of(each.level))
        for each in decay(table, assurance)
    )
    return replace(assurance, steps=steps)


def effective_level(
    table: Table, assurance: Assurance | None, *, verified_address: bool, overdue: bool, now: datetime
) -> int:
    """What is left of a recorded level now. It falls with time only, and never rises above what was recorded."""
    contact = CONTACT if verified_address else NONE
    if assurance is None:
        return contact
    left = min(assurance.level, table.highest, *(each.level for each in decay(table, assurance) if each.at <= now))
    return max(min(left, CONTACT) if overdue else left, contact)
