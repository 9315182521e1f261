# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook reverify`: ask people who were verified to do it again."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from webhook import wiring
from webhook.commands.arguments import identity_id_of
from webhook.core.events import Note
from webhook.core.status import Status
from webhook.core.times import from_text
from webhook.errors import ServiceError
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.ports import Clock
from webhook.verification.start import Starter
from webhook.verification.walk import Walk


def run(
    settings: Settings,
    *,
    identity: str | None,
    older_than: timedelta | None,
    reason: str,
    due_in: timedelta | None,
    dry_run: bool,
) -> int:
    """Ask one person, or all who were verified too long ago; 1 when that failed for anybody.

    :raises WrongArgument: the identity id is none.
    """
    identity_id = None if identity is None else identity_id_of(identity, "--identity")
    log.configure(log_format=settings.log.format, level=settings.log.level, each_call=False)
    services = wiring.for_commands(settings)
    walk = services.walk(threading.Event())
    counts = {"asked": 0, "unchanged": 0, "failed": 0}

    def missed() -> None:
        counts["failed"] += 1

    older = _older_than(walk, older_than or timedelta(), services.clock, missed)
    try:
        for each in [identity_id] if identity_id else older:
            log.begin(identity_id=each)
            if dry_run:
                print(each)
            change = (
                "asked" if dry_run else _ask(services.starter, walk, each, reason, due_in, one=identity_id is not None)
            )
            counts[change] += 1
    except ServiceError as error:
        print(f"stopped: {error}", file=sys.stderr)
        missed()
    print(json.dumps(counts), file=sys.stderr if dry_run else sys.stdout)
    return 1 if counts["failed"] else 0


def _older_than(walk: Walk, age: timedelta, clock: Clock, missed: Callable[[], None]) -> Iterator[str]:
    """Everybody whose verification is older and of whom nothing has been asked yet."""
    for identity in walk.everybody(on_missed=missed):
        record = identity.record
        verified_at = from_text(record.assurance.verified_at if record.assurance else record.decided_at)
        if (
            record.status in (Status.APPROVED, Status.REVIEW)
            and record.reverification is None
            and (verified_at is None or clock() - verified_at > age)
        ):
            yield identity.id


def _ask(starter: Starter, walk: Walk, identity_id: str, reason: str, due_in: timedelta | None, *, one: bool) -> str:
    try:
        start = walk.patiently(partial(starter.reverify, identity_id, reason=reason, due_in=due_in))
    except ServiceError as error:  # one that fails is no reason not to ask the others
        log.event(Note.REVERIFY_FAILED, error=error)
        walk.note(failed=True)
        return "failed"
    walk.note(failed=start.error is not None)
    if start.error is not None or start.limited:
        log.event(Note.REVERIFY_FAILED, error=start.error, reason=start.reason)
        return "failed"
    if start.reason is not None and one:
        print(f"nothing was asked: {start.reason}", file=sys.stderr)
    return "asked" if start.changed else "unchanged"
