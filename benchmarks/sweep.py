# SPDX-License-Identifier: Apache-2.0
"""What `sync` costs, and how soon it heals: speed, memory, calls of Kratos and Jumio, with and without Valkey."""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks import peers, people
from benchmarks.answers import Story
from benchmarks.servers import environment
from sandbox.service import ServiceProcess
from webhook.core.schedule import POINTS, THEN_EVERY

# Jumio's allowance, of which `sync` leaves half to requests.
READINGS, WINDOW_SECONDS = 75, 5.0
ABANDONED, STARTS_AN_HOUR = 1000, 500
EVERY, FULL_EVERY = 60.0, 3600.0
# Without Valkey every turn reads everybody, so that not the whole hour is waited for.
HOUR, FIVE_MINUTES = 3600.0, 300.0


def sweep(arguments: argparse.Namespace) -> None:
    """Everybody settled, to see that memory does not grow; then an hour of a companion."""
    _settled(arguments.identities)
    _companions(arguments.identities)


def _settled(identities: int) -> None:
    print(f"{'identities':>12}{'seconds':>10}{'a second':>12}{'only paging':>14}{'peak RSS MB':>14}")
    for listed in (identities // 10, identities):
        with peers.running(listed=listed) as others:
            paging = _page_through(others.url)
            begun = time.perf_counter()
            told, peak = _child(["webhook", "sync", "--json"], environment(others.url) | {"LOG_LEVEL": "warning"})
            took = time.perf_counter() - begun
        if told["scanned"] != listed or told["failed"]:
            raise SystemExit(f"sync ended with {told}")
        print(f"{listed:>12}{took:>10.1f}{listed / took:>12.0f}{listed / paging:>14.0f}{peak:>14.1f}")
    print(
        "\nEveryone is approved: only paging is measured. `only paging` reads the same pages and does nothing else.\n"
    )


@dataclass(frozen=True, kw_only=True)
class Companion:
    """What was counted of one, in `seconds` of its clock."""

    seconds: float
    told: dict[str, Any]
    seen: dict[str, Any]
    peak: float
    took: float

    def an_hour(self, count: float) -> str:
        return f"{count * HOUR / self.seconds:.0f}"

    def healed(self, share: float) -> str:
        delays = sorted(self.seen["healed"])
        return f"{delays[min(len(delays) - 1, int(share * len(delays)))]:.1f}"

    @property
    def most_readings(self) -> int:
        """In any window of Jumio's."""
        at: Sequence[float] = self.seen["readings"]
        most = first = 0
        for last, moment in enumerate(at):
            while at[first] <= moment - WINDOW_SECONDS:
                first += 1
            most = max(most, last - first + 1)
        return most


def _companions(identities: int) -> None:
    without = _companion(identities, FIVE_MINUTES, {})
    runs = [without]
    with contextlib.ExitStack() as stack:
        if (url := stack.enter_context(_valkey())) is None:
            print("Neither valkey-server nor redis-server is on the PATH: nothing is measured with Valkey.\n")
        else:
            runs.append(_companion(identities, HOUR, {"REDIS_URL": url}))
    rows = {
        "counted for, minutes": [f"{run.seconds / 60:.0f}" for run in runs],
        "turns that read everybody, an hour": [run.an_hour(run.told["full"]) for run in runs],
        "pages of identities, an hour": [run.an_hour(run.seen["calls"].get("lists", 0)) for run in runs],
        "lists of those due, an hour": [run.an_hour(run.seen["calls"].get("lists by id", 0)) for run in runs],
        "single identities read, an hour": [run.an_hour(run.seen["calls"].get("one identity", 0)) for run in runs],
        "single identities written, an hour": [run.an_hour(run.seen["calls"].get("writings", 0)) for run in runs],
        "readings of Jumio, an hour": [run.an_hour(len(run.seen["readings"])) for run in runs],
        f"most readings in {WINDOW_SECONDS:.0f} s (of {READINGS})": [str(run.most_readings) for run in runs],
        "lost callbacks healed": [str(len(run.seen["healed"])) for run in runs],
        "after the schedule's point, p50 s": [run.healed(0.5) for run in runs],
        "after the schedule's point, p95 s": [run.healed(0.95) for run in runs],
        "after the schedule's point, at most s": [run.healed(1.0) for run in runs],
        "longest turn, s": [f"{run.told['longest']:.1f}" for run in runs],
        "CPU seconds, an hour": [run.an_hour(run.told["cpu"]) for run in runs],
        "peak RSS MB": [f"{run.peak:.1f}" for run in runs],
        "failed": [str(run.told["failed"]) for run in runs],
        "seconds that this took": [f"{run.took:.0f}" for run in runs],
    }
    print(f"{'sync --every 60 --full-every 3600':<42}{'without Valkey':>16}{'with Valkey':>14}")
    for name, values in rows.items():
        print(f"{name:<42}{values[0]:>16}" + "".join(f"{value:>14}" for value in values[1:]))
    print(
        f"\n{identities} identities, {ABANDONED} of whom have an open workflow that nobody finishes, and"
        f" {STARTS_AN_HOUR} more start in an hour, are\ndone within ten minutes, and lose their callback. No time is"
        " waited for: pauses between turns and for room below\nJumio's limits are skipped on all clocks, and the work"
        " between them is done and timed. `an hour`, without Valkey, is\ntwelve times what was counted in five minutes."
    )


def _companion(identities: int, seconds: float, more: dict[str, str]) -> Companion:
    begun = time.perf_counter()
    with peers.running(listed=identities) as others:
        stories = _stories(time.time(), seconds)
        others.tell(stories)
        options = {
            "every": EVERY,
            "full_every": FULL_EVERY,
            "seconds": seconds,
            "open": [(people.identity_id(each, "by the story"), began) for each, (began, _) in enumerate(stories)],
        }
        told, peak = _child(
            ["benchmarks.hour"], environment(others.url) | {"PUBLIC_URL": ""} | more, json.dumps(options)
        )
        seen = others.seen()
    return Companion(seconds=seconds, told=told, seen=seen, peak=peak, took=time.perf_counter() - begun)


def _stories(now: float, seconds: float) -> list[Story]:
    seeded = random.Random(1)  # the same people in every run
    hour = THEN_EVERY.total_seconds()
    stories: list[Story] = [(now - seeded.uniform(hour, 48 * hour), None) for _ in range(ABANDONED)]
    began = now - POINTS[-1]
    while began < now + seconds:
        stories.append((began, began + seeded.uniform(30, 600)))
        began += hour / STARTS_AN_HOUR
    return stories


def _child(module: list[str], settings: dict[str, str], options: str = "") -> tuple[dict[str, Any], float]:
    """What it printed, and its peak memory in MB."""
    with subprocess.Popen(
        [sys.executable, "-m", *module],
        env=ServiceProcess(settings).child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(options.encode())
        process.stdin.close()
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(module)} ended with {process.returncode}")
    return json.loads(printed), usage.ru_maxrss * 1.024 / 1000


@contextlib.contextmanager
def _valkey() -> Iterator[str | None]:
    """The URL of one that keeps nothing; None where none is installed."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s")
        arguments = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
        with subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL) as process:
            try:
                while not path.exists():
                    time.sleep(0.01)
                yield f"unix://{path}"
            finally:
                process.kill()


def _page_through(peers_url: str) -> float:
    """Seconds for all pages, with nothing done to them but to parse them."""
    begun = time.perf_counter()
    following: str | None = f"{peers_url}/admin/identities?page_size=500"
    with requests.Session() as session:
        session.trust_env = False
        while following:
            answer = session.get(following, timeout=30)
            answer.json()
            following = answer.links["next"]["url"] if "next" in answer.links else None
            following = f"{peers_url}{following}" if following else None
    return time.perf_counter() - begun
