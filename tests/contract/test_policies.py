# SPDX-License-Identifier: Apache-2.0
"""Policies at the gate: what they block, what they start, and that neither cost nor a peer that fails gets through."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import (
    FACE_DOUBTED,
    FACE_PASSED,
    IDENTITY,
    LINK,
    NEWER_WORKFLOW,
    World,
    aged,
    assured,
    days_ago,
    message_of,
    pending,
    verified,
)

from sandbox import faults
from sandbox.faults import Fault
from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.verification.links import Links

STEP_UP = {"min_level": 3, "on_unmet": "start"}


def at_level(level: int, days: float = 1, **changed: Any) -> Record:
    """Somebody who was verified so many days ago."""
    return verified(assurance=assured(level, verified_at=days_ago(days)), **changed)


def due(days: float, **changed: Any) -> Reverification:
    return Reverification(reason="risk", due_at=days_ago(days), **changed)


def open_one(due_at: str | None = None) -> Reverification:
    return Reverification(
        reason="risk",
        due_at=due_at,
        workflow_execution_id=NEWER_WORKFLOW,
        verification_url=LINK,
        vendor_url=LINK,
        initiated_at=days_ago(0),
        workflow_key=10014,
    )


# --- what passes, and what it costs ---


@pytest.mark.parametrize(
    ("record", "policy", "contact", "level"),
    [
        (Record(), {}, None, 0),
        (Record(), {}, True, 1),
        (Record(), {"min_level": 0}, None, 0),
        (Record(), {"min_level": 1}, True, 1),
        (at_level(2), {"min_level": 2}, False, 2),
        (at_level(3), {"min_level": 3, "max_age": "90d"}, None, 3),
        (at_level(3), {"max_age": "25h", "on_unmet": "start"}, None, 3),
        (at_level(3, status=Status.REVIEW), {"min_level": 3}, None, 3),
        (at_level(3), {"block_statuses": ["rejected", "review"], "min_level": 3}, None, 3),
        (replace(at_level(3), reverification=due(-1)), {"min_level": 3}, None, 3),  # due tomorrow
        (replace(at_level(3), reverification=due(1)), {"min_level": 1}, None, 1),  # overdue, but level 1 is enough
        (replace(at_level(3), reverification=open_one()), {"min_level": 3}, None, 3),
    ],
)
def test_a_policy_that_is_met_costs_no_call(
    world: World, record: Record, policy: dict[str, Any], contact: bool | None, level: int
) -> None:
    person = world.person_with(record) if record != Record() else world.person()
    before = world.record(person)
    answer = world.hook(person, policy=policy, contact_verified=contact)
    assert (answer.status_code, answer.json) == (200, {"status": record.status.value, "level": level})
    assert world.calls() == []
    assert world.record(person) == before


def test_without_a_policy_the_answer_is_the_old_one(world: World) -> None:
    person = world.person_with(replace(at_level(3), reverification=due(1)))
    assert world.hook(person).json == {"status": "approved"}
    assert world.calls() == []


# --- statuses ---


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.NONE])
@pytest.mark.parametrize("listed", [[], ["rejected"], ["approved", "review"], [*Status]])
def test_the_policys_statuses_replace_the_settings(
    make_world: Callable[..., World], status: Status, listed: list[str]
) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES="pending,incomplete")
    # Too young to be looked at again.
    person = world.person_with(pending(status=status, initiated_at=days_ago(0)))
    answer = world.hook(person, policy={"block_statuses": listed})
    assert answer.status_code == (403 if status.value in listed else 200)
    # Without its own list the setting rules, policy or not.
    for more in ({}, {"policy": {}}, {"policy": {"max_age": None}}):
        assert world.hook(person, **more).status_code == (403 if status.value in ("pending", "incomplete") else 200)
    assert world.calls() == []


def test_a_status_that_blocks_is_told_before_a_level_that_lacks(world: World) -> None:
    person = world.person_with(verified(0, status=Status.REJECTED))
    assert message_of(world.hook(person, policy={"min_level": 3, "max_age": "1d"}))["id"] == 9010001


@pytest.mark.parametrize(("contact", "level"), [(True, 0), (False, 0)])
def test_whoever_is_rejected_has_no_level_even_with_a_contact(world: World, contact: bool, level: int) -> None:
    person = world.person_with(verified(0, status=Status.REJECTED))
    answer = world.hook(person, policy={"block_statuses": []}, contact_verified=contact)
    assert answer.json == {"status": "rejected", "level": level}
    refused = world.hook(person, policy={"block_statuses": [], "min_level": 1}, contact_verified=contact)
    assert message_of(refused)["id"] == 9010010


# --- levels ---


@pytest.mark.parametrize(
    ("record", "policy", "message_id", "current"),
    [
        (Record(), {"min_level": 1}, 9010010, (0, "none")),
        (at_level(2), {"min_level": 3}, 9010010, (2, "document")),
        (at_level(3, 91), {"max_age": "90d"}, 9010011, (3, "person")),
        (at_level(3, 91), {"min_level": 3, "max_age": "90d"}, 9010011, (3, "person")),
        (at_level(2, 91), {"min_level": 3, "max_age": "90d"}, 9010010, (2, "document")),
        (replace(at_level(3), reverification=due(1)), {"min_level": 3}, 9010012, (1, "contact")),
        (replace(at_level(3), reverification=due(1)), {"max_age": "90d"}, 9010012, (1, "contact")),
        (replace(at_level(2, 91), reverification=due(1)), {"min_level": 3, "max_age": "1d"}, 9010012, (1, "contact")),
        (
            verified(assurance=assured(3, verified_at=days_ago(1), expires_at=days_ago(0))),
            {"min_level": 2},
            9010010,
            (1, "contact"),
        ),
        (verified(assurance=None), {"max_age": "90d"}, 9010011, (0, "none")),
    ],
)
def test_a_policy_that_is_not_met_blocks_and_starts_nothing(
    world: World, record: Record, policy: dict[str, Any], message_id: int, current: tuple[int, str]
) -> None:
    person = world.person_with(record) if record != Record() else world.person()
    for order in ({}, {"on_unmet": "block"}):
        message = message_of(world.hook(person, policy={**policy, **order}))
        assert message["id"] == message_id
        assert message["text"].endswith(" Please contact support.")
        assert message["context"] == {
            "status": record.status.value,
            "required": {"min_level": policy.get("min_level"), "max_age": policy.get("max_age")},
            "current": {
                "level": current[0],
                "name": current[1],
                "verified_at": record.assurance.verified_at if record.assurance else None,
            },
        }
    assert world.calls() == []


def test_a_refusal_is_logged_with_status_and_level(world: World, log_lines: list[str]) -> None:
    world.hook(world.person_with(at_level(2)), policy={"min_level": 3})
    [line] = [line for line in log_lines if " gate.refused " in line]
    assert line.startswith("webhook INFO ")
    assert '"status": "approved"' in line
    assert '"assurance_level": 2' in line


@pytest.mark.parametrize(
    "policy",
    [None, [], "x", {"x": 1}, {"min_level": 4}, {"min_level": "3"}, {"max_age": 90}, {"on_unmet": "x"},
     {"block_statuses": ["x"]}, {"block_statuses": None}],
    ids=str,
)  # fmt: skip
def test_a_malformed_policy_is_400_with_a_text_and_never_a_pass(world: World, policy: object) -> None:
    answer = world.hook(world.person_with(at_level(3)), policy=policy)
    assert answer.status_code == 400
    assert answer.json is not None
    assert "policy" in answer.json["error"]["reason"]
    [entry] = answer.json["messages"]
    assert entry["messages"][0]["id"] == 9010000
    assert world.calls() == []


# --- starting ---


def test_whoever_never_was_verified_gets_a_first_workflow(world: World) -> None:
    person = world.person()
    message = message_of(world.hook(person, policy=STEP_UP))
    [workflow] = world.jumio.truth(person)
    assert (message["id"], message["context"]["verification_url"]) == (9010010, workflow.web_href)
    assert message["text"] == (
        f"For this you need to confirm more fully who you are. Continue here: {workflow.web_href}"
    )
    assert world.starts() == ["POST 10011"]
    assert world.record(person)[0]["status"] == "pending"


def test_a_document_is_asked_for_where_a_look_at_the_face_would_not_be_enough(world: World) -> None:
    person = world.verified_person()
    world.change(person, lambda record: replace(record, assurance=assured(2)))
    message = message_of(world.hook(person, policy=STEP_UP))
    [_, workflow] = world.jumio.truth(person)
    assert world.starts() == ["PUT 10011"]
    assert message["context"]["verification_url"] == workflow.web_href
    public, admin = world.record(person)
    assert (public["status"], public["assurance"]["level"]) == ("approved", 2)
    assert public["reverification"] == {
        "reason": "step-up",
        "due_at": None,
        "workflow_execution_id": workflow.id,
        "verification_url": workflow.web_href,
    }
    assert admin["reverification"]["workflow_key"] == 10011


def test_a_look_at_the_face_is_asked_for_where_it_is_enough(make_world: Callable[..., World]) -> None:
    world = make_world(JUMIO_REAUTH_WORKFLOW_KEY="9")
    person = world.verified_person()
    world.change(person, lambda record: replace(record, assurance=assured(3, verified_at=days_ago(91))))
    policy = {"min_level": 3, "max_age": "90d", "on_unmet": "start"}
    assert message_of(world.hook(person, policy=policy))["id"] == 9010011
    assert world.starts() == ["PUT 9"]
    [_, workflow] = world.jumio.truth(person)
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    assert world.call_back(workflow).json == {"result": "applied"}
    world.forget_calls()
    assert world.hook(person, policy=policy).json == {"status": "approved", "level": 3}
    assert world.calls() == []


@pytest.mark.parametrize("policy", [STEP_UP, {"max_age": "1h", "on_unmet": "start"}])
def test_at_most_one_workflow_is_open(world: World, policy: dict[str, Any]) -> None:
    person = world.verified_person()
    world.change(person, lambda record: aged(record, 91, 2))
    first = message_of(world.hook(person, policy=policy))["context"]["verification_url"]
    for _ in range(3):
        message = message_of(world.hook(person, policy=policy))
        assert message["context"]["verification_url"] == first
        blocked = message_of(world.hook(person, policy={**policy, "on_unmet": "block"}))
        assert "verification_url" not in blocked["context"], "at a recovery it would go to whoever reads the mail"
        assert first not in json.dumps(blocked)
    assert world.reverify(person, due_in="7d").status_code == 200
    assert len(world.starts()) == 1


def test_a_hook_with_an_old_copy_gets_the_link_that_is_open(world: World) -> None:
    """Kratos sends what it read when the flow began."""
    person = world.verified_person()
    world.change(person, lambda record: replace(record, assurance=assured(2)))
    old = world.kratos.identity(person)["metadata_public"]
    first = message_of(world.hook(person, policy=STEP_UP))["context"]["verification_url"]
    again = world.validate(person, old, policy=STEP_UP)
    assert message_of(again)["context"]["verification_url"] == first
    assert len(world.starts()) == 1


def test_a_blocked_status_may_order_a_start_too(world: World) -> None:
    person = world.person()
    policy = {"block_statuses": ["none"], "on_unmet": "start"}
    message = message_of(world.hook(person, policy=policy))
    [workflow] = world.jumio.truth(person)
    assert (message["id"], message["context"]) == (
        9010005,
        {"status": "none", "verification_url": workflow.web_href},
    )
    assert message["text"].endswith(f"Continue here: {workflow.web_href}")


def test_nothing_is_started_for_whoever_was_rejected(world: World) -> None:
    person = world.person_with(verified(0, status=Status.REJECTED))
    policies = (STEP_UP, {"block_statuses": [], **STEP_UP}, {"block_statuses": ["rejected"], "on_unmet": "start"})
    for policy in policies:
        message = message_of(world.hook(person, policy=policy))
        assert "verification_url" not in message["context"]
    assert world.starts() == []


@pytest.mark.parametrize("limit", [1, 2])
def test_starts_are_limited_for_a_day_whatever_their_kind(make_world: Callable[..., World], limit: int) -> None:
    world = make_world(MAX_STARTS_PER_DAY=str(limit), PUBLIC_URL="http://127.0.0.1:3000")
    person = world.person()
    kinds: list[Callable[[], object]] = [
        lambda: world.initiate(person),
        lambda: world.hook(person, policy=STEP_UP),
        lambda: world.reverify(person),
        lambda: world.client.post(path),
    ]
    path = (Links(world.settings.links).make(person) or "").removeprefix("http://127.0.0.1:3000")
    for number in range(limit):  # one kind after the other, each of which expires
        kinds[number]()
        world.jumio.decide(world.jumio.truth(person)[-1].id, "expire", callback=False)
        world.call_back(world.jumio.truth(person)[-1])
    assert len(world.jumio.truth(person)) == limit
    for kind in kinds:
        kind()
    assert len(world.jumio.truth(person)) == limit
    assert world.record(person)[0]["status"] == "incomplete"
    assert world.initiate(person).json == {
        "status": "incomplete",
        "reason": f"the limit of {limit} starts a day is reached",
    }
    assert "verification_url" not in message_of(world.hook(person, policy=STEP_UP))["context"]
    world.change(person, lambda record: replace(record, starts=tuple(days_ago(1) for _ in record.starts)))
    assert world.initiate(person).json["status"] == "pending"


# --- peers that fail ---


PEER_FAULTS: dict[str, Fault] = {
    "500": faults.answer(500),
    "404": faults.answer(404),
    "garbage": faults.garbage(),
    "silence": faults.hang(),
}


@pytest.mark.parametrize("name", PEER_FAULTS)
@pytest.mark.parametrize("who", ["kratos", "jumio"])
@pytest.mark.parametrize("record", [None, at_level(2)], ids=["never verified", "at level 2"])
def test_a_peer_that_fails_is_a_refusal_without_a_link_and_never_a_5xx(
    world: World, monkeypatch: pytest.MonkeyPatch, who: str, name: str, record: Record | None
) -> None:
    monkeypatch.setattr("webhook.verification.gate.OFFER_SECONDS", 0.15)
    monkeypatch.setattr("webhook.idv.jumio.client.START_NEEDS_SECONDS", 0.0)
    monkeypatch.setattr("webhook.verification.start.KRATOS_SECONDS", 0.05)
    person = world.person_with(record) if record else world.person()
    public = world.kratos.identity(person)["metadata_public"]
    server = world.kratos.server if who == "kratos" else world.jumio.server
    server.faults = lambda _: PEER_FAULTS[name]
    message = message_of(world.validate(person, public, policy=STEP_UP))
    assert message["id"] == 9010010
    assert "verification_url" not in message["context"]
    assert message["text"].endswith("Please contact support.")


def test_what_could_not_be_started_is_logged(world: World, log_lines: list[str]) -> None:
    person = world.person()
    world.kratos.server.faults = lambda request: faults.answer(503)
    world.validate(person, None, policy=STEP_UP)
    assert [line for line in log_lines if " gate.not_started " in line]


# --- a lost callback ---


def verified_who_steps_up(world: World, name: str = "person") -> str:
    person = world.verified_person(name)
    world.change(person, lambda record: replace(record, assurance=assured(2)))
    message_of(world.hook(person, policy=STEP_UP))
    return person


def test_a_lost_callback_of_an_open_reverification_counts_at_the_gate_which_writes_nothing(world: World) -> None:
    person = verified_who_steps_up(world)
    world.says(world.jumio.truth(person)[-1], "passed")
    world.forget_calls()
    assert world.hook(person, policy=STEP_UP).json == {"status": "approved", "level": 3}
    assert world.kratos.server.count("PATCH", ".*") == 0, "Kratos stores the row it has read before the hook"
    # It is written by the next callback or sweep.
    assert world.hook(person).json == {"status": "approved"}
    world.call_back(world.jumio.truth(person)[-1])
    assert "reverification" not in world.record(person)[0]
    world.forget_calls()
    assert world.hook(person, policy=STEP_UP).json == {"status": "approved", "level": 3}
    assert world.calls() == []


def test_it_looks_once(world: World) -> None:
    """Whatever it then judges, refuses, writes or offers builds on what it has seen."""
    for outcome, policy, started in (("passed", {"max_age": "0m"}, 0), ("expire", STEP_UP, 1), ("open", STEP_UP, 0)):
        person = verified_who_steps_up(world, outcome)
        if outcome != "open":
            world.says(world.jumio.truth(person)[-1], outcome)
        world.forget_calls()
        message_of(world.hook(person, policy=policy))
        assert world.jumio.server.count("GET", ".*") == 1, outcome
        assert len(world.starts()) == started
        world.jumio.server.faults = None


def test_a_lost_rejection_is_found_at_the_gate(world: World) -> None:
    person = verified_who_steps_up(world)
    world.kratos.identities.sign_in(person, "password")
    world.says(world.jumio.truth(person)[-1], "rejected")
    assert message_of(world.hook(person, policy=STEP_UP))["id"] == 9010001
    assert world.kratos.sessions(person) == []


def test_an_offer_that_expired_is_made_anew(world: World) -> None:
    person = verified_who_steps_up(world)
    world.says(world.jumio.truth(person)[-1], "expire")
    message = message_of(world.hook(person, policy=STEP_UP))
    assert len(world.jumio.truth(person)) == 3
    assert message["context"]["verification_url"] == world.jumio.truth(person)[-1].web_href


@pytest.mark.parametrize("fault", [faults.answer(500), faults.reset()])
def test_a_look_that_fails_leaves_the_refusal_with_its_link(world: World, fault: Fault) -> None:
    person = verified_who_steps_up(world)
    world.jumio.server.faults = lambda _: fault
    message = message_of(world.hook(person, policy=STEP_UP))
    assert message["context"]["verification_url"] == world.jumio.truth(person)[-1].web_href


def test_an_open_first_verification_is_offered_again(world: World) -> None:
    person = world.person()
    world.initiate(person)
    message = message_of(world.hook(person, policy=STEP_UP))
    [workflow] = world.jumio.truth(person)
    assert message["context"] == {
        "status": "pending",
        "required": {"min_level": 3, "max_age": None},
        "current": {"level": 0, "name": "none", "verified_at": None},
        "verification_url": workflow.web_href,
    }


def test_a_doubted_face_opens_nothing_and_may_be_tried_again(world: World) -> None:
    person = world.verified_person()
    world.change(person, lambda record: aged(record, 91, 3))
    policy = {"max_age": "90d", "min_level": 3, "on_unmet": "start"}
    message_of(world.hook(person, policy=policy))
    workflow = world.jumio.truth(person)[-1]
    world.says(workflow, "warning", capabilities=FACE_DOUBTED)
    world.call_back(workflow)
    public, _ = world.record(person)
    assert (public["status"], public["assurance"]["level"]) == ("approved", 3)
    assert "reverification" not in public, "the offer vanishes"
    message = message_of(world.hook(person, policy=policy))
    assert message["id"] == 9010011
    assert message["context"]["verification_url"] == world.jumio.truth(person)[-1].web_href
    assert world.starts() == ["PUT 10014", "PUT 10014"]


def test_the_answers_hold_no_more_than_the_contract_says(world: World) -> None:
    person = verified_who_steps_up(world)
    text = json.dumps(message_of(world.hook(person, policy=STEP_UP)))
    assert "JANE" not in text
    assert IDENTITY not in text


# --- what the gate writes ---


def pending_for_long(world: World, outcome: str) -> str:
    """Somebody whose callback was lost: the workflow was concluded, and nobody said so."""
    person = world.person()
    world.initiate(person)
    world.says(world.jumio.truth(person)[0], outcome)
    world.change(person, lambda record: replace(record, initiated_at=days_ago(0.1)))
    world.forget_calls()
    return person


POLICY = {"min_level": 2}


@pytest.mark.parametrize(("policy", "writes"), [(POLICY, 0), ({"max_age": "1d"}, 0), (None, 1)])
def test_a_hook_with_a_policy_that_lets_pass_writes_nothing(
    world: World, policy: dict[str, Any] | None, writes: int
) -> None:
    """Kratos stores the identity after such a hook as it has read it before, so what was written would be lost."""
    person = pending_for_long(world, "passed")
    before = world.record(person)
    answer = world.hook(person, **({} if policy is None else {"policy": policy}))
    assert answer.status_code == 200
    assert (answer.json or {})["status"] == "approved"
    assert world.kratos.server.count("PATCH", ".*") == writes
    assert (world.record(person) == before) is (writes == 0)


@pytest.mark.parametrize(
    ("outcome", "policy", "message_id", "status"),
    [
        ("passed", {"min_level": 3, "max_age": "0m"}, 9010011, "approved"),
        ("warning", {"min_level": 2}, 9010010, "review"),
        ("rejected", {"block_statuses": ["rejected"]}, 9010001, "rejected"),
        ("rejected", {"min_level": 1, "on_unmet": "start"}, 9010001, "rejected"),
        ("expire", {"min_level": 2}, 9010010, "incomplete"),
    ],
)
def test_a_hook_with_a_policy_that_refuses_writes_what_it_has_found_out(
    world: World, outcome: str, policy: dict[str, Any], message_id: int, status: str
) -> None:
    """The flow stops, so that Kratos stores nothing, and nobody else may come by to write it."""
    person = pending_for_long(world, outcome)
    world.kratos.identities.sign_in(person, "password")
    message = message_of(world.hook(person, policy=policy))
    assert (message["id"], message["context"]["status"]) == (message_id, status)
    assert world.kratos.server.count("PATCH", ".*") == 1
    assert world.record(person)[0]["status"] == status
    assert (world.kratos.sessions(person) == []) is (outcome == "rejected")


def test_a_refusal_without_news_writes_nothing(world: World) -> None:
    person = world.person_with(at_level(2))
    message_of(world.hook(person, policy={"min_level": 3}))
    assert world.calls() == []


@pytest.mark.parametrize(
    ("outcome", "policy", "code"),
    [
        ("passed", None, 200),
        ("rejected", None, 403),
        ("rejected", {"block_statuses": ["rejected"]}, 403),
        ("rejected", {"block_statuses": ["rejected"], "on_unmet": "start"}, 403),
        ("passed", {"min_level": 3}, 200),
        ("passed", {"max_age": "0m"}, 403),
    ],
)
def test_a_verdict_that_is_known_and_cannot_be_written_decides(
    world: World, log_lines: list[str], outcome: str, policy: dict[str, Any] | None, code: int
) -> None:
    person = pending_for_long(world, outcome)
    before = world.record(person)
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "PATCH" else None
    answer = world.hook(person, **({} if policy is None else {"policy": policy}))
    assert answer.status_code == code
    if code == 403:
        status = {"passed": "approved"}.get(outcome, outcome)
        assert message_of(answer)["context"]["status"] == status
    else:
        assert (answer.json or {})["status"] == "approved"
    assert world.record(person) == before
    wrote = policy is None or code == 403
    assert bool([line for line in log_lines if " gate.not_recorded " in line]) is wrote
    assert world.starts() == []


def test_sessions_that_cannot_be_ended_do_not_let_the_rejected_in(world: World, log_lines: list[str]) -> None:
    person = pending_for_long(world, "rejected")
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "DELETE" else None
    assert message_of(world.hook(person))["id"] == 9010001
    assert [line for line in log_lines if " gate.not_recorded " in line]


@pytest.mark.parametrize("due_at", ["some day", "", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_a_date_that_cannot_be_read_has_passed(world: World, due_at: str) -> None:
    further = Reverification(reason="risk", due_at=due_at)
    person = world.person_with(replace(at_level(3), reverification=further))
    message = message_of(world.hook(person, policy={"min_level": 2}))
    assert (message["id"], message["context"]["current"]["level"]) == (9010012, 1)


@pytest.mark.parametrize("expires_at", ["some day", "", "2030-13-01T00:00:00Z", "2030-01-01T00:00:00"])
def test_a_document_of_which_the_end_cannot_be_read_has_expired(world: World, expires_at: str) -> None:
    record = verified(assurance=assured(3, verified_at=days_ago(1), expires_at=expires_at))
    message = message_of(world.hook(world.person_with(record), policy={"min_level": 2}))
    assert (message["id"], message["context"]["current"]["level"]) == (9010010, 1)
