# SPDX-License-Identifier: Apache-2.0
"""Starting workflows: the first one, a further one, and the care that none is paid for twice or lost."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from webhook.core.events import Event, Note
from webhook.core.ids import usable_vendor_id
from webhook.core.policy import Policy, is_met_by_renewal
from webhook.core.record import NOTICE_PERSON, Record
from webhook.core.start import (
    NAME_CHANGE,
    STEP_UP,
    Started,
    asked,
    asked_again,
    counted,
    not_started,
    not_started_further,
    reverifying,
    started,
    starts_in_last_day,
)
from webhook.core.status import STARTABLE, Status
from webhook.core.times import from_text, to_text
from webhook.errors import (
    Busy,
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
from webhook.limits import KRATOS_SECONDS, STARTING_SECONDS
from webhook.runtime import log
from webhook.runtime.deadline import has_time_for, remaining, time_limit
from webhook.settings import VerificationSettings
from webhook.verification.audit import audit
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Coordination, Identities, Identity, Vendor
from webhook.verification.recorder import Recorder

# Pauses between the tries to note a workflow that was just started.
NOTE_WAITS = (0.1, 0.4)
# Persons of whom it is remembered that they have a record, the oldest of whom is dropped.
KNOWN_AT_MOST = 10_000
# Pauses before looking what another process, which was there first, has made of it.
OTHERS_WAITS = (0.3, 0.7, 1.0)
_BAD_REQUEST = 400
# Nothing is started so shortly before another process may take the place of whoever starts.
_LOCK_MARGIN_SECONDS = 2.0
_REJECTED = "rejected by Jumio's verdict, which stands; sync --identity ID --forget begins anew"
# After these nothing was started for sure.
_NOTHING_WAS_STARTED = (NotStarted, VendorRefused, VendorRateLimited, WorkflowUnknown)


@dataclass(frozen=True, kw_only=True)
class Start:
    """The record after a start was asked for; `error` says why the vendor made none, `reason` why none was made.

    `changed` where something new was started or asked for, `limited` where the person has been started too often.
    """

    record: Record
    changed: bool = False
    limited: bool = False
    error: VendorError | None = None
    reason: str | None = None


class Starter:
    """Starts workflows. One per process; safe to share between requests.

    In this order: that a start is asked for is noted on the identity, the workflow is paid for, it is remembered where
    all processes can find it, it is noted on the identity. Whoever is killed in between leaves somebody whom the next
    sweep starts, or whose workflow the next attempt adopts.
    """

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        vendor: Vendor,
        recorder: Recorder,
        links: Links,
        coordination: Coordination,
        clock: Clock,
        vendor_seconds: float,
    ) -> None:
        self._settings = settings
        self._identities = identities
        self._vendor = vendor
        self._recorder = recorder
        self._links = links
        self._coordination = coordination
        self._clock = clock
        self._vendor_seconds = vendor_seconds
        # Whoever has a record most likely needs no start: read before anything is noted.
        self._known: dict[str, None] = {}

    def start(self, identity_id: str, *, is_repeated: bool = False) -> Start:
        """Start a workflow for an identity that has none which is open or concluded.

        A start that the vendor does not make is recorded, for `sync` to make it later. `is_repeated`: one was asked for
        before, whose end nobody has told; it counts for the limit, since it may have been paid for.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: another request of this process is at work on it.
        """

        def work() -> Start:
            if is_repeated or identity_id in self._known:
                return self._first(self._identities.get(identity_id))
            identity = self._asked(identity_id)
            self._remember_known(identity_id)  # a note that stays there is counted the next time
            return self._first(identity, is_noted=True)

        return self._alone(identity_id, work)

    def reverify(self, identity_id: str, *, reason: str, due_in: timedelta | None) -> Start:
        """Ask somebody who was verified to do it again; what is known of them stands until that ends.

        Whoever was never verified gets an ordinary start. That it is due is noted even when none can be started now.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: another request of this process is at work on it.
        """
        due_at = None if due_in is None else self._clock() + due_in

        def work() -> Start:
            identity = self._identities.get(identity_id)
            return self._further(identity, reason, due_at, self._by_face(identity.record, reason))

        return self._alone(identity_id, work)

    def step_up(self, identity_id: str, *, policy: Policy) -> Start:
        """Offer somebody who does not meet a policy the workflow that would make them meet it.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: another request of this process is at work on it.
        """

        def work() -> Start:
            identity = self._identities.get(identity_id)
            record, table = identity.record, self._settings.assurance_table
            renewable = is_met_by_renewal(policy, record.assurance, table=table, now=self._clock())
            return self._further(identity, STEP_UP, None, renewable and self._by_face(record, STEP_UP))

        return self._alone(identity_id, work)

    def resume(self, identity_id: str) -> Start:
        """Start whatever the person may go through now: for our own link.

        :raises KratosError: the identity cannot be read or written.
        :raises Busy: another request of this process is at work on it.
        """

        def work() -> Start:
            identity = self._identities.get(identity_id)
            further = identity.record.reverification
            if further is None or identity.record.open_reverification is not None:
                return self._first(identity)
            return self._further(identity, further.reason, None, self._by_face(identity.record, further.reason))

        return self._alone(identity_id, work)

    def _alone(self, identity_id: str, work: Callable[[], Start]) -> Start:
        """Be the only one of all processes that starts something for the person.

        Whoever is not answers with what the other makes, waiting for that for a while.
        """
        with self._coordination.hold(identity_id):
            try:
                with self._coordination.starting(identity_id), time_limit(STARTING_SECONDS - _LOCK_MARGIN_SECONDS):
                    return work()
            except Busy as error:  # another process is
                reason = str(error)
            return self._made_elsewhere(identity_id, reason)

    def _remember_known(self, identity_id: str) -> None:
        if len(self._known) >= KNOWN_AT_MOST:
            del self._known[next(iter(self._known))]
        self._known[identity_id] = None

    def _made_elsewhere(self, identity_id: str, reason: str) -> Start:
        for wait in OTHERS_WAITS:
            if not has_time_for(wait + KRATOS_SECONDS):
                break
            time.sleep(wait)
            identity = self._identities.get(identity_id)
            if identity.record.asked_at is None and identity.record.status not in STARTABLE:
                return Start(record=self._restored(identity))
        record = self._restored(self._identities.get(identity_id))
        if record.status in STARTABLE:
            record = replace(record, status=Status.UNSTARTED)
        return Start(record=record, reason=reason)

    def _restored(self, identity: Identity) -> Record:
        return self._links.restored(identity.id, identity.record)

    def _asked(self, identity_id: str) -> Identity:
        """Note that a start is asked for; the reply is the identity as it stands, so that it need not be read."""
        try:
            return self._identities.note_asked(identity_id, to_text(self._clock()))
        except KratosRefused as error:
            identity = self._identities.get(identity_id)
            _require_writable(identity)
            if error.status != _BAD_REQUEST:
                raise
            return identity  # what stands in our place is no object: `_noted` replaces it

    def _noted(self, identity: Identity, record: Record) -> tuple[Identity, Record]:
        """The identity and its record once it bears the note that a start is asked for."""
        written = self._recorder.write(identity, asked(record, now=self._clock()))
        return written, self._restored(written)

    def _by_face(self, record: Record, reason: str) -> bool:
        """Whether a look at the face is enough: it reads no name."""
        is_about_name = reason == NAME_CHANGE or record.notice == NOTICE_PERSON
        return not is_about_name and self._vendor.can_compare_face(record.checks)

    def _first(self, identity: Identity, *, is_noted: bool = False) -> Start:
        """`is_noted`: the identity bears the note of this very start."""
        record = self._restored(identity)
        if record.status in STARTABLE:
            return self._start(identity, record, is_noted=is_noted)
        return self._nothing_to_start(identity, record)

    def _further(self, identity: Identity, reason: str, due_at: datetime | None, by_face: bool) -> Start:
        """One more workflow beside a verdict; `by_face` where a look at the face is enough."""
        record = self._restored(identity)
        if record.status is Status.REJECTED:
            return self._nothing_to_start(identity, record, reason=_REJECTED)
        if record.status not in (Status.APPROVED, Status.REVIEW):
            return self._first(identity)
        _require_writable(identity)
        if record.open_reverification is not None:
            noted = self._note_asked_again(identity, record, reason, due_at)
            changed = noted.history != record.history
            return Start(record=noted, changed=changed, reason=None if changed else "one is open already")
        paid = self._paid(identity.id, record)
        if paid is not None:
            return self._adopted_further(identity, record, paid, reason, due_at)
        key = self._settings.reauth_workflow_key if by_face else self._settings.workflow_key
        record = counted(record, now=self._clock())
        limited = self._limit_reached(record)
        error: VendorError | None = None
        if limited is None:
            identity, record = self._noted(identity, record)
            if record.status not in (Status.APPROVED, Status.REVIEW):  # another process has written meanwhile
                return self._nothing_to_start(identity, record, reason=f"{record.status} meanwhile")
            try:
                paid = self._start_at_vendor(identity.id, record.account_id, key)
            except VendorError as raised:
                error = raised.with_traceback(None)
                record = not_started_further(record, is_certain=_is_certain(error), now=self._clock())
            else:
                self._coordination.remember_paid(identity.id, _told(*paid))
                return self._adopted_further(identity, record, paid, reason, due_at)
        record = self._note_asked_again(identity, record, reason, due_at)
        return Start(record=record, error=error, reason=limited or str(error), limited=limited is not None)

    def _adopted_further(
        self, identity: Identity, record: Record, paid: tuple[Started, int | str], reason: str, due_at: datetime | None
    ) -> Start:
        """The same of a further workflow."""
        workflow, key = paid
        begun = reverifying(
            record,
            workflow,
            reason=reason,
            due_at=due_at,
            workflow_key=key,
            link=self._links.make(identity.id),
            now=self._clock(),
        )
        start = self._begun(identity, begun, Event.REVERIFICATION_STARTED)
        self._coordination.forget_paid(identity.id)
        return start

    def _start(self, identity: Identity, record: Record, *, is_noted: bool) -> Start:
        _require_writable(identity)
        if (paid := self._paid(identity.id, record)) is not None:
            return self._adopted(identity, record, paid)
        is_noted = is_noted and identity.record.asked_at is not None
        record = record if is_noted else counted(record, now=self._clock())
        if (limited := self._limit_reached(record)) is not None:
            return replace(self._nothing_to_start(identity, record, reason=limited), limited=True)
        if not is_noted:
            identity, record = self._noted(identity, record)
        if record.status not in STARTABLE:  # somebody else was faster
            return self._nothing_to_start(identity, record)
        key = self._settings.workflow_key
        try:
            workflow, key = self._start_at_vendor(identity.id, record.account_id, key)
        except VendorError as error:
            unstarted = not_started(record, is_certain=_is_certain(error), now=self._clock())
            unstarted = self._links.restored(identity.id, unstarted)
            self._note_unstarted(identity, unstarted, error)
            audit(Event.UNSTARTED, identity.id, unstarted, error=error)
            return Start(record=unstarted, error=error.with_traceback(None), reason=str(error))
        self._coordination.remember_paid(identity.id, _told(workflow, key))
        return self._adopted(identity, record, (workflow, key))

    def _adopted(self, identity: Identity, record: Record, paid: tuple[Started, int | str]) -> Start:
        """Note a workflow that was paid for, by us or by somebody who could not note it."""
        workflow, key = paid
        link = self._links.make(identity.id)
        begun = started(record, workflow, workflow_key=key, link=link, now=self._clock())
        start = self._begun(identity, begun, Event.STARTED)
        self._coordination.forget_paid(identity.id)
        return start

    def _paid(self, identity_id: str, record: Record) -> tuple[Started, int | str] | None:
        """What was paid for and is not noted on the identity."""
        document = self._coordination.paid(identity_id)
        told = None if document is None else _read_told(document)
        if told is None or any(each.id == told[0].workflow_execution_id for each in record.known):
            return None
        until, created_at = from_text(record.forgotten_until), told[0].created_at
        return None if until is not None and (created_at is None or created_at <= until) else told

    def _begun(self, identity: Identity, begun: Record, event: Event) -> Start:
        self._note_started(identity, begun)
        audit(event, identity.id, begun, workflow_execution_id=begun.open_workflow_id)
        return Start(record=begun, changed=True)

    def _nothing_to_start(self, identity: Identity, record: Record, *, reason: str | None = None) -> Start:
        """The record with links that work, and without a note that a start is asked for."""
        settled = self._links.freshened(identity.id, replace(record, asked_at=None))
        if not identity.holds(settled):
            self._recorder.write(identity, settled)
        return Start(record=settled, reason=reason)

    def _limit_reached(self, record: Record) -> str | None:
        limit = self._settings.max_starts_per_day
        if starts_in_last_day(record, now=self._clock()) < limit:
            return None
        return f"the limit of {limit} starts a day is reached"

    def _note_asked_again(self, identity: Identity, record: Record, reason: str, due_at: datetime | None) -> Record:
        """The record when nothing new is started; a date is noted, and that nothing is under way any more."""
        fresh = replace(self._links.freshened(identity.id, record), asked_at=None)
        has_date = due_at is not None or record.reverification is not None
        again = asked_again(fresh, reason=reason, due_at=due_at, now=self._clock()) if has_date else fresh
        if again != identity.record:
            self._recorder.write(identity, again)
        if again.history != fresh.history:
            audit(Event.REVERIFICATION_ASKED, identity.id, again)
        return again

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
        """Write what was just paid for, with more patience than elsewhere."""
        waits = iter(NOTE_WAITS)
        while True:
            try:
                self._recorder.write(identity, begun)
                return
            except KratosError as error:
                wait = next(waits, None)
                if wait is None or not isinstance(error, KratosUnavailable) or not has_time_for(wait):
                    log.event(Note.UNRECORDED, level=logging.ERROR, error=error)
                    raise StartNotRecorded(f"a workflow was started but could not be noted: {error}") from error
                time.sleep(wait)

    def _note_unstarted(self, identity: Identity, unstarted: Record, error: VendorError) -> None:
        try:
            self._recorder.write(identity, unstarted)
        except KratosError as unwritten:
            if _is_certain(error):
                raise
            raise StartNotRecorded(f"a workflow may have been started: {error}; {unwritten}") from unwritten


def _is_certain(error: VendorError) -> bool:
    """Whether nothing was started for sure."""
    return isinstance(error, _NOTHING_WAS_STARTED)


def _told(started: Started, key: int | str) -> str:
    created_at = None if started.created_at is None else to_text(started.created_at)
    return json.dumps([started.account_id, started.workflow_execution_id, started.verification_url, created_at, key])


def _read_told(document: str) -> tuple[Started, int | str] | None:
    try:
        told = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, list) or len(told) != 5:
        return None
    account_id, workflow_execution_id, verification_url, created_at, key = told
    has_ids = usable_vendor_id(account_id) and usable_vendor_id(workflow_execution_id)
    if not has_ids or not isinstance(verification_url, str | None) or not isinstance(key, int | str):
        return None
    started = Started(
        account_id=account_id,
        workflow_execution_id=workflow_execution_id,
        verification_url=verification_url,
        created_at=from_text(created_at),
    )
    return started, key


def _require_writable(identity: Identity) -> None:
    """Found out before money is spent on a workflow that nobody could be told of."""
    if not identity.is_writable:
        raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")
