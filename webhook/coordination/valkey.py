# SPDX-License-Identifier: Apache-2.0
"""What the processes of one tenant agree on through a Valkey or Redis; each alone in its own memory when it is away.

docs/decisions/0008 says what is kept there and why losing it is no harm.
"""

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from webhook.coordination import scripts
from webhook.coordination.breaker import Breaker
from webhook.coordination.client import Client, Failed
from webhook.coordination.local import Local
from webhook.coordination.port import CLAIM_SECONDS, LOOK_EVERY_SECONDS, PAID_FOR_SECONDS, WINDOW_SLACK, Limits
from webhook.core.events import Note
from webhook.core.ids import usable_identity_id
from webhook.errors import Busy
from webhook.limits import COORDINATION_SECONDS, STARTING_SECONDS, VALKEY_ANSWER_BYTES
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_of_its_own

T = TypeVar("T")

# Of every key. Nothing else in the server is touched.
PREFIX = "jumio-webhook:"
OPEN = f"{PREFIX}open"
# Identities in one answer, so that it stays far below what is read of one; and the longest document that is kept.
TAKEN_AT_MOST = 1000
LONGEST_DOCUMENT = VALKEY_ANSWER_BYTES // 2
# A Valkey that is away is told of so often.
SAY_EVERY_SECONDS = 60.0


class _Away(Exception):
    """Valkey gave no answer; what is to be logged and counted was."""


class Shared:
    """See `webhook.coordination.port.Coordination`. One per process; safe to share between requests."""

    def __init__(
        self, client: Client, local: Local, limits: Limits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`local` decides where Valkey cannot; it has the same `limits`."""
        self._client = client
        self._local = local
        self._limits = limits
        self._clock = clock
        self._breaker = Breaker(clock=clock)
        self._quiet_until = clock()
        # The servers to which entries of the index went since it was last marked complete; "" is none.
        self._indexed_by: set[str] = set()

    def hold(self, identity_id: str) -> AbstractContextManager[None]:
        return self._local.hold(identity_id)

    @contextlib.contextmanager
    def starting(self, identity_id: str) -> Iterator[None]:
        with self._local.starting(identity_id):
            key, token = f"{PREFIX}starting:{identity_id}", secrets.token_hex(16)
            try:
                taken = self._once(key, STARTING_SECONDS, token)
            except _Away:
                taken = True
            if not taken:
                raise Busy("another process is starting a workflow for this identity")
            try:
                yield
            finally:
                self._tell(_integer, "EVAL", scripts.RELEASE, 1, key, token)

    def paid(self, identity_id: str) -> str | None:
        try:
            document = self._ask(_text_or_none, "GET", _paid_key(identity_id))
        except _Away:
            return self._local.paid(identity_id)
        if document is None:  # nobody told it, or it has lost that
            return self._local.paid(identity_id)
        if not document:  # it was forgotten, perhaps by another process
            self._local.forget_paid(identity_id)
        return document or None

    def remember_paid(self, identity_id: str, document: str) -> None:
        self._local.remember_paid(identity_id, document)
        if len(document.encode()) <= LONGEST_DOCUMENT:
            self._tell(_was_set, "SET", _paid_key(identity_id), document, "PX", _ms(PAID_FOR_SECONDS))

    def forget_paid(self, identity_id: str) -> None:
        self._local.forget_paid(identity_id)
        # Not deleted: another process may remember it too, and must learn that it is over.
        self._tell(_was_set, "SET", _paid_key(identity_id), "", "PX", _ms(PAID_FOR_SECONDS))

    def claim_document(self, document: str, identity_id: str) -> str | None:
        key = f"{PREFIX}document:{document}"
        try:
            return self._ask(_identity_or_none, "EVAL", scripts.CLAIM, 1, key, identity_id, _ms(CLAIM_SECONDS))
        except _Away:
            return None

    def may_look(self, identity_id: str) -> bool:
        if not self._local.may_look(identity_id):
            return False
        try:
            return self._once(f"{PREFIX}looked:{identity_id}", LOOK_EVERY_SECONDS, "")
        except _Away:
            return True

    def _once(self, key: str, seconds: float, token: str) -> bool:
        return self._ask(_integer, "EVAL", scripts.ONCE, 1, key, _ms(seconds), token) == 1

    def count(self, operation: str) -> None:
        self._local.count(operation)
        with contextlib.suppress(_Away):
            self._room(operation, allowed=0, take=True)

    def room(self, operation: str, *, leaving: int, take: bool = True) -> float:
        # What this process did alone counts too: the server may have been restarted since.
        if (wait := self._local.room(operation, leaving=leaving, take=False)) > 0:
            return wait
        try:
            wait = self._room(operation, allowed=self._limits[operation][0] - leaving, take=take)
        except _Away:
            return self._local.room(operation, leaving=leaving, take=take)
        if take and not wait:
            self._local.count(operation)
        return wait

    def _room(self, operation: str, *, allowed: int, take: bool) -> float:
        calls, seconds = self._limits[operation]
        key, window = f"{PREFIX}calls:{operation}", _ms(seconds * WINDOW_SLACK)
        name = secrets.token_hex(8)
        return self._ask(_integer, "EVAL", scripts.ROOM, 1, key, window, calls, allowed, int(take), name) / 1000

    def schedule(self, identity_id: str, due: float) -> None:
        server = self._tell(_text, "EVAL", scripts.SCHEDULE, 1, OPEN, due, identity_id)
        self._indexed_by.add(server or "")

    def unschedule(self, identity_id: str) -> None:
        self._tell(_integer, "ZREM", OPEN, identity_id)

    def take_due(self, at_most: int, *, lease: float) -> list[str] | None:
        try:
            return self._ask(_texts_or_none, "EVAL", scripts.TAKE, 1, OPEN, min(at_most, TAKEN_AT_MOST), lease)
        except _Away:
            return None

    def next_due(self) -> float | None:
        try:
            return self._ask(_score_or_none, "ZRANGEBYSCORE", OPEN, 0, "+inf", "WITHSCORES", "LIMIT", 0, 1)
        except _Away:
            return None

    def mark_complete(self, seconds: float) -> None:
        indexed_by, self._indexed_by = self._indexed_by, set()
        if "" not in indexed_by and len(indexed_by) <= 1:
            self._tell(_integer, "EVAL", scripts.COMPLETE, 1, OPEN, seconds, *(indexed_by or {""}))

    def _tell(self, convert: Callable[[Any], T], *command: str | float) -> T | None:
        """Tell what happened, whatever time is left, since nobody does later. None: it was not heard."""
        with time_of_its_own(COORDINATION_SECONDS), contextlib.suppress(_Away):
            return self._ask(convert, *command)
        return None

    def _ask(self, convert: Callable[[Any], T], *command: str | float) -> T:
        """The answer.

        :raises _Away: there is none, or no time for one.
        """
        if not self._breaker.lets_through():
            raise _Away
        try:
            answer = self._client.call(convert, *command)
        except DeadlineExceeded:  # the caller's time is over, which says nothing about the server
            raise _Away from None
        except Failed as failed:
            if not failed.answered:
                self._breaker.failed()
            self._say(command[0], failed)
            raise _Away from None
        self._breaker.worked()
        return answer

    def _say(self, command: object, failed: Failed) -> None:
        """Every failure is counted, and one in a minute is a line in the log."""
        now = self._clock()
        level = logging.DEBUG if now < self._quiet_until else logging.WARNING
        if level == logging.WARNING:
            self._quiet_until = now + SAY_EVERY_SECONDS
        log.event(Note.COORDINATION_FAILED, level=level, operation=command, error=str(failed))


def _paid_key(identity_id: str) -> str:
    return f"{PREFIX}paid:{identity_id}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


# What an answer must be. A server that answers something else is none of ours: ValueError.


def _was_set(answer: Any) -> bool:
    if answer != b"OK":
        raise ValueError
    return True


def _integer(answer: Any) -> int:
    if not isinstance(answer, int):
        raise ValueError
    return answer


def _text(answer: Any) -> str:
    if not isinstance(answer, bytes):
        raise ValueError
    return answer.decode()


def _text_or_none(answer: Any) -> str | None:
    return None if answer is None else _text(answer)


def _identity_or_none(answer: Any) -> str | None:
    if answer is None:
        return None
    identity_id = usable_identity_id(_text(answer))
    if identity_id is None:
        raise ValueError
    return identity_id


def _texts_or_none(answer: Any) -> list[str] | None:
    return None if answer is None else [_text(each) for each in answer]


def _score_or_none(answer: Any) -> float | None:
    """Of the one member that was asked for, where there is one."""
    return float(_text(answer[1])) if answer else None
