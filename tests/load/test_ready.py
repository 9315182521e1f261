# SPDX-License-Identifier: Apache-2.0
"""`GET /health/ready` needs no secret, so whoever calls it how often must reach neither Kratos nor a sign-in."""

import time

from benchmarks import flood, people
from benchmarks.peers import PeersProcess
from benchmarks.probe import probing
from sandbox.service import ServiceProcess

A_SECOND = 60
SECONDS = 3


def test_a_slow_kratos_is_asked_once_a_second(service: ServiceProcess, others: PeersProcess) -> None:
    others.behave(kratos=["late 2"])  # below the 3 s that it has, so that 120 wait at once
    begun = time.monotonic()
    with probing(service.port) as probed:
        requests = [("ready", people.READY)] * (A_SECOND * SECONDS)
        answers = flood.run(flood.Job(port=service.port, requests=requests, arrive_within=SECONDS))
    took = time.monotonic() - begun
    assert {(answer.code, answer.told("status")) for answer in answers} == {(200, "ok")}
    assert 1 <= others.seen()["requests"]["ready"] <= took + 1
    assert probed.validate.codes.keys() == {"200"}
    assert probed.validate.percentile(99) < 0.25
