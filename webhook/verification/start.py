# SPDX-License-Identifier: Apache-2.0
"""Starting workflows: the first one, a further one, and the care that none is paid for twice or lost."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from webhook.core.events import Event, Note
from webhook.core.policy import Policy, is_met_by_renewal
from webhook.core.record import Record
from webhook.core.start import STEP_UP, Started, asked_again, not_started, reverifying, started, starts_in_last_day
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text
from webhook.errors import (
    KratosError,
    KratosRefused,
    KratosUnavailable,
    NotStarted,
    StartNotRecorded,
    VendorError,
    VendorRateLimited,
    VendorRefused,
    WorkflowUnknown,
)
from webhook.limits import KRATOS_SECONDS
from webhook.runtime import log
from webhook.runtime.deadline import has_time_for, remaining, time_limit
from webhook.settings import VerificationSettings
from webhook.verification.audit import audit
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Identities, Identity, Locks, Vendor

# Pauses between the tries to note a workflow that was just started.
NOTE_WAITS = (0.1, 0.4)
# A workflow that could not be noted is tried again for a part of its 30 minutes; few, lest an outage fills memory.
UNNOTED_FOR = timedelta(minutes=10)
UNNOTED_AT_MOST = 1000
# After these nothing was started for sure.
_NOTHING_WAS_STARTED = (NotStarted, VendorRefused, VendorRateLimited)


@dataclass(frozen=True, kw_only=True)
class Start:
    """The record after a start was asked for; `error` says why the vendor made none, `reason` why none was made.

    `changed` where something new was started or asked for.
    """

    record: Record
    changed: bool = False
    error: VendorError | None = None
    reason: str | None = None


class Starter:
    """Starts workflows. One per process; safe to share between requests."""

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        vendor: Vendor,
        links: Links,
        locks: Locks,
        clock: Clock,
        vendor_seconds: float,
    ) -> None:
        self._settings = settings
        self._identities = identities
        self._vendor = vendor
        self._links = links
        self._locks = locks
        self._clock = clock
        self._vendor_seconds = vendor_seconds
        self._unnoted: dict[str, Record] = {}

    def start(self, identity_id: str) -> Start:
        """Start a workflow for an identity that has none which is open or concluded.

        A start that the vendor does not make is recorded, for `sync` to make it later.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: somebody else is at work on it.
        """
        with self._locks.hold(identity_id):
            return self._first(*self._read(identity_id))

    def reverify(self, identity_id: str, *, reason: str, due_in: timedelta | None) -> Start:
        """Ask somebody who was verified to do it again; what is known of them stands until that ends.

        Whoever was never verified gets an ordinary start. That it is due is noted even when none can be started now.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: somebody else is at work on it.
        """
        due_at = None if due_in is None else self._clock() + due_in
        with self._locks.hold(identity_id):
            identity, record = self._read(identity_id)
            return self._further(identity, record, reason, due_at, self._compares_face(record))

    def step_up(self, identity_id: str, *, policy: Policy) -> Start:
        """Offer somebody who does not meet a policy the workflow that would make them meet it.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: somebody else is at work on it.
        """
        with self._locks.hold(identity_id):
            identity, record = self._read(identity_id)
            table = self._settings.assurance_table
            renewable = is_met_by_renewal(policy, record.assurance, table=table, now=self._clock())
            return self._further(identity, record, STEP_UP, None, renewable and self._compares_face(record))

    def resume(self, identity_id: str) -> Start:
        """Start whatever the person may go through now: for our own link.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: somebody else is at work on it.
        """
        with self._locks.hold(identity_id):
            identity, record = self._read(identity_id)
            further = record.reverification
            if further is None or record.open_reverification is not None:
                return self._first(identity, record)
            return self._further(identity, record, further.reason, None, self._compares_face(record))

    def _read(self, identity_id: str) -> tuple[Identity, Record]:
        identity = self._identities.get(identity_id)
        return identity, self._links.restored(identity_id, identity.record)

    def _compares_face(self, record: Record) -> bool:
        return self._vendor.can_compare_face(record.checks)

    def _first(self, identity: Identity, record: Record) -> Start:
        if record.status in STARTABLE:
            return self._start(identity, record)
        return Start(record=self._with_fresh_links(identity, record))

    def _further(
        self, identity: Identity, record: Record, reason: str, due_at: datetime | None, by_face: bool
    ) -> Start:
        """One more workflow beside a verdict; `by_face` where a look at the face is enough."""
        if record.status not in (Status.APPROVED, Status.REVIEW):
            return self._first(identity, record)
        _require_writable(identity)
        if record.open_reverification is not None:
            asked = self._note_asked(identity, record, reason, due_at)
            return Start(record=asked, changed=asked.history != record.history)
        key = self._settings.reauth_workflow_key if by_face else self._settings.workflow_key
        limited = self._limit_reached(record)
        error: VendorError | None = None
        if limited is None:
            try:
                workflow, key = self._start_at_vendor(identity.id, record.account_id, key)
            except VendorError as raised:
                error = raised.with_traceback(None)
            else:
                begun = reverifying(
                    record,
                    workflow,
                    reason=reason,
                    due_at=due_at,
                    workflow_key=key,
                    link=self._links.make(identity.id),
                    now=self._clock(),
                )
                return self._begun(identity, begun, Event.REVERIFICATION_STARTED)
        if due_at is not None:
            record = self._note_asked(identity, record, reason, due_at)
        return Start(record=record, error=error, reason=limited or str(error))

    def _start(self, identity: Identity, record: Record) -> Start:
        _require_writable(identity)
        if (unnoted := self._unnoted.get(identity.id)) is not None and not self._is_stale(unnoted):
            return self._begun(identity, unnoted, Event.STARTED)  # it is paid for already
        if (limited := self._limit_reached(record)) is not None:
            return Start(record=record, reason=limited)
        key = self._settings.workflow_key
        try:
            workflow, key = self._start_at_vendor(identity.id, record.account_id, key)
        except VendorError as error:
            unstarted = not_started(record, now=self._clock())
            if unstarted != record:
                self._note_unstarted(identity, unstarted, error)
            audit(Event.UNSTARTED, identity.id, unstarted, error=error)
            return Start(record=unstarted, error=error.with_traceback(None), reason=str(error))
        link = self._links.make(identity.id)
        begun = started(record, workflow, workflow_key=key, link=link, now=self._clock())
        return self._begun(identity, begun, Event.STARTED)

    def _begun(self, identity: Identity, begun: Record, event: Event) -> Start:
        self._note_started(identity, begun)
        audit(event, identity.id, begun, workflow_execution_id=begun.open_workflow_id)
        return Start(record=begun, changed=True)

    def _with_fresh_links(self, identity: Identity, record: Record) -> Record:
        """The record with links that work, noted where one is new."""
        fresh = self._links.freshened(identity.id, record)
        if fresh != record:
            self._identities.write(identity, fresh)
        return fresh

    def _limit_reached(self, record: Record) -> str | None:
        limit = self._settings.max_starts_per_day
        if starts_in_last_day(record, now=self._clock()) < limit:
            return None
        return f"the limit of {limit} starts a day is reached"

    def _note_asked(self, identity: Identity, record: Record, reason: str, due_at: datetime | None) -> Record:
        fresh = self._links.freshened(identity.id, record)
        asked = asked_again(fresh, reason=reason, due_at=due_at, now=self._clock())
        if asked != record:
            self._identities.write(identity, asked)
        if asked != fresh:
            audit(Event.REVERIFICATION_ASKED, identity.id, asked)
        return asked

    def _start_at_vendor(self, identity_id: str, account_id: str | None, key: int | str) -> tuple[Started, int | str]:
        """What was started, and by which workflow definition."""
        with time_limit(remaining(at_most=self._vendor_seconds + KRATOS_SECONDS) - KRATOS_SECONDS):
            if account_id is not None:
                try:
                    return self._vendor.start(identity_id, account_id=account_id, workflow_key=key), key
                except WorkflowUnknown:  # the account was deleted there: the person needs a new one, and a document
                    key = self._settings.workflow_key
            return self._vendor.start(identity_id, account_id=None, workflow_key=key), key

    def _note_started(self, identity: Identity, begun: Record) -> None:
        """Write what was just paid for, with more patience than elsewhere: what is not noted is started again."""
        waits = iter(NOTE_WAITS)
        while True:
            try:
                self._identities.write(identity, begun)
                self._unnoted.pop(identity.id, None)
                return
            except KratosError as error:
                wait = next(waits, None)
                if wait is None or not isinstance(error, KratosUnavailable) or not has_time_for(wait):
                    self._remember_unnoted(identity.id, begun)
                    log.event(Note.UNRECORDED, level=logging.ERROR, error=error)
                    raise StartNotRecorded(f"a workflow was started but could not be noted: {error}") from error
                time.sleep(wait)

    def _remember_unnoted(self, identity_id: str, begun: Record) -> None:
        """For the hook's next attempt, should it come to this process; that spares the person's money and patience."""
        if begun.status is Status.PENDING:
            if len(self._unnoted) >= UNNOTED_AT_MOST:
                self._unnoted.pop(next(iter(self._unnoted)))
            self._unnoted[identity_id] = begun

    def _is_stale(self, begun: Record) -> bool:
        initiated_at = from_text(begun.initiated_at)
        return initiated_at is None or self._clock() - initiated_at > UNNOTED_FOR

    def _note_unstarted(self, identity: Identity, unstarted: Record, error: VendorError) -> None:
        try:
            self._identities.write(identity, unstarted)
        except KratosError as unwritten:
            if isinstance(error, _NOTHING_WAS_STARTED):
                raise  # nothing was started for sure
            raise StartNotRecorded(f"a workflow may have been started: {error}; {unwritten}") from unwritten


def _require_writable(identity: Identity) -> None:
    """Found out before money is spent on a workflow that nobody could be told of."""
    if not identity.is_writable:
        raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")
