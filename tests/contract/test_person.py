# SPDX-License-Identifier: Apache-2.0
"""Whose document it is counts: what follows where it names another person than the account, and where that changes."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import CALLBACK_SECRET, FACE_PASSED, World, message_of

from sandbox import faults, jumio_records
from webhook import setting_values, wiring
from webhook.commands import explain
from webhook.verification.sweep import Report

ADA = {"name": {"first": "Ada", "last": "Lovelace"}, "birthdate": "1990-05-17"}
ADAS = {"firstName": "ADA", "lastName": "LOVELACE", "dateOfBirth": "1990-05-17"}
GUS = {"name": {"first": "Gus", "last": "Grissom"}, "birthdate": "1986-04-03"}
POINTERS = "given_name=/name/first,family_name=/name/last,birthdate=/birthdate"

SHIPPED = Path(setting_values.__file__).with_name("assurance.toml")

MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(IDENTITY_TRAITS=POINTERS)


def shown(
    world: World, traits: dict[str, Any], document: dict[str, Any], outcome: str = "passed", *, name: str = "person"
) -> str:
    """Somebody whose account says this and who showed that."""
    person = world.person(name, traits=traits)
    assert world.initiate(person).status_code == 200
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, outcome, callback=False, shows=document)
    assert world.call_back(workflow).json == {"result": "applied"}
    return person


def change_traits(world: World, person: str, traits: dict[str, Any]) -> None:
    """In the settings, where no hook tells us."""
    before = world.kratos.identities.get(person)
    world.kratos.identities.store({**before, "traits": {**before["traits"], **traits}})


def sweep(world: World) -> Report:
    return wiring.for_commands(world.settings).sweeper(threading.Event()).sweep()


def match_of(world: World, person: str) -> dict[str, str] | None:
    found: dict[str, str] | None = world.record(person)[1].get("match")
    return found


def summary(world: World, person: str) -> tuple[Any, ...]:
    public = world.record(person)[0]
    return public["status"], public["verdict"], public["assurance"]["level"], public.get("notice")


MATCHED, DIFFERENT, UNKNOWN = "matched", "different", "unknown"


def test_whoever_shows_their_own_document_is_approved(world: World) -> None:
    person = shown(world, ADA, ADAS)
    assert summary(world, person) == ("approved", "PASSED", 3, None)
    assert match_of(world, person) == {"name": MATCHED, "birthdate": MATCHED}


@pytest.mark.parametrize(
    ("on_different", "expected"),
    [
        (None, ("review", "WARNING", 1, "person")),
        ("review", ("review", "WARNING", 1, "person")),
        ("reject", ("rejected", "FAILED", 0, "person")),
        ("ignore", ("approved", "PASSED", 1, "person")),
    ],
)
def test_whoever_shows_somebody_elses_is_not(
    make_world: MakeWorld, on_different: str | None, expected: tuple[Any, ...]
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ON_DIFFERENT_PERSON=on_different)
    person = shown(world, GUS, ADAS)
    assert summary(world, person) == expected
    assert match_of(world, person) == {"name": DIFFERENT, "birthdate": DIFFERENT}


@pytest.mark.parametrize(
    ("traits", "document", "expected"),
    [
        (ADA, {**ADAS, "dateOfBirth": "1990-05-18"}, ("review", MATCHED, DIFFERENT)),
        (ADA, {**ADAS, "dateOfBirthParts": {"year": 1990}}, ("approved", MATCHED, MATCHED)),
        (ADA, {**ADAS, "firstName": "N/A", "lastName": "N/A"}, ("approved", UNKNOWN, MATCHED)),
        (ADA, {**ADAS, "firstName": "CHARLES"}, ("review", DIFFERENT, MATCHED)),
        ({"name": {"last": "Lovelace"}}, ADAS, ("approved", MATCHED, UNKNOWN)),
        ({}, ADAS, ("approved", UNKNOWN, UNKNOWN)),
    ],
)
def test_what_differs_and_what_is_not_known(
    world: World, traits: dict[str, Any], document: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    status, name, birthdate = expected
    person = shown(world, traits, document)
    assert world.record(person)[0]["status"] == status
    assert match_of(world, person) == {"name": name, "birthdate": birthdate}


def test_a_rejection_of_jumios_stays_one_whosever_it_is(world: World) -> None:
    person = shown(world, GUS, ADAS, "rejected")
    assert summary(world, person) == ("rejected", "FAILED", 0, None)
    assert message_of(world.hook(person))["id"] == 9010001


def test_without_the_setting_nothing_is_compared(make_world: MakeWorld) -> None:
    person = shown(world := make_world(), GUS, ADAS)
    assert summary(world, person) == ("approved", "PASSED", 3, None)
    assert match_of(world, person) is None
    assert "match" not in json.dumps(world.record(person))


def test_the_person_reads_what_to_do_and_no_fraudster_learns_anything(world: World) -> None:
    person = shown(world, GUS, ADAS)
    message = message_of(world.hook(person, policy={"block_statuses": ["review"]}))
    assert message["id"] == 9010007
    assert message["context"]["status"] == "review"
    assert not {"Ada", "Lovelace", "Gus", "1990", "1986"} & set(message["text"].replace(".", " ").split())
    assert message_of(world.hook(person, policy={"min_level": 2}))["id"] == 9010007
    assert world.hook(person).status_code == 200, "review is not blocked by default"


# --- a name that changes ---


def test_a_review_is_lifted_when_the_name_is_corrected(world: World) -> None:
    person = shown(world, GUS, ADAS)
    change_traits(world, person, ADA)
    assert sweep(world).failed == 0
    assert summary(world, person) == ("approved", "PASSED", 3, None)
    assert match_of(world, person) == {"name": MATCHED, "birthdate": MATCHED}


def test_a_rejection_for_it_is_not(make_world: MakeWorld) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ON_DIFFERENT_PERSON="reject")
    person = shown(world, GUS, ADAS)
    change_traits(world, person, ADA)
    assert sweep(world).failed == 0
    assert world.record(person)[0]["status"] == "rejected"
    world.forget_calls()
    assert sweep(world).failed == 0
    assert world.jumio.server.requests == [], "it is compared once"


def test_a_name_that_changes_afterwards_does_not_keep_the_old_answer(world: World) -> None:
    person = shown(world, ADA, ADAS)
    change_traits(world, person, GUS)
    assert sweep(world).failed == 0
    assert summary(world, person) == ("review", "WARNING", 1, "person")


def test_where_jumio_no_longer_tells_it_is_unknown(world: World) -> None:
    person = shown(world, ADA, ADAS)
    change_traits(world, person, GUS)
    world.jumio.server.faults = lambda request: faults.answer(404) if request.method == "GET" else None
    assert sweep(world).failed == 0
    assert match_of(world, person) == {"name": UNKNOWN, "birthdate": UNKNOWN}
    assert world.record(person)[0]["status"] == "approved"
    world.forget_calls()
    assert sweep(world).failed == 0
    assert world.calls() == ["kratos GET"]


def test_what_did_not_change_is_not_compared_again(world: World) -> None:
    shown(world, ADA, ADAS)
    world.forget_calls()
    assert sweep(world).unchanged == 1
    assert world.calls() == ["kratos GET"]


def test_another_key_does_not_make_it_be_compared_again(make_world: MakeWorld, world: World) -> None:
    person = shown(world, ADA, ADAS)
    before = world.record(person)[1]["workflows"]
    other = make_world(IDENTITY_TRAITS=POINTERS, JUMIO_CALLBACK_SECRET=f"another-secret-of-ours,{CALLBACK_SECRET}")
    world.forget_calls()
    assert sweep(other).failed == 0
    assert world.jumio.server.requests == []
    after = world.record(person)[1]["workflows"]
    assert [each["match"] for each in after.values()] == [each["match"] for each in before.values()]
    assert [each["match_of"] for each in after.values()] != [each["match_of"] for each in before.values()]


@pytest.mark.parametrize(("traits", "told"), [(None, "no name was compared"), (POINTERS, "the name fits the document")])
def test_a_hook_that_tells_of_a_change_starts_nothing_for_a_name_that_fits(
    make_world: MakeWorld, traits: str | None, told: str
) -> None:
    world = make_world(IDENTITY_TRAITS=traits)
    person = shown(world, ADA, ADAS)
    world.forget_calls()
    answer = world.reverify(person, reason="name-change")
    assert (answer.status_code, answer.json) == (200, {"status": "approved", "reason": told})
    assert world.starts() == []


@pytest.mark.parametrize("is_told_still", [True, False])
def test_and_for_one_that_does_not_a_document_is_asked_for(world: World, is_told_still: bool) -> None:
    """A look at the face, which would be enough for anything else, reads no name."""
    person = shown(world, ADA, ADAS)
    change_traits(world, person, GUS)
    if not is_told_still:
        world.jumio.server.faults = lambda request: faults.answer(404) if request.method == "GET" else None
    answer = world.reverify(person, reason="name-change")
    assert answer.json is not None
    assert answer.json["status"] == ("review" if is_told_still else "approved")
    assert answer.json["reverification"]["reason"] == "name-change"
    assert world.starts()[-1].endswith(" 10011")


def test_and_none_for_another_change_of_whoever_cannot_be_compared(world: World) -> None:
    person = shown(world, {}, ADAS)
    world.forget_calls()
    answer = world.reverify(person, reason="name-change")
    assert answer.json == {"status": "approved", "reason": "the name has not changed"}
    assert world.starts() == []


@pytest.mark.parametrize(("on_different", "status"), [("reject", "rejected"), ("review", "review")])
def test_what_was_made_of_it_is_not_lost_with_a_public_copy_that_is_overwritten(
    make_world: MakeWorld, on_different: str, status: str
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ON_DIFFERENT_PERSON=on_different)
    person = shown(world, GUS, ADAS)
    public = {**world.record(person)[0], "status": "pending", "verdict": None, "decided_at": None}
    change_traits(world, person, ADA if on_different == "reject" else {"name": {}, "birthdate": ""})
    patch = [{"op": "replace", "path": "/metadata_public", "value": {"jumio": public}}]
    world.kratos.identities.patch(person, patch)
    assert sweep(world).failed == 0
    assert [copy["status"] for copy in world.record(person)] == [status, status]


BLANK: dict[str, Any] = {"name": {"first": "N/A", "last": "-"}, "birthdate": ""}


@pytest.mark.parametrize(
    ("on_different", "expected"),
    [
        ("review", ("review", "WARNING", 1, "person")),
        ("reject", ("rejected", "FAILED", 0, "person")),
        ("ignore", ("approved", "PASSED", 1, "person")),
    ],
)
def test_a_name_that_is_made_unreadable_takes_nothing_back(
    make_world: MakeWorld, on_different: str, expected: tuple[Any, ...]
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ON_DIFFERENT_PERSON=on_different)
    person = shown(world, GUS, ADAS)
    for traits in (BLANK, {**BLANK, "birthdate": "?"}):
        change_traits(world, person, traits)
        assert sweep(world).failed == 0
        assert match_of(world, person) == {"name": UNKNOWN, "birthdate": UNKNOWN}
        assert summary(world, person) == expected
    change_traits(world, person, ADA)
    assert sweep(world).failed == 0
    assert summary(world, person) == (expected if on_different == "reject" else ("approved", "PASSED", 3, None))


def test_nor_does_a_doubt_of_jumios_that_it_takes_back(world: World) -> None:
    person = shown(world, GUS, ADAS, "warning")
    [workflow] = world.jumio.truth(person)
    change_traits(world, person, BLANK)
    assert sweep(world).failed == 0
    world.jumio.decide(workflow.id, "passed", callback=False)
    assert world.call_back(workflow).json == {"result": "applied"}
    assert summary(world, person) == ("review", "WARNING", 0, "person")


def bend(world: World, person: str, **members: Any) -> None:
    """What somebody writes into the comparison of the recorded workflow."""
    [name] = world.record(person)[1]["workflows"]
    path = f"/metadata_admin/jumio/workflows/{name}"
    patch = [{"op": "add", "path": f"{path}/{member}", "value": value} for member, value in members.items()]
    world.kratos.identities.patch(person, patch)


LOST: dict[str, Callable[[World, str], None]] = {
    "the admin copy": lambda world, person: world.kratos.identities.patch(
        person, [{"op": "replace", "path": "/metadata_admin", "value": {}}]
    ),
    "the list": lambda world, person: world.kratos.identities.patch(
        person, [{"op": "add", "path": "/metadata_admin/jumio/workflows", "value": {}}]
    ),
    "what matched": lambda world, person: bend(world, person, match=["matched"]),
    "what it was compared with": lambda world, person: bend(world, person, match_of=7),
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(
    ("on_different", "traits", "status"),
    [
        ("reject", ADA, "rejected"),
        ("reject", BLANK, "rejected"),
        ("review", BLANK, "review"),
        ("review", ADA, "approved"),
    ],
)
def test_nor_does_a_part_of_the_record_that_is_lost_or_bent(
    make_world: MakeWorld, on_different: str, traits: dict[str, Any], status: str, lost: str
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ON_DIFFERENT_PERSON=on_different)
    person = shown(world, GUS, ADAS)
    LOST[lost](world, person)
    change_traits(world, person, traits)
    for _ in range(2):
        assert sweep(world).failed == 0
        assert [copy["status"] for copy in world.record(person)] == [status, status]
    world.forget_calls()
    assert sweep(world).failed == 0
    asked = [call for call in world.calls() if call != "kratos DELETE"]  # the sessions of whoever was just rejected
    assert asked == ["kratos GET"]


@pytest.mark.parametrize(("traits", "status"), [(GUS, "review"), (ADA, "approved"), (BLANK, "approved")])
def test_a_result_that_jumio_dates_no_more_is_compared_once_with_another_name(
    world: World, traits: dict[str, Any], status: str
) -> None:
    person = shown(world, ADA, ADAS)
    [workflow] = world.jumio.truth(person)
    change_traits(world, person, traits)
    world.says(workflow, "passed", completedAt=None)
    assert sweep(world).failed == 0
    assert world.record(person)[0]["status"] == status
    world.forget_calls()
    assert sweep(world).failed == 0
    assert world.calls() == ["kratos GET"]


def test_a_name_that_was_corrected_is_seen_at_the_gate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.coordination.local.LOOK_EVERY_SECONDS", 60.0)
    person = shown(world, GUS, ADAS)
    policy = {"block_statuses": ["review"]}
    assert world.hook(person, policy=policy).status_code == 403
    world.forget_calls()
    assert world.hook(person, policy=policy).status_code == 403
    assert world.calls() == [], "a look is braked"
    other = shown(world, GUS, ADAS, name="other")
    change_traits(world, other, ADA)
    assert world.hook(other, policy=policy).status_code == 200


def test_a_jumio_that_is_down_then_is_503_and_the_next_sweep_compares(world: World) -> None:
    person = shown(world, ADA, ADAS)
    change_traits(world, person, GUS)
    world.jumio.server.faults = lambda request: faults.answer(503)
    assert world.reverify(person, reason="name-change").status_code == 503
    world.jumio.server.faults = None
    assert sweep(world).settled == 1
    assert world.record(person)[0]["status"] == "review"


# --- what the table asks for ---


@pytest.fixture
def table(tmp_path: Path) -> str:
    """The shipped one, whose level 3 asks for a name and a birth date that match, and level 2 for a name."""
    asking = SHIPPED.read_text()
    for level, names in ((2, '["name"]'), (3, '["name", "birthdate"]')):
        asking = asking.replace(f"level = {level}\n", f"level = {level}\nmatches = {names}\n")
    path = tmp_path / "table.toml"
    path.write_text(asking)
    return str(path)


@pytest.mark.parametrize(
    ("document", "level"),
    [
        (ADAS, 3),
        ({**ADAS, "dateOfBirth": "N/A"}, 2),
        ({**ADAS, "firstName": "N/A", "lastName": "N/A"}, 0),  # without a verified address
        ({**ADAS, "firstName": "GUS"}, 0),
    ],
)
def test_a_level_may_ask_for_what_matches(
    make_world: MakeWorld, table: str, document: dict[str, Any], level: int
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ASSURANCE_TABLE=table)
    person = shown(world, ADA, document)
    assert world.record(person)[0]["assurance"]["level"] == level


def test_explain_says_what_does_not_match(
    make_world: MakeWorld, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ASSURANCE_TABLE=table)
    person = shown(world, ADA, {**ADAS, "dateOfBirth": "N/A"})
    assert explain.run(world.settings, whom=person, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["match"] == {"name": MATCHED, "birthdate": UNKNOWN}
    [why] = [line for line in told["why_not_higher"] if line.startswith("level 3")]
    assert why.endswith("asks for: a birthdate that matches")


def test_which_falls_with_what_is_no_longer_known(make_world: MakeWorld, table: str) -> None:
    world = make_world(IDENTITY_TRAITS=POINTERS, ASSURANCE_TABLE=table)
    person = shown(world, ADA, ADAS)
    change_traits(world, person, GUS)
    world.jumio.server.faults = lambda request: faults.answer(404) if request.method == "GET" else None
    assert sweep(world).failed == 0
    assert (world.record(person)[0]["status"], world.record(person)[0]["assurance"]["level"]) == ("approved", 1)


# --- several documents, several workflows ---


def test_of_several_documents_one_of_somebody_else_is_enough(world: World) -> None:
    person = world.person(traits=ADA)
    world.initiate(person)
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, "passed", callback=False, shows=ADAS)
    details = jumio_records.details(workflow, world.jumio.api_base_url)
    [extraction] = details["capabilities"]["extraction"]
    second = {**extraction, "data": {**extraction["data"], "firstName": "GUS", "lastName": "GRISSOM"}}
    details["capabilities"]["extraction"] = [extraction, second]
    body = json.dumps(details).encode()
    world.jumio.server.faults = lambda request: faults.answer(200, body) if request.method == "GET" else None
    assert world.call_back(workflow).json == {"result": "applied"}
    assert world.record(person)[0]["status"] == "review"


def test_a_face_check_leaves_the_match(world: World) -> None:
    person = shown(world, ADA, ADAS)
    assert world.reverify(person).status_code == 200
    workflow = next(each for each in world.jumio.truth(person) if not each.settled)
    assert workflow.definition_key == "10014"
    world.says(workflow, "passed", capabilities=FACE_PASSED)
    assert world.call_back(workflow).json == {"result": "applied"}
    assert match_of(world, person) == {"name": MATCHED, "birthdate": MATCHED}
    assert world.record(person)[0]["status"] == "approved"


def test_whoever_was_approved_before_the_setting_stays_so(make_world: MakeWorld) -> None:
    person = shown(make_world(), GUS, ADAS)
    world = make_world(IDENTITY_TRAITS=POINTERS)
    world.forget_calls()
    assert sweep(world).unchanged == 1
    assert world.calls() == ["kratos GET"]
    assert world.record(person)[0]["status"] == "approved"


def test_nothing_of_a_person_is_kept_or_told(world: World, log_lines: list[str]) -> None:
    people = [shown(world, ADA, ADAS)]
    kept = json.dumps([world.record(person) for person in people]) + "\n".join(log_lines)
    assert [word for word in ("Ada", "ADA", "Lovelace", "LOVELACE", "1990-05-17") if word in kept] == []


LOADED = """
import sys
from support import REQUIRED
from webhook import wiring
from webhook.settings import Settings

wiring.for_requests(Settings.from_mapping({**REQUIRED, **dict([sys.argv[1:]] if sys.argv[1:] else [])}))
print("anyascii" in sys.modules, "webhook.core.names" in sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "printed"), [([], "False False"), (["IDENTITY_TRAITS", "full_name=/name"], "True True")]
)
def test_what_compares_names_is_loaded_where_it_is_wanted(arguments: list[str], printed: str) -> None:
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", LOADED, *arguments]
    environment = {"PYTHONPATH": f"{tests}:{tests.parent}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert done.stdout.strip() == printed
