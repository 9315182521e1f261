# SPDX-License-Identifier: Apache-2.0
"""Instants as they stand in records: RFC 3339, UTC, milliseconds, `Z`."""

from datetime import UTC, datetime


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
