# SPDX-License-Identifier: Apache-2.0
"""Section 5, the command line: `reverify` and `explain`; `sync` is in test_sync.py, `doctor` in tests/doctor."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import IDENTITY, OTHER_IDENTITY, REQUIRED, World, assured, days_ago, pending, verified

from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import Request
from webhook import __version__, cli
from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.core.times import from_text

Command = Callable[..., int]
OURS = "https://hook.example.com/jumio/verify"


def test_the_version_is_told(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command("--version")
    assert (raised.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


def test_settings_that_do_not_do_are_told_all_together_with_exit_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in REQUIRED:
        monkeypatch.setenv(name, "")
    for name in ("serve", "sync", "doctor", "explain", "reverify"):
        more = {"explain": [IDENTITY], "reverify": ["--identity", IDENTITY]}.get(name, [])
        assert cli.main([name, *more]) == 2
        told = capsys.readouterr().err
        assert all(f"  - {setting} is missing" in told for setting in REQUIRED)


def test_serve_serves_by_the_settings(command: Command, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it serves: tests/service."""
    served = []
    monkeypatch.setattr("webhook.commands.serve.run", lambda settings: served.append(settings) or 0)
    assert command("serve") == 0
    assert served == [world.settings]


def test_the_demo_says_what_it_lacks(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it plays: tests/end_to_end."""
    asked = []
    monkeypatch.setattr("sandbox.demo.run", lambda **options: asked.append(options) or 0)
    assert (command("demo"), command("demo", "--serve")) == (0, 0)
    assert asked == [{"keep_serving": False}, {"keep_serving": True}]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command("demo") == 2
    assert "lacks the package `sandbox`, which the production image leaves out" in capsys.readouterr().err
    assert len(asked) == 2


# --- reverify ---


def test_one_person(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    person = world.verified_person()
    assert command("reverify", "--identity", person.upper(), "--reason", "role-change", "--due-in", "7d") == 0
    assert json.loads(capsys.readouterr().out) == {"asked": 1, "unchanged": 0, "failed": 0}
    further = world.record(person)[0]["reverification"]
    assert further["reason"] == "role-change"
    due_in = from_text(further["due_at"]) - datetime.now(UTC)
    assert timedelta(days=7, minutes=-1) < due_in <= timedelta(days=7)
    assert command("reverify", "--identity", person) == 0
    assert json.loads(capsys.readouterr().out) == {"asked": 0, "unchanged": 1, "failed": 0}
    assert world.starts() == ["PUT 10014"]


def test_the_reason_of_a_cron_job_is_its_schedule(command: Command, world: World) -> None:
    person = world.verified_person()
    assert command("reverify", "--identity", person) == 0
    assert world.record(person)[0]["reverification"]["reason"] == "scheduled"


def test_nobody_is_started_in_a_dry_run(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    person = world.verified_person()
    before = world.record(person)
    for whom in (["--identity", person], ["--older-than", "0m"]):
        assert command("reverify", *whom, "--dry-run") == 0
        shown = capsys.readouterr()
        assert shown.out == f"{person}\n"
        assert json.loads(shown.err) == {"asked": 1, "unchanged": 0, "failed": 0}
    assert (world.record(person), world.starts()) == (before, [])


def test_everybody_whose_verification_is_older(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    young, old = days_ago(89), days_ago(91)
    expected = {
        world.person_with(record, f"old-{number}")
        for number, record in enumerate(
            [
                verified(assurance=assured(3, verified_at=old)),
                verified(1, status=Status.REVIEW, assurance=assured(1, verified_at=old)),
                verified(assurance=None, decided_at=old),
                verified(assurance=assured(3, verified_at=None)),
                verified(assurance=assured(3, verified_at="some day")),
            ]
        )
    }
    for number, record in enumerate(
        [
            verified(assurance=assured(3, verified_at=young)),
            verified(assurance=None, decided_at=young),
            verified(0, status=Status.REJECTED, assurance=assured(0, verified_at=old)),
            pending(),
            Record(status=Status.UNSTARTED),
            verified(
                assurance=assured(3, verified_at=old),
                reverification=Reverification(reason="risk", due_at=days_ago(-1)),
            ),
        ]
    ):
        world.person_with(record, f"not-{number}")
    world.person("never")
    assert command("reverify", "--older-than", "90d", "--dry-run") == 0
    assert set(capsys.readouterr().out.split()) == expected


@pytest.mark.usefixtures("small_pages")
def test_every_page_is_read(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    people = {world.person_with(verified(), f"person-{number}") for number in range(7)}
    world.forget_calls()
    assert command("reverify", "--older-than", "1d", "--dry-run") == 0
    assert set(capsys.readouterr().out.split()) == people
    assert len(world.kratos.server.requests) == 3


@pytest.mark.usefixtures("small_pages")
def test_one_who_is_too_large_to_be_read_keeps_nobody_else_from_being_asked(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    people = {world.person_with(verified(), f"person-{number}") for number in range(7)}
    world.person("large", metadata_public={"theirs": "x" * (1 << 20)})
    assert command("reverify", "--older-than", "1d", "--dry-run") == 1
    shown = capsys.readouterr()
    assert set(shown.out.split()) == people
    assert json.loads(shown.err) == {"asked": 7, "unchanged": 0, "failed": 1}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "fault", [faults.answer(503), faults.reset(), faults.garbage()], ids=["503", "reset", "garbage"]
)
def test_a_passing_trouble_of_kratos_is_waited_out(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    for number in range(3):  # a command makes as many starts at once
        world.verified_person(f"person-{number}")
        world.person(f"passer-by-{number}")
    troubled = set()

    def first_time(request: Request) -> Fault | None:
        """Every page, every identity that is read and every one that is written fails once."""
        asked = (request.method, request.path, request.query)
        if asked in troubled or request.method == "PATCH":  # a start that cannot be noted is told, and not made again
            return None
        troubled.add(asked)
        return fault

    world.kratos.server.faults = first_time
    assert command("reverify", "--older-than", "0m") == 0
    assert json.loads(capsys.readouterr().out) == {"asked": 3, "unchanged": 0, "failed": 0}
    assert len(troubled) == 5, "two pages, and those who were asked"


@pytest.mark.parametrize("identity", ["jane", "", "00000000-0000-0000-0000-000000000000"])
def test_an_identity_id_that_is_none_is_refused(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], identity: str
) -> None:
    assert command("reverify", "--identity", identity) == 2
    assert f"{identity!r} is none" in capsys.readouterr().err
    assert world.calls() == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["--older-than", "90"], ["--older-than", "1w"], ["--identity", IDENTITY, "--older-than", "1d"],
     ["--identity", IDENTITY, "--reason", "because"], ["--identity", IDENTITY, "--due-in", "soon"]],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_are_refused(
    command: Command, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        command("reverify", *arguments)
    assert raised.value.code == 2


@pytest.mark.parametrize(
    "fails",
    [
        lambda request: request.method == "PUT",
        lambda request: request.path.startswith("/oauth2"),
    ],
)
def test_a_jumio_that_fails_shows_in_the_exit_status(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], fails: Callable[[Request], bool]
) -> None:
    person = world.verified_person()
    world.jumio.revoke_token()
    world.jumio.server.faults = lambda request: faults.answer(503) if fails(request) else None
    assert command("reverify", "--identity", person) == 1
    assert json.loads(capsys.readouterr().out) == {"asked": 0, "unchanged": 0, "failed": 1}


def test_a_kratos_that_fails_shows_in_the_exit_status(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    person = world.verified_person()
    world.kratos.server.faults = lambda request: faults.answer(503)
    for whom in (["--identity", person], ["--older-than", "0m"]):
        assert command("reverify", *whom) == 1
        assert json.loads(capsys.readouterr().out)["failed"] == 1
    assert world.starts() == []


def test_naming_nobody_fails(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("reverify", "--identity", OTHER_IDENTITY) == 1
    assert json.loads(capsys.readouterr().out) == {"asked": 0, "unchanged": 0, "failed": 1}


def test_a_limit_that_is_reached_shows_in_the_exit_status(
    command: Command, make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(MAX_STARTS_PER_DAY="1")
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    assert command("reverify", "--identity", world.verified_person()) == 1


def test_one_who_fails_does_not_keep_the_others_from_being_asked(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [world.verified_person(f"person-{number}") for number in range(3)]
    account = world.record(people[1])[0]["account_id"]
    world.jumio.server.faults = lambda request: (
        faults.answer(500) if request.method == "PUT" and account in request.path else None
    )
    assert command("reverify", "--older-than", "0m") == 1
    assert json.loads(capsys.readouterr().out) == {"asked": 2, "unchanged": 0, "failed": 1}


def test_a_kratos_that_refuses_one_does_not_end_the_run(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [world.verified_person(f"person-{number}") for number in range(3)]
    world.kratos.server.faults = lambda request: faults.answer(403) if request.path.endswith(people[1]) else None
    assert command("reverify", "--older-than", "0m") == 1
    shown = capsys.readouterr()
    assert (shown.err, json.loads(shown.out)) == ("", {"asked": 2, "unchanged": 0, "failed": 1})


def test_a_kratos_that_does_not_list_anybody_ends_the_run(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.verified_person()
    world.kratos.server.faults = lambda request: faults.answer(403)
    assert command("reverify", "--older-than", "0m") == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("stopped: ")
    assert json.loads(shown.out) == {"asked": 0, "unchanged": 0, "failed": 1}
    assert world.starts() == []


# --- explain ---


def test_explain_is_for_people(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    person = world.verified_person()
    before = world.record(person)
    assert command("explain", person.upper()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == [
        f"identity         {person}",
        "may sign in      yes",
        "why              the status is approved, and BLOCK_LOGIN_STATUSES stops rejected",
        "what now         nothing is left to do",
        "",
        "status           approved (verdict PASSED)",
        "level            3; effective now: 3 (person)",
    ]
    assert "verified address no" in lines
    assert world.calls() == ["kratos GET"], "it writes nothing and asks Jumio nothing"
    assert world.record(person) == before


def test_explain_is_for_machines_too(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    person = world.verified_person()
    world.kratos.identities.verify_address(person)
    assert command("explain", person, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["level"], found["effective_level"], found["verified_address"]) == (3, 3, True)
    assert len(found["checks"]) == 6
    assert [event["event"] for event in found["history"]] == ["verification.started", "verification.settled"]


def explained(command: Command, capsys: pytest.CaptureFixture[str], whom: str) -> dict[str, Any]:
    assert command("explain", whom, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("address", ["ada@example.com", " ADA@Example.com"])
def test_whom_an_address_means(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    world.verified_person("gus")
    person = world.verified_person("ada")
    assert command("explain", address) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"identity         {person}\nmay sign in      yes\n")
    assert "ada@" not in (shown.out + shown.err).lower()
    assert world.calls() == ["kratos GET"]
    assert explained(command, capsys, address)["identity_id"] == person


def test_nobody_has_that_address(command: Command, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.verified_person("ada")
    assert command("explain", "nobody@example.com") == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "that address: nobody signs in with it\n")


def test_an_address_of_several_means_none_of_them(
    command: Command, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kratos keeps who signs in with an address apart for each way to sign in."""
    people = [world.person("ada"), world.person("gus")]
    body = json.dumps([world.kratos.identity(person) for person in people]).encode()
    world.kratos.server.faults = lambda request: faults.answer(200, body)
    assert command("explain", "ada@example.com") == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (
        "", f"that address: several identities sign in with it; name one by its id: {', '.join(people)}\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "whom",
    ["jane", "", " ", "Ada Lovelace", "gus@", "@gus.example", "ada@b@example.com", "ada lovelace@example.com",
     "+12", "+44 1632 960960", "ada@example.com\n--json", "ada@\udcff.com", "00000000-0000-0000-0000-000000000000"],
)  # fmt: skip
def test_what_is_neither_an_id_nor_an_address_is_refused(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], whom: str
) -> None:
    assert command("explain", whom) == 2
    told = capsys.readouterr().err
    assert "ID must be the id of a Kratos identity, a UUID, or an address" in told
    assert not whom.strip() or whom not in told, "it may be a name"
    assert world.calls() == []


def test_where_the_link_leads(
    command: Command, make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def first_step(**changed: str | None) -> str:
        world = make_world(**changed)
        monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
        person = world.person(f"person-{len(changed)}")
        world.initiate(person)
        found = explained(command, capsys, person)
        links = [copy["verification_url"] for copy in world.record(person)]
        assert not any(link in str(found) for link in links)
        return str(found["sign_in"]["what_now"][0])

    assert first_step(PUBLIC_URL="https://hook.example.com").startswith("open the link, which works")
    assert first_step(PUBLIC_URL=None, LINK_MAX_AGE=None).startswith("open Jumio's own link")


def test_a_link_that_is_too_old_is_made_anew(
    command: Command, make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By what it says."""
    world = make_world(PUBLIC_URL="https://hook.example.com")
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    person = world.person()
    world.initiate(person)
    world.change(person, lambda record: replace(record, verification_url=f"{OURS}/of-another-secret"))
    [first, _] = explained(command, capsys, person)["sign_in"]["what_now"]
    assert first == "the link to the check is too old; `reverify --identity ID` makes a new one"
    assert command("reverify", "--identity", person) == 0
    capsys.readouterr()
    assert "which works" in explained(command, capsys, person)["sign_in"]["what_now"][0]


@pytest.mark.parametrize(
    ("public", "admin", "allowed", "why"),
    [
        ({"status": "bogus"}, {}, False, "neither copy of the record can be read"),
        ("bogus", None, False, "neither copy of the record can be read"),
        ("bogus", {"status": "incomplete"}, True, "the status is incomplete"),
        ({"status": "rejected"}, {"status": "incomplete"}, False, "the status is rejected"),
        (None, None, False, "neither copy of the record can be read"),
    ],
)
def test_it_judges_as_the_gate_does(
    command: Command, world: World, capsys: pytest.CaptureFixture[str],
    public: object, admin: object, allowed: bool, why: str,
) -> None:  # fmt: skip
    person = world.person(metadata_public={"jumio": public}, metadata_admin={"jumio": admin})
    found = explained(command, capsys, person)["sign_in"]
    assert (found["allowed"], why in found["why"]) == (allowed, True)
    assert (world.hook(person).status_code == 200) is allowed


def test_the_help_desk_is_told_of_a_document_of_somebody_elses(
    command: Command, make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    world = make_world(
        IDENTITY_TRAITS="given_name=/name/first,family_name=/name/last,birthdate=/birthdate",
        BLOCK_LOGIN_STATUSES="rejected,review",
    )
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    person = world.person("gus", traits={"name": {"first": "Gus", "last": "Grissom"}, "birthdate": "1986-04-03"})
    world.initiate(person)
    [workflow] = world.jumio.truth(person)
    document = {"firstName": "ADA", "lastName": "LOVELACE", "dateOfBirth": "1986-04-03"}
    world.jumio.decide(workflow.id, "passed", callback=False, shows=document)
    world.call_back(workflow)
    assert command("explain", "gus@example.com") == 0
    text = capsys.readouterr().out
    assert "may sign in      no\nwhy not          the status is review" in text
    assert "(name different, birthdate matched)" in text
    assert not any(name in text.lower() for name in ("gus", "grissom", "ada", "lovelace", "1986"))
    assert explained(command, capsys, person)["match"] == {"name": "different", "birthdate": "matched"}
    name = {"first": "Ada", "last": "Lovelace"}
    before = world.kratos.identities.get(person)
    world.kratos.identities.store({**before, "traits": {**before["traits"], "name": name}})
    assert command("sync", "--identity", person) == 0, "as it has told"
    capsys.readouterr()
    assert explained(command, capsys, person)["sign_in"]["allowed"] is True


@pytest.mark.parametrize("down", [False, True])
def test_whom_kratos_does_not_tell(
    command: Command, world: World, capsys: pytest.CaptureFixture[str], down: bool
) -> None:
    world.kratos.server.faults = lambda _: faults.answer(503) if down else None
    assert command("explain", IDENTITY) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{IDENTITY}: ")
