# SPDX-License-Identifier: Apache-2.0
"""The sweep that heals what was lost: settles what is open, starts what is due, ends what must not live.

It looks at every identity of Kratos page by page, in constant memory, and only at Kratos' word; any number may run.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from webhook.coordination.pace import Pace
from webhook.core.events import Note
from webhook.core.record import Record
from webhook.core.settle import Result, was_forgotten
from webhook.core.start import is_start_due
from webhook.core.status import STARTABLE, OnRejected, Status
from webhook.errors import ServiceError, VendorRateLimited
from webhook.runtime import log
from webhook.settings import VerificationSettings
from webhook.verification.ports import Clock, Identities, Identity
from webhook.verification.settle import Settler
from webhook.verification.start import Start, Starter
from webhook.verification.walk import Walk


class Change(StrEnum):
    """What was done for one identity, as counted in the report."""

    STARTED = "started"
    SETTLED = "settled"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass
class Report:
    """What a sweep did; `settled` counts every record that was brought up to date."""

    scanned: int = 0
    started: int = 0
    settled: int = 0
    unchanged: int = 0
    failed: int = 0

    def count(self, change: Change) -> None:
        """Count one identity."""
        self.scanned += 1
        setattr(self, change, getattr(self, change) + 1)

    def as_dict(self) -> dict[str, int]:
        """For `--json`."""
        return asdict(self)


class Sweeper:
    """Sweeps, one after the other. `stop` ends a sweep between two identities, and any pause at once."""

    def __init__(
        self,
        settings: VerificationSettings,
        *,
        identities: Identities,
        starter: Starter,
        settler: Settler,
        clock: Clock,
        pace: Pace,
        stop: threading.Event,
        progress: Callable[[Report], None] = lambda report: None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._starter = starter
        self._settler = settler
        self._clock = clock
        self._pace = pace
        self._stop = stop
        self._progress = progress
        self._walk = Walk(identities, stop=stop, rng=rng)

    def sweep(self) -> Report:
        """Look at every identity once. What fails is counted and left to the next sweep."""
        report = Report()
        try:
            for identity in self._walk.everybody(on_missed=lambda: report.count(Change.FAILED)):
                report.count(self._heal(identity))
                self._progress(report)
        except ServiceError as error:
            log.begin()
            log.event(Note.SYNC_ABORTED, level=logging.ERROR, error=error)
            report.failed += 1
        log.begin()
        log.event(Note.SYNC_DONE, report=report.as_dict())
        return report

    def sweep_one(self, identity_id: str) -> Report:
        """Look at one identity, and start whatever it lacks: naming it is the order to spend a start on it."""
        report = Report()
        log.begin(identity_id=identity_id)
        report.count(self._guarded(lambda: self._named(identity_id)))
        return report

    def _heal(self, identity: Identity) -> Change:
        record = identity.record
        log.begin(identity_id=identity.id)
        if is_start_due(record, now=self._clock()):
            return self._guarded(lambda: self._start(identity.id))
        if self._is_due(identity, record):
            return self._guarded(lambda: self._look(identity.id))
        if record.assurance is not None and record.assurance.steps is None:
            return self._guarded(lambda: self._complete(identity.id))
        if record.status is Status.REJECTED:
            return self._guarded(lambda: self._end_sessions(identity.id))
        return Change.UNCHANGED

    def _is_due(self, identity: Identity, record: Record) -> bool:
        """Whether the vendor must be read again: it is open, or a copy of the record was overwritten by others."""
        must_be_inactive = record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE
        return (
            record.status is Status.PENDING
            or was_forgotten(record, now=self._clock())
            or record.open_reverification is not None
            or not identity.holds(record)
            or (must_be_inactive and identity.state != "inactive")
        )

    def _named(self, identity_id: str) -> Change:
        outcome = self._settler.look(identity_id)
        if outcome.record.status not in STARTABLE:
            return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED
        return self._change_of(self._starter.start(identity_id))

    def _complete(self, identity_id: str) -> Change:
        outcome = self._settler.complete(identity_id)
        return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED

    def _look(self, identity_id: str) -> Change:
        outcome = self._settler.look(identity_id)
        return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED

    def _start(self, identity_id: str) -> Change:
        self._pace.wait_for_room("start")
        if self._stop.is_set():
            return Change.UNCHANGED
        return self._change_of(self._starter.start(identity_id))

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
