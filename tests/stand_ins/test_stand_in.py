# SPDX-License-Identifier: Apache-2.0
"""What the Kratos stand-in can be told to do and a real Kratos on this machine cannot; and picking between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.kratos import KratosStandIn
from sandbox.kratos_binary import RealKratos
from sandbox.server import LoopbackServer
from sandbox.shipped import actions
from sandbox.start import find_kratos, start_kratos

from .worlds import SECRET, World, email


@pytest.fixture
def alone() -> Iterator[World]:
    with LoopbackServer() as hooks:
        configuration = actions(service_url=hooks.url, ory_secret=SECRET)
        with KratosStandIn(configuration, api_key="ory_pat_x") as kratos:
            yield World("stand-in", kratos, hooks)


def test_an_api_key_can_be_asked_for(alone: World) -> None:
    path = f"/admin/identities/{alone.kratos.create_identity(email())}"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        reply = alone.call("GET", path, headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, 401)
    assert alone.call("GET", path, headers={"Authorization": "Bearer ory_pat_x"}).status_code == 200
    assert alone.call("GET", "/health/ready").status_code == 200


def test_an_update_can_be_lost(alone: World) -> None:
    kratos = alone.kratos
    assert isinstance(kratos, KratosStandIn)
    identity_id = kratos.create_identity(email())

    def another_writer() -> None:
        kratos.identities.lost_update = None
        kratos.identities.patch(identity_id, [{"op": "add", "path": "/metadata_admin/other", "value": 1}])

    kratos.identities.lost_update = another_writer
    kratos.identities.patch(identity_id, [{"op": "add", "path": "/metadata_public/jumio", "value": 2}])
    found = kratos.identity(identity_id)
    assert (found["metadata_public"], found["metadata_admin"]) == ({"jumio": 2}, None)


def test_find_kratos(tmp_path: Path) -> None:
    binary = tmp_path / "kratos"
    with pytest.raises(FileNotFoundError, match=f"KRATOS_BIN={binary} is not an executable file"):
        find_kratos({"KRATOS_BIN": str(binary)})
    binary.write_text("#!/bin/sh\n")
    with pytest.raises(FileNotFoundError):
        find_kratos({"KRATOS_BIN": str(binary)})
    assert find_kratos({"PATH": str(tmp_path)}) is None
    binary.chmod(0o755)
    assert find_kratos({"KRATOS_BIN": str(binary)}) == str(binary)
    assert find_kratos({"PATH": str(tmp_path)}) == str(binary)
    assert find_kratos({"PATH": "", "KRATOS_BIN": ""}) is None


def test_start_kratos_takes_the_binary_it_is_given() -> None:
    assert isinstance(start_kratos(service_url="http://127.0.0.1:1", ory_secret=SECRET), KratosStandIn)
    given = start_kratos(service_url="http://127.0.0.1:1", ory_secret=SECRET, binary="/bin/false")
    assert isinstance(given, RealKratos)


def test_a_binary_that_ends_at_once_is_reported() -> None:
    with (
        pytest.raises(RuntimeError, match="kratos ended at start"),
        start_kratos(service_url="http://127.0.0.1:1", ory_secret=SECRET, binary="/bin/false"),
    ):
        pass
