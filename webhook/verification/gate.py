# SPDX-License-Identifier: Apache-2.0
"""The gate at work: looks again where a callback may be lost, judges, and offers what would open it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from webhook.core.assurance import effective_level
from webhook.core.events import Note
from webhook.core.policy import Policy, Standing, Unmet, judge
from webhook.core.record import NOTICE_PERSON, Record
from webhook.core.start import is_overdue
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text
from webhook.errors import ServiceError
from webhook.limits import LOOK_SECONDS, OFFER_SECONDS
from webhook.ory.kratos.hooks import GateHook
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.settings import VerificationSettings
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Coordination, Identities
from webhook.verification.settle import Settler, VerdictNotRecorded
from webhook.verification.start import Starter

LOOK_WHEN_OLDER_THAN = timedelta(minutes=1)
_NO_POLICY = Policy()


class RecordUnreadable(ServiceError):
    """The public copy of somebody's record cannot be read, and neither can the admin copy: nobody passes by that."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the gate says of one record, by what one hook demands; `link` is where a stopped person can go on.

    `is_another`: the document that was shown is not theirs, as far as the names tell.
    """

    status: Status
    standing: Standing
    is_blocked: bool
    unmet: Unmet | None
    is_another: bool = False
    link: str | None = None

    @property
    def stops(self) -> bool:
        """Whether the flow ends here: its status is blocked, or a demand is not met."""
        return self.is_blocked or self.unmet is not None


class Gate:
    """Decides about hooks of `/jumio/validate`. No peer that fails ever turns into an error here."""

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        settler: Settler,
        starter: Starter,
        links: Links,
        coordination: Coordination,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identities = identities
        self._settler = settler
        self._starter = starter
        self._links = links
        self._coordination = coordination
        self._clock = clock

    def judge(self, hook: GateHook) -> Judgement:
        """Decide by the record that the hook brought, or a fresher one where a callback may have been lost.

        :raises RecordUnreadable: the hook's record cannot be read, and Kratos has no other.
        """
        if hook.is_readable:
            return self._decide(hook)
        with time_limit(LOOK_SECONDS):
            return self._decide(replace(hook, record=self._recorded(hook.identity_id)))

    def _decide(self, hook: GateHook) -> Judgement:
        record = hook.record
        judged = self._judge(hook, record)
        may_be_over = (
            self._is_pending_for_long(record)
            or (judged.unmet is not None and record.open_reverification is not None)
            or (judged.stops and judged.is_another)  # the name may have been corrected
        )
        if may_be_over and self._coordination.may_look(hook.identity_id):
            record = self._look(hook)
            judged = self._judge(hook, record)
        return replace(judged, link=self._way_on(hook, record)) if judged.stops else judged

    def _judge(self, hook: GateHook, record: Record) -> Judgement:
        policy, settings, now = hook.policy or _NO_POLICY, self._settings, self._clock()
        overdue = is_overdue(record, now=now)
        level = effective_level(
            settings.assurance_table,
            record.assurance,
            verified_address=hook.verified_address and record.status is not Status.REJECTED,
            overdue=overdue,
            now=now,
        )
        verified_at = from_text(record.assurance.verified_at) if record.assurance else None
        standing = Standing(level=level, verified_at=verified_at, overdue=overdue)
        block = settings.block_login_statuses if policy.block_statuses is None else policy.block_statuses
        return Judgement(
            status=record.status,
            standing=standing,
            is_blocked=record.status in block,
            unmet=judge(policy, standing, now=now),
            is_another=record.notice == NOTICE_PERSON,
        )

    def _recorded(self, identity_id: str) -> Record:
        """The record by both copies as they stand in Kratos: the admin copy decides where the public one says nothing.

        :raises RecordUnreadable: there is none, or it cannot be read now.
        """
        try:
            record = self._identities.get(identity_id).record
            if record.status is Status.NONE:  # which is never written: neither copy says anything
                raise RecordUnreadable("neither copy of the record can be read")
        except (ServiceError, DeadlineExceeded) as error:
            log.event(Note.GATE_UNREADABLE, error=error)
            raise RecordUnreadable("the record cannot be read") from error
        log.event(Note.GATE_UNREADABLE, status=record.status.value)
        return record

    def _look(self, hook: GateHook) -> Record:
        """A fresher record.

        It is written after a login, when Kratos does not write the identity. Where a policy lets pass, Kratos goes on
        to store the row that it has read before: only what is refused there is written.
        """
        try:
            with time_limit(LOOK_SECONDS), self._settler.attending(hook.identity_id):
                seen = self._settler.observe(hook.identity_id)
                if hook.policy is None or self._judge(hook, seen.record).stops:
                    self._settler.apply(seen)
                return seen.record
        except VerdictNotRecorded as error:
            log.event(Note.GATE_NOT_RECORDED, error=error)
            return error.record
        except (ServiceError, DeadlineExceeded) as error:
            log.event(Note.GATE_NOT_LOOKED, error=error)
            return hook.record

    def _way_on(self, hook: GateHook, record: Record) -> str | None:
        """Where the person can go on, started first where the policy orders that.

        A policy that only blocks shows no link: at a recovery that would hand it to whoever reads the mail.
        """
        if hook.policy is None:
            link = _open_link(record) or self._own_link(record)
        elif hook.policy.start_when_unmet:
            link = _open_link(self._offered(hook, record, hook.policy))
        else:
            link = None
        return self._links.make(hook.identity_id) if self._links.is_expired(link) else link

    def _own_link(self, record: Record) -> str | None:
        """Our link where nothing is open, and the person can start something by its page."""
        url = record.verification_url
        return url if url is not None and record.status in STARTABLE and self._links.is_ours(url) else None

    def _offered(self, hook: GateHook, record: Record, policy: Policy) -> Record:
        """The record once a workflow is open that would open the gate, where one can be."""
        if record.status is Status.REJECTED or _open_link(record) is not None:
            return record
        try:
            with time_limit(OFFER_SECONDS):
                if record.status in STARTABLE:
                    return self._starter.start(hook.identity_id).record
                return self._starter.step_up(hook.identity_id, policy=policy).record
        except (ServiceError, DeadlineExceeded) as error:
            log.event(Note.GATE_NOT_STARTED, error=error)
            return record

    def _is_pending_for_long(self, record: Record) -> bool:
        initiated_at = from_text(record.initiated_at)
        return record.status is Status.PENDING and (
            initiated_at is None or self._clock() - initiated_at > LOOK_WHEN_OLDER_THAN
        )


def _open_link(record: Record) -> str | None:
    """The link to the workflow that is open, if one is."""
    if record.status is Status.PENDING:
        return record.verification_url
    further = record.open_reverification
    return None if further is None else further.verification_url
