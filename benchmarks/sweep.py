# SPDX-License-Identifier: Apache-2.0
"""`sync` of a tenth and of all identities: memory must not grow with their number."""

import argparse
import json
import os
import subprocess
import sys
import time

import requests

from benchmarks import peers
from benchmarks.servers import environment
from sandbox.service import ServiceProcess


def sweep(arguments: argparse.Namespace) -> None:
    """`sync` of a tenth and of all identities: memory must not grow with their number."""
    print(f"{'identities':>12}{'seconds':>10}{'a second':>12}{'only paging':>14}{'peak RSS MB':>14}")
    for listed in (arguments.identities // 10, arguments.identities):
        with peers.running(listed=listed) as others:
            paging = _page_through(others.url)
            begun = time.perf_counter()
            settings = ServiceProcess(environment(others.url) | {"LOG_LEVEL": "warning"}).child_environment()
            with subprocess.Popen(
                [sys.executable, "-m", "webhook", "sync", "--json"], env=settings, stdout=subprocess.PIPE
            ) as process:
                assert process.stdout is not None
                told = json.loads(process.stdout.read())
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - begun
        if process.returncode or told["scanned"] != listed or told["failed"]:
            raise SystemExit(f"sync ended with {process.returncode} and {told}")
        peak = usage.ru_maxrss * 1.024 / 1000
        print(f"{listed:>12}{took:>10.1f}{listed / took:>12.0f}{listed / paging:>14.0f}{peak:>14.1f}")
    print(
        "\nEvery identity is approved, so that only paging is measured; `only paging` reads the same pages and no more."
    )


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
