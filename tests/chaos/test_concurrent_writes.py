# SPDX-License-Identifier: Apache-2.0
"""Kratos' PATCH is an unprotected read-modify-write: our own writes queue up, and a sync repairs what others undo."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import World
from support import ORY_SECRET, wait_until

from sandbox import faults
from sandbox.callbacks import Callback
from sandbox.faults import Fault
from webhook import wiring
from webhook.verification.sweep import Sweeper

from .ledger import Call, Ledger
from .town import untrue
from .weather import CONFLICT

HOOK = {"Authorization": f"Bearer {ORY_SECRET}"}
THREADS = 8
RETRIED = {
    "a serialisation conflict": lambda: faults.answer(400, CONFLICT),
    "409": lambda: faults.answer(409),
    "429": lambda: faults.answer(429),
    "429 with a time": lambda: faults.answer(429, headers={"x-ratelimit-reset": "0"}),
}


class Desk:
    """The hooks and callbacks of the application in this process."""

    def __init__(self, world: World) -> None:
        self.world = world

    def initiate(self, identity_id: str) -> Any:
        return self.world.client.post("/jumio/initiate", json={"identity": {"id": identity_id}}, headers=HOOK)

    def started(self) -> tuple[str, str]:
        """(identity id, workflow id) of somebody who is pending, with a session."""
        identity_id = self.world.person()
        workflow_id: str = self.initiate(identity_id).json["workflow_execution_id"]
        self.world.kratos.identities.sign_in(identity_id, "password")
        return identity_id, workflow_id

    def login(self, identity_id: str, public: dict[str, Any]) -> Any:
        body = {"identity": {"id": identity_id, "metadata_public": {"jumio": public}}}
        return self.world.client.post("/jumio/validate", json=body, headers=HOOK)

    def ring(self, workflow_id: str) -> Any:
        """The callback that Jumio would send now."""
        jumio, sent = self.world.jumio, list[Callback]()
        jumio.callback_url, before = "http://127.0.0.1/jumio/callback", jumio.sender.policy
        jumio.sender.policy = lambda callback: sent.append(callback) or ()
        jumio.send_callback(workflow_id)
        jumio.sender.policy = before
        return self.world.client.post("/jumio/callback", data=sent[0].body, headers=sent[0].headers)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def fails(what: str, make: Callable[[], Fault], times: int) -> Callable[[Call], Fault | None]:
    left = iter(range(times))

    def weather(call: Call) -> Fault | None:
        return make() if call.what == what and next(left, None) is not None else None

    return weather


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", RETRIED)
def test_a_write_that_kratos_asks_to_repeat_is_repeated(
    world: World, desk: Desk, ledger: Ledger, kind: str, times: int
) -> None:
    ledger.weather = fails("patch", RETRIED[kind], times)
    identity_id, workflow_id = desk.started()
    ledger.weather = fails("patch", RETRIED[kind], times)
    world.jumio.decide(workflow_id, "rejected", callback=False)

    assert desk.ring(workflow_id).json == {"result": "applied"}

    assert untrue(world.jumio, world.kratos, identity_id) == []
    assert len(world.jumio.truth(identity_id)) == 1


@pytest.mark.parametrize("kind", RETRIED)
def test_what_cannot_be_written_at_all_is_left_to_the_sync(
    world: World, desk: Desk, ledger: Ledger, sweeper_of: Callable[..., Sweeper], kind: str
) -> None:
    identity_id, workflow_id = desk.started()
    world.jumio.decide(workflow_id, "rejected", callback=False)
    ledger.weather = fails("patch", RETRIED[kind], 100)
    answer = desk.ring(workflow_id)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    ledger.weather = lambda call: None

    assert sweeper_of(world.settings).sweep().settled == 1

    assert untrue(world.jumio, world.kratos, identity_id) == []


def test_our_own_writes_to_an_identity_never_overlap(world: World, desk: Desk) -> None:
    """Kratos reads, changes and writes the whole row: of two PATCHes at once one would be lost."""
    identity_id, workflow_id = desk.started()
    public = {**world.record(identity_id)[0], "initiated_at": "2020-01-01T00:00:00.000Z"}
    world.jumio.decide(workflow_id, "expire", callback=False)
    inside, at_once = 0, []

    def between() -> None:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        threading.Event().wait(0.01)
        inside -= 1

    world.kratos.identities.lost_update = between
    together = threading.Barrier(THREADS)

    def work(number: int) -> int:
        together.wait()
        does = (
            lambda: desk.ring(workflow_id),
            lambda: desk.initiate(identity_id),
            lambda: desk.login(identity_id, public),
        )
        return int(does[number % len(does)]().status_code)

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(work, range(THREADS)))

    assert set(statuses) == {200}
    assert set(at_once) == {1}
    assert len(world.jumio.truth(identity_id)) <= 2, "the one that ended, and at most one that followed"
    assert untrue(world.jumio, world.kratos, identity_id) == []


@pytest.fixture(params=["everything", "the public copy", "the admin copy"])
def undo(request: pytest.FixtureRequest, world: World) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Somebody else's write puts back what the identity was, wholly or in part."""

    def put_back(identity_id: str, earlier: dict[str, Any]) -> None:
        names = {
            "everything": ("metadata_public", "metadata_admin"),
            "the public copy": ("metadata_public",),
            "the admin copy": ("metadata_admin",),
        }[request.param]
        patch = [{"op": "replace", "path": f"/{name}", "value": earlier[name]} for name in names]
        world.kratos.identities.patch(identity_id, patch)

    return put_back


@pytest.mark.parametrize("outcome", ["passed", "rejected", "warning", "expire"])
def test_a_verdict_that_a_stale_write_undid_is_back_after_the_sync(
    world: World,
    desk: Desk,
    sweeper_of: Callable[..., Sweeper],
    undo: Callable[[str, dict[str, Any]], None],
    outcome: str,
) -> None:
    identity_id, workflow_id = desk.started()
    earlier = world.kratos.identity(identity_id)
    world.jumio.decide(workflow_id, outcome, callback=False)
    desk.ring(workflow_id)
    settled = world.record(identity_id)[0]
    undo(identity_id, earlier)
    world.kratos.identities.sign_in(identity_id, "password")  # the gate read `pending`, perhaps

    sweeper_of(world.settings).sweep()

    assert world.record(identity_id)[0] == settled
    assert untrue(world.jumio, world.kratos, identity_id) == []


def test_of_two_starts_at_once_the_younger_ones_link_is_kept(world: World, desk: Desk, ledger: Ledger) -> None:
    """Whoever notes its workflow last finds that the other has ended what it asked for, and writes upon that."""
    identity_id, elsewhere = world.person(), wiring.for_requests(world.settings)
    first = iter([None])

    def weather(call: Call) -> Fault | None:
        if call.what == "start" and next(first, "later") is None:
            elsewhere.starter.start(identity_id)
        return None

    ledger.weather = weather

    link = desk.initiate(identity_id).json["verification_url"]

    older, younger = world.jumio.truth(identity_id)
    public, admin = world.record(identity_id)
    assert (public["workflow_execution_id"], public["verification_url"]) == (younger.id, link)
    assert admin["verification_url"] == younger.web_href
    assert admin["workflows"].keys() == {older.id, younger.id}


@pytest.mark.parametrize("outcome", ["passed", "rejected"])
def test_what_only_a_callback_tells_is_not_lost_to_a_write_that_began_before(
    world: World, desk: Desk, outcome: str
) -> None:
    """The note of a second workflow was lost, so that no sync would ask for it: without this it would be forgotten."""
    identity_id, first = desk.started()
    world.jumio.decide(first, "passed" if outcome == "rejected" else "expire", callback=False)
    desk.ring(first)
    body = {"customerInternalReference": identity_id, "userReference": identity_id, "workflowDefinition": {"key": 1}}
    second = world.jumio.start(body, None)
    assert second
    world.jumio.decide(second.id, outcome, callback=False)
    before = world.record(identity_id)[1]
    theme = [{"op": "add", "path": "/metadata_public/theme", "value": "dark"}]

    def ours_is_written() -> None:
        wait_until(lambda: second.id in world.record(identity_id)[1]["workflows"])

    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(world.kratos.identities.patch, identity_id, theme, between=ours_is_written)
        assert desk.ring(second.id).json == {"result": "applied"}
        theirs.result()

    after = world.record(identity_id)[1]
    assert after["workflows"].keys() == before["workflows"].keys() | {second.id}
    assert after["status"] == {"passed": "approved", "rejected": "rejected"}[outcome]


def test_a_write_of_somebody_elses_that_ours_overtakes_leaves_our_record_whole(world: World, desk: Desk) -> None:
    """Theirs falls between the reading and the writing of our PATCH, and is lost without a lock."""
    identity_id, workflow_id = desk.started()
    world.jumio.decide(workflow_id, "passed", callback=False)
    people = world.kratos.identities

    def theirs() -> None:
        people.lost_update = None
        people.patch(identity_id, [{"op": "replace", "path": "/metadata_public", "value": {"theme": "dark"}}])

    people.lost_update = theirs

    assert desk.ring(workflow_id).json == {"result": "applied"}

    assert untrue(world.jumio, world.kratos, identity_id) == []
