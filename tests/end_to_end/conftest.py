# SPDX-License-Identifier: Apache-2.0
"""Every test here runs twice: on the stand-in for Kratos, and on a real Kratos where there is one."""

from collections.abc import Iterator

import pytest

from sandbox.start import find_kratos
from sandbox.world import World, world


@pytest.fixture(scope="module", params=["stand-in", "real"])
def kratos_binary(request: pytest.FixtureRequest) -> str | None:
    if request.param == "stand-in":
        return None
    binary = find_kratos()
    if binary is None:
        pytest.skip("no real Kratos: KRATOS_BIN is not set and there is no kratos on the PATH")
    return binary


@pytest.fixture(scope="module")
def here(kratos_binary: str | None) -> Iterator[World]:
    """Jumio's stand-in, a Kratos and the real service under gunicorn, wired as an operator would."""
    with world(kratos_binary=kratos_binary) as made:
        yield made
