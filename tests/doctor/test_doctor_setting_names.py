# SPDX-License-Identifier: Apache-2.0
"""Names that look like a setting and are none."""

import re
from pathlib import Path

import pytest

from webhook.commands.doctor import setting_names
from webhook.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def found(*given: str) -> dict[str, str]:
    """What is to be written instead, by the name that is set."""
    findings = setting_names.check(given, Settings.names())
    assert {finding.id for finding in findings} <= {"setting-misspelt"}
    return {finding.where: finding.remedy for finding in setting_names.check(given, Settings.names())}


def test_settings_know_their_names() -> None:
    assert Settings.names() == set(re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))


def test_right_names_are_right() -> None:
    assert found(*Settings.names()) == {}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KRATOS_ADMIN_URI", "KRATOS_ADMIN_URL"),
        ("JUMIO_CLIENTID", "JUMIO_CLIENT_ID"),
        ("JUMIO_API_BASEURL", "JUMIO_API_BASE_URL"),
        ("JUMIO_CALLBACK_SECRETS", "JUMIO_CALLBACK_SECRET"),
        ("ORY_WEBHOOK_SECRETS", "ORY_WEBHOOK_SECRET"),
        ("ORY_APIKEY", "ORY_API_KEY"),
        ("BLOCK_LOGIN_STATUS", "BLOCK_LOGIN_STATUSES"),
        ("BLOCKED_LOGIN_STATUSES", "BLOCK_LOGIN_STATUSES"),
        ("ON_REJECT", "ON_REJECTED"),
        ("PUBLIC_URI", "PUBLIC_URL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("BIND_ADDR", "BIND_ADDRESS"),
        ("MAX_START_PER_DAY", "MAX_STARTS_PER_DAY"),
        ("public_url", "PUBLIC_URL"),
        ("port", "PORT"),
    ],
)
def test_what_is_meant(name: str, meant: str) -> None:
    assert found(name) == {name: f"{meant}=..."}


@pytest.mark.parametrize("name", ["JUMIO_REGION", "BLOCK_LOGIN", "ORY_WEBHOOK_HEADER", "jumio_datacenter"])
def test_what_nobody_else_would_call_so(name: str) -> None:
    assert found(name) == {name: "docs/settings.md has every name"}


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "HOSTNAME", "LANG", "PORTS", "KRATOS_BIN", "KRATOS_PUBLIC_URL", "ORY_SDK_URL", "ORY_PROJECT_ID",
     "DATABASE_URL", "LOG_FILE", "SMTP_PORT", "WEB_ROOT", "PYTHONPATH", "TEST_SEED",
     "JUMIO_WEBHOOK_SERVICE_HOST", "JUMIO_WEBHOOK_SERVICE_PORT_HTTP", "JUMIO_WEBHOOK_PORT",
     "JUMIO_WEBHOOK_PORT_3000_TCP_ADDR", "KRATOS_ADMIN_PORT_4434_TCP"],
)  # fmt: skip
def test_what_is_somebody_else_s(name: str) -> None:
    assert found(name) == {}


def test_nobody_means_what_is_there_by_its_right_name() -> None:
    assert found("LOGLEVEL", "LOG_LEVEL") == {}
    assert found("JUMIO_CLIENT_IDS", "JUMIO_CLIENT_ID") == {"JUMIO_CLIENT_IDS": "docs/settings.md has every name"}
