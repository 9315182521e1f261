# SPDX-License-Identifier: Apache-2.0
"""Whether anybody listens at a URL's host and port; a connection is made, and nothing is sent."""

import socket
from urllib.parse import urlsplit

CONNECT_SECONDS = 3.0
UNKNOWN_NAME = "nobody knows the name"
_PORTS = {"http": 80, "https": 443}


def address_of(url: str) -> tuple[str, int] | None:
    """Host and port, None where the URL has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def why_unreachable(address: tuple[str, int]) -> str | None:
    """Why there is no connection from this machine, None where there is one."""
    try:
        socket.create_connection(address, timeout=CONNECT_SECONDS).close()
    except (socket.gaierror, UnicodeError):  # UnicodeError: a name that DNS cannot hold
        return UNKNOWN_NAME
    except OSError as error:
        return getattr(error, "strerror", None) or "no answer"
    return None
