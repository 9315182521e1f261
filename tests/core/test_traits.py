# SPDX-License-Identifier: Apache-2.0
"""Where the traits of an account hold whom it names; how that is set is in tests/contract/test_settings.py."""

from typing import Any

import pytest

from webhook.core.person import Person
from webhook.core.traits import parse_traits

TRAITS = parse_traits("given_name=/name/first,family_name=/names/1,birthdate=/born")
NOBODY = Person()


@pytest.mark.parametrize(
    ("traits", "person"),
    [
        ({"name": {"first": "Ada"}}, Person(given_name="Ada")),
        ({"names": ["Byron", "Lovelace"], "born": "1815"}, Person(family_name="Lovelace", birthdate="1815")),
        ({"names": ["Byron"]}, NOBODY),
        ({"names": {"1": "Lovelace"}}, Person(family_name="Lovelace")),
        ({"name": "Ada", "names": "Lovelace", "born": 1815}, NOBODY),
        ({"name": {"first": {"of": "Ada"}}}, NOBODY),
        ({"name": None}, NOBODY),
        (None, NOBODY),
        ("Ada", NOBODY),
        ([], NOBODY),
    ],
)
def test_what_is_no_text_where_it_should_stand_is_not_known(traits: Any, person: Person) -> None:
    assert TRAITS.person_of(traits) == person


def test_nobody_is_shown() -> None:
    assert repr(TRAITS.person_of({"name": {"first": "Ada"}, "born": "1815"})) == "Person()"
