# SPDX-License-Identifier: Apache-2.0
"""How sure we are who somebody is: the shipped table row by row, the level, its decay, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import FACE_CHECKS, NOW, PASSED_CHECKS, TABLE, assured

from core.evidence import EXPIRES, REQUIRED_FOR, aged, check, evidence, level, with_check, without
from webhook.core.assurance import Assurance, Decay, Table, decay, effective_level, level_of, with_steps
from webhook.core.evidence import Evidence
from webhook.core.times import to_text
from webhook.settings import shipped_table

# --- the shipped table ---


def test_the_shipped_table_is_the_contracts() -> None:
    assert shipped_table() == TABLE
    assert [(row.level, row.name) for row in TABLE.levels] == [(1, "contact"), (2, "document"), (3, "person")]
    assert (TABLE.warning_cap, TABLE.highest, TABLE.version) == (2, 3, "2026-11")
    assert [TABLE.name_of(number) for number in (-1, 0, 1, 2, 3, 4)] == [
        "none", "none", "contact", "document", "person", "none"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("verified_address", "expected"),
    [(True, 1), (False, 0)],
)
def test_without_a_document_a_verified_address_is_level_1(verified_address: bool, expected: int) -> None:
    nothing = evidence(
        execution=None, checks=(), document_type=None, document_expires_at=None, verified_address=verified_address
    )
    assert level(nothing) == expected


def test_everything_passed_is_level_3_with_or_without_a_verified_address() -> None:
    assert level(evidence()) == level(evidence(verified_address=False)) == 3


@pytest.mark.parametrize("execution", [None, "NOT_EXECUTED", "SOMETHING_NEW", "passed", ""])
def test_an_execution_that_has_not_passed_is_no_document_level(execution: str | None) -> None:
    assert level(evidence(execution=execution)) == 1
    assert level(evidence(execution=execution, verified_address=False)) == 0


@pytest.mark.parametrize(("capability", "row"), REQUIRED_FOR.items())
@pytest.mark.parametrize("decision", [None, "NOT_EXECUTED", "SOMETHING_NEW", "passed"])
def test_each_capability_that_did_not_pass_is_not_met(capability: str, row: int, decision: str | None) -> None:
    below = 1 if row == 2 else 2
    assert level(evidence(checks=with_check(check(capability, decision, "MATCH")))) == below
    assert level(evidence(checks=without(capability))) == below
    assert level(evidence(checks=without(capability), verified_address=False)) == (0 if row == 2 else 2)


@pytest.mark.parametrize("label", [None, "OK", "NO_MATCH", "NOT_POSSIBLE", "match"])
def test_a_similarity_that_is_no_match_is_not_met(label: str | None) -> None:
    assert level(evidence(checks=with_check(check("similarity", "PASSED", label)))) == 2


@pytest.mark.parametrize("capability", REQUIRED_FOR)
def test_a_capability_that_ran_twice_must_have_passed_twice(capability: str) -> None:
    [passed] = [each for each in PASSED_CHECKS if each.capability == capability]
    assert level(evidence(checks=(*PASSED_CHECKS, passed))) == 3
    again = replace(passed, decision="NOT_EXECUTED")
    assert level(evidence(checks=(*PASSED_CHECKS, again))) == (1 if REQUIRED_FOR[capability] == 2 else 2)


@pytest.mark.parametrize("capability", [*REQUIRED_FOR, "watchlistScreening", "somethingNew"])
def test_a_warning_anywhere_caps_and_a_rejection_anywhere_is_0(capability: str) -> None:
    others = without(capability)
    optional = capability not in REQUIRED_FOR
    warned = level(evidence(checks=(*others, check(capability, "WARNING", "ALERT"))))
    assert warned == (2 if optional or REQUIRED_FOR[capability] == 3 else 1)
    assert level(evidence(checks=(*others, check(capability, "REJECTED", "DENY")))) == 0


def test_a_warning_caps_at_what_the_table_says() -> None:
    table = replace(TABLE, warning_cap=1)
    assert level(evidence(checks=(*PASSED_CHECKS, check("watchlistScreening", "WARNING"))), table) == 1
    assert level(evidence(), table) == 3
    assert level(evidence(checks=(*PASSED_CHECKS, check("x", "WARNING"))), replace(TABLE, warning_cap=0)) == 0
    assert level(evidence(checks=(*PASSED_CHECKS, check("x", "WARNING"))), replace(TABLE, warning_cap=3)) == 3


@pytest.mark.parametrize(("execution", "expected"), [("WARNING", 1), ("REJECTED", 0)])
def test_the_decision_on_the_whole_execution_caps_too(execution: str, expected: int) -> None:
    assert level(evidence(execution=execution)) == expected


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        (None, 3),  # no date is printed on it
        (NOW + timedelta(milliseconds=1), 3),
        (NOW, 1),
        (NOW - timedelta(days=1), 1),
    ],
)
def test_an_expired_document_is_no_document(expires_at: datetime | None, expected: int) -> None:
    assert level(evidence(document_expires_at=expires_at)) == expected


def test_a_look_at_the_face_alone_is_no_document_level() -> None:
    seen = evidence(checks=FACE_CHECKS, document_type=None, document_expires_at=None)
    assert level(seen) == 1


# --- decay ---


def effective(
    assurance: Assurance | None,
    table: Table = TABLE,
    *,
    verified_address: bool = False,
    overdue: bool = False,
    now: datetime = NOW,
) -> int:
    return effective_level(table, assurance, verified_address=verified_address, overdue=overdue, now=now)


@pytest.mark.parametrize("recorded", [0, 1, 2, 3])
def test_a_fresh_level_is_what_was_recorded(recorded: int) -> None:
    assert effective(assured(recorded)) == recorded
    assert effective(assured(recorded), verified_address=True) == max(recorded, 1)


def test_without_a_record_there_is_at_most_a_contact() -> None:
    assert (effective(None), effective(None, verified_address=True)) == (0, 1)


@pytest.mark.parametrize(("recorded", "left"), [(3, 1), (2, 1), (1, 1), (0, 0)])
@pytest.mark.parametrize("after", [timedelta(0), timedelta(milliseconds=1), timedelta(days=4000)])
def test_a_level_with_a_document_ends_when_the_document_does(recorded: int, left: int, after: timedelta) -> None:
    assurance = assured(recorded, expires_at=to_text(EXPIRES))
    assert effective(assurance, now=EXPIRES - timedelta(milliseconds=1)) == recorded
    assert effective(assurance, now=EXPIRES + after) == left


VERIFIED_AT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ages", "days", "left"),
    [
        ({"person": 365}, 364, 3),
        ({"person": 365}, 366, 2),
        ({"person": 365, "document": 730}, 729, 2),
        ({"person": 365, "document": 730}, 731, 1),
        ({"document": 90}, 89, 3),
        ({"document": 90}, 91, 1),  # what a level includes must be fresh too
        ({"document": 90, "person": 365}, 91, 1),
        ({}, 40_000, 3),
    ],
)
def test_a_level_ends_at_its_age_and_at_that_of_what_it_includes(ages: dict[str, int], days: int, left: int) -> None:
    assert effective(assured(3), aged(**ages), now=VERIFIED_AT + timedelta(days=days)) == left


def test_to_the_moment() -> None:
    table = aged(person=1)
    assert effective(assured(3), table, now=VERIFIED_AT + timedelta(days=1, milliseconds=-1)) == 3
    assert effective(assured(3), table, now=VERIFIED_AT + timedelta(days=1, milliseconds=1)) == 2


@pytest.mark.parametrize("verified_at", [None, "", "some day"])
def test_a_level_of_an_unknown_age_counts_as_too_old_only_where_an_age_is_set(verified_at: str | None) -> None:
    assert effective(assured(3, verified_at=verified_at)) == 3
    assert effective(assured(3, verified_at=verified_at), aged(person=365)) == 2


@pytest.mark.parametrize(("recorded", "left"), [(3, 1), (2, 1), (1, 1), (0, 0)])
def test_overdue_is_level_1_at_most(recorded: int, left: int) -> None:
    assert effective(assured(recorded), overdue=True) == left


def test_a_level_that_the_table_no_longer_has_is_its_highest() -> None:
    assert effective(assured(9)) == 3
    assert effective(assured(-7)) == 0


# --- the steps of the decay ---


EXPIRES_TEXT, EXPIRES_SECOND = "2026-06-01T00:00:00.000Z", 1780272000
PERSON_ENDS, DOCUMENT_ENDS = VERIFIED_AT + timedelta(days=365), VERIFIED_AT + timedelta(days=730)


@pytest.mark.parametrize(
    ("assurance", "table", "steps"),
    [
        (assured(3), TABLE, []),
        (assured(1, expires_at=EXPIRES_TEXT), aged(document=730), []),
        (assured(2, expires_at=EXPIRES_TEXT), TABLE, [(datetime(2026, 6, 1, tzinfo=UTC), 1, "document")]),
        (assured(3), aged(person=365, document=730), [(PERSON_ENDS, 2, "age"), (DOCUMENT_ENDS, 1, "age")]),
        (assured(2), aged(person=365, document=730), [(DOCUMENT_ENDS, 1, "age")]),
        (
            assured(3, expires_at=EXPIRES_TEXT),
            aged(person=365),
            [(datetime(2026, 6, 1, tzinfo=UTC), 1, "document"), (PERSON_ENDS, 2, "age")],
        ),
    ],
)
def test_how_a_level_falls_the_next_first(
    assurance: Assurance, table: Table, steps: list[tuple[datetime, int, str]]
) -> None:
    assert decay(table, assurance) == [Decay(at=at, level=left, because=why) for at, left, why in steps]


@pytest.mark.parametrize("odd", ["", "some day", "2026-13-01T00:00:00Z", "2026-06-01T00:00:00"])
def test_a_time_that_cannot_be_read_has_passed(odd: str) -> None:
    [document] = decay(TABLE, assured(3, expires_at=odd))
    [age] = decay(aged(person=365), assured(3, verified_at=odd))
    assert document.at == age.at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_time_at_the_end_of_all_calendars_can_be_read_too() -> None:
    [age] = decay(aged(person=365), assured(3, verified_at="9999-12-31T23:59:59.999Z"))
    assert age.at.year == 9999


def test_the_steps_in_the_record_are_plain_numbers() -> None:
    written = with_steps(aged(person=365), assured(3, expires_at=EXPIRES_TEXT)).steps
    assert [(step.at, step.level, step.name) for step in written] == [
        (EXPIRES_SECOND, 1, "contact"),
        (int(PERSON_ENDS.timestamp()), 2, "document"),
    ]


def test_a_step_within_a_second_is_taken_at_the_end_of_it() -> None:
    """So that no reader of whole seconds sees a level fall before it does."""
    [step] = with_steps(TABLE, assured(3, expires_at="2026-05-31T23:59:59.001Z")).steps
    assert step.at == EXPIRES_SECOND


# --- what always holds ---


CHECKS = st.lists(
    st.builds(
        check,
        st.sampled_from([*REQUIRED_FOR, "authentication", "watchlistScreening"]),
        st.sampled_from(["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED", None]),
        st.sampled_from(["OK", "MATCH", "ALERT", None]),
    ),
    max_size=9,
).map(tuple)
EVIDENCE = st.builds(
    evidence,
    execution=st.sampled_from(["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED", None]),
    checks=CHECKS | st.just(PASSED_CHECKS),
    document_type=st.sampled_from(["ID_CARD", "VISA", None]),
    document_expires_at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    verified_address=st.booleans(),
)
AGES = st.fixed_dictionaries({}, optional={name: st.integers(1, 2000) for name in ("document", "person")})
TABLES = st.builds(
    lambda ages, cap, documents: replace(
        aged(**ages),
        warning_cap=cap,
        levels=tuple(
            replace(row, documents=documents) if row.name == "document" else row for row in aged(**ages).levels
        ),
    ),
    AGES,
    st.integers(0, 3),
    st.sampled_from([(), ("ID_CARD", "PASSPORT")]),
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
TEXT_MOMENTS = st.none() | MOMENTS.map(to_text) | st.just("some day")


def assurances(highest: int) -> st.SearchStrategy[Assurance]:
    return st.builds(
        Assurance,
        level=st.integers(0, highest),
        name=st.just("x"),
        verified_at=TEXT_MOMENTS,
        expires_at=TEXT_MOMENTS,
        table=st.just("x"),
    )


EVIDENCE_MEMBERS = ("execution", "checks", "document_type", "document_expires_at", "verified_address")


@given(table=TABLES, given_=EVIDENCE, now=MOMENTS, data=st.data())
def test_more_evidence_never_lowers_a_level(table: Table, given_: Evidence, now: datetime, data: st.DataObject) -> None:
    """A check that failed and now passed, one that had not run, the execution, the address, a longer validity."""
    better = [
        {"checks": tuple(PASSED.get(each.capability, each) if index == at else each
                         for index, each in enumerate(given_.checks))}
        for at in range(len(given_.checks))
    ]  # fmt: skip
    ran = {each.capability for each in given_.checks}
    better += [{"checks": (*given_.checks, each)} for name, each in PASSED.items() if name not in ran]
    better += [{"execution": "PASSED"}, {"verified_address": True}, {"document_expires_at": None}]
    known = {name: getattr(given_, name) for name in EVIDENCE_MEMBERS}
    more = evidence(**{**known, **data.draw(st.sampled_from(better))})
    assert level_of(table, more, now=now) >= level_of(table, given_, now=now)


PASSED = {each.capability: each for each in (*PASSED_CHECKS, *FACE_CHECKS, check("watchlistScreening"))}


@given(table=TABLES, given_=EVIDENCE, now=MOMENTS)
def test_a_rejection_and_a_warning_hold_whatever_else_there_is(table: Table, given_: Evidence, now: datetime) -> None:
    decisions = {given_.execution, *(each.decision for each in given_.checks)}
    reached = level_of(table, given_, now=now)
    assert 0 <= reached <= table.highest
    if "REJECTED" in decisions:
        assert reached == 0
    if "WARNING" in decisions:
        assert reached <= table.warning_cap


@given(
    table=TABLES,
    assurance=st.none() | assurances(5),
    verified_address=st.booleans(),
    overdue=st.booleans(),
    now=MOMENTS,
    later=st.timedeltas(timedelta(0), timedelta(days=4000)),
)
def test_time_never_raises_a_level_and_nothing_exceeds_what_was_recorded(
    table: Table, assurance: Assurance | None, verified_address: bool, overdue: bool, now: datetime, later: timedelta
) -> None:
    def at(moment: datetime, **changed: bool) -> int:
        values = {"verified_address": verified_address, "overdue": overdue, **changed}
        return effective_level(table, assurance, now=moment, **values)

    recorded = 0 if assurance is None else assurance.level
    assert at(now + later) <= at(now)
    assert at(now) <= (max(recorded, 1) if verified_address else recorded)
    assert at(now, overdue=True) <= at(now, overdue=False)
    assert at(now, overdue=True) <= 1
    assert at(now, verified_address=False) <= at(now, verified_address=True)


@given(table=TABLES, assurance=assurances(3), now=MOMENTS)
def test_whoever_reads_only_the_steps_sees_the_same_level(table: Table, assurance: Assurance, now: datetime) -> None:
    """As jsonnet/session-token.jsonnet does, by whole seconds."""
    now = now.replace(microsecond=0)
    steps = with_steps(table, assurance).steps
    seen = min([assurance.level, *(step.level for step in steps if step.at <= now.timestamp())])
    assert seen == effective_level(table, assurance, verified_address=False, overdue=False, now=now)
