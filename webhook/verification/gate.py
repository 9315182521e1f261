# SPDX-License-Identifier: Apache-2.0
"""The gate at work: looks again where a callback may be lost, judges, and offers what would open it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.core.assurance import Policy, Standing, effective_level, judge
from webhook.core.record import Record
from webhook.core.start import is_overdue
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text
from webhook.errors import JumioError, KratosError
from webhook.ory.kratos.hooks import GateHook
from webhook.ory.kratos.refusals import policy_refusal, refusal
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.settings import Settings
from webhook.verification.links import Links
from webhook.verification.settle import VerdictNotRecorded, Verifications

LOOK_SECONDS = 2.0
LOOK_WHEN_OLDER_THAN = timedelta(minutes=1)
# Only where a policy orders a start; Kratos waits 30 s for the hook.
OFFER_SECONDS = 7.0
ADMIT_SECONDS = 11.5


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What the gate says: `refusal` is the payload for Kratos, None to let it pass; `level` where it was asked."""

    status: Status
    level: int | None
    refusal: dict[str, Any] | None


_NO_POLICY = Policy()


class Gate:
    """Decides about hooks of `/jumio/validate`. No peer that fails ever turns into an error here."""

    def __init__(self, settings: Settings, verifications: Verifications) -> None:
        self._settings = settings
        self._table = settings.assurance_table
        self._verifications = verifications
        self._links = Links(settings)

    def admit(self, hook: GateHook) -> Admission:
        """Decide by the record that the hook brought, or a fresher one where a callback may have been lost."""
        with time_limit(ADMIT_SECONDS):
            return self._admit(hook, hook.policy or _NO_POLICY)

    def _admit(self, hook: GateHook, policy: Policy) -> Admission:
        block = self._settings.block_login_statuses if policy.block_statuses is None else policy.block_statuses
        record = self._looked_again(hook) if _is_pending_for_long(hook.record) else hook.record
        if hook.policy is None and record.status not in block:
            return Admission(status=record.status, level=None, refusal=None)
        standing = self._standing(hook, record)
        unmet = judge(policy, standing, now=datetime.now(UTC))
        if unmet is not None and _has_further_open(record):
            record = self._looked_again(hook)
            standing = self._standing(hook, record)
            unmet = judge(policy, standing, now=datetime.now(UTC))
        if record.status not in block and unmet is None:
            return Admission(status=record.status, level=standing.level, refusal=None)
        if hook.policy is not None and record != hook.record:
            record = self._looked_again(hook, write=True)  # what is refused here is written by nobody else
        offered = self._offered(hook, record) if policy.start_when_unmet else record
        # A policy that only blocks shows no link: at a recovery that would hand it to whoever reads the mail.
        link = _link(offered) if hook.policy is None or policy.start_when_unmet else None
        if link is not None and self._links.is_expired(link):
            link = self._links.make(hook.identity_id)
        refused = refusal(record.status, verification_url=link, block=block)
        if refused is None and unmet is not None:
            refused = policy_refusal(
                unmet, policy, standing, status=record.status, table=self._table, verification_url=link
            )
        return Admission(status=record.status, level=standing.level, refusal=refused)

    def _standing(self, hook: GateHook, record: Record) -> Standing:
        now = datetime.now(UTC)
        overdue = is_overdue(record, now=now)
        rejected = record.status is Status.REJECTED
        level = effective_level(
            self._table,
            record.assurance,
            verified_address=hook.verified_address and not rejected,
            overdue=overdue,
            now=now,
        )
        verified_at = from_text(record.assurance.verified_at) if record.assurance else None
        return Standing(level=level, verified_at=verified_at, overdue=overdue)

    def _looked_again(self, hook: GateHook, *, write: bool = False) -> Record:
        """A fresher record. A hook without a policy is a login's, after which Kratos does not write the identity."""
        try:
            with time_limit(LOOK_SECONDS):
                return self._verifications.look(hook.identity_id, write=write or hook.policy is None).record
        except VerdictNotRecorded as error:
            log.event("gate.not_recorded", error=error)
            return error.record
        except (JumioError, KratosError, DeadlineExceeded) as error:
            log.event("gate.not_looked", error=error)
            return hook.record

    def _offered(self, hook: GateHook, record: Record) -> Record:
        """The record once a workflow is open that would open the gate, where one can be."""
        if record.status is Status.REJECTED or _link(record) is not None:
            return record
        try:
            with time_limit(OFFER_SECONDS):
                if record.status in STARTABLE or hook.policy is None:
                    return self._verifications.start(hook.identity_id).record
                return self._verifications.step_up(hook.identity_id, policy=hook.policy).record
        except (JumioError, KratosError, DeadlineExceeded) as error:
            log.event("gate.not_started", error=error)
            return record


def _is_pending_for_long(record: Record) -> bool:
    initiated_at = from_text(record.initiated_at)
    return record.status is Status.PENDING and (
        initiated_at is None or datetime.now(UTC) - initiated_at > LOOK_WHEN_OLDER_THAN
    )


def _has_further_open(record: Record) -> bool:
    return record.reverification is not None and record.reverification.workflow_execution_id is not None


def _link(record: Record) -> str | None:
    """The link to the workflow that is open, if one is."""
    if record.status is Status.PENDING:
        return record.verification_url
    further = record.reverification
    return further.verification_url if further is not None and _has_further_open(record) else None
