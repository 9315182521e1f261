# SPDX-License-Identifier: Apache-2.0
"""Through everybody in Kratos, page by page, in constant memory: past whatever cannot be read, patient with a peer."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from webhook.core.events import Note
from webhook.errors import AnswerTooLarge, KratosUnavailable, PeerError, StartNotRecorded, VendorUnavailable
from webhook.runtime import log
from webhook.verification.ports import Identities, Identity

T = TypeVar("T")

TRIES = 4
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# When so many identities in a row failed, a peer is down: do not wait for it at each of the others.
HOPELESS_AFTER = 3


class Walk:
    """One walk after the other. `stop` ends it between two identities, and any pause at once."""

    def __init__(self, identities: Identities, *, stop: threading.Event, rng: random.Random | None = None) -> None:
        self._identities = identities
        self._stop = stop
        self._random = rng or random.Random()  # noqa: S311  # jitter, not a secret
        self._failed_in_a_row = 0

    def everybody(self, *, on_missed: Callable[[], None]) -> Iterator[Identity]:
        """Every identity, each page in an order of its own, so that parallel walks rarely meet.

        `on_missed` is told of each that is too large to be read.

        :raises KratosError: a page cannot be read for all patience.
        """
        token: str | None = None
        page: Sequence[Identity]
        while True:
            log.begin()
            try:
                page, token = self.patiently(partial(self._identities.page, token), tries=TRIES)
            except AnswerTooLarge as error:  # a single identity; the others must not suffer for it
                log.event(Note.SYNC_FAILED, error=error)
                on_missed()
                page, token = [], error.next_page
            for identity in self._random.sample(page, len(page)):
                if self._stop.is_set():
                    return
                yield identity
            if token is None:
                return

    def patiently(self, work: Callable[[], T], *, tries: int | None = None) -> T:
        """Do it, and again after a growing pause while a peer cannot serve it.

        A workflow that was started but could not be recorded is never started again here: see `StartNotRecorded`.

        :raises ServiceError: whatever the last try raised.
        """
        if tries is None:
            tries = TRIES if self._failed_in_a_row < HOPELESS_AFTER else 1
        attempt = 1
        while True:
            try:
                return work()
            except StartNotRecorded:
                raise
            except (VendorUnavailable, KratosUnavailable) as error:
                if attempt >= tries or self._stop.wait(self._pause_after(error, attempt)):
                    raise
                attempt += 1

    def note(self, *, failed: bool) -> None:
        """Tell how it went with one identity."""
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0

    def _pause_after(self, error: PeerError, attempt: int) -> float:
        pause = FIRST_PAUSE_SECONDS * float(2 ** (attempt - 1)) * self._random.uniform(0.5, 1.5)
        return min(max(pause, error.retry_after or 0.0), LONGEST_PAUSE_SECONDS)
