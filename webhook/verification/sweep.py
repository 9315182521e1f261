# SPDX-License-Identifier: Apache-2.0
"""The sweep that heals what was lost: settles what is open, starts what is due, ends what must not live.

It looks at every identity of Kratos page by page, in constant memory, and only at Kratos' word; any number may run.
"""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TypeVar

from webhook.coordination.pace import Pace
from webhook.core.record import Record
from webhook.core.settle import Result, was_forgotten
from webhook.core.start import CLAIM_FOR
from webhook.core.status import STARTABLE, OnRejected, Status
from webhook.errors import (
    AnswerTooLarge,
    JumioRateLimited,
    JumioUnavailable,
    KratosUnavailable,
    ServiceError,
    StartNotRecorded,
)
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.documents import Identity, next_page_token
from webhook.ory.kratos.metadata import copies_agree, read_record
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.settle import Verifications
from webhook.verification.start import Claim, Start

T = TypeVar("T")

# Longer than any other sweep's claim can be on its way: between its GET and its PATCH of the same identity.
CLAIM_SETTLES_SECONDS = 1.0
TRIES = 4
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# When so many identities in a row failed, a peer is down: do not wait for it at each of the others.
HOPELESS_AFTER = 3


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

    def recount(self, change: Change) -> None:
        """Count one that was counted as unchanged as something else."""
        self.unchanged -= 1
        self.scanned -= 1
        self.count(change)

    def as_dict(self) -> dict[str, int]:
        """For `--json`."""
        return asdict(self)


class Sweeper:
    """Sweeps, one after the other. `stop` ends a sweep between two identities, and any pause at once."""

    def __init__(
        self,
        settings: Settings,
        *,
        kratos: KratosClient,
        verifications: Verifications,
        pace: Pace,
        stop: threading.Event,
        progress: Callable[[Report], None] = lambda report: None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._kratos = kratos
        self._verifications = verifications
        self._pace = pace
        self._stop = stop
        self._progress = progress
        self._random = rng or random.Random()  # noqa: S311  # jitter, not a secret
        self._name = uuid.uuid4().hex
        self._failed_in_a_row = 0
        self._claimed_by_others: list[str] = []

    def sweep(self) -> Report:
        """Look at every identity once. What fails is counted and left to the next sweep."""
        report = Report()
        try:
            for identity in self._identities(report):
                report.count(self._heal(identity))
                self._progress(report)
            self._wait_for_others(report)
        except ServiceError as error:
            log.begin()
            log.event("sync.aborted", level=logging.ERROR, error=error)
            report.failed += 1
        log.begin()
        log.event("sync.done", report=report.as_dict())
        return report

    def sweep_one(self, identity_id: str) -> Report:
        """Look at one identity, and start whatever it lacks: naming it is the order to spend a start on it."""
        report = Report()
        log.begin(identity_id=identity_id)
        report.count(self._guarded(lambda: self._named(identity_id)))
        return report

    def _identities(self, report: Report) -> Iterator[Identity]:
        """Every identity, each page in an order of its own, so that parallel sweeps rarely meet."""
        token: str | None = None
        while True:
            log.begin()
            try:
                page, token = self._retried(partial(self._kratos.page, token), tries=TRIES)
            except AnswerTooLarge as error:  # one identity is too large to be read; the others must not suffer for it
                log.event("sync.failed", level=logging.WARNING, error=error)
                report.count(Change.FAILED)
                page, token = [], next_page_token(error.link)
            self._random.shuffle(page)
            for identity in page:
                if self._stop.is_set():
                    return
                yield identity
            if token is None:
                return

    def _wait_for_others(self, report: Report) -> None:
        """See to whoever another sweep was about to start, until it has, or its claim ends because it was killed."""
        gives_up_at = time.monotonic() + CLAIM_FOR.total_seconds() + CLAIM_SETTLES_SECONDS
        while self._claimed_by_others and time.monotonic() < gives_up_at:
            if self._stop.wait(CLAIM_SETTLES_SECONDS):
                return
            waiting, self._claimed_by_others = self._claimed_by_others, []
            for identity_id in waiting:
                log.begin(identity_id=identity_id)
                change = self._guarded(partial(self._start, identity_id))
                if change is not Change.UNCHANGED:
                    report.recount(change)

    def _heal(self, identity: Identity) -> Change:
        record = read_record(identity.metadata_public, identity.metadata_admin)
        log.begin(identity_id=identity.id)
        if record.status is Status.UNSTARTED:
            return self._guarded(lambda: self._start(identity.id))
        if self._is_due(identity, record):
            return self._guarded(lambda: self._look(identity.id))
        if record.status is Status.REJECTED:
            return self._guarded(lambda: self._end_sessions(identity.id))
        return Change.UNCHANGED

    def _is_due(self, identity: Identity, record: Record) -> bool:
        """Whether Jumio must be read again: it is open, or a copy of the record was overwritten by somebody else."""
        must_be_inactive = record.status is Status.REJECTED and self._settings.on_rejected is OnRejected.DEACTIVATE
        return (
            record.status is Status.PENDING
            or was_forgotten(record, now=datetime.now(UTC))
            or (record.reverification is not None and record.reverification.workflow_execution_id is not None)
            or not copies_agree(record, identity.metadata_public, identity.metadata_admin)
            or (must_be_inactive and identity.state != "inactive")
        )

    def _named(self, identity_id: str) -> Change:
        outcome = self._verifications.look(identity_id)
        if outcome.record.status not in STARTABLE:
            return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED
        start = self._verifications.start(identity_id)
        return self._change_of(start)

    def _change_of(self, start: Start) -> Change:
        if isinstance(start.error, JumioRateLimited):
            raise start.error  # nothing was started, so that trying again is safe
        if start.error is not None:  # whatever else it was, something may have been started: not again in this sweep
            log.event("sync.failed", level=logging.WARNING, error=start.error)
            return Change.FAILED
        return Change.STARTED if start.record.status is Status.PENDING else Change.UNCHANGED

    def _look(self, identity_id: str) -> Change:
        outcome = self._verifications.look(identity_id)
        return Change.SETTLED if outcome.result is Result.APPLIED else Change.UNCHANGED

    def _start(self, identity_id: str) -> Change:
        self._pace.wait_for_room("start")  # before the claim, which does not last for ever
        if self._stop.is_set():
            return Change.UNCHANGED
        claim = self._verifications.claim(identity_id, by=self._name)
        if claim is Claim.ANOTHERS:
            self._claimed_by_others.append(identity_id)
        if claim is not Claim.MADE:
            return Change.UNCHANGED
        time.sleep(CLAIM_SETTLES_SECONDS)  # not to be cut short: a claim that is left behind holds the others up
        start = self._verifications.start(identity_id, claimed_by=self._name)
        return self._change_of(start)

    def _end_sessions(self, identity_id: str) -> Change:
        ended = self._verifications.end_sessions_of_rejected(identity_id)
        return Change.SETTLED if ended else Change.UNCHANGED

    def _guarded(self, work: Callable[[], Change]) -> Change:
        """One failing identity never stops the sweep."""
        try:
            change = self._retried(work)
        except ServiceError as error:
            log.event("sync.failed", level=logging.WARNING, error=error)
            change = Change.FAILED
        except Exception as error:  # a defect of ours must not keep the others from being healed
            log.event("sync.crashed", level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
            change = Change.FAILED
        self._failed_in_a_row = self._failed_in_a_row + 1 if change is Change.FAILED else 0
        return change

    def _retried(self, work: Callable[[], T], *, tries: int | None = None) -> T:
        """Do it, and again after a growing pause while a peer cannot serve it.

        A workflow that was started but could not be recorded is never started again here: see `StartNotRecorded`.
        """
        if tries is None:
            tries = TRIES if self._failed_in_a_row < HOPELESS_AFTER else 1
        attempt = 1
        while True:
            try:
                return work()
            except StartNotRecorded:
                raise
            except (JumioUnavailable, KratosUnavailable) as error:
                if attempt >= tries or self._stop.wait(self._pause_after(error, attempt)):
                    raise
                attempt += 1

    def _pause_after(self, error: ServiceError, attempt: int) -> float:
        pause = FIRST_PAUSE_SECONDS * float(2 ** (attempt - 1)) * self._random.uniform(0.5, 1.5)
        asked = (error.retry_after or 0.0) if isinstance(error, KratosUnavailable) else 0.0
        return min(max(pause, asked), LONGEST_PAUSE_SECONDS)
