# SPDX-License-Identifier: Apache-2.0
"""Whether a document names the person that an account names: values in, one of three words out.

In doubt it says less: to admit somebody else is the worse mistake.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from webhook.core.names import Name, Pairing, disagrees, is_one_text, pair, parse_name, together
from webhook.core.person import Match, Person


@dataclass(frozen=True, kw_only=True)
class _Named:
    """The names that are known; one that stands in both fields is the only one its bearer has."""

    given: Name | None = field(repr=False)
    family: Name | None = field(repr=False)
    full: Name | None = field(repr=False)

    @classmethod
    def of(cls, person: Person) -> "_Named":
        given, family = parse_name(person.given_name), parse_name(person.family_name)
        if given == family:
            given = None
        return cls(given=given, family=family, full=None if given or family else parse_name(person.full_name))

    @property
    def whole(self) -> Name:
        return together((self.given, self.family, self.full))


def same_name(account: Person, document: Person) -> Match:
    """Whether both names are one person's.

    Given and family name apart where both sides have both; else all words of one side with all of the other, because
    papers of people with one name, and of whole countries, have everything in one field.
    """
    one, other = _Named.of(account), _Named.of(document)
    if not one.whole.words or not other.whole.words:
        return Match.UNKNOWN
    if one.given and one.family and other.given and other.family:
        return _in_halves(one, other)
    if one.given and one.family:
        return _with_one_field(other, one)
    if other.given and other.family:
        return _with_one_field(one, other)
    return _in_one_field(one, other)


def _in_halves(one: _Named, other: _Named) -> Match:
    if disagrees(one.whole, other.whole):
        return Match.DIFFERENT
    parts = ((one.given, other.given), (one.family, other.family))
    halves = {_half(part, other_part) for part, other_part in parts if part and other_part}
    if Match.DIFFERENT in halves:
        return Match.MATCHED if is_one_text(one.whole, other.whole) else Match.DIFFERENT
    return Match.UNKNOWN if Match.UNKNOWN in halves else Match.MATCHED


def _half(one: Name, other: Name) -> Match:
    pairing = pair(one, other)
    if not pairing.fits:
        return Match.DIFFERENT
    return Match.MATCHED if pairing.is_complete or pairing.pairs else Match.UNKNOWN


def _with_one_field(lone: _Named, parted: _Named) -> Match:
    """One side has both parts; of the other all is in one field, or a part is not known."""
    if lone.family and parted.family:
        pairing = pair(lone.family, parted.family)
        if pairing.fits and len(pairing.left) == len(lone.family.words):
            return Match.MATCHED
    pairing = pair(lone.whole, parted.whole)
    if not pairing.fits:
        return Match.DIFFERENT
    size = len(parted.given.words) if parted.given else 0
    in_both = min(pairing.right, default=size) < size <= max(pairing.right, default=0)
    return Match.MATCHED if in_both and _is_enough(pairing) else Match.UNKNOWN


def _in_one_field(one: _Named, other: _Named) -> Match:
    if one.family and other.family:
        return _half(one.family, other.family)
    pairing = pair(one.whole, other.whole)
    if not pairing.fits:
        return Match.DIFFERENT
    if one.given and other.given:
        return Match.UNKNOWN
    is_enough = pairing.is_complete if one.given or other.given else _is_enough(pairing)
    return Match.MATCHED if is_enough else Match.UNKNOWN


def _is_enough(pairing: Pairing) -> bool:
    """One word may be a given name, which many share."""
    return pairing.is_complete or (pairing.pairs > 1 and not pairing.is_vague)


# What a document does not print stands as zeros or as X in what was read from it.
_DATE = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{2}|[Xx]{2})(?:[-/.]([0-9]{2}|[Xx]{2}))?)?(?:[Tt ][0-9:.,+Zz-]{0,40})?")


def same_birthdate(account: Person, document: Person) -> Match:
    """Whether both were born on one day, as far as both sides know it: a year alone is compared as a year."""
    one, other = _date_of(account.birthdate), _date_of(document.birthdate)
    if not one or not other:
        return Match.UNKNOWN
    known = min(len(one), len(other))
    return Match.MATCHED if one[:known] == other[:known] else Match.DIFFERENT


def _date_of(text: object) -> tuple[int, ...]:
    """Year, month and day, as many of them as are known; empty where it is no date."""
    if not isinstance(text, str) or not (match := _DATE.fullmatch(text.strip())):
        return ()
    year, month, day = (int(part) if part and part.isdigit() else 0 for part in match.groups())
    try:
        date(year, month or 1, (day or 1) if month else 1)
    except ValueError:
        return ()
    return (year, month, day) if month and day else (year, month) if month else (year,)
