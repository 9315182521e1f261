# SPDX-License-Identifier: Apache-2.0
"""Settings that are well-formed but unwise."""

from pathlib import Path

import pytest
from support import CLIENT_SECRET, settings_of

from webhook.commands.doctor import settings_check
from webhook.commands.doctor.hosts import is_private

AUTH = "https://auth.emea-1.jumio.ai/oauth2/token"
WISE = {"KRATOS_ADMIN_URL": "http://kratos:4434", "PUBLIC_URL": "https://jumio.example.com"}


def found(**changed: str | None) -> list[tuple[str, str]]:
    return [(finding.id, finding.where) for finding in settings_check.check(settings_of(**{**WISE, **changed}))]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ORY_WEBHOOK_SECRET": "CHANGE_ME_PLEASE_DO_IT"}, [("secret-placeholder", "ORY_WEBHOOK_SECRET")]),
        (
            {"JUMIO_CALLBACK_SECRET": "long-enough-to-be-a-secret, replace-me-with-a-secret"},
            [("secret-placeholder", "JUMIO_CALLBACK_SECRET")],
        ),
        ({"JUMIO_CLIENT_ID": "<the client's id>"}, [("secret-placeholder", "JUMIO_CLIENT_ID")]),
        ({"JUMIO_CLIENT_SECRET": "your_secret"}, [("secret-placeholder", "JUMIO_CLIENT_SECRET")]),
        ({"ORY_API_KEY": "your-api-key"}, [("secret-placeholder", "ORY_API_KEY")]),
        (
            {"ORY_WEBHOOK_SECRET": "the-same-for-both", "JUMIO_CALLBACK_SECRET": "one-that-is-long, the-same-for-both"},
            [("secret-shared", "ORY_WEBHOOK_SECRET")],
        ),
        ({"ORY_WEBHOOK_SECRET": CLIENT_SECRET}, [("secret-shared", "ORY_WEBHOOK_SECRET")]),
        ({"KRATOS_ADMIN_URL": "http://kratos.example.com"}, [("url-not-tls", "KRATOS_ADMIN_URL")]),
        ({"JUMIO_AUTH_URL": "http://auth.emea-1.jumio.ai/oauth2/token"}, [("url-not-tls", "JUMIO_AUTH_URL")]),
        ({"JUMIO_API_BASE_URL": "http://8.8.8.8/api/v1"}, [("url-not-tls", "JUMIO_API_BASE_URL")]),
        ({"DOCUMENT_HASH_SECRET": "long-enough-to-be-one"}, [("documents-not-compared", "DOCUMENT_HASH_SECRET")]),
        ({"DOCUMENT_HASH_SECRET": "long-enough-to-be-one", "REDIS_URL": "redis://valkey"}, []),
        (
            {"DOCUMENT_HASH_SECRET": "change-me-please-do", "REDIS_URL": "redis://valkey"},
            [("secret-placeholder", "DOCUMENT_HASH_SECRET")],
        ),
        ({"PUBLIC_URL": None}, [("public-url-unset", "PUBLIC_URL")]),
        ({"JUMIO_API_BASE_URL": "https://account.emea-1.jumio.ai"}, [("jumio-api-path", "JUMIO_API_BASE_URL")]),
        ({"JUMIO_API_BASE_URL": "https://account.emea-1.jumio.ai/api"}, [("jumio-api-path", "JUMIO_API_BASE_URL")]),
        ({"JUMIO_API_BASE_URL": "https://jumio.example.com"}, [("jumio-api-path", "JUMIO_API_BASE_URL")]),
        (
            {"JUMIO_API_BASE_URL": "https://account.amer-1.jumio.ai/api/v1", "JUMIO_AUTH_URL": AUTH},
            [("jumio-regions-differ", "JUMIO_API_BASE_URL")],
        ),
        ({"JUMIO_API_BASE_URL": "https://api.EMEA-1.jumio.ai/api/v1", "JUMIO_AUTH_URL": AUTH}, []),
        ({"JUMIO_API_BASE_URL": "https://jumio.example.com/api/v1", "JUMIO_AUTH_URL": AUTH}, []),
        ({"JUMIO_API_BASE_URL": "https://jumio.ai/api/v1", "JUMIO_AUTH_URL": AUTH}, []),
        ({"BLOCK_LOGIN_STATUSES": "rejected,approved"}, [("approved-blocked", "BLOCK_LOGIN_STATUSES")]),
        (
            {"BLOCK_LOGIN_STATUSES": "approved"},
            [("approved-blocked", "BLOCK_LOGIN_STATUSES"), ("rejected-admitted", "BLOCK_LOGIN_STATUSES")],
        ),
        ({"BLOCK_LOGIN_STATUSES": "review"}, [("rejected-admitted", "BLOCK_LOGIN_STATUSES")]),
        ({"BLOCK_LOGIN_STATUSES": "rejected,pending"}, [("block-list-gap", "BLOCK_LOGIN_STATUSES")]),
        ({"BLOCK_LOGIN_STATUSES": "rejected,unstarted"}, [("block-list-gap", "BLOCK_LOGIN_STATUSES")]),
        ({"BLOCK_LOGIN_STATUSES": "rejected,pending,unstarted,incomplete,none"}, []),
        ({"BLOCK_LOGIN_STATUSES": "rejected,review"}, []),
        ({"BLOCK_LOGIN_STATUSES": "rejected,none"}, []),
    ],
)  # fmt: skip
def test_each_trouble_by_its_name(changed: dict[str, str | None], expected: list[tuple[str, str]]) -> None:
    assert found(**changed) == expected


def test_a_gap_says_who_passes() -> None:
    [finding] = settings_check.check(settings_of(**WISE, BLOCK_LOGIN_STATUSES="rejected,pending,unstarted"))
    assert "(none)" in finding.what
    assert "(incomplete)" in finding.what
    assert "(unstarted)" not in finding.what
    assert finding.remedy == "BLOCK_LOGIN_STATUSES=none,unstarted,pending,rejected,incomplete"


@pytest.mark.parametrize("blocked", ["approved", "pending,approved", "unstarted", "review", "rejected,incomplete"])
def test_whoever_writes_the_list_that_is_told_has_nothing_left_to_find(blocked: str) -> None:
    findings = settings_check.check(settings_of(**WISE, BLOCK_LOGIN_STATUSES=blocked))
    assert findings
    [(name, told)] = {tuple(finding.remedy.split("=")) for finding in findings}
    assert (name, found(BLOCK_LOGIN_STATUSES=told)) == ("BLOCK_LOGIN_STATUSES", [])


@pytest.mark.parametrize(
    "host",
    ["localhost", "kratos", "127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1",
     "kratos.local", "kratos.internal", "Kratos.Default.Svc.Cluster.Local.", "kratos.ory.svc", "a.localhost"],
)  # fmt: skip
def test_private_hosts(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    ["example.com", "172.32.0.1", "11.0.0.1", "8.8.8.8", "2606:4700::1111", "local.example.com", "notlocal.co",
     "192.0.2.1", "internal.example"],
)  # fmt: skip
def test_public_hosts(host: str) -> None:
    assert not is_private(host)


@pytest.mark.parametrize("traits", [None, "full_name=/name"])
def test_a_level_that_asks_for_a_name_needs_one_that_is_compared(tmp_path: Path, traits: str | None) -> None:
    table = tmp_path / "table.toml"
    level = '[[levels]]\nlevel = 1\nname = "contact"\nmatches = ["name"]\n'
    table.write_text(f'version = "1"\nwarning_cap = 1\n{level}')
    expected = [] if traits else [("level-out-of-reach", "ASSURANCE_TABLE")]
    assert found(ASSURANCE_TABLE=str(table), IDENTITY_TRAITS=traits) == expected
