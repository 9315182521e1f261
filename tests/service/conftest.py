# SPDX-License-Identifier: Apache-2.0
"""The real service as a process whose peers are not there, started once for all cases."""

from collections.abc import Iterator

import pytest
from support import REQUIRED

from sandbox.service import ServiceProcess

NOWHERE = "http://127.0.0.1:9"  # where nobody listens
# A sign-in of somebody who was never verified.
HOOK = {"identity": {"id": "9f425a8d-7efc-4768-8f23-7647a74fdf13", "metadata_public": None}}
ALONE = {**REQUIRED, "KRATOS_ADMIN_URL": NOWHERE, "JUMIO_AUTH_URL": NOWHERE, "JUMIO_API_BASE_URL": NOWHERE}


@pytest.fixture(scope="session")
def service() -> Iterator[ServiceProcess]:
    with ServiceProcess(ALONE) as started:
        yield started
