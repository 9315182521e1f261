# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook sync`: the sweeper as a process, with signals, a progress line and a report."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from webhook import wiring
from webhook.commands.arguments import identity_id_of
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.sweep import Report

PROGRESS_EVERY_SECONDS = 0.2


def run(settings: Settings, *, identity: str | None, every: float | None, as_json: bool) -> int:
    """Sweep once, or every so many seconds until SIGTERM; 1 when anything failed.

    :raises WrongArgument: the identity id is none.
    """
    identity_id = None if identity is None else identity_id_of(identity, "--identity")
    log.configure(log_format=settings.log.format, level=settings.log.level)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    progress = _progress_line() if sys.stderr.isatty() else lambda report: None
    sweeper = wiring.for_commands(settings, stop=stop).sweeper(stop, progress)
    while True:
        begun = time.monotonic()
        report = sweeper.sweep() if identity_id is None else sweeper.sweep_one(identity_id)
        try:
            _print(report, as_json=as_json)
        except OSError:  # nobody reads it, or the disk is full; a companion goes on all the same
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if every is None:
                return 1
        if every is None:
            return 1 if report.failed or stop.is_set() else 0
        if stop.wait(max(0.0, begun + every - time.monotonic())):
            return 0


def _print(report: Report, *, as_json: bool) -> None:
    counts = report.as_dict()
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(json.dumps(counts) if as_json else ", ".join(f"{name} {count}" for name, count in counts.items()), flush=True)


def _progress_line() -> Callable[[Report], None]:
    """Overwrites one line on the terminal. Kratos does not say how many identities there are, so it counts up."""
    shown_at = 0.0

    def show(report: Report) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at < PROGRESS_EVERY_SECONDS:
            return
        shown_at = time.monotonic()
        text = "  ".join(f"{name} {count}" for name, count in report.as_dict().items())
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return show
