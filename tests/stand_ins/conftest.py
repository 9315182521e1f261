# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a Kratos (the stand-in, and the real one where there is one) whose hooks call a recorder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import LoopbackServer, free_port
from sandbox.start import start_kratos

from .worlds import KINDS, SECRET, World, binary_for, recorder


@pytest.fixture(scope="session", params=KINDS)
def shared_world(request: pytest.FixtureRequest) -> Iterator[World]:
    binary = binary_for(request.param)
    with (
        LoopbackServer(recorder()) as hooks,
        start_kratos(service_url=hooks.url, ory_secret=SECRET, binary=binary) as kratos,
    ):
        yield World(request.param, kratos, hooks)


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """Shared with other tests: use a new e-mail address each time."""
    shared_world.hooks.clear()
    yield shared_world
    shared_world.hooks.faults = None


@pytest.fixture
def unused_port() -> int:
    return free_port()
