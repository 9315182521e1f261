# SPDX-License-Identifier: Apache-2.0
"""The same person twice: who is told of it, and what it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from support import World, message_of

from sandbox import jumio_records
from sandbox.jumio_records import Workflow
from webhook import wiring
from webhook.commands import explain

MakeWorld = Callable[..., World]
EVENT = "verification.repeated_face"


def repeated_face(world: World, workflow: Workflow, kind: str) -> dict[str, Any]:
    """Jumio's capabilities of the settled workflow, where it knows the face."""
    told = jumio_records.details(workflow, world.jumio.api_base_url)["capabilities"]
    told["imageChecks"][0]["decision"] = {"type": kind, "details": {"label": "REPEATED_FACE"}}
    return dict(told)


def shown(world: World, outcome: str = "passed", kind: str = "PASSED") -> tuple[str, Workflow]:
    """Somebody whose face Jumio knows; what else it says of them is the outcome."""
    person = world.person(f"person-{outcome}")
    assert world.initiate(person).status_code == 200
    [workflow] = world.jumio.truth(person)
    world.says(workflow, outcome)
    world.says(workflow, outcome, capabilities=repeated_face(world, workflow, kind))
    assert world.call_back(workflow).json == {"result": "applied"}
    return person, workflow


def summary(world: World, person: str) -> tuple[Any, ...]:
    public = world.record(person)[0]
    return public["status"], public["verdict"], public["assurance"]["level"]


def told(log_lines: list[str], event: str = EVENT) -> list[dict[str, Any]]:
    found = [line.partition(f" {event} ")[2] for line in log_lines]
    return [json.loads(line) for line in found if line]


@pytest.mark.parametrize(
    ("on_repeated", "outcome", "kind", "expected"),
    [
        (None, "passed", "PASSED", ("approved", "PASSED", 3)),
        (None, "passed", "WARNING", ("approved", "PASSED", 0)),  # by the table: the address is not verified
        ("flag", "passed", "PASSED", ("approved", "PASSED", 3)),
        ("review", "passed", "PASSED", ("review", "WARNING", 1)),
        ("review", "passed", "WARNING", ("review", "WARNING", 0)),
        ("review", "warning", "WARNING", ("review", "WARNING", 0)),
        ("review", "rejected", "WARNING", ("rejected", "FAILED", 0)),
    ],
)
def test_what_a_known_face_does(
    make_world: MakeWorld,
    on_repeated: str | None,
    outcome: str,
    kind: str,
    expected: tuple[Any, ...],
    log_lines: list[str],
) -> None:
    world = make_world(ON_REPEATED=on_repeated)
    person, workflow = shown(world, outcome, kind)
    assert summary(world, person) == expected
    public, admin = world.record(person)
    assert [each["event"] for each in admin["history"]].count(EVENT) == 1
    [line] = told(log_lines)
    assert (line["identity_id"], line["workflow_execution_id"]) == (person, workflow.id)
    assert {"capability": "imageChecks", "decision": kind, "label": "REPEATED_FACE"} in admin["checks"]
    assert "epeated" not in json.dumps(public)


def test_it_is_told_once(make_world: MakeWorld, log_lines: list[str]) -> None:
    world = make_world(ON_REPEATED="review")
    person, workflow = shown(world)
    before = world.record(person)
    assert world.call_back(workflow).json["result"] == "unchanged"
    wiring.for_commands(world.settings).settler.look(person, lambda record: record.known)
    assert world.record(person) == before
    assert len(told(log_lines)) == 1


def test_explain_says_it(make_world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world = make_world(ON_REPEATED="review")
    person, workflow = shown(world)
    assert explain.run(world.settings, whom=person, as_json=False) == 0
    text = capsys.readouterr().out
    assert f"verified before  the face of workflow {workflow.id}, by Jumio's word" in text
    assert EVENT in text
    assert explain.run(world.settings, whom=person, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["repeated"] == [
        f"the face of workflow {workflow.id}, by Jumio's word",
    ]


def test_the_person_learns_nothing_of_it(make_world: MakeWorld) -> None:
    world = make_world(ON_REPEATED="review")
    person, _ = shown(world)
    message = message_of(world.hook(person, policy={"block_statuses": ["review"]}))
    assert message["id"] == 9010003
    assert not {"face", "twice", "before", "repeated"} & set(message["text"].lower().split())
