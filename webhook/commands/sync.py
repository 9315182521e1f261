# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook sync`: the sweeper as a process, with signals, a progress line and a report."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from webhook.coordination.pace import JUMIO_LIMITS, Pace
from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.hooks import usable_identity_id
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.settle import Verifications
from webhook.verification.sweep import Report, Sweeper

# A sweep is not a request: a call may wait for its turn in the rate limit.
JUMIO_SECONDS = 15.0
PROGRESS_EVERY_SECONDS = 0.2


def run(settings: Settings, *, identity: str | None, every: float | None, as_json: bool) -> int:
    """Sweep once, or every so many seconds until SIGTERM; 1 when anything failed, 2 for a malformed identity id."""
    identity_id = None if identity is None else usable_identity_id(identity)
    if identity is not None and identity_id is None:
        print(f"--identity must be the id of a Kratos identity, a UUID: {identity!r} is none", file=sys.stderr)
        return 2
    log.configure(log_format=settings.log_format, level=settings.log_level)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    sweeper = _sweeper(settings, stop)
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


def _sweeper(settings: Settings, stop: threading.Event) -> Sweeper:
    pace = Pace(JUMIO_LIMITS)
    kratos = KratosClient(settings)
    jumio = JumioClient(settings, before_call=pace.wait)
    verifications = Verifications(settings, kratos=kratos, jumio=jumio, jumio_seconds=JUMIO_SECONDS)
    progress = _progress_line() if sys.stderr.isatty() else lambda report: None
    return Sweeper(settings, kratos=kratos, verifications=verifications, pace=pace, stop=stop, progress=progress)


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
