# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook sync`: what it starts, settles, heals and leaves alone, and that nothing that fails stops it."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import ACCOUNT, FACE_PASSED, OTHER_IDENTITY, World, approved, days_ago, pending, verified

from sandbox import faults
from sandbox.server import Request
from webhook import limits, wiring
from webhook.core.record import Record, Reverification
from webhook.core.start import LEFT_ALONE_FOR, not_started
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.documents import patch_of
from webhook.verification import walk
from webhook.verification.sweep import Report, Sweeper

UNSTARTED = Record(status=Status.UNSTARTED)
Command = Callable[..., int]


def sweeper_of(world: World, *, stop: threading.Event | None = None, **options: Any) -> Sweeper:
    """As the command makes it."""
    return wiring.for_commands(world.settings).sweeper(stop or threading.Event(), **options)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "FIRST_PAUSE_SECONDS", 0.005)


def started_person(world: World, name: str = "person") -> tuple[str, str]:
    """(identity id, workflow id) of somebody whose workflow was started through the service."""
    identity_id = world.person(name)
    answer = world.initiate(identity_id)
    assert answer.json is not None
    return identity_id, answer.json["workflow_execution_id"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("passed", "approved"), ("warning", "review"), ("rejected", "rejected"), ("not_executed", "incomplete")],
)
def test_an_open_verification_is_settled(world: World, outcome: str, status: str) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, outcome, callback=False)

    report = sweeper_of(world).sweep()

    assert report == Report(scanned=1, settled=1)
    public, admin = world.record(identity_id)
    assert public["status"] == admin["status"] == status
    assert sweeper_of(world).sweep().settled == 0


@pytest.mark.parametrize(
    ("outcome", "status", "event"),
    [
        ("passed", "approved", "verification.settled"),
        ("warning", "review", "verification.settled"),
        ("rejected", "rejected", "verification.settled"),
        ("expire", "approved", "reverification.lapsed"),
    ],
)
def test_an_open_reverification_is_settled(world: World, outcome: str, status: str, event: str) -> None:
    identity_id = world.verified_person()
    world.reverify(identity_id, due_in="7d")
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    world.says(world.jumio.truth(identity_id)[-1], outcome)

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)

    public, admin = world.record(identity_id)
    assert (public["status"], admin["history"][-1]["event"]) == (status, event)
    assert ("reverification" in public) is (outcome == "expire")
    world.forget_calls()
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []


def test_a_face_that_passed_is_renewed(world: World) -> None:
    identity_id = world.verified_person()
    before = world.record(identity_id)[0]
    world.reverify(identity_id, due_in="7d")
    world.says(world.jumio.truth(identity_id)[-1], "passed", capabilities=FACE_PASSED)
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    after = world.record(identity_id)[0]
    assert after == {**before, "assurance": {**before["assurance"], "verified_at": after["assurance"]["verified_at"]}}
    assert after["assurance"]["verified_at"] > before["assurance"]["verified_at"]


def test_what_is_due_and_not_open_is_left_to_the_gate(world: World) -> None:
    """A start costs money: only a hook or a command that names somebody orders one."""
    further = Reverification(reason="risk", due_at="2026-01-01T00:00:00.000Z")
    world.person_with(verified(reverification=further))
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []


def test_a_further_workflow_that_jumio_does_not_know_for_a_day_is_due_again(world: World) -> None:
    identity_id = world.verified_person()
    world.reverify(identity_id, due_in="7d")
    workflow = world.jumio.truth(identity_id)[-1]
    world.jumio.delete(workflow.account_id, workflow.id)
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)

    def long_ago(record: Record) -> Record:
        assert record.reverification is not None
        at = days_ago(2)
        return replace(record, reverification=replace(record.reverification, initiated_at=at))

    world.change(identity_id, long_ago)
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.record(identity_id)[0]["reverification"]["workflow_execution_id"] is None
    assert world.record(identity_id)[0]["status"] == "approved"


@pytest.mark.parametrize("copy", ["metadata_public", "metadata_admin"])
def test_an_open_reverification_survives_the_loss_of_a_copy(world: World, copy: str) -> None:
    identity_id = world.verified_person()
    world.reverify(identity_id, due_in="7d")
    before = world.record(identity_id)
    world.kratos.identities.patch(identity_id, [{"op": "remove", "path": f"/{copy}"}])
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    after = world.record(identity_id)
    assert after[0]["reverification"] == before[0]["reverification"]
    assert after[1]["reverification"]["workflow_execution_id"] == before[1]["reverification"]["workflow_execution_id"]
    assert after[0]["assurance"] == before[0]["assurance"]


@pytest.mark.parametrize("copy", ["metadata_public", "metadata_admin"])
def test_a_lost_copy_is_healed_and_told_though_the_vendor_tells_another_time(
    world: World, log_lines: list[str], copy: str
) -> None:
    """A reading that only moves the creation by a millisecond is no news; that a copy was lost is."""
    identity_id, workflow_id = started_person(world)
    with world.jumio.lock:
        world.jumio.workflow(workflow_id).created_at += 0.005
    world.kratos.identities.patch(identity_id, [{"op": "remove", "path": f"/{copy}"}])
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert len([line for line in log_lines if "verification.healed" in line]) == 1


def asked_for(age: timedelta) -> Record:
    """Somebody for whom a start was asked for and not made, so long ago."""
    return not_started(Record(), is_certain=True, now=datetime.now(UTC) - age)


def test_a_start_that_is_due_is_made(world: World) -> None:
    identity_id = world.person_with(asked_for(LEFT_ALONE_FOR + timedelta(seconds=1)))

    assert sweeper_of(world).sweep() == Report(scanned=1, started=1)

    public, admin = world.record(identity_id)
    assert public["status"] == "pending"
    assert [event["event"] for event in admin["history"]] == ["verification.unstarted", "verification.started"]
    assert len(world.jumio.workflows) == 1


def test_one_that_was_just_asked_for_is_left_to_its_hook(world: World) -> None:
    """Kratos repeats its hooks, and a person presses again; two starts would be paid for."""
    identity_id = world.person_with(asked_for(LEFT_ALONE_FOR - timedelta(seconds=5)))

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []
    assert sweeper_of(world).sweep_one(identity_id) == Report(scanned=1, started=1), "naming it is an order"


def test_sweeps_of_one_process_start_nobody_twice(world: World) -> None:
    identity_id = world.person_with(UNSTARTED)
    services = wiring.for_commands(world.settings)
    sweepers = [services.sweeper(threading.Event()) for _ in range(3)]
    threads = [threading.Thread(target=sweeper.sweep) for sweeper in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.jumio.truth(identity_id)) == 1


@pytest.mark.parametrize("record", [None, approved(), replace(approved(), status=Status.INCOMPLETE, verdict=None)])
def test_what_is_settled_or_was_never_asked_for_costs_no_call(world: World, record: Record | None) -> None:
    if record is None:
        world.person()
    else:
        world.person_with(record)
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)

    assert world.calls() == ["kratos GET"]


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW])
def test_a_level_from_before_there_were_steps_gets_them_and_jumio_is_not_asked(world: World, status: Status) -> None:
    """Version 1.0 wrote none: its records are brought up to date without a reading."""
    record = verified(status=status)
    assert record.assurance is not None
    identity_id = world.person_with(replace(record, assurance=replace(record.assurance, steps=None)))
    assert "steps" not in world.record(identity_id)[0]["assurance"]
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.jumio.server.requests == []
    public, admin = world.record(identity_id)
    assert public["assurance"] == admin["assurance"]
    assert public["assurance"]["steps"] == []
    assert admin["history"] == list(record.history)
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)


def test_500_identities_are_asked_for_at_once(world: World) -> None:
    world.person()
    world.forget_calls()
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    [request] = world.kratos.server.requests
    assert request.query == "page_size=500"


@pytest.mark.usefixtures("small_pages")
def test_every_page_is_read(world: World) -> None:
    for number in range(7):
        world.person(f"person-{number}")
    world.forget_calls()
    assert sweeper_of(world).sweep() == Report(scanned=7, unchanged=7)
    assert len(world.kratos.server.requests) == 3


@pytest.mark.parametrize("copy", ["metadata_public", "metadata_admin"])
def test_a_verdict_that_somebody_else_forged_is_healed(world: World, copy: str) -> None:
    """All kinds of damage: test_record.py."""
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "rejected", callback=False)
    sweeper_of(world).sweep()
    before = world.record(identity_id)
    forged = {**world.kratos.identity(identity_id)[copy]["jumio"], "status": "approved", "verdict": "PASSED"}
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": f"/{copy}", "value": {"jumio": forged}}])

    assert sweeper_of(world).sweep().settled == 1
    after = world.record(identity_id)
    assert after[0] == before[0]
    assert {**after[1], "history": []} == {**before[1], "history": []}


def test_a_rejected_person_has_no_live_session_after_the_sweep(world: World) -> None:
    rejected = replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED)
    identity_id = world.person_with(rejected)
    world.kratos.identities.sign_in(identity_id, "password")

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.kratos.sessions(identity_id) == []
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)


def test_block_leaves_sessions_alone(make_world: Callable[..., World]) -> None:
    world = make_world(ON_REJECTED="block")
    identity_id = world.person_with(replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED))
    world.kratos.identities.sign_in(identity_id, "password")

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert len(world.kratos.sessions(identity_id)) == 1


def test_deactivate_is_made_good(make_world: Callable[..., World]) -> None:
    world = make_world(ON_REJECTED="deactivate")
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "rejected", callback=False)
    sweeper_of(world).sweep()
    assert world.kratos.identity(identity_id)["state"] == "inactive"
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": "/state", "value": "active"}])

    assert sweeper_of(world).sweep().settled == 1

    assert world.kratos.identity(identity_id)["state"] == "inactive"


def test_a_workflow_that_jumio_does_not_know_for_a_day_becomes_incomplete(world: World) -> None:
    old = world.person_with(pending(initiated_at=days_ago(2)), "old")
    young = world.person_with(pending(initiated_at=days_ago(0.1)), "young")

    sweeper_of(world).sweep()

    assert world.record(old)[0]["status"] == "incomplete"
    assert world.record(young)[0]["status"] == "pending"


def test_one_failing_identity_never_stops_the_sweep(world: World) -> None:
    people = [started_person(world, f"person-{number}") for number in range(4)]
    for _, workflow_id in people:
        world.jumio.decide(workflow_id, "passed", callback=False)
    broken = people[1][1]
    world.jumio.server.faults = lambda request: faults.answer(500) if broken in request.path else None

    assert sweeper_of(world).sweep() == Report(scanned=4, settled=3, failed=1)

    assert sorted(world.record(identity_id)[0]["status"] for identity_id, _ in people) == ["approved"] * 3 + ["pending"]


def test_a_defect_of_ours_stops_nobody_elses_healing(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    def look(identity_id: str, choice: Any, **_: Any) -> Any:
        raise ZeroDivisionError("with a name in it: Jane")

    started_person(world)
    healthy = world.person_with(UNSTARTED, "another")
    services = wiring.for_commands(world.settings)
    monkeypatch.setattr(services.settler, "look", look)

    assert services.sweeper(threading.Event()).sweep() == Report(scanned=2, started=1, failed=1)
    assert world.record(healthy)[0]["status"] == "pending"

    crashed = [line for line in log_lines if "sync.crashed" in line]
    assert len(crashed) == 1
    assert "ZeroDivisionError" in crashed[0]
    assert "Jane" not in crashed[0]


def test_nor_does_one_in_finding_out_what_is_to_be_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [started_person(world, f"person-{number}")[0] for number in range(2)]
    services = wiring.for_commands(world.settings)
    unusual, due = people[0], services.coordination.schedule

    def schedule(identity_id: str, at: float) -> None:
        if identity_id == unusual:
            raise ZeroDivisionError
        due(identity_id, at)

    monkeypatch.setattr(services.coordination, "schedule", schedule)
    assert services.sweeper(threading.Event()).sweep() == Report(scanned=2, unchanged=1, failed=1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_trouble_of_jumio_is_waited_out(world: World, status: int) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "passed", callback=False)
    left = iter([faults.answer(status), faults.answer(status)])
    world.jumio.server.faults = lambda request: next(left, None) if workflow_id in request.path else None

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.record(identity_id)[0]["status"] == "approved"


def test_a_rate_limited_start_is_tried_again_and_any_other_failure_is_not(world: World) -> None:
    def posts(request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/accounts")

    identity_id = world.person_with(UNSTARTED)
    left = iter([faults.answer(429)])
    world.jumio.server.faults = lambda request: next(left, None) if posts(request) else None
    assert sweeper_of(world).sweep() == Report(scanned=1, started=1)

    other = world.person_with(UNSTARTED, "other")
    world.jumio.server.faults = lambda request: faults.reset(processed=True) if posts(request) else None
    assert sweeper_of(world).sweep() == Report(scanned=2, unchanged=1, failed=1)
    assert len(world.jumio.truth(other)) == 1, "it may have been started, and so it was: not again in this sweep"
    assert world.record(identity_id)[0]["status"] == "pending"
    _, admin = world.record(other)
    assert [event["event"] for event in admin["history"]] == ["verification.unstarted"]


def test_while_a_peer_is_down_the_sweep_does_not_wait_at_every_identity(world: World) -> None:
    for number in range(10):
        started_person(world, f"person-{number}")
    world.jumio.server.faults = lambda request: faults.answer(503) if "/accounts/" in request.path else None
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=10, failed=10)

    reads = [request for request in world.jumio.server.requests if "/workflow-executions/" in request.path]
    assert len(reads) == walk.HOPELESS_AFTER * walk.TRIES + 10 - walk.HOPELESS_AFTER


def test_kratos_rate_limit_is_waited_for_as_long_as_it_says(world: World) -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    world.person()
    left = iter([faults.answer(429, headers={"x-ratelimit-reset": "7"})])
    world.kratos.server.faults = lambda request: next(left, None)

    assert sweeper_of(world, stop=Stop()).sweep() == Report(scanned=1, unchanged=1)
    assert waits == [7.0]


def test_a_kratos_that_stays_down_ends_the_sweep_as_failed(world: World) -> None:
    world.kratos.server.faults = lambda request: faults.answer(503)

    assert sweeper_of(world).sweep() == Report(failed=1)


def test_a_workflow_that_could_not_be_noted_is_not_started_again_in_this_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0, 0.0))
    identity_id = world.person_with(UNSTARTED)
    world.kratos.server.faults = lambda request: (
        faults.answer(500) if request.method == "PATCH" and b"verification.started" in request.body else None
    )

    assert sweeper_of(world).sweep() == Report(scanned=1, failed=1)
    assert len(world.jumio.truth(identity_id)) == 1


def test_nothing_is_started_after_the_word_to_stop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have waited for its turn in Jumio's limits."""
    identity_id = world.person_with(UNSTARTED)
    stop = threading.Event()
    services = wiring.for_commands(world.settings)
    sweeper = services.sweeper(stop)
    monkeypatch.setattr(sweeper, "_wait_for_start", stop.set)

    assert sweeper.sweep() == Report(scanned=1, unchanged=1)
    assert world.record(identity_id)[1]["history"] == []
    assert world.jumio.server.requests == []


def test_stopping_ends_a_sweep_between_two_identities(world: World) -> None:
    for number in range(3):
        world.person_with(pending(account_id=ACCOUNT), f"person-{number}")
    stop = threading.Event()

    def after_the_first(report: Report) -> None:
        stop.set()

    assert sweeper_of(world, stop=stop, progress=after_the_first).sweep().scanned == 1


@pytest.mark.parametrize(
    ("record", "report"),
    [
        (None, Report(scanned=1, started=1)),
        (UNSTARTED, Report(scanned=1, started=1)),
        (replace(approved(), status=Status.INCOMPLETE, account_id=None, workflow_execution_id=None),
         Report(scanned=1, started=1)),
        (replace(approved(), account_id=None, workflow_execution_id=None),
         Report(scanned=1, unchanged=1, reason="approved already; reverify asks the person to do it again")),
    ],
)  # fmt: skip
def test_naming_an_identity_starts_whatever_it_lacks(world: World, record: Record | None, report: Report) -> None:
    identity_id = world.person() if record is None else world.person_with(record)

    assert sweeper_of(world).sweep_one(identity_id) == report


def test_naming_an_identity_settles_it(world: World) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "passed", callback=False)

    assert sweeper_of(world).sweep_one(identity_id) == Report(scanned=1, settled=1)
    again = sweeper_of(world).sweep_one(identity_id)
    assert (again.unchanged, again.reason) == (1, "approved already; reverify asks the person to do it again")


def test_naming_nobody_fails(world: World) -> None:
    assert sweeper_of(world).sweep_one(OTHER_IDENTITY) == Report(scanned=1, failed=1)


def test_a_workflow_that_jumio_knows_again_is_settled_after_all(world: World) -> None:
    """A wrong URL or account for an hour must not cost a verdict."""
    identity_id, workflow_id = started_person(world)
    with world.jumio.lock:
        record = pending(
            account_id=world.jumio.workflow(workflow_id).account_id,
            workflow_execution_id=workflow_id,
            initiated_at=days_ago(2),
        )
    world.kratos.identities.patch(identity_id, patch_of(record))
    world.jumio.decide(workflow_id, "rejected", callback=False)
    world.jumio.server.faults = lambda request: faults.answer(404) if workflow_id in request.path else None
    sweeper_of(world).sweep()
    assert world.record(identity_id)[0]["status"] == "incomplete"

    world.jumio.server.faults = None
    sweeper_of(world).sweep()

    assert world.record(identity_id)[0]["status"] == "rejected"


def test_an_identity_that_is_too_large_to_be_read_keeps_nobody_else_from_being_healed(world: World) -> None:
    people = [started_person(world, f"person-{number}") for number in range(4)]
    for _, workflow_id in people:
        world.jumio.decide(workflow_id, "passed", callback=False)
    world.person("large", metadata_public={"theirs": "x" * (1 << 20)})

    report = sweeper_of(world).sweep()

    assert report == Report(scanned=5, settled=4, failed=1)


@pytest.mark.usefixtures("small_pages")
def test_a_page_is_tried_again_however_many_identities_failed_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        started_person(world, f"person-{number}")
    pages = 0

    def weather(request: Request) -> faults.Fault | None:
        nonlocal pages
        if "/workflow-executions/" in request.path:
            return faults.answer(403)
        if "page_token" in request.query and request.method == "GET":
            pages += 1
            return faults.answer(503) if pages == 1 else None
        return None

    world.jumio.server.faults = world.kratos.server.faults = weather

    assert sweeper_of(world).sweep() == Report(scanned=5, failed=5)


def test_a_call_may_wait_for_its_turn_in_jumios_limits() -> None:
    """Five starts in five seconds: the sixth waits for that long."""
    assert limits.COMMAND_JUMIO_SECONDS > 2 * 5


# --- the command ---


def test_it_prints_what_it_did(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.person()
    assert command("sync") == 0
    assert capsys.readouterr().out == "scanned 1, started 0, settled 0, unchanged 1, failed 0\n"


def test_json_is_for_machines(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.person()
    assert command("sync", "--json") == 0
    assert json.loads(capsys.readouterr().out) == Report(scanned=1, unchanged=1).as_dict()


def test_a_failure_shows_in_the_exit_status(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.kratos.server.faults = lambda request: faults.answer(503)
    assert command("sync") == 1


def test_an_identity_id_that_is_none_is_refused(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("sync", "--identity", "jane") == 2
    assert "'jane' is none" in capsys.readouterr().err


def test_one_identity(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    identity_id = world.person()
    assert command("sync", "--identity", identity_id.upper()) == 0
    assert world.record(identity_id)[0]["status"] == "pending"


def stop_after_two_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(threading.Event):
        sweeps = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.sweeps += 1
            return self.sweeps == 2

    monkeypatch.setattr("webhook.commands.sync.threading", SimpleNamespace(Event=Stop))


def test_every_sweeps_until_it_is_told_to_stop(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after_two_sweeps(monkeypatch)
    assert command("sync", "--every", "60") == 0
    assert capsys.readouterr().out.count("scanned") == 2


@pytest.mark.parametrize("every", [[], ["--every", "60"]])
def test_a_report_that_nobody_takes_ends_a_single_sweep_and_not_a_companion(
    command: Command, world: World, monkeypatch: pytest.MonkeyPatch, every: list[str]
) -> None:
    stop_after_two_sweeps(monkeypatch)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert command("sync", *every) == (0 if every else 1)
        assert Path(f"/proc/self/fd/{full.fileno()}").resolve() == Path("/dev/null")
    assert world.kratos.server.count("GET", "/admin/identities") == (2 if every else 1)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
def test_every_wants_a_sensible_number(command: Command, seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command("sync", "--every", seconds)
    assert raised.value.code == 2


def test_a_terminal_gets_a_progress_line(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.person("a")
    world.person("b")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert command("sync") == 0
    shown = capsys.readouterr().err
    assert shown.startswith("\r\x1b[Kscanned 1  started 0")
    assert "scanned 2" not in shown, "not at every identity: that would be slower than the work"
    assert shown.endswith("\r\x1b[K")
