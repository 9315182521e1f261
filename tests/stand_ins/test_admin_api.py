# SPDX-License-Identifier: Apache-2.0
"""The admin API: the same assertions for the stand-in and a real Kratos. A difference is a bug of the stand-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests

from .worlds import World, email

INVALID = "The request was malformed or contained invalid parameters"
JUMIO = {"status": "pending"}
NIL = "00000000-0000-0000-0000-000000000000"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}


def error(world: World, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and error member, less its message where Kratos' own wording does not matter."""
    reply = world.call(method, path, **options)
    assert reply.headers["Content-Type"] == "application/json"
    assert list(reply.json()) == ["error"]
    return reply.status_code, reply.json()["error"]


@pytest.mark.parametrize("prefix", ["", "/admin"])
@pytest.mark.parametrize(
    ("path", "body"),
    [("/health/alive", {"status": "ok"}), ("/health/ready", {"status": "ok"}), ("/version", None)],
)
def test_health(world: World, prefix: str, path: str, body: dict[str, str] | None) -> None:
    reply = world.call("GET", prefix + path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.json() == body or (body is None and list(reply.json()) == ["version"])


@pytest.mark.parametrize("prefix", ["", "/admin"])
def test_get(world: World, prefix: str) -> None:
    address = email()
    identity_id = world.kratos.create_identity(address)
    reply = world.call("GET", f"{prefix}/identities/{identity_id}")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    body = reply.json()
    assert body["id"] == identity_id
    assert body["traits"] == {"email": address}
    assert (body["state"], body["schema_id"], body["organization_id"]) == ("active", "default", None)
    assert (body["metadata_public"], body["metadata_admin"]) == (None, None)
    assert set(body["credentials"]) == {"password", "code"}
    assert world.kratos.identity(identity_id)["id"] == identity_id


def test_some_identities_at_once(world: World) -> None:
    ids = [world.kratos.create_identity(email()) for _ in range(3)]
    reply = world.call("GET", f"/admin/identities?ids={ids[2]}&ids={UNKNOWN}&ids={ids[0]}")
    assert reply.status_code == 200
    assert sorted(each["id"] for each in reply.json()) == sorted([ids[0], ids[2]])


@pytest.mark.parametrize("written", ["{}", " {} ", "UPPER"])
def test_whoever_signs_in_with_an_address(world: World, written: str) -> None:
    address = f"tag+{email()}"
    world.new_identity()
    identity_id = world.kratos.create_identity(address)
    _patch(world, identity_id, [add("/metadata_admin/jumio", JUMIO)])
    asked = address.upper() if written == "UPPER" else written.format(address)
    reply = _by_identifier(world, asked, page_size="2")
    assert reply.status_code == 200
    [found] = reply.json()
    assert (found["id"], found["metadata_admin"], found["state"]) == (identity_id, {"jumio": JUMIO}, "active")
    assert found["credentials"]["password"]["identifiers"] == [address]
    assert list(reply.links) == ["first"]
    first = urlsplit(reply.links["first"]["url"])
    assert (first.path, parse_qs(first.query)) == (
        "/admin/identities",
        {"credentials_identifier": [asked], "page_size": ["2"], "page_token": [NIL]},
    )


def test_an_address_that_nobody_signs_in_with(world: World) -> None:
    address = email()
    identity_id = world.kratos.create_identity(address)
    for nobody in (email(), address.removesuffix(".com"), identity_id):
        reply = _by_identifier(world, nobody)
        assert (reply.status_code, reply.json()) == (200, [])
    assert _by_identifier(world, address, page_token=identity_id).json() == [], "it is on the page before"


def test_an_empty_address_is_everybody(world: World) -> None:
    created = {world.new_identity() for _ in range(2)}
    found = _by_identifier(world, "", page_size="500").json()
    assert created <= {identity["id"] for identity in found}
    assert "credentials" not in found[0]


def test_an_address_is_not_looked_for_among_ids(world: World) -> None:
    query = f"ids={world.new_identity()}&credentials_identifier=ada%40example.com"
    status, body = error(world, "GET", f"/admin/identities?{query}")
    assert (status, body["message"], body["reason"]) == (
        400, INVALID, "You cannot combine multiple filters in this API"
    )  # fmt: skip


def test_when_it_was_written_is_told_by_the_same_clock_as_when_it_was_answered(world: World) -> None:
    identity_id = world.kratos.create_identity(email())
    before = world.call("GET", f"/admin/identities/{identity_id}").json()["updated_at"]
    reply = world.call("PATCH", f"/admin/identities/{identity_id}", json=[add("/metadata_admin/jumio/asked_at", "x")])
    written, answered = reply.json()["updated_at"], parsedate_to_datetime(reply.headers["Date"])
    assert datetime.fromisoformat(before) < datetime.fromisoformat(written)
    assert abs(answered - datetime.fromisoformat(written)) < timedelta(seconds=5)


@pytest.mark.parametrize("identity_id", [UNKNOWN, "nonsense"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_unknown_identity(world: World, method: str, identity_id: str) -> None:
    status, body = error(world, method, f"/admin/identities/{identity_id}", json=[])
    assert (status, body) == (
        404,
        {"code": 404, "status": "Not Found", "message": "Unable to locate the resource"},
    )
    with pytest.raises(KeyError):
        world.kratos.identity(identity_id)


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        (None, [add("/metadata_public/jumio", JUMIO)], {"jumio": JUMIO}),
        ({}, [add("/metadata_public/jumio", JUMIO)], {"jumio": JUMIO}),
        ({"crm": 7, "jumio": None}, [add("/metadata_public/jumio", JUMIO)], {"crm": 7, "jumio": JUMIO}),
        ({"crm": 7, "jumio": {"a": 1}}, [add("/metadata_public/jumio", JUMIO)], {"crm": 7, "jumio": JUMIO}),
        ({"jumio": "s"}, [add("/metadata_public/jumio", JUMIO)], {"jumio": JUMIO}),
        # Other writers, and the tests.
        (None, [replace("/metadata_public/jumio", JUMIO)], {"jumio": JUMIO}),
        ({"jumio": {"a": 1}}, [replace("/metadata_public/jumio/status", "x")], {"jumio": {"a": 1, "status": "x"}}),
        ({"jumio": None}, [add("/metadata_public/jumio/status", "x")], {"jumio": {"status": "x"}}),
        ({"crm": 7, "jumio": 1}, [remove("/metadata_public/jumio")], {"crm": 7}),
        (None, [add("/metadata_public/jumio/asked_at", "x")], {"jumio": {"asked_at": "x"}}),
        (None, [add(f"/metadata_public/jumio/workflows/{UNKNOWN}", {})], {"jumio": {"workflows": {UNKNOWN: {}}}}),
        (
            {"jumio": {"workflows": {UNKNOWN: 1}}},
            [add("/metadata_public/jumio/workflows/a~1b~0c", 2)],
            {"jumio": {"workflows": {UNKNOWN: 1, "a/b~c": 2}}},
        ),
        (
            {"jumio": {"workflows": {UNKNOWN: 1, "b": 2}}},
            [remove("/metadata_public/jumio/workflows/b")],
            {"jumio": {"workflows": {UNKNOWN: 1}}},
        ),
        (None, [replace("/metadata_public", {"a": 1})], {"a": 1}),
        ("a string", [replace("/metadata_public", {"a": 1})], {"a": 1}),
        ({"a": 1}, [replace("/metadata_public", [1])], [1]),
        ({"a": 1}, [replace("/metadata_public", None)], None),
        ({"a": 1}, [remove("/metadata_public")], None),
        (None, [remove("/metadata_public")], None),
    ],
)
@pytest.mark.parametrize("member", ["metadata_public", "metadata_admin"])
def test_patch(world: World, member: str, before: Any, patch: Any, after: Any) -> None:
    identity_id = world.new_identity()
    if before is not None:
        assert _patch(world, identity_id, [replace(f"/{member}", before)])[0] == 200
    status, body = _patch(world, identity_id, _at(member, patch))
    assert status == 200
    assert body.get(member) == after
    other = {"metadata_public": "metadata_admin", "metadata_admin": "metadata_public"}[member]
    assert body[other] is None
    assert world.kratos.identity(identity_id)[member] == after


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ("a string", add("/metadata_public/jumio", JUMIO)),
        (True, add("/metadata_public/jumio", JUMIO)),
        ([1], add("/metadata_public/jumio", JUMIO)),
        ([], add("/metadata_public/jumio", JUMIO)),
        ({"jumio": "s"}, replace("/metadata_public/jumio/status", "x")),
        ({"jumio": "s"}, add("/metadata_public/jumio/asked_at", "x")),
        ({"jumio": {"workflows": 1}}, add("/metadata_public/jumio/workflows/b", "x")),
        (None, remove("/metadata_public/jumio/asked_at")),
        ({"jumio": {}}, remove("/metadata_public/jumio/workflows/b")),
        (None, remove("/metadata_public/jumio")),
        ({}, remove("/metadata_public/jumio")),
        (None, replace("/state", "bogus")),
        (None, replace("/state", "")),
    ],
)
def test_a_patch_is_refused_whole(world: World, before: Any, step: dict[str, Any]) -> None:
    identity_id = world.new_identity()
    _patch(world, identity_id, [replace("/metadata_public", before)])
    patch = [add("/metadata_admin/jumio", JUMIO), step]
    status, found = error(world, "PATCH", f"/admin/identities/{identity_id}", json=patch)
    assert (status, found["code"], found["status"]) == (400, 400, "Bad Request")
    if step["path"] == "/state":
        assert found["message"] == "identity state is not valid"
    else:
        assert found["reason"] == "An error occured when applying the JSON patch"
    stored = world.kratos.identity(identity_id)
    assert (stored["metadata_public"], stored["metadata_admin"], stored["state"]) == (before, None, "active")


def test_state(world: World) -> None:
    identity_id = world.new_identity()
    before = world.kratos.identity(identity_id)
    status, body = _patch(world, identity_id, [replace("/state", "inactive")])
    assert (status, body["state"]) == (200, "inactive")
    assert body["state_changed_at"] != before["state_changed_at"]


def test_pages(world: World) -> None:
    created = {world.new_identity() for _ in range(12)}
    marked = sorted(created)[0]
    _patch(world, marked, [add("/metadata_admin/jumio", JUMIO)])
    seen: list[dict[str, Any]] = []
    path = "/admin/identities?page_size=5"
    for _ in range(1000):
        reply = world.call("GET", path)
        assert reply.status_code == 200
        assert reply.links["first"]["url"].startswith("/admin/identities?page_size=5&page_token=")
        seen += reply.json()
        if "next" not in reply.links:
            break
        assert len(reply.json()) == 5
        path = reply.links["next"]["url"]
    ids = [identity["id"] for identity in seen]
    assert ids == sorted(set(ids))
    assert created <= set(ids)
    found = next(identity for identity in seen if identity["id"] == marked)
    assert found["metadata_admin"] == {"jumio": JUMIO}
    assert "credentials" not in found


def test_a_full_last_page_has_no_next(world: World) -> None:
    world.new_identity()
    total = len(world.call("GET", "/admin/identities?page_size=500").json())
    assert "next" not in world.call("GET", f"/admin/identities?page_size={total}").links


@pytest.mark.parametrize(("asked", "used"), [("0", 250), ("-1", 250), ("1000", 500), ("", 250)])
def test_page_size_is_bounded(world: World, asked: str, used: int) -> None:
    query = f"?page_size={asked}" if asked else "?page_token="
    link = world.call("GET", f"/admin/identities{query}").links["first"]["url"]
    assert f"page_size={used}&" in link or not asked


@pytest.mark.parametrize("query", ["page_size=x", "page_token=bogus"])
def test_page_refused(world: World, query: str) -> None:
    status, body = error(world, "GET", f"/admin/identities?{query}")
    assert (status, body["message"]) == (400, INVALID)


def test_sessions_end(world: World) -> None:
    registered = world.kratos.register(email())
    assert registered.identity_id
    assert registered.session_token
    path = f"/admin/identities/{registered.identity_id}/sessions"
    assert [session["active"] for session in world.call("GET", path).json()] == [True]
    assert len(world.kratos.sessions(registered.identity_id)) == 1
    session = world.kratos.whoami(registered.session_token)
    assert session
    assert session["identity"]["id"] == registered.identity_id
    assert "metadata_admin" not in session["identity"]

    reply = world.call("DELETE", path)
    assert (reply.status_code, reply.content) == (204, b"")
    assert world.kratos.whoami(registered.session_token) is None
    assert world.kratos.sessions(registered.identity_id) == []
    assert error(world, "DELETE", path)[0] == 404


def test_sessions_of_nobody(world: World) -> None:
    unknown = f"/admin/identities/{UNKNOWN}/sessions"
    assert world.call("GET", unknown).json() == []
    assert error(world, "DELETE", unknown)[0] == 404
    for method in ("GET", "DELETE"):
        status, body = error(world, method, "/admin/identities/nonsense/sessions")
        assert status == 400
        assert body["message"] == 'uuid: incorrect UUID length 8 in string "nonsense"'


def test_an_inactive_identity_is_out_at_once(world: World) -> None:
    address = email()
    registered = world.kratos.register(address)
    assert registered.identity_id
    assert registered.session_token
    _patch(world, registered.identity_id, [replace("/state", "inactive")])
    assert world.kratos.whoami(registered.session_token) is None
    assert len(world.kratos.sessions(registered.identity_id)) == 1, "listed as active all the same"
    world.hooks.clear()
    refused = world.kratos.login(address)
    assert (refused.allowed, refused.status, refused.messages) == (False, 401, ())
    assert refused.error
    assert refused.error["reason"] == "This account was disabled."
    assert world.hooks.count("POST", "/jumio/validate") == 0
    _patch(world, registered.identity_id, [replace("/state", "active")])
    assert world.kratos.whoami(registered.session_token)


def test_unknown_session(world: World) -> None:
    assert world.kratos.whoami(f"ory_st_{uuid4().hex}") is None


def _by_identifier(world: World, address: str, **more: str) -> requests.Response:
    return world.call("GET", "/admin/identities", params={"credentials_identifier": address, **more})


def _patch(world: World, identity_id: str, patch: Any) -> tuple[int, dict[str, Any]]:
    reply = world.call("PATCH", f"/admin/identities/{identity_id}", json=patch)
    return reply.status_code, reply.json()


def _at(member: str, patch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same patch for another member than metadata_public."""
    return [{**step, "path": step["path"].replace("metadata_public", member)} for step in patch]
