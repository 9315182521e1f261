# SPDX-License-Identifier: Apache-2.0
"""Section 3, Time: every request ends in time, whatever the peers do. Under load: tests/load."""

import time
from collections.abc import Callable
from datetime import UTC

import pytest
from support import IDENTITY, SOON, World, pending
from werkzeug.test import TestResponse

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


REQUESTS: dict[str, tuple[str, Callable[[World, str], TestResponse]]] = {
    "initiate": ("webhook.web.hooks", lambda world, person: world.initiate(person)),
    "reverify": ("webhook.web.hooks", lambda world, person: world.reverify(person)),
    "callback": (
        "webhook.web.callbacks",
        lambda world, person: world.call_back(world.jumio.truth(person)[-1]),
    ),
    "validate": ("webhook.web.gate", lambda world, person: world.hook(person)),
}


@pytest.mark.parametrize("fault", [faults.hang(), faults.trickle(headers=True, pause=0.05)], ids=["silence", "trickle"])
@pytest.mark.parametrize("peer", ["kratos", "jumio"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_ends_in_time_whatever_the_peers_do(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, peer: str, fault: Fault
) -> None:
    module, request = REQUESTS[name]
    person = world.verified_person() if name == "reverify" else world.person()
    if name in ("callback", "validate"):
        world.initiate(person)
        world.change(person, lambda record: pending(
            account_id=record.account_id, workflow_execution_id=record.workflow_execution_id
        ))  # fmt: skip
    monkeypatch.setattr(f"{module}.REQUEST_SECONDS", 0.5)
    monkeypatch.setattr("webhook.verification.start.KRATOS_SECONDS", 0.3)
    monkeypatch.setattr("webhook.idv.jumio.client.START_NEEDS_SECONDS", 0.0)
    public = world.kratos.identity(person)["metadata_public"]
    getattr(world, peer).server.faults = lambda _: fault
    begun = time.monotonic()
    answer = world.validate(person, public) if name == "validate" else request(world, person)
    assert time.monotonic() - begun < SOON
    expected = 200 if name == "validate" or (peer == "jumio" and name != "callback") else 503
    assert answer.status_code == expected, answer.json


def test_waiting_for_a_place_counts(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(KRATOS_MAX_IN_FLIGHT="1")
    monkeypatch.setattr("webhook.web.hooks.REQUEST_SECONDS", 0.1)
    begun = time.monotonic()
    with world.services.kratos._outbound._place():
        answer = world.initiate(IDENTITY)
    assert answer.status_code == 503
    assert 0.05 < time.monotonic() - begun < SOON
    assert world.calls() == []
