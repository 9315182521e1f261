# SPDX-License-Identifier: Apache-2.0
"""The real service as a process whose peers are not there, started once for all cases of a file."""

import time
from collections.abc import Iterator

import pytest
from support import REQUIRED

from sandbox.service import ServiceProcess

NOWHERE = "http://127.0.0.1:9"  # where nobody listens
ALONE = {**REQUIRED, "KRATOS_ADMIN_URL": NOWHERE, "JUMIO_AUTH_URL": NOWHERE, "JUMIO_API_BASE_URL": NOWHERE}


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    with ServiceProcess(ALONE) as started:
        yield started


def wait_for_workers(service: ServiceProcess, count: int) -> None:
    give_up_at = time.monotonic() + 10
    while service.log().count("Booting worker") < count:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
