# SPDX-License-Identifier: Apache-2.0
"""The settings: all problems at once, each by name, and no secret ever shown."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

import pytest
from dotenv import dotenv_values
from support import API_KEY, CLIENT_SECRET, LEAST, REQUIRED, settings_of

from webhook import __version__
from webhook.core.assurance_table import parse_table
from webhook.core.person import OnDifferentPerson
from webhook.core.repeated import OnRepeated
from webhook.core.status import OnRejected, Status
from webhook.core.traits import Traits
from webhook.settings import Settings, SettingsError, shipped_table
from webhook.valkey_url import ValkeyUrl

EVERYWHERE = "0.0.0.0"  # noqa: S104  # as a container needs it
EXAMPLE = Path(__file__).parents[2] / ".env.example"


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
    assert (settings.server.port, settings.server.workers, settings.verification.workflow_key) == (3000, 1, 10011)
    assert settings.jumio.signature_header == "X-Jumio-Signature"
    assert settings.jumio.user_agent == f"ory-jumio-webhook/{__version__}"
    assert settings.verification.block_login_statuses == {Status.REJECTED}
    assert settings.verification.on_rejected is OnRejected.REVOKE
    assert settings.kratos.api_key is settings.links.public_url is None
    assert settings.jumio.token_lifetime is settings.jumio.success_url is settings.jumio.error_url is None
    assert settings.jumio.locale is None
    assert (settings.verification.reauth_workflow_key, settings.verification.max_starts_per_day) == (10014, 5)
    assert (settings.kratos.max_in_flight, settings.jumio.max_in_flight) == (100, 500)
    assert (settings.server.bind_address, settings.log.format, settings.log.level) == (EVERYWHERE, "json", "info")
    assert settings.links.max_age == timedelta(days=7)
    assert settings.links.secrets == settings.jumio.callback_secrets
    assert settings.verification.assurance_table == shipped_table()
    assert settings.valkey is None


def test_every_missing_setting_is_reported_at_once_by_name() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({})
    assert sorted(caught.value.problems) == sorted(
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
    )
    assert all(problem in str(caught.value) for problem in caught.value.problems)


@pytest.mark.parametrize("empty", ["", " ", "\t\n", None])
@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_required_setting_is_missing(name: str, empty: str | None) -> None:
    assert problems_of(**{name: empty}) == [f"{name} is missing"]


@pytest.mark.parametrize("name", sorted(names_read() - set(REQUIRED)))
def test_an_empty_optional_setting_is_its_default(name: str) -> None:
    assert settings_of(**{name: "  "}) == settings_of()


GOOD = "sixteen-bytes-xx"
MALFORMED = {
    "ORY_WEBHOOK_SECRET": [",", f"{GOOD},", f",{GOOD}", f"{GOOD},,{GOOD}", f"{GOOD}, ,{GOOD}", "fifteen-bytes-x"],
    "DOCUMENT_HASH_SECRET": [",", f"{GOOD},,{GOOD}", f"{GOOD}, short", "fifteen-bytes-x"],
    "JUMIO_CALLBACK_SECRET": [",", f"{GOOD},,{GOOD}", f"{GOOD}, short"],
    "KRATOS_MAX_IN_FLIGHT": ["0", "10001", "-1", "many", "1e2"],
    "JUMIO_MAX_IN_FLIGHT": ["0", "10001", "2.5"],
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
    "ON_DIFFERENT_PERSON": ["deny", "REVIEW", "review,reject"],
    "ON_REPEATED": ["reject", "FLAG", "flag,review"],
    "IDENTITY_TRAITS": [
        "name",
        "/name",
        "name=/name",
        "given_name=name",
        "given_name=",
        "given_name=/",
        "given_name=/name/",
        "given_name=/a~2b",
        "given_name=/traits/name",
        "given_name=/a,given_name=/b",
        "full_name=/name,given_name=/name/first",
        "full_name=/name,family_name=/name/last",
        "birthdate=/birthdate",
        "given_name=/a,,family_name=/b",
    ],
    "JUMIO_REAUTH_WORKFLOW_KEY": ["schlüssel", "a\tb"],
    "ASSURANCE_TABLE": ["/nowhere/table.toml", "/", "/proc/self/exe"],
    "MAX_STARTS_PER_DAY": ["0", "1001", "-1", "five", "2.5"],
    "LINK_MAX_AGE": ["7", "d", "7w", "-7d", "7 d", "1.5d", "123456d", "\u0667d", "0m", "00d"],
    "REDIS_URL": [
        "valkey",
        "valkey:6379",
        "//valkey",
        "http://valkey",
        "redis://",
        "redis://:6379",
        "redis://valkey:port",
        "redis://valkey:99999",
        "redis://valkey:0",
        "redis://[::1",
        "redis://välkey",
        "redis://val key",
        "redis://valkey/first",
        "redis://valkey/0/1",
        "redis://valkey/12345",
        "redis://valkey#1",
        "redis://:pass#word@valkey",
        "redis://user@valkey",
        "redis://user:@valkey",
        "redis://valkey?db=1",
        "redis://valkey?ssl_ca_certs=/etc/passwd",
        "rediss://valkey?ssl_cert_reqs=none",
        "rediss://valkey?ssl_ca_certs=/nowhere/ca.pem",
        "rediss://valkey?ssl_ca_certs=/",
        "rediss://valkey?ssl_ca_certs=",
        "unix://",
        "unix://run/valkey.sock",
        "unix://:0/run/valkey.sock",
        "unix:///run/valkey.sock?db=one",
        "unix:///run/valkey.sock?db=1&db=2",
        "unix:///run/valkey.sock?password=x",
    ],
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
    ("KRATOS_ADMIN_URL", "http://kratos:4434/", "kratos.admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "http://kratos:4434/admin", "kratos.admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "http://kratos:4434/admin/", "kratos.admin_url", "http://kratos:4434"),
    ("KRATOS_ADMIN_URL", "https://x.projects.oryapis.com", "kratos.admin_url", "https://x.projects.oryapis.com"),
    ("KRATOS_ADMIN_URL", "http://[::1]:4434", "kratos.admin_url", "http://[::1]:4434"),
    ("ORY_WEBHOOK_SECRET", f" {GOOD} , other-{GOOD}", "ory_webhook_secrets", (GOOD.encode(), f"other-{GOOD}".encode())),
    ("ORY_WEBHOOK_SECRET", "géheim" * 3, "ory_webhook_secrets", ("géheim".encode() * 3,)),
    ("KRATOS_MAX_IN_FLIGHT", "1", "kratos.max_in_flight", 1),
    ("KRATOS_MAX_IN_FLIGHT", "10000", "kratos.max_in_flight", 10_000),
    ("JUMIO_MAX_IN_FLIGHT", "20", "jumio.max_in_flight", 20),
    ("ORY_API_KEY", API_KEY, "kratos.api_key", API_KEY),
    ("BIND_ADDRESS", "127.0.0.1", "server.bind_address", "127.0.0.1"),
    ("BIND_ADDRESS", "::", "server.bind_address", "::"),
    ("PORT", "1", "server.port", 1),
    ("PORT", " 65535 ", "server.port", 65535),
    ("WEB_CONCURRENCY", "256", "server.workers", 256),
    ("PUBLIC_URL", "https://hook.example.com/base/", "links.public_url", "https://hook.example.com/base"),
    ("PUBLIC_URL", "http://127.0.0.1:3000", "links.public_url", "http://127.0.0.1:3000"),
    ("PUBLIC_URL", "http://[::1]:3000", "links.public_url", "http://[::1]:3000"),
    ("PUBLIC_URL", "http://localhost:3000", "links.public_url", "http://localhost:3000"),
    ("JUMIO_WORKFLOW_KEY", "10164", "verification.workflow_key", 10164),
    ("JUMIO_WORKFLOW_KEY", "0" * 18 + "1", "verification.workflow_key", "0" * 18 + "1"),
    ("JUMIO_WORKFLOW_KEY", "my-key", "verification.workflow_key", "my-key"),
    ("JUMIO_SIGNATURE_HEADER", "X-Signature", "jumio.signature_header", "X-Signature"),
    ("JUMIO_USER_AGENT", "ExampleBank hook/1.0", "jumio.user_agent", "ExampleBank hook/1.0"),
    ("JUMIO_TOKEN_LIFETIME", "5m", "jumio.token_lifetime", "5m"),
    ("JUMIO_TOKEN_LIFETIME", "300s", "jumio.token_lifetime", "300s"),
    ("JUMIO_TOKEN_LIFETIME", "24h", "jumio.token_lifetime", "24h"),
    ("JUMIO_TOKEN_LIFETIME", "60d", "jumio.token_lifetime", "60d"),
    ("JUMIO_SUCCESS_URL", "https://example.com/done", "jumio.success_url", "https://example.com/done"),
    ("JUMIO_ERROR_URL", "https://example.com/error/", "jumio.error_url", "https://example.com/error/"),
    ("JUMIO_LOCALE", "de", "jumio.locale", "de"),
    ("JUMIO_LOCALE", "zh-CN", "jumio.locale", "zh-CN"),
    ("BLOCK_LOGIN_STATUSES", "rejected, none", "verification.block_login_statuses", {Status.REJECTED, Status.NONE}),
    ("BLOCK_LOGIN_STATUSES", ",".join(Status), "verification.block_login_statuses", set(Status)),
    ("ON_REJECTED", "block", "verification.on_rejected", OnRejected.BLOCK),
    ("ON_REJECTED", "deactivate", "verification.on_rejected", OnRejected.DEACTIVATE),
    ("ON_DIFFERENT_PERSON", "reject", "verification.on_different_person", OnDifferentPerson.REJECT),
    ("DOCUMENT_HASH_SECRET", "a" * 16, "verification.document_secrets", (b"a" * 16,)),
    ("ON_REPEATED", "review", "verification.on_repeated", OnRepeated.REVIEW),
    ("ON_DIFFERENT_PERSON", "ignore", "verification.on_different_person", OnDifferentPerson.IGNORE),
    ("IDENTITY_TRAITS", "full_name=/name", "kratos.traits", Traits(paths={"full_name": ("name",)})),
    (
        "IDENTITY_TRAITS",
        "given_name=/name/first, family_name=/na~1me/0/l~0st ,birthdate=/born",
        "kratos.traits",
        Traits(paths={"given_name": ("name", "first"), "family_name": ("na/me", "0", "l~st"), "birthdate": ("born",)}),
    ),
    ("JUMIO_REAUTH_WORKFLOW_KEY", "9", "verification.reauth_workflow_key", 9),
    ("JUMIO_REAUTH_WORKFLOW_KEY", "my-face-key", "verification.reauth_workflow_key", "my-face-key"),
    ("MAX_STARTS_PER_DAY", "1", "verification.max_starts_per_day", 1),
    ("MAX_STARTS_PER_DAY", "1000", "verification.max_starts_per_day", 1000),
    ("LINK_MAX_AGE", "1m", "links.max_age", timedelta(minutes=1)),
    ("LINK_MAX_AGE", "30m", "links.max_age", timedelta(minutes=30)),
    ("LINK_MAX_AGE", "12h", "links.max_age", timedelta(hours=12)),
    ("LINK_MAX_AGE", "30d", "links.max_age", timedelta(days=30)),
    ("REDIS_URL", "redis://valkey", "valkey", ValkeyUrl(host="valkey", port=6379, database=0)),
    ("REDIS_URL", "valkey://valkey:6380/3", "valkey", ValkeyUrl(host="valkey", port=6380, database=3)),
    ("REDIS_URL", "redis://[::1]:6380/", "valkey", ValkeyUrl(host="::1", port=6380)),
    ("REDIS_URL", "rediss://valkey", "valkey", ValkeyUrl(host="valkey", tls=True)),
    ("REDIS_URL", "valkeys://valkey", "valkey", ValkeyUrl(host="valkey", tls=True)),
    ("REDIS_URL", f"rediss://v?ssl_ca_certs={EXAMPLE}", "valkey", ValkeyUrl(host="v", tls=True, ca_certs=str(EXAMPLE))),
    ("REDIS_URL", "redis://:p%40%2F%23@valkey", "valkey", ValkeyUrl(host="valkey", password="p@/#")),
    ("REDIS_URL", "redis://us%65r:pw@valkey", "valkey", ValkeyUrl(host="valkey", username="user", password="pw")),
    ("REDIS_URL", "unix:///run/valkey.sock", "valkey", ValkeyUrl(path="/run/valkey.sock")),
    ("REDIS_URL", "unix://:pw@/run/v.sock?db=2", "valkey", ValkeyUrl(path="/run/v.sock", password="pw", database=2)),
    ("LOG_FORMAT", "Text", "log.format", "text"),
    ("LOG_LEVEL", "WARNING", "log.level", "warning"),
]


@pytest.mark.parametrize(("name", "value", "attribute", "expected"), ACCEPTED)
def test_a_well_formed_setting_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    assert attrgetter(attribute)(settings_of(**{name: value})) == expected


def test_no_callback_url_is_longer_than_jumio_allows() -> None:
    longest = "https://" + "a" * (255 - len("/jumio/callback/") - 36 - 1 - 43 - len("https://") - 4) + ".com"
    assert settings_of(PUBLIC_URL=longest).links.public_url == longest
    assert problems_of(PUBLIC_URL=longest + "a") == ["PUBLIC_URL is too long: at most 159 characters"]


SECRETS = {
    "ORY_WEBHOOK_SECRET": "hush-webhook-secret",
    "ORY_API_KEY": "hush-api-key",
    "JUMIO_CLIENT_ID": "hush-client-id",
    "JUMIO_CLIENT_SECRET": "hush-client-secret",
    "DOCUMENT_HASH_SECRET": "hush-document-secret",
    "JUMIO_CALLBACK_SECRET": "hush-callback-secret",
    "REDIS_URL": "redis://:hush-password@valkey",
}


def test_secrets_are_not_in_the_representation() -> None:
    settings = settings_of(**SECRETS)
    assert settings.jumio.client_secret == "hush-client-secret"
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "hush" not in shown
        assert "kratos.invalid" in shown


@pytest.mark.parametrize("bad", ["hush,,hush", "hush\x00\u00e9", "\udcffhush,,"])
def test_secrets_are_not_in_an_error(bad: str) -> None:
    wrong = dict.fromkeys(SECRETS, bad) | {
        "KRATOS_ADMIN_URL": "http://user:hush@kratos",
        "REDIS_URL": f"redis://:{bad}@valkey#",
    }
    with pytest.raises(SettingsError) as caught:
        settings_of(**wrong)
    assert "hush" not in str(caught.value) + repr(caught.value) + "".join(caught.value.problems)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    lines = [f"{name}={value}" for name, value in {**REQUIRED, "PORT": "4000", "JUMIO_LOCALE": "de"}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert (Settings.load().server.port, Settings.load().jumio.locale) == (4000, "de")
    monkeypatch.setenv("PORT", "5000")
    assert (Settings.load().server.port, Settings.load().jumio.locale) == (5000, "de")


def test_a_dollar_in_a_secret_of_the_file_is_only_a_dollar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    lines = [f"{name}={value}" for name, value in {**REQUIRED, "JUMIO_CLIENT_SECRET": "a${HOME}b"}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert Settings.load().jumio.client_secret == "a${HOME}b"


def test_without_a_file_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().jumio.client_secret == CLIENT_SECRET


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(dotenv_values(EXAMPLE)) == names_read()


def test_operators_can_look_up_every_setting() -> None:
    text = (EXAMPLE.parent / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| (`[A-Z][^|]+) \|", text, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names_read()


def test_the_example_loads_once_its_secrets_are_changed() -> None:
    example = dotenv_values(EXAMPLE, interpolate=False)
    secrets = {name for name in SECRETS if example[name]}
    assert not example["REDIS_URL"], "one process needs none"
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(example)
    assert {problem.split()[0] for problem in caught.value.problems} == secrets
    assert all(".env.example" in problem for problem in caught.value.problems)
    settings = Settings.from_mapping({**example, **{name: REQUIRED[name] for name in secrets}})
    assert settings.verification.workflow_key == 10011
    assert settings.links.public_url == "https://jumio-webhook.example.com"


@pytest.mark.parametrize("name", ["ORY_WEBHOOK_SECRET", "JUMIO_CALLBACK_SECRET", "DOCUMENT_HASH_SECRET"])
def test_a_secret_of_the_example_is_refused_in_a_rotation_too(name: str) -> None:
    [problem] = problems_of(**{name: f"{GOOD}, change-me-to-32-random-characters"})
    assert problem.startswith(f"{name} is still the one of .env.example")
    assert "change-me" not in problem


def test_the_shortest_secret_has_sixteen_characters() -> None:
    for good in (GOOD, "é" * 16):
        assert settings_of(ORY_WEBHOOK_SECRET=good).ory_webhook_secrets == (good.encode(),)
    for short in (GOOD[1:], "é" * 15):
        [problem] = problems_of(ORY_WEBHOOK_SECRET=f"{GOOD}, {short}")
        assert problem.startswith("ORY_WEBHOOK_SECRET has a secret shorter than 16 characters")
        assert short not in problem


# --- the assurance table ---


def test_the_table_can_be_ones_own_and_is_checked_at_start(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text(LEAST)
    assert settings_of(ASSURANCE_TABLE=str(file)).verification.assurance_table == parse_table(LEAST)
    assert settings_of(ASSURANCE_TABLE=" ").verification.assurance_table == shipped_table()
    for text, said in (
        ("", "lacks in the table"),
        (LEAST.replace("cap = 1", "cap = 2"), "has a warning_cap that"),
    ):
        file.write_text(text)
        [problem] = problems_of(ASSURANCE_TABLE=str(file))
        assert problem.startswith(f"ASSURANCE_TABLE {said}")
    file.write_bytes(b"\xff\xfe")
    for path, kind in ((file, "UnicodeDecodeError"), (tmp_path, "IsADirectoryError"), (tmp_path / "x", "FileNotFound")):
        [problem] = problems_of(ASSURANCE_TABLE=str(path))
        assert problem.startswith(f"ASSURANCE_TABLE cannot be read: {kind}")
