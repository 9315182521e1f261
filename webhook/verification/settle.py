# SPDX-License-Identifier: Apache-2.0
"""The one path a verdict takes: observe (read Kratos and the vendor, decide), apply (write to Kratos, end sessions)."""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from webhook.core.events import Event, Note
from webhook.core.evidence import Reading
from webhook.core.ids import usable_identity_id
from webhook.core.record import Record
from webhook.core.settle import Outcome, Result, settle, settle_unknown, with_its_steps
from webhook.core.status import OnRejected, Status
from webhook.core.times import from_text
from webhook.errors import IdentityUnknown, KratosError, KratosUnavailable, WorkflowUnknown
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.settings import VerificationSettings
from webhook.verification.audit import audit
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Identities, Identity, Locks, Vendor

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class VerdictNotRecorded(KratosUnavailable):
    """What the vendor says is known, in `record`, and could not be written, or not be acted upon."""

    def __init__(self, message: str, *, record: Record) -> None:
        super().__init__(message)
        self.record = record


@dataclass(frozen=True, kw_only=True)
class Observation:
    """An identity as it was read, and what was decided about its record. Nothing of it is written yet."""

    identity: Identity
    outcome: Outcome

    @property
    def record(self) -> Record:
        """The record as it should be."""
        return self.outcome.record


class Settler:
    """Settles what was started. One per process; safe to share between requests."""

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

    def attending(self, identity_id: str) -> AbstractContextManager[None]:
        """Hold the identity's lock: around an `observe` and the `apply` of what it saw.

        :raises Busy: somebody else is at work on it.
        """
        return self._locks.hold(identity_id)

    def look(self, identity_id: str) -> Outcome:
        """Observe, and apply what was seen.

        :raises VendorError: the verdict cannot be read now.
        :raises KratosError: the identity cannot be read or written now.
        :raises Busy: somebody else is at work on it.
        """
        with self.attending(identity_id):
            return self.apply(self.observe(identity_id))

    def settle_callback(self, account_id: str, workflow_execution_id: str, *, identity_id: str | None) -> Outcome:
        """Look at the workflow that a callback names. `identity_id` is known from a capability URL.

        :raises VendorError: the verdict cannot be read now, or the vendor does not know the workflow yet.
        :raises KratosError: it cannot be written now.
        :raises Busy: somebody else is at work on the identity.
        """
        asked_at = self._clock()
        reading = self._read(account_id, workflow_execution_id)
        owner = usable_identity_id(identity_id or next(iter(reading.references), ""))
        if owner is None:
            return _ignored("the workflow names no identity")
        with self.attending(owner):
            try:
                identity = self._identities.get(owner)
            except IdentityUnknown:
                return _ignored("Kratos does not know the identity")
            return self.apply(self._judged(identity, reading, asked_at))

    def observe(self, identity_id: str) -> Observation:
        """See what becomes of an identity: by the workflow that is open, else by the one that was concluded last.

        :raises VendorError: the verdict cannot be read now.
        :raises KratosError: the identity cannot be read now.
        """
        identity = self._identities.get(identity_id)
        record = identity.record
        workflow_execution_id = record.open_workflow_id
        if record.account_id is None or workflow_execution_id is None:
            return self._unknown(identity)
        asked_at = self._clock()
        reading: Reading | None = None
        with suppress(WorkflowUnknown):
            reading = self._read(record.account_id, workflow_execution_id)
        seen = self._unknown(identity) if reading is None else self._decided(identity, reading)
        if seen.outcome.result is not Result.UNCHANGED or not self._stands(identity, seen.record):
            identity = self._identities.get(identity_id)  # the vendor took its time: what is written builds on today
        return self._unknown(identity) if reading is None else self._judged(identity, reading, asked_at)

    def complete(self, identity_id: str) -> Outcome:
        """Give a record from before there were steps its own. The vendor has nothing to say to that.

        :raises KratosError: the identity cannot be read or written now.
        :raises Busy: somebody else is at work on it.
        """
        with self.attending(identity_id):
            identity = self._identities.get(identity_id)
            record = with_its_steps(identity.record, table=self._settings.assurance_table)
            return self.apply(self._observed(identity, Outcome(result=Result.UNCHANGED, record=record)))

    def apply(self, observation: Observation) -> Outcome:
        """Write what was decided where it is not there yet, then act on it.

        :raises VerdictNotRecorded: it could not be done, and is known all the same.
        """
        identity, outcome = observation.identity, observation.outcome
        record = outcome.record
        try:
            counts = outcome.result is not Result.IGNORED and record.status is not Status.NONE
            if counts and not self._stands(identity, record):
                if outcome.result is Result.UNCHANGED:
                    outcome = replace(outcome, result=Result.APPLIED, event=Event.HEALED)
                self._identities.write(identity, record, state=self._state_for(record))
            if outcome.event is not None:
                audit(outcome.event, identity.id, record, reason=outcome.reason)
            if outcome.result is not Result.IGNORED and record.status is Status.REJECTED:
                self.end_sessions_of_rejected(identity.id)
        except (KratosError, DeadlineExceeded) as error:
            raise VerdictNotRecorded(str(error), record=record) from error
        return outcome

    def end_sessions_of_rejected(self, identity_id: str) -> bool:
        """Make sure that a rejected identity has no live session, where the settings want that; whether one ended.

        :raises KratosError: Kratos cannot be reached or refuses.
        """
        if self._settings.on_rejected is OnRejected.BLOCK or not self._identities.end_sessions(identity_id):
            return False
        log.event(Note.SESSION_REVOKED, identity_id=identity_id)
        return True

    def _read(self, account_id: str, workflow_execution_id: str) -> Reading:
        with time_limit(self._vendor_seconds):
            return self._vendor.read(account_id=account_id, workflow_execution_id=workflow_execution_id)

    def _judged(self, identity: Identity, reading: Reading, asked_at: datetime) -> Observation:
        """Decide; a reading that was asked for before the record last changed may be older than that."""
        observation = self._decided(identity, reading)
        if observation.outcome.result is Result.APPLIED and _last_change(identity.record) > asked_at:
            reading = self._read(reading.account_id, reading.workflow_execution_id)
            observation = self._decided(self._identities.get(identity.id), reading)
        return observation

    def _decided(self, identity: Identity, reading: Reading) -> Observation:
        outcome = settle(
            self._links.restored(identity.id, identity.record),
            reading,
            identity_id=identity.id,
            table=self._settings.assurance_table,
            verified_address=identity.verified_address,
            now=self._clock(),
        )
        return self._observed(identity, outcome)

    def _unknown(self, identity: Identity) -> Observation:
        record = self._links.restored(identity.id, identity.record)
        return self._observed(identity, settle_unknown(record, now=self._clock()))

    def _observed(self, identity: Identity, outcome: Outcome) -> Observation:
        record = self._links.restored(identity.id, outcome.record)
        return Observation(identity=identity, outcome=replace(outcome, record=record))

    def _stands(self, identity: Identity, record: Record) -> bool:
        """Whether Kratos has all of it, so that nothing is to be written."""
        return identity.holds(record) and self._state_for(record) in (None, identity.state)

    def _state_for(self, record: Record) -> str | None:
        must_deactivate = record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE
        return "inactive" if must_deactivate else None


def _last_change(record: Record) -> datetime:
    """When the record was last written, by its history."""
    last = record.history[-1] if record.history else {}
    return from_text(last.get("at")) or _LONG_AGO


def _ignored(reason: str) -> Outcome:
    return Outcome(result=Result.IGNORED, record=Record(), reason=reason)
