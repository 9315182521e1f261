# SPDX-License-Identifier: Apache-2.0
"""What becomes of a settings change and of a recovery at each answer of a hook, on the stand-in and a real Kratos."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from sandbox import faults
from sandbox.people import PASSWORD, Kratos, Message, Recovery, Settings
from sandbox.server import LoopbackServer
from sandbox.shipped import STEP_UP, actions
from sandbox.start import start_kratos
from sandbox.totp import totp_code
from sandbox.wire import Request

from .worlds import KINDS, SECRET, World, binary_for, email, recorder

TEXT = {"id": 9010010, "text": "Noch nicht, ✗", "type": "error", "context": {"required": {"level": 3}}}
SHOWN = Message(9010010, "Noch nicht, ✗", "error", {"required": {"level": 3}})
SAVED = Message(1050001, "Your changes have been saved!", "success")
REFUSAL = faults.answer(403, json.dumps({"messages": [{"instance_ptr": "#/", "messages": [TEXT]}]}).encode())
OTHER_PASSWORD = "Another-7-horse-battery"


@dataclass
class Person:
    """Somebody who is signed in."""

    email: str
    id: str
    token: str


@dataclass(frozen=True)
class Change:
    """A change in the settings, and how to see that it was stored."""

    make: Callable[[Kratos, Person], Settings]
    is_stored: Callable[[World, Person], bool]


def _credentials(world: World, person: Person) -> set[str]:
    return set(world.call("GET", f"/admin/identities/{person.id}").json()["credentials"])


CHANGES = {
    "totp": Change(lambda k, p: k.enroll_totp(p.token), lambda w, p: "totp" in _credentials(w, p)),
    "profile": Change(
        lambda k, p: k.change_profile(p.token, {"email": f"new-{p.email}"}),
        lambda w, p: w.kratos.identity(p.id)["traits"]["email"] == f"new-{p.email}",
    ),
    "password": Change(
        lambda k, p: k.change_password(p.token, OTHER_PASSWORD),
        lambda w, p: w.kratos.login(p.email, password=OTHER_PASSWORD).allowed,
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def stepped_up(request: pytest.FixtureRequest) -> Iterator[World]:
    binary = binary_for(request.param)
    with (
        LoopbackServer(recorder()) as hooks,
        start_kratos(service_url=hooks.url, ory_secret=SECRET, binary=binary, step_up=True) as kratos,
    ):
        yield World(request.param, kratos, hooks)


@pytest.fixture
def world(stepped_up: World) -> Iterator[World]:
    yield stepped_up
    stepped_up.hooks.faults = None


def somebody(world: World, method: str = "password") -> Person:
    address = email()
    registered = world.kratos.register(address, method=method)
    assert registered.identity_id
    assert registered.session_token
    return Person(address, registered.identity_id, registered.session_token)


def bodies(world: World, person: Person) -> list[dict[str, Any]]:
    """What the gate was sent about somebody."""
    asked = [request for request in world.hooks.requests if request.path.startswith("/jumio/validate")]
    found = [json.loads(request.body) for request in asked]
    return [body for body in found if body["identity"]["id"] == person.id]


def refuse(request: Request) -> faults.Fault | None:
    return REFUSAL if request.path.startswith("/jumio/validate") else None


def test_the_app_counts_like_the_example_of_rfc_6238() -> None:
    assert totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now=1111111109) == "081804"
    assert totp_code("GEZDGNBV", now=59) == totp_code("GEZDGNBV", now=31)


@pytest.mark.parametrize("name", CHANGES)
def test_an_allowed_change_is_stored(world: World, name: str) -> None:
    person, change = somebody(world), CHANGES[name]
    assert not change.is_stored(world, person)
    assert change.make(world.kratos, person) == Settings(True, 200, (SAVED,))
    assert change.is_stored(world, person)
    assert world.kratos.whoami(person.token)


@pytest.mark.parametrize("name", CHANGES)
def test_a_refused_change_is_not(world: World, name: str) -> None:
    person, change = somebody(world), CHANGES[name]
    world.hooks.faults = refuse
    before = world.kratos.identity(person.id)
    assert change.make(world.kratos, person) == Settings(False, 400, (SHOWN,))
    assert world.kratos.identity(person.id)["updated_at"] == before["updated_at"]
    world.hooks.faults = None
    assert not change.is_stored(world, person)
    assert change.make(world.kratos, person).allowed, "and can be made later"


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_gate_is_asked(world: World, name: str) -> None:
    person = somebody(world)
    jumio = {"status": "approved", "assurance": {"level": 2}}
    patch = [{"op": "add", "path": "/metadata_public", "value": {"jumio": jumio, "crm": "private"}}]
    assert world.call("PATCH", f"/admin/identities/{person.id}", json=patch).status_code == 200
    CHANGES[name].make(world.kratos, person)
    (body,) = bodies(world, person)
    assert body["identity"] == {"id": person.id, "metadata_public": {"jumio": jumio}, "contact_verified": False}
    assert body["policy"] == {"min_level": 2 if name == "profile" else 3, "on_unmet": "start"}
    assert set(body) == {"identity", "flow", "policy"}


def test_nobody_sets_their_own_metadata(world: World) -> None:
    """A member beside the traits is refused or left out; what the gate reads is never the person's."""
    person = somebody(world)
    forged = {"email": person.email, "metadata_public": {"jumio": {"assurance": {"level": 4}}}}
    assert not world.kratos.change_profile(person.token, forged).allowed
    assert bodies(world, person) == []
    assert world.kratos.identity(person.id)["metadata_public"] is None


@pytest.mark.parametrize("refused", [True, False])
def test_an_enrolment_raises_the_session_even_when_it_is_refused(world: World, refused: bool) -> None:
    person = somebody(world)
    before = world.kratos.whoami(person.token)
    world.hooks.faults = refuse if refused else None
    world.kratos.enroll_totp(person.token)
    after = world.kratos.whoami(person.token)
    assert before
    assert after
    assert (before["authenticator_assurance_level"], after["authenticator_assurance_level"]) == ("aal1", "aal2")
    assert [method["method"] for method in after["authentication_methods"]] == ["password", "totp"]
    assert after["authenticated_at"] == before["authenticated_at"]


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_hook_writes_and_then_lets_through_is_undone(world: World, name: str) -> None:
    person = somebody(world)

    def write(request: Request) -> None:
        if request.path == "/jumio/validate":
            patch = [{"op": "add", "path": "/metadata_public/jumio", "value": {"status": "approved"}}]
            assert world.call("PATCH", f"/admin/identities/{person.id}", json=patch).status_code == 200

    world.hooks.faults = write
    assert CHANGES[name].make(world.kratos, person).allowed
    assert world.kratos.identity(person.id)["metadata_public"] is None


def test_a_password_that_kratos_refuses_never_reaches_the_gate(world: World) -> None:
    person = somebody(world)
    for password in ("short", PASSWORD):
        assert world.kratos.change_password(person.token, password) == Settings(False, 400)
    for traits in ({}, {"email": "no address"}, {"email": person.email, "nickname": "j"}):
        assert world.kratos.change_profile(person.token, traits) == Settings(False, 400)
    assert bodies(world, person) == []


def test_a_taken_address_is_noticed_after_the_gate(world: World) -> None:
    person, other = somebody(world), somebody(world)
    changed = world.kratos.change_profile(person.token, {"email": other.email})
    assert (changed.allowed, changed.status, [m.id for m in changed.messages]) == (False, 400, [4000007])
    assert len(bodies(world, person)) == 1


def test_without_a_session_there_are_no_settings(world: World) -> None:
    changed = world.kratos.change_password("ory_st_unknown", OTHER_PASSWORD)
    assert (changed.allowed, changed.status, changed.messages) == (False, 401, ())
    assert changed.error
    assert changed.error["id"] == "session_inactive"
    with pytest.raises(RuntimeError):
        world.kratos.tokenize("ory_st_unknown")


def test_a_recovery(world: World) -> None:
    person = somebody(world)
    recovery = world.kratos.recover(person.email)
    assert recovery.session_token
    assert recovery == Recovery(True, recovery.session_token, 200)
    session = world.kratos.whoami(recovery.session_token)
    assert session
    assert session["identity"]["id"] == person.id
    assert [method["method"] for method in session["authentication_methods"]] == ["code_recovery"]
    (body,) = bodies(world, person)
    assert body["identity"] == {"id": person.id, "metadata_public": None, "contact_verified": True}
    assert body["policy"] == {"min_level": 2, "on_unmet": "block"}
    assert world.kratos.change_password(recovery.session_token, OTHER_PASSWORD).allowed
    assert world.kratos.login(person.email, password=OTHER_PASSWORD).allowed
    assert not world.kratos.login(person.email).allowed


def test_a_refused_recovery_gives_no_session_but_a_new_flow_with_the_reason(world: World) -> None:
    person = somebody(world)
    world.hooks.faults = refuse
    recovery = world.kratos.recover(person.email)
    assert (recovery.allowed, recovery.session_token, recovery.status, recovery.messages) == (
        False,
        None,
        500,
        (SHOWN,),
    )
    assert recovery.error
    assert len(world.kratos.sessions(person.id)) == 1, "the registration's, no new one"
    (address,) = world.kratos.identity(person.id)["verifiable_addresses"]
    assert address["verified"], "the code was good, and is spent"
    world.hooks.faults = None
    assert world.kratos.recover(person.email).allowed


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.answer(403, b"{}"), "error while parsing webhook response: got no validation errors"),
        (faults.answer(403), "webhook response could not be unmarshalled properly from JSON"),
    ],
    ids=["no-messages", "empty"],
)
def test_refusals_without_a_text(world: World, fault: faults.Fault, message: str) -> None:
    person = somebody(world)
    world.hooks.faults = lambda request: fault if request.path == "/jumio/validate" else None
    for refused in (world.kratos.change_password(person.token, OTHER_PASSWORD), world.kratos.recover(person.email)):
        assert (refused.allowed, refused.status, refused.messages) == (False, 400, ())
        assert refused.error
        assert refused.error["code"] == 500
        assert refused.error["message"].startswith(message)


@pytest.mark.parametrize(
    ("method", "verified"), [("password", False), ("code", True)], ids=["by password", "by a mailed code"]
)
def test_the_gate_is_told_whether_the_address_is_verified(world: World, method: str, verified: bool) -> None:
    person = somebody(world, method)
    world.kratos.login(person.email, method=method)
    world.kratos.enroll_totp(person.token)
    assert [body["identity"]["contact_verified"] for body in bodies(world, person)] == [verified, verified]


def test_a_sign_in_by_code_verifies_the_address_before_the_gate_is_asked(world: World) -> None:
    address = email()
    person = Person(address, world.kratos.create_identity(address), "")
    assert world.kratos.login(address, method="code").allowed
    assert [body["identity"]["contact_verified"] for body in bodies(world, person)] == [True]


def test_a_new_address_is_not_verified(world: World) -> None:
    person = somebody(world, "code")
    (before,) = world.kratos.identity(person.id)["verifiable_addresses"]
    assert world.kratos.change_profile(person.token, {"email": f"new-{person.email}"}).allowed
    (after,) = world.kratos.identity(person.id)["verifiable_addresses"]
    assert (before["value"], before["verified"]) == (person.email, True)
    assert (after["value"], after["verified"]) == (f"new-{person.email}", False)


@pytest.mark.parametrize("kind", KINDS)
def test_traps_of_other_configurations(kind: str) -> None:
    """Hooks that cannot interrupt come too late, and none of those in `settings.after.hooks` can."""
    binary = binary_for(kind)
    with LoopbackServer(recorder()) as hooks:
        text = actions(service_url=hooks.url, ory_secret=SECRET, file=STEP_UP)
        flows = json.loads(json.dumps(yaml.safe_load(text)))["selfservice"]["flows"]
        settings, recovery = flows["settings"]["after"], flows["recovery"]["after"]
        (late,) = settings["password"]["hooks"]
        settings["hooks"] = copy.deepcopy(settings.pop("totp")["hooks"])
        del late["config"]["can_interrupt"], recovery["hooks"][0]["config"]["can_interrupt"]
        base = yaml.safe_load(actions(service_url=hooks.url, ory_secret=SECRET))
        base["selfservice"]["flows"] |= flows
        configuration = yaml.safe_dump(base)
        with start_kratos(
            service_url=hooks.url, ory_secret=SECRET, binary=binary, configuration=configuration
        ) as kratos:
            world = World(kind, kratos, hooks)
            person = somebody(world)
            hooks.faults = refuse
            assert kratos.enroll_totp(person.token) == Settings(True, 200, (SAVED,))
            assert bodies(world, person) == []
            changed = kratos.change_password(person.token, OTHER_PASSWORD)
            assert (changed.allowed, changed.status, changed.messages) == (False, 502, ())
            recovered = kratos.recover(person.email)
            assert (recovered.allowed, recovered.status, recovered.messages) == (False, 502, ())
            hooks.faults = None
            assert kratos.login(person.email, password=OTHER_PASSWORD).allowed, "it was stored all the same"
