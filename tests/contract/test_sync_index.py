# SPDX-License-Identifier: Apache-2.0
"""`sync` as a companion: whom it looks at and when, alone and by the index of what is open. No test waits for it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from coordination.conftest import _server, server  # noqa: F401  # fixtures: a real server of the run
from coordination.servers import Server
from support import World, approved, days_ago

from benchmarks.hour import AGE
from sandbox import faults
from webhook import wiring
from webhook.coordination.valkey import OPEN, Shared
from webhook.core.schedule import POINTS
from webhook.core.status import Status, Verdict
from webhook.verification.sweep import FULL_AGAIN_SECONDS, LEASE_SECONDS, MEANWHILE_EVERY_SECONDS, Report, Sweeper
from webhook.wiring import Services

REJECTED = replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED)


class Town:
    """A world, and a clock that only goes when it is put forward; that of the index is put forward with it."""

    def __init__(self, world: World, valkey: Server | None) -> None:
        self.world = world
        self.valkey = valkey
        self.skipped = 0.0
        self._processes = [world.services]

    def close(self) -> None:
        for services in self._processes:
            if isinstance(services.coordination, Shared):
                services.coordination._client.close()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped)

    def seconds(self) -> float:
        return time.monotonic() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += seconds
        if self.valkey is not None:
            self.valkey.do("EVAL", AGE, 1, OPEN, seconds)

    def services(self) -> Services:
        """Of one more process."""
        services = wiring.for_commands(self.world.settings, clock=self.now)
        self._processes.append(services)
        schedule = services.coordination.schedule
        services.coordination.schedule = lambda each, due: schedule(each, due - self.skipped)  # type: ignore[method-assign]  # by Valkey's clock
        return services

    def sweeper(self, *, stop: threading.Event | None = None, services: Services | None = None) -> Sweeper:
        return (services or self.services()).sweeper(stop or threading.Event(), seconds=self.seconds)

    def started(self, name: str = "person") -> tuple[str, str]:
        identity_id = self.world.person(name)
        answer = self.world.initiate(identity_id).json
        assert answer is not None
        return identity_id, answer["workflow_execution_id"]

    def pages(self) -> int:
        """How often a page of everybody was asked for."""
        return sum("page_size=" in each.query for each in self.lists())

    def lists(self) -> list[Any]:
        return [each for each in self.world.kratos.server.requests if each.path == "/admin/identities"]

    def readings(self) -> int:
        return sum("/workflow-executions/" in each.path for each in self.world.jumio.server.requests)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.verification.walk.FIRST_PAUSE_SECONDS", 0.005)


@pytest.fixture
def alone(world: World) -> Town:
    return Town(world, None)


@pytest.fixture
def indexed(make_world: Callable[..., World], server: Server) -> Iterator[Town]:
    town = Town(make_world(REDIS_URL=f"unix://{server.url.path}"), server)
    yield town
    town.close()


@pytest.fixture(params=["alone", "indexed"])
def town(request: pytest.FixtureRequest) -> Town:
    made: Town = request.getfixturevalue(request.param)
    return made


# --- when ---


def test_what_is_open_is_read_by_jumios_schedule_and_not_at_every_turn(town: Town) -> None:
    """An hour of turns, one a minute; the one open person is read ten times, and those who are settled never."""
    town.started()
    for number in range(3):
        town.world.person_with(approved(), f"settled-{number}")
    sweeper = town.sweeper()
    town.world.forget_calls()
    town.skip(1)
    reads, at = [], 1
    for _ in range(60):
        before = town.readings()
        assert sweeper.turn(full_every=7200).failed == 0
        reads += [at] * (town.readings() - before)
        town.skip(60)
        at += 60
    assert reads == [1, 61, 121, 181, 241, 361, 481, 601, 781, 961]
    assert town.pages() == (60 if town.valkey is None else 1)
    by_ids = len(town.lists()) - town.pages()
    assert by_ids == (0 if town.valkey is None else len(reads) - 1), "in a turn at which nobody is due nobody is read"


def test_a_lost_callback_is_healed_at_the_first_point_after_it(town: Town) -> None:
    identity_id, workflow_id = town.started()
    sweeper = town.sweeper()
    sweeper.turn(full_every=3600)
    town.world.jumio.decide(workflow_id, "passed", callback=False)
    town.skip(POINTS[0] - 5)
    assert sweeper.turn(full_every=3600).settled == 0
    town.skip(6)
    assert sweeper.turn(full_every=3600).settled == 1
    assert town.world.record(identity_id)[0]["status"] == "approved"
    town.skip(3600)
    town.world.forget_calls()
    sweeper.turn(full_every=1e9)
    assert town.readings() == 0


def test_everybody_is_paged_through_at_the_start_and_once_an_hour(indexed: Town) -> None:
    indexed.started()
    sweeper = indexed.sweeper()
    indexed.world.forget_calls()
    full = []
    for minute in range(181):
        if sweeper.turn(full_every=3600).full:
            full.append(minute)
        indexed.skip(60)
    assert full == [0, 60, 120, 180]
    assert indexed.pages() == 4


def test_full_sweeps_may_be_rare(indexed: Town) -> None:
    """The index is taken for complete until the next one."""
    sweeper = indexed.sweeper()
    full = []
    for hour in range(13):
        if sweeper.turn(full_every=6 * 3600).full:
            full.append(hour)
        indexed.skip(3600)
    assert full == [0, 6, 12]


def test_without_an_index_every_turn_pages_through_everybody(alone: Town) -> None:
    sweeper = alone.sweeper()
    assert [sweeper.turn(full_every=3600).full for _ in range(3)] == [True] * 3


def test_a_full_sweep_that_was_broken_off_is_made_again_soon(indexed: Town) -> None:
    sweeper = indexed.sweeper()
    assert sweeper.turn(full_every=3600).whole
    indexed.skip(3600)
    indexed.world.kratos.server.faults = lambda request: faults.answer(503)
    report = sweeper.turn(full_every=3600)
    assert (report.full, report.whole, report.failed) == (True, False, 1)
    indexed.world.kratos.server.faults = None
    assert not sweeper.turn(full_every=3600).full
    indexed.skip(FULL_AGAIN_SECONDS)
    assert sweeper.turn(full_every=3600).whole
    indexed.skip(FULL_AGAIN_SECONDS)
    assert not sweeper.turn(full_every=3600).full


def test_while_everybody_is_paged_through_whoever_is_due_is_looked_at(indexed: Town, log_lines: list[str]) -> None:
    """A small bucket of Kratos' may make a full sweep last for an hour."""
    identity_id, workflow_id = indexed.started()
    sweeper = indexed.sweeper()
    sweeper.turn(full_every=3600)
    for number in range(3):
        indexed.world.person_with(approved(), f"settled-{number}")
    indexed.world.jumio.decide(workflow_id, "passed", callback=False)
    log_lines.clear()
    page = sweeper._walk._identities.page

    def slow(*arguments: Any, **options: Any) -> Any:
        told = page(*arguments, **options)
        indexed.skip(MEANWHILE_EVERY_SECONDS + POINTS[0])
        return [each for each in told[0] if each.id != identity_id], told[1]

    sweeper._walk._identities.page = slow  # type: ignore[method-assign]  # of one instance
    assert sweeper.sweep() == Report(scanned=3, unchanged=3)
    assert indexed.world.record(identity_id)[0]["status"] == "approved"
    assert [json.loads(line.partition("sync.done ")[2])["full"] for line in log_lines if "sync.done" in line] == [
        False,
        True,
    ]


def test_nobody_is_read_one_by_one_of_whom_there_is_no_news(town: Town) -> None:
    """A list has told everybody already; what is written builds on what stands then."""
    people = [town.started(f"person-{number}") for number in range(3)]
    sweeper = town.sweeper()
    town.world.forget_calls()
    town.skip(1)
    assert sweeper.turn(full_every=3600) == Report(scanned=3, unchanged=3)
    assert {each.path for each in town.world.kratos.server.requests} == {"/admin/identities"}
    town.world.jumio.decide(people[0][1], "passed", callback=False)
    town.skip(60)
    assert sweeper.turn(full_every=3600) == Report(scanned=3, settled=1, unchanged=2)
    others = [each for each in town.world.kratos.server.requests if each.path != "/admin/identities"]
    assert [each.method for each in others] == ["GET", "PATCH"]


def test_what_others_wrote_since_the_list_was_read_stays(alone: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    identity_id, workflow_id = alone.started()
    sweeper = alone.sweeper()
    alone.world.jumio.decide(workflow_id, "passed", callback=False)
    look = sweeper._settler.look

    def later(*arguments: Any, **options: Any) -> Any:
        patch = [{"op": "add", "path": "/metadata_public/theirs", "value": 1}]
        alone.world.kratos.identities.patch(identity_id, patch)
        [workflow] = alone.world.jumio.truth(identity_id)
        assert alone.world.call_back(workflow).json == {"result": "applied"}
        return look(*arguments, **options)

    monkeypatch.setattr(sweeper._settler, "look", later)
    assert sweeper.sweep() == Report(scanned=1, unchanged=1)
    identity = alone.world.kratos.identity(identity_id)
    assert identity["metadata_public"]["theirs"] == 1
    events = [each["event"] for each in identity["metadata_admin"]["jumio"]["history"]]
    assert events == ["verification.started", "verification.settled"]


# --- the index ---


def test_what_a_sweeper_took_who_was_killed_comes_back(indexed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [indexed.started(f"person-{number}") for number in range(3)]
    services = indexed.services()
    doomed, other = indexed.sweeper(services=services), indexed.sweeper()
    assert other.turn(full_every=3600).whole
    for _, workflow_id in people:
        indexed.world.jumio.decide(workflow_id, "passed", callback=False)
    indexed.skip(POINTS[0] + 1)

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(services.settler, "look", die)
    with pytest.raises(SystemExit):
        doomed.sweep_due()
    assert other.turn(full_every=3600) == Report(), "until its lease is over they are taken"
    indexed.skip(LEASE_SECONDS + 1)
    assert other.turn(full_every=3600) == Report(scanned=3, settled=3)
    assert {indexed.world.record(each)[0]["status"] for each, _ in people} == {"approved"}


def test_a_lost_index_leads_to_a_full_sweep_and_is_complete_again_after_it(indexed: Town) -> None:
    identity_id, workflow_id = indexed.started()
    sweeper = indexed.sweeper()
    assert sweeper.turn(full_every=3600).full
    assert not sweeper.turn(full_every=3600).full
    assert indexed.valkey is not None
    indexed.valkey.do("FLUSHALL")
    assert sweeper.turn(full_every=3600).full
    indexed.world.jumio.decide(workflow_id, "rejected", callback=False)
    indexed.skip(POINTS[0] + 1)
    report = sweeper.turn(full_every=3600)
    assert (report, report.full) == (Report(scanned=1, settled=1), False)
    assert indexed.world.record(identity_id)[0]["status"] == "rejected"


def test_whoever_has_nothing_open_leaves_the_index_whoever_has_looked(indexed: Town) -> None:
    """A call that was lost may have left them there; so may those who were deleted."""
    services = indexed.services()
    sweeper = indexed.sweeper(services=services)
    sweeper.turn(full_every=3600)
    settled, deleted = indexed.world.person_with(approved()), "7a1cbd0c-3c5e-4b0f-9a55-0f8e3c9d2b11"
    for each in (settled, deleted):
        services.coordination.schedule(each, time.time() - 1)
    assert sweeper.turn(full_every=3600) == Report(scanned=1, unchanged=1)
    assert services.coordination.next_due() is None


def test_what_is_remembered_of_looks_goes_with_what_was_open(town: Town) -> None:
    people = [town.started(f"person-{number}") for number in range(3)]
    sweeper = town.sweeper()
    sweeper.sweep()
    assert len(sweeper._looked_at) == 3
    for _, workflow_id in people:
        town.world.jumio.decide(workflow_id, "passed", callback=False)
    town.skip(POINTS[0] + 1)
    assert sweeper.sweep().settled == 3
    sweeper.sweep()
    assert sweeper._looked_at == {}


def test_one_who_is_too_large_to_be_read_keeps_nobody_else_from_being_looked_at(indexed: Town) -> None:
    identity_id, workflow_id = indexed.started()
    services = indexed.services()
    sweeper = indexed.sweeper(services=services)
    sweeper.turn(full_every=3600)
    large = indexed.world.person("large", metadata_public={"theirs": "x" * (1 << 20)})
    services.coordination.schedule(large, time.time() - 1)
    indexed.world.jumio.decide(workflow_id, "passed", callback=False)
    indexed.skip(POINTS[0] + 1)
    assert sweeper.turn(full_every=3600) == Report(scanned=1, settled=1)
    assert indexed.world.record(identity_id)[0]["status"] == "approved"


def test_a_kratos_that_is_away_leaves_those_who_are_due_to_the_next_turn(indexed: Town) -> None:
    _, workflow_id = indexed.started()
    sweeper = indexed.sweeper()
    sweeper.turn(full_every=3600)
    indexed.world.jumio.decide(workflow_id, "passed", callback=False)
    indexed.skip(POINTS[0] + 1)
    indexed.world.kratos.server.faults = lambda request: faults.answer(503)
    assert sweeper.turn(full_every=3600) == Report(failed=1)
    indexed.world.kratos.server.faults = None
    indexed.skip(LEASE_SECONDS + 1)
    assert sweeper.turn(full_every=3600) == Report(scanned=1, settled=1)


# --- sessions of the rejected ---


def rejected(town: Town, name: str, *, ago: float) -> str:
    """Somebody whose rejection was written so many seconds ago, by any clock."""
    at = town.now() - timedelta(seconds=ago)
    return town.world.person_with(REJECTED.with_event("verification.settled", now=at), name)


def deletions(town: Town) -> int:
    return sum(each.method == "DELETE" for each in town.world.kratos.server.requests)


def test_many_who_were_rejected_cost_no_calls(alone: Town) -> None:
    for number in range(1000):
        rejected(alone, f"person-{number}", ago=601)
    alone.world.kratos.identities.untouched_since(days_ago(1))
    alone.world.forget_calls()
    assert alone.sweeper().sweep() == Report(scanned=1000, unchanged=1000)
    assert len(alone.world.kratos.server.requests) == alone.pages() <= 8
    assert alone.world.jumio.server.requests == []


@pytest.mark.parametrize(("ago", "ends"), [(0, 1), (599, 1), (601, 0), (-300, 1)])
def test_sessions_of_the_rejected_are_ended_for_ten_minutes(alone: Town, ago: float, ends: int) -> None:
    """By a clock that is ahead of ours as well."""
    identity_id = rejected(alone, "person", ago=ago)
    alone.world.kratos.identities.untouched_since(days_ago(1))
    alone.world.kratos.identities.sign_in(identity_id, "password")
    assert alone.sweeper().sweep().settled == ends
    assert deletions(alone) == ends


def test_a_session_that_began_during_a_rejection_is_ended_by_the_index_too(indexed: Town) -> None:
    identity_id, _ = indexed.started()
    sweeper = indexed.sweeper()
    sweeper.turn(full_every=3600)
    [workflow] = indexed.world.jumio.truth(identity_id)
    indexed.world.says(workflow, "rejected")
    assert indexed.world.call_back(workflow).json == {"result": "applied"}
    indexed.world.kratos.identities.sign_in(identity_id, "password")
    indexed.skip(61)
    assert sweeper.turn(full_every=3600) == Report(scanned=1, settled=1)
    assert indexed.world.kratos.sessions(identity_id) == []
    indexed.world.forget_calls()
    indexed.world.kratos.identities.untouched_since(days_ago(1))
    for _ in range(20):
        indexed.skip(61)
        sweeper.turn(full_every=3600)
    assert 3 <= deletions(indexed) <= 9
    assert indexed.services().coordination.next_due() is None, "after ten minutes nobody looks any more"


# --- what it tells ---


def test_the_end_of_a_sweep_is_told_with_what_it_was(indexed: Town, log_lines: list[str]) -> None:
    _, workflow_id = indexed.started()
    indexed.world.person_with(approved(), "settled")
    sweeper = indexed.sweeper()
    sweeper.turn(full_every=3600)
    indexed.world.jumio.decide(workflow_id, "passed", callback=False)
    indexed.skip(POINTS[0] + 1)
    sweeper.turn(full_every=3600)
    told = [json.loads(line.partition("sync.done ")[2]) for line in log_lines if "sync.done" in line]
    assert [(each["full"], each["whole"], each["due"]) for each in told] == [(True, True, 1), (False, False, 1)]
    assert [each["report"]["scanned"] for each in told] == [2, 1]
    assert all(0 <= each["duration_s"] < 60 for each in told)


def test_a_sweep_that_is_stopped_was_not_whole(indexed: Town, log_lines: list[str]) -> None:
    indexed.started()
    stop = threading.Event()
    stop.set()
    report = indexed.sweeper(stop=stop).turn(full_every=3600)
    assert (report.full, report.whole) == (True, False)
    assert indexed.services().coordination.take_due(1, lease=1) is None, "nor is the index complete"
