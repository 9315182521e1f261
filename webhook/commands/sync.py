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
from webhook.commands.arguments import WrongArgument, identity_id_of
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.sweep import Report

PROGRESS_EVERY_SECONDS = 0.2


def run(
    settings: Settings,
    *,
    identity: str | None = None,
    forget: str | None = None,
    every: float | None = None,
    full_every: float = 3600.0,
    metrics_port: int | None = None,
    as_json: bool = False,
) -> int:
    """Sweep once, or every so many seconds until SIGTERM; 1 when anything failed.

    `forget` is why what was concluded of the named identity shall be forgotten. Where there is an index of what is
    open, only the first sweep and one in `full_every` seconds page through everybody. Metrics are answered at
    `metrics_port`, where there is one.

    :raises WrongArgument: the identity id is none, there is none to forget, or it would be forgotten again and again.
    """
    identity_id = _identity_id_of(identity, forget=forget, every=every)
    log.configure(log_format=settings.log.format, level=settings.log.level, each_call=False)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    progress = _progress_line() if sys.stderr.isatty() else lambda report: None
    services = wiring.for_commands(settings, stop=stop)
    sweeper = services.sweeper(stop, progress)
    if metrics_port is not None:
        _listen(services, metrics_port)
    while True:
        begun = time.monotonic()
        if identity_id is not None:
            report = sweeper.sweep_one(identity_id, forget=forget)
        else:
            report = sweeper.turn(full_every=full_every)
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


def _identity_id_of(identity: str | None, *, forget: str | None, every: float | None) -> str | None:
    if forget is not None and identity is None:
        raise WrongArgument("--forget needs --identity: it is meant for one person at a time")
    if forget is not None and every is not None:
        raise WrongArgument("--forget is done once: with --every the next rejection would be forgotten as well")
    return None if identity is None else identity_id_of(identity, "--identity")


def _listen(services: wiring.Services, port: int) -> None:
    from webhook.web import companion  # Flask, for those who want metrics

    try:
        companion.listen(services, port)
    except OSError as error:
        raise WrongArgument(f"--metrics-port {port} cannot be listened at: {error.strerror}") from None


def _print(report: Report, *, as_json: bool) -> None:
    counts = report.as_dict()
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    text = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "reason")
    if report.reason is not None:
        text += f": {report.reason}"
    print(json.dumps(counts) if as_json else text, flush=True)


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
