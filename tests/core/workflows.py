# SPDX-License-Identifier: Apache-2.0
"""Workflows of one person in few words: for the tests of the rule of verdicts. Their times are minutes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from support import ACCOUNT, PASSED_CHECKS, TABLE

from webhook.core.status import Verdict
from webhook.core.times import to_text
from webhook.core.workflows import Stage, Workflow

START = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def text(minute: float | None) -> str | None:
    return None if minute is None else to_text(at(minute))


def concluded_one(
    verdict: Verdict, name: str, created: float | None, decided: float | None, *, level: int = 3, **changed: Any
) -> Workflow:
    values: dict[str, Any] = {
        "id": name,
        "account_id": ACCOUNT,
        "stage": Stage.CONCLUDED,
        "created_at": text(created),
        "verdict": verdict,
        "decided_at": text(decided),
        "seen_at": text(99) if decided is None else None,
        "level": level,
        "level_name": TABLE.name_of(level),
        "table": TABLE.version,
        "checks": PASSED_CHECKS,
    }
    return Workflow(**{**values, **changed})


def passed(name: str, created: float | None, decided: float | None, **changed: Any) -> Workflow:
    return concluded_one(Verdict.PASSED, name, created, decided, **changed)


def warned(name: str, created: float | None, decided: float | None, **changed: Any) -> Workflow:
    return concluded_one(Verdict.WARNING, name, created, decided, **{"level": 1, **changed})


def rejected(name: str, created: float | None, decided: float | None, **changed: Any) -> Workflow:
    return concluded_one(Verdict.FAILED, name, created, decided, **{"level": 0, **changed})


def open_one(name: str, created: float | None, **changed: Any) -> Workflow:
    seen_at = text(99) if created is None else None
    return Workflow(
        **{"id": name, "account_id": ACCOUNT, "stage": Stage.OPEN, "created_at": text(created), "seen_at": seen_at}
        | changed
    )


def ended(name: str, created: float | None, at_minute: float | None = None, **changed: Any) -> Workflow:
    """Expired, or not executed."""
    return Workflow(
        **{"id": name, "account_id": ACCOUNT, "stage": Stage.ENDED, "created_at": text(created)}
        | {"decided_at": text(at_minute), "seen_at": text(99) if at_minute is None else None}
        | changed
    )


def face(workflow: Workflow) -> Workflow:
    """The same, where only a face was looked at."""
    return Workflow(**{**vars(workflow), "is_face_check": True})
