# SPDX-License-Identifier: Apache-2.0
"""Whether a record is what the contract's six sentences say of all workflows of the person that Jumio knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.test_verdict_properties import EXPIRED, NOT_EXECUTED, OPEN, PASSED, REJECTED, WARNED, Story, Told, expected

from sandbox.jumio_records import Workflow, stamp

_OUTCOMES = {
    None: OPEN,
    "passed": PASSED,
    "warning": WARNED,
    "rejected": REJECTED,
    "not_executed": NOT_EXECUTED,
    "expire": EXPIRED,
}
_VERDICTS = {"approved": "PASSED", "review": "WARNING", "rejected": "FAILED"}


def unlike_the_model(admin: dict[str, Any], workflows: Sequence[Workflow]) -> list[str]:
    """What the admin copy of a record says other than the model, in words; nothing when it is right."""
    wanted = expected([_story(each) for each in workflows])
    assurance = admin.get("assurance") or {}
    wrong = []
    if admin["status"] != wanted.status:
        wrong.append(f"{admin['status']}, not {wanted.status}")
    if admin["verdict"] != _VERDICTS.get(wanted.status):
        wrong.append(f"verdict {admin['verdict']} while {wanted.status}")
    if admin["workflow_execution_id"] not in wanted.workflows:
        wrong.append(f"workflow {admin['workflow_execution_id']}, none of {sorted(wanted.workflows)}")
    if assurance.get("level") != wanted.level:
        wrong.append(f"level {assurance.get('level')}, not {wanted.level}")
    if wanted.verified_at is not None and _milliseconds(assurance.get("verified_at")) != wanted.verified_at:
        wrong.append(f"verified at {assurance.get('verified_at')}, not {wanted.verified_at}")
    return wrong + ([] if not wrong else [str(each) for each in workflows])


def _story(workflow: Workflow) -> Story:
    decided = None if workflow.completed_at is None else _milliseconds(stamp(workflow.completed_at))
    return Story(
        id=workflow.id,
        created=_milliseconds(stamp(workflow.created_at)),
        last=Told(outcome=_OUTCOMES[workflow.outcome], decided=decided),
    )


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
