# SPDX-License-Identifier: Apache-2.0
"""The record of a verification, as a value. How it stands in an identity's metadata is in `ory.kratos.metadata`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from webhook.core.assurance import Assurance
from webhook.core.evidence import Check, Decision
from webhook.core.person import Comparison
from webhook.core.status import CONCLUDED, Status, Verdict
from webhook.core.times import from_text, to_text
from webhook.core.workflows import Stage, Workflow

HISTORY_LENGTH = 10
# What the person is told of, beside the status: the document names somebody else.
NOTICE_PERSON = "person"
_VERDICTS = {Status.APPROVED: Verdict.PASSED, Status.REVIEW: Verdict.WARNING, Status.REJECTED: Verdict.FAILED}


@dataclass(frozen=True, kw_only=True)
class Reverification:
    """A further verification that was asked for. Without a `workflow_execution_id` it is due, and none is open.

    `initiated_at` is when its workflow was created by the vendor's clock, or when it was asked for, before there was
    one: what was created earlier does not fulfil it. `verification_url` is what the person is shown, `vendor_url` the
    vendor's own link, which carries an authorization.
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

    `known` are all workflows that are known; status, verdict and level are what they mean by the rule of verdicts.
    `more` holds them where the members above do not tell them already (see `with_known`). `asked_at` is
    when a start was asked for that nobody has told the end of. What was created up to `forgotten_until` (the vendor's
    clock) does not count any more. `notice` is what the person is told of beside the status.
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
    more: tuple[Workflow, ...] | None = None
    asked_at: str | None = None
    forgotten_until: str | None = None
    notice: str | None = None

    def with_event(
        self,
        event: str,
        *,
        now: datetime,
        workflow_execution_id: str | None = None,
        other_identity: str | None = None,
    ) -> "Record":
        """The record with one more event in its history, of which the last ten are kept."""
        entry = {
            "at": to_text(now),
            "event": event,
            "status": self.status.value,
            "workflow_execution_id": workflow_execution_id or self.workflow_execution_id,
            **({} if other_identity is None else {"other_identity": other_identity}),
        }
        return replace(self, history=(*self.history, entry)[-HISTORY_LENGTH:])

    @property
    def open_reverification(self) -> "Reverification | None":
        """The re-verification that the person can go through now."""
        further = self.reverification
        is_open = further is not None and further.workflow_execution_id is not None
        return further if is_open and self.status is not Status.REJECTED else None

    @property
    def open_workflow_id(self) -> str | None:
        """The workflow that the person can still go through, else the one that was concluded last."""
        further = self.reverification
        return (further and further.workflow_execution_id) or self.workflow_execution_id

    @property
    def known(self) -> tuple[Workflow, ...]:
        """All workflows that are known, the oldest first."""
        return self._told if self.more is None else self.more

    @cached_property
    def _told(self) -> tuple[Workflow, ...]:
        """Asked for several times of everybody in a sweep."""
        return _told_by(self)

    def with_known(self, workflows: tuple[Workflow, ...]) -> "Record":
        """The same record with these workflows, which it keeps only where they say more than it does by itself."""
        return replace(self, more=None if workflows == self._told else workflows)

    @property
    def person(self) -> Comparison | None:
        """Whether the document that the verdict comes from names whom the account names."""
        return next((each.person for each in self.known if each.id == self.workflow_execution_id), None)

    @property
    def open_workflows(self) -> tuple[Workflow, ...]:
        """What was started and has not ended, the oldest first."""
        return tuple(each for each in self.known if each.stage is Stage.OPEN)


def _told_by(record: Record) -> tuple[Workflow, ...]:
    """The workflows, as far as the members of the record tell them: the recorded one, and the open further one."""
    told = []
    if record.status not in (Status.NONE, Status.UNSTARTED):
        told.append(_recorded_workflow(record))
    further = record.reverification
    further_id = None if further is None else further.workflow_execution_id
    if further is not None and further_id is not None and further_id not in (each.id for each in told):
        told.append(
            Workflow(
                id=further_id,
                account_id=record.account_id,
                stage=Stage.OPEN,
                created_at=_normal(further.initiated_at),
                key=further.workflow_key,
                url=further.vendor_url,
            )
        )
    return tuple(sorted(told, key=lambda each: each.age))


def _recorded_workflow(record: Record) -> Workflow:
    status = record.status
    stage = Stage.CONCLUDED if status in CONCLUDED else Stage.OPEN if status is Status.PENDING else Stage.ENDED
    decided_at = None if stage is Stage.OPEN else _normal(record.decided_at)
    workflow = Workflow(
        id=record.workflow_execution_id or "",
        account_id=record.account_id,
        stage=stage,
        created_at=_normal(record.initiated_at),
        decided_at=decided_at,
        decision=None if stage is Stage.OPEN else record.decision,
        key=record.workflow_key,
        url=record.vendor_url if stage is Stage.OPEN else None,
    )
    if stage is not Stage.CONCLUDED:
        return workflow
    assurance = record.assurance
    verified_at = None if assurance is None else _normal(assurance.verified_at)
    return replace(
        workflow,
        verdict=_VERDICTS[status],
        renewed_at=verified_at if verified_at and verified_at > (decided_at or "") else None,
        level=None if assurance is None else assurance.level,
        level_name="" if assurance is None else assurance.name,
        expires_at=None if assurance is None else assurance.expires_at,
        table="" if assurance is None else assurance.table,
        checks=record.checks,
        **(_judged(_VERDICTS[status]) if record.notice == NOTICE_PERSON else {}),
    )


def _judged(verdict: Verdict) -> dict[str, Any]:
    """What a notice alone tells of a verdict: that it would have been another."""
    said = None if verdict is Verdict.PASSED else Verdict.PASSED
    return {"said": said, "person": Comparison.lost(verdict)}


def _normal(text: str | None) -> str | None:
    instant = from_text(text)
    return None if instant is None else to_text(instant)
