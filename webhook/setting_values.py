# SPDX-License-Identifier: Apache-2.0
"""How each kind of setting is read from its text: a value, or a ValueError that says what is wrong with it.

No message holds a secret.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from webhook.core.assurance import Table
from webhook.core.assurance_table import parse_table
from webhook.core.status import Status
from webhook.core.times import parse_duration
from webhook.errors import Malformed

Word = TypeVar("Word", bound=StrEnum)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_TOKEN_LIFETIME = re.compile(r"(\d{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOCALE = re.compile(r"[A-Za-z]{2}(-[A-Za-z]{2})?")
# https://documentation.jumio.ai/docs/developer-resources/API/CreateUpdateAccounts/creating-and-updating-accounts
_JUMIO_URL_MAX = 255
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
_IS_EXAMPLE = "is still the one of .env.example, which everybody knows"
_GENERATE = "`openssl rand -hex 32` makes a good one"
_CALLBACK_PATH_MAX = len("/jumio/callback/") + 36 + 1 + 43


def secrets(text: str) -> tuple[bytes, ...]:
    """Secrets that the operator makes up: long enough that nobody guesses them."""
    parts = [part.strip() for part in text.split(",")]
    if EXAMPLES.intersection(parts):
        raise ValueError(f"{_IS_EXAMPLE}; {_GENERATE}")
    secrets = tuple(given(part).encode() for part in parts)
    if not all(secrets):
        raise ValueError("has an empty secret in its comma-separated list")
    if any(len(part) < SHORTEST_SECRET for part in parts):
        raise ValueError(f"has a secret shorter than {SHORTEST_SECRET} characters, which can be guessed; {_GENERATE}")
    return secrets


def given(text: str) -> str:
    """A secret that somebody gave us; an environment variable may hold any bytes, shown as lone surrogates."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("is not UTF-8")
    if text in EXAMPLES:
        raise ValueError(_IS_EXAMPLE)
    return text


def url(text: str) -> str:
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


def kratos_url(text: str) -> str:
    return url(text).removesuffix("/admin")


def jumio_url(text: str) -> str:
    url(text)
    if urlsplit(text).scheme != "https" or len(text) > _JUMIO_URL_MAX:
        raise ValueError(f"must be a https URL of at most {_JUMIO_URL_MAX} characters")
    return text


def public_url(text: str) -> str:
    """Jumio calls back only https URLs with a name, without a port; loopback is for the sandbox."""
    base = url(text)
    parts = urlsplit(base)
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost":
            return base
        if parts.scheme != "https" or parts.port is not None:
            raise ValueError("must be https and without a port: Jumio calls back no other") from None
    else:
        if not address.is_loopback:
            raise ValueError("must have a host name: Jumio calls back no IP address")
    if len(base) + _CALLBACK_PATH_MAX > _JUMIO_URL_MAX:
        raise ValueError(f"is too long: at most {_JUMIO_URL_MAX - _CALLBACK_PATH_MAX} characters")
    return base


def address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an IP address") from None


def number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"is not a number from {low} to {high}")
        return int(text)

    return parse


def header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("is not the name of a header")
    return text


def header_value(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be printable ASCII")
    return text


def workflow_key(text: str) -> int | str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be printable ASCII")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text


def token_lifetime(text: str) -> str:
    match = _TOKEN_LIFETIME.fullmatch(text)
    if not match or not 300 <= int(match[1]) * _SECONDS[match[2]] <= 60 * 86400:
        raise ValueError("is not a duration from 5m to 60d, such as 30m")
    return text


def locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("is not a locale such as en or en-GB")
    return text


def statuses(text: str) -> frozenset[Status]:
    names = [part.strip() for part in text.split(",")]
    known = [status.value for status in Status]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"has an unknown status ({', '.join(unknown)}); known are {', '.join(known)}")
    return frozenset(Status(name) for name in names)


def shipped_table() -> Table:
    """The assurance table of the package, `webhook/assurance.toml`."""
    return parse_table(Path(__file__).with_name("assurance.toml").read_text())


def table(text: str) -> Table:
    try:
        return parse_table(Path(text).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {type(error).__name__}") from None


def duration(text: str) -> timedelta:
    try:
        parsed = parse_duration(text, "it")
    except Malformed:
        raise ValueError("is not a duration such as 7d, 12h or 30m") from None
    if not parsed:
        raise ValueError("is no time at all; a duration is at least 1m")
    return parsed


def one_of(kind: type[Word]) -> Callable[[str], Word]:
    def parse(text: str) -> Word:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"is not one of {', '.join(kind)}") from None

    return parse


def choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"is not one of {', '.join(names)}")
        return text.lower()

    return parse
