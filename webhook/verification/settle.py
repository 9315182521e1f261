# SPDX-License-Identifier: Apache-2.0
"""The one path a verdict takes: read (Jumio), decide (core), write (Kratos), act (sessions)."""

from dataclasses import replace
from datetime import UTC, datetime

from webhook.core.events import Event
from webhook.core.record import Record
from webhook.core.settle import Outcome, Reading, Result, settle, settle_unknown
from webhook.core.status import OnRejected, Status
from webhook.core.times import from_text
from webhook.errors import IdentityUnknown, KratosError, KratosUnavailable, WorkflowUnknown
from webhook.ory.kratos.documents import Identity
from webhook.ory.kratos.hooks import Doorbell, usable_identity_id
from webhook.ory.kratos.metadata import copies_agree
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.verification.start import Starting

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class VerdictNotRecorded(KratosUnavailable):
    """What Jumio says is known, in `record`, and could not be written, or not be acted upon."""

    def __init__(self, message: str, *, record: Record) -> None:
        super().__init__(message)
        self.record = record


class Verifications(Starting):
    """Settles what `Starting` started. One per process; safe to share between threads."""

    def ring(self, doorbell: Doorbell, *, identity_id: str | None) -> Outcome:
        """Answer Jumio's callback: look at the workflow it names. `identity_id` is known from a capability URL.

        :raises JumioError: the verdict cannot be read now, or Jumio does not know the workflow yet.
        :raises KratosError: it cannot be written now.
        """
        asked_at = self._clock()
        reading = self._read(doorbell.account_id, doorbell.workflow_execution_id)
        owner = usable_identity_id(identity_id or next(iter(reading.references), ""))
        if owner is None:
            return _ignored("the workflow names no identity")
        with self._locks.hold(owner):
            try:
                identity = self._kratos.get(owner)
            except IdentityUnknown:
                return _ignored("Kratos does not know the identity")
            return self._conclude(identity, reading, asked_at)

    def look(self, identity_id: str, *, write: bool = True) -> Outcome:
        """Look again at the workflow of an identity that is open, else at the one that was concluded last.

        Without `write` it only says what would be written: a hook of Kratos' that lets a change of the identity through
        must not write to it, since Kratos then stores the row it has read before.

        :raises JumioError: the verdict cannot be read now.
        :raises KratosError: the identity cannot be read or written now.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = self._recorded(identity)
            workflow_execution_id = record.open_workflow_id
            if record.account_id is None or workflow_execution_id is None:
                return self._apply(identity, settle_unknown(record, now=self._clock()), write=write)
            asked_at = self._clock()
            try:
                reading = self._read(record.account_id, workflow_execution_id)
            except WorkflowUnknown:
                return self._apply(identity, settle_unknown(record, now=self._clock()), write=write)
            if self._decide(identity, reading).result is not Result.UNCHANGED:
                identity = self._kratos.get(identity_id)  # Jumio took its time, and what is written must build on today
            return self._conclude(identity, reading, asked_at, write=write)

    def end_sessions_of_rejected(self, identity_id: str) -> bool:
        """Make sure that a rejected identity has no live session, where the settings want that; whether one ended.

        :raises KratosError: Kratos cannot be reached or refuses.
        """
        if self._settings.on_rejected is OnRejected.BLOCK or not self._kratos.end_sessions(identity_id):
            return False
        log.event("session.revoked", identity_id=identity_id)
        return True

    def _read(self, account_id: str, workflow_execution_id: str) -> Reading:
        with time_limit(self._jumio_seconds):
            return self._jumio.read(account_id=account_id, workflow_execution_id=workflow_execution_id)

    def _decide(self, identity: Identity, reading: Reading) -> Outcome:
        outcome = settle(
            self._recorded(identity),
            reading,
            identity_id=identity.id,
            table=self._settings.assurance_table,
            verified_address=identity.verified_address,
            now=self._clock(),
        )
        return replace(outcome, record=self._linked(identity.id, outcome.record))

    def _conclude(self, identity: Identity, reading: Reading, asked_at: datetime, *, write: bool = True) -> Outcome:
        """Decide and apply; a reading that was asked for before the record last changed may be older than that."""
        outcome = self._decide(identity, reading)
        if outcome.result is Result.APPLIED and _last_change(self._recorded(identity)) > asked_at:
            reading = self._read(reading.account_id, reading.workflow_execution_id)
            identity = self._kratos.get(identity.id)
            outcome = self._decide(identity, reading)
        return self._apply(identity, outcome, write=write)

    def _apply(self, identity: Identity, outcome: Outcome, *, write: bool) -> Outcome:
        """Write what was decided where it is not there yet, then act on it.

        :raises VerdictNotRecorded: it could not be done, and is known all the same.
        """
        if not write:
            return outcome
        record = outcome.record
        try:
            if outcome.result is not Result.IGNORED and record.status is not Status.NONE:
                state = "inactive" if self._must_deactivate(record) else None
                agree = copies_agree(record, identity.metadata_public, identity.metadata_admin)
                if not agree or (state is not None and identity.state != state):
                    if outcome.result is Result.UNCHANGED:
                        outcome = replace(outcome, result=Result.APPLIED, event=Event.HEALED)
                    self._kratos.write(identity, record, state=state)
            if outcome.event is not None:
                self._audit(outcome.event, identity.id, record, reason=outcome.reason)
            if outcome.result is not Result.IGNORED and record.status is Status.REJECTED:
                self.end_sessions_of_rejected(identity.id)
        except (KratosError, DeadlineExceeded) as error:
            raise VerdictNotRecorded(str(error), record=record) from error
        return outcome

    def _must_deactivate(self, record: Record) -> bool:
        return record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE


def _last_change(record: Record) -> datetime:
    """When the record was last written, by its history."""
    last = record.history[-1] if record.history else {}
    return from_text(last.get("at")) or _LONG_AGO


def _ignored(reason: str) -> Outcome:
    return Outcome(result=Result.IGNORED, record=Record(), reason=reason)
