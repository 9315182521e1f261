# SPDX-License-Identifier: Apache-2.0
"""What operators see of the real service under two workers: metrics that add up, and log lines with known members."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from support import wait_until

from sandbox.world import ORY_SECRET, World, world

from .conftest import HOOK

AUTH = {"Authorization": f"Bearer {ORY_SECRET}"}
TRIGGER = "7a1cbd0c-3c5e-4b0f-9a55-0f8e3c9d2b11"
MEMBERS = {
    "request": {"method", "route", "code", "duration_ms"},
    "outbound": {"peer", "operation", "code", "duration_ms"},
    "verification.started": {"identity_id", "workflow_execution_id", "status"},
    "verification.settled": {"identity_id", "workflow_execution_id", "status", "seconds_since_start"},
    "session.revoked": {"identity_id"},
    "secret.refused": {"route"},
    "gate.refused": {"identity_id", "status"},
}


@pytest.fixture
def here() -> Iterator[World]:
    with world(kratos_binary=None, WEB_CONCURRENCY="2") as started:
        yield started


def workers(here: World) -> list[int]:
    """The process ids of the living workers."""
    assert here.service.process is not None
    master = here.service.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [int(pid) for pid in children if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"]


def validate(here: World, **headers: str) -> int:
    answer = requests.post(f"{here.service.url}/jumio/validate", json=HOOK, headers={**AUTH, **headers}, timeout=10)
    return answer.status_code


def metrics(here: World) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = requests.get(f"{here.service.url}/metrics/prometheus", headers=AUTH, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def test_metrics_add_up_over_the_workers_and_outlive_them(here: World) -> None:
    wait_until(lambda: len(workers(here)) == 2)
    first, second = workers(here)
    for stopped in (first, second):  # so that each of them answers some
        os.kill(stopped, signal.SIGSTOP)
        try:
            for _ in range(5):
                assert validate(here) == 200
        finally:
            os.kill(stopped, signal.SIGCONT)
    assert requests.get(f"{here.service.url}/metrics/prometheus", timeout=10).status_code == 401
    assert requests.post(f"{here.service.url}/jumio/initiate", json=HOOK, timeout=10).status_code == 401
    registration = here.kratos.register("ada@example.com")
    assert registration.identity_id is not None
    record = here.wait_for_status(registration.identity_id, other_than=None)
    here.verify(record["verification_url"], "rejected")
    here.wait_for_status(registration.identity_id, other_than="pending")
    here.jumio.wait_for_callbacks()

    def as_it_happened(found: dict[Any, float]) -> None:
        total, outbound = "jumio_webhook_requests_total", "jumio_webhook_outbound_seconds_count"
        assert value(found, total, route="/jumio/validate", code="200") == 10
        assert value(found, total, route="/jumio/initiate", code="200") == 1
        assert value(found, total, route="/jumio/initiate", code="401") == 1
        assert value(found, total, route="/jumio/callback/<identity_id>/<token>", code="200") == 1
        assert value(found, "jumio_webhook_secret_refusals_total", route="/metrics/prometheus") == 1
        assert value(found, "jumio_webhook_secret_refusals_total", route="/jumio/initiate") == 1
        assert value(found, "jumio_webhook_verifications_total", status="pending") == 1
        assert value(found, "jumio_webhook_verifications_total", status="rejected") == 1
        assert value(found, "jumio_webhook_verdict_seconds_count", status="rejected") == 1
        assert value(found, outbound, peer="jumio", operation="start", outcome="2xx") == 1
        # Once when the link was opened, to see whether its workflow has expired, and once for the callback.
        assert value(found, outbound, peer="jumio", operation="read", outcome="2xx") == 2
        assert value(found, outbound, peer="kratos", operation="patch_identity", outcome="2xx") == 3

    for stopped in (first, second):  # either of them tells of both
        os.kill(stopped, signal.SIGSTOP)
        try:
            as_it_happened(metrics(here))
        finally:
            os.kill(stopped, signal.SIGCONT)

    # A worker that is killed is replaced, is missed by nobody, and what it has counted stays.
    os.kill(first, signal.SIGKILL)
    assert requests.get(f"{here.service.url}/health/alive", timeout=10).status_code == 200
    wait_until(lambda: len(workers(here)) == 2 and first not in workers(here))
    as_it_happened(metrics(here))
    os.kill(second, signal.SIGSTOP)
    try:
        assert validate(here) == 200  # by the new one
    finally:
        os.kill(second, signal.SIGCONT)
    assert value(metrics(here), "jumio_webhook_requests_total", route="/jumio/validate", code="200") == 11


@contextlib.contextmanager
def nothing_left_behind(here: World) -> Iterator[None]:
    """No process, and no counters in memory."""
    wait_until(lambda: len(workers(here)) == 2)
    pids = workers(here)
    memory = Path("/dev/shm")  # noqa: S108  # where it keeps them, to be looked at
    counters = {place.parent for pid in pids for place in memory.glob(f"jumio-webhook-*/*_{pid}.db")}
    assert len(counters) == 1
    yield
    assert not any(place.exists() for place in counters)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_log_lines_are_json_with_known_members_and_nothing_else_is_left_behind(here: World) -> None:
    url = f"{here.service.url}/jumio"
    headers = {**AUTH, "Ory-Webhook-Trigger-ID": TRIGGER}
    by_hand = here.kratos.create_identity("by-hand@example.com")
    requests.post(f"{url}/initiate", json={"identity": {"id": by_hand}}, headers=headers, timeout=10)
    identity_id = here.kratos.register("ben@example.com").identity_id
    assert identity_id is not None
    here.wait_for_status(identity_id, other_than=None)
    assert here.kratos.login("ben@example.com").allowed
    [workflow] = here.jumio.truth(identity_id)
    here.jumio.decide(workflow.id, "rejected")
    here.jumio.wait_for_callbacks()
    assert not here.kratos.login("ben@example.com").allowed
    assert requests.post(f"{url}/validate", json=HOOK, timeout=10).status_code == 401
    with nothing_left_behind(here):
        assert here.service.stop() == 0

    lines = [json.loads(line) for line in here.service.log().splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in ("debug", "info", "warning", "error")
    for event, members in MEMBERS.items():
        found = [line for line in lines if line["event"] == event]
        assert found, event
        for line in found:
            assert line.keys() >= members, line
    assert not [line for line in lines if line["level"] == "error"]

    # One id leads from Kratos' log to ours, over everything that was done for the hook.
    ours = [line for line in lines if line.get("trigger_id") == TRIGGER]
    assert {line["event"] for line in ours} == {"request", "outbound", "verification.started"}
    assert {line.get("identity_id") for line in ours} == {by_hand}
    settled = [line for line in lines if line["event"] == "verification.settled"]
    assert [line["workflow_execution_id"] for line in settled] == [workflow.id]
    assert settled[0]["seconds_since_start"] >= 0
