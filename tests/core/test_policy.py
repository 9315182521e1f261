# SPDX-License-Identifier: Apache-2.0
"""Policies: what is one, what is demanded, what meets it, and when a look at the face would be enough."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, TABLE, assured

from core.evidence import aged
from webhook.core.assurance import Assurance, Table
from webhook.core.policy import Policy, Standing, Unmet, is_met_by_renewal, judge, parse_policy
from webhook.core.status import Status
from webhook.errors import Malformed

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("given_", "policy"),
    [
        ({}, Policy()),
        ({"min_level": 0}, Policy(min_level=0)),
        ({"min_level": 3}, Policy(min_level=3)),
        ({"min_level": None}, Policy()),
        ({"max_age": "90d"}, Policy(max_age=timedelta(days=90))),
        ({"max_age": "12h"}, Policy(max_age=timedelta(hours=12))),
        ({"max_age": "0m"}, Policy(max_age=timedelta(0))),
        ({"max_age": None}, Policy()),
        ({"on_unmet": "block"}, Policy()),
        ({"on_unmet": "start"}, Policy(start_when_unmet=True)),
        ({"block_statuses": []}, Policy(block_statuses=frozenset())),
        ({"block_statuses": ["rejected", "none", "none"]},
         Policy(block_statuses=frozenset({Status.REJECTED, Status.NONE}))),
        ({"block_statuses": list(Status)}, Policy(block_statuses=frozenset(Status))),
        (
            {"block_statuses": ["review"], "min_level": 2, "max_age": "30m", "on_unmet": "start"},
            Policy(
                block_statuses=frozenset({Status.REVIEW}),
                min_level=2,
                max_age=timedelta(minutes=30),
                start_when_unmet=True,
            ),
        ),
    ],
)  # fmt: skip
def test_a_policy_is_parsed(given_: object, policy: Policy) -> None:
    assert parse_policy(given_, highest=3) == policy


MALFORMED_POLICIES: list[tuple[object, str]] = [
    *((odd, "policy must be an object") for odd in (None, "", "x", 0, 3, True, [], [{}])),
    ({"min_levle": 3}, "unknown members: min_levle"),
    ({"b": 1, "a": 1, "min_level": 1}, "unknown members: a, b"),
    ({"": 1}, "unknown members"),
    *(({"min_level": odd}, "min_level must be a level from 0 to 3")
      for odd in (-1, 4, 10**30, 1.0, 2.5, True, False, "3", "", [], {}, [3])),
    *(({"max_age": odd}, "max_age must be a duration") for odd in ("", "90", "1w", 90, True, [])),
    *(({"on_unmet": odd}, "on_unmet must be block or start")
      for odd in (None, "", "Block", "start ", "allow", 0, 1, True, [], {}, ["start"])),
    *(({"block_statuses": odd}, "block_statuses must be a list of")
      for odd in (None, "", "rejected", 0, True, {}, {"rejected": True}, [""], ["REJECTED"], ["rejected", "x"], [None],
                  [1], [["rejected"]], [{}])),
]  # fmt: skip


@pytest.mark.parametrize(("odd", "said"), MALFORMED_POLICIES, ids=str)
def test_a_malformed_policy_is_named(odd: object, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_policy(odd, highest=3)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_message_of_a_malformed_policy_stays_short() -> None:
    with pytest.raises(Malformed) as caught:
        parse_policy({f"member-{number}": 1 for number in range(1000)}, highest=3)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("highest", [1, 2, 4])
def test_a_level_that_the_table_does_not_have_can_not_be_demanded(highest: int) -> None:
    assert parse_policy({"min_level": highest}, highest=highest).min_level == highest
    with pytest.raises(Malformed, match=f"from 0 to {highest}"):
        parse_policy({"min_level": highest + 1}, highest=highest)


OLD, FRESH = NOW - timedelta(days=91), NOW - timedelta(days=90)


@pytest.mark.parametrize(
    ("policy", "standing", "unmet"),
    [
        (Policy(), (0, None, False), None),
        (Policy(), (0, None, True), None),
        (Policy(min_level=0), (0, None, False), None),
        (Policy(min_level=0), (0, None, True), None),
        (Policy(min_level=1), (0, None, False), Unmet.LEVEL),
        (Policy(min_level=1), (1, None, False), None),
        (Policy(min_level=1), (1, None, True), None),  # an overdue re-verification leaves level 1
        (Policy(min_level=2), (1, None, False), Unmet.LEVEL),
        (Policy(min_level=2), (2, None, False), None),
        (Policy(min_level=2), (3, OLD, False), None),
        (Policy(min_level=2), (1, FRESH, True), Unmet.OVERDUE),
        (Policy(min_level=3), (2, FRESH, False), Unmet.LEVEL),
        (Policy(max_age=timedelta(days=90)), (3, FRESH, False), None),
        (Policy(max_age=timedelta(days=90)), (3, OLD, False), Unmet.AGE),
        (Policy(max_age=timedelta(days=90)), (0, None, False), Unmet.AGE),
        (Policy(max_age=timedelta(days=90)), (1, FRESH, True), Unmet.OVERDUE),
        (Policy(max_age=timedelta(days=90), min_level=0), (1, FRESH, True), Unmet.OVERDUE),
        (Policy(max_age=timedelta(days=90), min_level=3), (3, OLD, False), Unmet.AGE),
        (Policy(max_age=timedelta(days=90), min_level=3), (2, OLD, False), Unmet.LEVEL),
        (Policy(max_age=timedelta(days=90), min_level=3), (2, OLD, True), Unmet.OVERDUE),
        (Policy(max_age=timedelta(days=90), min_level=3), (3, FRESH, False), None),
        (Policy(block_statuses=frozenset(Status)), (0, None, True), None),  # statuses are another question
        (Policy(start_when_unmet=True), (0, None, True), None),
    ],
)
def test_what_a_policy_says(policy: Policy, standing: tuple[int, datetime | None, bool], unmet: Unmet | None) -> None:
    reached, verified_at, overdue = standing
    assert judge(policy, Standing(level=reached, verified_at=verified_at, overdue=overdue), now=NOW) is unmet


@given(
    min_level=st.none() | st.integers(0, 3),
    max_age=st.none() | st.timedeltas(timedelta(0), timedelta(days=4000)),
    reached=st.integers(0, 3),
    verified_at=st.none() | MOMENTS,
    overdue=st.booleans(),
    now=MOMENTS,
)
def test_what_is_admitted_meets_every_demand(
    min_level: int | None,
    max_age: timedelta | None,
    reached: int,
    verified_at: datetime | None,
    overdue: bool,
    now: datetime,
) -> None:
    policy = Policy(min_level=min_level, max_age=max_age)
    standing = Standing(level=reached, verified_at=verified_at, overdue=overdue)
    unmet = judge(policy, standing, now=now)
    if unmet is None:
        assert reached >= (min_level or 0)
        assert max_age is None or (verified_at is not None and now - verified_at <= max_age)
        assert not overdue or ((min_level or 0) <= 1 and max_age is None)
    if unmet is Unmet.OVERDUE:
        assert overdue
    higher = replace(standing, level=3, verified_at=now, overdue=False)
    assert judge(policy, higher, now=now) is None


@pytest.mark.parametrize(
    ("policy", "assurance", "table", "met"),
    [
        (Policy(max_age=timedelta(days=90)), assured(3), TABLE, True),
        (Policy(min_level=3), assured(3), TABLE, True),
        (Policy(min_level=3), assured(2), TABLE, False),
        (Policy(min_level=3), assured(3), aged(person=1), True),  # only its age was the matter
        (Policy(min_level=2), assured(3, expires_at="2026-01-01T00:00:00.000Z"), TABLE, False),
        (Policy(min_level=2), None, TABLE, False),
        (Policy(max_age=timedelta(days=90)), None, TABLE, False),
    ],
)
def test_whether_a_look_at_the_face_would_be_enough(
    policy: Policy, assurance: Assurance | None, table: Table, met: bool
) -> None:
    assert is_met_by_renewal(policy, assurance, table=table, now=NOW + timedelta(days=100)) is met
