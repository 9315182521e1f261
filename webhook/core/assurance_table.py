# SPDX-License-Identifier: Apache-2.0
"""The assurance table out of its TOML, checked whole. The shipped one, with comments, is `webhook/assurance.toml`."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from webhook.core.assurance import CONTACT, Condition, Level, Table

_LONGEST_AGE = 36525  # days: a hundred years, which every date can be moved by
_TOP = {"version": str, "warning_cap": int, "levels": list}
_ROW = {
    "level": int,
    "name": str,
    "verified_address": bool,
    "execution": str,
    "document_valid": bool,
    "documents": list,
    "max_age": int,
    "require": list,
    "matches": list,
}
_MATCHES = ("name", "birthdate")
_CONDITION = {"capability": str, "decision": str, "label": str, "data": dict}


def parse_table(text: str) -> Table:
    """The table.

    :raises ValueError: naming the first thing that is wrong, and where.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}") from None
    _check("the table", document, _TOP, required={"version", "warning_cap", "levels"})
    levels = tuple(_parse_level(number, row) for number, row in enumerate(document["levels"], start=1))
    if [level.level for level in levels] != list(range(CONTACT, len(levels) + 1)) or not levels:
        raise ValueError("must have its levels in order: 1, 2, 3 and so on")
    if not 0 <= document["warning_cap"] <= levels[-1].level:
        raise ValueError("has a warning_cap that is none of its levels")
    return Table(version=document["version"], warning_cap=document["warning_cap"], levels=levels)


def _parse_level(number: int, row: object) -> Level:
    where = f"level {number}"
    row = _check(where, row, _ROW, required={"level", "name"})
    documents = row.get("documents", [])
    if not all(isinstance(kind, str) for kind in documents):
        raise ValueError(f"has documents in {where} that are not all texts")
    matches = row.get("matches", [])
    if any(name not in _MATCHES for name in matches):
        raise ValueError(f"has matches in {where} that are none of {', '.join(_MATCHES)}")
    if not 1 <= row.get("max_age", 1) <= _LONGEST_AGE:
        raise ValueError(f"has a max_age in {where} that is not a number of days")
    return Level(
        level=row["level"],
        name=row["name"],
        verified_address=row.get("verified_address", False),
        execution=row.get("execution"),
        document_valid=row.get("document_valid", False),
        documents=tuple(documents),
        max_age=timedelta(days=row["max_age"]) if "max_age" in row else None,
        matches=tuple(matches),
        require=tuple(_parse_condition(where, condition) for condition in row.get("require", [])),
    )


def _parse_condition(where: str, condition: object) -> Condition:
    condition = _check(f"a condition of {where}", condition, _CONDITION, required={"capability"})
    return Condition(
        capability=condition["capability"],
        decision=condition.get("decision"),
        label=condition.get("label"),
        data=condition.get("data", {}),
    )


def _check(where: str, value: object, members: Mapping[str, type], *, required: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"has no table where {where} should be")
    if unknown := sorted(set(value) - set(members)):
        raise ValueError(f"has unknown members in {where}: {', '.join(unknown)}")
    if missing := sorted(required - set(value)):
        raise ValueError(f"lacks in {where}: {', '.join(missing)}")
    for name, found in value.items():
        if type(found) is not members[name]:
            raise ValueError(f"has {name} in {where} that is not of type {members[name].__name__}")
    return value
