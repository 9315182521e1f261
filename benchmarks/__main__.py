# SPDX-License-Identifier: Apache-2.0
"""The comparison: all servers up at once, measured in turns, in one run; the median of the rounds is told."""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks import load
from benchmarks.peers import identity_id
from benchmarks.processes import cpu_seconds, pss_megabytes
from sandbox.server import free_port
from sandbox.service import ServiceProcess
from webhook.core.signing import capability_token

SECRET = "benchmark-secret"
HEADERS = {"Authorization": f"Bearer {SECRET}", "Ory-Webhook-Trigger-ID": "1f6d26ba-7d8d-4d5a-8f9c-3b6a1f7d2c11"}
WARM_UP = 400
START_SECONDS = 30

SERVERS = ("bare WSGI", "plain Flask", "the service")
LOADS = ("bare WSGI", "plain Flask", "validate", "initiate", "callback")


@dataclass
class Measured:
    """One figure for each round."""

    per_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # milliseconds for each request

    def medians(self) -> tuple[float, float, float, float]:
        return (
            statistics.median(self.per_second),
            statistics.median(self.p50) * 1000,
            statistics.median(self.p99) * 1000,
            statistics.median(self.cpu),
        )


class Server:
    """One of the servers as a child process."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name, self.port = name, free_port()
        kind = {"bare WSGI": ["benchmarks.baseline", "bare"], "plain Flask": ["benchmarks.baseline", "flask"]}
        self._arguments = kind.get(name, ["webhook", "serve"])
        self._service = ServiceProcess(environment, port=self.port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until the first answered validate."""
        begun = time.perf_counter()
        with self._service.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._arguments], env=self._service.child_environment(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise SystemExit(f"{self.name} did not start:\n{self._service.log()}")
            time.sleep(0.002)
        return time.perf_counter() - begun

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10):
                pass
            return self.load([_validate()], count=1).statuses == {"200": 1}
        except OSError:
            return False

    def load(self, requests: Sequence[tuple[str, str]], *, count: int, connections: int = 1) -> load.Outcome:
        job = load.Job(port=self.port, connections=connections, count=count, headers=HEADERS, requests=requests)
        return load.perform(job) if count == 1 else load.run(job)


def _validate() -> tuple[str, str]:
    stamp = "2026-01-01T00:00:00Z"
    jumio = {
        "status": "approved",
        "verdict": "PASSED",
        "account_id": identity_id(1),
        "workflow_execution_id": identity_id(2),
        "verification_url": None,
        "initiated_at": stamp,
        "decided_at": stamp,
    }
    identity = {"id": identity_id(3), "metadata_public": {"jumio": jumio}}
    return "/jumio/validate", json.dumps({"identity": identity, "flow": {"id": identity_id(4), "type": "browser"}})


def _initiate(number: int) -> tuple[str, str]:
    body = {"identity": {"id": identity_id(number)}, "flow": {"id": identity_id(4), "type": "browser"}}
    return "/jumio/initiate", json.dumps(body)


def _callback(number: int) -> tuple[str, str]:
    identity = identity_id(number)
    token = capability_token(identity, secret=SECRET.encode())
    body = {
        "callbackSentAt": "2026-01-01T00:00:00.000Z",
        "workflowExecution": {"id": f"w{identity}", "status": "PROCESSED", "definitionKey": "10011"},
        "account": {"id": identity},
    }
    return f"/jumio/callback/{identity}/{token}", json.dumps(body)


@contextlib.contextmanager
def _peers(*, listed: int = 0) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.peers", str(listed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _environment(peers: str) -> dict[str, str]:
    return {
        "ORY_WEBHOOK_SECRET": SECRET,
        "KRATOS_ADMIN_URL": peers,
        "JUMIO_AUTH_URL": f"{peers}/oauth2/token",
        "JUMIO_API_BASE_URL": f"{peers}/api/v1",
        "JUMIO_CLIENT_ID": "benchmark",
        "JUMIO_CLIENT_SECRET": "benchmark",
        "JUMIO_CALLBACK_SECRET": SECRET,
        "PUBLIC_URL": "http://127.0.0.1",
        "PYTHONPATH": str(Path.cwd()),
    }


def _measure(server: Server, into: Measured, requests: Sequence[tuple[str, str]], count: int, connections: int) -> None:
    before = cpu_seconds(server.pid)
    outcome = server.load(requests, count=count, connections=connections)
    spent = cpu_seconds(server.pid) - before
    if outcome.statuses != {"200": count}:
        raise SystemExit(f"{server.name} answered {outcome.statuses} to {count} requests such as {requests[0]}")
    into.per_second.append(outcome.per_second)
    into.p50.append(outcome.percentile(50))
    into.p99.append(outcome.percentile(99))
    into.cpu.append(spent / count * 1000)


def compare(arguments: argparse.Namespace) -> None:
    measured = {name: Measured() for name in LOADS}
    starts: dict[str, list[float]] = {name: [] for name in SERVERS}
    with _peers() as peers, contextlib.ExitStack() as stack:
        servers = {name: Server(name, _environment(peers)) for name in SERVERS}
        for server in servers.values():
            stack.callback(server.stop)
        for number in range(arguments.rounds):
            for name, server in servers.items():
                server.stop()
                starts[name].append(server.start())
            print(f"start {number + 1} of {arguments.rounds}", file=sys.stderr)
        for server in servers.values():
            server.load([_validate()], count=WARM_UP, connections=arguments.connections)
        for number in range(arguments.rounds):
            people = range(number * arguments.flows, (number + 1) * arguments.flows)
            turns = [
                ("bare WSGI", "bare WSGI", [_validate()], arguments.requests),
                ("plain Flask", "plain Flask", [_validate()], arguments.requests),
                ("validate", "the service", [_validate()], arguments.requests),
            ]
            turns = turns[number % 3 :] + turns[: number % 3]  # nobody is always first
            # Every person is started once and then settled once.
            turns += [
                ("initiate", "the service", [_initiate(person) for person in people], arguments.flows),
                ("callback", "the service", [_callback(person) for person in people], arguments.flows),
            ]
            for name, server_name, requests, count in turns:
                _measure(servers[server_name], measured[name], requests, count, arguments.connections)
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
        memory = {name: pss_megabytes(server.pid) for name, server in servers.items()}
    _report(arguments, measured, {name: statistics.median(times) for name, times in starts.items()}, memory)


def _report(
    arguments: argparse.Namespace, measured: dict[str, Measured], starts: dict[str, float], memory: dict[str, float]
) -> None:
    figures = {name: found.medians() for name, found in measured.items()}
    print(f"\n{'ratios':<12}{'to':<14}{'requests/s':>12}{'p50':>8}{'p99':>8}{'CPU/request':>14}")
    for name in LOADS[2:]:
        for other in LOADS[1::-1]:
            ratios = [a / b for a, b in zip(figures[name], figures[other], strict=True)]
            print(f"{name:<12}{other:<14}{ratios[0]:>12.2f}{ratios[1]:>8.2f}{ratios[2]:>8.2f}{ratios[3]:>14.2f}")
    print(f"\n{'medians':<26}{'requests/s':>12}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms/request':>16}")
    for name, (per_second, p50, p99, cpu) in figures.items():
        print(f"{name:<26}{per_second:>12.0f}{p50:>8.2f}{p99:>8.2f}{cpu:>16.3f}")
    print(f"\n{'':<26}{'first answer s':>16}{'PSS MB after work':>20}")
    for name in SERVERS:
        print(f"{name:<26}{starts[name]:>16.2f}{memory[name]:>20.1f}")
    print(
        f"\n{arguments.rounds} rounds of {arguments.requests} requests ({arguments.flows} of initiate and callback) on"
        f" {arguments.connections} keep-alive connections; {os.cpu_count()} cores shared with the load generator and"
        f" the peers; Python {sys.version.split()[0]}; memory is of all processes of a server."
    )


def sweep(arguments: argparse.Namespace) -> None:
    """`sync` of a tenth and of all identities: memory must not grow with their number."""
    print(f"{'identities':>12}{'seconds':>10}{'a second':>12}{'only paging':>14}{'peak RSS MB':>14}")
    for listed in (arguments.identities // 10, arguments.identities):
        with _peers(listed=listed) as peers:
            paging = _page_through(peers)
            begun = time.perf_counter()
            environment = ServiceProcess(_environment(peers) | {"LOG_LEVEL": "warning"}).child_environment()
            with subprocess.Popen(
                [sys.executable, "-m", "webhook", "sync", "--json"], env=environment, stdout=subprocess.PIPE
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


def _page_through(peers: str) -> float:
    """Seconds for all pages, with nothing done to them but to parse them."""
    begun = time.perf_counter()
    following: str | None = f"{peers}/admin/identities?page_size=500"
    with requests.Session() as session:
        session.trust_env = False
        while following:
            answer = session.get(following, timeout=30)
            answer.json()
            following = answer.links["next"]["url"] if "next" in answer.links else None
            following = f"{peers}{following}" if following else None
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", nargs="?", choices=["requests", "sync"], default="requests")
    parser.add_argument("--identities", type=int, default=100_000, help="for sync")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="a round, of each cheap kind")
    parser.add_argument("--flows", type=int, default=600, help="initiates, and callbacks, a round")
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    (sweep if arguments.what == "sync" else compare)(arguments)


if __name__ == "__main__":
    main()
