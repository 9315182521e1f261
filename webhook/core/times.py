# SPDX-License-Identifier: Apache-2.0
"""Instants as they stand in records (RFC 3339, UTC, milliseconds, `Z`), and durations as policies write them."""

import re
from datetime import UTC, datetime, timedelta

from webhook.errors import Malformed

_DURATION = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def to_text(instant: datetime) -> str:
    """`2026-03-02T18:48:37.319Z`, the form Jumio uses too."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: object) -> datetime | None:
    """The instant, or None for whatever is not one with a time zone."""
    if not isinstance(text, str):
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return instant.astimezone(UTC) if instant.tzinfo else None
    except OverflowError:
        return None


def parse_duration(value: object, name: str) -> timedelta:
    """A duration such as `90d`, `12h` or `30m`.

    :raises Malformed: it is not one.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Malformed(f"{name} must be a duration such as 90d, 12h or 30m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def duration_text(duration: timedelta) -> str:
    """As policies write it: `90d`, `12h`, `30m`."""
    minutes = int(duration.total_seconds() // 60)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
