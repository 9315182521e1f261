# SPDX-License-Identifier: Apache-2.0
"""A document that verified another identity before: found by a keyed hash, on a real Valkey or Redis."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from support import IDENTITY, OTHER_IDENTITY, World, message_of

from coordination.servers import Server, shared_at
from sandbox.jumio_records import Workflow
from webhook import wiring
from webhook.commands import explain
from webhook.coordination.valkey import PREFIX, Shared
from webhook.verification.sweep import Report

MakeWorld = Callable[..., World]
EVENT = "verification.repeated_document"
SECRET = "a-secret-for-documents"
NUMBER = "AB-123 4567"
PASSPORT = {"type": "PASSPORT", "issuingCountry": "GBR", "documentNumber": NUMBER}
HASH = "0" * 64


@pytest.fixture
def make(make_world: MakeWorld, server: Server) -> MakeWorld:
    """A world with an index, whose settings are changed."""
    common = {"REDIS_URL": f"unix://{server.url.path}", "DOCUMENT_HASH_SECRET": SECRET}
    return lambda **changed: make_world(**{**common, **changed})


@pytest.fixture
def two(server: Server) -> Iterator[tuple[Shared, Shared]]:
    with shared_at(server.url) as one, shared_at(server.url) as other:
        yield one, other


def verified(world: World, name: str, outcome: str = "passed", **document: Any) -> tuple[str, Workflow]:
    """Somebody who showed the passport."""
    person = world.person(name)
    assert world.initiate(person).status_code == 200
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, outcome, callback=False, shows={**PASSPORT, **document})
    assert world.call_back(workflow).status_code == 200
    return person, workflow


def status(world: World, person: str) -> tuple[str, int]:
    public = world.record(person)[0]
    return public["status"], public["assurance"]["level"]


def entries(world: World, person: str) -> list[Any]:
    """Whom the history names."""
    history = world.record(person)[1]["history"]
    return [each["other_identity"] for each in history if each["event"] == EVENT]


def kept(world: World, workflow: Workflow) -> Any:
    return world.record(workflow.reference)[1]["workflows"][workflow.id].get("document")


def sweep(world: World) -> Report:
    return wiring.for_commands(world.settings).sweeper(threading.Event()).sweep()


# --- the index ---


def test_whoever_comes_second_is_told_whose_it_is(two: tuple[Shared, Shared], server: Server) -> None:
    one, other = two
    assert one.claim_document(HASH, IDENTITY) is None
    assert one.claim_document(HASH, IDENTITY) is None, "it is the same person's"
    assert other.claim_document(HASH, OTHER_IDENTITY) == IDENTITY
    assert server.do("GET", f"{PREFIX}document:{HASH}") == IDENTITY.encode()
    assert server.do("PTTL", f"{PREFIX}document:{HASH}") > 89 * 86_400_000


def test_of_two_at_once_one_is_told(two: tuple[Shared, Shared]) -> None:
    asked = [
        gevent.spawn(shared.claim_document, f"{number:064}", identity)
        for number in range(50)
        for shared, identity in zip(two, (IDENTITY, OTHER_IDENTITY), strict=True)
    ]
    gevent.joinall(asked, raise_error=True)
    told = [each.value for each in asked]
    assert [(one is None) + (other is None) for one, other in zip(told[::2], told[1::2], strict=True)] == [1] * 50


def test_what_is_no_identity_is_none_of_ours(two: tuple[Shared, Shared], server: Server) -> None:
    server.do("SET", f"{PREFIX}document:{HASH}", "whoever")
    assert two[0].claim_document(HASH, IDENTITY) is None


# --- the service ---


@pytest.mark.parametrize(
    ("on_repeated", "expected"), [(None, ("approved", 3)), ("flag", ("approved", 3)), ("review", ("review", 1))]
)
def test_a_document_that_verified_another_identity(
    make: MakeWorld, on_repeated: str | None, expected: tuple[str, int], log_lines: list[str]
) -> None:
    world = make(ON_REPEATED=on_repeated)
    first, _ = verified(world, "first")
    second, workflow = verified(world, "second", documentNumber="ab1234567")
    assert status(world, first) == ("approved", 3)
    assert entries(world, first) == []
    assert status(world, second) == expected
    assert entries(world, second) == [first]
    [line] = [line for line in log_lines if f" {EVENT} " in line]
    assert first in line
    assert second in line
    assert first not in json.dumps(world.record(second)[0]), "that is the person's"
    before = world.record(second)
    assert world.call_back(workflow).json["result"] == "unchanged"  # type: ignore[index]
    assert world.record(second) == before, "it is told once"
    assert sweep(world).failed == 0
    assert world.record(second) == before


def test_the_person_learns_nothing_and_the_operator_all(make: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world = make(ON_REPEATED="review")
    first, _ = verified(world, "first")
    second, _ = verified(world, "second")
    answer = world.hook(second, policy={"block_statuses": ["review"]})
    assert message_of(answer)["id"] == 9010003
    assert first not in answer.text
    assert explain.run(world.settings, whom=second, as_json=False) == 0
    assert f"as identity {first}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "document",
    [{"documentNumber": "AB-123 4568"}, {"issuingCountry": "IRL"}, {"type": "ID_CARD"}],
)
def test_another_document_is_another(make: MakeWorld, document: dict[str, Any]) -> None:
    world = make(ON_REPEATED="review")
    verified(world, "first")
    second, _ = verified(world, "second", **document)
    assert status(world, second) == ("approved", 3)


@pytest.mark.parametrize("number", ["N/A", "", "***4567", "XXXXXXXX", "000000", None, 7])
def test_what_is_no_number_is_nobodys(make: MakeWorld, number: Any) -> None:
    world = make(ON_REPEATED="review")
    _, workflow = verified(world, "first", documentNumber=number)
    second, _ = verified(world, "second", documentNumber=number)
    assert kept(world, workflow) is None
    assert status(world, second) == ("approved", 3)


@pytest.mark.parametrize("outcome", ["rejected", "warning"])
def test_only_who_passed_has_verified_with_it(make: MakeWorld, outcome: str) -> None:
    world = make(ON_REPEATED="review")
    _, workflow = verified(world, "first", outcome)
    second, _ = verified(world, "second")
    assert kept(world, workflow) is None
    assert status(world, second) == ("approved", 3)


def test_a_full_sweep_makes_the_index_anew(make: MakeWorld, server: Server) -> None:
    world = make(ON_REPEATED="review")
    first, _ = verified(world, "first")
    server.do("FLUSHALL")
    assert sweep(world).failed == 0
    second, _ = verified(world, "second")
    assert entries(world, second) == [first]
    server.do("FLUSHALL")
    assert sweep(world).failed == 0
    assert status(world, first) == ("approved", 3), "whoever came second stays so"
    assert status(world, second) == ("review", 1)


def test_a_sweep_finds_what_was_verified_while_the_index_was_away(
    make: MakeWorld, make_server: Callable[..., Server]
) -> None:
    away = make_server()
    world = make(REDIS_URL=f"unix://{away.url.path}", ON_REPEATED="review")
    away.kill()
    people = [verified(world, name)[0] for name in ("first", "second")]
    assert [status(world, person) for person in people] == [("approved", 3)] * 2, "it changes nothing"
    away.start()
    again = make(REDIS_URL=f"unix://{away.url.path}", ON_REPEATED="review")
    assert sweep(again).failed == 0
    assert sorted(status(again, person) for person in people) == [("approved", 3), ("review", 1)]
    before = [again.record(person) for person in people]
    assert sweep(again).settled == 0
    assert [again.record(person) for person in people] == before


def test_by_an_earlier_secret_it_is_found_too(make: MakeWorld) -> None:
    first, _ = verified(make(), "first")
    other = make(DOCUMENT_HASH_SECRET=f"another-secret-of-ours,{SECRET}")
    second, _ = verified(other, "second")
    assert entries(other, second) == [first]


@pytest.mark.parametrize("missing", ["REDIS_URL", "DOCUMENT_HASH_SECRET"])
def test_without_either_nothing_is_kept_and_nobody_asked(make: MakeWorld, server: Server, missing: str) -> None:
    sys.modules.pop("webhook.verification.documents", None)
    world = make(**{missing: None})
    _, workflow = verified(world, "first")
    second, _ = verified(world, "second")
    assert kept(world, workflow) is None
    assert entries(world, second) == []
    assert "webhook.verification.documents" not in sys.modules
    assert server.do("KEYS", f"{PREFIX}document:*") == []


def test_no_number_is_kept_or_told(make: MakeWorld, server: Server, log_lines: list[str]) -> None:
    world = make()
    person, workflow = verified(world, "first")
    verified(world, "second")
    assert len(kept(world, workflow)) == 64
    told = json.dumps([world.record(person), log_lines, [str(each) for each in server.do("KEYS", "*")]])
    assert [number for number in (NUMBER, "AB1234567", "1234567", SECRET) if number in told] == []
    reading = world.services.jumio.read(account_id=workflow.account_id, workflow_execution_id=workflow.id)
    assert reading.document is not None
    assert "1234567" not in f"{reading!r} {reading.document!r}"
