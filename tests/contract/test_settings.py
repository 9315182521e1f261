# SPDX-License-Identifier: Apache-2.0
"""The settings: all problems at once, each by name, and no secret ever shown."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from dotenv import dotenv_values
from support import API_KEY, CLIENT_SECRET, REQUIRED, settings_of

from webhook import __version__
from webhook.core.status import OnRejected, Status
from webhook.settings import Settings, SettingsError, shipped_table

EXAMPLE = Path(__file__).parents[1] / ".env.example"


class Recorded(Mapping[str, str | None]):
    """A mapping that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = values
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> str | None:
        self.asked.append(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def names_read() -> set[str]:
    """Every setting there is, by what `Settings` asks for."""
    mapping = Recorded(REQUIRED)
    Settings.from_mapping(mapping)
    return set(mapping.asked)


def problems_of(**changed: str | None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_of(**changed)
    return caught.value.problems


def test_the_required_settings_are_enough_and_the_rest_has_the_stated_defaults() -> None:
    settings = Settings.from_mapping(REQUIRED)
    assert settings.ory_webhook_secrets == (b"ory-secret-for-tests", b"ory-secret-of-last-year")
    assert settings.jumio.callback_secrets == (b"sandbox-callback-secret", b"callback-secret-of-last-year")
    assert (settings.server.port, settings.server.workers, settings.verification.workflow_key) == (3000, 2, 10011)
    assert settings.jumio.signature_header == "X-Jumio-Signature"
    assert settings.jumio.user_agent == f"ory-jumio-webhook/{__version__}"
    assert settings.verification.block_login_statuses == {Status.REJECTED}
    assert settings.verification.on_rejected is OnRejected.REVOKE
    assert settings.kratos.api_key is settings.links.public_url is None
    assert settings.jumio.token_lifetime is settings.jumio.success_url is settings.jumio.error_url is None
    assert settings.jumio.locale is None
    assert (settings.verification.reauth_workflow_key, settings.verification.max_starts_per_day) == (10014, 5)
    assert settings.links.max_age == timedelta(days=7)
    assert settings.verification.assurance_table == shipped_table()


def test_every_missing_setting_is_reported_at_once_by_name() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({})
    assert caught.value.problems == [
        f"{name} is missing"
        for name in (
            "ORY_WEBHOOK_SECRET",
            "KRATOS_ADMIN_URL",
            "JUMIO_AUTH_URL",
            "JUMIO_API_BASE_URL",
            "JUMIO_CLIENT_ID",
            "JUMIO_CLIENT_SECRET",
            "JUMIO_CALLBACK_SECRET",
        )
    ]
    assert all(problem in str(caught.value) for problem in caught.value.problems)


@pytest.mark.parametrize("empty", ["", " ", "\t\n", None])
@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_required_setting_is_missing(name: str, empty: str | None) -> None:
    assert problems_of(**{name: empty}) == [f"{name} is missing"]


@pytest.mark.parametrize("name", sorted(names_read() - set(REQUIRED)))
def test_an_empty_optional_setting_is_its_default(name: str) -> None:
    assert settings_of(**{name: "  "}) == settings_of()


MALFORMED = {
    "ORY_WEBHOOK_SECRET": [",", "a,", ",a", "a,,b", "a, ,b"],
    "JUMIO_CALLBACK_SECRET": [",", "a,,b"],
    "KRATOS_ADMIN_URL": [
        "kratos:4434",
        "kratos",
        "//kratos",
        "ftp://kratos",
        "file:///etc/passwd",
        "http://",
        "http://:80",
        "http://kratos:port",
        "http://kratos:99999",
        "http://[::1",
        "http://krätos",
        "http://kra tos",
        "http://kratos\n/x",
        "http://kratos?a=b",
        "http://kratos#x",
        "http://user:password@kratos",
        "http://@kratos",
    ],
    "JUMIO_AUTH_URL": ["auth.emea-1.jumio.ai/oauth2/token", "https://user@auth.emea-1.jumio.ai"],
    "JUMIO_API_BASE_URL": ["account.emea-1.jumio.ai", "https://account.emea-1.jumio.ai/api/v1?x=1"],
    "ORY_API_KEY": ["kéy", "a\x00b", "a\nb"],
    "BIND_ADDRESS": ["localhost", "0.0.0", "10.0.0.1:80", "[::]", "*"],
    "PORT": ["0", "65536", "-1", "3000.0", "http", "0x10", "1e3", "٣٠٠٠", "9" * 30],
    "WEB_CONCURRENCY": ["0", "257", "two", "-2"],
    "PUBLIC_URL": [
        "jumio-webhook.example.com",
        "http://jumio-webhook.example.com",
        "https://jumio-webhook.example.com:8443",
        "https://203.0.113.7",
        "https://[2001:db8::1]",
        "https://jumio-webhook.example.com/?a=b",
        "https://jumio-webhook.example.com/" + "a" * 130,
        "https://127.0.0.1/" + "a" * 150,
    ],
    "JUMIO_WORKFLOW_KEY": ["schlüssel", "a\tb"],
    "JUMIO_SIGNATURE_HEADER": ["X Jumio", "X-Jumio:", "X-Jümio", "X-Jumio\n"[:-1] + "\r\nX: y"],
    "JUMIO_USER_AGENT": ["Bänk", "a\r\nX-Injected: 1"],
    "JUMIO_TOKEN_LIFETIME": ["30", "m", "4m", "299s", "61d", "1w", "-30m", "30 m", "1.5h", "9" * 12 + "s"],
    "JUMIO_SUCCESS_URL": ["http://example.com", "example.com/done", "https://example.com/" + "a" * 240],
    "JUMIO_ERROR_URL": ["http://example.com", "https://example.com/#x"],
    "JUMIO_LOCALE": ["english", "e", "en_GB", "en-GBR", "en-"],
    "BLOCK_LOGIN_STATUSES": ["blocked", "rejected,", "rejected review", "REJECTED", "rejected,unknown,pending"],
    "ON_REJECTED": ["delete", "REVOKE", "revoke,block"],
    "JUMIO_REAUTH_WORKFLOW_KEY": ["schlüssel", "a\tb"],
    "ASSURANCE_TABLE": ["/nowhere/table.toml", "/", "/proc/self/exe"],
    "MAX_STARTS_PER_DAY": ["0", "1001", "-1", "five", "2.5"],
    "LINK_MAX_AGE": ["7", "d", "7w", "-7d", "7 d", "1.5d", "123456d", "\u0667d"],
    "LOG_FORMAT": ["xml", "json,text"],
    "LOG_LEVEL": ["loud", "10"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    [problem] = problems_of(**{name: value})
    assert problem.startswith(f"{name} ")


@pytest.mark.parametrize("name", ["JUMIO_CLIENT_ID", "JUMIO_CLIENT_SECRET"])
def test_credentials_that_are_not_utf_8_are_named(name: str) -> None:
    # os.environ gives bytes that are no UTF-8 as lone surrogates.
    assert problems_of(**{name: "a\udcff"})[0].startswith(f"{name} ")


def test_every_setting_with_a_format_has_malformed_examples() -> None:
    assert names_read() - set(MALFORMED) == {"JUMIO_CLIENT_ID", "JUMIO_CLIENT_SECRET"}


def test_everything_that_is_wrong_is_reported_together() -> None:
    wrong = {name: values[0] for name, values in MALFORMED.items()} | {"JUMIO_CLIENT_ID": "", "JUMIO_CLIENT_SECRET": ""}
    assert {problem.split()[0] for problem in problems_of(**wrong)} == names_read()


ACCEPTED = [
    ("KRATOS_ADMIN_URL", "http://kratos:4434/", "kratos_admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "http://kratos:4434/admin", "kratos_admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "http://kratos:4434/admin/", "kratos_admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "https://x.projects.oryapis.com", "kratos_admin_url", "https://x.projects.oryapis.com"),
    ("KRATOS_ADMIN_URL", "http://[::1]:4434", "kratos_admin_url", "http://[::1]:4434"),
    ("ORY_WEBHOOK_SECRET", " a , b", "ory_webhook_secrets", (b"a", b"b")),
    ("ORY_WEBHOOK_SECRET", "géheim", "ory_webhook_secrets", ("géheim".encode(),)),
    ("ORY_API_KEY", API_KEY, "ory_api_key", API_KEY),
    ("BIND_ADDRESS", "127.0.0.1", "bind_address", "127.0.0.1"),
    ("BIND_ADDRESS", "::", "bind_address", "::"),
    ("PORT", "1", "port", 1),
    ("PORT", " 65535 ", "port", 65535),
    ("WEB_CONCURRENCY", "256", "web_concurrency", 256),
    ("PUBLIC_URL", "https://hook.example.com/base/", "public_url", "https://hook.example.com/base"),
    ("PUBLIC_URL", "http://127.0.0.1:3000", "public_url", "http://127.0.0.1:3000"),
    ("PUBLIC_URL", "http://[::1]:3000", "public_url", "http://[::1]:3000"),
    ("PUBLIC_URL", "http://localhost:3000", "public_url", "http://localhost:3000"),
    ("JUMIO_WORKFLOW_KEY", "10164", "jumio_workflow_key", 10164),
    ("JUMIO_WORKFLOW_KEY", "0" * 18 + "1", "jumio_workflow_key", "0" * 18 + "1"),
    ("JUMIO_WORKFLOW_KEY", "my-key", "jumio_workflow_key", "my-key"),
    ("JUMIO_SIGNATURE_HEADER", "X-Signature", "jumio_signature_header", "X-Signature"),
    ("JUMIO_USER_AGENT", "ExampleBank hook/1.0", "jumio_user_agent", "ExampleBank hook/1.0"),
    ("JUMIO_TOKEN_LIFETIME", "5m", "jumio_token_lifetime", "5m"),
    ("JUMIO_TOKEN_LIFETIME", "300s", "jumio_token_lifetime", "300s"),
    ("JUMIO_TOKEN_LIFETIME", "24h", "jumio_token_lifetime", "24h"),
    ("JUMIO_TOKEN_LIFETIME", "60d", "jumio_token_lifetime", "60d"),
    ("JUMIO_SUCCESS_URL", "https://example.com/done", "jumio_success_url", "https://example.com/done"),
    ("JUMIO_ERROR_URL", "https://example.com/error/", "jumio_error_url", "https://example.com/error/"),
    ("JUMIO_LOCALE", "de", "jumio_locale", "de"),
    ("JUMIO_LOCALE", "zh-CN", "jumio_locale", "zh-CN"),
    ("BLOCK_LOGIN_STATUSES", "rejected, none", "block_login_statuses", {Status.REJECTED, Status.NONE}),
    ("BLOCK_LOGIN_STATUSES", ",".join(Status), "block_login_statuses", set(Status)),
    ("ON_REJECTED", "block", "on_rejected", OnRejected.BLOCK),
    ("ON_REJECTED", "deactivate", "on_rejected", OnRejected.DEACTIVATE),
    ("JUMIO_REAUTH_WORKFLOW_KEY", "9", "jumio_reauth_workflow_key", 9),
    ("JUMIO_REAUTH_WORKFLOW_KEY", "my-face-key", "jumio_reauth_workflow_key", "my-face-key"),
    ("MAX_STARTS_PER_DAY", "1", "max_starts_per_day", 1),
    ("MAX_STARTS_PER_DAY", "1000", "max_starts_per_day", 1000),
    ("LINK_MAX_AGE", "30m", "link_max_age", timedelta(minutes=30)),
    ("LINK_MAX_AGE", "12h", "link_max_age", timedelta(hours=12)),
    ("LINK_MAX_AGE", "30d", "link_max_age", timedelta(days=30)),
    ("LOG_FORMAT", "Text", "log_format", "text"),
    ("LOG_LEVEL", "WARNING", "log_level", "warning"),
]


@pytest.mark.parametrize(("name", "value", "attribute", "expected"), ACCEPTED)
def test_a_well_formed_setting_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    assert getattr(settings_of(**{name: value}), attribute) == expected


def test_no_callback_url_is_longer_than_jumio_allows() -> None:
    longest = "https://" + "a" * (255 - len("/jumio/callback/") - 36 - 1 - 43 - len("https://") - 4) + ".com"
    assert settings_of(PUBLIC_URL=longest).public_url == longest
    assert problems_of(PUBLIC_URL=longest + "a") == ["PUBLIC_URL is too long: at most 159 characters"]


SECRETS = {
    "ORY_WEBHOOK_SECRET": "hush-webhook",
    "ORY_API_KEY": "hush-api-key",
    "JUMIO_CLIENT_ID": "hush-client-id",
    "JUMIO_CLIENT_SECRET": "hush-client-secret",
    "JUMIO_CALLBACK_SECRET": "hush-callback",
}


def test_secrets_are_not_in_the_representation() -> None:
    settings = settings_of(**SECRETS)
    assert settings.jumio.client_secret == "hush-client-secret"
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "hush" not in shown
        assert "kratos.invalid" in shown


@pytest.mark.parametrize("bad", ["hush,,hush", "hush\x00\u00e9", "\udcffhush,,"])
def test_secrets_are_not_in_an_error(bad: str) -> None:
    wrong = dict.fromkeys(SECRETS, bad) | {"KRATOS_ADMIN_URL": "http://user:hush@kratos"}
    with pytest.raises(SettingsError) as caught:
        settings_of(**wrong)
    assert "hush" not in str(caught.value) + repr(caught.value) + "".join(caught.value.problems)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    lines = [f"{name}={value}" for name, value in {**REQUIRED, "PORT": "4000", "JUMIO_LOCALE": "de"}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert (Settings.load().port, Settings.load().jumio_locale) == (4000, "de")
    monkeypatch.setenv("PORT", "5000")
    assert (Settings.load().port, Settings.load().jumio_locale) == (5000, "de")


def test_a_dollar_in_a_secret_of_the_file_is_only_a_dollar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    lines = [f"{name}={value}" for name, value in {**REQUIRED, "JUMIO_CLIENT_SECRET": "a${HOME}b"}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert Settings.load().jumio_client_secret == "a${HOME}b"


def test_without_a_file_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().jumio_client_secret == CLIENT_SECRET


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(dotenv_values(EXAMPLE)) == names_read()


def test_the_example_loads() -> None:
    settings = Settings.from_mapping(dotenv_values(EXAMPLE, interpolate=False))
    assert settings.verification.workflow_key == 10011
    assert settings.links.public_url == "https://jumio-webhook.example.com"
