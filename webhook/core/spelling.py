# SPDX-License-Identifier: Apache-2.0
"""Whether two words of a name are one word spelled in two ways. What a name is made of stands in `names`."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice, product

from anyascii import anyascii

from webhook.core.spelling_tables import (
    CYRILLIC,
    HANGUL,
    ICAO,
    KNOWN,
    NATIVE,
    PATRONYMIC,
    SKELETON,
    SKELETON_OF_LETTER,
    SPELLED_ALIKE,
)

# From how many letters on a slip is likelier than another name: two that changed places, one that is missing, another
# one. Marina, Mariana and Martina are three people; Rosenberg and Rosenburg are two families.
_LONG = 7
_LONG_WITHOUT_ONE = 8
_LONG_WITH_ANOTHER = 10
_LONG_STEM = 6
_FOLDED = 5
_MOST_SPELLINGS = 12
_MOST_FITTED = 4
_ABDUL = re.compile("^abd[aeou]l(?=..)")
_MAC = re.compile("^mac(?=[b-df-hj-np-tv-z]..)")
_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN"})
_SYLLABLES = frozenset({"CJK", "HANGUL"})
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
_VOWELS = "aeiouy"
# What a script does not write may stand before a letter, or behind the last one.
_WRITTEN = ("a", "e", "i", "o", "u")
_AFTER = ("", *_WRITTEN, "ah")
_LONGEST_SKELETON = 16


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of a name, folded: no case, and no accents where they are no letters of their own.

    `latin` are its spellings in the letters a to z. `is_opaque`: of a script whose romanisation tells names apart
    worse than the script itself does. `is_syllable`: a part of a name that is written without spaces.
    """

    native: str = field(repr=False)
    latin: frozenset[str] = field(repr=False)
    is_opaque: bool = False
    is_syllable: bool = False

    @property
    def is_initial(self) -> bool:
        return len(self.native) == 1 and not self.is_opaque

    @cached_property
    def known(self) -> frozenset[int]:
        """Which known names it is a spelling of."""
        if self.native in _NATIVE:
            return frozenset({_NATIVE[self.native]})
        if self.is_opaque:
            return frozenset()
        return frozenset(KNOWN[spelling] for spelling in self.latin if spelling in KNOWN)

    @cached_property
    def sounds(self) -> frozenset[str]:
        """Its longer spellings, with what is spelled now so and now so made alike."""
        return frozenset(_sound(spelling) for spelling in self.latin if len(spelling) >= _FOLDED)


def word(native: str) -> Word:
    """The word, of letters that were folded by `fold`."""
    scripts = frozenset(_script(char) for char in native)
    plain = _ascii(anyascii(native))
    spellings = {plain}
    if "CYRILLIC" in scripts:
        spellings.update(_ascii(anyascii(native.translate(table))) for table in CYRILLIC)
    if "GREEK" in scripts:
        spellings.add(_greek(native))
    if "ARMENIAN" in scripts:
        spellings.add(_ascii(anyascii(native.replace("ու", "u"))))
    if scripts & _KANA:
        spellings.update((plain.replace("ou", "o"), plain.replace("ou", "o").replace("uu", "u").replace("oo", "o")))
    if scripts & _SYLLABLES:
        spellings.update(HANGUL.get(native, ()))
    spellings.update(_ascii(anyascii(native.translate(table))) for table in ICAO)
    return Word(
        native=_without_marks(native),
        latin=_usual(spellings),
        is_opaque=not scripts <= _ALPHABETS and not native.isascii(),
    )


def joined(words: Sequence[Word]) -> Word:
    """The words written as one."""
    if len(words) == 1:
        return words[0]
    native = "".join(each.native for each in words)
    if any(each.is_initial for each in words):
        return Word(native=native, latin=frozenset({_ascii(anyascii(native))}))  # M. Cabe is not Ma Cabe
    latin = islice(map("".join, product(*(sorted(each.latin) for each in words))), _MOST_SPELLINGS)
    return Word(
        native=native,
        latin=_usual(latin) if words[0].native.startswith(("abd", "mac")) else frozenset(latin),
        is_opaque=any(each.is_opaque for each in words),
        is_syllable=any(each.is_syllable for each in words),
    )


def _usual(spellings: Iterable[str]) -> frozenset[str]:
    """With what stands before a name spelled in one way: Abdel and Abdul, Mac and Mc."""
    return frozenset(_ABDUL.sub("abdul", _MAC.sub("mc", spelling)) for spelling in spellings if spelling)


def syllables(one: Word) -> Iterator[Word]:
    """The syllables of a word in Chinese characters or Hangul, each of which is a word in Latin letters."""
    for char in one.native:
        spelled = word(char)
        yield Word(native=char, latin=spelled.latin, is_opaque=True, is_syllable=True)


def is_syllabic(one: Word) -> bool:
    return one.is_opaque and all(_script(char) in _SYLLABLES for char in one.native)


def is_written_alike(one: Word, other: Word) -> bool:
    """The same letters in one spelling at least, by rule and not by ear: as much as a run of words is held to."""
    if one.native == other.native:
        return True
    if (one.is_opaque and other.is_opaque) or one.is_initial or other.is_initial:
        return False  # different Chinese characters are read alike
    if one.known and other.known:
        return bool(one.known & other.known)
    if one.latin & other.latin:
        return True
    opaque, latin = (one, other) if one.is_opaque else (other, one)
    if not opaque.is_opaque or all(_script(char) in _SYLLABLES | _KANA for char in opaque.native):
        return False
    return any(_fits(opaque.native, spelling) for spelling in sorted(latin.latin)[:_MOST_FITTED])


def is_same(one: Word, other: Word) -> bool:
    """Written alike, or heard alike; or long, and one slip apart: a letter more, less, another, or two turned round."""
    if is_written_alike(one, other):
        return True
    if one.is_initial or other.is_initial or one.is_opaque or other.is_opaque or (one.known and other.known):
        return False
    if one.sounds & other.sounds:
        return True
    return any(_is_slip(left, right) for left in one.latin for right in other.latin)


def may_stand_for(initial: Word, other: Word) -> bool:
    """Whether the first is one letter that the second begins with."""
    return initial.is_initial and any(
        spelling.startswith(letter) for letter in initial.latin for spelling in other.latin
    )


def _is_slip(one: str, other: str) -> bool:
    """A slip is none where it changes what tells names apart: a first letter, a last vowel, a patronymic's stem."""
    shorter = min(len(one), len(other))
    if one[:1] != other[:1] or shorter < _LONG or abs(len(one) - len(other)) > 1:
        return False
    ending, other_ending = PATRONYMIC.search(one), PATRONYMIC.search(other)
    if ending or other_ending:
        if not ending or not other_ending or ending[0] != other_ending[0]:
            return False  # Andersen and Anderson
        one, other = one[: ending.start()], other[: other_ending.start()]
        if min(len(one), len(other)) < _LONG_STEM:
            return False  # Jónsson and Jónasson
    start = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), 0)
    rest, other_rest = one[start:], other[start:]
    if rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:]:
        return not {one[-1], other[-1]} & set(_VOWELS) or one[-1] == other[-1]  # Christian and Christina
    if one[-1] != other[-1]:
        return False
    if len(one) == len(other):
        return shorter >= _LONG_WITH_ANOTHER and rest[1:] == other_rest[1:]
    return shorter >= _LONG_WITHOUT_ONE and (rest[1:] == other_rest or rest == other_rest[1:])


def _fits(native: str, latin: str) -> bool:
    """Whether the Latin spelling is one of a word of a script that does not write all vowels."""
    latin = _once(latin)
    if not 2 <= len(native) <= _LONGEST_SKELETON or not len(native) <= 2 * len(latin) <= 5 * len(native) + 4:
        return False
    start = native[:1].replace("ا", "")
    letters = start + native[1:].replace("ا", "a").replace("יי", "י").replace("וו", "ו")
    units = [unit for unit in map(_unit, letters) if unit]
    reached = {0}
    for unit in units:
        reached |= {at + 1 for at in reached if latin[at : at + 1] in _WRITTEN}
        reached = {at + len(each) for each in unit for at in reached if latin.startswith(each, at)}
    return len(units) > 1 and any(latin[at:] in _AFTER for at in reached)


@cache
def _unit(letter: str) -> tuple[str, ...]:
    """What one letter may be in Latin letters; nothing where it is not spelled."""
    spelled = _ascii(anyascii(letter))
    return SKELETON_OF_LETTER.get(letter) or SKELETON.get(spelled) or ((spelled,) if spelled else ())


def _sound(spelling: str) -> str:
    for pattern, alike in SPELLED_ALIKE:
        spelling = pattern.sub(alike, spelling)
    return spelling


def _once(letters: str) -> str:
    return re.sub(r"(.)\1+", r"\1", letters)


def _greek(native: str) -> str:
    """As passports have it by ELOT 743, where letters are read together."""
    letters = _without_marks(native)
    for pair, spelled in (("ου", "ou"), ("αυ", "av"), ("ευ", "ev"), ("γγ", "ng"), ("γξ", "nx"), ("γχ", "nch")):
        letters = letters.replace(pair, spelled)
    if letters.startswith("μπ"):
        letters = "b" + letters[2:]
    return _ascii(anyascii(letters))


def _ascii(letters: str) -> str:
    return re.sub(r"[^a-z0-9]", "", letters.lower())


def fold(text: str) -> str:
    """Without case, and in one form of every letter; accents stay, since some are spelled out."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@cache
def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    if unicodedata.combining(char) or name.startswith(("COMBINING", "DIGIT")):
        return "LATIN"  # of whatever it stands with
    return name.split(" ", 1)[0].split("-", 1)[0]


# Arabic letters that keyboards of other languages write in another form.
_ARABIC = str.maketrans({"ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ھ": "ه", "ہ": "ه", "ـ": ""})
_BARE = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")


def _without_marks(native: str) -> str:
    """Vowel signs of Indic scripts and of Thai are letters; accents and the points of Arabic and Hebrew are not."""
    return unicodedata.normalize("NFC", _BARE.sub("", unicodedata.normalize("NFD", native))).translate(_ARABIC)


_NATIVE = {_without_marks(name): line for name, line in NATIVE.items()}
