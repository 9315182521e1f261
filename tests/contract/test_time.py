# SPDX-License-Identifier: Apache-2.0
"""Section 3, Time: every request ends in time, whatever the peers do. Under load: tests/load."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

import gevent
import pytest
from support import IDENTITY, SOON, World, days_ago

from sandbox import faults
from sandbox.faults import Fault
from webhook import limits, wiring


def test_the_budgets_keep_what_was_promised() -> None:
    assert limits.REQUEST_SECONDS < limits.ANSWER_SECONDS == 12
    assert limits.CLIENT_SECONDS == 10
    assert limits.LOOK_SECONDS == 2
    assert limits.START_NEEDS_SECONDS == 4
    # A start is read for, made and noted within one request; so is a gate's look and offer.
    assert 2 * limits.KRATOS_SECONDS + limits.START_NEEDS_SECONDS <= limits.REQUEST_SECONDS
    assert limits.LOOK_SECONDS + limits.OFFER_SECONDS <= limits.REQUEST_SECONDS


def test_the_one_clock_is_utc() -> None:
    assert wiring.utc_now().tzinfo is UTC


@pytest.mark.parametrize("fault", [faults.hang(), faults.trickle(headers=True, pause=0.05)], ids=["silence", "trickle"])
@pytest.mark.parametrize("peer", ["kratos", "jumio"])
def test_requests_end_in_time_whatever_the_peers_do(
    world: World, monkeypatch: pytest.MonkeyPatch, peer: str, fault: Fault
) -> None:
    """One of each kind, all at once; pages in test_pages.py."""
    fresh, verified = world.person("fresh"), world.verified_person("verified")
    waiting = [world.person("called back"), world.person("at the gate")]
    for person in waiting:
        world.initiate(person)
        world.change(person, lambda record: replace(record, initiated_at=days_ago(0.5)))
    public = world.kratos.identity(waiting[1])["metadata_public"]
    for module in ("hooks", "callbacks", "gate"):
        monkeypatch.setattr(f"webhook.web.{module}.REQUEST_SECONDS", 0.5)
    monkeypatch.setattr("webhook.verification.start.KRATOS_SECONDS", 0.3)
    monkeypatch.setattr("webhook.idv.jumio.client.START_NEEDS_SECONDS", 0.0)
    getattr(world, peer).server.faults = lambda _: fault
    requests = {
        "initiate": gevent.spawn(world.initiate, fresh),
        "reverify": gevent.spawn(world.reverify, verified),
        "callback": gevent.spawn(world.call_back, world.jumio.truth(waiting[0])[-1]),
        "validate": gevent.spawn(world.validate, waiting[1], public),
    }
    answers = {name: request.get(timeout=SOON).status_code for name, request in requests.items()}
    started = 200 if peer == "jumio" else 503  # a registration never fails because of Jumio
    assert answers == {"initiate": started, "reverify": started, "callback": 503, "validate": 200}


def test_waiting_for_a_place_counts(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(KRATOS_MAX_IN_FLIGHT="1")
    monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 0.1)
    begun = time.monotonic()
    with world.services.kratos._outbound._place():
        answer = world.initiate(IDENTITY)
    assert answer.status_code == 503
    assert 0.05 < time.monotonic() - begun < SOON
    assert world.calls() == []
