# SPDX-License-Identifier: Apache-2.0
"""What holds for every route: secrets, bodies, methods, unknown paths, and whatever nobody foresaw.

Nothing a caller sends is a 5xx, or causes a call before it is checked.
"""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent import Greenlet
from gevent.event import Event
from support import (
    ACCOUNT,
    AUTH,
    HOSTILE_BODIES,
    IDENTITY,
    OLD_ORY_SECRET,
    ORY_SECRET,
    WORKFLOW,
    World,
    callback_path,
    capability,
    signed,
)
from werkzeug.test import TestResponse

from contract.routes import MEBIBYTE, Route, assert_refused, each_route, post, post_chunked

# Every hostile body: core/test_strict_json.py.
SOME_BODIES = ["empty", "a duplicate key", "objects nested deeply"]

# --- bodies ---


@each_route
@pytest.mark.parametrize("secret", ["none", "wrong"])
@pytest.mark.parametrize("name", [*SOME_BODIES, "good"])
def test_without_the_secret_no_body_is_looked_at(world: World, route: Route, secret: str, name: str) -> None:
    body = json.dumps(route.good_body).encode() if name == "good" else HOSTILE_BODIES[name]
    assert_refused(post(world, route, body, secret), 401, route.name)
    assert world.calls() == []


@each_route
@pytest.mark.parametrize("name", SOME_BODIES)
def test_a_malformed_body_is_400_and_causes_no_call(world: World, route: Route, name: str) -> None:
    assert_refused(post(world, route, HOSTILE_BODIES[name]), 400, route.name)
    assert world.calls() == []


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


@each_route
def test_a_body_over_one_mebibyte_is_413(world: World, route: Route) -> None:
    body = json.dumps({**route.good_body, "flow": "x" * MEBIBYTE}).encode()
    assert_refused(post(world, route, body), 413, route.name)
    assert world.calls() == []


@each_route
@pytest.mark.parametrize("size", [MEBIBYTE + 1, 10**12])
def test_an_announced_length_over_the_limit_is_refused_before_it_is_read(world: World, route: Route, size: int) -> None:
    answer = world.client.post(
        route.path["good"],
        input_stream=io.BytesIO(b"{}"),
        headers=route.headers(b"{}", "good"),
        environ_overrides={"CONTENT_LENGTH": str(size)},
    )
    assert_refused(answer, 413, route.name)


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
def test_a_body_that_ends_early_is_malformed(world: World, route: Route) -> None:
    """The server in front ends it like a whole one (as gunicorn does); only its announced length tells."""
    body = json.dumps(route.good_body).encode()
    broken_off = {"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body) + 1)}
    headers = route.headers(body, "good")
    answer = world.client.post(route.path["good"], data=body, headers=headers, environ_overrides=broken_off)
    assert_refused(answer, 400, route.name)
    assert world.calls() == []


@each_route
def test_long_bodies_share_a_bounded_memory(world: World, route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is told so at once; the gate never answers 5xx."""
    monkeypatch.setattr("webhook.web.incoming.ARRIVING_BODIES_BYTES", 100_000)
    short = json.dumps(route.good_body).encode().ljust(64_000)
    long = json.dumps(route.good_body).encode().ljust(200_000)
    for send in (post, post_chunked):
        assert_refused(send(world, route, long), 403 if route.name == "validate" else 503, route.name)
        assert send(world, route, short).status_code not in (400, 401, 413), "its room is free again"


class HalfSent(io.RawIOBase):
    """A body of which six pieces of 8 KiB have arrived, and the rest only once it `may`."""

    def __init__(self, may: Event) -> None:
        self._left, self._may = 6 * 8192, may

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._may.wait(5)
        taken = min(self._left, len(buffer))
        self._left -= taken
        return taken


# Which bodies share a room: by the path, what authenticates them, and how they are framed.
LONG, CHUNKED = {"CONTENT_LENGTH": "90000"}, {"HTTP_TRANSFER_ENCODING": "chunked"}
ROOMS: dict[str, list[tuple[str, dict[str, str], dict[str, str]]]] = {
    "strangers' short bodies": [("/jumio/callback", {}, {"CONTENT_LENGTH": "64000"})],
    "strangers' long bodies": [("/jumio/callback", {}, LONG), ("/jumio/callback", {}, CHUNKED)],
    "bodies with a secret": [("/jumio/initiate", AUTH, LONG), (callback_path(IDENTITY), {}, CHUNKED)],
}


@pytest.mark.parametrize("filled", ROOMS)
def test_whoever_half_sends_bodies_keeps_only_the_like_of_them_out(
    world: World, monkeypatch: pytest.MonkeyPatch, filled: str
) -> None:
    monkeypatch.setattr("webhook.web.incoming.ARRIVING_BODIES_BYTES", 100_000)
    may = Event()

    def half_sent(path: str, headers: dict[str, str], framing: dict[str, str]) -> Greenlet:
        environ = {"wsgi.input": HalfSent(may), "wsgi.input_terminated": True, **framing}
        return gevent.spawn(world.app.test_client().post, path, headers=headers, environ_overrides=environ)

    first = [half_sent(*ROOMS[filled][0]) for _ in range(2)]
    gevent.sleep(0.05)
    newcomers = {room: [half_sent(*kind) for kind in kinds] for room, kinds in ROOMS.items()}
    gevent.sleep(0.05)
    answered = {room: [newcomer.ready() for newcomer in each] for room, each in newcomers.items()}
    assert answered == {room: [room == filled] * len(kinds) for room, kinds in ROOMS.items()}

    is_started = {"workflowExecution": {"id": WORKFLOW, "status": "INITIATED"}, "account": {"id": ACCOUNT}}
    body = json.dumps(is_started).encode().ljust(8192)
    for headers in ({}, {"Transfer-Encoding": "chunked"}):  # there is always room for one that is as short as Jumio's
        answer = world.client.post(
            "/jumio/callback",
            input_stream=io.BytesIO(body),
            headers=signed(body) | headers,
            environ_overrides={"wsgi.input_terminated": True} | ({} if headers else {"CONTENT_LENGTH": str(len(body))}),
        )
        assert answer.json == {"result": "ignored", "reason": "an intermediate status"}
    may.set()
    ended = {room: [newcomer.get(timeout=5).status_code for newcomer in each] for room, each in newcomers.items()}
    assert {room for room, codes in ended.items() if 503 in codes} == {filled}
    assert 503 not in [one.get(timeout=5).status_code for one in first]


@each_route
@pytest.mark.parametrize("content_type", ["", "multipart/form-data; boundary=x"])
def test_the_content_type_does_not_matter(world: World, route: Route, content_type: str) -> None:
    body = json.dumps(route.good_body).encode()
    headers = {**route.headers(body, "good"), "Content-Type": content_type}
    assert world.client.post(route.path["good"], data=body, headers=headers).status_code not in (400, 401, 415)


# --- Ory's secret ---

GOOD_SECRETS = [
    {"Authorization": f"Bearer {ORY_SECRET}"},
    {"Authorization": f"bearer {ORY_SECRET}"},
    {"Authorization": f"BEARER   {ORY_SECRET} "},
    {"Authorization": f"Bearer {OLD_ORY_SECRET}"},
    {"X-Webhook-Secret": ORY_SECRET},
    {"X-Webhook-Secret": OLD_ORY_SECRET},
    {"X-Webhook-Secret": ORY_SECRET, "Authorization": "Bearer wrong"},
    {"X-Webhook-Secret": "wrong", "Authorization": f"Bearer {ORY_SECRET}"},
]
WRONG_SECRETS: list[dict[str, str]] = [
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
]
# The gate asks by itself, the others share what asks: all forms at one of each.
each_hook = pytest.mark.parametrize("path", ["/jumio/initiate", "/jumio/validate"])


@each_hook
@pytest.mark.parametrize("headers", GOOD_SECRETS)
def test_it_is_taken_from_either_header_and_from_every_part_of_a_rotation(
    world: World, path: str, headers: dict[str, str]
) -> None:
    assert world.client.post(path, data=b"", headers=headers).status_code == 400


@each_hook
@pytest.mark.parametrize("headers", WRONG_SECRETS)
def test_any_other_secret_is_401(world: World, path: str, headers: dict[str, str]) -> None:
    answer = world.client.post(path, json={"identity": {"id": IDENTITY, "metadata_public": None}}, headers=headers)
    assert_refused(answer, 401, path.rpartition("/")[2])
    assert world.calls() == []


@each_hook
def test_a_secret_that_is_not_ascii_is_compared_by_its_bytes(make_world: Callable[..., World], path: str) -> None:
    world = make_world(ORY_WEBHOOK_SECRET="gehéim" * 3)
    sent = ("gehéim" * 3).encode().decode("latin-1")  # as WSGI hands UTF-8 over
    assert world.client.post(path, headers={"X-Webhook-Secret": sent}).status_code == 400
    assert world.client.post(path, headers={"X-Webhook-Secret": "gehéim" * 3}).status_code == 401


# --- what is not there ---


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/jumio",
        "/jumio/",
        "/jumio/nothing",
        "/jumio/validate/",
        "/jumio//validate",
        "/jumio/initiate/x",
        "/jumio/callback/",
        f"/jumio/callback/{IDENTITY}",
        f"/jumio/callback/{IDENTITY}/",
        f"/jumio/callback/{IDENTITY}/{capability(IDENTITY)}/",
        f"/jumio/callback/{IDENTITY}/{capability(IDENTITY)}/x",
        "/health/",
        "/static/x",
        "/jumio/validate\x00",
        "/\xff",
        "/../etc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_404_and_never_a_redirect(world: World, method: str, path: str) -> None:
    assert_refused(raw(world, path, method=method), 404)
    assert world.calls() == []


def raw(world: World, path: str, *, method: str = "POST", body: bytes = b"") -> TestResponse:
    """The path as it stands; given to the client as usual, it would be tidied up first."""
    return world.client.open(
        "/", method=method, headers=AUTH, data=body, environ_overrides={"PATH_INFO": path, "REQUEST_URI": path}
    )


@pytest.mark.parametrize("path", ["//jumio/validate", "///jumio/validate", "jumio/validate"])
def test_a_url_with_a_slash_too_many_reaches_the_gate(world: World, path: str) -> None:
    """`url: http://webhook:3000//jumio/validate`: Kratos would stop the sign-in without a text for anything else."""
    good = json.dumps({"identity": {"id": IDENTITY, "metadata_public": None}}).encode()
    answer = raw(world, path, body=good)
    assert (answer.status_code, answer.json) == (200, {"status": "none"})
    assert_refused(raw(world, path, body=b"{"), 400, "validate")
    assert_refused(raw(world, path, method="GET"), 405, "validate")
    assert_refused(world.client.post("/", environ_overrides={"PATH_INFO": path}), 401, "validate")


@pytest.mark.parametrize("path", ["//jumio/initiate", "//jumio/callback"])
def test_no_other_path_is_tidied_up_by_a_redirect(world: World, path: str) -> None:
    """Kratos would repeat the hook elsewhere, as a GET."""
    assert raw(world, path).status_code in (400, 401, 404)


@pytest.mark.parametrize("method", ["GET", "DELETE", "NONSENSE"])
@each_route
def test_another_method_is_405_and_says_which_are_allowed(world: World, route: Route, method: str) -> None:
    answer = world.client.open(route.path["good"], method=method, headers=AUTH)
    assert_refused(answer, 405, route.name)
    assert "POST" in answer.headers["Allow"]


def test_head_has_no_body(world: World) -> None:
    for path, status in (("/health", 200), ("/jumio/validate", 405)):
        answer = world.client.head(path)
        assert (answer.status_code, answer.data) == (status, b"")


# --- whatever nobody foresaw ---


def crash(*_: object, **__: object) -> None:
    raise RuntimeError("person@example.com")


def assert_told(log_lines: list[str]) -> None:
    [line] = [line for line in log_lines if "request.crashed" in line]
    assert "RuntimeError" in line
    assert "test_every_route.py:" in line


def test_a_bug_of_ours_at_the_gate_is_a_refusal_with_a_text(
    world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.verification.gate.Gate.judge", crash)
    answer = world.validate(IDENTITY, None)
    assert_refused(answer, 403, "validate")
    assert "example.com" not in answer.get_data(as_text=True)
    assert_told(log_lines)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("ory_hooks.initiate", "/jumio/initiate"),
        ("ory_hooks.reverify", "/jumio/reverify"),
        ("jumio_callbacks.signed", "/jumio/callback"),
        ("health.ready", "/health/ready"),
    ],
)
def test_a_bug_of_ours_is_an_answer_of_the_usual_shape_and_a_log_line_without_its_message(
    world: World, log_lines: list[str], endpoint: str, path: str
) -> None:
    world.app.view_functions[endpoint] = crash
    answer = world.client.open(path, method="GET" if "health" in path else "POST", headers=AUTH)
    assert_refused(answer, 503, "signed callback" if "callback" in path else None)
    assert "example.com" not in answer.get_data(as_text=True)
    assert_told(log_lines)
