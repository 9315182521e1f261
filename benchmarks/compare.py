# SPDX-License-Identifier: Apache-2.0
"""The comparison: all servers up at once, measured in turns, in one run; the median of the rounds is told."""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import beside, peers, people
from benchmarks.people import identity_id
from benchmarks.processes import cpu_seconds, pss_megabytes
from benchmarks.servers import SERVERS, Server, environment

WARM_UP = 400
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


def compare(arguments: argparse.Namespace) -> None:
    measured = {name: Measured() for name in LOADS}
    starts: dict[str, list[float]] = {name: [] for name in SERVERS}
    with peers.running() as others, contextlib.ExitStack() as stack:
        servers = {name: Server(name, environment(others.url)) for name in SERVERS}
        for server in servers.values():
            stack.callback(server.stop)
        for number in range(arguments.rounds):
            for name, server in servers.items():
                server.stop()
                starts[name].append(server.start())
            print(f"start {number + 1} of {arguments.rounds}", file=sys.stderr)
        for server in servers.values():
            server.load([people.validate()], count=WARM_UP, connections=arguments.connections)
        for number in range(arguments.rounds):
            crowd = [identity_id(person) for person in range(number * arguments.flows, (number + 1) * arguments.flows)]
            turns = [
                ("bare WSGI", "bare WSGI", [people.validate()], arguments.requests),
                ("plain Flask", "plain Flask", [people.validate()], arguments.requests),
                ("validate", "the service", [people.validate()], arguments.requests),
            ]
            turns = turns[number % 3 :] + turns[: number % 3]  # nobody is always first
            # Every person is started once and then settled once.
            turns += [
                ("initiate", "the service", [people.initiate(person) for person in crowd], arguments.flows),
                ("callback", "the service", [people.callback(person) for person in crowd], arguments.flows),
            ]
            for name, server_name, requests, count in turns:
                _measure(servers[server_name], measured[name], requests, count, arguments.connections)
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
        memory = {name: pss_megabytes(server.pid) for name, server in servers.items()}
        rows = beside.measure(servers["the service"], others, registrations=arguments.registrations)
    beside.report(rows)
    _report(arguments, measured, {name: statistics.median(times) for name, times in starts.items()}, memory)


def _measure(server: Server, into: Measured, requests: Sequence[str], count: int, connections: int) -> None:
    before = cpu_seconds(server.pid)
    outcome = server.load(requests, count=count, connections=connections)
    spent = cpu_seconds(server.pid) - before
    if outcome.statuses != {"200": count}:
        raise SystemExit(f"{server.name} answered {outcome.statuses} to {count} requests such as {requests[0]}")
    into.per_second.append(outcome.per_second)
    into.p50.append(outcome.percentile(50))
    into.p99.append(outcome.percentile(99))
    into.cpu.append(spent / count * 1000)


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
