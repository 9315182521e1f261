# SPDX-License-Identifier: Apache-2.0
"""That the few parts of `ory_client` are imported without the rest, and that the rest is not spoilt by it."""

import subprocess
import sys

import pytest

from webhook.ory.kratos import sdk

PROGRAM = """
import sys
from webhook.ory.kratos import sdk

loaded = [name for name in sys.modules if name.startswith("ory_client.models.")]
assert 0 < len(loaded) < 100, len(loaded)
assert "ory_client" not in sys.modules

import ory_client

assert len([name for name in sys.modules if name.startswith("ory_client.models.")]) > 300
assert ory_client.IdentityApi is sdk.IdentityApi
assert ory_client.ApiClient is sdk.ApiClient
assert ory_client.Configuration is sdk.Configuration
assert ory_client.JsonPatch is sdk.JsonPatch
assert ory_client.models.JsonPatch is sdk.JsonPatch
assert ory_client.FrontendApi(ory_client.ApiClient())
print("fine")
"""
LIBRARY_FIRST = """
import ory_client
from webhook.ory.kratos import sdk

assert ory_client.IdentityApi is sdk.IdentityApi
print("fine")
"""


@pytest.mark.parametrize("program", [PROGRAM, LIBRARY_FIRST], ids=["ours first", "the library first"])
def test_the_parts_are_the_librarys_own_in_either_order(program: str) -> None:
    ran = subprocess.run(  # our own program
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.returncode) == ("fine\n", 0), ran.stderr


def test_a_missing_library_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ory_client", None)
    with pytest.raises(ImportError, match="ory-client is not installed"), sdk._empty_packages():
        pass
