# SPDX-License-Identifier: Apache-2.0
"""Instants as they stand in records, and durations as policies write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from webhook.core.times import duration_text, from_text, parse_duration, to_text
from webhook.errors import Malformed

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


# --- durations ---


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0d", timedelta(0)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("007d", timedelta(days=7)),
        ("99999d", timedelta(days=99999)),
    ],
)
def test_a_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text, "it") == duration


@pytest.mark.parametrize(
    "odd",
    ["", "90", "d", "90 d", " 90d", "90d ", "90D", "-1d", "1.5d", "1w", "1s", "90d\n", "1d12h", "123456d", "٩٠d",
     None, 90, 0, 1.5, True, [], {}, ["90d"]],
    ids=repr,
)  # fmt: skip
def test_whatever_is_no_duration_is_malformed_by_its_name(odd: object) -> None:
    with pytest.raises(Malformed, match="due_in must be a duration such as 90d, 12h or 30m"):
        parse_duration(odd, "due_in")


@pytest.mark.parametrize("text", ["90d", "1d", "12h", "25h", "30m", "61m", "99999d"])
def test_a_duration_is_written_as_policies_write_it(text: str) -> None:
    assert duration_text(parse_duration(text, "it")) == text


@pytest.mark.parametrize(("text", "shorter"), [("48h", "2d"), ("120m", "2h"), ("1440m", "1d"), ("0m", "0d")])
def test_a_duration_is_written_in_its_greatest_unit(text: str, shorter: str) -> None:
    assert duration_text(parse_duration(text, "it")) == shorter
