# SPDX-License-Identifier: Apache-2.0
"""Random patches to the stand-in and to a real Kratos: both must say and store the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.server import LoopbackServer
from sandbox.start import start_kratos

from .worlds import SECRET, World, binary_for, email

NAMES = st.sampled_from(["jumio", "status", "a", "0", "1", "-", "-1", "a~1b", "", "x y"])
PATHS = st.builds(
    lambda root, rest: "/" + "/".join([root, *rest]),
    st.sampled_from(["metadata_public", "metadata_admin", "metadata_public", "unknown"]),
    st.lists(NAMES, max_size=3),
)
# No bare number as a whole member: Kratos on SQLite takes it, and can never read that identity again.
VALUES = st.sampled_from(
    [
        None,
        "s",
        "",
        True,
        {},
        [],
        {"jumio": {"status": "x"}},
        {"jumio": 3},
        {"a": None},
        {"a": [{"b": 1}]},
        [1, {"a": 2}],
    ]
)


def _operation(kind: str, path: str, value: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **({} if kind == "remove" else {"value": value})}


PATCHES = st.lists(
    st.builds(_operation, st.sampled_from(["add", "replace", "remove", "test"]), PATHS, VALUES), min_size=1, max_size=3
)


@pytest.fixture(scope="module")
def both() -> Any:
    binary = binary_for("real")
    with (
        LoopbackServer() as hooks,
        start_kratos(service_url=hooks.url, ory_secret=SECRET) as stand_in,
        start_kratos(service_url=hooks.url, ory_secret=SECRET, binary=binary) as real,
    ):
        yield World("stand-in", stand_in, hooks), World("real", real, hooks)


@settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(before=VALUES, patch=PATCHES)
def test_both_agree(both: tuple[World, World], before: Any, patch: list[dict[str, Any]]) -> None:
    stand_in, real = (_outcome(world, before, patch) for world in both)
    assert stand_in == real


def _outcome(world: World, before: Any, patch: list[dict[str, Any]]) -> Any:
    identity_id = world.kratos.create_identity(email())
    path = f"/admin/identities/{identity_id}"
    world.call("PATCH", path, json=[{"op": "replace", "path": "/metadata_public", "value": before}])
    reply = world.call("PATCH", path, json=patch)
    members = ("metadata_public", "metadata_admin", "state", "error")
    stored = world.kratos.identity(identity_id)
    return (
        reply.status_code,
        {name: value for name, value in reply.json().items() if name in members},
        {name: stored[name] for name in members[:3]},
    )
