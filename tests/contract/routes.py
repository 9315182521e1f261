# SPDX-License-Identifier: Apache-2.0
"""The routes that need a secret, and what each refusal looks like: for what holds for all of them."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from support import ACCOUNT, AUTH, IDENTITY, OTHER_IDENTITY, WORKFLOW, World, callback_path, capability, signed
from werkzeug.test import TestResponse

MEBIBYTE = 1 << 20
CALLBACK = {"workflowExecution": {"id": WORKFLOW, "status": "PROCESSED"}, "account": {"id": ACCOUNT}}


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
    return {"good": signed(body), "wrong": signed(body, "something-else"), "none": {}}[kind]


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
            "wrong": f"/jumio/callback/{IDENTITY}/{capability(OTHER_IDENTITY)}",
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
    """Ory's error shape; on the gate a text for the person as well, and with every 503 when to come again."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.json is not None
    error = answer.json["error"]
    assert error.keys() == {"code", "status", "reason", "message"}
    assert error["code"] == status
    assert all(isinstance(error[name], str) and error[name] for name in ("status", "reason", "message"))
    if status == 503:
        assert answer.headers["Retry-After"] == ("60" if route in ("signed callback", "capability callback") else "5")
    if route == "validate":
        [entry] = answer.json["messages"]
        [message] = entry["messages"]
        assert (entry["instance_ptr"], message["id"], message["type"]) == ("#/", 9010000, "error")
        assert message["text"]
    else:
        assert answer.json.keys() == {"error"}
