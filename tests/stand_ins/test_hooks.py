# SPDX-License-Identifier: Apache-2.0
"""What a person sees at each answer of a hook: the same assertions for the stand-in and a real Kratos."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import yaml

from sandbox import faults
from sandbox.faults import Fault
from sandbox.kratos import KratosStandIn
from sandbox.people import Login, Message, Recovery
from sandbox.server import LoopbackServer
from sandbox.shipped import actions, shipped
from sandbox.start import start_kratos
from sandbox.wire import Request

from .worlds import KINDS, SECRET, World, binary_for, email, recorder

METHODS = ("password", "code")
TEXT = {"id": 9010001, "text": "Nein, ✗", "type": "error", "context": {"status": "rejected"}}
SHOWN = Message(9010001, "Nein, ✗", "error", {"status": "rejected"})
NIL = "00000000-0000-0000-0000-000000000000"
GIVING_UP = "giving up after 3 attempt(s)"


def payload(*messages: dict[str, Any], pointer: str | None = "#/") -> bytes:
    entry = {"messages": list(messages)} | ({} if pointer is None else {"instance_ptr": pointer})
    return json.dumps({"messages": [entry]}).encode()


def at_validate(world: World, fault: Fault) -> None:
    world.hooks.faults = lambda request: fault if request.path == "/jumio/validate" else None


def person(world: World, method: str = "password") -> tuple[str, str]:
    """Address and identity id of somebody newly registered, their registration hook over and forgotten."""
    address = email()
    registered = world.kratos.register(address, method=method)
    assert registered.identity_id
    identity_id = registered.identity_id.encode()
    assert world.hooks.wait(lambda hooks: any(identity_id in reply.request.body for reply in hooks.replies))
    world.hooks.clear()
    return address, registered.identity_id


def calls(world: World, identity_id: str) -> list[Request]:
    """The hooks called about this identity: another test's ignored hook may arrive at any time."""
    return [request for request in world.hooks.requests if identity_id.encode() in request.body]


@pytest.mark.parametrize("method", METHODS)
def test_registration(world: World, method: str) -> None:
    address = email()
    registered = world.kratos.register(address, method=method)
    assert (registered.status, registered.messages, registered.error) == (200, (), None)
    assert registered.identity_id
    assert registered.session_token, "the `session` hook stands beside ours"
    assert world.kratos.identity(registered.identity_id)["traits"] == {"email": address, "name": {}}, (
        "a form adds objects"
    )
    identity_id = registered.identity_id
    assert world.hooks.wait(lambda _: len(calls(world, identity_id)) == 1)
    (request,) = calls(world, identity_id)
    assert (request.method, request.path) == ("POST", "/jumio/initiate")
    body = json.loads(request.body)
    assert body["identity"] == {"id": identity_id}
    assert body["flow"]["type"] == "api"
    assert set(body) == {"identity", "flow"}
    assert set(body["flow"]) == {"id", "type"}
    assert UUID(body["flow"]["id"])


@pytest.mark.parametrize("method", METHODS)
def test_login(world: World, method: str) -> None:
    address, identity_id = person(world, method)
    before = len(world.kratos.sessions(identity_id))
    login = world.kratos.login(address, method=method)
    assert login.session_token
    assert login == Login(True, login.session_token, 200)
    assert len(world.kratos.sessions(identity_id)) == before + 1
    (request,) = calls(world, identity_id)
    body = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/jumio/validate")
    assert body["identity"] == {"id": identity_id, "metadata_public": None, "contact_verified": method == "code"}
    assert set(body["flow"]) == {"id", "type"}


def test_recovery(world: World) -> None:
    """It says so in the hook's body: whoever is stopped here gets no link."""
    address, identity_id = person(world)
    recovered = world.kratos.recover(address)
    assert recovered.session_token
    assert recovered == Recovery(True, recovered.session_token, 200)
    assert len(world.kratos.sessions(identity_id)) == 2
    (request,) = calls(world, identity_id)
    body = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/jumio/validate")
    assert body["identity"] == {"id": identity_id, "metadata_public": None, "contact_verified": True}
    assert body["policy"] == {"on_unmet": "block"}


def test_a_refused_recovery_gives_no_session(world: World) -> None:
    address, identity_id = person(world)
    at_validate(world, faults.answer(403, payload(TEXT)))
    recovered = world.kratos.recover(address)
    assert (recovered.allowed, recovered.session_token, recovered.messages) == (False, None, (SHOWN,))
    assert len(world.kratos.sessions(identity_id)) == 1, "the registration's, no new one"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("first", METHODS)
def test_registering_again_gives_no_session(world: World, first: str, method: str) -> None:
    """Whoever is there already has to sign in, past the gate."""
    address, identity_id = person(world, first)
    again = world.kratos.register(address, method=method)
    assert (again.status, again.session_token, [m.id for m in again.messages]) == (400, None, [4000007])
    assert len(world.kratos.sessions(identity_id)) == 1
    assert calls(world, identity_id) == []


def test_what_a_hook_receives(world: World) -> None:
    address, identity_id = person(world)
    world.kratos.login(address)
    (request,) = calls(world, identity_id)
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "Go-http-client/1.1"
    assert int(request.headers["Content-Length"]) == len(request.body)
    assert "Cookie" not in request.headers
    assert UUID(request.headers["Ory-Webhook-Request-ID"]) != UUID(request.headers["Ory-Webhook-Trigger-ID"])


@pytest.mark.parametrize(
    ("metadata", "sent"),
    [
        ({"jumio": {"status": "rejected"}, "crm": "secret"}, {"jumio": {"status": "rejected"}}),
        ({"crm": "secret"}, None),
        ({"jumio": "odd"}, {"jumio": "odd"}),
        ({"jumio": None}, {"jumio": None}),
        ("odd", None),
        ([1], None),
        (True, None),
    ],
)
def test_metadata_reaches_the_hook(world: World, metadata: Any, sent: Any) -> None:
    address, identity_id = person(world)
    patch = [
        {"op": "replace", "path": "/metadata_public", "value": metadata},
        {"op": "replace", "path": "/metadata_admin", "value": {"jumio": "never sent"}},
    ]
    assert world.call("PATCH", f"/admin/identities/{identity_id}", json=patch).status_code == 200
    assert world.kratos.login(address).allowed
    (request,) = calls(world, identity_id)
    assert json.loads(request.body)["identity"]["metadata_public"] == sent
    assert b"secret" not in request.body
    assert b"never sent" not in request.body


@pytest.mark.parametrize(
    "fault",
    [
        faults.answer(200, b'{"status": "approved"}'),
        faults.answer(200, b""),
        faults.answer(200, b"<html>"),
        faults.answer(200, payload(TEXT)),
        faults.answer(201, b"{}"),
        faults.answer(204),
        faults.answer(300),
        faults.answer(304),
        faults.hang(0.2),
        faults.trickle(pause=0.01),
    ],
    ids=["200", "empty", "not-json", "messages-in-200", "201", "204", "300", "304", "slow", "trickled"],
)
def test_lets_in(world: World, fault: Fault) -> None:
    address, identity_id = person(world)
    at_validate(world, fault)
    login = world.kratos.login(address)
    assert (login.allowed, login.status, login.messages, login.error) == (True, 200, (), None)
    assert len(world.kratos.sessions(identity_id)) == 2
    assert len(calls(world, identity_id)) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 501])
def test_refuses_with_a_text(world: World, status: int) -> None:
    address, identity_id = person(world)
    at_validate(world, faults.answer(status, payload(TEXT)))
    login = world.kratos.login(address)
    assert login == Login(False, None, 400, (SHOWN,))
    assert len(world.kratos.sessions(identity_id)) == 1, "the registration's, no new one"
    assert len(calls(world, identity_id)) == 1


def test_refuses_with_a_text_at_a_code_login(world: World) -> None:
    address, identity_id = person(world, "code")
    at_validate(world, faults.answer(403, payload(TEXT)))
    assert world.kratos.login(address, method="code") == Login(False, None, 400, (SHOWN,))
    assert len(world.kratos.sessions(identity_id)) == 1


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (payload(TEXT, pointer=""), (SHOWN,)),
        (payload(TEXT, pointer=None), (SHOWN,)),
        (payload({"id": 1, "text": "t"}), (Message(1, "t", "info"),)),
        (payload({"id": 1, "text": "t", "type": "success"}), (Message(1, "t", "info"),)),
        (payload({"id": 1, "text": "t", "type": "error"}, TEXT), (Message(1, "t", "error"), SHOWN)),
        (payload({"id": 1, "text": "t", "type": "error"}, pointer="#/traits/email"), ()),
        (payload(), ()),
    ],
    ids=["no-pointer", "pointer-missing", "no-type", "odd-type", "two", "field", "empty-entry"],
)
def test_which_messages_are_shown(world: World, body: bytes, messages: tuple[Message, ...]) -> None:
    address, _ = person(world)
    at_validate(world, faults.answer(403, body))
    login = world.kratos.login(address)
    assert (login.allowed, login.status, login.messages, login.error) == (False, 400, messages, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "webhook response could not be unmarshalled properly from JSON"),
        (b"<html>", "webhook response could not be unmarshalled properly from JSON"),
        (b"[]", "webhook response could not be unmarshalled properly from JSON"),
        (
            payload({"id": "9010001", "text": "t"}),
            "webhook response could not be unmarshalled properly from JSON",
        ),
        (b"{}", "error while parsing webhook response: got no validation errors"),
        (b'{"messages": []}', "error while parsing webhook response: got no validation errors"),
        (b'{"error": {"code": 403}}', "error while parsing webhook response: got no validation errors"),
    ],
    ids=["empty", "not-json", "list", "text-id", "object", "no-entries", "error"],
)
def test_refuses_without_a_text(world: World, body: bytes, message: str) -> None:
    address, identity_id = person(world)
    at_validate(world, faults.answer(403, body))
    login = world.kratos.login(address)
    assert (login.allowed, login.status, login.messages) == (False, 400, ())
    assert login.error
    assert login.error["code"] == 500
    assert login.error["message"].startswith(message)
    assert len(world.kratos.sessions(identity_id)) == 1


def test_three_attempts(world: World) -> None:
    """All at once, because the real one waits a second and then two."""
    cases = {
        "500": faults.answer(500, payload(TEXT)),
        "502": faults.answer(502),
        "503": faults.answer(503, payload(TEXT), {"Retry-After": "1"}),
        "429": faults.answer(429, payload(TEXT)),
        "reset": faults.reset(),
    }
    people = {name: person(world) for name in cases}
    by_id = {identity_id: cases[name] for name, (_, identity_id) in people.items()}
    world.hooks.faults = lambda request: by_id.get(json.loads(request.body)["identity"]["id"])
    with ThreadPoolExecutor(len(cases)) as pool:
        under_way = {}
        for name, (address, identity_id) in people.items():
            under_way[name] = pool.submit(world.kratos.login, address)
            # One after the other that far: a Kratos on SQLite answers 500 where two flows are written at once.
            assert world.hooks.wait(lambda _, identity_id=identity_id: calls(world, identity_id))
    for name, (_, identity_id) in people.items():
        login = under_way[name].result()
        assert (login.allowed, login.status, login.messages) == (False, 400, ()), name
        assert login.error
        assert login.error["code"] == 500
        assert login.error["message"].startswith(f"POST {world.hooks.url}/jumio/validate {GIVING_UP}"), name
        attempts = calls(world, identity_id)
        assert len(attempts) == 3, name
        assert len({r.headers["Ory-Webhook-Trigger-ID"] for r in attempts}) == 1
        assert len({r.headers["Ory-Webhook-Request-ID"] for r in attempts}) == 3
        assert len({r.body for r in attempts}) == 1
        assert len(world.kratos.sessions(identity_id)) == 1


def test_a_later_attempt_counts(world: World) -> None:
    address, _ = person(world)
    answers = iter([faults.answer(503)])
    world.hooks.faults = lambda request: next(answers, None) if request.path == "/jumio/validate" else None
    assert world.kratos.login(address).allowed


def test_a_failing_registration_hook_is_ignored(world: World) -> None:
    world.hooks.faults = lambda request: faults.answer(403, payload(TEXT))
    registered = world.kratos.register(email())
    assert (registered.status, registered.messages, registered.error) == (200, (), None)
    assert registered.session_token


def test_the_registration_does_not_wait_for_its_hook(world: World) -> None:
    world.hooks.faults = lambda request: faults.hang(5)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(world.kratos.register, email()).result(4).session_token


def test_refused_before_any_hook(world: World) -> None:
    address, identity_id = person(world)
    again = world.kratos.register(address)
    assert (again.status, again.identity_id, [m.id for m in again.messages]) == (400, None, [4000007])
    stranger = world.kratos.login(email())
    assert (stranger.status, [m.id for m in stranger.messages]) == (400, [4000006])
    assert calls(world, identity_id) == []
    assert world.hooks.count("POST", "/jumio/validate") == 0


def test_an_identity_made_by_the_admin_api_meets_no_registration_hook(world: World) -> None:
    address = email()
    identity_id = world.kratos.create_identity(address)
    assert world.kratos.login(address, method="code").allowed
    assert [request.path for request in calls(world, identity_id)] == ["/jumio/validate"]


# Other configurations than ours: each trap that ory-actions.yaml names really is one.


@contextmanager
def configured(kind: str, change: Callable[[dict[str, Any]], None]) -> Iterator[World]:
    binary = binary_for(kind)
    with LoopbackServer(recorder()) as hooks:
        configuration = yaml.safe_load(actions(service_url=hooks.url, ory_secret=SECRET))
        # A copy without anchors' shared parts, so that a change stays where it is made.
        configuration = json.loads(json.dumps(configuration))
        change(configuration["selfservice"]["flows"])
        with start_kratos(
            service_url=hooks.url, ory_secret=SECRET, binary=binary, configuration=yaml.safe_dump(configuration)
        ) as kratos:
            yield World(kind, kratos, hooks)


@pytest.mark.parametrize("kind", KINDS)
def test_traps_of_other_configurations(kind: str) -> None:
    def change(flows: dict[str, Any]) -> None:
        registration, login = flows["registration"]["after"], flows["login"]["after"]
        registered, session = registration["password"]["hooks"]
        # A parsed hook, and one whose answer is neither parsed nor ignored.
        parsed = copy.deepcopy(registered)
        parsed["config"]["response"] = {"parse": True}
        parsed["config"]["url"] += "-parsed"
        # Inlined, as on Ory Network.
        template = (shipped("jsonnet") / "initiate.jsonnet").read_bytes()
        parsed["config"]["body"] = "base64://" + base64.b64encode(template).decode()
        registered["config"]["response"] = {}
        registration["password"]["hooks"] = [registered, parsed]
        # A list of its own without `session`, beside a global one.
        other = copy.deepcopy(registered)
        other["config"]["url"] += "-global"
        registration["hooks"] = [other]
        registration["code"]["hooks"] = [session]
        # A hook that cannot interrupt, a global one, and one that parses.
        (hook,) = login["password"]["hooks"]
        del hook["config"]["can_interrupt"]
        (by_code,) = login.pop("code")["hooks"]
        by_code["config"]["url"] += "-global"
        del by_code["config"]["can_interrupt"]
        by_code["config"]["response"] = {"parse": True}
        login["hooks"] = [by_code]

    with configured(kind, change) as world:
        address = email()
        registered = world.kratos.register(address)
        assert (registered.status, registered.session_token) == (200, None), "no `session` hook, no session"
        first, second = world.hooks.requests
        assert [first.path, second.path] == ["/jumio/initiate-parsed", "/jumio/initiate"]
        assert json.loads(first.body)["identity"] == {"id": NIL}, "asked before the identity exists"
        assert json.loads(second.body)["identity"] == {"id": registered.identity_id}

        _refused_after_storing(world)
        _refused_before_storing(world)

        world.hooks.clear()
        by_code = email()
        assert world.kratos.register(by_code, method="code").session_token
        assert world.hooks.requests == [], "the method's own list silences the global one"

        world.hooks.faults = lambda request: faults.answer(403, payload(TEXT))
        login = world.kratos.login(address)
        assert (login.allowed, login.status, login.messages) == (False, 502, ())
        assert login.error
        assert login.error["code"] == 502
        assert login.error["message"] == "webhook failed with status code 403"

        assert world.kratos.login(by_code, method="code") == Login(False, None, 400, (SHOWN,))
        assert world.hooks.requests[-1].path == "/jumio/validate-global"
        world.hooks.faults = lambda request: faults.answer(200, b"")
        login = world.kratos.login(by_code, method="code")
        assert (login.allowed, login.status) == (False, 400)
        assert login.error
        assert login.error["message"].startswith("webhook response could not be unmarshalled properly from JSON")


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_session_hook_does_not_matter(kind: str) -> None:
    """https://www.ory.com/docs/kratos/hooks/configure-hooks: `session` runs last, wherever it stands."""

    def change(flows: dict[str, Any]) -> None:
        flows["registration"]["after"]["password"]["hooks"].reverse()

    with configured(kind, change) as world:
        registered = world.kratos.register(email())
        assert registered.session_token
        identity_id = registered.identity_id
        assert identity_id
        assert world.hooks.wait(lambda _: [call.path for call in calls(world, identity_id)] == ["/jumio/initiate"])


def _refused_after_storing(world: World) -> None:
    def refuse(request: Request) -> Fault | None:
        return faults.answer(403, payload(TEXT)) if request.path == "/jumio/initiate" else None

    world.hooks.faults = refuse
    address = email()
    registered = world.kratos.register(address)
    assert (registered.status, registered.identity_id, registered.messages) == (502, None, ())
    world.hooks.faults = None
    assert [m.id for m in world.kratos.register(address).messages] == [4000007], "the identity stayed behind"


def _refused_before_storing(world: World) -> None:
    def refuse(request: Request) -> Fault | None:
        return faults.answer(403, payload(TEXT)) if request.path == "/jumio/initiate-parsed" else None

    world.hooks.faults = refuse
    address = email()
    registered = world.kratos.register(address)
    assert (registered.status, registered.messages) == (400, (SHOWN,))
    world.hooks.faults = None
    assert world.kratos.register(address).status == 200, "nothing was stored"


@pytest.mark.parametrize("kind", KINDS)
def test_templates_that_fail(kind: str) -> None:
    """One that cancels lets everybody in, unasked; one that indexes null locks everybody out."""

    def change(flows: dict[str, Any]) -> None:
        templates = {"password": 'error "cancel"', "code": "ctx.identity.metadata_public.jumio"}
        for method, body in templates.items():
            encoded = base64.b64encode(f"function(ctx) {body}".encode()).decode()
            flows["login"]["after"][method]["hooks"][0]["config"]["body"] = f"base64://{encoded}"

    with configured(kind, change) as world:
        address = email()
        world.kratos.create_identity(address)
        refused = world.kratos.login(address, method="code")
        assert (refused.allowed, refused.status, refused.messages) == (False, 400, ())
        assert refused.error
        assert refused.error["code"] == 500
        assert "RUNTIME ERROR: " in refused.error["message"]
        registered = email()
        world.kratos.register(registered)
        assert world.kratos.login(registered).allowed
        assert world.hooks.count("POST", "/jumio/validate") == 0


# Where the real one would take minutes or another port, only the stand-in is asked.


def test_a_hook_that_times_out() -> None:
    with (
        LoopbackServer(recorder()) as hooks,
        KratosStandIn(actions(service_url=hooks.url, ory_secret=SECRET), timeout=0.1) as kratos,
    ):
        address = email()
        kratos.create_identity(address)
        hooks.faults = lambda request: faults.hang()
        login = kratos.login(address, method="code")
        assert (login.allowed, login.status) == (False, 504)
        assert hooks.count("POST", "/jumio/validate") == 3


def test_nobody_listens(unused_port: int) -> None:
    configuration = actions(service_url=f"http://127.0.0.1:{unused_port}", ory_secret=SECRET)
    with KratosStandIn(configuration) as kratos:
        address = email()
        assert kratos.register(address).session_token
        login = kratos.login(address)
        assert (login.allowed, login.status) == (False, 400)
        assert login.error
        assert GIVING_UP in login.error["message"]
