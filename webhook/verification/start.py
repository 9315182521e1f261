# SPDX-License-Identifier: Apache-2.0
"""Starting workflows: the first one, a further one, and the care that none is paid for twice or lost."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Protocol

from webhook.coordination.local import IdentityLocks
from webhook.core.assurance import Condition, Policy, is_met_by_renewal
from webhook.core.events import Event
from webhook.core.record import Record
from webhook.core.settle import Reading
from webhook.core.start import (
    Started,
    asked_again,
    claimed,
    is_claimed_by_another,
    not_started,
    reverifying,
    started,
    starts_in_last_day,
)
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text
from webhook.errors import (
    JumioError,
    JumioRateLimited,
    JumioRefused,
    KratosError,
    KratosRefused,
    KratosUnavailable,
    ServiceError,
    StartNotRecorded,
    WorkflowUnknown,
)
from webhook.ory.kratos.documents import Identity, is_writable
from webhook.ory.kratos.metadata import read_record
from webhook.runtime import log
from webhook.runtime.deadline import has_time_for, remaining, time_limit
from webhook.settings import Settings
from webhook.verification.links import Links

# Three stages make one request of ours (read from Kratos, Jumio, write to Kratos); 3 + 5.5 + 3 stay below its 12 s.
JUMIO_SECONDS = 5.5
KRATOS_SECONDS = 3.0
# Pauses between the tries to note a workflow that was just started.
NOTE_WAITS = (0.1, 0.4)
CLAIM_SECONDS = 0.8
# A workflow that could not be noted is tried again for a part of its 30 minutes; few, lest an outage fills memory.
UNNOTED_FOR = timedelta(minutes=10)
UNNOTED_AT_MOST = 1000
STEP_UP = "step-up"
_HAS_LIVENESS = Condition(capability="liveness", decision="PASSED", label=None, data={})


class Jumio(Protocol):
    """What is wanted of Jumio; see `webhook.idv.jumio.client`."""

    def start(self, identity_id: str, *, account_id: str | None, workflow_key: int | str) -> Started: ...
    def read(self, *, account_id: str, workflow_execution_id: str) -> Reading: ...


class Kratos(Protocol):
    """What is wanted of Kratos; see `webhook.ory.kratos.client`."""

    def get(self, identity_id: str) -> Identity: ...
    def write(self, identity: Identity, record: Record, *, state: str | None = None) -> Identity: ...
    def end_sessions(self, identity_id: str) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Start:
    """The record after a start was asked for; `error` says why Jumio made none, `reason` why none was made."""

    record: Record
    error: JumioError | None = None
    reason: str | None = None


class Claim(Enum):
    """What became of a claim to a start."""

    MADE = "made"
    ANOTHERS = "another's"
    NOT_DUE = "not due"


class Starting:
    """Starts workflows. One per process; safe to share between threads."""

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
        self._links = Links(settings)
        self._unnoted: dict[str, Record] = {}

    def recorded(self, identity_id: str) -> Record:
        """The record as it stands in Kratos now.

        :raises KratosError: the identity cannot be read.
        """
        return self._recorded(self._kratos.get(identity_id))

    def claim(self, identity_id: str, *, by: str) -> Claim:
        """Claim the start that is due for an `unstarted` identity.

        Kratos has no compare-and-set, so of two that claim at once the later write wins: wait until every earlier
        one must have arrived, then `start` with the same `by`, which looks whose claim stands (Fischer's algorithm).

        :raises KratosError: the identity cannot be read or written.
        """
        # In less time than a claim takes to settle, or the algorithm does not hold: see `webhook.verification.sweep`.
        with self._locks.hold(identity_id), time_limit(CLAIM_SECONDS):
            identity = self._kratos.get(identity_id)
            record = self._recorded(identity)
            now = self._clock()
            if record.status is not Status.UNSTARTED or self._limit_reached(record) is not None:
                return Claim.NOT_DUE
            if is_claimed_by_another(record, by=by, now=now):
                return Claim.ANOTHERS
            self._kratos.write(identity, claimed(record, by=by, now=now))
            return Claim.MADE

    def start(self, identity_id: str, *, claimed_by: str | None = None) -> Start:
        """Start a workflow for an identity that has none which is open or concluded.

        A start that Jumio does not make is recorded, for `sync` to make it later.

        :raises KratosError: the identity cannot be read or written.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = self._recorded(identity)
            if record.status not in STARTABLE:
                return Start(record=self._with_fresh_links(identity, record))
            if is_claimed_by_another(record, by=claimed_by, now=self._clock()):
                return Start(record=record, reason="another process is about to start it")
            return self._start(identity, record)

    def reverify(self, identity_id: str, *, reason: str, due_in: timedelta | None) -> Start:
        """Ask somebody who was verified to do it again; what is known of them stands until that ends.

        Whoever was never verified gets an ordinary start. That it is due is noted even when none can be started now.

        :raises KratosError: the identity cannot be read or written.
        """
        due_at = None if due_in is None else self._clock() + due_in

        def needs_document(record: Record) -> bool:
            return not _HAS_LIVENESS.is_met(record.checks)

        return self._further(identity_id, reason, due_at, needs_document)

    def step_up(self, identity_id: str, *, policy: Policy) -> Start:
        """Offer somebody who does not meet a policy the workflow that would make them meet it.

        :raises KratosError: the identity cannot be read or written.
        """

        def needs_document(record: Record) -> bool:
            table = self._settings.assurance_table
            renewable = is_met_by_renewal(policy, record.assurance, table=table, now=self._clock())
            return not (renewable and _HAS_LIVENESS.is_met(record.checks))

        return self._further(identity_id, STEP_UP, None, needs_document)

    def resume(self, identity_id: str) -> Start:
        """Start whatever the person may go through now: for our own link.

        :raises KratosError: the identity cannot be read or written.
        """
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = self._recorded(identity)
        further = record.reverification
        if further is None or further.workflow_execution_id is not None:
            return self.start(identity_id)
        return self.reverify(identity_id, reason=further.reason, due_in=None)

    def _further(
        self,
        identity_id: str,
        reason: str,
        due_at: datetime | None,
        needs_document: Callable[[Record], bool],
    ) -> Start:
        with self._locks.hold(identity_id):
            identity = self._kratos.get(identity_id)
            record = self._recorded(identity)
            if record.status in STARTABLE:
                return self._start(identity, record)
            if record.status not in (Status.APPROVED, Status.REVIEW):
                return Start(record=self._with_fresh_links(identity, record))
            _require_writable(identity)
            if record.reverification is not None and record.reverification.workflow_execution_id is not None:
                return Start(record=self._note_asked(identity, record, reason, due_at))
            settings = self._settings
            key = settings.jumio_workflow_key if needs_document(record) else settings.jumio_reauth_workflow_key
            limited = self._limit_reached(record)
            error: JumioError | None = None
            if limited is None:
                try:
                    workflow, key = self._start_at_jumio(identity_id, record.account_id, key)
                except JumioError as raised:
                    error = raised
                else:
                    begun = reverifying(
                        record,
                        workflow,
                        reason=reason,
                        due_at=due_at,
                        workflow_key=key,
                        link=self._links.make(identity_id),
                        now=self._clock(),
                    )
                    return self._begun(identity, begun, Event.FURTHER)
            if due_at is not None:
                record = self._note_asked(identity, record, reason, due_at)
            return Start(record=record, error=error, reason=limited or str(error))

    def _start(self, identity: Identity, record: Record) -> Start:
        _require_writable(identity)
        if (unnoted := self._unnoted.get(identity.id)) is not None and not self._is_stale(unnoted):
            return self._begun(identity, unnoted, Event.STARTED)  # it is paid for already
        if (limited := self._limit_reached(record)) is not None:
            return Start(record=record, reason=limited)
        key = self._settings.jumio_workflow_key
        try:
            workflow, key = self._start_at_jumio(identity.id, record.account_id, key)
        except JumioError as error:
            unstarted = not_started(record, now=self._clock())
            if unstarted != record:
                self._note_unstarted(identity, unstarted, error)
            self._audit(Event.UNSTARTED, identity.id, unstarted, error=error)
            return Start(record=unstarted, error=error, reason=str(error))
        link = self._links.make(identity.id)
        begun = started(record, workflow, workflow_key=key, link=link, now=self._clock())
        return self._begun(identity, begun, Event.STARTED)

    def _begun(self, identity: Identity, begun: Record, event: Event) -> Start:
        self._note_started(identity, begun)
        self._audit(event, identity.id, begun, workflow_execution_id=begun.open_workflow_id)
        return Start(record=begun)

    def _with_fresh_links(self, identity: Identity, record: Record) -> Record:
        """The record with links that work, noted where one is new."""
        fresh = self._freshened(identity.id, record)
        if fresh != record:
            self._kratos.write(identity, fresh)
        return fresh

    def _freshened(self, identity_id: str, record: Record) -> Record:
        """The record with links that work: a workflow may stay open for longer than our link to it."""
        further = record.reverification
        if further is not None and self._links.is_expired(further.verification_url or ""):
            further = replace(further, verification_url=self._links.make(identity_id))
        url = record.verification_url
        if self._links.is_expired(url or ""):
            url = self._links.make(identity_id)
        return replace(record, verification_url=url, reverification=further)

    def _limit_reached(self, record: Record) -> str | None:
        limit = self._settings.max_starts_per_day
        if starts_in_last_day(record, now=self._clock()) < limit:
            return None
        return f"the limit of {limit} starts a day is reached"

    def _note_asked(self, identity: Identity, record: Record, reason: str, due_at: datetime | None) -> Record:
        fresh = self._freshened(identity.id, record)
        asked = asked_again(fresh, reason=reason, due_at=due_at, now=self._clock())
        if asked != record:
            self._kratos.write(identity, asked)
        if asked != fresh:
            self._audit(Event.ASKED, identity.id, asked)
        return asked

    def _start_at_jumio(self, identity_id: str, account_id: str | None, key: int | str) -> tuple[Started, int | str]:
        """What was started, and by which workflow definition."""
        with time_limit(remaining(at_most=self._jumio_seconds + KRATOS_SECONDS) - KRATOS_SECONDS):
            if account_id is not None:
                try:
                    return self._jumio.start(identity_id, account_id=account_id, workflow_key=key), key
                except WorkflowUnknown:  # the account was deleted at Jumio: the person needs a new one, and a document
                    key = self._settings.jumio_workflow_key
            return self._jumio.start(identity_id, account_id=None, workflow_key=key), key

    def _note_started(self, identity: Identity, begun: Record) -> None:
        """Write what was just paid for, with more patience than elsewhere: what is not noted is started again."""
        waits = iter(NOTE_WAITS)
        while True:
            try:
                self._kratos.write(identity, begun)
                self._unnoted.pop(identity.id, None)
                return
            except KratosError as error:
                wait = next(waits, None)
                if wait is None or not isinstance(error, KratosUnavailable) or not has_time_for(wait):
                    self._remember_unnoted(identity.id, begun)
                    log.event("verification.unrecorded", level=logging.ERROR, error=error)
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

    def _note_unstarted(self, identity: Identity, unstarted: Record, error: JumioError) -> None:
        try:
            self._kratos.write(identity, unstarted)
        except KratosError as unwritten:
            if isinstance(error, JumioRefused | JumioRateLimited):
                raise  # nothing was started for sure
            raise StartNotRecorded(f"a workflow may have been started: {error}; {unwritten}") from unwritten

    def _recorded(self, identity: Identity) -> Record:
        """The record of the identity."""
        return self._linked(identity.id, read_record(identity.metadata_public, identity.metadata_admin))

    def _linked(self, identity_id: str, record: Record) -> Record:
        """The record with the link to what is open, made anew where it was lost with the public copy."""
        if record.status is Status.PENDING and record.verification_url is None and record.jumio_url is not None:
            record = replace(record, verification_url=self._links.make(identity_id) or record.jumio_url)
        further = record.reverification
        if further is not None and further.verification_url is None and further.jumio_url is not None:
            link = self._links.make(identity_id) or further.jumio_url
            record = replace(record, reverification=replace(further, verification_url=link))
        return record

    def _audit(
        self,
        event: Event,
        identity_id: str,
        record: Record,
        *,
        workflow_execution_id: str | None = None,
        reason: str | None = None,
        error: ServiceError | None = None,
    ) -> None:
        log.event(
            event.value,
            identity_id=identity_id,
            workflow_execution_id=workflow_execution_id or record.workflow_execution_id,
            status=record.status.value,
            seconds_since_start=_seconds_between(record.initiated_at, record.decided_at),
            reason=reason,
            error=error,
        )


def _require_writable(identity: Identity) -> None:
    """Found out before money is spent on a workflow that nobody could be told of."""
    if not is_writable(identity):
        raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")


def _seconds_between(begun: str | None, ended: str | None) -> float | None:
    begun_at, ended_at = from_text(begun), from_text(ended)
    return None if begun_at is None or ended_at is None else (ended_at - begun_at).total_seconds()
