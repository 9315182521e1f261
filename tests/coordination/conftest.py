# SPDX-License-Identifier: Apache-2.0
"""One real server for the run, emptied before each test; and one of a test's own, to be killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doctor.conftest import authority  # noqa: F401  # a fixture for TLS here too

from coordination.servers import PROGRAM, Server


def _need_one() -> None:
    if PROGRAM is None:
        pytest.skip("neither valkey-server nor redis-server is on the PATH")


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    _need_one()
    server = Server(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.end()


@pytest.fixture
def server(_server: Server) -> Server:
    _server.do("FLUSHALL")
    return _server


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts one with options; each test may do with it what it likes."""
    _need_one()
    made: list[Server] = []

    def make(*options: str) -> Server:
        folder = tmp_path / f"valkey-{len(made)}"
        folder.mkdir()
        made.append(Server(folder, *options))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.end()
