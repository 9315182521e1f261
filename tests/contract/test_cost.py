# SPDX-License-Identifier: Apache-2.0
"""What each request costs, counted in calls at the stand-ins and not in time."""

from collections.abc import Callable

import pytest
from support import IDENTITY, World, pending

from sandbox.server import Request
from webhook.core.status import Status
from webhook.ory.kratos.metadata import public_member


def call_back(world: World, person: str) -> None:
    assert world.call_back(world.jumio.truth(person)[-1]).status_code == 200


def cost(world: World) -> list[str]:
    calls = sorted(world.calls())
    world.forget_calls()
    return calls


def test_a_registration_costs_one_start_between_two_writes(world: World) -> None:
    """That it is asked for is noted before it is paid for; Kratos' reply to that is the identity."""
    world.initiate(world.person("first"))
    assert cost(world) == ["jumio POST", "jumio POST token", "kratos PATCH", "kratos PATCH"]
    world.initiate(world.person("second"))
    assert cost(world) == ["jumio POST", "kratos PATCH", "kratos PATCH"]


def test_the_first_write_comes_before_the_start_and_the_second_after_it(world: World) -> None:
    written_before: list[int] = []

    def watch(request: Request) -> None:
        if request.path.endswith("/accounts"):
            written_before.append(world.kratos.server.count("PATCH", ".*"))

    world.jumio.server.faults = watch
    world.initiate(world.person())
    assert written_before == [1]


def test_asking_again_while_it_is_open_costs_two_writes_and_leaves_the_record(world: World) -> None:
    person = world.person()
    world.initiate(person)
    before = world.record(person)
    cost(world)
    world.initiate(person)
    assert cost(world) == ["kratos PATCH", "kratos PATCH"]
    assert world.record(person) == before


@pytest.mark.parametrize("outcome", ["passed", "warning", "not_executed", "expire"])
def test_a_callback_costs_one_reading_one_read_and_one_write(world: World, outcome: str) -> None:
    person = world.person()
    world.initiate(person)
    world.jumio.decide(world.jumio.truth(person)[0].id, outcome)
    cost(world)
    call_back(world, person)
    assert cost(world) == ["jumio GET", "kratos GET", "kratos PATCH"]
    for _ in range(3):
        call_back(world, person)
        assert cost(world) == ["jumio GET", "kratos GET"]


@pytest.mark.parametrize("on_rejected", ["block", "revoke", "deactivate"])
def test_a_rejection_costs_one_more_call_where_sessions_are_ended(
    make_world: Callable[..., World], on_rejected: str
) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    person = world.person()
    world.initiate(person)
    world.jumio.decide(world.jumio.truth(person)[0].id, "rejected")
    cost(world)
    call_back(world, person)
    ending = [] if on_rejected == "block" else ["kratos DELETE"]
    assert cost(world) == ["jumio GET", *ending, "kratos GET", "kratos PATCH"]
    call_back(world, person)
    assert cost(world) == ["jumio GET", *ending, "kratos GET"]


@pytest.mark.parametrize("status", [status for status in Status if status not in (Status.PENDING, Status.NONE)])
@pytest.mark.parametrize("block", ["rejected", ",".join(Status)])
def test_a_login_at_a_settled_status_costs_nothing(
    make_world: Callable[..., World], status: Status, block: str
) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES=block)
    person = world.person()
    assert world.validate(person, {"jumio": public_member(pending(status=status))}).status_code in (200, 403)
    assert world.validate(person, None).status_code in (200, 403)
    assert cost(world) == []


def test_a_login_while_it_is_open_for_long_costs_one_look(world: World) -> None:
    person = world.person()
    world.initiate(person)
    cost(world)
    public, _ = world.record(person)
    world.validate(person, {"jumio": {**public, "initiated_at": "2026-01-01T00:00:00.000Z"}})
    assert cost(world) == ["jumio GET", "kratos GET"]


def test_one_token_and_one_connection_to_each_peer_serve_every_call(world: World) -> None:
    people = [world.person(f"person{n}") for n in range(10)]
    for person in people:
        world.initiate(person)
    for person, outcome in zip(people, ["passed", "warning", "rejected", "expire", "passed"] * 2, strict=True):
        world.jumio.decide(world.jumio.truth(person)[0].id, outcome)
        call_back(world, person)
        call_back(world, person)
    assert world.client.get("/health/ready").status_code == 200
    assert world.jumio.server.count("POST", "/oauth2/token") == 1
    assert world.jumio.server.connections == 1
    assert world.kratos.server.connections == 1


def test_refusals_and_errors_do_not_cost_a_connection_each(world: World) -> None:
    for _ in range(5):
        assert world.initiate(IDENTITY).status_code == 404
    person = world.person()
    world.initiate(person)
    assert world.kratos.server.connections == 1


def test_starting_the_application_calls_nobody(world: World) -> None:
    assert world.jumio.server.connections == 0
    assert world.kratos.server.connections == 0
