# SPDX-License-Identifier: Apache-2.0
"""What a sign-in costs beside people who wait for a slow peer, and when these are answered."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import flood, peers, people
from benchmarks.peers import Behaviour, PeersProcess
from benchmarks.people import identity_id
from benchmarks.probe import Probed, probing
from benchmarks.processes import pss_megabytes
from benchmarks.servers import Server, environment

IDLE_SECONDS = 4
WARM_UP = 200
ARRIVE_WITHIN = 1.0
FIRST_PERSON = 1_000_000  # beyond those of the comparison

CASES: dict[str, dict[str, Sequence[Behaviour]]] = {
    "Jumio takes 5 s": {"jumio": ["late 5"]},
    "Jumio never answers": {"jumio": ["never"]},
    "Kratos takes 2.5 s": {"kratos": ["late 2.5"]},
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Sign-ins and `/health/alive` beside `others`; these were answered after so many seconds, as `told`."""

    beside: str
    validate: Probed
    alive: Probed
    others: Sequence[float]
    told: str
    megabytes: float


def measure(server: Server, others: PeersProcess, *, registrations: int) -> list[Row]:
    """The row of an idle service, then one for each case."""
    others.behave()
    flood.run(_registrations(server, WARM_UP, FIRST_PERSON))
    with probing(server.port, seconds=IDLE_SECONDS) as probed:
        pass
    rows = [
        Row(beside="nothing", validate=probed.validate, alive=probed.alive, others=[], told="",
            megabytes=pss_megabytes(server.pid))
    ]  # fmt: skip
    for number, (name, behaviours) in enumerate(CASES.items(), start=1):
        others.behave(**behaviours)
        with probing(server.port) as probed:
            answers = flood.run(_registrations(server, registrations, FIRST_PERSON + number * 10_000))
        others.behave()
        rows.append(
            Row(
                beside=name,
                validate=probed.validate,
                alive=probed.alive,
                others=[answer.seconds for answer in answers],
                told=", ".join(f"{count} {what}" for what, count in Counter(map(_what, answers)).most_common()),
                megabytes=pss_megabytes(server.pid),
            )
        )
        print(f"beside: {name}", file=sys.stderr)
    return rows


def report(rows: Sequence[Row]) -> None:
    registrations = len(rows[-1].others)
    idle = rows[0].validate
    name = f"a sign-in beside {registrations} registrations"
    print(f"\n{'ratios to a sign-in beside nothing':<42}{'p50':>8}{'p99':>8}")
    for row in rows[1:]:
        p50, p99 = (row.validate.percentile(percent) / idle.percentile(percent) for percent in (50, 99))
        print(f"{row.beside:<42}{p50:>8.1f}{p99:>8.1f}")
    print(f"\n{name:<42}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'alive max':>12}{'others within s':>17}{'PSS MB':>8}")
    for row in rows:
        p50, p99, most = (row.validate.percentile(percent) * 1000 for percent in (50, 99, 100))
        alive, within = row.alive.percentile(100) * 1000, max(row.others, default=0)
        print(f"{row.beside:<42}{p50:>8.1f}{p99:>8.1f}{most:>8.0f}{alive:>12.0f}{within:>17.1f}{row.megabytes:>8.1f}")
    print()
    for row in rows[1:]:
        print(f"{row.beside}: the registrations were answered {row.told}")
    for row in rows:
        if set(row.validate.codes) | set(row.alive.codes) != {"200"}:
            print(f"beside {row.beside} sign-ins were answered {row.validate.codes}, alive {row.alive.codes}")


def beside(arguments: argparse.Namespace) -> None:
    """This table alone."""
    with peers.running() as others:
        server = Server("the service", environment(others.url))
        try:
            server.start()
            report(measure(server, others, registrations=arguments.registrations))
        finally:
            server.stop()
    print(f"\n{os.cpu_count()} cores shared with the load and the peers; Python {sys.version.split()[0]}")


def _registrations(server: Server, count: int, first: int) -> flood.Job:
    crowd = [("initiate", people.initiate(identity_id(first + number))) for number in range(count)]
    return flood.Job(port=server.port, requests=crowd, arrive_within=ARRIVE_WITHIN)


def _what(answer: flood.Answered) -> str:
    if answer.code == 200:
        return answer.told("status") or "200"
    return str(answer.code or answer.body)
