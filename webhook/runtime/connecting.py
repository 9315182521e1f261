# SPDX-License-Identifier: Apache-2.0
"""Connecting within a time. A socket that is given up, or broken off, is closed."""

import errno
import socket
import time
from collections.abc import Sequence
from typing import Any

Address = tuple[socket.AddressFamily, Any]


def connected_to_first(addresses: Sequence[Address], *, seconds: float) -> socket.socket:
    """A connection to the first of them that answers.

    Each may use its share of what is left, so that one that is silent leaves time for the next.

    :raises OSError: none does, or there is none.
    """
    ends_at = time.monotonic() + seconds
    failed = OSError(errno.EADDRNOTAVAIL, "the name has no address")
    for tried, address in enumerate(addresses):
        left = ends_at - time.monotonic()
        try:
            return connected(address, seconds=max(left / (len(addresses) - tried), 0.001))
        except OSError as error:
            failed = error
    raise failed


def connected(address: Address, *, seconds: float) -> socket.socket:
    """A connection to the address, with these seconds as its timeout.

    :raises OSError: it cannot be made.
    """
    family, where = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family is not socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.settimeout(seconds)
        made.connect(where)
    except BaseException:
        made.close()
        raise
    return made
