# SPDX-License-Identifier: Apache-2.0
"""The URL of a Valkey or Redis, taken apart. No message holds any part of it, since that may be the password."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_DATABASE = re.compile(r"[0-9]{1,4}")
_PORT = 6379


@dataclass(frozen=True, kw_only=True)
class ValkeyUrl:
    """Where it is: a host and a port, or else the path of a unix socket; and as whom to use which of its databases."""

    host: str = ""
    port: int = _PORT
    path: str = ""
    tls: bool = False
    # A file of certificate authorities to trust instead of the system's.
    ca_certs: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0


def parse(text: str) -> ValkeyUrl:
    """As https://www.iana.org/assignments/uri-schemes/prov/redis has it, and valkey-py for unix sockets.

    `redis[s]://[[user]:password@]host[:port][/database][?ssl_ca_certs=file]`, the same with `valkey[s]`, and
    `unix://[[user]:password@]/path[?db=database]`.

    :raises ValueError: what is wrong with it.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL, or has a port that is none") from None
    if not _PRINTABLE.fullmatch(text) or parts.scheme not in (*_SCHEMES, "unix"):
        raise ValueError("is not a redis, rediss, valkey, valkeys or unix URL")
    if parts.fragment:
        raise ValueError("has a fragment; a # in a password is written %23")
    username, password = _credentials(parts)
    if parts.scheme == "unix":
        options = _options(parts, {"db"})
        if parts.hostname or port is not None or not parts.path.startswith("/"):
            raise ValueError("must name a socket by its whole path, unix:///run/valkey.sock")
        database = _database(options.get("db", ""))
        return ValkeyUrl(path=unquote(parts.path), username=username, password=password, database=database)
    tls = _SCHEMES[parts.scheme]
    options = _options(parts, {"ssl_ca_certs"} if tls else set())
    if not parts.hostname or port == 0:
        raise ValueError("must name a host, and a port from 1 to 65535 where it names one")
    return ValkeyUrl(
        host=parts.hostname,
        port=port or _PORT,
        tls=tls,
        ca_certs=_readable(options.get("ssl_ca_certs")),
        username=username,
        password=password,
        database=_database(parts.path.removeprefix("/")),
    )


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    if parts.username and not parts.password:
        raise ValueError("has a user name without a password; a password alone is written :password@")
    return unquote(parts.username or "") or None, unquote(parts.password or "") or None


def _options(parts: SplitResult, known: set[str]) -> dict[str, str]:
    given = parse_qs(parts.query, keep_blank_values=True)
    if not set(given) <= known or any(len(values) > 1 for values in given.values()):
        raise ValueError(f"has another option than {' and '.join(known) or 'none'}, or one twice")
    return {name: values[0] for name, values in given.items()}


def _database(text: str) -> int:
    if text and not _DATABASE.fullmatch(text):
        raise ValueError("names a database that is no number")
    return int(text or 0)


def _readable(path: str | None) -> str | None:
    """The path of a file that is there; whoever may not read it learns so at start too."""
    if path is not None:
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise ValueError(f"names certificate authorities that cannot be read: {type(error).__name__}") from None
    return path
