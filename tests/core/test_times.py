# SPDX-License-Identifier: Apache-2.0
"""Instants in records."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from webhook.core.times import from_text, to_text

INSTANT = datetime(2026, 3, 2, 18, 48, 37, 319000, tzinfo=UTC)


def test_an_instant_is_written_in_utc_with_milliseconds_and_a_z() -> None:
    assert to_text(INSTANT) == "2026-03-02T18:48:37.319Z"


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    assert to_text(INSTANT.astimezone(timezone(timedelta(hours=-8)))) == "2026-03-02T18:48:37.319Z"


def test_microseconds_are_cut_and_whole_seconds_keep_their_zeros() -> None:
    assert to_text(INSTANT.replace(microsecond=999999)) == "2026-03-02T18:48:37.999Z"
    assert to_text(INSTANT.replace(microsecond=0)) == "2026-03-02T18:48:37.000Z"


@pytest.mark.parametrize(
    "text", ["2026-03-02T18:48:37.319Z", "2026-03-02T19:48:37.319+01:00", "2026-03-02 18:48:37.319+00:00"]
)
def test_every_form_with_a_zone_is_read(text: str) -> None:
    assert from_text(text) == INSTANT
    assert from_text(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        1772477317,
        True,
        [],
        {},
        "",
        "yesterday",
        "2026-03-02",
        "2026-03-02T18:48:37.319",
        "2026-13-02T18:48:37Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "٢٠٢٦-03-02T18:48:37Z",
    ],
)
def test_whatever_is_not_an_instant_with_a_zone_is_none(text: object) -> None:
    assert from_text(text) is None
