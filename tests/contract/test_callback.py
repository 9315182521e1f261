# SPDX-License-Identifier: Apache-2.0
"""Jumio's callbacks, in both forms: who is let in, what is applied, ignored, or asked to come again."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support import (
    AUTH,
    CALLBACK_SECRET,
    IDENTITY,
    OLD_CALLBACK_SECRET,
    OTHER_IDENTITY,
    WORKFLOW,
    World,
    approved,
    callback_body,
    callback_path,
    capability,
    pending,
    signed,
    verified,
)
from werkzeug.test import TestResponse

from contract.routes import CALLBACK, assert_refused
from sandbox import faults
from sandbox.faults import Fault
from sandbox.jumio_records import Workflow
from sandbox.server import Request
from webhook.core.ids import NIL_UUID
from webhook.core.status import Status

each_form = pytest.mark.parametrize("form", ["signed", "capability"])


def call(world: World, form: str, identity_id: str, body: dict[str, Any]) -> TestResponse:
    data = json.dumps(body).encode()
    path = "/jumio/callback" if form == "signed" else callback_path(identity_id)
    return world.client.post(path, data=data, headers=signed(data) if form == "signed" else {})


def with_open_workflow(world: World, name: str = "person") -> tuple[str, Workflow]:
    """Somebody whose workflow is open, and no calls counted yet."""
    person = world.person(name)
    assert world.initiate(person).status_code == 200
    world.forget_calls()
    [workflow] = world.jumio.truth(person)
    return person, workflow


def never_noted(world: World, reference: str) -> Workflow:
    """A workflow that Jumio knows, and Kratos does not."""
    body = {"customerInternalReference": reference, "userReference": reference, "workflowDefinition": {"key": 10011}}
    workflow = world.jumio.start(body, None)
    assert workflow is not None
    return world.jumio.decide(workflow.id, "passed", callback=False)


# --- who is let in ---


def test_every_form_of_a_good_signature_opens_and_the_header_can_be_named(make_world: Callable[..., World]) -> None:
    world = make_world(JUMIO_SIGNATURE_HEADER="X-Proxy-Mac")
    body = json.dumps({**CALLBACK, "workflowExecution": {"id": WORKFLOW, "status": "ACQUIRED"}}).encode()
    good = signed(body)["X-Jumio-Signature"]
    forms = [
        good,
        good.upper(),
        f"sha256={good}",
        f"SHA256={good.upper()}",
        base64.b64encode(bytes.fromhex(good)).decode(),
        signed(body, OLD_CALLBACK_SECRET)["X-Jumio-Signature"],
    ]
    for form in forms:
        assert world.client.post("/jumio/callback", data=body, headers={"X-Proxy-Mac": form}).status_code == 200
    for header, form in [("X-Jumio-Signature", good), ("X-Proxy-Mac", good[:-1]), ("X-Proxy-Mac", "é")]:
        assert_refused(world.client.post("/jumio/callback", data=body, headers={header: form}), 401)


def test_a_capability_by_any_secret_of_the_rotation_opens(world: World) -> None:
    body = {**CALLBACK, "workflowExecution": {"id": WORKFLOW, "status": "ACQUIRED"}}
    for secret in (CALLBACK_SECRET, OLD_CALLBACK_SECRET):
        path = f"/jumio/callback/{IDENTITY}/{capability(IDENTITY, secret)}"
        assert world.client.post(path, json=body).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/jumio/callback/{IDENTITY}/{capability(IDENTITY)[:-1]}",
        f"/jumio/callback/{IDENTITY}/{capability(IDENTITY)}=",
        f"/jumio/callback/{OTHER_IDENTITY}/{capability(IDENTITY)}",
        f"/jumio/callback/{IDENTITY.upper()}/{capability(IDENTITY)}",
        f"/jumio/callback/{IDENTITY}/{capability(IDENTITY, 'something-else')}",
        f"/jumio/callback/{IDENTITY}/%ff%fe",
        f"/jumio/callback/{IDENTITY}/%00",
        f"/jumio/callback/%F0%9F%98%80/{capability(IDENTITY)}",
    ],
)
def test_no_other_token_opens_whatever_else_comes_with_it(world: World, path: str) -> None:
    body = json.dumps(CALLBACK).encode()
    assert_refused(world.client.post(path, data=body, headers={**signed(body), **AUTH}), 401)
    assert world.calls() == []


@pytest.mark.parametrize("name", ["not-a-uuid", NIL_UUID])
def test_a_capability_of_ours_that_names_no_identity_is_400(world: World, name: str) -> None:
    assert_refused(call(world, "capability", name, CALLBACK), 400)
    assert world.calls() == []


# --- applied ---


@each_form
@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("passed", "approved"),
        ("warning", "review"),
        ("rejected", "rejected"),
        ("not_executed", "incomplete"),
        ("expire", "incomplete"),
    ],
)
def test_what_jumio_says_is_applied_once(world: World, form: str, outcome: str, status: str) -> None:
    person, workflow = with_open_workflow(world)
    world.jumio.decide(workflow.id, outcome)
    answers = [call(world, form, person, callback_body(workflow)) for _ in range(2)]
    assert [(answer.status_code, answer.json) for answer in answers] == [
        (200, {"result": "applied"}),
        (200, {"result": "unchanged"}),
    ]
    assert [copy["status"] for copy in world.record(person)] == [status, status]
    assert world.kratos.server.count("PATCH", ".*") == 1


@each_form
def test_one_that_was_never_noted_is_adopted(world: World, form: str) -> None:
    person = world.person()
    workflow = never_noted(world, person)
    assert call(world, form, person, callback_body(workflow)).json == {"result": "applied"}
    assert [copy["status"] for copy in world.record(person)] == ["approved", "approved"]


def test_one_whose_note_is_undone_again_and_again_is_answered_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person()
    workflow = never_noted(world, person)
    monkeypatch.setattr("webhook.verification.settle.LOOKED_FOR_AFTER", (0.0, 0.0))

    def undo(request: Request) -> None:
        if request.method == "GET":
            patch = [
                {"op": "replace", "path": f"/{name}", "value": {}} for name in ("metadata_public", "metadata_admin")
            ]
            world.kratos.identities.patch(person, patch)

    world.kratos.server.faults = undo
    assert world.call_back(workflow).json == {"result": "applied"}
    assert world.kratos.server.count("PATCH", ".*") == 3


@each_form
def test_one_that_lies_about_the_end_changes_nothing(world: World, form: str) -> None:
    person, workflow = with_open_workflow(world)
    answer = call(world, form, person, callback_body(workflow, "PROCESSED"))
    assert (answer.status_code, answer.json) == (200, {"result": "unchanged"})
    assert world.record(person)[0]["status"] == "pending"


def test_eight_at_once_apply_once(world: World) -> None:
    person, workflow = with_open_workflow(world)
    world.jumio.decide(workflow.id, "passed")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: world.call_back(workflow).json, range(8)))
    assert sorted(answer["result"] for answer in answers if answer is not None) == ["applied"] + ["unchanged"] * 7
    assert world.kratos.server.count("PATCH", ".*") == 1
    assert world.record(person)[0]["status"] == "approved"


# --- ignored ---


@each_form
def test_an_intermediate_one_is_ignored_without_a_call(world: World, form: str) -> None:
    person, workflow = with_open_workflow(world)
    answer = call(world, form, person, callback_body(workflow, "ACQUIRED"))
    assert (answer.status_code, answer.json) == (200, {"result": "ignored", "reason": "an intermediate status"})
    assert world.calls() == []


@each_form
def test_one_for_an_identity_that_is_gone_is_ignored(world: World, form: str) -> None:
    answer = call(world, form, IDENTITY, callback_body(never_noted(world, IDENTITY)))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "Kratos does not know the identity"},
    )


def test_a_workflow_of_somebody_else_is_ignored_on_this_identitys_url(world: World) -> None:
    victim, _ = with_open_workflow(world, "victim")
    attacker, passed = with_open_workflow(world, "attacker")
    world.jumio.decide(passed.id, "passed", callback=False)
    answer = call(world, "capability", victim, callback_body(passed))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "the workflow is not this identity's"},
    )
    assert [world.record(person)[0]["status"] for person in (victim, attacker)] == ["pending", "pending"]


def test_an_ignored_one_writes_and_ends_nothing(world: World) -> None:
    rejected = world.person_with(approved(status=Status.REJECTED), "rejected")
    _, workflow = with_open_workflow(world, "other")
    world.jumio.decide(workflow.id, "passed")
    assert call(world, "capability", rejected, callback_body(workflow)).json["result"] == "ignored"
    assert world.calls() == ["jumio GET", "kratos GET"]


@pytest.mark.parametrize("reference", ["", "not-an-identity", NIL_UUID, "../admin"])
def test_a_signed_one_of_a_workflow_that_names_no_identity_is_ignored(world: World, reference: str) -> None:
    workflow = never_noted(world, "x")
    workflow.reference = workflow.user_reference = reference
    answer = call(world, "signed", IDENTITY, callback_body(workflow))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "the workflow names no identity"},
    )
    assert world.kratos.server.requests == []


def test_a_superseded_workflow_is_ignored_with_its_reason(world: World) -> None:
    person = world.person_with(verified(initiated_at="2999-01-01T00:00:00.000Z", decided_at="2999-01-02T00:00:00.000Z"))
    answer = call(world, "capability", person, callback_body(never_noted(world, person)))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "another workflow's verdict stands: approved"},
    )


def test_a_verdict_that_comes_late_counts_while_a_younger_workflow_is_open(world: World) -> None:
    person = world.person_with(pending(initiated_at="2999-01-01T00:00:00.000Z"))
    answer = call(world, "capability", person, callback_body(never_noted(world, person)))
    assert (answer.status_code, answer.json) == (200, {"result": "applied"})
    assert world.record(person)[0]["status"] == "approved"


# --- asked to come again ---


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("signed", faults.answer(500)),
        ("signed", faults.answer(404)),  # not known there yet
        ("capability", faults.answer(404)),
        ("capability", faults.answer(429)),
        ("capability", faults.answer(403)),
        ("capability", faults.garbage()),
        ("capability", faults.oversize(2, declared=False)),
        ("capability", faults.redirect("http://127.0.0.1:1/")),
        ("capability", faults.reset()),
    ],
    ids=["500", "404, signed", "404", "429", "403", "garbage", "too much", "a redirect", "a reset"],
)
def test_a_verdict_that_cannot_be_read_now_is_503_and_not_lost(world: World, form: str, fault: Fault) -> None:
    person = world.person_with(pending())
    world.jumio.server.faults = lambda request: fault if request.method == "GET" else None
    assert_refused(call(world, form, person, CALLBACK), 503, f"{form} callback")
    assert world.record(person)[0]["status"] == "pending"
    assert world.kratos.server.requests == []


@each_form
@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("status", [400, 503])
def test_a_verdict_that_cannot_be_written_now_is_503_and_not_lost(
    world: World, form: str, method: str, status: int
) -> None:
    person, workflow = with_open_workflow(world)
    world.jumio.decide(workflow.id, "passed", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(status) if request.method == method else None
    assert_refused(call(world, form, person, callback_body(workflow)), 503, f"{form} callback")
    world.kratos.server.faults = None
    assert call(world, form, person, callback_body(workflow)).json == {"result": "applied"}


def test_whoever_waits_for_another_change_of_the_identity_gives_up_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, workflow = with_open_workflow(world)
    with world.services.settler.attending(person), monkeypatch.context() as impatient:
        impatient.setattr("webhook.web.callbacks.REQUEST_SECONDS", 0.2)
        assert_refused(world.call_back(workflow), 503, "capability callback")
    assert world.call_back(workflow).status_code == 200
