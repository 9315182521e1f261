# SPDX-License-Identifier: Apache-2.0
"""What is counted, by what is logged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from support import IDENTITY, World

from sandbox import faults
from webhook.runtime import metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"jumio_webhook_{name}", labels) or 0.0


def test_a_registration_is_counted_at_every_place(world: World) -> None:
    names: list[tuple[str, dict[str, str]]] = [
        ("requests_total", {"route": "/jumio/initiate", "code": "200"}),
        ("verifications_total", {"status": "pending"}),
        ("outbound_seconds_count", {"peer": "jumio", "operation": "start", "outcome": "2xx"}),
    ]
    patches = {"peer": "kratos", "operation": "patch_identity", "outcome": "2xx"}
    before = [value(name, **labels) for name, labels in names]
    patched = value("outbound_seconds_count", **patches)
    world.initiate(world.person())
    assert [value(name, **labels) for name, labels in names] == [count + 1 for count in before]
    assert value("outbound_seconds_count", **patches) == patched + 2


def test_calls_that_fail_are_told_from_those_that_are_refused(world: World) -> None:
    def counts() -> list[float]:
        return [
            value("outbound_seconds_count", peer="kratos", operation="patch_identity", outcome=outcome)
            for outcome in ("5xx", "4xx", "failed")
        ]

    before = counts()
    for fault in (faults.answer(503), faults.answer(401), faults.reset()):
        world.kratos.server.faults = lambda _, fault=fault: fault
        world.initiate(IDENTITY)
    assert counts() == [count + 1 for count in before]


def test_whatever_is_asked_for_cannot_make_a_label_of_its_own(world: World) -> None:
    for path in ("/nothing/here", "/jumio/callback/x/y", "/jumio/callback/z/y"):
        world.client.post(path)
    text = metrics.exposition().decode()
    assert 'route="unknown"' in text
    assert 'route="/jumio/callback/<identity_id>/<token>"' in text
    assert "nothing" not in text


def test_the_time_to_a_verdict_is_observed_where_it_is_known() -> None:
    before = value("verdict_seconds_count", status="approved")
    metrics.observe("verification.settled", {"status": "approved", "seconds_since_start": 61.0})
    metrics.observe("verification.settled", {"status": "approved"})
    metrics.observe("verification.superseded", {"status": "approved", "seconds_since_start": 61.0})
    assert value("verdict_seconds_count", status="approved") == before + 1


WORKER = """
from webhook.runtime import metrics

metrics.observe("secret.refused", {"route": "/jumio/validate"})
"""


def test_the_counts_of_all_workers_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WORKER], env=environment, check=True, timeout=60)  # our own program
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert 'jumio_webhook_secret_refusals_total{route="/jumio/validate"} 2.0' in metrics.exposition().decode()
