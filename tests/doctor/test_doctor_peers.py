# SPDX-License-Identifier: Apache-2.0
"""The doctor in front of a real Kratos, where there is one: its admin port is right, its public one is not."""

from collections.abc import Iterator

import pytest
from support import ORY_SECRET, settings_of

from sandbox.kratos_binary import RealKratos
from sandbox.shipped import actions
from sandbox.start import find_kratos
from webhook.commands.doctor.peers import check_kratos


@pytest.fixture(scope="module")
def real_kratos() -> Iterator[RealKratos]:
    binary = find_kratos()
    if binary is None:
        pytest.skip("no real Kratos: KRATOS_BIN is not set and no kratos is on the PATH")
    with RealKratos(actions(service_url="http://127.0.0.1:1", ory_secret=ORY_SECRET), binary=binary) as kratos:
        yield kratos


def test_the_admin_port(real_kratos: RealKratos) -> None:
    assert check_kratos(settings_of(KRATOS_ADMIN_URL=real_kratos.admin_url)) == []


def test_the_public_port(real_kratos: RealKratos) -> None:
    [finding] = check_kratos(settings_of(KRATOS_ADMIN_URL=real_kratos.public_url))
    assert finding.id == "kratos-not-kratos"
