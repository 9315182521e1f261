# SPDX-License-Identifier: Apache-2.0
"""During a deployment two versions run side by side: neither undoes the other, or makes it read Jumio again."""

import copy
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import World, days_ago, pending, verified

from webhook import wiring
from webhook.core.record import Record
from webhook.core.status import Status, Verdict
from webhook.ory.kratos import metadata
from webhook.ory.kratos.metadata import Names, admin_member, public_member
from webhook.verification.sweep import Report, Sweeper

REVIEWED: dict[str, Any] = {"status": Status.REVIEW, "verdict": Verdict.WARNING}
OF_1_0 = {
    "approved": verified(2),
    "review": verified(0, **REVIEWED),
    "rejected": verified(0, status=Status.REJECTED, verdict=Verdict.FAILED),
    "incomplete": pending(
        status=Status.INCOMPLETE, verification_url=None, vendor_url=None, decided_at="2026-03-02T18:30:00.000Z"
    ),
    "renewed by a face": verified(3, decided_at="2026-03-01T18:30:00.000Z", initiated_at="2026-03-01T18:00:00.000Z"),
}


def sweeper(world: World) -> Sweeper:
    return wiring.for_commands(world.settings).sweeper(threading.Event())


def person_of_1_0(world: World, record: Record, *, steps: bool = True) -> str:
    """Both copies as version 1.0 wrote them: no list of workflows, and at first no steps of a level."""
    copies: list[dict[str, Any]] = json.loads(json.dumps([public_member(record), admin_member(record)]))
    copies[1].pop("workflows", None)
    for each in copies:
        if not steps and "assurance" in each:
            del each["assurance"]["steps"]
    public, admin = ({"jumio": each, "theirs": 1} for each in copies)
    person = world.person(metadata_public=public, metadata_admin=admin)
    world.forget_calls()
    return person


@pytest.mark.parametrize("name", OF_1_0)
def test_a_record_of_1_0_is_no_reason_to_ask_jumio_and_is_left_as_it_is(world: World, name: str) -> None:
    person = person_of_1_0(world, OF_1_0[name])
    before = world.kratos.identity(person)
    for _ in range(2):
        assert sweeper(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []
    assert world.kratos.server.count("PATCH", ".*") == 0
    assert world.kratos.identity(person) == before


@pytest.mark.parametrize("name", [name for name in OF_1_0 if name != "incomplete"])
def test_a_level_of_1_0_gets_its_steps_once_and_keeps_everything_else(world: World, name: str) -> None:
    person = person_of_1_0(world, OF_1_0[name], steps=False)
    before = world.record(person)
    assert sweeper(world).sweep() == Report(scanned=1, settled=1)
    assert world.jumio.server.requests == []
    after = world.record(person)
    for was, then in zip(before, after, strict=True):
        assert {**then, "assurance": None, "workflows": None} == {**was, "assurance": None, "workflows": None}
        assert then["assurance"] == {**was["assurance"], "steps": then["assurance"]["steps"]}
    assert sweeper(world).sweep() == Report(scanned=1, unchanged=1)


def test_an_open_workflow_of_1_0_is_settled_and_listed(world: World) -> None:
    started = world.person("of another")
    world.initiate(started)
    [workflow] = world.jumio.truth(started)
    record = pending(account_id=workflow.account_id, workflow_execution_id=workflow.id, initiated_at=days_ago(1))
    person = person_of_1_0(world, record)
    workflow.reference = workflow.user_reference = person
    world.jumio.decide(workflow.id, "passed", callback=False)
    assert world.call_back(workflow).json == {"result": "applied"}
    public, admin = world.record(person)
    assert (public["status"], list(admin["workflows"])) == ("approved", [workflow.id])


# --- a newer one ---


NEWER = {"of a newer version": {"deep": [1, None, "ü"]}}


def with_newer_members(person: str, world: World) -> None:
    """As a version wrote them that has further members at every level of both copies."""
    identity = copy.deepcopy(world.kratos.identity(person))
    for name in ("metadata_public", "metadata_admin"):
        member = identity[name]["jumio"]
        for part in (member, member.get("assurance"), member.get("reverification")):
            if part is not None:
                part.update(NEWER)
        for entry in member.get("workflows", {}).values():
            entry.update(NEWER)
        world.kratos.identities.patch(person, [{"op": "add", "path": f"/{name}/jumio", "value": member}])
    world.forget_calls()


@pytest.fixture
def newer(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Report]:
    """A sweep of the version that knows those members, and misses them where they are not."""

    def knowing(names: Names) -> Names:
        further: Names = {key: {} for key in NEWER}
        return {**names, **further, "assurance": {**names["assurance"], **further}}

    def writing(member: Callable[[Record], dict[str, Any]]) -> Callable[[Record], dict[str, Any]]:
        return lambda record: {**member(record), **NEWER, "assurance": {**member(record)["assurance"], **NEWER}}

    def sweep() -> Report:
        with monkeypatch.context() as patched:
            for name in ("PUBLIC_NAMES", "ADMIN_NAMES"):
                patched.setattr(metadata, name, knowing(getattr(metadata, name)))
            for name in ("public_member", "admin_summary"):
                patched.setattr(metadata, name, writing(getattr(metadata, name)))
            return sweeper(world).sweep()

    return sweep


@pytest.mark.parametrize("name", ["approved", "review", "rejected"])
def test_sweeps_of_two_versions_in_turn_read_and_write_nothing(
    world: World, newer: Callable[[], Report], name: str
) -> None:
    person = world.person_with(OF_1_0[name])
    with_newer_members(person, world)
    before = world.kratos.identity(person)
    for _ in range(3):
        assert sweeper(world).sweep() == Report(scanned=1, unchanged=1)
        assert newer() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []
    assert world.kratos.server.count("PATCH", ".*") == 0
    assert world.kratos.identity(person) == before


def test_what_this_version_writes_leaves_every_member_of_the_newer_one(world: World) -> None:
    person = world.verified_person()
    world.reverify(person, due_in="7d")
    with_newer_members(person, world)
    world.says(world.jumio.truth(person)[-1], "passed")
    assert world.call_back(world.jumio.truth(person)[-1]).json == {"result": "applied"}
    public, admin = world.record(person)
    kept = [public, public["assurance"], admin, admin["assurance"], *admin["workflows"].values()]
    assert [{**each, **NEWER} == each for each in kept] == [True] * 6
