# SPDX-License-Identifier: Apache-2.0
"""Each route as its caller sees it, and that nothing a caller sends is a 5xx or causes a call before it is checked."""

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from support import (
    ACCOUNT,
    AUTH,
    CALLBACK_SECRET,
    HOSTILE_BODIES,
    IDENTITY,
    LINK,
    OLD_CALLBACK_SECRET,
    OLD_ORY_SECRET,
    ORY_SECRET,
    OTHER_IDENTITY,
    WORKFLOW,
    World,
    approved,
    pending,
)
from werkzeug.test import TestResponse

from sandbox import faults
from sandbox.faults import Fault
from sandbox.server import LoopbackServer
from webhook import __version__
from webhook.core.ids import NIL_UUID
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.ory.kratos.metadata import public_member
from webhook.verification import gate as admission
from webhook.web import routes

MEBIBYTE = 1 << 20
CALLBACK = {"workflowExecution": {"id": WORKFLOW, "status": "PROCESSED"}, "account": {"id": ACCOUNT}}


def token(identity_id: str, secret: str = CALLBACK_SECRET) -> str:
    """A capability token, made as the contract says and not as the service does."""
    digest = hmac.new(secret.encode(), identity_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signature(body: bytes, secret: str = CALLBACK_SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def callback_path(identity_id: str) -> str:
    return f"/jumio/callback/{identity_id}/{token(identity_id)}"


@dataclass(frozen=True)
class Route:
    """A route and what authenticates a call of it: path and headers, by the body, for good, wrong and none."""

    name: str
    path: dict[str, str]
    headers: Callable[[bytes, str], dict[str, str]]
    good_body: dict[str, Any]
    reads_body_first: bool = False


def _ory(body: bytes, kind: str) -> dict[str, str]:
    return {"good": AUTH, "wrong": {"Authorization": "Bearer something-else"}, "none": {}}[kind]


def _signed(body: bytes, kind: str) -> dict[str, str]:
    signed = {"good": signature(body), "wrong": signature(body, "something-else")}
    return {"X-Jumio-Signature": signed[kind]} if kind != "none" else {}


def _unsigned(body: bytes, kind: str) -> dict[str, str]:
    return {}


def _same(path: str) -> dict[str, str]:
    return dict.fromkeys(("good", "wrong", "none"), path)


ROUTES = [
    Route("initiate", _same("/jumio/initiate"), _ory, {"identity": {"id": IDENTITY}}),
    Route("validate", _same("/jumio/validate"), _ory, {"identity": {"id": IDENTITY, "metadata_public": None}}),
    Route("reverify", _same("/jumio/reverify"), _ory, {"identity": {"id": IDENTITY}}),
    Route("signed callback", _same("/jumio/callback"), _signed, CALLBACK, reads_body_first=True),
    Route(
        "capability callback",
        {
            "good": callback_path(IDENTITY),
            "wrong": f"/jumio/callback/{IDENTITY}/{token(OTHER_IDENTITY)}",
            "none": f"/jumio/callback/{IDENTITY}/-",
        },
        _unsigned,
        CALLBACK,
    ),
]
each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


def post(world: World, route: Route, body: bytes, which: str = "good", **options: Any) -> TestResponse:
    headers = {"Content-Type": "application/json", **route.headers(body, which)}
    return world.client.post(route.path[which], data=body, headers=headers, **options)


def post_chunked(world: World, route: Route, body: bytes, which: str = "good") -> TestResponse:
    headers = {"Transfer-Encoding": "chunked", **route.headers(body, which)}
    return world.client.post(
        route.path[which],
        input_stream=io.BytesIO(body),
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True},
    )


def assert_refused(answer: TestResponse, status: int, route: str | None = None) -> None:
    """Ory's error shape, and on the gate a text for the person as well."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.json is not None
    error = answer.json["error"]
    assert error.keys() == {"code", "status", "reason", "message"}
    assert error["code"] == status
    assert all(isinstance(error[name], str) and error[name] for name in ("status", "reason", "message"))
    if route == "validate":
        [entry] = answer.json["messages"]
        [message] = entry["messages"]
        assert (entry["instance_ptr"], message["id"], message["type"]) == ("#/", 9010000, "error")
        assert message["text"]
    else:
        assert answer.json.keys() == {"error"}


# --- secrets, bodies ---


BODIES = {**HOSTILE_BODIES, "good": b""}


@each_route
@pytest.mark.parametrize("secret", ["none", "wrong"])
@pytest.mark.parametrize("name", BODIES)
def test_without_the_secret_no_body_is_looked_at(world: World, route: Route, secret: str, name: str) -> None:
    body = BODIES[name] or json.dumps(route.good_body).encode()
    assert_refused(post(world, route, body, secret), 401, route.name)
    assert world.calls() == []


@each_route
@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_malformed_body_is_400_and_causes_no_call(world: World, route: Route, name: str) -> None:
    assert_refused(post(world, route, HOSTILE_BODIES[name]), 400, route.name)
    assert world.calls() == []


@each_route
def test_a_body_over_one_mebibyte_is_413(world: World, route: Route) -> None:
    body = json.dumps({**route.good_body, "flow": "x" * MEBIBYTE}).encode()
    assert_refused(post(world, route, body), 413, route.name)
    assert world.calls() == []


@each_route
@pytest.mark.parametrize("size", [MEBIBYTE, 3 * MEBIBYTE])
def test_a_body_over_one_mebibyte_without_a_stated_length_is_413(world: World, route: Route, size: int) -> None:
    body = json.dumps({**route.good_body, "flow": "x" * size}).encode()
    assert_refused(post_chunked(world, route, body), 413, route.name)


@each_route
@pytest.mark.parametrize("send", [post, post_chunked])
@pytest.mark.parametrize("which", ["wrong", "none"])
def test_a_body_over_one_mebibyte_without_the_secret_causes_no_call(
    world: World, route: Route, send: Callable[..., TestResponse], which: str
) -> None:
    body = json.dumps({**route.good_body, "flow": "x" * MEBIBYTE}).encode()
    answer = send(world, route, body, which)
    assert answer.status_code == 401 or (route.reads_body_first and answer.status_code == 413)
    assert_refused(answer, answer.status_code, route.name)
    assert world.calls() == []


@each_route
@pytest.mark.parametrize("send", [post, post_chunked])
def test_a_body_of_exactly_one_mebibyte_is_read(world: World, route: Route, send: Callable[..., TestResponse]) -> None:
    body = json.dumps(route.good_body).encode().ljust(MEBIBYTE)
    assert len(body) == MEBIBYTE
    assert send(world, route, body).status_code not in (400, 401, 413)


@each_route
def test_a_chunked_body_that_the_server_does_not_delimit_is_empty(world: World, route: Route) -> None:
    headers = {"Transfer-Encoding": "chunked", **route.headers(b"", "good")}
    body = io.BytesIO(json.dumps(route.good_body).encode())
    assert_refused(world.client.post(route.path["good"], input_stream=body, headers=headers), 400, route.name)


@each_route
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=x"]
)
def test_the_content_type_does_not_matter(world: World, route: Route, content_type: str) -> None:
    body = json.dumps(route.good_body).encode()
    headers = {**route.headers(body, "good"), "Content-Type": content_type}
    assert world.client.post(route.path["good"], data=body, headers=headers).status_code not in (400, 401, 415)


@pytest.mark.parametrize("path", ["/jumio/initiate", "/jumio/validate", "/jumio/reverify"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {ORY_SECRET}"},
        {"Authorization": f"bearer {ORY_SECRET}"},
        {"Authorization": f"BEARER   {ORY_SECRET} "},
        {"Authorization": f"Bearer {OLD_ORY_SECRET}"},
        {"X-Webhook-Secret": ORY_SECRET},
        {"X-Webhook-Secret": OLD_ORY_SECRET},
        {"X-Webhook-Secret": ORY_SECRET, "Authorization": "Bearer wrong"},
        {"X-Webhook-Secret": "wrong", "Authorization": f"Bearer {ORY_SECRET}"},
    ],
)
def test_orys_secret_is_taken_from_either_header_and_from_every_part_of_a_rotation(
    world: World, path: str, headers: dict[str, str]
) -> None:
    assert world.client.post(path, data=b"", headers=headers).status_code == 400


@pytest.mark.parametrize("path", ["/jumio/initiate", "/jumio/validate", "/jumio/reverify"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": ORY_SECRET},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {ORY_SECRET}x"},
        {"Authorization": f"Bearer {ORY_SECRET[:-1]}"},
        {"Authorization": f"Bearer {ORY_SECRET}, {OLD_ORY_SECRET}"},
        {"Authorization": f"Basic {ORY_SECRET}"},
        {"Authorization": "Basic " + base64.b64encode(f":{ORY_SECRET}".encode()).decode()},
        {"Authorization": "Bearer \xff\xfe"},
        {"X-Webhook-Secret": ""},
        {"X-Webhook-Secret": f"Bearer {ORY_SECRET}"},
        {"X-Webhook-Secret": ORY_SECRET.upper()},
        {"X-Webhook-Secret": "\xe9" * 1000},
    ],
)
def test_any_other_secret_is_401(world: World, path: str, headers: dict[str, str]) -> None:
    answer = world.client.post(path, json={"identity": {"id": IDENTITY, "metadata_public": None}}, headers=headers)
    assert_refused(answer, 401, path.rpartition("/")[2])
    assert world.calls() == []


def test_a_secret_that_is_not_ascii_is_compared_by_its_bytes(make_world: Callable[..., World]) -> None:
    world = make_world(ORY_WEBHOOK_SECRET="gehéim")
    sent = "gehéim".encode().decode("latin-1")  # as WSGI hands UTF-8 over
    assert world.client.post("/jumio/initiate", headers={"X-Webhook-Secret": sent}).status_code == 400
    assert world.client.post("/jumio/initiate", headers={"X-Webhook-Secret": "gehéim"}).status_code == 401


# --- what is not there ---


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/jumio",
        "/jumio/",
        "/jumio/nothing",
        "/jumio/validate/",
        "//jumio/validate",
        "/jumio//validate",
        "/jumio/initiate/x",
        "/jumio/callback/",
        f"/jumio/callback/{IDENTITY}",
        f"/jumio/callback/{IDENTITY}/",
        f"/jumio/callback/{IDENTITY}/{token(IDENTITY)}/",
        f"/jumio/callback/{IDENTITY}/{token(IDENTITY)}/x",
        "/health/",
        "/static/x",
        "/jumio/validate%00",
        "/%ff",
        "/../etc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_404_and_never_a_redirect(world: World, method: str, path: str) -> None:
    assert_refused(world.client.open(path, method=method, headers=AUTH), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"])
@each_route
def test_another_method_is_405_and_says_which_are_allowed(world: World, route: Route, method: str) -> None:
    answer = world.client.open(route.path["good"], method=method, headers=AUTH)
    assert_refused(answer, 405, route.name)
    assert "POST" in answer.headers["Allow"]


# --- health ---


def test_alive_and_version_call_nobody(world: World) -> None:
    for path in ("/health", "/health/alive"):
        assert (world.client.get(path).status_code, world.client.get(path).json) == (200, {"status": "ok"})
    assert world.client.get("/version").json == {"version": __version__}
    assert world.calls() == []


def test_ready_asks_kratos(world: World) -> None:
    assert (world.client.get("/health/ready").status_code, world.client.get("/health/ready").json) == (
        200,
        {"status": "ok"},
    )
    assert world.kratos.server.count("GET", "/health/ready") == 2
    assert world.jumio.server.requests == []


READY_FAULTS = {
    "500": faults.answer(500),
    "503": faults.answer(503, b'{"errors": {"database": "down"}}'),
    "401": faults.answer(401),
    "404": faults.answer(404),
    "429": faults.answer(429),
    "a redirect": faults.redirect("http://127.0.0.1:1/"),
    "too much": faults.oversize(2),
    "a reset": faults.reset(),
}


READY_404 = pytest.param(
    "404",
)


@pytest.mark.parametrize("name", [name if name != "404" else READY_404 for name in READY_FAULTS])
def test_a_kratos_that_is_not_ready_makes_the_service_not_ready(world: World, name: str) -> None:
    world.kratos.server.faults = lambda _: READY_FAULTS[name]
    assert_refused(world.client.get("/health/ready"), 503)


# --- metrics ---


def test_metrics_are_behind_orys_secret(world: World) -> None:
    assert_refused(world.client.get("/metrics/prometheus"), 401)
    answer = world.client.get("/metrics/prometheus", headers=AUTH)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    text = answer.get_data(as_text=True)
    assert 'jumio_webhook_secret_refusals_total{route="/metrics/prometheus"}' in text
    assert "jumio_webhook_requests_total" in text


# --- initiate ---


def initiate(world: World, identity_id: str) -> TestResponse:
    return world.client.post("/jumio/initiate", json={"identity": {"id": identity_id}, "flow": {}}, headers=AUTH)


def test_initiate_starts_a_workflow_and_tells_its_link(world: World) -> None:
    person = world.person()
    answer = initiate(world, person)
    [workflow] = world.jumio.truth(person)
    assert (answer.status_code, answer.json) == (
        200,
        {
            "status": "pending",
            "account_id": workflow.account_id,
            "workflow_execution_id": workflow.id,
            "verification_url": workflow.web_href,
        },
    )


def test_initiate_asked_again_gives_the_same_answer_and_starts_nothing(world: World) -> None:
    person = world.person()
    first = initiate(world, person)
    assert initiate(world, person.upper()).json == first.json
    assert len(world.jumio.workflows) == 1


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REVIEW, Status.REJECTED])
def test_initiate_for_whoever_has_a_verdict_tells_it_and_starts_nothing(world: World, status: Status) -> None:
    person = world.person_with(approved(status=status))
    answer = initiate(world, person)
    assert (answer.status_code, answer.json) == (200, {"status": status.value})
    assert world.jumio.server.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        faults.answer(500),
        faults.answer(503),
        faults.answer(429),
        faults.answer(403),
        faults.answer(400),
        faults.reset(),
    ],
    ids=["500", "503", "429", "403", "400", "a reset"],
)
def test_a_registration_never_fails_because_of_jumio(world: World, fault: Fault) -> None:
    person = world.person()
    world.jumio.server.faults = lambda request: fault if request.path.endswith("/accounts") else None
    answer = initiate(world, person)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"status", "reason"}
    assert answer.json["status"] == "unstarted"
    assert answer.json["reason"]
    assert world.record(person)[0]["status"] == "unstarted"


def test_initiate_for_an_unknown_identity_is_404(world: World) -> None:
    assert_refused(initiate(world, IDENTITY), 404)
    assert world.jumio.server.requests == []


def test_initiate_for_the_nil_uuid_names_the_cause(world: World) -> None:
    answer = initiate(world, NIL_UUID)
    assert_refused(answer, 400)
    assert answer.json is not None
    assert "the hook parses its response" in answer.json["error"]["reason"]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [faults.answer(500), faults.answer(401), faults.answer(400, b"{}"), faults.garbage(), faults.reset()],
    ids=["500", "401", "400", "garbage", "a reset"],
)
def test_a_kratos_that_cannot_be_read_or_written_is_503(world: World, method: str, fault: Fault) -> None:
    person = world.person()
    world.kratos.server.faults = lambda request: fault if request.method == method else None
    answer = initiate(world, person)
    assert_refused(answer, 503)
    assert "Retry-After" not in answer.headers


# --- callback ---


def ring(world: World, path: str, body: dict[str, Any] | bytes) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.client.post(path, data=data, headers={"X-Jumio-Signature": signature(data)})


def doorbell(world: World, workflow_id: str, status: str | None = None) -> dict[str, Any]:
    workflow = world.jumio.workflow(workflow_id)
    return {
        "workflowExecution": {
            "id": workflow.id,
            "status": status or workflow.status,
            "href": "http://127.0.0.1:1/evil",
        },
        "account": {"id": workflow.account_id, "href": "http://127.0.0.1:1/evil"},
    }


FORMS = ["signed", "capability"]


def path_of(form: str, identity_id: str) -> str:
    return "/jumio/callback" if form == "signed" else callback_path(identity_id)


@pytest.mark.parametrize("form", FORMS)
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
def test_a_callback_applies_what_jumio_says_once(world: World, form: str, outcome: str, status: str) -> None:
    person = world.person()
    initiate(world, person)
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, outcome)
    answers = [ring(world, path_of(form, person), doorbell(world, workflow.id)) for _ in range(2)]
    assert [(answer.status_code, answer.json) for answer in answers] == [
        (200, {"result": "applied"}),
        (200, {"result": "unchanged"}),
    ]
    assert [copy["status"] for copy in world.record(person)] == [status, status]


@pytest.mark.parametrize("form", FORMS)
def test_a_callback_that_lies_about_the_end_changes_nothing(world: World, form: str) -> None:
    person = world.person()
    initiate(world, person)
    [workflow] = world.jumio.truth(person)
    answer = ring(world, path_of(form, person), doorbell(world, workflow.id, "PROCESSED"))
    assert (answer.status_code, answer.json) == (200, {"result": "unchanged"})
    assert world.record(person)[0]["status"] == "pending"


@pytest.mark.parametrize("form", FORMS)
def test_an_intermediate_callback_is_ignored_without_a_call(world: World, form: str) -> None:
    person = world.person()
    initiate(world, person)
    [workflow] = world.jumio.truth(person)
    world.forget_calls()
    answer = ring(world, path_of(form, person), doorbell(world, workflow.id, "ACQUIRED"))
    assert (answer.status_code, answer.json) == (200, {"result": "ignored", "reason": "an intermediate status"})
    assert world.calls() == []


@pytest.mark.parametrize("form", FORMS)
def test_a_callback_for_an_identity_that_is_gone_is_ignored(world: World, form: str) -> None:
    workflow = world.jumio.start(_create_body(IDENTITY), None)
    assert workflow is not None
    world.jumio.decide(workflow.id, "passed", callback=False)
    answer = ring(world, path_of(form, IDENTITY), doorbell(world, workflow.id))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "Kratos does not know the identity"},
    )


def test_a_workflow_of_somebody_else_is_ignored_on_this_identitys_url(world: World) -> None:
    victim, attacker = world.person("victim"), world.person("attacker")
    for person in (victim, attacker):
        initiate(world, person)
    [passed] = world.jumio.truth(attacker)
    world.jumio.decide(passed.id, "passed", callback=False)
    answer = ring(world, callback_path(victim), doorbell(world, passed.id))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "the workflow is not this identity's"},
    )
    assert [world.record(person)[0]["status"] for person in (victim, attacker)] == ["pending", "pending"]


@pytest.mark.parametrize("reference", ["", "not-an-identity", NIL_UUID, "../admin"])
def test_a_signed_callback_of_a_workflow_that_names_no_identity_is_ignored(world: World, reference: str) -> None:
    workflow = world.jumio.start(_create_body(reference or "x"), None)
    assert workflow is not None
    workflow.reference = workflow.user_reference = reference
    world.jumio.decide(workflow.id, "passed", callback=False)
    answer = ring(world, "/jumio/callback", doorbell(world, workflow.id))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "the workflow names no identity"},
    )
    assert world.kratos.server.requests == []


def test_a_superseded_workflow_is_ignored_with_its_reason(world: World) -> None:
    workflow = world.jumio.start(_create_body(IDENTITY), None)
    assert workflow is not None
    person = world.person_with(pending(initiated_at="2999-01-01T00:00:00.000Z"))
    workflow.reference = workflow.user_reference = person
    world.jumio.decide(workflow.id, "passed", callback=False)
    answer = ring(world, callback_path(person), doorbell(world, workflow.id))
    assert (answer.status_code, answer.json) == (
        200,
        {"result": "ignored", "reason": "a younger workflow is recorded"},
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.answer(500),
        faults.answer(429),
        faults.answer(403),
        faults.answer(404),
        faults.garbage(),
        faults.oversize(2),
        faults.oversize(2, declared=False),
        faults.redirect("http://127.0.0.1:1/"),
        faults.reset(),
    ],
    ids=["500", "429", "403", "404", "garbage", "too much", "too much, chunked", "a redirect", "a reset"],
)
def test_a_verdict_that_cannot_be_read_now_is_503_and_asks_to_come_again(world: World, form: str, fault: Fault) -> None:
    person = world.person_with(pending())
    world.jumio.server.faults = lambda request: fault if request.method == "GET" else None
    answer = ring(world, path_of(form, person), CALLBACK)
    assert_refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert world.record(person)[0]["status"] == "pending"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
def test_a_verdict_that_cannot_be_written_now_is_503_and_asks_to_come_again(
    world: World, form: str, method: str, status: int
) -> None:
    person = world.person()
    initiate(world, person)
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, "passed", callback=False)
    world.kratos.server.faults = lambda request: faults.answer(status) if request.method == method else None
    answer = ring(world, path_of(form, person), doorbell(world, workflow.id))
    assert_refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    world.kratos.server.faults = None
    assert ring(world, path_of(form, person), doorbell(world, workflow.id)).json == {"result": "applied"}


def test_every_form_of_a_good_signature_opens_and_the_header_can_be_named(make_world: Callable[..., World]) -> None:
    world = make_world(JUMIO_SIGNATURE_HEADER="X-Proxy-Mac")
    body = json.dumps({**CALLBACK, "workflowExecution": {"id": WORKFLOW, "status": "ACQUIRED"}}).encode()
    good = signature(body)
    forms = [
        good,
        good.upper(),
        f"sha256={good}",
        f"SHA256={good.upper()}",
        base64.b64encode(bytes.fromhex(good)).decode(),
        signature(body, OLD_CALLBACK_SECRET),
    ]
    for form in forms:
        assert world.client.post("/jumio/callback", data=body, headers={"X-Proxy-Mac": form}).status_code == 200
    for header, form in [("X-Jumio-Signature", good), ("X-Proxy-Mac", good[:-1]), ("X-Proxy-Mac", "é")]:
        assert_refused(world.client.post("/jumio/callback", data=body, headers={header: form}), 401)


def test_a_capability_by_any_secret_of_the_rotation_opens(world: World) -> None:
    body = {**CALLBACK, "workflowExecution": {"id": WORKFLOW, "status": "ACQUIRED"}}
    for secret in (CALLBACK_SECRET, OLD_CALLBACK_SECRET):
        assert world.client.post(f"/jumio/callback/{IDENTITY}/{token(IDENTITY, secret)}", json=body).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/jumio/callback/{IDENTITY}/{token(IDENTITY)[:-1]}",
        f"/jumio/callback/{IDENTITY}/{token(IDENTITY)}=",
        f"/jumio/callback/{OTHER_IDENTITY}/{token(IDENTITY)}",
        f"/jumio/callback/{IDENTITY.upper()}/{token(IDENTITY)}",
        f"/jumio/callback/{IDENTITY}/{token(IDENTITY, 'something-else')}",
        f"/jumio/callback/{IDENTITY}/%ff%fe",
        f"/jumio/callback/{IDENTITY}/%00",
        f"/jumio/callback/%F0%9F%98%80/{token(IDENTITY)}",
    ],
)
def test_a_signature_does_not_open_a_capability_url(world: World, path: str) -> None:
    body = json.dumps(CALLBACK).encode()
    answer = world.client.post(path, data=body, headers={"X-Jumio-Signature": signature(body), **AUTH})
    assert_refused(answer, 401)
    assert world.calls() == []


@pytest.mark.parametrize("name", ["not-a-uuid", NIL_UUID])
def test_a_capability_of_ours_that_names_no_identity_is_400(world: World, name: str) -> None:
    assert_refused(ring(world, callback_path(name), CALLBACK), 400)
    assert world.calls() == []


# --- validate ---


def sign_in(world: World, identity_id: str, metadata_public: object) -> TestResponse:
    body = {"identity": {"id": identity_id, "metadata_public": metadata_public}, "flow": {"id": "x"}}
    return world.client.post("/jumio/validate", json=body, headers=AUTH)


def by_status(status: Status, **changed: Any) -> dict[str, Any] | None:
    if status is Status.NONE:
        return None
    # Too young to be looked at again.
    record = pending(status=status, initiated_at="2999-01-01T00:00:00.000Z", **changed)
    return {"jumio": public_member(record), "theirs": 1}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("block", [",".join(Status), "rejected", "none,unstarted,pending,review,incomplete,rejected"])
def test_a_login_goes_on_unless_its_status_is_listed(
    make_world: Callable[..., World], status: Status, block: str
) -> None:
    world = make_world(BLOCK_LOGIN_STATUSES=block)
    answer = sign_in(world, IDENTITY, by_status(status))
    if status.value in block.split(","):
        assert answer.status_code == 403
        assert answer.json is not None
        [entry] = answer.json["messages"]
        [message] = entry["messages"]
        assert entry["instance_ptr"] == "#/"
        assert message["context"] == {"status": status.value} | (
            {"verification_url": LINK} if status is Status.PENDING else {}
        )
        assert answer.json.keys() == {"messages"}
    else:
        assert (answer.status_code, answer.json) == (200, {"status": status.value})
    assert world.calls() == []


@pytest.mark.parametrize("odd", ["approved", 1, [], True], ids=repr)
def test_metadata_of_a_shape_that_cannot_be_read_is_never_a_pass(world: World, odd: object) -> None:
    assert_refused(sign_in(world, IDENTITY, odd), 400, "validate")


def test_a_login_while_a_callback_may_be_lost_is_decided_by_jumio(world: World) -> None:
    person = world.person()
    initiate(world, person)
    [workflow] = world.jumio.truth(person)
    world.jumio.decide(workflow.id, "rejected", callback=False)
    public, _ = world.record(person)
    old = {**public, "initiated_at": "2026-01-01T00:00:00.000Z"}
    answer = sign_in(world, person, {"jumio": old})
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["messages"][0]["messages"][0]["id"] == 9010001
    assert world.record(person)[0]["status"] == "rejected"


@pytest.mark.parametrize("initiated_at", [None, "some day", "2026-01-01T00:00:00.000Z"])
def test_an_open_verification_of_some_age_is_looked_at(world: World, initiated_at: str | None) -> None:
    person = world.person_with(pending(initiated_at=initiated_at))
    answer = sign_in(world, person, {"jumio": public_member(pending(initiated_at=initiated_at))})
    assert answer.status_code == 200
    assert world.jumio.server.count("GET", ".*") == 1


def test_a_fresh_open_verification_is_not_looked_at(world: World) -> None:
    person = world.person()
    initiate(world, person)
    public, _ = world.record(person)
    world.forget_calls()
    assert sign_in(world, person, {"jumio": public}).json == {"status": "pending"}
    assert world.calls() == []


def test_the_look_inside_a_login_takes_at_most_two_seconds() -> None:
    assert admission.LOOK_SECONDS <= 2


PEER_FAULTS: dict[str, Fault] = {
    **{str(status): faults.answer(status, b"{}") for status in (204, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503)},
    "an empty answer": faults.answer(200),
    "null": faults.answer(200, b"null"),
    "a list": faults.answer(200, b"[]"),
    "garbage": faults.garbage(),
    "deep nesting": faults.answer(200, b"[" * 200_000),
    "too much": faults.oversize(2),
    "too much, chunked": faults.oversize(2, declared=False),
    "a redirect": faults.redirect("http://127.0.0.1:1/"),
    "a reset": faults.reset(),
    "silence": faults.hang(),
    "a trickled body": faults.trickle(pause=0.05),
    "trickled headers": faults.trickle(headers=True, pause=0.05),
}


@pytest.mark.parametrize("blocked", [True, False])
@pytest.mark.parametrize("name", PEER_FAULTS)
@pytest.mark.parametrize("who", ["kratos", "jumio", "token"])
def test_whatever_fails_behind_it_the_gate_decides_by_the_record_it_was_sent(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, who: str, name: str, blocked: bool
) -> None:
    monkeypatch.setattr(admission, "LOOK_SECONDS", 0.15)
    world = make_world(BLOCK_LOGIN_STATUSES="pending" if blocked else "rejected")
    record = pending(initiated_at="2999-01-01T00:00:00.000Z")
    person = world.person_with(record)
    server = world.kratos.server if who == "kratos" else world.jumio.server
    server.faults = lambda request: (
        PEER_FAULTS[name] if who == "kratos" or (who == "token") is request.path.startswith("/oauth2") else None
    )
    old = {**public_member(record), "initiated_at": "2026-01-01T00:00:00.000Z"}
    begun = time.monotonic()
    answer = sign_in(world, person, {"jumio": old})
    assert time.monotonic() - begun < 1.5
    assert answer.json is not None
    if blocked:
        assert (answer.status_code, answer.json["messages"][0]["messages"][0]["id"]) == (403, 9010002)
    else:
        assert (answer.status_code, answer.json) == (200, {"status": "pending"})
    assert server.requests


# --- whatever nobody foresaw ---


def test_a_bug_of_ours_at_the_gate_is_a_refusal_with_a_text(
    world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("person@example.com")

    monkeypatch.setattr("webhook.verification.gate.Gate.admit", crash)
    answer = sign_in(world, IDENTITY, None)
    assert_refused(answer, 403, "validate")
    assert "example.com" not in answer.get_data(as_text=True)
    [line] = [line for line in log_lines if "request.crashed" in line]
    assert "RuntimeError" in line
    assert "test_routes.py:" in line


@pytest.mark.parametrize(
    ("endpoint", "path", "status"),
    [("ory_hooks.initiate", "/jumio/initiate", 503), ("health.ready", "/health/ready", 503)],
)
def test_a_bug_of_ours_is_an_answer_of_the_usual_shape_and_a_log_line_without_its_message(
    world: World, log_lines: list[str], endpoint: str, path: str, status: int
) -> None:
    def crash() -> None:
        raise RuntimeError("person@example.com")

    world.app.view_functions[endpoint] = crash
    answer = world.client.open(path, method="GET" if "health" in path else "POST", headers=AUTH)
    assert_refused(answer, status, path.rpartition("/")[2])
    assert "example.com" not in answer.get_data(as_text=True)
    [line] = [line for line in log_lines if "request.crashed" in line]
    assert "RuntimeError" in line
    assert "test_routes.py:" in line


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 10**12])
def test_an_announced_length_over_the_limit_is_refused_before_it_is_read(world: World, size: int) -> None:
    answer = world.client.post(
        "/jumio/validate",
        input_stream=io.BytesIO(b"{}"),
        headers=AUTH,
        environ_overrides={"CONTENT_LENGTH": str(size)},
    )
    assert_refused(answer, 413, "validate")


def test_the_whole_request_is_bounded_below_twelve_seconds() -> None:
    assert routes.REQUEST_SECONDS < 12


def test_a_request_ends_in_time_whatever_the_peers_do(
    world: World, monkeypatch: pytest.MonkeyPatch, peer: LoopbackServer
) -> None:
    monkeypatch.setattr(routes, "REQUEST_SECONDS", 0.3)
    person = world.person_with(pending())
    world.jumio.server.faults = lambda _: faults.trickle(headers=True, pause=0.05)
    begun = time.monotonic()
    assert_refused(ring(world, callback_path(person), CALLBACK), 503)
    assert time.monotonic() - begun < 1


def _create_body(reference: str) -> dict[str, Any]:
    return {"customerInternalReference": reference, "userReference": reference, "workflowDefinition": {"key": 10011}}


def test_a_client_that_reads_slowly_or_not_at_all_is_no_concern_here(world: World) -> None:
    client: FlaskClient = world.client
    assert client.head("/health").status_code == 200


def test_initiate_without_a_link_from_jumio_is_still_pending(world: World) -> None:
    person = world.person_with(pending(verification_url=None, vendor_url=None))
    answer = initiate(world, person)
    assert answer.json == {
        "status": "pending",
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "verification_url": None,
    }


def test_a_record_without_anything_is_the_status_none(world: World) -> None:
    assert sign_in(world, IDENTITY, {"jumio": public_member(Record())}).json == {"status": "none"}


@each_route
@pytest.mark.parametrize("error", [ConnectionResetError, ValueError, RuntimeError])
def test_a_body_that_breaks_off_is_malformed(world: World, route: Route, error: type[Exception]) -> None:
    class BreaksOff(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise error

    answer = world.client.post(
        route.path["good"],
        headers=route.headers(b"", "good"),
        environ_overrides={"CONTENT_LENGTH": "10", "wsgi.input": BreaksOff()},
    )
    assert_refused(answer, 400, route.name)
    assert world.calls() == []
