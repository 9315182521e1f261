# SPDX-License-Identifier: Apache-2.0
"""The one path a verdict takes: observe (read Kratos and the vendor, decide), apply (write to Kratos, end sessions)."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from webhook.core.events import Event, Note
from webhook.core.evidence import Reading
from webhook.core.ids import usable_identity_id
from webhook.core.person import Comparison, is_not_noted
from webhook.core.record import Record
from webhook.core.repeated import Repeated
from webhook.core.settle import Outcome, Result, settle, settle_unknown, shown, why_not_counting, with_its_steps
from webhook.core.start import begun_anew
from webhook.core.status import OnRejected, Status, Verdict
from webhook.core.workflows import Stage, Workflow
from webhook.errors import IdentityUnknown, KratosError, KratosUnavailable, VendorError, WorkflowUnknown
from webhook.limits import KRATOS_SECONDS
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, has_time_for, time_limit
from webhook.settings import VerificationSettings
from webhook.verification.audit import audit
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Coordination, Identities, Identity, Vendor
from webhook.verification.recorder import Recorder

if TYPE_CHECKING:
    from webhook.verification.documents import Documents
    from webhook.verification.person import Persons


class VerdictNotRecorded(KratosUnavailable):
    """What the vendor says is known, in `record`, and could not be written, or not be acted upon."""

    def __init__(self, message: str, *, record: Record) -> None:
        super().__init__(message)
        self.record = record


# Pauses after which what only a callback tells is looked for: Jumio calls once, and Kratos does not lock, so that the
# write of another process which began before ours may have undone it.
LOOKED_FOR_AFTER = (0.3, 0.7, 1.0)
# A workflow's id, and what the vendor says of it; None where the vendor does not know it.
_Told = tuple[str, Reading | None]
# Which workflows of a record are to be read.
Choice = Callable[[Record], Sequence[Workflow]]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """An identity as it was read, and what was decided about its record. Nothing of it is written yet."""

    identity: Identity
    outcomes: tuple[Outcome, ...]
    record: Record

    @property
    def outcome(self) -> Outcome:
        """What matters most of what was read."""
        order = (Result.APPLIED, Result.UNCHANGED, Result.IGNORED)
        nothing = Outcome(result=Result.UNCHANGED, record=self.record)
        first = min(self.outcomes, key=lambda each: order.index(each.result), default=nothing)
        return replace(first, record=self.record)

    @property
    def is_to_be_written(self) -> bool:
        """Whether the record is not there as it should be."""
        counts = not self.outcomes or any(each.counts for each in self.outcomes)
        return counts and self.record.status is not Status.NONE and not self.identity.holds(self.record)


def current(record: Record) -> list[Workflow]:
    """What is open, first of it what the person was shown last, and what the copies dispute."""
    shown_id = record.open_workflow_id
    is_open = sorted(record.open_workflows, key=lambda each: each.id != shown_id)
    return [*is_open, *(each for each in disputed(record) if each not in is_open)]


def disputed(record: Record) -> list[Workflow]:
    """What the two copies of the record tell differently."""
    return [each for each in record.known if each.is_doubtful]


def whole(record: Record) -> list[Workflow]:
    """What is open, and what the verdict comes from."""
    return [each for each in record.known if each.stage is Stage.OPEN or each.id == record.workflow_execution_id]


class Settler:
    """Settles what was started. One per process; safe to share between requests."""

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        vendor: Vendor,
        recorder: Recorder,
        links: Links,
        coordination: Coordination,
        persons: "Persons | None",
        documents: "Documents | None",
        clock: Clock,
        vendor_seconds: float,
    ) -> None:
        self._persons = persons
        self._documents = documents
        self._settings = settings
        self._recorder = recorder
        self._identities = identities
        self._vendor = vendor
        self._links = links
        self._coordination = coordination
        self._clock = clock
        self._vendor_seconds = vendor_seconds

    def attending(self, identity_id: str) -> AbstractContextManager[None]:
        """Hold the identity's lock: around an `observe` and the `apply` of what it saw.

        :raises Busy: somebody else is at work on it.
        """
        return self._coordination.hold(identity_id)

    def look(self, identity_id: str, choice: Choice = current, *, listed: Identity | None = None) -> Outcome:
        """Observe, and apply what was seen. `listed`: as for `observe`.

        :raises VendorError: the verdict cannot be read now.
        :raises KratosError: the identity cannot be read or written now.
        :raises Busy: somebody else is at work on it.
        """
        with self.attending(identity_id):
            return self.apply(self.observe(identity_id, choice, listed=listed))

    def settle_callback(self, account_id: str, workflow_execution_id: str, *, identity_id: str | None) -> Outcome:
        """Look at the workflow that a callback names. `identity_id` is known from a capability URL.

        :raises VendorError: the verdict cannot be read now, or the vendor does not know the workflow yet.
        :raises KratosError: it cannot be written now.
        :raises Busy: somebody else is at work on the identity.
        """
        reading = self._read(account_id, workflow_execution_id)
        owner = usable_identity_id(identity_id or next(iter(reading.references), ""))
        if owner is None:
            return _ignored("the workflow names no identity")
        outcome, was_noted = self._settle_told(owner, reading)
        for wait in LOOKED_FOR_AFTER:
            # No sync would ever ask for it: nobody has noted it, or the note was undone.
            if was_noted or not outcome.counts or not has_time_for(wait + KRATOS_SECONDS):
                break
            time.sleep(wait)
            _, was_noted = self._settle_told(owner, reading)
        return outcome

    def _settle_told(self, identity_id: str, reading: Reading) -> tuple[Outcome, bool]:
        """What a callback's reading did, and whether the workflow stood in the record before."""
        workflow_id = reading.workflow_execution_id
        with self.attending(identity_id):
            try:
                identity = self._identities.get(identity_id)
            except IdentityUnknown:
                return _ignored("Kratos does not know the identity"), True
            was_noted = any(each.id == workflow_id for each in identity.record.known)
            return self.apply(self._decided(identity, [(workflow_id, reading)], is_fresh=False)), was_noted

    def observe(self, identity_id: str, choice: Choice = current, *, listed: Identity | None = None) -> Observation:
        """See what becomes of an identity: read its record, then at the vendor the chosen workflows of it.

        `listed` is the identity as it was read a while ago, where that is enough to ask the vendor: it is read again
        before anything is written.

        Some of several are enough: what could not be read is read the next time.

        :raises VendorError: nothing can be read now.
        :raises KratosError: the identity cannot be read now.
        """
        identity = listed or self._identities.get(identity_id)
        told = self._told(identity.record, [*choice(identity.record), *self.outdated(identity)])
        seen = self._decided(identity, told, is_fresh=True)
        if (told or listed is not None) and (
            seen.is_to_be_written or self._new_state(seen)
        ):  # the vendor took its time: what is written builds on today
            again = self._identities.get(identity_id)
            seen = self._decided(again, told, is_fresh=again.record == identity.record)
        return seen

    def apply(self, observation: Observation) -> Outcome:
        """Write what was decided where it is not there yet, then act on it.

        :raises VerdictNotRecorded: it could not be done, and is known all the same.
        """
        identity, record, outcome = observation.identity, observation.record, observation.outcome
        try:
            state = self._new_state(observation)
            if observation.is_to_be_written or state is not None:
                record = self._recorder.write(identity, record, state=state).record
                results = {each.result for each in observation.outcomes}
                was_damaged = not identity.holds(identity.record)  # a reading beside it may be noted, and is no news
                if results <= {Result.UNCHANGED} or (Result.APPLIED not in results and was_damaged):
                    outcome = replace(outcome, result=Result.APPLIED, event=Event.HEALED)
                    audit(Event.HEALED, identity.id, record)
            for each in observation.outcomes:
                for found in each.found:
                    audit(
                        found.event,
                        identity.id,
                        each.record,
                        workflow_execution_id=found.workflow_execution_id,
                        other_identity=found.other_identity,
                    )
                if each.event is not None:
                    audit(each.event, identity.id, each.record, reason=each.reason)
            if outcome.counts and record.status is Status.REJECTED:
                self.end_sessions_of_rejected(identity.id)
        except (KratosError, DeadlineExceeded) as error:
            raise VerdictNotRecorded(str(error), record=record) from error
        return replace(outcome, record=record)

    def begin_anew(self, identity_id: str, *, reason: str) -> bool:
        """Forget what was concluded of somebody who is rejected or in review; whether there was such a thing.

        A start is due then, and an account that was locked for the rejection is opened.

        :raises KratosError: the identity cannot be read or written now.
        :raises Busy: somebody else is at work on it.
        """
        with self.attending(identity_id):
            identity = self._identities.get(identity_id)
            stood = identity.record
            if stood.status not in (Status.REJECTED, Status.REVIEW):
                return False
            is_locked = self._must_deactivate(stood) and identity.state == "inactive"
            anew = self._links.restored(identity_id, begun_anew(stood, reason=reason, now=self._clock()))
            self._identities.write(identity, anew, state="active" if is_locked else None)
            self._coordination.forget_paid(identity_id)
            of = stood.workflow_execution_id
            audit(Event.BEGUN_ANEW, identity_id, anew, workflow_execution_id=of, reason=reason)
            return True

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

    def outdated(self, identity: Identity) -> list[Workflow]:
        """What was compared with another name than the account bears now."""
        if self._persons is None or identity.person is None:
            return []
        return self._persons.outdated(identity.record, identity.person)

    def bears_old_key(self, identity: Identity) -> bool:
        """Whether a fingerprint of the name is by another secret than the first."""
        persons, account = self._persons, identity.person
        if persons is None or account is None:
            return False
        return any(persons.renewed(each, account) != each for each in identity.record.known)

    def _told(self, record: Record, chosen: Sequence[Workflow]) -> list[_Told]:
        told: list[_Told] = []
        failed: VendorError | None = None
        for workflow in {each.id: each for each in chosen}.values():
            account_id = workflow.account_id or record.account_id
            if account_id is None or not workflow.id:
                continue
            try:
                told.append((workflow.id, self._read(account_id, workflow.id)))
            except WorkflowUnknown:
                told.append((workflow.id, None))
            except VendorError as error:
                failed = error
        if failed is not None and not told:
            raise failed
        return told

    def _decided(self, identity: Identity, told: Sequence[_Told], *, is_fresh: bool) -> Observation:
        record, outcomes = self._links.restored(identity.id, identity.record), []
        for workflow_id, reading in told:
            person = None if reading is None else self._compared(identity, reading)
            repeated, document = self._seen_before(identity, record, reading, person)
            outcome = (
                settle_unknown(record, workflow_id, now=self._clock())
                if reading is None
                else settle(
                    record,
                    reading,
                    identity_id=identity.id,
                    table=self._settings.assurance_table,
                    verified_address=identity.verified_address,
                    now=self._clock(),
                    is_fresh=is_fresh,
                    person=person,
                    repeated=repeated,
                    document=document,
                )
            )
            record = outcome.record
            outcomes.append(outcome)
        gone = {workflow_id for workflow_id, reading in told if reading is None}
        record = self._with_persons(identity, record, gone)
        record = with_its_steps(self._links.restored(identity.id, record), table=self._settings.assurance_table)
        return Observation(identity=identity, outcomes=tuple(outcomes), record=record)

    def claimed_by_others(self, identity: Identity) -> list[Workflow]:
        """Whose document verified another identity before, by what is known of it today."""
        return [] if self._documents is None else self._documents.claimed_by_others(identity.id, identity.record)

    def _seen_before(
        self, identity: Identity, record: Record, reading: Reading | None, person: Comparison | None
    ) -> tuple[Repeated, str | None]:
        """Whether the document of a pass verified another identity, and the keyed hash of it.

        Somebody else's document, by the name, is not noted as this person's, unless that is ignored.
        """
        repeated = Repeated(counts_as=self._settings.on_repeated)
        if self._documents is None or reading is None or reading.verdict is not Verdict.PASSED:
            return repeated, None
        known = next((each for each in record.known if each.id == reading.workflow_execution_id), None)
        is_matched = person is not None and person.is_matched
        is_held = known is not None and is_not_noted(known.person) and not is_matched
        if is_held or is_not_noted(person) or why_not_counting(record, reading, identity.id) is not None:
            return repeated, None
        hashes = self._documents.hashes_of(reading.document)  # none where the vendor no longer tells
        hashes = hashes or ([known.document] if known is not None and known.document is not None else [])
        other = known and known.repeated and known.repeated.other_identity
        other = other or self._documents.claim(identity.id, hashes)
        return replace(repeated, other_identity=other), next(iter(hashes), None)

    def _compared(self, identity: Identity, reading: Reading) -> Comparison | None:
        if self._persons is None or identity.person is None:
            return None
        return self._persons.compare(identity.person, reading.people)

    def _with_persons(self, identity: Identity, record: Record, gone: Collection[str]) -> Record:
        """The record without what was compared with another name and is `gone` at the vendor, by today's key."""
        persons, account = self._persons, identity.person
        if persons is None or account is None:
            return record
        outdated = {each.id for each in persons.outdated(record, account)} & set(gone)
        known = tuple(
            persons.untold(each, account, table=self._settings.assurance_table)
            if each.id in outdated
            else persons.renewed(each, account)
            for each in record.known
        )
        return record if known == record.known else shown(record, known)

    def _new_state(self, seen: Observation) -> str | None:
        """The state that the identity must be given, where it has another."""
        is_due = seen.outcome.counts and self._must_deactivate(seen.record) and seen.identity.state != "inactive"
        return "inactive" if is_due else None

    def _must_deactivate(self, record: Record) -> bool:
        return record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE


def _ignored(reason: str) -> Outcome:
    return Outcome(result=Result.IGNORED, record=Record(), reason=reason, counts=False)
