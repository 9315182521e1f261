# SPDX-License-Identifier: Apache-2.0
"""What one hook demands of whoever passes it, and whether somebody's standing meets that."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from webhook.core.assurance import CONTACT, NONE, Assurance, Table, effective_level
from webhook.core.status import Status
from webhook.core.times import parse_duration, to_text
from webhook.errors import Malformed


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


def _parse_statuses(value: object) -> frozenset[Status]:
    known = [status.value for status in Status]
    if not isinstance(value, list) or any(item not in known for item in value):
        raise Malformed(f"policy.block_statuses must be a list of {', '.join(known)}")
    return frozenset(Status(item) for item in value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
