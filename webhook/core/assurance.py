# SPDX-License-Identifier: Apache-2.0
"""How sure we are who somebody is: the table of levels, the level of a verification, its decay, and policies."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from webhook.core.status import Status
from webhook.core.times import from_text, to_text
from webhook.errors import Malformed

NONE, CONTACT = 0, 1
_DURATION = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one capability of Jumio's decided; `data` is only looked at, never kept."""

    capability: str
    decision: str | None
    label: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verification brought. `document_expires_at` is None where the document prints no date."""

    execution: str | None
    checks: tuple[Check, ...]
    document_type: str | None
    document_expires_at: datetime | None
    verified_address: bool

    @property
    def is_face_check(self) -> bool:
        """Whether only a face was compared with what Jumio already had, and no document was shown."""
        ran = {check.capability for check in self.checks if check.decision not in (None, "NOT_EXECUTED")}
        return "authentication" in ran and "extraction" not in ran


@dataclass(frozen=True, kw_only=True)
class Assurance:
    """A level as it stands in a record; times are RFC 3339 texts. `expires_at` is when the document expires."""

    level: int
    name: str
    verified_at: str | None
    expires_at: str | None
    table: str


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

    def missing(self, evidence: Evidence, *, now: datetime) -> list[str]:
        """What of this row alone the evidence does not meet, in words for an operator."""
        expires_at = evidence.document_expires_at
        lacking = [
            (self.verified_address and not evidence.verified_address, "a verified address"),
            (self.execution not in (None, evidence.execution), f"execution {self.execution}"),
            (self.document_valid and expires_at is not None and expires_at <= now, "a document that has not expired"),
            (bool(self.documents) and evidence.document_type not in self.documents, " or ".join(self.documents)),
        ]
        return [words for lacks, words in lacking if lacks] + [
            " ".join(filter(None, (condition.capability, condition.decision, condition.label)))
            for condition in self.require
            if not condition.is_met(evidence.checks)
        ]


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


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where somebody stands now: the effective level, since when, and whether a re-verification is overdue."""

    level: int
    verified_at: datetime | None
    overdue: bool


class Unmet(StrEnum):
    """Which demand of a policy is not met."""

    LEVEL = "level"
    AGE = "age"
    OVERDUE = "overdue"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What one hook demands. None of a member: it demands nothing of the kind."""

    block_statuses: frozenset[Status] | None = None
    min_level: int | None = None
    max_age: timedelta | None = None
    start_when_unmet: bool = False


def level_of(table: Table, evidence: Evidence, *, now: datetime) -> int:
    """The level that the evidence gives."""
    decisions = {evidence.execution, *(check.decision for check in evidence.checks)}
    if decisions & {"REJECTED", "FAILED"}:
        return NONE
    reached = NONE
    for row in table.levels:
        if not row.missing(evidence, now=now):
            reached = row.level
        elif row.level > CONTACT:  # whoever lacks a verified address may still show a document
            break
    return min(reached, table.warning_cap) if "WARNING" in decisions else reached


def effective_level(
    table: Table, assurance: Assurance | None, *, verified_address: bool, overdue: bool, now: datetime
) -> int:
    """What is left of a recorded level now. It falls with time only, and never rises above what was recorded."""
    contact = CONTACT if verified_address else NONE
    if assurance is None:
        return contact
    recorded = min(assurance.level, table.highest)
    if overdue:
        recorded = min(recorded, CONTACT)
    expires_at, verified_at = from_text(assurance.expires_at), from_text(assurance.verified_at)
    expired = assurance.expires_at is not None and (expires_at is None or expires_at <= now)  # unreadable is over, too
    for row in reversed(table.levels):
        included = [other for other in table.levels if CONTACT < other.level <= row.level]
        if CONTACT < row.level <= recorded and not any(
            _has_decayed(other, expired=expired, verified_at=verified_at, now=now) for other in included
        ):
            return row.level
    return max(min(recorded, CONTACT), contact)


def _has_decayed(row: Level, *, expired: bool, verified_at: datetime | None, now: datetime) -> bool:
    too_old = row.max_age is not None and (verified_at is None or now - verified_at > row.max_age)
    return too_old or (expired and row.document_valid)


def judge(policy: Policy, standing: Standing, *, now: datetime) -> Unmet | None:
    """The demand that is not met, or None. An overdue re-verification explains the other two, so it goes first."""
    min_level = policy.min_level or NONE
    if standing.overdue and (min_level > CONTACT or policy.max_age is not None):
        return Unmet.OVERDUE
    if standing.level < min_level:
        return Unmet.LEVEL
    if policy.max_age is not None and (standing.verified_at is None or now - standing.verified_at > policy.max_age):
        return Unmet.AGE
    return None


def is_met_by_renewal(policy: Policy, assurance: Assurance | None, *, table: Table, now: datetime) -> bool:
    """Whether the policy would be met if only the verification were fresh: then a look at the face is enough."""
    if assurance is None:
        return False
    fresh = replace(assurance, verified_at=to_text(now))
    level = effective_level(table, fresh, verified_address=False, overdue=False, now=now)
    return level >= (policy.min_level or NONE)


def parse_policy(value: object, *, highest: int) -> Policy:
    """The policy in a hook's body.

    :raises Malformed: it is not one, with everything that is wrong; an unknown member may be a misspelt demand.
    """
    if not isinstance(value, dict):
        raise Malformed("policy must be an object")
    if unknown := sorted(set(value) - {"block_statuses", "min_level", "max_age", "on_unmet"}):
        raise Malformed(f"policy has unknown members: {', '.join(unknown)[:100]}")
    min_level = value.get("min_level")
    if min_level is not None and (not _is_whole(min_level) or not 0 <= min_level <= highest):
        raise Malformed(f"policy.min_level must be a level from 0 to {highest}")
    on_unmet = value.get("on_unmet", "block")
    if on_unmet not in ("block", "start"):
        raise Malformed("policy.on_unmet must be block or start")
    max_age = value.get("max_age")
    return Policy(
        block_statuses=_parse_statuses(value["block_statuses"]) if "block_statuses" in value else None,
        min_level=min_level,
        max_age=None if max_age is None else parse_duration(max_age, "policy.max_age"),
        start_when_unmet=on_unmet == "start",
    )


def parse_duration(value: object, name: str) -> timedelta:
    """A duration such as `90d`, `12h` or `30m`.

    :raises Malformed: it is not one.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Malformed(f"{name} must be a duration such as 90d, 12h or 30m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _parse_statuses(value: object) -> frozenset[Status]:
    known = [status.value for status in Status]
    if not isinstance(value, list) or any(item not in known for item in value):
        raise Malformed(f"policy.block_statuses must be a list of {', '.join(known)}")
    return frozenset(Status(item) for item in value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
