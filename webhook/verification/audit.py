# SPDX-License-Identifier: Apache-2.0
"""One log line for what happened to a record."""

from webhook.core.events import Event
from webhook.core.record import Record
from webhook.core.times import from_text
from webhook.errors import ServiceError
from webhook.runtime import log


def audit(
    event: Event,
    identity_id: str,
    record: Record,
    *,
    workflow_execution_id: str | None = None,
    other_identity: str | None = None,
    reason: str | None = None,
    error: ServiceError | None = None,
) -> None:
    """Tell it, with the status that came of it and how long that took since the start."""
    log.event(
        event,
        identity_id=identity_id,
        workflow_execution_id=workflow_execution_id or record.workflow_execution_id,
        other_identity=other_identity,
        status=record.status.value,
        seconds_since_start=_seconds_between(record.initiated_at, record.decided_at),
        reason=reason,
        error=error,
    )


def _seconds_between(begun: str | None, ended: str | None) -> float | None:
    begun_at, ended_at = from_text(begun), from_text(ended)
    return None if begun_at is None or ended_at is None else (ended_at - begun_at).total_seconds()
