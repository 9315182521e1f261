# SPDX-License-Identifier: Apache-2.0
"""How sure we are who somebody is: the table row by row, the level, its decay, and what always holds of both."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import FACE_CHECKS, NOW, PASSED_CHECKS, TABLE, assured, settings_of

import webhook.settings
from webhook.core.assurance import Assurance, Table, effective_level, level_of
from webhook.core.assurance_table import parse_table
from webhook.core.evidence import Check, Evidence
from webhook.core.policy import Policy, Standing, Unmet, is_met_by_renewal, judge, parse_policy
from webhook.core.status import Status
from webhook.core.times import parse_duration, to_text
from webhook.errors import Malformed
from webhook.settings import SettingsError, shipped_table

EXPIRES = datetime(2030, 1, 2, tzinfo=UTC)


def evidence(**changed: Any) -> Evidence:
    """What a workflow that passed with a valid document brings, for somebody with a verified address."""
    values: dict[str, Any] = {
        "execution": "PASSED",
        "checks": PASSED_CHECKS,
        "document_type": "ID_CARD",
        "document_expires_at": EXPIRES,
        "verified_address": True,
    }
    return Evidence(**{**values, **changed})


def check(capability: str, decision: str | None = "PASSED", label: str | None = "OK", **data: Any) -> Check:
    return Check(capability=capability, decision=decision, label=label, data=data)


def with_check(changed: Check) -> tuple[Check, ...]:
    """The passed checks, one of them gone otherwise."""
    return tuple(changed if each.capability == changed.capability else each for each in PASSED_CHECKS)


def without(capability: str) -> tuple[Check, ...]:
    return tuple(each for each in PASSED_CHECKS if each.capability != capability)


def level(given: Evidence, table: Table = TABLE) -> int:
    return level_of(table, given, now=NOW)


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


REQUIRED_FOR = {
    "usability": 2, "imageChecks": 2, "extraction": 2, "dataChecks": 2, "similarity": 3, "liveness": 3,
}  # fmt: skip


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
    assert seen.is_face_check
    assert not evidence().is_face_check
    assert not evidence(checks=()).is_face_check
    assert not evidence(checks=(*PASSED_CHECKS, check("authentication"))).is_face_check
    assert not evidence(checks=(check("authentication", "NOT_EXECUTED"), check("liveness"))).is_face_check
    assert evidence(checks=(*FACE_CHECKS, check("extraction", "NOT_EXECUTED"))).is_face_check


# --- other tables ---


def shipped_text() -> str:
    return Path(webhook.settings.__file__).with_name("assurance.toml").read_text()


def test_the_example_of_a_level_4_in_the_shipped_table_works_as_it_stands() -> None:
    head, marker, example = shipped_text().partition("# [[levels]]\n")
    assert marker
    table = parse_table(
        head + "".join(line.removeprefix("# ") for line in (marker + example).splitlines(keepends=True))
    )
    assert (table.highest, table.name_of(4)) == (4, "chip")
    assert table.levels[:3] == TABLE.levels
    chip = check("extraction", "PASSED", "OK", nfcValidationResult="PASSED", firstName="JANE")
    screened = check("watchlistScreening")
    assert level(evidence(), table) == 3
    assert level(evidence(checks=(*with_check(chip), screened)), table) == 4
    assert level(evidence(checks=with_check(chip)), table) == 3
    assert level(evidence(checks=(*PASSED_CHECKS, screened)), table) == 3
    not_read = check("extraction", nfcValidationResult="NOT_EXECUTED")
    assert level(evidence(checks=(*with_check(not_read), screened)), table) == 3
    warned = evidence(checks=(*with_check(chip), check("watchlistScreening", "WARNING", "ALERT")))
    assert level(warned, table) == 2


def test_the_two_commented_settings_of_the_document_level_work_as_they_stand() -> None:
    text = (
        shipped_text().replace('# documents = ["PASSPORT"', 'documents = ["PASSPORT"').replace("# max_age", "max_age")
    )
    table = parse_table(text)
    assert table.levels[1].documents == ("PASSPORT", "ID_CARD", "DRIVING_LICENSE")
    assert [row.max_age for row in table.levels] == [None, timedelta(days=730), timedelta(days=365)]
    for kind, expected in (("PASSPORT", 3), ("ID_CARD", 3), ("VISA", 1), ("UNSUPPORTED", 1), (None, 1)):
        assert level(evidence(document_type=kind), table) == expected


def test_a_gap_below_stops_the_rise() -> None:
    text = 'version = "x"\nwarning_cap = 0\n' + "".join(
        f'[[levels]]\nlevel = {number}\nname = "{number}"\nrequire = [{{ capability = "c{number}" }}]\n'
        for number in (1, 2, 3, 4)
    )
    table = parse_table(text)
    ran = {number: check(f"c{number}", None, None) for number in (1, 2, 3, 4)}
    assert level(evidence(checks=tuple(ran.values())), table) == 4
    assert level(evidence(checks=(ran[1], ran[2], ran[4])), table) == 2
    assert level(evidence(checks=(ran[1], ran[3], ran[4])), table) == 1
    assert level(evidence(checks=(ran[2], ran[3], ran[4])), table) == 4, "whoever lacks level 1 may still reach more"


LEAST = 'version = "1"\nwarning_cap = 1\n[[levels]]\nlevel = 1\nname = "contact"\n'


def test_the_least_table_there_can_be() -> None:
    table = parse_table(LEAST)
    assert (table.highest, level(evidence(checks=()), table)) == (1, 1)


MALFORMED_TABLES = {
    "not TOML": ("version = ", "is not TOML"),
    "empty": ("", "lacks in the table: levels, version, warning_cap"),
    "no version": (LEAST.replace('version = "1"\n', ""), "lacks in the table: version"),
    "no cap": (LEAST.replace("warning_cap = 1\n", ""), "lacks in the table: warning_cap"),
    "no levels": ('version = "1"\nwarning_cap = 0\n', "lacks in the table: levels"),
    "an empty list of levels": ('version = "1"\nwarning_cap = 0\nlevels = []\n', "must have its levels in order"),
    "a version that is a number": (LEAST.replace('"1"', "1"), "has version in the table that is not of type str"),
    "a cap that is a text": (LEAST.replace("cap = 1", 'cap = "1"'), "has warning_cap in the table"),
    "a cap that is true": (LEAST.replace("cap = 1", "cap = true"), "has warning_cap in the table"),
    "a cap above": (LEAST.replace("cap = 1", "cap = 2"), "has a warning_cap that is none of its levels"),
    "a cap below": (LEAST.replace("cap = 1", "cap = -1"), "has a warning_cap that is none of its levels"),
    "an unknown member": ("max_level = 3\n" + LEAST, "has unknown members in the table: max_level"),
    "levels that are a text": ('version = "1"\nwarning_cap = 1\nlevels = "x"\n', "has levels in the table"),
    "a level that is a number": ('version = "1"\nwarning_cap = 1\nlevels = [1]\n', "has no table where level 1 should"),
    "a level without a number": (LEAST.replace("level = 1\n", ""), "lacks in level 1: level"),
    "a level without a name": (LEAST.replace('name = "contact"\n', ""), "lacks in level 1: name"),
    "a level that does not begin at 1": (LEAST.replace("level = 1", "level = 2"), "must have its levels in order"),
    "a level 0": (LEAST.replace("level = 1", "level = 0"), "must have its levels in order"),
    "levels with a gap": (LEAST + '[[levels]]\nlevel = 3\nname = "x"\n', "must have its levels in order: 1, 2, 3"),
    "levels twice": (LEAST + '[[levels]]\nlevel = 1\nname = "x"\n', "must have its levels in order"),
    "a misspelt condition": (LEAST + 'executoin = "PASSED"\n', "has unknown members in level 1: executoin"),
    "a flag that is a text": (LEAST + 'verified_address = "yes"\n', "has verified_address in level 1"),
    "documents that are a text": (LEAST + 'documents = "PASSPORT"\n', "has documents in level 1 that is not of type"),
    "documents that are numbers": (
        LEAST + 'documents = ["PASSPORT", 1]\n',
        "has documents in level 1 that are not",
    ),
    "an age of nothing": (LEAST + "max_age = 0\n", "has a max_age in level 1 that is not a number of days"),
    "an age below nothing": (LEAST + "max_age = -90\n", "has a max_age in level 1 that is not a number of days"),
    "an age that is a text": (LEAST + 'max_age = "90d"\n', "has max_age in level 1 that is not of type int"),
    "an age that is true": (LEAST + "max_age = true\n", "has max_age in level 1 that is not of type int"),
    "a condition that is a text": (LEAST + 'require = ["liveness"]\n', "has no table where a condition of level 1"),
    "a condition of nothing": (LEAST + 'require = [{ decision = "PASSED" }]\n', "lacks in a condition of level 1: cap"),
    "a condition with more": (
        LEAST + 'require = [{ capability = "x", score = 1 }]\n',
        "has unknown members in a condition of level 1: score",
    ),
    "a decision that is a list": (
        LEAST + 'require = [{ capability = "x", decision = ["PASSED"] }]\n',
        "has decision in a condition of level 1 that is not of type str",
    ),
    "data that is a text": (
        LEAST + 'require = [{ capability = "x", data = "y" }]\n',
        "has data in a condition of level 1 that is not of type dict",
    ),
}


@pytest.mark.parametrize("name", MALFORMED_TABLES)
def test_a_malformed_table_is_named(name: str) -> None:
    text, said = MALFORMED_TABLES[name]
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_table(text)


def test_an_age_too_long_for_any_calendar_is_named_too() -> None:
    with pytest.raises(ValueError, match="max_age"):
        parse_table(LEAST + "max_age = 99999999999\n")


# --- the setting ---


def test_the_setting_replaces_the_table_and_is_checked_at_start(tmp_path: Any) -> None:
    file = tmp_path / "table.toml"
    file.write_text(LEAST)
    assert settings_of(ASSURANCE_TABLE=str(file)).assurance_table == parse_table(LEAST)
    assert settings_of().assurance_table == settings_of(ASSURANCE_TABLE=" ").assurance_table == TABLE
    for text, said in MALFORMED_TABLES.values():
        file.write_text(text)
        with pytest.raises(SettingsError) as caught:
            settings_of(ASSURANCE_TABLE=str(file))
        [problem] = caught.value.problems
        assert problem.startswith("ASSURANCE_TABLE ")
        assert said in problem
    file.write_bytes(b"\xff\xfe")
    for path, kind in ((file, "UnicodeDecodeError"), (tmp_path, "IsADirectoryError"), (tmp_path / "x", "FileNotFound")):
        with pytest.raises(SettingsError, match=f"ASSURANCE_TABLE cannot be read: {kind}"):
            settings_of(ASSURANCE_TABLE=str(path))


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


def aged(**ages: int) -> Table:
    levels = tuple(
        replace(row, max_age=timedelta(days=ages[row.name])) if row.name in ages else row for row in TABLE.levels
    )
    return replace(TABLE, levels=levels)


VERIFIED_AT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ages", "days", "left"),
    [
        ({"person": 365}, 365, 3),
        ({"person": 365}, 366, 2),
        ({"person": 365, "document": 730}, 730, 2),
        ({"person": 365, "document": 730}, 731, 1),
        ({"document": 90}, 90, 3),
        ({"document": 90}, 91, 1),  # what a level includes must be fresh too
        ({"document": 90, "person": 365}, 91, 1),
        ({}, 40_000, 3),
    ],
)
def test_a_level_ends_at_its_age_and_at_that_of_what_it_includes(ages: dict[str, int], days: int, left: int) -> None:
    assert effective(assured(3), aged(**ages), now=VERIFIED_AT + timedelta(days=days)) == left


def test_to_the_moment() -> None:
    table = aged(person=1)
    assert effective(assured(3), table, now=VERIFIED_AT + timedelta(days=1)) == 3
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
    Evidence,
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
ASSURANCES = st.none() | st.builds(
    Assurance,
    level=st.integers(0, 5),
    name=st.just("x"),
    verified_at=TEXT_MOMENTS,
    expires_at=TEXT_MOMENTS,
    table=st.just("x"),
)
thorough = settings(max_examples=300, deadline=None, database=None, derandomize=True)


@thorough
@given(table=TABLES, given_=EVIDENCE, now=MOMENTS, data=st.data())
def test_more_evidence_never_lowers_a_level(table: Table, given_: Evidence, now: datetime, data: st.DataObject) -> None:
    """A check that failed and now passed, one that had not run, the execution, the address, a longer validity."""
    better = [
        replace(given_, checks=tuple(PASSED.get(each.capability, each) if index == at else each
                                     for index, each in enumerate(given_.checks)))
        for at in range(len(given_.checks))
    ]  # fmt: skip
    ran = {each.capability for each in given_.checks}
    better += [replace(given_, checks=(*given_.checks, each)) for name, each in PASSED.items() if name not in ran]
    better += [
        replace(given_, execution="PASSED"),
        replace(given_, verified_address=True),
        replace(given_, document_expires_at=None),
    ]
    more = data.draw(st.sampled_from(better))
    assert level_of(table, more, now=now) >= level_of(table, given_, now=now)


PASSED = {each.capability: each for each in (*PASSED_CHECKS, *FACE_CHECKS, check("watchlistScreening"))}


@thorough
@given(table=TABLES, given_=EVIDENCE, now=MOMENTS)
def test_a_rejection_and_a_warning_hold_whatever_else_there_is(table: Table, given_: Evidence, now: datetime) -> None:
    decisions = {given_.execution, *(each.decision for each in given_.checks)}
    reached = level_of(table, given_, now=now)
    assert 0 <= reached <= table.highest
    if "REJECTED" in decisions:
        assert reached == 0
    if "WARNING" in decisions:
        assert reached <= table.warning_cap


@thorough
@given(
    table=TABLES,
    assurance=ASSURANCES,
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


# --- policies ---


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
    *(({"max_age": odd}, "max_age must be a duration")
      for odd in ("", "90", "d", "90 d", " 90d", "90d ", "90D", "-1d", "1.5d", "1w", "1s", "90d\n", "1d12h", "123456d",
                  "\u0669\u0660d", 90, 0, 1.5, True, False, [], {}, ["90d"])),
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


@thorough
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
