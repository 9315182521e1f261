# SPDX-License-Identifier: Apache-2.0
"""Tables of an operator's own: what they can say, and that a malformed one is named."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from support import LEAST, PASSED_CHECKS, TABLE

import webhook.settings
from core.evidence import check, evidence, level, with_check
from webhook.core.assurance_table import parse_table


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
    "a level that does not begin at 1": (
        LEAST.replace("level = 1", "level = 2"),
        "must have its levels in order",
    ),
    "a level 0": (LEAST.replace("level = 1", "level = 0"), "must have its levels in order"),
    "levels with a gap": (
        LEAST + '[[levels]]\nlevel = 3\nname = "x"\n',
        "must have its levels in order: 1, 2, 3",
    ),
    "levels twice": (LEAST + '[[levels]]\nlevel = 1\nname = "x"\n', "must have its levels in order"),
    "a misspelt condition": (LEAST + 'executoin = "PASSED"\n', "has unknown members in level 1: executoin"),
    "a flag that is a text": (LEAST + 'verified_address = "yes"\n', "has verified_address in level 1"),
    "documents that are a text": (
        LEAST + 'documents = "PASSPORT"\n',
        "has documents in level 1 that is not of type",
    ),
    "documents that are numbers": (
        LEAST + 'documents = ["PASSPORT", 1]\n',
        "has documents in level 1 that are not",
    ),
    "a match of what is not compared": (
        LEAST + 'matches = ["address"]\n',
        "has matches in level 1 that are none of name",
    ),
    "an age of nothing": (LEAST + "max_age = 0\n", "has a max_age in level 1 that is not a number of days"),
    "an age below nothing": (LEAST + "max_age = -90\n", "has a max_age in level 1 that is not a number of days"),
    "an age that is a text": (LEAST + 'max_age = "90d"\n', "has max_age in level 1 that is not of type int"),
    "an age that is true": (LEAST + "max_age = true\n", "has max_age in level 1 that is not of type int"),
    "a condition that is a text": (
        LEAST + 'require = ["liveness"]\n',
        "has no table where a condition of level 1",
    ),
    "a condition of nothing": (
        LEAST + 'require = [{ decision = "PASSED" }]\n',
        "lacks in a condition of level 1: cap",
    ),
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
