# SPDX-License-Identifier: Apache-2.0
"""The path a verdict takes, between both stand-ins: start, ring, look; healing, acting, and one at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import ACCOUNT, NOW, PASSED_CHECKS, WORKFLOW, World, approved, assured, pending

from sandbox import faults
from sandbox.faults import Fault
from sandbox.jumio_records import Workflow
from webhook.core.events import Event
from webhook.core.record import Record
from webhook.core.settle import Result
from webhook.core.start import claimed
from webhook.core.status import Status
from webhook.errors import (
    IdentityUnknown,
    KratosError,
    KratosRefused,
    KratosUnavailable,
    StartNotRecorded,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
    WorkflowUnknown,
)
from webhook.idv.jumio.callback import Callback
from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.metadata import admin_member, public_member
from webhook.runtime.deadline import time_limit
from webhook.verification import start as starting
from webhook.verification.settle import Verifications
from webhook.verification.start import Claim

Make = Callable[..., Verifications]


def verifications_of(world: World, **options: Any) -> Verifications:
    return Verifications(
        world.settings, kratos=KratosClient(world.settings), jumio=JumioClient(world.settings), **options
    )


@pytest.fixture
def verifications(world: World) -> Verifications:
    return verifications_of(world)


def begun(world: World, verifications: Verifications, name: str = "person") -> tuple[str, Workflow]:
    """Somebody with an open workflow, and no calls counted yet."""
    person = world.person(name)
    verifications.start(person)
    world.forget_calls()
    [workflow] = world.jumio.truth(person)
    return person, workflow


def doorbell(workflow: Workflow) -> Callback:
    return Callback(account_id=workflow.account_id, workflow_execution_id=workflow.id, is_final=True)


def statuses(world: World, person: str) -> list[str | None]:
    return [copy and copy["status"] for copy in world.record(person)]


def on_jumio(world: World, fault: Fault, *methods: str) -> None:
    world.jumio.server.faults = lambda request: (
        fault if request.method in methods and not request.path.startswith("/oauth2") else None
    )


# --- start ---


@pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED, Status.REVIEW, Status.REJECTED])
def test_what_is_open_or_concluded_is_not_started_again(
    world: World, verifications: Verifications, status: Status
) -> None:
    record = approved(status=status, verification_url=None)
    person = world.person_with(record)
    assert verifications.start(person).record.status is status
    assert world.calls() == ["kratos GET"]


def test_who_has_none_gets_a_workflow_on_a_new_account(world: World, verifications: Verifications) -> None:
    person = world.person()
    start = verifications.start(person)
    [workflow] = world.jumio.truth(person)
    assert (start.error, start.reason) == (None, None)
    assert start.record.workflow_execution_id == workflow.id
    assert world.record(person) == (public_member(start.record), admin_member(start.record))


@pytest.mark.parametrize("status", [Status.INCOMPLETE, Status.UNSTARTED])
def test_who_has_an_account_gets_a_workflow_on_it(world: World, verifications: Verifications, status: Status) -> None:
    person, first = begun(world, verifications)
    replaced = approved(status=status, verdict=None, account_id=first.account_id, workflow_execution_id=first.id)
    verifications._kratos.write(verifications._kratos.get(person), replaced)
    start = verifications.start(person)
    [_, second] = world.jumio.truth(person)
    assert second.account_id == first.account_id
    assert (start.record.status, start.record.workflow_execution_id) == (Status.PENDING, second.id)
    assert world.jumio.server.count("PUT", ".*") == 1
    assert world.jumio.server.count("POST", ".*/accounts") == 0


def test_who_has_an_account_that_jumio_deleted_gets_a_new_one(world: World, verifications: Verifications) -> None:
    person = world.person_with(Record(status=Status.UNSTARTED, account_id=ACCOUNT))
    start = verifications.start(person)
    assert start.record.status is Status.PENDING
    assert start.record.account_id != ACCOUNT
    assert [request.method for request in world.jumio.server.requests][1:] == ["PUT", "POST"]


FAILURES = [
    (faults.answer(500), VendorUnavailable),
    (faults.answer(429), VendorRateLimited),
    (faults.answer(403), VendorRefused),
    (faults.answer(400), VendorRefused),
    (faults.answer(404), WorkflowUnknown),
    (faults.reset(), VendorUnavailable),
    (faults.garbage(), VendorUnavailable),
]


@pytest.mark.parametrize(("fault", "error"), FAILURES, ids=["500", "429", "403", "400", "404", "reset", "garbage"])
def test_a_start_that_jumio_does_not_make_is_recorded_and_made_later(
    world: World, verifications: Verifications, fault: Fault, error: type[Exception]
) -> None:
    person = world.person(metadata_public={"theirs": 1})
    on_jumio(world, fault, "POST")
    start = verifications.start(person)
    assert (type(start.error), start.record.status) == (error, Status.UNSTARTED)
    assert start.reason == str(start.error)
    assert statuses(world, person) == ["unstarted", "unstarted"]
    assert world.kratos.identity(person)["metadata_public"]["theirs"] == 1

    world.forget_calls()
    assert verifications.start(person).record == start.record
    assert world.kratos.server.count("PATCH", ".*") == 0  # it is recorded already

    world.jumio.server.faults = None
    assert verifications.start(person).record.status is Status.PENDING
    assert [event["event"] for event in world.record(person)[1]["history"]] == [
        "verification.unstarted",
        "verification.started",
    ]


def test_time_is_kept_back_to_record_what_jumio_was_too_slow_for(world: World, verifications: Verifications) -> None:
    person = world.person()
    on_jumio(world, faults.hang(), "POST")
    with time_limit(starting.KRATOS_SECONDS + 0.2):
        start = verifications.start(person)
    assert start.record.status is Status.UNSTARTED
    assert statuses(world, person) == ["unstarted", "unstarted"]


@pytest.mark.parametrize("odd", ["text", 7, ["jumio"], True], ids=repr)
@pytest.mark.parametrize("name", ["metadata_public", "metadata_admin"])
def test_nothing_is_started_for_whom_nothing_can_be_noted(
    world: World, verifications: Verifications, name: str, odd: object
) -> None:
    person = world.person(**{name: odd})
    with pytest.raises(KratosRefused):
        verifications.start(person)
    assert world.calls() == ["kratos GET"]
    assert world.kratos.identity(person)[name] == odd


def test_an_unknown_identity_is_told_before_anything_is_started(verifications: Verifications, world: World) -> None:
    with pytest.raises(IdentityUnknown):
        verifications.start("9f425a8d-7efc-4768-8f23-7647a74fdf13")
    assert world.calls() == ["kratos GET"]


@pytest.mark.parametrize("failures", [1, 2])
def test_what_was_paid_for_is_noted_with_patience(
    world: World, verifications: Verifications, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr(starting, "NOTE_WAITS", (0.0, 0.0))
    person = world.person()
    left = [faults.answer(500)] * failures
    world.kratos.server.faults = lambda request: left.pop() if request.method == "PATCH" and left else None
    assert verifications.start(person).record.status is Status.PENDING
    assert statuses(world, person) == ["pending", "pending"]
    assert len(world.jumio.workflows) == 1


@pytest.mark.parametrize(
    "status",
    [
        500,
        503,
        pytest.param(403),
    ],
)
def test_what_was_paid_for_and_cannot_be_noted_is_told_loudly(
    world: World, verifications: Verifications, log_lines: list[str], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(starting, "NOTE_WAITS", (0.0, 0.0))
    person = world.person()
    world.kratos.server.faults = lambda request: faults.answer(status) if request.method == "PATCH" else None
    with pytest.raises(StartNotRecorded):
        verifications.start(person)
    assert [line for line in log_lines if "verification.unrecorded" in line and "ERROR" in line]
    assert len(world.jumio.workflows) == 1


# --- claims ---


def test_a_claim_is_noted_and_the_claimant_starts(world: World, verifications: Verifications) -> None:
    person = world.person_with(Record(status=Status.UNSTARTED))
    assert verifications.claim(person, by="sweep 1") is Claim.MADE
    assert world.record(person)[1]["history"][-1]["by"] == "sweep 1"
    assert statuses(world, person) == ["unstarted", "unstarted"]
    assert verifications.start(person, claimed_by="sweep 1").record.status is Status.PENDING
    assert [event["event"] for event in world.record(person)[1]["history"]] == ["verification.started"]


@pytest.mark.parametrize("by", [None, "sweep 2"])
def test_whoever_did_not_claim_leaves_it_to_the_claimant(
    world: World, verifications: Verifications, by: str | None
) -> None:
    person = world.person_with(claimed(Record(status=Status.UNSTARTED), by="sweep 1", now=datetime.now(UTC)))
    start = verifications.start(person, claimed_by=by)
    assert (start.record.status, start.reason) == (Status.UNSTARTED, "another process is about to start it")
    assert verifications.claim(person, by="sweep 2") is Claim.ANOTHERS
    assert world.jumio.server.requests == []
    assert world.kratos.server.count("PATCH", ".*") == 0


def test_a_claim_of_a_process_that_died_ends(world: World, verifications: Verifications) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    person = world.person_with(claimed(Record(status=Status.UNSTARTED), by="sweep 1", now=long_ago))
    assert verifications.claim(person, by="sweep 2") is Claim.MADE
    assert verifications.start(person, claimed_by="sweep 2").record.status is Status.PENDING


@pytest.mark.parametrize("record", [pending(), approved(), approved(status=Status.INCOMPLETE)])
def test_only_a_start_that_is_due_can_be_claimed(world: World, verifications: Verifications, record: Record) -> None:
    assert verifications.claim(world.person_with(record), by="sweep 1") is Claim.NOT_DUE
    assert verifications.claim(world.person("nobody"), by="sweep 1") is Claim.NOT_DUE
    assert world.kratos.server.count("PATCH", ".*") == 0


# --- ring ---


def test_a_ring_reads_jumio_and_writes_what_it_says(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    world.jumio.decide(workflow.id, "passed")
    outcome = verifications.ring(doorbell(workflow), identity_id=person)
    assert (outcome.result, outcome.event, outcome.record.status) == (
        Result.APPLIED,
        Event.SETTLED,
        Status.APPROVED,
    )
    assert world.record(person) == (public_member(outcome.record), admin_member(outcome.record))
    assert verifications.ring(doorbell(workflow), identity_id=None).result is Result.UNCHANGED


def test_a_ring_for_a_workflow_of_ours_that_was_never_noted_adopts_it(
    world: World, verifications: Verifications
) -> None:
    person, workflow = begun(world, verifications)
    world.kratos.identities.patch(
        person, [{"op": "remove", "path": f"/{name}/jumio"} for name in ("metadata_public", "metadata_admin")]
    )
    world.jumio.decide(workflow.id, "passed")
    outcome = verifications.ring(doorbell(workflow), identity_id=None)
    assert (outcome.result, outcome.record.status) == (Result.APPLIED, Status.APPROVED)
    assert statuses(world, person) == ["approved", "approved"]


def test_a_workflow_that_jumio_does_not_know_yet_is_an_error(world: World, verifications: Verifications) -> None:
    person = world.person_with(pending())
    bell = Callback(account_id=ACCOUNT, workflow_execution_id=WORKFLOW, is_final=True)
    with pytest.raises(WorkflowUnknown):
        verifications.ring(bell, identity_id=person)
    assert world.kratos.server.requests == []


def test_an_ignored_ring_writes_and_ends_nothing(world: World, verifications: Verifications) -> None:
    rejected, other = world.person_with(approved(status=Status.REJECTED), "rejected"), world.person("other")
    verifications.start(other)
    [workflow] = world.jumio.truth(other)
    world.jumio.decide(workflow.id, "passed")
    world.forget_calls()
    assert verifications.ring(doorbell(workflow), identity_id=rejected).result is Result.IGNORED
    assert world.calls() == ["jumio GET", "kratos GET"]


# --- look ---


def remove(world: World, person: str, *names: str) -> None:
    world.kratos.identities.patch(person, [{"op": "remove", "path": f"/{name}"} for name in names])


def overwrite(world: World, person: str, name: str, value: object) -> None:
    world.kratos.identities.patch(person, [{"op": "replace", "path": f"/{name}", "value": value}])


@pytest.mark.parametrize("outcome", ["passed", "rejected", "expire"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata_public", None),
        ("metadata_public", {"theirs": 1}),
        ("metadata_public", {"jumio": "odd"}),
        ("metadata_public", {"jumio": {"status": "approved"}}),
        ("metadata_admin", None),
        ("metadata_admin", {"theirs": 1}),
        ("metadata_admin", {"jumio": {"status": "approved", "verdict": "PASSED"}}),
    ],
)
def test_an_overwritten_copy_is_healed(
    world: World, verifications: Verifications, name: str, value: Any, outcome: str
) -> None:
    person, workflow = begun(world, verifications)
    world.jumio.decide(workflow.id, outcome)
    verifications.ring(doorbell(workflow), identity_id=person)
    before = world.record(person)
    overwrite(world, person, name, value)
    healed = verifications.look(person)
    assert (healed.result, healed.event) in {
        (Result.APPLIED, Event.HEALED),
        (Result.APPLIED, Event.SETTLED),  # where the lost copy was the only one with the decision
    }
    assert statuses(world, person) == [copy["status"] for copy in before]
    assert world.record(person)[0] == before[0]
    kept = world.kratos.identity(person)[name]
    assert (value or {}).get("theirs") == kept.get("theirs")
    assert verifications.look(person).result is Result.UNCHANGED


def test_when_both_copies_are_gone_there_is_nothing_to_look_at(world: World, verifications: Verifications) -> None:
    person, _ = begun(world, verifications)
    remove(world, person, "metadata_public", "metadata_admin")
    outcome = verifications.look(person)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, Record())
    assert world.calls() == ["kratos GET"]


def test_an_unstarted_record_is_healed_without_asking_jumio(world: World, verifications: Verifications) -> None:
    person = world.person_with(Record(status=Status.UNSTARTED))
    overwrite(world, person, "metadata_public", {"theirs": 1})
    outcome = verifications.look(person)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.HEALED)
    assert statuses(world, person) == ["unstarted", "unstarted"]
    assert world.jumio.server.requests == []


def test_the_link_survives_the_loss_of_the_public_copy(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    overwrite(world, person, "metadata_public", None)
    assert verifications.look(person).event is Event.HEALED
    public, _ = world.record(person)
    assert (public["status"], public["workflow_execution_id"], public["verification_url"]) == (
        "pending",
        workflow.id,
        workflow.web_href,
    )


def test_a_look_finds_what_a_lost_callback_would_have_told(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    assert verifications.look(person).result is Result.UNCHANGED
    world.jumio.decide(workflow.id, "warning")
    assert verifications.look(person).result is Result.APPLIED
    assert statuses(world, person) == ["review", "review"]


def test_a_look_follows_a_verdict_that_jumio_revised(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    for outcome, status in (("warning", "review"), ("passed", "approved"), ("rejected", "rejected")):
        world.jumio.decide(workflow.id, outcome)
        assert verifications.look(person).event is Event.SETTLED
        assert statuses(world, person) == [status, status]


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(hours=1), "pending"), (timedelta(days=1, seconds=1), "incomplete")]
)
def test_a_workflow_that_jumio_does_not_know_is_given_up_after_a_day(world: World, age: timedelta, status: str) -> None:
    person = world.person_with(pending())
    initiated_at = datetime.fromisoformat(str(pending().initiated_at))
    verifications = verifications_of(world, clock=lambda: initiated_at + age)
    verifications.look(person)
    assert statuses(world, person) == [status, status]


def test_a_verdict_whose_workflow_jumio_has_deleted_stays(world: World) -> None:
    person = world.person_with(approved())
    assert verifications_of(world, clock=lambda: NOW + timedelta(days=400)).look(person).result is Result.UNCHANGED
    assert statuses(world, person) == ["approved", "approved"]


@pytest.mark.parametrize("fault", [faults.answer(500), faults.answer(429), faults.garbage()])
def test_a_look_that_cannot_be_made_changes_nothing(world: World, verifications: Verifications, fault: Fault) -> None:
    person, _ = begun(world, verifications)
    before = world.record(person)
    on_jumio(world, fault, "GET")
    with pytest.raises(VendorUnavailable):
        verifications.look(person)
    assert world.record(person) == before


# --- what a rejection does ---


def reject(world: World, person: str) -> Workflow:
    [workflow] = world.jumio.truth(person)
    return world.jumio.decide(workflow.id, "rejected")


@pytest.mark.parametrize(
    ("on_rejected", "sessions", "state"),
    [("block", 2, "active"), ("revoke", 0, "active"), ("deactivate", 0, "inactive")],
)
def test_a_rejection_does_what_the_setting_says(
    make_world: Callable[..., World], log_lines: list[str], on_rejected: str, sessions: int, state: str
) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    verifications = verifications_of(world)
    person, _ = begun(world, verifications)
    bystander = world.person("bystander")
    for identity_id in (person, person, bystander):
        world.kratos.identities.sign_in(identity_id, "password")
    workflow = reject(world, person)
    verifications.ring(doorbell(workflow), identity_id=person)
    assert len(world.kratos.sessions(person)) == sessions
    assert len(world.kratos.sessions(bystander)) == 1
    assert world.kratos.identity(person)["state"] == state
    assert len([line for line in log_lines if "session.revoked" in line]) == (sessions == 0)

    world.forget_calls()
    verifications.ring(doorbell(workflow), identity_id=person)
    assert world.kratos.server.count("PATCH", ".*") == 0  # harmless when done again


@pytest.mark.parametrize("outcome", ["passed", "warning", "not_executed", "expire"])
@pytest.mark.parametrize("on_rejected", ["block", "revoke", "deactivate"])
def test_any_other_result_ends_no_session(make_world: Callable[..., World], outcome: str, on_rejected: str) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    verifications = verifications_of(world)
    person, workflow = begun(world, verifications)
    world.kratos.identities.sign_in(person, "password")
    world.jumio.decide(workflow.id, outcome)
    verifications.ring(doorbell(workflow), identity_id=person)
    assert len(world.kratos.sessions(person)) == 1
    assert world.kratos.identity(person)["state"] == "active"
    assert world.kratos.server.count("DELETE", ".*") == 0


def test_a_rejected_identity_that_somebody_reactivated_is_deactivated_again(make_world: Callable[..., World]) -> None:
    world = make_world(ON_REJECTED="deactivate")
    verifications = verifications_of(world)
    person, _ = begun(world, verifications)
    workflow = reject(world, person)
    verifications.ring(doorbell(workflow), identity_id=person)
    overwrite(world, person, "state", "active")
    assert verifications.look(person).event is Event.HEALED
    assert world.kratos.identity(person)["state"] == "inactive"


def test_sessions_that_could_not_be_ended_are_ended_the_next_time(world: World, verifications: Verifications) -> None:
    person, _ = begun(world, verifications)
    world.kratos.identities.sign_in(person, "password")
    workflow = reject(world, person)
    world.kratos.server.faults = lambda request: faults.answer(500) if request.method == "DELETE" else None
    with pytest.raises(KratosUnavailable):
        verifications.ring(doorbell(workflow), identity_id=person)
    assert statuses(world, person) == ["rejected", "rejected"]
    world.kratos.server.faults = None
    assert verifications.ring(doorbell(workflow), identity_id=person).result is Result.UNCHANGED
    assert world.kratos.sessions(person) == []


def test_a_record_that_could_not_be_written_ends_no_session_yet(world: World, verifications: Verifications) -> None:
    person, _ = begun(world, verifications)
    world.kratos.identities.sign_in(person, "password")
    workflow = reject(world, person)
    world.kratos.server.faults = lambda request: faults.answer(500) if request.method == "PATCH" else None
    with pytest.raises(KratosError):
        verifications.ring(doorbell(workflow), identity_id=person)
    assert len(world.kratos.sessions(person)) == 1


# --- one at a time ---


def test_eight_starts_at_once_start_one_workflow(world: World, verifications: Verifications) -> None:
    person = world.person()
    together = threading.Barrier(8, timeout=10)

    def start(_: int) -> Record:
        together.wait()
        return verifications.start(person).record

    with ThreadPoolExecutor(8) as threads:
        records = list(threads.map(start, range(8)))
    assert len(world.jumio.workflows) == 1
    assert {record.workflow_execution_id for record in records} == {world.jumio.workflows[0].id}
    assert verifications._locks._locks == {}


def test_eight_rings_at_once_apply_once(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    world.jumio.decide(workflow.id, "passed")
    with ThreadPoolExecutor(8) as threads:
        rings = [threads.submit(verifications.ring, doorbell(workflow), identity_id=person) for _ in range(8)]
        results = sorted(ring.result(20).result for ring in rings)
    assert results == [Result.APPLIED] + [Result.UNCHANGED] * 7
    assert world.kratos.server.count("PATCH", ".*") == 1
    assert verifications._locks._locks == {}


def test_whoever_waits_for_another_change_of_the_identity_gives_up_in_time(
    world: World, verifications: Verifications
) -> None:
    person, _ = begun(world, verifications)
    on_jumio(world, faults.hang(0.4), "GET")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(verifications.look, person)
        assert world.jumio.server.wait(lambda server: server.count("GET", ".*") == 1)
        with time_limit(0.1), pytest.raises(KratosUnavailable, match="under way"):
            verifications.look(person)
        assert first.result(10).result is Result.UNCHANGED
    assert verifications._locks._locks == {}


def test_somebody_elses_write_in_between_is_healed_by_the_next_look(world: World, verifications: Verifications) -> None:
    """Kratos writes the whole row: a settings form saved meanwhile can take our record with it."""
    person, workflow = begun(world, verifications)
    world.jumio.decide(workflow.id, "passed")
    before = world.kratos.identity(person)
    verifications.ring(doorbell(workflow), identity_id=person)
    overwrite(world, person, "metadata_public", before["metadata_public"])
    overwrite(world, person, "metadata_admin", before["metadata_admin"])
    assert statuses(world, person) == ["pending", "pending"]
    assert verifications.look(person).event is Event.SETTLED
    assert statuses(world, person) == ["approved", "approved"]


def test_the_record_that_is_answered_is_the_one_that_is_stored(world: World, verifications: Verifications) -> None:
    person, workflow = begun(world, verifications)
    world.jumio.decide(workflow.id, "passed")
    outcome = verifications.look(person)
    assert replace(outcome.record, history=()) == approved(
        account_id=workflow.account_id,
        workflow_execution_id=workflow.id,
        initiated_at=outcome.record.initiated_at,
        decided_at=outcome.record.decided_at,
        assurance=assured(verified_at=outcome.record.decided_at, expires_at="2030-01-02T00:00:00.000Z"),
        checks=PASSED_CHECKS,
        starts=outcome.record.starts,
    )
    assert len(outcome.record.starts) == 1
