# SPDX-License-Identifier: Apache-2.0
"""`sync --identity ID --forget`: an operator begins anew; and what commands say that do nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import World, approved, pending

from webhook.core.record import Record
from webhook.core.status import Status, Verdict

Command = Callable[..., int]
ENDS = {"rejected": "rejected", "warning": "review"}


def concluded(world: World, outcome: str) -> tuple[str, Any]:
    """Somebody with this result, and their workflow."""
    identity_id = world.person()
    assert world.initiate(identity_id).status_code == 200
    [workflow] = world.jumio.truth(identity_id)
    world.says(workflow, outcome)
    assert world.call_back(workflow).json == {"result": "applied"}
    return identity_id, workflow


def forget(command: Command, identity_id: str, *more: str) -> int:
    return command("sync", "--identity", identity_id, "--forget", *more)


@pytest.mark.parametrize("outcome", ENDS)
def test_what_was_concluded_is_forgotten_and_a_start_made(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], log_lines: list[str], outcome: str
) -> None:
    identity_id, workflow = concluded(world, outcome)
    before = world.record(identity_id)[1]
    assert forget(command, identity_id, "--reason", "a twin, by passport", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "scanned": 1, "started": 1, "settled": 0, "unchanged": 0, "failed": 0
    }  # fmt: skip
    public, admin = world.record(identity_id)
    assert public["status"] == admin["status"] == "pending"
    assert public["verdict"] is None
    assert public["account_id"] != before["account_id"], "Jumio's account would carry the face along"
    told = [event for event in admin["history"] if event["event"] != "verification.repeated_face"]
    events = [event["event"] for event in told]
    assert events == ["verification.started", "verification.settled", "verification.begun_anew", "verification.started"]
    stood = told[2]
    assert (stood["status"], stood["workflow_execution_id"]) == (ENDS[outcome], workflow.id)
    assert (stood["decided_at"], stood["reason"]) == (before["decided_at"], "a twin, by passport")
    assert workflow.id not in admin["workflows"]
    [line] = [line for line in log_lines if "verification.begun_anew" in line]
    assert "a twin, by passport" in line


@pytest.mark.parametrize("outcome", ENDS)
@pytest.mark.parametrize("again", ["rejected", "warning", "passed"])
def test_a_forgotten_workflow_that_is_told_again_changes_nothing(
    command: Command, world: World, outcome: str, again: str
) -> None:
    identity_id, workflow = concluded(world, outcome)
    assert forget(command, identity_id) == 0
    before = world.record(identity_id)
    world.jumio.decide(workflow.id, again, callback=False)
    told = world.call_back(workflow).json
    assert told is not None
    assert (told["result"], told["reason"]) == ("ignored", "the workflow is from before the operator began anew")
    assert command("sync") == 0
    assert world.record(identity_id) == before


def test_the_new_workflow_decides(command: Command, world: World) -> None:
    identity_id, _ = concluded(world, "rejected")
    assert forget(command, identity_id) == 0
    workflow = next(each for each in world.jumio.truth(identity_id) if not each.settled)
    world.says(workflow, "passed")
    assert world.call_back(workflow).json == {"result": "applied"}
    assert world.record(identity_id)[0]["status"] == "approved"
    assert world.hook(identity_id).status_code == 200


def test_without_a_reason_it_says_that_somebody_did_it(command: Command, world: World) -> None:
    identity_id, _ = concluded(world, "rejected")
    assert forget(command, identity_id) == 0
    assert world.record(identity_id)[1]["history"][2]["reason"] == "manual"


def test_an_account_that_was_locked_is_opened(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    world = make_world(ON_REJECTED="deactivate")
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    identity_id, _ = concluded(world, "rejected")
    assert world.kratos.identity(identity_id)["state"] == "inactive"
    assert forget(command, identity_id) == 0
    assert world.kratos.identity(identity_id)["state"] == "active"
    assert command("sync") == 0
    assert world.kratos.identity(identity_id)["state"] == "active"


def test_an_account_that_somebody_else_has_locked_stays_so(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    """In review nobody is locked by us."""
    world = make_world(ON_REJECTED="deactivate")
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    identity_id, _ = concluded(world, "warning")
    world.kratos.identities.patch(identity_id, [{"op": "replace", "path": "/state", "value": "inactive"}])
    assert forget(command, identity_id) == 0
    assert world.kratos.identity(identity_id)["state"] == "inactive"


def test_the_limit_of_starts_holds_for_whoever_begins_anew(
    make_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = make_world(MAX_STARTS_PER_DAY="1")
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    identity_id, _ = concluded(world, "rejected")
    assert forget(command, identity_id) == 0
    assert "the limit of 1 starts a day is reached" in capsys.readouterr().out
    assert world.record(identity_id)[0]["status"] == "unstarted"


NOTHING = [
    (approved(account_id=None, workflow_execution_id=None), "approved already; reverify asks"),
    (pending(account_id=None, workflow_execution_id=None), "the workflow is open: the person has not finished it"),
]


@pytest.mark.parametrize("how", [[], ["--forget"]])
@pytest.mark.parametrize(("record", "reason"), NOTHING)
def test_what_is_not_forgotten_is_told_with_the_reason(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], record: Record, reason: str, how: list[str]
) -> None:
    identity_id = world.person_with(record)
    before = world.record(identity_id)
    assert command("sync", "--identity", identity_id, "--json", *how) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unchanged"] == 1
    assert reason in told["reason"]
    assert world.record(identity_id) == before


@pytest.mark.parametrize(
    "record", [None, Record(status=Status.UNSTARTED), replace(approved(), status=Status.INCOMPLETE)]
)
def test_where_nothing_was_concluded_there_is_only_a_start(
    command: Command, world: World, record: Record | None
) -> None:
    if record is not None:
        record = replace(record, account_id=None, workflow_execution_id=None, verdict=None)
    identity_id = world.person() if record is None else world.person_with(record)
    assert forget(command, identity_id) == 0
    public, admin = world.record(identity_id)
    assert public["status"] == "pending"
    assert "forgotten_until" not in admin


@pytest.mark.parametrize(("status", "verdict"), [("rejected", Verdict.FAILED), ("review", Verdict.WARNING)])
def test_a_verdict_that_stands_says_how_to_begin_anew(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], status: str, verdict: Verdict
) -> None:
    ids = {"account_id": None, "workflow_execution_id": None}
    identity_id = world.person_with(approved(status=Status(status), verdict=verdict, **ids))
    assert command("sync", "--identity", identity_id) == 0
    assert f"unchanged 1, failed 0: {status} by Jumio's verdict, which stands; --forget begins anew" in (
        capsys.readouterr().out
    )


def test_reverify_says_why_it_asked_nothing(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    verified = world.verified_person()
    assert command("reverify", "--identity", verified) == 0
    assert capsys.readouterr().err == ""
    assert command("reverify", "--identity", verified) == 0
    assert capsys.readouterr().err == "nothing was asked: one is open already\n"


def test_reverify_says_that_a_rejection_stands(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    identity_id, _ = concluded(world, "rejected")
    assert command("reverify", "--identity", identity_id) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"asked": 0, "unchanged": 1, "failed": 0}
    assert "rejected by Jumio's verdict, which stands; sync --identity ID --forget begins anew" in shown.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--forget"], "--forget needs --identity"),
        (["--forget", "--every", "60"], "--forget needs --identity"),
        (["--identity", "9f425a8d-7efc-4768-8f23-7647a74fdf13", "--forget", "--every", "60"], "--forget is done once"),
        (["--identity", "9f425a8d-7efc-4768-8f23-7647a74fdf13", "--reason", "why"], "it needs --forget"),
    ],
)
def test_forgetting_is_for_one_person_and_once(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    world.forget_calls()
    assert command("sync", *arguments) == 2
    assert says in capsys.readouterr().err
    assert world.calls() == []


@pytest.mark.parametrize("reason", ["", "x" * 101, "two\nlines", "\x1b[2J"])
def test_a_reason_is_a_short_line(command: Command, capsys: pytest.CaptureFixture[str], reason: str) -> None:
    with pytest.raises(SystemExit) as raised:
        command("sync", "--identity", "9f425a8d-7efc-4768-8f23-7647a74fdf13", "--forget", "--reason", reason)
    assert raised.value.code == 2
    assert "1 to 100 printable characters" in capsys.readouterr().err
