# SPDX-License-Identifier: Apache-2.0
"""What a process does when another one is at work on the same person, and when it knows who is due."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support import FURTHER, NOW, OTHER_IDENTITY, World, asked, days_ago, message_of, pending, verified

from sandbox import faults
from sandbox.server import Request
from webhook import wiring
from webhook.coordination.local import Local
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.core.times import to_text
from webhook.errors import Busy
from webhook.verification import walk
from webhook.verification.sweep import Report


@contextlib.contextmanager
def _taken(self: Local, identity_id: str) -> Iterator[None]:
    raise Busy("another process is starting one")
    yield


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process always starts something for everybody."""
    monkeypatch.setattr(Local, "starting", _taken)
    monkeypatch.setattr("webhook.verification.start.OTHERS_WAITS", (0.0, 0.0))


@pytest.mark.usefixtures("elsewhere")
def test_what_another_process_started_is_the_answer(world: World) -> None:
    answer = world.initiate(world.person_with(pending()))
    assert answer.json is not None
    assert (answer.json["status"], world.starts()) == ("pending", [])


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("record", [None, Record(status=Status.UNSTARTED)])
def test_what_it_has_not_started_in_time_is_unstarted(world: World, record: Record | None) -> None:
    person = world.person() if record is None else world.person_with(record)
    assert world.initiate(person).json == {"status": "unstarted", "reason": "another process is starting one"}
    assert world.starts() == []


@pytest.mark.usefixtures("elsewhere")
def test_a_further_one_that_it_is_about_to_start_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world.person_with(replace(verified(level=1), asked_at=to_text(NOW)))

    def pause(seconds: float) -> None:
        if seconds:
            world.change(person, lambda record: replace(asked(record), asked_at=None))

    monkeypatch.setattr("webhook.verification.start.OTHERS_WAITS", (0.0, 0.001))
    monkeypatch.setattr("webhook.verification.start.time.sleep", pause)
    message = message_of(world.hook(person, policy={"min_level": 3, "on_unmet": "start"}))
    assert message["context"]["verification_url"] == FURTHER.verification_url
    assert world.starts() == []


@pytest.mark.usefixtures("elsewhere")
def test_nobody_waits_for_another_process_beyond_the_time_allowed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.OTHERS_WAITS", (100.0,))
    assert world.initiate(world.person()).json["status"] == "unstarted"


def test_a_start_that_may_be_under_way_elsewhere_is_left_to_whoever_makes_it(world: World) -> None:
    """By Kratos' clock: that of whoever noted it may be hours behind."""
    world.person_with(Record(status=Status.UNSTARTED, asked_at=days_ago(1)))
    assert wiring.for_commands(world.settings).sweeper(threading.Event()).sweep() == Report(scanned=1, unchanged=1)
    assert world.starts() == []


# --- the index of what is open ---


def due(monkeypatch: pytest.MonkeyPatch, *batches: list[str] | None) -> list[str]:
    """What the index tells, one after the other; gives who is taken out of it."""
    left, gone = iter(batches), list[str]()
    monkeypatch.setattr(Local, "take_due", lambda self, at_most, *, lease: next(left))
    monkeypatch.setattr(Local, "unschedule", lambda self, identity_id: gone.append(identity_id))
    return gone


def sweep_due(world: World) -> Report | None:
    return wiring.for_commands(world.settings).sweeper(threading.Event()).sweep_due()


def test_without_an_index_there_is_no_sweep_by_it(world: World) -> None:
    assert sweep_due(world) is None


def test_whoever_is_due_is_looked_at_and_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [world.person(name) for name in ("one", "other", "third")]
    for person in people:
        world.initiate(person)
        world.says(world.jumio.truth(person)[0], "passed")
    gone = due(monkeypatch, people[:1], [people[1], OTHER_IDENTITY], [])
    assert sweep_due(world) == Report(scanned=2, settled=2)
    assert [world.record(person)[0]["status"] for person in people] == ["approved", "approved", "pending"]
    assert OTHER_IDENTITY in gone, "who was deleted"


def test_an_index_that_is_lost_on_the_way_ends_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    due(monkeypatch, [world.person_with(verified())], None)
    assert sweep_due(world) == Report(scanned=1, unchanged=1)


def test_it_ends_between_two_people_when_it_is_to_stop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [world.person(f"person-{number}") for number in range(3)]
    for person in people:
        world.initiate(person)
        world.says(world.jumio.truth(person)[0], "passed")
    due(monkeypatch, people)
    stop = threading.Event()

    def stopping(request: Request) -> None:
        stop.set()

    world.jumio.server.faults = stopping
    assert wiring.for_commands(world.settings).sweeper(stop).sweep_due() == Report(scanned=1, settled=1)


def test_a_kratos_that_is_down_ends_it_as_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "FIRST_PAUSE_SECONDS", 0.005)
    due(monkeypatch, [world.person()])
    world.kratos.server.faults = lambda request: faults.answer(503)
    assert sweep_due(world) == Report(failed=1)
