# SPDX-License-Identifier: Apache-2.0
"""`/health`, `/version` and `/metrics`: what operators' machines ask."""

from collections.abc import Callable

import gevent
import pytest
from support import AUTH, World

from contract.routes import assert_refused
from sandbox import faults
from webhook import __version__
from webhook.errors import KratosError, KratosRefused, KratosUnavailable
from webhook.web.health import Readiness


def test_alive_and_version_call_nobody(world: World) -> None:
    for path in ("/health", "/health/alive"):
        assert (world.client.get(path).status_code, world.client.get(path).json) == (200, {"status": "ok"})
    assert world.client.get("/version").json == {"version": __version__}
    assert world.calls() == []


def test_ready_asks_kratos_and_nobody_else(world: World) -> None:
    answer = world.client.get("/health/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert world.kratos.server.count("GET", "/health/ready") == 1
    assert world.jumio.server.requests == []


READY_FAULTS = {
    "500": faults.answer(500),
    "503": faults.answer(503, b'{"errors": {"database": "down"}}'),
    "401": faults.answer(401),
    "404": faults.answer(404),
    "429": faults.answer(429),
    "a redirect": faults.redirect("http://127.0.0.1:1/"),
    "too much": faults.oversize(2),
    "a reset": faults.reset(),
}


@pytest.mark.parametrize("name", READY_FAULTS)
def test_a_kratos_that_is_not_ready_makes_the_service_not_ready(world: World, name: str) -> None:
    world.kratos.server.faults = lambda _: READY_FAULTS[name]
    assert_refused(world.client.get("/health/ready"), 503)


def test_kratos_is_asked_at_most_once_a_second_whoever_calls(world: World) -> None:
    world.kratos.server.faults = lambda _: faults.hang(0.05)
    asking = [gevent.spawn(world.client.get, "/health/ready") for _ in range(60)]
    assert {answer.status_code for answer in (one.get(5) for one in asking)} == {200}
    assert world.kratos.server.count("GET", "/health/ready") == 1


class Kratos:
    """Answers or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.problem: KratosError | None = None
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.problem is not None:
            raise self.problem


@pytest.mark.parametrize("problem", [KratosUnavailable("down", status=503), KratosRefused("no", status=401)])
def test_what_was_found_out_counts_for_a_second(problem: KratosError) -> None:
    kratos, now = Kratos(), 1000.0
    readiness = Readiness(kratos, clock=lambda: now)
    readiness.require()
    kratos.problem = problem
    now += 0.999
    readiness.require()
    assert kratos.asked == 1
    now += 0.001
    for _ in range(3):
        with pytest.raises(type(problem)):
            readiness.require()
    assert kratos.asked == 2
    kratos.problem = None
    now += 1.0
    readiness.require()
    assert kratos.asked == 3


def test_at_the_very_start_it_is_asked() -> None:
    kratos = Kratos()
    Readiness(kratos, clock=lambda: 0.0).require()
    assert kratos.asked == 1


def test_metrics_are_behind_orys_secret(world: World) -> None:
    assert_refused(world.client.get("/metrics/prometheus"), 401)
    answer = world.client.get("/metrics/prometheus", headers=AUTH)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    text = answer.get_data(as_text=True)
    assert 'jumio_webhook_secret_refusals_total{route="/metrics/prometheus"}' in text
    assert "jumio_webhook_requests_total" in text


def test_health_checks_that_succeed_fill_no_log(make_world: Callable[..., World], log_lines: list[str]) -> None:
    client = make_world().client
    for path in ("/health", "/health/alive", "/health/ready"):
        client.get(path)
    assert [line for line in log_lines if " request " in line] == []
    client.get("/version")
    assert len([line for line in log_lines if " request " in line]) == 1
