# SPDX-License-Identifier: Apache-2.0
"""The sweep that heals what was lost: settles what is open, starts what is due, ends what must not live.

It looks at every identity of Kratos page by page, in constant memory, and only at Kratos' word; any number may run.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from webhook.core.events import Note
from webhook.core.record import Record
from webhook.core.schedule import THEN_EVERY, due_ones, next_look_at, was_just_rejected
from webhook.core.settle import Result
from webhook.core.start import LEFT_ALONE_FOR, is_start_due, last_asked_at
from webhook.core.status import STARTABLE, OnRejected, Status
from webhook.errors import ServiceError, VendorRateLimited
from webhook.limits import STARTING_SECONDS
from webhook.runtime import log
from webhook.settings import VerificationSettings
from webhook.verification.ports import Clock, Coordination, Identities, Identity
from webhook.verification.settle import Settler, disputed, whole
from webhook.verification.start import Start, Starter
from webhook.verification.walk import Walk

# No start takes longer, from the note that it is asked for to its last word.
UNDER_WAY_FOR = timedelta(seconds=STARTING_SECONDS)
# By the index so many are read at once; whoever takes them has so long before another takes them as well.
DUE_AT_ONCE = 100
LEASE_SECONDS = 120.0
# In a long full sweep, whoever is due by the index is looked at so often.
MEANWHILE_EVERY_SECONDS = 30.0
# A full sweep that could not be ended is made again after so long.
FULL_AGAIN_SECONDS = 300.0
# After a full sweep the index is taken for complete for so long, or for two intervals of full sweeps if that is more.
INDEX_HOLDS_SECONDS = 2 * 3600.0


class Change(StrEnum):
    """What was done for one identity, as counted in the report."""

    STARTED = "started"
    SETTLED = "settled"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass
class Report:
    """What a sweep did; `settled` counts every record that was brought up to date.

    `full`: it was to page through everybody; `whole`: it did; `due`: so many were to be looked at, started or healed.
    `reason`: why nothing was done for one that was named.
    """

    scanned: int = 0
    started: int = 0
    settled: int = 0
    unchanged: int = 0
    failed: int = 0
    reason: str | None = None
    full: bool = field(default=False, compare=False)
    whole: bool = field(default=False, compare=False)
    due: int = field(default=0, compare=False)
    begun: float = field(default=0.0, compare=False)

    def count(self, change: Change) -> None:
        """Count one identity."""
        self.scanned += 1
        setattr(self, change, getattr(self, change) + 1)

    def as_dict(self) -> dict[str, int | str]:
        """For `--json`; with the reason why nothing was done, where one identity was named."""
        counts: dict[str, int | str] = {name: getattr(self, name) for name in ("scanned", *Change)}
        return counts if self.reason is None else {**counts, "reason": self.reason}


def _why_nothing(record: Record, reason: str | None) -> str:
    """What an operator who named somebody wants to know when nothing changed."""
    if record.status is Status.PENDING:
        return reason or "the workflow is open: the person has not finished it, or Jumio is still at work on it"
    if record.status is Status.APPROVED:
        return "approved already; reverify asks the person to do it again"
    return f"{record.status} by Jumio's verdict, which stands; --forget begins anew"


class Sweeper:
    """Sweeps, one after the other. `stop` ends a sweep between two identities, and any pause at once.

    It remembers for as long as it lives when it looked at what is open, so that nothing is read at every turn.
    """

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        starter: Starter,
        settler: Settler,
        coordination: Coordination,
        clock: Clock,
        stop: threading.Event,
        wait_for_start: Callable[[], None],
        progress: Callable[[Report], None] = lambda report: None,
        rng: random.Random | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` counts them, from whenever."""
        self._settings = settings
        self._identities = identities
        self._starter = starter
        self._settler = settler
        self._coordination = coordination
        self._clock = clock
        self._wait_for_start = wait_for_start
        self._stop = stop
        self._progress = progress
        self._seconds = seconds
        self._walk = Walk(identities, stop=stop, rng=rng)
        self._looked_at: dict[str, datetime] = {}
        self._full_at = -math.inf

    def turn(self, *, full_every: float) -> Report:
        """Look at who is due by the index of what is open; at everybody where there is none, or so many seconds ago."""
        begun = self._seconds()
        if begun < self._full_at + full_every and (report := self.sweep_due()) is not None:
            return report
        report = self.sweep(index_holds=max(INDEX_HOLDS_SECONDS, 2 * full_every))
        again_after = full_every if report.whole else min(full_every, FULL_AGAIN_SECONDS)
        self._full_at = begun - full_every + again_after
        return report

    def sweep(self, *, index_holds: float = INDEX_HOLDS_SECONDS) -> Report:
        """Look at every identity once. What fails is counted and left to the next sweep.

        By a small bucket of Kratos' this may take an hour: whoever is due by the index is looked at meanwhile.
        """
        report = Report(full=True, begun=self._seconds())
        seen: set[str] = set()
        meanwhile_at = report.begun + MEANWHILE_EVERY_SECONDS
        try:
            for identity in self._walk.everybody(on_missed=lambda: report.count(Change.FAILED)):
                report.count(self._heal(identity, report))
                if identity.id in self._looked_at:
                    seen.add(identity.id)
                self._progress(report)
                if self._seconds() >= meanwhile_at:
                    self.sweep_due()
                    meanwhile_at = self._seconds() + MEANWHILE_EVERY_SECONDS
        except ServiceError as error:
            log.begin()
            log.event(Note.SYNC_ABORTED, level=logging.ERROR, error=error)
            report.failed += 1
        else:
            if not self._stop.is_set():
                report.whole = True
                self._looked_at = {each: at for each, at in self._looked_at.items() if each in seen}
                self._coordination.mark_complete(index_holds)
        return self._done(report)

    def sweep_due(self) -> Report | None:
        """Look at whoever is due by the index of what is open; None where there is no index, or not a complete one."""
        report = Report(begun=self._seconds())
        while not self._stop.is_set():
            due = self._coordination.take_due(DUE_AT_ONCE, lease=LEASE_SECONDS)
            if due is None:
                return None if not report.scanned else self._done(report)
            if not due:
                break
            try:
                found = {each.id: each for each in self._walk.patiently(partial(self._identities.many, due))}
            except ServiceError as error:
                log.event(Note.SYNC_ABORTED, level=logging.ERROR, error=error)
                report.failed += 1
                break
            for identity_id in due:
                if identity_id not in found:  # it was deleted
                    self._coordination.unschedule(identity_id)
                elif not self._stop.is_set():
                    report.count(self._heal(found[identity_id], report, is_indexed=True))
                    self._progress(report)
        return self._done(report)

    def _done(self, report: Report) -> Report:
        log.begin()
        duration_s = round(self._seconds() - report.begun, 3)
        log.event(
            Note.SYNC_DONE,
            full=report.full,
            whole=report.whole,
            due=report.due,
            duration_s=duration_s,
            report=report.as_dict(),
        )
        return report

    def sweep_one(self, identity_id: str, *, forget: str | None = None) -> Report:
        """Look at one identity, and start whatever it lacks: naming it is the order to spend a start on it.

        `forget` is why what was concluded of it shall be forgotten first.
        """
        report = Report()
        log.begin(identity_id=identity_id)
        report.count(self._guarded(lambda: self._named(identity_id, report, forget)))
        return report

    def _heal(self, identity: Identity, report: Report, *, is_indexed: bool = False) -> Change:
        log.begin(identity_id=identity.id)
        try:
            now = self._clock()
            work = self._work(identity, now)
            report.due += work is not None
            change = Change.UNCHANGED if work is None else self._guarded(work)
            if change is Change.UNCHANGED:
                self._watch(identity.id, identity.record, now, is_indexed=is_indexed)
            return change
        except Exception as error:  # what stands there may be odd in ways that nobody foresaw
            log.event(Note.SYNC_CRASHED, level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
            return Change.FAILED

    def _work(self, identity: Identity, now: datetime) -> Callable[[], Change] | None:
        """What is to be done for it now."""
        record = identity.record
        if is_start_due(record):
            return None if self._is_left_alone(identity, now) else lambda: self._start(identity.id)
        if (due := self._due(identity, now)) or self._must_be_written(identity):
            return lambda: self._look(identity, due)
        if was_just_rejected(record, now=now, unchanged_for=identity.unchanged_for):
            return lambda: self._end_sessions(identity.id)
        return None

    def _watch(self, identity_id: str, record: Record, now: datetime, *, is_indexed: bool) -> None:
        """Have it looked at when it is due the next time; whatever writes a record does the same.

        Of the many who are settled only those are unscheduled who may be in the index.
        """
        at = next_look_at(record, looked_at=self._looked_at.get(identity_id), now=now)
        if at is not None:
            self._coordination.schedule(identity_id, at.timestamp())
        elif self._looked_at.pop(identity_id, None) is not None or is_indexed:
            self._coordination.unschedule(identity_id)

    def _due(self, identity: Identity, now: datetime) -> list[str]:
        """The workflows to be read at the vendor: what is open and due, and what is doubtful.

        That is what the copies of the record dispute, and what was compared with another name.
        """
        record, looked_at = identity.record, self._looked_at.get(identity.id)
        due = due_ones(record, looked_at=looked_at, now=now)
        was_settled = looked_at is not None and now - looked_at < THEN_EVERY  # or would have been, if it could be
        doubtful = (
            ()
            if was_settled
            else (
                *disputed(record),
                *self._settler.outdated(identity),
                *self._settler.claimed_by_others(identity),
            )
        )
        return [each.id for each in (*due, *doubtful)]

    def _is_left_alone(self, identity: Identity, now: datetime) -> bool:
        """Whether the start is still left to the hook, which is repeated, and to the person, who presses again.

        One that may be under way is, by the clock of whoever keeps the identity: those of several processes may differ
        by minutes.
        """
        unchanged_for = identity.unchanged_for
        if identity.record.asked_at is not None and unchanged_for is not None and unchanged_for < UNDER_WAY_FOR:
            return True
        asked_at = last_asked_at(identity.record)
        return asked_at is not None and abs(now - asked_at) <= LEFT_ALONE_FOR

    def _must_be_written(self, identity: Identity) -> bool:
        """Whether a copy was overwritten by others, lacks something, or the identity's state is not as it must be."""
        record = identity.record
        is_wanted_inactive = record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE
        lacks_steps = record.assurance is not None and record.assurance.steps is None
        return (
            lacks_steps
            or not identity.holds(record)
            or (is_wanted_inactive and identity.state != "inactive")
            or self._settler.bears_old_key(identity)
        )

    def _named(self, identity_id: str, report: Report, forget: str | None) -> Change:
        if forget is not None:
            self._settler.begin_anew(identity_id, reason=forget)
        outcome = self._settler.look(identity_id, whole)
        record = outcome.record
        if record.status not in STARTABLE:
            if outcome.result is Result.APPLIED:
                return Change.SETTLED
            report.reason = _why_nothing(record, outcome.reason)
            return Change.UNCHANGED
        start = self._starter.start(identity_id)
        report.reason = start.reason
        return self._change_of(start)

    def _look(self, identity: Identity, due: list[str]) -> Change:
        """Read what is due; without any, only what is to be written of the record is, and that onto what stands now."""
        self._looked_at[identity.id] = self._clock()
        outcome = self._settler.look(
            identity.id,
            lambda record: [each for each in record.known if each.id in due],
            listed=identity if due else None,
        )
        return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED

    def _start(self, identity_id: str) -> Change:
        self._wait_for_start()
        if self._stop.is_set():
            return Change.UNCHANGED
        return self._change_of(self._starter.start(identity_id, is_repeated=True))

    def _change_of(self, start: Start) -> Change:
        if isinstance(start.error, VendorRateLimited):
            raise start.error  # nothing was started, so that trying again is safe
        if start.error is not None:  # whatever else it was, something may have been started: not again in this sweep
            log.event(Note.SYNC_FAILED, level=logging.WARNING, error=start.error)
            return Change.FAILED
        return Change.STARTED if start.record.status is Status.PENDING else Change.UNCHANGED

    def _end_sessions(self, identity_id: str) -> Change:
        ended = self._settler.end_sessions_of_rejected(identity_id)
        return Change.SETTLED if ended else Change.UNCHANGED

    def _guarded(self, work: Callable[[], Change]) -> Change:
        """One failing identity never stops the sweep."""
        try:
            change = self._walk.patiently(work)
        except ServiceError as error:
            log.event(Note.SYNC_FAILED, level=logging.WARNING, error=error)
            change = Change.FAILED
        except Exception as error:  # a defect of ours must not keep the others from being healed
            log.event(Note.SYNC_CRASHED, level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
            change = Change.FAILED
        self._walk.note(failed=change is Change.FAILED)
        return change
