# SPDX-License-Identifier: Apache-2.0
"""The settings, read once from a mapping and checked all together. Nothing else reads the environment."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values

from webhook import __version__
from webhook.core.assurance import Table, parse_duration
from webhook.core.assurance_table import parse_table
from webhook.core.status import OnRejected, Status
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
_CALLBACK_PATH_MAX = len("/jumio/callback/") + 36 + 1 + 43


class SettingsError(Exception):
    """Settings are missing or malformed; `problems` has one sentence each, none of which holds a value of a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the service, checked. Secrets are bytes and stay out of `repr`."""

    ory_webhook_secrets: tuple[bytes, ...] = field(repr=False)
    kratos_admin_url: str
    ory_api_key: str | None = field(repr=False)
    jumio_auth_url: str
    jumio_api_base_url: str
    jumio_client_id: str = field(repr=False)
    jumio_client_secret: str = field(repr=False)
    jumio_callback_secrets: tuple[bytes, ...] = field(repr=False)
    bind_address: str
    port: int
    web_concurrency: int
    public_url: str | None
    jumio_workflow_key: int | str
    jumio_signature_header: str
    jumio_user_agent: str
    jumio_token_lifetime: str | None
    jumio_success_url: str | None
    jumio_error_url: str | None
    jumio_locale: str | None
    jumio_reauth_workflow_key: int | str
    block_login_statuses: frozenset[Status]
    on_rejected: OnRejected
    assurance_table: Table
    max_starts_per_day: int
    link_max_age: timedelta
    log_format: str
    log_level: str

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str | None]) -> "Settings":
        """Read and check every setting; an empty value counts as not set.

        :raises SettingsError: naming everything that is wrong, at once.
        """
        reader = _Reader(mapping)
        settings = {
            "ory_webhook_secrets": reader.required("ORY_WEBHOOK_SECRET", _secrets),
            "kratos_admin_url": reader.required("KRATOS_ADMIN_URL", _kratos_url),
            "ory_api_key": reader.optional("ORY_API_KEY", _header_value, None),
            "jumio_auth_url": reader.required("JUMIO_AUTH_URL", _url),
            "jumio_api_base_url": reader.required("JUMIO_API_BASE_URL", _url),
            "jumio_client_id": reader.required("JUMIO_CLIENT_ID", _secret),
            "jumio_client_secret": reader.required("JUMIO_CLIENT_SECRET", _secret),
            "jumio_callback_secrets": reader.required("JUMIO_CALLBACK_SECRET", _secrets),
            "bind_address": reader.optional("BIND_ADDRESS", _address, "0.0.0.0"),  # noqa: S104  # a container's port
            "port": reader.optional("PORT", _number(1, 65535), 3000),
            "web_concurrency": reader.optional("WEB_CONCURRENCY", _number(1, 256), 2),
            "public_url": reader.optional("PUBLIC_URL", _public_url, None),
            "jumio_workflow_key": reader.optional("JUMIO_WORKFLOW_KEY", _workflow_key, _DEFAULT_WORKFLOW_KEY),
            "jumio_signature_header": reader.optional("JUMIO_SIGNATURE_HEADER", _header_name, "X-Jumio-Signature"),
            "jumio_user_agent": reader.optional("JUMIO_USER_AGENT", _header_value, f"ory-jumio-webhook/{__version__}"),
            "jumio_token_lifetime": reader.optional("JUMIO_TOKEN_LIFETIME", _token_lifetime, None),
            "jumio_success_url": reader.optional("JUMIO_SUCCESS_URL", _jumio_url, None),
            "jumio_error_url": reader.optional("JUMIO_ERROR_URL", _jumio_url, None),
            "jumio_locale": reader.optional("JUMIO_LOCALE", _locale, None),
            "jumio_reauth_workflow_key": reader.optional(
                "JUMIO_REAUTH_WORKFLOW_KEY", _workflow_key, _DEFAULT_REAUTH_WORKFLOW_KEY
            ),
            "block_login_statuses": reader.optional("BLOCK_LOGIN_STATUSES", _statuses, frozenset({Status.REJECTED})),
            "on_rejected": reader.optional("ON_REJECTED", _one_of(OnRejected), OnRejected.REVOKE),
            "assurance_table": reader.optional("ASSURANCE_TABLE", _table, shipped_table()),
            "max_starts_per_day": reader.optional("MAX_STARTS_PER_DAY", _number(1, 1000), 5),
            "link_max_age": reader.optional("LINK_MAX_AGE", _duration, timedelta(days=7)),
            "log_format": reader.optional("LOG_FORMAT", _choice("json", "text"), "json"),
            "log_level": reader.optional("LOG_LEVEL", _choice("debug", "info", "warning", "error"), "info"),
        }
        if reader.problems:
            raise SettingsError(reader.problems)
        return cls(**settings)  # type: ignore[arg-type]  # every None was reported as a problem above

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

    def required(self, name: str, parse: Callable[[str], T]) -> T | None:
        if not (self._mapping.get(name) or "").strip():
            self.problems.append(f"{name} is missing")
            return None
        return self.optional(name, parse, None)

    def optional(self, name: str, parse: Callable[[str], T], default: T | None) -> T | None:
        text = (self._mapping.get(name) or "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return None


def _secrets(text: str) -> tuple[bytes, ...]:
    secrets = tuple(part.strip().encode() for part in _secret(text).split(","))
    if not all(secrets):
        raise ValueError("has an empty secret in its comma-separated list")
    return secrets


def _secret(text: str) -> str:
    """An environment variable may hold any bytes; Python shows those that are not UTF-8 as lone surrogates."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("is not UTF-8")
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
