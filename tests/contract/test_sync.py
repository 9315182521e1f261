# SPDX-License-Identifier: Apache-2.0
"""The sweep: what it starts, settles, heals and leaves alone, and that nothing that fails stops it."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import ACCOUNT, AUTH, FACE_PASSED, OTHER_IDENTITY, World, approved, pending, verified

from sandbox import faults
from sandbox.server import Request
from webhook import cli
from webhook.commands import sync as sync_command
from webhook.coordination.pace import Pace
from webhook.core.events import Event
from webhook.core.record import Record, Reverification
from webhook.core.start import claimed
from webhook.core.status import Status, Verdict
from webhook.core.times import to_text
from webhook.idv.jumio.client import RATE_LIMITS, JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.documents import patch_of
from webhook.verification import sweep as sync
from webhook.verification.settle import Verifications
from webhook.verification.sweep import Report, Sweeper

UNSTARTED = Record(status=Status.UNSTARTED)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "CLAIM_SETTLES_SECONDS", 0.05)
    monkeypatch.setattr(sync, "FIRST_PAUSE_SECONDS", 0.005)


@pytest.fixture
def sweeper_of() -> Callable[..., Sweeper]:
    def make(world: World, **changed: Any) -> Sweeper:
        pace = Pace(RATE_LIMITS)
        kratos = KratosClient(world.settings)
        verifications = Verifications(
            world.settings, kratos=kratos, jumio=JumioClient(world.settings, before_call=pace.wait)
        )
        values: dict[str, Any] = {
            "kratos": kratos, "verifications": verifications, "pace": pace, "stop": threading.Event()
        }  # fmt: skip
        return Sweeper(world.settings, **{**values, **changed})

    return make


def started_person(world: World, name: str = "person") -> tuple[str, str]:
    """(identity id, workflow id) of somebody whose workflow was started through the service."""
    identity_id = world.person(name)
    answer = world.client.post(
        "/jumio/initiate",
        json={"identity": {"id": identity_id}},
        headers={"Authorization": f"Bearer {world.settings.ory_webhook_secrets[0].decode()}"},
    )
    assert answer.json is not None
    return identity_id, answer.json["workflow_execution_id"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("passed", "approved"), ("warning", "review"), ("rejected", "rejected"), ("not_executed", "incomplete")],
)
def test_an_open_verification_is_settled(
    world: World, sweeper_of: Callable[..., Sweeper], outcome: str, status: str
) -> None:
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
def test_an_open_reverification_is_settled(
    world: World, sweeper_of: Callable[..., Sweeper], outcome: str, status: str, event: str
) -> None:
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


def test_a_face_that_passed_is_renewed(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    identity_id = world.verified_person()
    before = world.record(identity_id)[0]
    world.reverify(identity_id, due_in="7d")
    world.says(world.jumio.truth(identity_id)[-1], "passed", capabilities=FACE_PASSED)
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    after = world.record(identity_id)[0]
    assert after == {**before, "assurance": {**before["assurance"], "verified_at": after["assurance"]["verified_at"]}}
    assert after["assurance"]["verified_at"] > before["assurance"]["verified_at"]


def test_what_is_due_and_not_open_is_left_to_the_gate(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    """A start costs money: only a hook or a command that names somebody orders one."""
    further = Reverification(reason="risk", due_at="2026-01-01T00:00:00.000Z")
    world.person_with(verified(reverification=further))
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.server.requests == []


def test_a_further_workflow_that_jumio_does_not_know_for_a_day_is_due_again(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    identity_id = world.verified_person()
    world.reverify(identity_id, due_in="7d")
    workflow = world.jumio.truth(identity_id)[-1]
    world.jumio.delete(workflow.account_id, workflow.id)
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)

    def long_ago(record: Record) -> Record:
        assert record.reverification is not None
        at = to_text(datetime.now(UTC) - timedelta(days=2))
        return replace(record, reverification=replace(record.reverification, initiated_at=at))

    world.change(identity_id, long_ago)
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.record(identity_id)[0]["reverification"]["workflow_execution_id"] is None
    assert world.record(identity_id)[0]["status"] == "approved"


@pytest.mark.parametrize("copy", ["metadata_public", "metadata_admin"])
def test_an_open_reverification_survives_the_loss_of_a_copy(
    world: World, sweeper_of: Callable[..., Sweeper], copy: str
) -> None:
    identity_id = world.verified_person()
    world.reverify(identity_id, due_in="7d")
    before = world.record(identity_id)
    world.kratos.identities.patch(identity_id, [{"op": "remove", "path": f"/{copy}"}])
    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    after = world.record(identity_id)
    assert after[0]["reverification"] == before[0]["reverification"]
    assert after[1]["reverification"]["workflow_execution_id"] == before[1]["reverification"]["workflow_execution_id"]
    assert after[0]["assurance"] == before[0]["assurance"]


def test_a_due_start_is_made_and_the_claim_leaves_no_trace(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    identity_id = world.person_with(UNSTARTED)

    assert sweeper_of(world).sweep() == Report(scanned=1, started=1)

    public, admin = world.record(identity_id)
    assert public["status"] == "pending"
    assert [event["event"] for event in admin["history"]] == ["verification.started"]
    assert len(world.jumio.workflows) == 1


@pytest.mark.parametrize("record", [None, approved(), replace(approved(), status=Status.INCOMPLETE, verdict=None)])
def test_what_is_settled_or_was_never_asked_for_costs_no_call(
    world: World, sweeper_of: Callable[..., Sweeper], record: Record | None
) -> None:
    if record is None:
        world.person()
    else:
        world.person_with(record)
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)

    assert world.calls() == ["kratos GET"]


def test_every_page_is_read_with_500_identities_a_page(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    for number in range(501):
        world.person(f"person-{number}")
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=501, unchanged=501)

    assert world.kratos.server.requests[0].query == "page_size=500"
    assert len(world.kratos.server.requests) == 2


@pytest.mark.parametrize("copy", ["metadata_public", "metadata_admin"])
@pytest.mark.parametrize("damage", ["removed", "forged"])
def test_a_verdict_that_somebody_else_overwrote_is_healed(
    world: World, sweeper_of: Callable[..., Sweeper], copy: str, damage: str
) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "rejected", callback=False)
    sweeper_of(world).sweep()
    before = world.record(identity_id)
    forged = {**world.kratos.identity(identity_id)[copy]["jumio"], "status": "approved", "verdict": "PASSED"}
    value = {} if damage == "removed" else {"jumio": forged}
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": f"/{copy}", "value": value}])

    assert sweeper_of(world).sweep().settled == 1

    after = world.record(identity_id)
    assert after[0] == before[0]
    lost = {"starts"} if (copy, damage) == ("metadata_admin", "removed") else set()  # stands nowhere else
    assert {**after[1], "history": []} == {k: v for k, v in before[1].items() if k not in lost} | {"history": []}


def test_a_rejected_person_has_no_live_session_after_the_sweep(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    rejected = replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED)
    identity_id = world.person_with(rejected)
    world.kratos.identities.sign_in(identity_id, "password")

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.kratos.sessions(identity_id) == []
    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)


def test_block_leaves_sessions_alone(make_world: Callable[..., World], sweeper_of: Callable[..., Sweeper]) -> None:
    world = make_world(ON_REJECTED="block")
    identity_id = world.person_with(replace(approved(), status=Status.REJECTED, verdict=Verdict.FAILED))
    world.kratos.identities.sign_in(identity_id, "password")

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert len(world.kratos.sessions(identity_id)) == 1


def test_deactivate_is_made_good(make_world: Callable[..., World], sweeper_of: Callable[..., Sweeper]) -> None:
    world = make_world(ON_REJECTED="deactivate")
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "rejected", callback=False)
    sweeper_of(world).sweep()
    assert world.kratos.identity(identity_id)["state"] == "inactive"
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": "/state", "value": "active"}])

    assert sweeper_of(world).sweep().settled == 1

    assert world.kratos.identity(identity_id)["state"] == "inactive"


def test_a_workflow_that_jumio_does_not_know_for_a_day_becomes_incomplete(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    now = datetime.now(UTC)
    old = world.person_with(pending(initiated_at=to_text(now - timedelta(days=2))), "old")
    young = world.person_with(pending(initiated_at=to_text(now - timedelta(hours=2))), "young")

    sweeper_of(world).sweep()

    assert world.record(old)[0]["status"] == "incomplete"
    assert world.record(young)[0]["status"] == "pending"


def test_one_failing_identity_never_stops_the_sweep(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    people = [started_person(world, f"person-{number}") for number in range(4)]
    for _, workflow_id in people:
        world.jumio.decide(workflow_id, "passed", callback=False)
    broken = people[1][1]
    world.jumio.server.faults = lambda request: faults.answer(500) if broken in request.path else None

    assert sweeper_of(world).sweep() == Report(scanned=4, settled=3, failed=1)

    assert sorted(world.record(identity_id)[0]["status"] for identity_id, _ in people) == ["approved"] * 3 + ["pending"]


def test_a_defect_of_ours_stops_nobody_elses_healing(
    world: World, sweeper_of: Callable[..., Sweeper], log_lines: list[str]
) -> None:
    class Defective(Verifications):
        def look(self, identity_id: str) -> Any:
            raise ZeroDivisionError("with a name in it: Jane")

    started_person(world)
    kratos = KratosClient(world.settings)
    defective = Defective(world.settings, kratos=kratos, jumio=JumioClient(world.settings))

    assert sweeper_of(world, verifications=defective).sweep() == Report(scanned=1, failed=1)

    crashed = [line for line in log_lines if "sync.crashed" in line]
    assert len(crashed) == 1
    assert "ZeroDivisionError" in crashed[0]
    assert "Jane" not in crashed[0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_trouble_of_jumio_is_waited_out(
    world: World, sweeper_of: Callable[..., Sweeper], status: int
) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "passed", callback=False)
    left = iter([faults.answer(status), faults.answer(status)])
    world.jumio.server.faults = lambda request: next(left, None) if workflow_id in request.path else None

    assert sweeper_of(world).sweep() == Report(scanned=1, settled=1)
    assert world.record(identity_id)[0]["status"] == "approved"


def test_a_rate_limited_start_is_tried_again_and_any_other_failure_is_not(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
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
    assert [event["event"] for event in admin["history"]] == [], "the claim was taken back"


def test_while_a_peer_is_down_the_sweep_does_not_wait_at_every_identity(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    for number in range(10):
        started_person(world, f"person-{number}")
    world.jumio.server.faults = lambda request: faults.answer(503) if "/accounts/" in request.path else None
    world.forget_calls()

    assert sweeper_of(world).sweep() == Report(scanned=10, failed=10)

    reads = [request for request in world.jumio.server.requests if "/workflow-executions/" in request.path]
    assert len(reads) == sync.HOPELESS_AFTER * sync.TRIES + 10 - sync.HOPELESS_AFTER


def test_kratos_rate_limit_is_waited_for_as_long_as_it_says(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
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


def test_a_kratos_that_stays_down_ends_the_sweep_as_failed(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    world.kratos.server.faults = lambda request: faults.answer(503)

    assert sweeper_of(world).sweep() == Report(failed=1)


def test_a_workflow_that_could_not_be_noted_is_not_started_again_in_this_sweep(
    world: World, sweeper_of: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0, 0.0))
    identity_id = world.person_with(UNSTARTED)
    world.kratos.server.faults = lambda request: (
        faults.answer(500) if request.method == "PATCH" and b"verification.started" in request.body else None
    )

    assert sweeper_of(world).sweep() == Report(scanned=1, failed=1)
    assert len(world.jumio.truth(identity_id)) == 1


def test_whoever_another_sweep_has_claimed_is_left_to_it(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    identity_id = world.person_with(claimed(UNSTARTED, by="another", now=datetime.now(UTC)))
    kratos = world.kratos.server

    def the_other_starts(report: Report) -> None:
        kratos.clear()
        assert world.client.post("/jumio/initiate", json={"identity": {"id": identity_id}}, headers=AUTH).status_code
        started = replace(pending(), history=())
        world.kratos.identities.patch(identity_id, patch_of(started))

    assert sweeper_of(world, progress=the_other_starts).sweep() == Report(scanned=1, unchanged=1)
    assert world.record(identity_id)[0]["status"] == "pending"
    assert world.jumio.workflows == []


def test_the_claim_of_a_dead_one_is_waited_out(
    world: World, sweeper_of: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.core.start.CLAIM_FOR", timedelta(seconds=0.3))
    identity_id = world.person_with(claimed(UNSTARTED, by="the dead", now=datetime.now(UTC)))

    assert sweeper_of(world).sweep() == Report(scanned=1, started=1)
    assert world.record(identity_id)[0]["status"] == "pending"


def test_a_claim_that_does_not_end_is_given_up(
    world: World, sweeper_of: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CLAIM_FOR", timedelta(seconds=0.1))
    world.person_with(claimed(UNSTARTED, by="another", now=datetime.now(UTC)))

    assert sweeper_of(world).sweep() == Report(scanned=1, unchanged=1)
    assert world.jumio.workflows == []


def test_waiting_for_a_claim_ends_when_told_to_stop(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    world.person_with(claimed(UNSTARTED, by="another", now=datetime.now(UTC)))
    stop = threading.Event()

    assert sweeper_of(world, stop=stop, progress=lambda report: stop.set()).sweep() == Report(scanned=1, unchanged=1)


def test_nothing_is_claimed_after_the_word_to_stop(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    identity_id = world.person_with(UNSTARTED)
    stop = threading.Event()

    class LatePace(Pace):
        def wait_for_room(self, operation: str) -> None:
            stop.set()

    assert sweeper_of(world, stop=stop, pace=LatePace(RATE_LIMITS)).sweep() == Report(scanned=1, unchanged=1)
    assert world.record(identity_id)[1]["history"] == []


def test_sweeps_at_once_start_nobody_twice(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    people = [world.person_with(UNSTARTED, f"person-{number}") for number in range(5)]
    sweepers = [sweeper_of(world) for _ in range(3)]
    threads = [threading.Thread(target=sweeper.sweep) for sweeper in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    sweeper_of(world).sweep()
    assert [len(world.jumio.truth(identity_id)) for identity_id in people] == [1] * 5


def test_stopping_ends_a_sweep_between_two_identities(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
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
        (replace(approved(), account_id=None, workflow_execution_id=None), Report(scanned=1, unchanged=1)),
    ],
)  # fmt: skip
def test_naming_an_identity_starts_whatever_it_lacks(
    world: World, sweeper_of: Callable[..., Sweeper], record: Record | None, report: Report
) -> None:
    identity_id = world.person() if record is None else world.person_with(record)

    assert sweeper_of(world).sweep_one(identity_id) == report


def test_naming_an_identity_settles_it(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    identity_id, workflow_id = started_person(world)
    world.jumio.decide(workflow_id, "passed", callback=False)

    assert sweeper_of(world).sweep_one(identity_id) == Report(scanned=1, settled=1)
    assert sweeper_of(world).sweep_one(identity_id) == Report(scanned=1, unchanged=1)


def test_naming_nobody_fails(world: World, sweeper_of: Callable[..., Sweeper]) -> None:
    assert sweeper_of(world).sweep_one(OTHER_IDENTITY) == Report(scanned=1, failed=1)


class TestCommand:
    """`jumio-webhook sync`, in this process."""

    @pytest.fixture(autouse=True)
    def _environment(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = world.settings
        monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: settings))
        monkeypatch.setattr("webhook.runtime.log.configure", lambda **_: None)
        monkeypatch.setattr("signal.signal", lambda *_: None)

    def test_it_prints_what_it_did(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        world.person()
        assert cli.main(["sync"]) == 0
        assert capsys.readouterr().out == "scanned 1, started 0, settled 0, unchanged 1, failed 0\n"

    def test_json_is_for_machines(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        world.person()
        assert cli.main(["sync", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == Report(scanned=1, unchanged=1).as_dict()

    def test_a_failure_shows_in_the_exit_status(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        world.kratos.server.faults = lambda request: faults.answer(503)
        assert cli.main(["sync"]) == 1

    def test_an_identity_id_that_is_none_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["sync", "--identity", "jane"]) == 2
        assert "'jane' is none" in capsys.readouterr().err

    def test_one_identity(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        identity_id = world.person()
        assert cli.main(["sync", "--identity", identity_id.upper()]) == 0
        assert world.record(identity_id)[0]["status"] == "pending"

    def test_every_sweeps_until_it_is_told_to_stop(
        self, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Stop(threading.Event):
            sweeps = 0

            def wait(self, timeout: float | None = None) -> bool:
                self.sweeps += 1
                return self.sweeps == 2

        monkeypatch.setattr("threading.Event", Stop)
        assert cli.main(["sync", "--every", "60"]) == 0
        assert capsys.readouterr().out.count("scanned") == 2

    @pytest.mark.parametrize("every", [[], ["--every", "60"]])
    def test_a_report_that_nobody_takes_ends_a_single_sweep_and_not_a_companion(
        self, world: World, monkeypatch: pytest.MonkeyPatch, every: list[str]
    ) -> None:
        class Stop(threading.Event):
            sweeps = 0

            def wait(self, timeout: float | None = None) -> bool:
                self.sweeps += 1
                return self.sweeps == 2

        monkeypatch.setattr("threading.Event", Stop)
        with Path("/dev/full").open("w") as full:
            monkeypatch.setattr("sys.stdout", full)
            assert cli.main(["sync", *every]) == (0 if every else 1)
            assert Path(f"/proc/self/fd/{full.fileno()}").resolve() == Path("/dev/null")
        assert world.kratos.server.count("GET", "/admin/identities") == (2 if every else 1)

    @pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
    def test_every_wants_a_sensible_number(self, seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as raised:
            cli.main(["sync", "--every", seconds])
        assert raised.value.code == 2

    def test_a_terminal_gets_a_progress_line(
        self, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.person("a")
        world.person("b")
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        assert cli.main(["sync"]) == 0
        shown = capsys.readouterr().err
        assert shown.startswith("\r\x1b[Kscanned 1  started 0")
        assert "scanned 2" not in shown, "not at every identity: that would be slower than the work"
        assert shown.endswith("\r\x1b[K")


def test_events_keep_their_names() -> None:
    """Operators alert on them: https://12factor.net/logs"""
    assert {event.name: event.value for event in Event} == {
        "STARTING": "verification.starting",
        "STARTED": "verification.started",
        "ASKED": "reverification.asked",
        "FURTHER": "reverification.started",
        "UNSTARTED": "verification.unstarted",
        "SETTLED": "verification.settled",
        "FORGOTTEN": "verification.forgotten",
        "REOPENED": "verification.reopened",
        "SUPERSEDED": "verification.superseded",
        "RENEWED": "reverification.passed",
        "LAPSED": "reverification.lapsed",
        "HEALED": "verification.healed",
    }


assert sync_command.JUMIO_SECONDS > 5, "a call may wait for its turn in the rate limit"


def test_a_workflow_that_jumio_knows_again_is_settled_after_all(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    """A wrong URL or account for an hour must not cost a verdict."""
    identity_id, workflow_id = started_person(world)
    with world.jumio.lock:
        record = pending(
            account_id=world.jumio.workflow(workflow_id).account_id,
            workflow_execution_id=workflow_id,
            initiated_at=to_text(datetime.now(UTC) - timedelta(days=2)),
        )
    world.kratos.identities.patch(identity_id, patch_of(record))
    world.jumio.decide(workflow_id, "rejected", callback=False)
    world.jumio.server.faults = lambda request: faults.answer(404) if workflow_id in request.path else None
    sweeper_of(world).sweep()
    assert world.record(identity_id)[0]["status"] == "incomplete"

    world.jumio.server.faults = None
    sweeper_of(world).sweep()

    assert world.record(identity_id)[0]["status"] == "rejected"


def test_an_identity_that_is_too_large_to_be_read_keeps_nobody_else_from_being_healed(
    world: World, sweeper_of: Callable[..., Sweeper]
) -> None:
    people = [started_person(world, f"person-{number}") for number in range(4)]
    for _, workflow_id in people:
        world.jumio.decide(workflow_id, "passed", callback=False)
    world.person("large", metadata_public={"theirs": "x" * (1 << 20)})

    report = sweeper_of(world).sweep()

    assert report == Report(scanned=5, settled=4, failed=1)


def test_a_page_is_tried_again_however_many_identities_failed_before(
    world: World, sweeper_of: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.ory.kratos.client.KratosClient.page.__kwdefaults__", {"size": 3}, raising=False)
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


def test_a_workflow_that_could_not_be_noted_is_noted_by_the_next_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.start.NOTE_WAITS", (0.0,))
    identity_id = world.person()
    hook = {"json": {"identity": {"id": identity_id}}, "headers": AUTH}
    world.kratos.server.faults = lambda request: faults.answer(500) if request.method == "PATCH" else None
    client = world.client
    assert client.post("/jumio/initiate", **hook).status_code == 503

    world.kratos.server.faults = None
    answer = client.post("/jumio/initiate", **hook)

    assert answer.status_code == 200
    assert [workflow.id for workflow in world.jumio.truth(identity_id)] == [answer.json["workflow_execution_id"]]
