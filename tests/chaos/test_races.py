# SPDX-License-Identifier: Apache-2.0
"""Single races, each made to happen on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from conftest import World

from sandbox import faults
from sandbox.faults import Fault
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.core.times import to_text
from webhook.verification.sweep import Sweeper

from .ledger import Call, Ledger
from .test_concurrent_writes import Desk
from .town import untrue

UNSTARTED = Record(status=Status.UNSTARTED)
SweeperOf = Callable[..., Sweeper]


class Once:
    """This fault for the first call of the kind, fair weather before and after; `happened` once it is acted out."""

    def __init__(self, what: str, make: Callable[[], Fault]) -> None:
        self.happened = threading.Event()
        self._what, self._make = what, make

    def __call__(self, call: Call) -> Fault | None:
        if call.what != self._what or self.happened.is_set():
            return None
        self.happened.set()
        return self._make()


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.mark.parametrize("earlier", ["PROCESSED", "ACQUIRED"])
def test_a_reading_that_arrives_late_undoes_no_younger_one(
    world: World, desk: Desk, ledger: Ledger, earlier: str
) -> None:
    """Two callbacks of which the first takes longer: Jumio revised its verdict, or had not quite settled yet."""
    identity_id, workflow_id = desk.started()
    world.jumio.decide(workflow_id, "passed", callback=False)
    read, go_on = threading.Event(), threading.Event()
    slow = world.jumio.server.app
    left = iter([None])

    def hesitant(environ: dict[str, object], start_response: object) -> object:
        """The first reading is made at once and travels until somebody says so."""
        is_first = "/workflow-executions/" in str(environ["PATH_INFO"]) and next(left, "") is None
        if is_first and earlier == "ACQUIRED":
            with world.jumio.lock:
                workflow = world.jumio.workflow(workflow_id)
                workflow.status, settled = earlier, workflow.status
                answer = slow(environ, start_response)
                workflow.status = settled
        else:
            answer = slow(environ, start_response)
        if is_first:
            read.set()
            go_on.wait(5)
        return answer

    world.jumio.server.app = hesitant
    try:
        with ThreadPoolExecutor(2) as pool:
            late = pool.submit(desk.ring, workflow_id)
            assert read.wait(5)
            world.jumio.decide(workflow_id, "rejected", callback=False)
            prompt = pool.submit(desk.ring, workflow_id)
            # A service that lets them queue up answers the second after the first.
            world.kratos.server.wait(lambda server: server.count("PATCH", ".*") > 1, 1)
            go_on.set()
            assert {late.result().status_code, prompt.result().status_code} <= {200, 503}
    finally:
        go_on.set()
        world.jumio.server.app = slow
    assert world.record(identity_id)[0]["status"] == "rejected"
    assert untrue(world.jumio, world.kratos, identity_id) == []


@pytest.mark.parametrize("failing", ["patch", "sessions"])
def test_a_verdict_read_at_login_counts_though_it_cannot_be_written(
    world: World, desk: Desk, ledger: Ledger, failing: str
) -> None:
    identity_id, workflow_id = desk.started()
    world.jumio.decide(workflow_id, "rejected", callback=False)
    public = {**world.record(identity_id)[0], "initiated_at": to_text(datetime.now(UTC) - timedelta(minutes=2))}
    ledger.weather = lambda call: faults.answer(503) if call.what == failing else None

    assert desk.login(identity_id, public).status_code == 403


def test_a_start_of_unknown_outcome_is_not_repeated_in_the_same_sweep_even_if_kratos_fails_as_well(
    world: World, ledger: Ledger, sweeper_of: SweeperOf
) -> None:
    identity_id = world.person_with(UNSTARTED)
    seen: list[str] = []

    def weather(call: Call) -> Fault | None:
        seen.append(call.what)
        if call.what == "start":
            return faults.reset(processed=True) if seen.count("start") == 1 else None
        return faults.answer(503) if seen[-2:] == ["start", "patch"] else None

    ledger.weather = weather
    sweeper_of(world.settings).sweep()

    assert len(world.jumio.truth(identity_id)) == 1


def test_whatever_asks_for_a_start_at_once_one_workflow_is_paid_for(
    make_world: Callable[..., World], ledger: Ledger
) -> None:
    """Within one process: the hook, the button behind our own link, the gate of a policy, and a re-verification."""
    world = make_world(PUBLIC_URL="https://hook.example.com")
    link = world.services.links.make(identity_id := world.person())
    assert link is not None
    path = link.removeprefix("https://hook.example.com")
    ways = [
        lambda: world.initiate(identity_id),
        lambda: world.client.post(path),
        lambda: world.hook(identity_id, policy={"min_level": 2, "on_unmet": "start"}),
        lambda: world.reverify(identity_id),
    ]
    weather = Once("start", lambda: faults.hang(0.3, processed=True))
    ledger.weather = weather
    with ThreadPoolExecutor(2 * len(ways)) as pool:
        statuses = {answer.status_code for answer in pool.map(lambda way: way(), ways * 2)}
    assert weather.happened.is_set()
    assert statuses <= {200, 303, 403}
    assert len(world.jumio.truth(identity_id)) == 1
    assert untrue(world.jumio, world.kratos, identity_id) == []


def test_a_sync_leaves_to_the_hook_what_it_is_starting_again(
    world: World, desk: Desk, ledger: Ledger, sweeper_of: SweeperOf
) -> None:
    """In another process: nothing but the two minutes keeps them apart."""
    identity_id = world.person()
    ledger.weather = Once("start", lambda: faults.answer(503))
    assert desk.initiate(identity_id).json["status"] == "unstarted"
    weather = Once("start", lambda: faults.hang(0.5, processed=True))
    ledger.weather = weather
    with ThreadPoolExecutor(1) as pool:
        hook = pool.submit(desk.initiate, identity_id)
        assert weather.happened.wait(5)
        assert sweeper_of(world.settings).sweep().unchanged == 1
        assert hook.result().json["status"] == "pending"
    assert len(world.jumio.truth(identity_id)) == 1


def test_a_sync_that_is_told_to_stop_forgets_nobody(world: World, ledger: Ledger, sweeper_of: SweeperOf) -> None:
    people = [world.person_with(UNSTARTED, f"person-{number}") for number in range(3)]
    stop = threading.Event()
    ledger.weather = lambda call: stop.set() if call.what == "start" else None
    assert sweeper_of(world.settings, stop=stop).sweep().scanned < len(people)
    ledger.weather = lambda call: None

    sweeper_of(world.settings).sweep()

    assert [len(world.jumio.truth(identity_id)) for identity_id in people] == [1] * 3
    assert [found for identity_id in people if (found := untrue(world.jumio, world.kratos, identity_id))] == []


def test_a_look_that_takes_long_overwrites_no_younger_workflow(
    world: World, desk: Desk, ledger: Ledger, sweeper_of: SweeperOf
) -> None:
    identity_id, workflow_id = desk.started()
    world.jumio.decide(workflow_id, "expire", callback=False)
    weather = Once("read", lambda: faults.hang(1.0, processed=True))
    ledger.weather = weather
    with ThreadPoolExecutor(1) as pool:
        sweep = pool.submit(sweeper_of(world.settings).sweep)
        assert weather.happened.wait(5)
        assert desk.ring(workflow_id).status_code == 200
        again = desk.initiate(identity_id).json["workflow_execution_id"]
        sweep.result()
    assert world.record(identity_id)[0]["workflow_execution_id"] == again


@pytest.mark.parametrize("damage", ["removed", "forged"])
def test_the_link_survives_the_loss_of_the_public_copy(
    world: World, desk: Desk, sweeper_of: SweeperOf, damage: str
) -> None:
    identity_id, _ = desk.started()
    public = world.record(identity_id)[0]
    forged = {**public, "status": "approved", "verdict": "PASSED", "decided_at": "2099-01-01T00:00:00.000Z"}
    value = {} if damage == "removed" else {"jumio": forged}
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": "/metadata_public", "value": value}])

    sweeper_of(world.settings).sweep()

    healed = world.record(identity_id)[0]
    # When it began is by then what Jumio tells of the workflow: its reply to the start is a moment younger.
    assert {**healed, "initiated_at": None} == {**public, "initiated_at": None}
    assert healed["initiated_at"] <= public["initiated_at"]
