# SPDX-License-Identifier: Apache-2.0
"""The one path a verdict takes: read (Jumio), decide (core), write (Kratos), act (sessions); and the start of one."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from webhook import log
from webhook.core.bodies import Doorbell, usable_identity_id
from webhook.core.record import Record, copies_agree, read_record
from webhook.core.status import STARTABLE, OnRejected, Status
from webhook.core.times import from_text
from webhook.core.transition import (
    Event,
    Outcome,
    Reading,
    Result,
    Started,
    claimed,
    is_claimed_by_another,
    not_started,
    settle,
    settle_unknown,
    started,
)
from webhook.deadline import has_time_for, remaining, time_limit
from webhook.errors import (
    IdentityUnknown,
    JumioError,
    KratosError,
    KratosRefused,
    KratosUnavailable,
    ServiceError,
    StartNotRecorded,
    WorkflowUnknown,
)
from webhook.kratos.documents import Identity, is_writable
from webhook.locks import IdentityLocks
from webhook.settings import Settings

# Three stages make one request of ours (read from Kratos, Jumio, write to Kratos); 3 + 5.5 + 3 stay below its 12 s.
JUMIO_SECONDS = 5.5
KRATOS_SECONDS = 3.0
# Pauses between the tries to note a workflow that was just started.
NOTE_WAITS = (0.1, 0.4)


class Jumio(Protocol):
    """What is wanted of Jumio; see `webhook.jumio.client`."""

    def start(self, identity_id: str, *, account_id: str | None) -> Started: ...
    def read(self, *, account_id: str, workflow_execution_id: str) -> Reading: ...


class Kratos(Protocol):
    """What is wanted of Kratos; see `webhook.kratos.client`."""

    def get(self, identity_id: str) -> Identity: ...
    def write(self, identity: Identity, record: Record, *, state: str | None = None) -> Identity: ...
    def end_sessions(self, identity_id: str) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Start:
    """The record after a start was asked for; `error` says why Jumio made none, `reason` why none was asked for."""

    record: Record
    error: JumioError | None = None
    reason: str | None = None


class Verifications:
    """Starts verifications and settles them. One per process; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        kratos: Kratos,
        jumio: Jumio,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jumio_seconds: float = JUMIO_SECONDS,
    ) -> None:
        self._settings = settings
        self._kratos = kratos
        self._jumio = jumio
        self._clock = clock
        self._jumio_seconds = jumio_seconds
        self._locks = IdentityLocks()

    def claim(self, identity_id: str, *, by: str) -> bool:
        """Claim the start that is due for an `unstarted` identity; whether there is one to claim.

        Kratos has no compare-and-set, so of two that claim at once the later write wins: wait until every earlier
        one must have arrived, then `start` with the same `by`, which looks whose claim stands (Fischer's algorithm).

        :raises KratosError: the identity cannot be read or written.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = _recorded(identity)
            now = self._clock()
            if record.status is not Status.UNSTARTED or is_claimed_by_another(record, by=by, now=now):
                return False
            self._kratos.write(identity, claimed(record, by=by, now=now))
            return True

    def start(self, identity_id: str, *, claimed_by: str | None = None) -> Start:
        """Start a workflow for an identity that has none which is open or concluded.

        A start that Jumio does not make is recorded, for `sync` to make it later.

        :raises KratosError: the identity cannot be read or written.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = _recorded(identity)
            if record.status not in STARTABLE:
                return Start(record=record)
            if is_claimed_by_another(record, by=claimed_by, now=self._clock()):
                return Start(record=record, reason="another process is about to start it")
            if not is_writable(identity):  # found out before money is spent on a workflow nobody could be told of
                raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")
            try:
                with time_limit(remaining(at_most=self._jumio_seconds + KRATOS_SECONDS) - KRATOS_SECONDS):
                    workflow = self._start_at_jumio(identity_id, record.account_id)
            except JumioError as error:
                unstarted = not_started(record, now=self._clock())
                if unstarted != record:
                    self._kratos.write(identity, unstarted)
                self._audit(Event.UNSTARTED, identity_id, unstarted, error=error)
                return Start(record=unstarted, error=error, reason=str(error))
            begun = started(record, workflow, workflow_key=self._settings.jumio_workflow_key, now=self._clock())
            self._note_started(identity, begun)
            self._audit(Event.STARTED, identity_id, begun)
            return Start(record=begun)

    def ring(self, doorbell: Doorbell, *, identity_id: str | None) -> Outcome:
        """Answer Jumio's callback: look at the workflow it names. `identity_id` is known from a capability URL.

        :raises JumioError: the verdict cannot be read now, or Jumio does not know the workflow yet.
        :raises KratosError: it cannot be written now.
        """
        with time_limit(self._jumio_seconds):
            reading = self._jumio.read(
                account_id=doorbell.account_id, workflow_execution_id=doorbell.workflow_execution_id
            )
        owner = usable_identity_id(identity_id or next(iter(reading.references), ""))
        if owner is None:
            return _ignored("the workflow names no identity")
        with self._locks.hold(owner):
            try:
                identity = self._kratos.get(owner)
            except IdentityUnknown:
                return _ignored("Kratos does not know the identity")
            return self._conclude(identity, reading)

    def look(self, identity_id: str) -> Outcome:
        """Look again at the recorded workflow of an identity, whatever its status is.

        :raises JumioError: the verdict cannot be read now.
        :raises KratosError: the identity cannot be read or written now.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = _recorded(identity)
            if record.account_id is None or record.workflow_execution_id is None:
                return self._apply(identity, settle_unknown(record, now=self._clock()))
            try:
                with time_limit(self._jumio_seconds):
                    reading = self._jumio.read(
                        account_id=record.account_id, workflow_execution_id=record.workflow_execution_id
                    )
            except WorkflowUnknown:
                return self._apply(identity, settle_unknown(record, now=self._clock()))
            return self._conclude(identity, reading)

    def _note_started(self, identity: Identity, begun: Record) -> None:
        """Write what was just paid for, with more patience than elsewhere: what is not noted is started again."""
        for wait in (*NOTE_WAITS, None):
            try:
                self._kratos.write(identity, begun)
                return
            except KratosError as error:
                if wait is None or not isinstance(error, KratosUnavailable) or not has_time_for(wait):
                    log.event("verification.unrecorded", level=logging.ERROR, error=error)
                    raise StartNotRecorded(f"a workflow was started but could not be noted: {error}") from error
                time.sleep(wait)

    def end_sessions_of_rejected(self, identity_id: str) -> bool:
        """Make sure that a rejected identity has no live session, where the settings want that; whether one ended.

        :raises KratosError: Kratos cannot be reached or refuses.
        """
        if self._settings.on_rejected is OnRejected.BLOCK or not self._kratos.end_sessions(identity_id):
            return False
        log.event("session.revoked", identity_id=identity_id)
        return True

    def _start_at_jumio(self, identity_id: str, account_id: str | None) -> Started:
        if account_id is not None:
            try:
                return self._jumio.start(identity_id, account_id=account_id)
            except WorkflowUnknown:  # the account was deleted at Jumio: the person needs a new one
                pass
        return self._jumio.start(identity_id, account_id=None)

    def _conclude(self, identity: Identity, reading: Reading) -> Outcome:
        return self._apply(identity, settle(_recorded(identity), reading, identity_id=identity.id, now=self._clock()))

    def _apply(self, identity: Identity, outcome: Outcome) -> Outcome:
        """Write what was decided where it is not there yet, then act on it."""
        record = outcome.record
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
        return outcome

    def _must_deactivate(self, record: Record) -> bool:
        return record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE

    def _audit(
        self,
        event: Event,
        identity_id: str,
        record: Record,
        *,
        reason: str | None = None,
        error: ServiceError | None = None,
    ) -> None:
        log.event(
            event.value,
            identity_id=identity_id,
            workflow_execution_id=record.workflow_execution_id,
            status=record.status.value,
            seconds_since_start=_seconds_between(record.initiated_at, record.decided_at),
            reason=reason,
            error=error,
        )


def _seconds_between(begun: str | None, ended: str | None) -> float | None:
    begun_at, ended_at = from_text(begun), from_text(ended)
    return None if begun_at is None or ended_at is None else (ended_at - begun_at).total_seconds()


def _recorded(identity: Identity) -> Record:
    return read_record(identity.metadata_public, identity.metadata_admin)


def _ignored(reason: str) -> Outcome:
    return Outcome(result=Result.IGNORED, record=Record(), reason=reason)
