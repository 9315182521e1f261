# SPDX-License-Identifier: Apache-2.0
"""Which of Jumio's hosts serves which call."""

import pytest

from webhook.idv.jumio.hosts import base_url_for


@pytest.mark.parametrize("label", ["account", "api", "retrieval"])
@pytest.mark.parametrize("region", ["amer-1", "emea-1", "apac-1"])
@pytest.mark.parametrize("purpose", ["account", "retrieval"])
def test_a_known_label_under_jumio_ai_is_exchanged(label: str, region: str, purpose: str) -> None:
    expected = f"https://{purpose}.{region}.jumio.ai/api/v1"
    assert base_url_for(purpose, f"https://{label}.{region}.jumio.ai/api/v1") == expected


def test_a_port_an_upper_case_name_and_a_missing_region_are_no_obstacle() -> None:
    assert base_url_for("retrieval", "https://ACCOUNT.Emea-1.Jumio.AI:8443/v1") == (
        "https://retrieval.emea-1.jumio.ai:8443/v1"
    )
    assert base_url_for("retrieval", "https://account.jumio.ai") == "https://retrieval.jumio.ai"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://jumio.ai/api/v1",
        "https://auth.emea-1.jumio.ai/api/v1",
        "https://mock.emea-1.jumio.ai/api/v1",
        "https://accounts.emea-1.jumio.ai/api/v1",
        "https://account.emea-1.jumio.com/api/v1",
        "https://account.jumio.ai.example.com/api/v1",
        "https://account.notjumio.ai/api/v1",
        "https://proxy.example.com/account.emea-1.jumio.ai",
        "http://account",
        "http://127.0.0.1:8080/api/v1",
        "http://[::1]:8080/api/v1",
        "http://localhost/api/v1",
    ],
)
def test_any_other_host_is_used_as_it_is(base_url: str) -> None:
    assert base_url_for("account", base_url) == base_url_for("retrieval", base_url) == base_url
