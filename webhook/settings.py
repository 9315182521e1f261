# SPDX-License-Identifier: Apache-2.0
"""The settings, read once from a mapping and checked all together. Nothing else reads the environment."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit

from dotenv import dotenv_values

from webhook import __version__, limits
from webhook.core.assurance import Table
from webhook.core.assurance_table import parse_table
from webhook.core.status import OnRejected, Status
from webhook.core.times import parse_duration
from webhook.errors import Malformed

T = TypeVar("T")

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_TOKEN_LIFETIME = re.compile(r"(\d{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOCALE = re.compile(r"[A-Za-z]{2}(-[A-Za-z]{2})?")
# https://documentation.jumio.ai/docs/developer-resources/API/CreateUpdateAccounts/creating-and-updating-accounts
_JUMIO_URL_MAX = 255
_DEFAULT_WORKFLOW_KEY: int | str = 10011
# "Standalone Authentication": https://documentation.jumio.ai/docs/references/servicesAndworkflow/standardService/authenticationWorkflow
_DEFAULT_REAUTH_WORKFLOW_KEY: int | str = 10014
SHORTEST_SECRET = 16
# The secrets of .env.example.
EXAMPLES = frozenset(
    {
        "change-me-to-32-random-characters",
        "change-me-to-32-other-random-characters",
        "your-client-id",
        "your-client-secret",
    }
)
_GENERATE = "`openssl rand -hex 32` makes a good one"
_CALLBACK_PATH_MAX = len("/jumio/callback/") + 36 + 1 + 43


class SettingsError(Exception):
    """Settings are missing or malformed; `problems` has one sentence each, none of which holds a value of a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class KratosSettings:
    """How Kratos' admin API is called."""

    admin_url: str
    api_key: str | None = field(repr=False)
    user_agent: str
    max_in_flight: int


@dataclass(frozen=True, kw_only=True)
class JumioSettings:
    """How Jumio is called, and how its callbacks are told from others'."""

    auth_url: str
    api_base_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    callback_secrets: tuple[bytes, ...] = field(repr=False)
    signature_header: str
    user_agent: str
    token_lifetime: str | None
    success_url: str | None
    error_url: str | None
    locale: str | None
    max_in_flight: int


@dataclass(frozen=True, kw_only=True)
class VerificationSettings:
    """What is started for whom, who is stopped, and what a verification is worth."""

    workflow_key: int | str
    reauth_workflow_key: int | str
    block_login_statuses: frozenset[Status]
    on_rejected: OnRejected
    assurance_table: Table
    max_starts_per_day: int


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """Our own links: where they lead, what signs them (the first), what is accepted, and how long they work."""

    public_url: str | None
    secrets: tuple[bytes, ...] = field(repr=False)
    max_age: timedelta


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where `serve` listens, and with how many processes."""

    bind_address: str
    port: int
    workers: int


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """`json` or `text`, from `debug`, `info`, `warning` or `error` on."""

    format: str
    level: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the service, checked. Secrets are bytes and stay out of `repr`."""

    ory_webhook_secrets: tuple[bytes, ...] = field(repr=False)
    kratos: KratosSettings
    jumio: JumioSettings
    verification: VerificationSettings
    links: LinkSettings
    server: ServerSettings
    log: LogSettings

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str | None]) -> "Settings":
        """Read and check every setting; an empty value counts as not set.

        :raises SettingsError: naming everything that is wrong, at once.
        """
        reader = _Reader(mapping)
        required, optional = reader.required, reader.optional
        callback_secrets = required("JUMIO_CALLBACK_SECRET", _secrets)
        user_agent = optional("JUMIO_USER_AGENT", _header_value, f"ory-jumio-webhook/{__version__}")
        settings = cls(
            ory_webhook_secrets=required("ORY_WEBHOOK_SECRET", _secrets),
            kratos=KratosSettings(
                admin_url=required("KRATOS_ADMIN_URL", _kratos_url),
                api_key=reader.perhaps("ORY_API_KEY", _header_value),
                user_agent=user_agent,
                max_in_flight=optional("KRATOS_MAX_IN_FLIGHT", _number(1, 10_000), limits.KRATOS_MAX_IN_FLIGHT),
            ),
            jumio=JumioSettings(
                auth_url=required("JUMIO_AUTH_URL", _url),
                api_base_url=required("JUMIO_API_BASE_URL", _url),
                client_id=required("JUMIO_CLIENT_ID", _given),
                client_secret=required("JUMIO_CLIENT_SECRET", _given),
                callback_secrets=callback_secrets,
                signature_header=optional("JUMIO_SIGNATURE_HEADER", _header_name, "X-Jumio-Signature"),
                user_agent=user_agent,
                token_lifetime=reader.perhaps("JUMIO_TOKEN_LIFETIME", _token_lifetime),
                success_url=reader.perhaps("JUMIO_SUCCESS_URL", _jumio_url),
                error_url=reader.perhaps("JUMIO_ERROR_URL", _jumio_url),
                locale=reader.perhaps("JUMIO_LOCALE", _locale),
                max_in_flight=optional("JUMIO_MAX_IN_FLIGHT", _number(1, 10_000), limits.JUMIO_MAX_IN_FLIGHT),
            ),
            verification=VerificationSettings(
                workflow_key=optional("JUMIO_WORKFLOW_KEY", _workflow_key, _DEFAULT_WORKFLOW_KEY),
                reauth_workflow_key=optional("JUMIO_REAUTH_WORKFLOW_KEY", _workflow_key, _DEFAULT_REAUTH_WORKFLOW_KEY),
                block_login_statuses=optional("BLOCK_LOGIN_STATUSES", _statuses, frozenset({Status.REJECTED})),
                on_rejected=optional("ON_REJECTED", _one_of(OnRejected), OnRejected.REVOKE),
                assurance_table=optional("ASSURANCE_TABLE", _table, shipped_table()),
                max_starts_per_day=optional("MAX_STARTS_PER_DAY", _number(1, 1000), 5),
            ),
            links=LinkSettings(
                public_url=reader.perhaps("PUBLIC_URL", _public_url),
                secrets=callback_secrets,
                max_age=optional("LINK_MAX_AGE", _duration, timedelta(days=7)),
            ),
            server=ServerSettings(
                bind_address=optional("BIND_ADDRESS", _address, "0.0.0.0"),  # noqa: S104  # a container's port
                port=optional("PORT", _number(1, 65535), 3000),
                workers=optional("WEB_CONCURRENCY", _number(1, 256), 1),
            ),
            log=LogSettings(
                format=optional("LOG_FORMAT", _choice("json", "text"), "json"),
                level=optional("LOG_LEVEL", _choice("debug", "info", "warning", "error"), "info"),
            ),
        )
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings

    @classmethod
    def load(cls) -> "Settings":
        """From the environment, which wins, and a `.env` file in the working directory.

        :raises SettingsError: see `from_mapping`.
        """
        return cls.from_mapping({**dotenv_values(".env", interpolate=False), **os.environ})


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, mapping: Mapping[str, str | None]) -> None:
        self._mapping = mapping
        self.problems: list[str] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        if not (self._mapping.get(name) or "").strip():
            self.problems.append(f"{name} is missing")
        return self.optional(name, parse, cast("T", None))  # which nobody gets to see: a problem was noted

    def perhaps(self, name: str, parse: Callable[[str], T]) -> T | None:
        return self.optional(name, parse, cast("T", None))

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = (self._mapping.get(name) or "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return default


def _secrets(text: str) -> tuple[bytes, ...]:
    """Secrets that the operator makes up: long enough that nobody guesses them."""
    secrets = tuple(_given(part.strip()).encode() for part in text.split(","))
    if not all(secrets):
        raise ValueError("has an empty secret in its comma-separated list")
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ValueError(f"has a secret shorter than {SHORTEST_SECRET} characters, which can be guessed; {_GENERATE}")
    return secrets


def _given(text: str) -> str:
    """A secret that somebody gave us; an environment variable may hold any bytes, shown as lone surrogates."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("is not UTF-8")
    if text in EXAMPLES:
        raise ValueError(f"is still the one of .env.example, which everybody knows; {_GENERATE}")
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not _PRINTABLE.fullmatch(text) or " " in text:
        raise ValueError("is not a http(s) URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment")
    return text.rstrip("/")


def _kratos_url(text: str) -> str:
    return _url(text).removesuffix("/admin")


def _jumio_url(text: str) -> str:
    _url(text)
    if urlsplit(text).scheme != "https" or len(text) > _JUMIO_URL_MAX:
        raise ValueError(f"must be a https URL of at most {_JUMIO_URL_MAX} characters")
    return text


def _public_url(text: str) -> str:
    """Jumio calls back only https URLs with a name, without a port; loopback is for the sandbox."""
    url = _url(text)
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost":
            return url
        if parts.scheme != "https" or parts.port is not None:
            raise ValueError("must be https and without a port: Jumio calls back no other") from None
    else:
        if not address.is_loopback:
            raise ValueError("must have a host name: Jumio calls back no IP address")
    if len(url) + _CALLBACK_PATH_MAX > _JUMIO_URL_MAX:
        raise ValueError(f"is too long: at most {_JUMIO_URL_MAX - _CALLBACK_PATH_MAX} characters")
    return url


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an IP address") from None


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"is not a number from {low} to {high}")
        return int(text)

    return parse


def _header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("is not the name of a header")
    return text


def _header_value(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be printable ASCII")
    return text


def _workflow_key(text: str) -> int | str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be printable ASCII")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text


def _token_lifetime(text: str) -> str:
    match = _TOKEN_LIFETIME.fullmatch(text)
    if not match or not 300 <= int(match[1]) * _SECONDS[match[2]] <= 60 * 86400:
        raise ValueError("is not a duration from 5m to 60d, such as 30m")
    return text


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("is not a locale such as en or en-GB")
    return text


def _statuses(text: str) -> frozenset[Status]:
    names = [part.strip() for part in text.split(",")]
    known = [status.value for status in Status]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"has an unknown status ({', '.join(unknown)}); known are {', '.join(known)}")
    return frozenset(Status(name) for name in names)


def shipped_table() -> Table:
    """The assurance table of the package, `webhook/assurance.toml`."""
    return parse_table(Path(__file__).with_name("assurance.toml").read_text())


def _table(text: str) -> Table:
    try:
        return parse_table(Path(text).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {type(error).__name__}") from None


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text, "it")
    except Malformed:
        raise ValueError("is not a duration such as 7d, 12h or 30m") from None


def _one_of(kind: type[OnRejected]) -> Callable[[str], OnRejected]:
    def parse(text: str) -> OnRejected:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"is not one of {', '.join(kind)}") from None

    return parse


def _choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"is not one of {', '.join(names)}")
        return text.lower()

    return parse
