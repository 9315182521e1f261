# SPDX-License-Identifier: Apache-2.0
"""The service between peers that can be told how to behave."""

from collections.abc import Iterator

import pytest

from benchmarks import peers
from benchmarks.peers import PeersProcess
from benchmarks.servers import environment
from sandbox.service import ServiceProcess


@pytest.fixture(scope="module")
def others() -> Iterator[PeersProcess]:
    with peers.running() as started:
        yield started


@pytest.fixture(scope="module")
def service(others: PeersProcess) -> Iterator[ServiceProcess]:
    with ServiceProcess(environment(others.url)) as started:
        yield started
