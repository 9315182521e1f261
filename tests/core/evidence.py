# SPDX-License-Identifier: Apache-2.0
"""What a verification brings, bent in one way each: for the tests of levels and tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support import NOW, PASSED_CHECKS, TABLE

from webhook.core.assurance import Table, level_of
from webhook.core.evidence import Check, Evidence
from webhook.idv.jumio.words import grade_of

REQUIRED_FOR = {
    "usability": 2, "imageChecks": 2, "extraction": 2, "dataChecks": 2, "similarity": 3, "liveness": 3,
}  # fmt: skip
EXPIRES = datetime(2030, 1, 2, tzinfo=UTC)


def evidence(**changed: Any) -> Evidence:
    """What a workflow that passed with a valid document brings, for somebody with a verified address."""
    values: dict[str, Any] = {
        "execution": "PASSED",
        "checks": PASSED_CHECKS,
        "document_type": "ID_CARD",
        "document_expires_at": EXPIRES,
        "verified_address": True,
    }
    told = {**values, **changed}
    words = (told["execution"], *(each.decision for each in told["checks"]))
    return Evidence(**{"worst": max(map(grade_of, words)), **told})


def check(capability: str, decision: str | None = "PASSED", label: str | None = "OK", **data: Any) -> Check:
    return Check(capability=capability, decision=decision, label=label, data=data)


def with_check(changed: Check) -> tuple[Check, ...]:
    """The passed checks, one of them gone otherwise."""
    return tuple(changed if each.capability == changed.capability else each for each in PASSED_CHECKS)


def without(capability: str) -> tuple[Check, ...]:
    return tuple(each for each in PASSED_CHECKS if each.capability != capability)


def level(given: Evidence, table: Table = TABLE) -> int:
    return level_of(table, given, now=NOW)


def aged(**ages: int) -> Table:
    levels = tuple(
        replace(row, max_age=timedelta(days=ages[row.name])) if row.name in ages else row for row in TABLE.levels
    )
    return replace(TABLE, levels=levels)
