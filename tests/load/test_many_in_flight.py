# SPDX-License-Identifier: Apache-2.0
"""Five hundred who wait for a slow peer cost a sign-in nothing, are answered in time, and leave nothing behind."""

import os
import random
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from benchmarks import flood, people
from benchmarks.flood import Answered
from benchmarks.peers import PeersProcess
from benchmarks.people import identity_id
from benchmarks.probe import Probed, probing
from benchmarks.processes import pss_megabytes, runnable_seconds, sockets, threads
from sandbox.service import ServiceProcess

# 500 in all, each about somebody else.
CROWD = {"initiate": 150, "callback": 100, "open": 100, "press": 75, "reverify": 75}
# A burst of registrations, and yet no more than one core can take: what is measured is waiting, not working. A Kratos
# that hashes 200 passwords a second has 20 cores or more.
ARRIVE_WITHIN = 2.5
ANSWERED_WITHIN = 12.0
ALIVE_WITHIN = 1.0
IDLE_SECONDS = 1.5
VALIDATE_P99 = 0.25
TIMES_IDLE = 5
# An idle p99 is three to five milliseconds, and beside the crowd it is 5 to 20 where nobody else has work for the two
# cores; 26 were seen where somebody had. Stalls of the service's own were 60 and more, queues are seconds.
NOISE = 0.04
# The crowd and the peers have two cores with the service, which therefore waits for one up to a fifth of the time.
# Where it waited longer, others overran the machine (at 30 to 50 % p99 was 30 to 65 ms, at 84 % 0.8 s, and 1.0 s when
# idle), so that nothing is known of the service.
OVERRUN = 0.25
# Sockets beside idle connections to peers, and threads: gevent's pool has up to ten.
MORE_SOCKETS, MORE_THREADS = 2, 10
# Beyond the first case. If the thousand requests of the others each left a greenlet behind, it would be 30 and more;
# frames in reference cycles, which only a collection that stops everybody for 100 ms takes away, were 8 for each 500.
MORE_MEGABYTES = 10
QUIET_WITHIN = 5

# Of the calls to the one peer, a third each; a token is fetched by one for all, so that the first behaviour counts.
CASES = [
    ("jumio", "late 5, trickle, never"),
    ("token", "never, trickle, late 5"),
    ("kratos", "late 5, trickle, never"),
]
# LOAD_EACH=1: every behaviour alone, for all 500. Takes a minute longer.
if os.environ.get("LOAD_EACH"):
    CASES += [(peer, behaviour) for peer, behaviours in CASES for behaviour in behaviours.split(", ")]


@dataclass
class Left:
    """What the service held before the first case, and its memory after it."""

    sockets: int
    threads: int
    megabytes: float | None = None


@pytest.fixture(scope="module")
def left(service: ServiceProcess, others: PeersProcess) -> Left:
    """Once everybody was served promptly, so that all that is built on first use is there."""
    assert flood.run(_job(service, crowd(service, others, first=0)))
    pid = service_pid(service)
    return Left(sockets=sockets(pid) - others.seen()["open"], threads=threads(pid))


def service_pid(service: ServiceProcess) -> int:
    assert service.process is not None
    return service.process.pid


def crowd(service: ServiceProcess, others: PeersProcess, *, first: int) -> list[tuple[str, str]]:
    """Their requests, in no order. The peers begin anew, so that nobody who presses the button has a workflow yet."""
    others.behave()
    of = {
        "open": [identity_id(first + number, "open") for number in range(CROWD["open"])],
        "press": [identity_id(first + 1000 + number) for number in range(CROWD["press"])],
    }
    to_open, to_press = (links(service, of[kind]) for kind in ("open", "press"))
    requests = [
        *[people.initiate(identity_id(first + 2000 + number)) for number in range(CROWD["initiate"])],
        *[people.callback(identity_id(first + 3000 + number, "open")) for number in range(CROWD["callback"])],
        *[people.http("GET", link) for link in to_open],
        *[people.http("POST", link) for link in to_press],
        *[people.reverify(identity_id(first + 4000 + number, "approved")) for number in range(CROWD["reverify"])],
    ]
    kinds = Counter(CROWD).elements()
    mixed = list(zip(kinds, requests, strict=True))
    random.Random(7).shuffle(mixed)
    return mixed


def links(service: ServiceProcess, identities: list[str]) -> list[str]:
    """The path of each one's link, as the hook tells it."""
    hooks = [("initiate", people.initiate(identity)) for identity in identities]
    urls = [answer.told("verification_url") for answer in flood.run(_job(service, hooks, within=0.3))]
    assert all(url is not None and url.startswith(f"{people.PUBLIC_URL}/jumio/verify/") for url in urls)
    return [str(url).removeprefix(people.PUBLIC_URL) for url in urls]


def _job(service: ServiceProcess, requests: list[tuple[str, str]], *, within: float = ARRIVE_WITHIN) -> flood.Job:
    return flood.Job(port=service.port, requests=requests, arrive_within=within)


def is_promised(answer: Answered, *, kratos_fails: bool) -> bool:
    """Whether the contract's section 3 has this answer for this route beside this peer."""
    unavailable = answer.code == 503 and '"code":503' in answer.body.replace(" ", "")
    match answer.kind:
        case "initiate":
            started = answer.code == 200 and answer.told("status") in ("pending", "unstarted")
            return started or (unavailable and kratos_fails)
        case "callback":
            told = answer.code == 200 and answer.told("result") in ("applied", "unchanged", "ignored")
            return told or (unavailable and answer.retry_after is not None)
        case "reverify":
            return (answer.code == 200 and answer.told("status") == "approved") or unavailable
        case _:
            return answer.code == 303 or (answer.code in (200, 503) and "<!doctype html>" in answer.body)


@pytest.mark.parametrize(("peer", "behaviours"), CASES)
def test_a_sign_in_costs_the_same_and_all_are_answered(
    service: ServiceProcess, others: PeersProcess, left: Left, peer: str, behaviours: str
) -> None:
    requests = crowd(service, others, first=10_000 * (1 + CASES.index((peer, behaviours))))
    with probing(service.port, seconds=IDLE_SECONDS) as idle:
        pass
    others.behave(**{peer: behaviours.split(", ")})
    pid = service_pid(service)
    begun, waited = time.monotonic(), runnable_seconds(pid)
    with probing(service.port) as beside:
        answers = flood.run(_job(service, requests))
    overrun = (runnable_seconds(pid) - waited) / (time.monotonic() - begun)

    assert len(answers) == sum(CROWD.values()) == 500
    unpromised = [answer for answer in answers if not is_promised(answer, kratos_fails=peer == "kratos")]
    assert unpromised == [], Counter((answer.kind, answer.code, answer.body[:100]) for answer in unpromised)
    assert max(answer.seconds for answer in answers) < ANSWERED_WITHIN
    assert others.seen()["starts"] <= 1, "a POST that starts a workflow was repeated"

    assert only_ok(beside.alive), beside.alive.codes
    assert only_ok(beside.validate), beside.validate.codes
    assert_nothing_is_left(service, others, left)

    if overrun > OVERRUN:
        pytest.skip(f"speed cannot be told: the service waited for a core {overrun:.0%} of the time")
    assert max(beside.alive.seconds) < ALIVE_WITHIN
    p99, idle_p99 = beside.validate.percentile(99), idle.validate.percentile(99)
    assert p99 < min(VALIDATE_P99, max(TIMES_IDLE * idle_p99, NOISE)), f"p99 {p99:.4f} s, {idle_p99:.4f} s when idle"


def only_ok(probed: Probed) -> bool:
    return probed.codes.keys() == {"200"}


def assert_nothing_is_left(service: ServiceProcess, others: PeersProcess, left: Left) -> None:
    """Every socket but the usual ones is an idle connection to a peer, and memory does not grow from case to case."""
    pid = service_pid(service)
    give_up_at = time.monotonic() + QUIET_WITHIN
    while True:
        seen = others.seen()
        more_sockets, more_threads = sockets(pid) - seen["open"] - left.sockets, threads(pid) - left.threads
        if seen["busy"] == 0 and more_sockets <= MORE_SOCKETS and more_threads <= MORE_THREADS:
            break
        assert time.monotonic() < give_up_at, (seen, more_sockets, more_threads)
        time.sleep(0.05)
    megabytes = pss_megabytes(pid)
    left.megabytes = left.megabytes or megabytes
    assert megabytes < left.megabytes + MORE_MEGABYTES
