# SPDX-License-Identifier: Apache-2.0
"""The record of a verification, as a value. How it stands in an identity's metadata is in `ory.kratos.metadata`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from webhook.core.assurance import Assurance
from webhook.core.evidence import Check, Decision
from webhook.core.status import Status, Verdict
from webhook.core.times import to_text

HISTORY_LENGTH = 10


@dataclass(frozen=True, kw_only=True)
class Reverification:
    """A further verification that was asked for. Without a `workflow_execution_id` it is due, and none is open.

    `verification_url` is what the person is shown, `vendor_url` the vendor's own link, which carries an authorization.
    """

    reason: str
    due_at: str | None
    workflow_execution_id: str | None = None
    verification_url: str | None = None
    vendor_url: str | None = None
    initiated_at: str | None = None
    workflow_key: int | str | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of an identity's verification. Times are RFC 3339 texts, ids are the vendor's.

    `verification_url` is what the person is shown, `vendor_url` the vendor's own link. `starts` are the times of the
    workflows that were started in the last day, `checks` how each capability of the last conclusion went.
    """

    status: Status = Status.NONE
    verdict: Verdict | None = None
    account_id: str | None = None
    workflow_execution_id: str | None = None
    verification_url: str | None = None
    vendor_url: str | None = None
    initiated_at: str | None = None
    decided_at: str | None = None
    workflow_key: int | str | None = None
    decision: Decision | None = None
    assurance: Assurance | None = None
    reverification: Reverification | None = None
    checks: tuple[Check, ...] = ()
    starts: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()

    def with_event(self, event: str, *, now: datetime, workflow_execution_id: str | None = None) -> "Record":
        """The record with one more event in its history, of which the last ten are kept."""
        entry = {
            "at": to_text(now),
            "event": event,
            "status": self.status.value,
            "workflow_execution_id": workflow_execution_id or self.workflow_execution_id,
        }
        return replace(self, history=(*self.history, entry)[-HISTORY_LENGTH:])

    @property
    def open_reverification(self) -> "Reverification | None":
        """The re-verification that the person can go through now."""
        further = self.reverification
        return further if further is not None and further.workflow_execution_id is not None else None

    @property
    def open_workflow_id(self) -> str | None:
        """The workflow that the person can still go through, else the one that was concluded last."""
        further = self.reverification
        return (further and further.workflow_execution_id) or self.workflow_execution_id
