# SPDX-License-Identifier: Apache-2.0
"""Section 4: what is written on the identity, healed on it, done by it, and what never stands there."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support import FACE_PASSED, NOW, PASSED_CHECKS, World, approved, assured, days_ago, message_of, pending

from sandbox import faults, jumio_records
from sandbox.faults import Fault
from sandbox.jumio_records import Workflow
from sandbox.server import Request
from webhook.core.events import Event
from webhook.core.record import Record
from webhook.core.settle import Outcome, Result
from webhook.core.status import Status
from webhook.errors import VendorUnavailable
from webhook.verification.settle import whole


def look(world: World, person: str) -> Outcome:
    """What `sync` does with somebody, and the gate with whoever is pending for long."""
    return world.services.settler.look(person)


def begun(world: World, name: str = "person") -> tuple[str, Workflow]:
    """Somebody with an open workflow, and no calls counted yet."""
    person = world.person(name)
    assert world.initiate(person).status_code == 200
    world.forget_calls()
    [workflow] = world.jumio.truth(person)
    return person, workflow


def settled(world: World, outcome: str, name: str = "person") -> tuple[str, Workflow]:
    person, workflow = begun(world, name)
    world.jumio.decide(workflow.id, outcome, callback=False)
    assert world.call_back(workflow).json == {"result": "applied"}
    return person, workflow


def statuses(world: World, person: str) -> list[str | None]:
    return [copy and copy["status"] for copy in world.record(person)]


def overwrite(world: World, person: str, name: str, value: object) -> None:
    """Somebody else's write."""
    world.kratos.identities.patch(person, [{"op": "replace", "path": f"/{name}", "value": value}])


# --- both copies ---


def test_an_open_verification_in_both_copies(world: World) -> None:
    person, workflow = begun(world)
    public, admin = world.record(person)
    assert public == {
        "status": "pending",
        "verdict": None,
        "account_id": workflow.account_id,
        "workflow_execution_id": workflow.id,
        "verification_url": workflow.web_href,
        "initiated_at": public["initiated_at"],
        "decided_at": None,
    }
    [started] = admin["history"]
    assert admin == {
        **public,
        "workflows": {
            workflow.id: {
                "state": "open",
                "account_id": workflow.account_id,
                "created_at": public["initiated_at"],
                "workflow_key": 10011,
                "verification_url": workflow.web_href,
            }
        },
        "workflow_key": 10011,
        "decision": None,
        "starts": [started["at"]],
        "history": [
            {
                "at": started["at"],
                "event": "verification.started",
                "status": "pending",
                "workflow_execution_id": workflow.id,
            }
        ],
    }
    for text in (public["initiated_at"], started["at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)


def test_a_verdict_in_both_copies(world: World) -> None:
    person, workflow = settled(world, "passed")
    public, admin = world.record(person)
    level = {
        "level": 3,
        "name": "person",
        "verified_at": public["decided_at"],
        "expires_at": "2030-01-02T00:00:00.000Z",
        "table": "2026-11",
        "steps": [{"at": 1893542400, "level": 1, "name": "contact"}],
    }
    assert public == {
        "status": "approved",
        "verdict": "PASSED",
        "account_id": workflow.account_id,
        "workflow_execution_id": workflow.id,
        "verification_url": None,
        "initiated_at": public["initiated_at"],
        "decided_at": public["decided_at"],
        "assurance": level,
    }
    shared = {name: value for name, value in public.items() if name != "verification_url"}
    evidence = {
        "decision": {"type": "PASSED", "label": "PASSED", "risk_score": 0.0},
        "checks": [
            {"capability": check.capability, "decision": check.decision, "label": check.label}
            for check in PASSED_CHECKS
        ],
        "workflow_key": 10011,
    }
    assert admin == {
        **shared,
        **evidence,
        "workflows": {
            workflow.id: {
                **evidence,
                "state": "PASSED",
                "account_id": workflow.account_id,
                "created_at": public["initiated_at"],
                "decided_at": public["decided_at"],
                "level": 3,
                "level_name": "person",
                "expires_at": "2030-01-02T00:00:00.000Z",
                "table": "2026-11",
            }
        },
        "starts": admin["starts"],
        "history": admin["history"],
    }
    assert [event["event"] for event in admin["history"]] == ["verification.started", "verification.settled"]


def test_every_other_member_stays_as_it_is(world: World) -> None:
    theirs = {"theirs": {"deep": [1, None, "ü"]}}
    person = world.person(metadata_public=theirs, metadata_admin=copy.deepcopy(theirs))
    before = world.kratos.identity(person)
    assert world.initiate(person).status_code == 200
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, "passed", callback=False)
    assert world.call_back(workflow).status_code == 200
    after = world.kratos.identity(person)
    for name in ("metadata_public", "metadata_admin"):
        assert {key: value for key, value in after[name].items() if key != "jumio"} == theirs
    ours = ("metadata_public", "metadata_admin", "updated_at")
    assert {k: v for k, v in after.items() if k not in ours} == {k: v for k, v in before.items() if k not in ours}
    paths = {
        operation["path"]
        for request in world.kratos.server.requests
        if request.method == "PATCH"
        for operation in json.loads(request.body)
    }
    assert {re.match(r"/metadata_(public|admin)/jumio(/|$)", path) is not None for path in paths} == {True}


def test_the_record_that_decides_is_the_one_that_is_stored(world: World) -> None:
    person, workflow = begun(world)
    world.jumio.decide(workflow.id, "passed")
    record = look(world, person).record
    stored = world.services.kratos.get(person)
    assert stored.record == record
    assert stored.holds(record)
    assert record.assurance == assured(verified_at=record.decided_at, expires_at="2030-01-02T00:00:00.000Z")


# --- healing ---


FORGED = {"status": "approved", "verdict": "PASSED"}


@pytest.mark.parametrize("outcome", ["passed", "rejected", "expire"])
@pytest.mark.parametrize("name", ["metadata_public", "metadata_admin"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda metadata: None,
        lambda metadata: {"theirs": 1},
        lambda metadata: {"jumio": "odd"},
        lambda metadata: {"jumio": FORGED},
        lambda metadata: {"jumio": {**metadata["jumio"], **FORGED, "left": "over"}},
    ],
    ids=["removed", "others' alone", "odd", "forged", "forged in its place"],
)
def test_an_overwritten_copy_is_healed(
    world: World, name: str, damage: Callable[[dict[str, Any]], Any], outcome: str
) -> None:
    person, _ = settled(world, outcome)
    before = world.record(person)
    value = damage(world.kratos.identity(person)[name])
    overwrite(world, person, name, value)
    healed = look(world, person)
    says_the_same = outcome == "passed" and "over" in str(value)
    assert says_the_same or (healed.result, healed.event) in {
        (Result.APPLIED, Event.HEALED),
        (Result.APPLIED, Event.SETTLED),  # where the lost copy was the only one with the decision
    }
    after = world.record(person)
    public_too = {"left": "over"} if name == "metadata_public" and "over" in str(value) else {}
    assert after[0] == before[0] | public_too
    stands_nowhere_else = {"history", "starts"} if name == "metadata_admin" else {"history"}
    unknown = {"left": "over"} if name == "metadata_admin" and "over" in str(value) else {}  # perhaps a newer version's
    assert {k: v for k, v in after[1].items() if k not in stands_nowhere_else} == unknown | {
        k: v for k, v in before[1].items() if k not in stands_nowhere_else
    }
    assert world.kratos.identity(person)[name].get("theirs") == (value or {}).get("theirs")
    assert look(world, person).result is Result.UNCHANGED


def test_when_both_copies_are_gone_there_is_nothing_to_look_at(world: World) -> None:
    person, _ = begun(world)
    for name in ("metadata_public", "metadata_admin"):
        overwrite(world, person, name, None)
    outcome = look(world, person)
    assert (outcome.result, outcome.record) == (Result.UNCHANGED, Record())
    assert world.calls() == ["kratos GET"]


def test_an_unstarted_record_is_healed_without_asking_jumio(world: World) -> None:
    person = world.person_with(Record(status=Status.UNSTARTED))
    overwrite(world, person, "metadata_public", {"theirs": 1})
    outcome = look(world, person)
    assert (outcome.result, outcome.event) == (Result.APPLIED, Event.HEALED)
    assert statuses(world, person) == ["unstarted", "unstarted"]
    assert world.jumio.server.requests == []


def test_the_link_survives_the_loss_of_the_public_copy(world: World) -> None:
    person, workflow = begun(world)
    overwrite(world, person, "metadata_public", None)
    assert look(world, person).event is Event.HEALED
    public, _ = world.record(person)
    assert (public["status"], public["workflow_execution_id"], public["verification_url"]) == (
        "pending",
        workflow.id,
        workflow.web_href,
    )


def test_somebody_elses_write_in_between_is_healed_by_the_next_look(world: World) -> None:
    """Kratos writes the whole row: a settings form saved meanwhile can take our record with it."""
    person, workflow = begun(world)
    world.jumio.decide(workflow.id, "passed")
    before = world.kratos.identity(person)
    world.call_back(workflow)
    overwrite(world, person, "metadata_public", before["metadata_public"])
    overwrite(world, person, "metadata_admin", before["metadata_admin"])
    assert statuses(world, person) == ["pending", "pending"]
    assert look(world, person).event is Event.SETTLED
    assert statuses(world, person) == ["approved", "approved"]


# --- what Jumio says counts ---


def test_a_verdict_that_jumio_revised_is_followed(world: World) -> None:
    person, workflow = begun(world)
    assert look(world, person).result is Result.UNCHANGED
    for outcome, status in (("warning", "review"), ("passed", "approved"), ("rejected", "rejected")):
        world.jumio.decide(workflow.id, outcome)
        assert world.services.settler.look(person, whole).event is Event.SETTLED
        assert statuses(world, person) == [status, status]


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(hours=1), "pending"), (timedelta(days=1, seconds=1), "incomplete")]
)
def test_a_workflow_that_jumio_does_not_know_is_given_up_after_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch, age: timedelta, status: str
) -> None:
    person = world.person_with(pending())
    initiated_at = datetime.fromisoformat(str(pending().initiated_at))
    monkeypatch.setattr(world.services.settler, "_clock", lambda: initiated_at + age)
    look(world, person)
    assert statuses(world, person) == [status, status]


def test_a_verdict_whose_workflow_jumio_has_deleted_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world.person_with(approved())
    monkeypatch.setattr(world.services.settler, "_clock", lambda: NOW + timedelta(days=400))
    assert look(world, person).result is Result.UNCHANGED
    assert statuses(world, person) == ["approved", "approved"]


@pytest.mark.parametrize("fault", [faults.answer(500), faults.answer(429), faults.garbage()])
def test_a_look_that_cannot_be_made_changes_nothing(world: World, fault: Fault) -> None:
    person, _ = begun(world)
    before = world.record(person)
    world.jumio.server.faults = lambda request: fault if request.method == "GET" else None
    with pytest.raises(VendorUnavailable):
        look(world, person)
    assert world.record(person) == before


def test_what_a_slow_reading_leads_to_builds_on_what_is_true_now(world: World) -> None:
    """Jumio took its time, and meanwhile another process wrote something else."""
    person = world.verified_person()
    world.reverify(person, due_in="7d")
    workflow = world.jumio.truth(person)[-1]
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    others = world.jumio.server.faults

    def meanwhile(request: Request) -> Fault | None:
        if request.method == "GET" and workflow.id in request.path:
            world.change(person, lambda record: record.with_event("verification.healed", now=NOW))
        return others(request) if others else None

    world.jumio.server.faults = meanwhile
    assert look(world, person).event is Event.REVERIFICATION_PASSED
    events = [event["event"] for event in world.record(person)[1]["history"]]
    assert events[-2:] == ["verification.healed", "reverification.passed"]


def without_steps(world: World, person: str) -> None:
    """As version 1.0 wrote it."""

    def change(record: Record) -> Record:
        assert record.assurance is not None
        return replace(record, assurance=replace(record.assurance, level=1, steps=None))

    world.change(person, change)


def without_the_private_copy(world: World, person: str) -> None:
    world.kratos.identities.patch(person, [{"op": "remove", "path": "/metadata_admin/jumio"}])


def at_the_gate(world: World, person: str) -> None:
    assert message_of(world.hook(person, policy={"max_age": "0m"}))["id"] == 9010001


@pytest.mark.parametrize("seen_by", [look, at_the_gate])
@pytest.mark.parametrize("to_mend", [without_steps, without_the_private_copy])
def test_a_slow_reading_without_news_undoes_nothing_where_something_is_to_be_mended(
    world: World,
    make_world: Callable[..., World],
    to_mend: Callable[[World, str], None],
    seen_by: Callable[[World, str], object],
) -> None:
    """Jumio's answer was on its way when another process was told of a rejection, and recorded it."""
    person = world.verified_person()
    world.reverify(person)
    to_mend(world, person)
    workflow = world.jumio.truth(person)[-1]
    still_open = json.dumps(jumio_records.details(workflow, world.jumio.api_base_url)).encode()
    other = make_world()

    def meanwhile(request: Request) -> Fault | None:
        if request.method != "GET" or workflow.id not in request.path:
            return None
        world.jumio.server.faults = None
        world.jumio.decide(workflow.id, "rejected", callback=False)
        assert other.call_back(workflow).json == {"result": "applied"}
        return faults.answer(200, still_open)

    world.jumio.server.faults = meanwhile
    seen_by(world, person)
    assert world.jumio.server.faults is None
    assert statuses(world, person) == ["rejected", "rejected"]


def test_nor_does_one_of_a_workflow_that_jumio_does_not_know(world: World) -> None:
    person = world.person_with(pending(initiated_at=days_ago(2)))

    def meanwhile(request: Request) -> Fault | None:
        if request.method == "GET":
            world.change(person, lambda record: replace(record, status=Status.REJECTED))
        return None

    world.jumio.server.faults = meanwhile
    look(world, person)
    assert statuses(world, person) == ["rejected", "rejected"]


def test_nor_does_one_of_somebody_who_is_to_be_deactivated_again(make_world: Callable[..., World]) -> None:
    world = make_world(ON_REJECTED="deactivate")
    person, _ = settled(world, "rejected")
    overwrite(world, person, "state", "active")

    def meanwhile(request: Request) -> Fault | None:
        if request.method == "GET":
            world.change(person, lambda record: replace(record, starts=(days_ago(3), days_ago(2))))
        return None

    world.jumio.server.faults = meanwhile
    world.services.settler.look(person, whole)
    assert world.kratos.identity(person)["state"] == "inactive"
    assert len(world.record(person)[1]["starts"]) == 2


# --- what a rejection does ---


@pytest.mark.parametrize(
    ("on_rejected", "sessions", "state"),
    [("block", 2, "active"), ("revoke", 0, "active"), ("deactivate", 0, "inactive")],
)
def test_a_rejection_does_what_the_setting_says(
    make_world: Callable[..., World], log_lines: list[str], on_rejected: str, sessions: int, state: str
) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    person, workflow = begun(world)
    bystander = world.person("bystander")
    for identity_id in (person, person, bystander):
        world.kratos.identities.sign_in(identity_id, "password")
    world.jumio.decide(workflow.id, "rejected", callback=False)
    world.call_back(workflow)
    assert len(world.kratos.sessions(person)) == sessions
    assert len(world.kratos.sessions(bystander)) == 1
    assert world.kratos.identity(person)["state"] == state
    assert len([line for line in log_lines if "session.revoked" in line]) == (sessions == 0)

    world.forget_calls()
    world.call_back(workflow)
    assert world.kratos.server.count("PATCH", ".*") == 0  # harmless when done again


@pytest.mark.parametrize("outcome", ["passed", "warning", "not_executed", "expire"])
@pytest.mark.parametrize("on_rejected", ["block", "revoke", "deactivate"])
def test_any_other_result_ends_no_session(make_world: Callable[..., World], outcome: str, on_rejected: str) -> None:
    world = make_world(ON_REJECTED=on_rejected)
    person, workflow = begun(world)
    world.kratos.identities.sign_in(person, "password")
    world.jumio.decide(workflow.id, outcome, callback=False)
    world.call_back(workflow)
    assert len(world.kratos.sessions(person)) == 1
    assert world.kratos.identity(person)["state"] == "active"
    assert world.kratos.server.count("DELETE", ".*") == 0


def test_a_rejected_identity_that_somebody_reactivated_is_deactivated_again(make_world: Callable[..., World]) -> None:
    world = make_world(ON_REJECTED="deactivate")
    person, _ = settled(world, "rejected")
    overwrite(world, person, "state", "active")
    assert look(world, person).event is Event.HEALED
    assert world.kratos.identity(person)["state"] == "inactive"


def test_sessions_that_could_not_be_ended_are_ended_the_next_time(world: World) -> None:
    person, workflow = begun(world)
    world.kratos.identities.sign_in(person, "password")
    world.jumio.decide(workflow.id, "rejected", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(500) if request.method == "DELETE" else None
    assert world.call_back(workflow).status_code == 503
    assert statuses(world, person) == ["rejected", "rejected"]
    world.kratos.server.faults = None
    assert world.call_back(workflow).json == {"result": "unchanged"}
    assert world.kratos.sessions(person) == []


def test_a_record_that_could_not_be_written_ends_no_session_yet(world: World) -> None:
    person, workflow = begun(world)
    world.kratos.identities.sign_in(person, "password")
    world.jumio.decide(workflow.id, "rejected", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(500) if request.method == "PATCH" else None
    assert world.call_back(workflow).status_code == 503
    assert len(world.kratos.sessions(person)) == 1


# --- nothing about a person ---


FULL_EXTRACTION = {
    "type": "ID_CARD", "subType": "NATIONAL_ID", "issuingCountry": "CHL", "firstName": "JANE", "lastName": "DOE",
    "dateOfBirth": "1990-01-01", "expiryDate": "2030-01-01", "issuingDate": "2020-01-01", "documentNumber": "1111111",
    "personalNumber": "22222222", "gender": "F", "nationality": "CHL", "placeOfBirth": "SANTIAGO",
    "optionalMrzField1": "Z11", "currentAge": 36, "religion": "NONE-STATED", "curp": "CURP33333", "cpf": "CPF444444",
    "taxNumber": "TAX55555", "mothersName": "MARY", "maritalStatus": "SINGLE", "lastNameAtBirth": "SMITHSON",
    "dateOfBirthParts": {"year": "1990", "month": "01", "day": "01"},
    "address": {"line1": "MAIN STREET 7", "city": "VALPARAISO", "country": "CHL", "formattedAddress": "MAIN STREET 7"},
}  # fmt: skip
NAMED_CAPABILITIES = {
    "usability": [
        {"id": "k1", "credentials": [{"id": "c1", "category": "ID"}],
         "decision": {"type": "PASSED", "details": {"label": "OK"}}},
    ],
    "imageChecks": [
        {"id": "k4", "credentials": [{"id": "c1", "category": "ID"}, {"id": "c3", "category": "SELFIE"}],
         "decision": {"type": "PASSED", "details": {"label": "OK"}},
         "data": {"faceSearchFindings": {"status": "DONE", "findings": ["eb776622-26a2-499b-b824-6449c92d1617"]}}},
    ],
    "extraction": [
        {"id": "k5", "credentials": [{"id": "c1", "category": "ID"}],
         "decision": {"type": "PASSED", "details": {"label": "OK"}}, "data": FULL_EXTRACTION},
    ],
    "dataChecks": [{"id": "k6", "decision": {"type": "PASSED", "details": {"label": "OK"}}}],
    "similarity": [
        {"id": "k7", "decision": {"type": "PASSED", "details": {"label": "MATCH"}}, "data": {"similarity": "MATCH"}},
    ],
    "liveness": [
        {"id": "k8", "validFaceMapForAuthentication": "https://retrieval.emea-1.jumio.ai/api/v1/accounts/A/FACEMAP",
         "decision": {"type": "PASSED", "details": {"label": "OK"}},
         "data": {"type": "JUMIO_STANDARD", "predictedAge": 31, "ageConfidenceRange": "21-41"}},
    ],
    "watchlistScreening": [
        {"id": "k9", "decision": {"type": "PASSED", "details": {"label": "OK"}},
         "data": {"searchId": "SEARCH-ID", "searchResultUrl": "https://search.example.com/JANE-DOE",
                  "searchResults": 0}},
    ],
}  # fmt: skip
PERSONAL = [
    "JANE", "DOE", "SMITHSON", "MARY", "1111111", "22222222", "1990", "2020", "CHL", "SANTIAGO", "VALPARAISO", "MAIN",
    "Z11", "CURP", "CPF", "TAX5", "NONE-STATED", "SINGLE", "NATIONAL_ID", "ID_CARD", "SEARCH-ID", "example.com/JANE",
    "FACEMAP", "21-41", "eb776622", "predictedAge", "firstName", "documentNumber",
]  # fmt: skip


@pytest.mark.parametrize("how", ["first", "further", "looked at"])
@pytest.mark.parametrize("outcome", ["passed", "warning", "rejected"])
def test_nothing_that_jumio_read_about_a_person_is_ever_written(world: World, how: str, outcome: str) -> None:
    person = world.person()
    world.initiate(person)
    if how == "further":
        world.says(world.jumio.truth(person)[0], "passed")
        world.call_back(world.jumio.truth(person)[0])
        world.reverify(person)
    workflow = world.jumio.truth(person)[-1]
    world.says(workflow, outcome, capabilities=NAMED_CAPABILITIES)
    assert world.call_back(workflow).json == {"result": "applied"}
    if how == "looked at":
        world.kratos.identities.patch(person, [{"op": "remove", "path": "/metadata_admin"}])
        old = {**world.record(person)[0], "status": "pending", "initiated_at": days_ago(1)}
        world.validate(person, {"jumio": old})
        assert world.record(person)[1] is not None
    public, admin = world.record(person)
    written = json.dumps([public, admin, [request.body.decode() for request in world.kratos.server.requests]])
    written = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|authorizationToken=[\w-]+", "", written)  # random
    assert [word for word in PERSONAL if word in written] == []
    assert len(admin["checks"]) == len(NAMED_CAPABILITIES)
    assert {frozenset(check) for check in admin["checks"]} == {frozenset({"capability", "decision", "label"})}
    assert public["assurance"].keys() - {"steps"} == {"level", "name", "verified_at", "expires_at", "table"}
    if outcome == "passed":
        assert public["assurance"]["expires_at"] == "2030-01-02T00:00:00.000Z"
        assert public["assurance"]["level"] == 3
