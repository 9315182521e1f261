# SPDX-License-Identifier: Apache-2.0
"""Whether two names are one person's: which of their words pair. How a word is spelled stands in `spelling`."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from webhook.core.spelling import (
    Word,
    fold,
    is_same,
    is_syllabic,
    is_written_alike,
    joined,
    may_stand_for,
    syllables,
    word,
)

# What is longer is no name, and would take long to compare.
MOST_CHARACTERS = 200
MOST_WORDS = 12
_LONGEST_RUN = 4
_LONGEST_WORD = 40

_ABSENT = frozenset(
    ["n/a", "n.a.", "n.a", "n\\a", "#n/a", "none", "null", "nil", "unknown", "unbekannt", "undefined",
     "not available", "not applicable", "no name", "no surname", "no given name", "no last name", "no first name"]
)  # fmt: skip
_PLACEHOLDER = re.compile(r"fnu|lnu|nfn|nln|nmn|x{2,}")
_APOSTROPHES = re.compile("['`´\u02b0-\u02ff\u2018\u2019\u201b\u2032\uff07]")

# Words that come and go between two papers of one person; those of one group are one word.
_PARTICLES = {
    particle: group.split()[0]
    for group in (
        "de da do dos das di du del della d",
        "la le les las los lo",
        "van", "den der ten ter het t", "von", "zu zum zur", "af av",
        "al el ul ur as ash an", "bin ibn ben", "bint binti binte bte",
        "mc mac", "o", "y e i",
    )
    for particle in group.split()
}  # fmt: skip
_FILIATION = frozenset({"bin", "bint"})
_GENERATIONS = {"jr": "jr", "junior": "jr", "jnr": "jr", "sr": "sr", "senior": "sr", "snr": "sr",
                "ii": "ii", "iii": "iii", "iv": "iv", "2nd": "ii", "3rd": "iii", "4th": "iv"}  # fmt: skip
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof"})


@dataclass(frozen=True, kw_only=True)
class Name:
    """The words of a name in their order, and the generation that stands behind them (`jr`, `iii`), if any."""

    words: tuple[Word, ...] = field(repr=False)
    generation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """How the words of two names pair.

    `fits`: every word of the shorter name pairs with one of the longer. `is_complete`: nothing is left on either side.
    `pairs`: how many are more than an initial. `is_vague`: an initial stands for what may be the given or the family
    name. `left`, `right`: the places of the words that are paired, initials aside.
    """

    fits: bool
    is_complete: bool = False
    pairs: int = 0
    is_vague: bool = False
    left: frozenset[int] = frozenset()
    right: frozenset[int] = frozenset()


_MISFIT = Pairing(fits=False)


def parse_name(text: object) -> Name | None:
    """The name, or None for whatever names nobody: blank, `N/A`, `FNU`, too long, no text."""
    if not isinstance(text, str) or len(text := text.strip(" <\t\r\n")) > MOST_CHARACTERS:
        return None
    text = fold(text)
    if text in _ABSENT:
        return None
    parts = [part for part in _words(text) if not _PLACEHOLDER.fullmatch(part)]
    if not parts or len(parts) > MOST_WORDS or len(text) > 2 * MOST_CHARACTERS:
        return None
    words = [each for each in map(word, parts) if any(map(str.isalpha, each.native))]
    untitled = [each for each in words if each.native not in _TITLES] or words
    bare = [each for each in untitled[1:] if each.native not in _GENERATIONS]
    generations = [_GENERATIONS[each.native] for each in untitled[1:] if each.native in _GENERATIONS]
    return Name(words=(*untitled[:1], *bare), generation=generations[0] if generations else None) if untitled else None


def together(names: Iterable[Name | None]) -> Name:
    """One name of several."""
    known = [name for name in names if name]
    return Name(
        words=tuple(each for name in known for each in name.words),
        generation=next((name.generation for name in known if name.generation), None),
    )


def pair(left: Name, right: Name) -> Pairing:
    """How the words of both names pair, whichever of the two is the left one."""
    if disagrees(left, right):
        return _MISFIT
    if [each.native for each in left.words] > [each.native for each in right.words]:
        return _mirrored(pair(right, left))
    ours, theirs = _Side.of(left), _Side.of(right)
    if not (ours.is_opaque and theirs.is_opaque):
        ours, theirs = ours.spelled_out(), theirs.spelled_out()
    if _is_rotated(ours.words, theirs.words):
        return Pairing(fits=True, is_complete=True, pairs=len(ours.words), left=ours.all, right=theirs.all)
    ours = ours.merged(theirs.words)
    theirs = theirs.merged(ours.words)
    return _pair(ours, theirs)


def is_one_text(left: Name, right: Name) -> bool:
    """Whether they have the same letters in the same order, wherever their words end."""
    return is_written_alike(joined(left.words), joined(right.words))


def disagrees(left: Name, right: Name) -> bool:
    """Whether they are of two generations, father and son."""
    return bool(left.generation and right.generation and left.generation != right.generation)


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One of two names that are compared: its words, and of which places in the name each is made."""

    words: tuple[Word, ...]
    places: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, name: Name) -> "_Side":
        return cls(words=name.words, places=tuple(frozenset({at}) for at in range(len(name.words))))

    @property
    def is_opaque(self) -> bool:
        return any(each.is_opaque for each in self.words)

    @property
    def all(self) -> frozenset[int]:
        return frozenset().union(*self.places)

    def spelled_out(self) -> "_Side":
        """Words in Chinese characters and Hangul as their syllables."""
        parts = [
            (part, place)
            for each, place in zip(self.words, self.places, strict=True)
            for part in (syllables(each) if is_syllabic(each) else (each,))
        ]
        if len(parts) > MOST_WORDS:
            return self
        return _Side(words=tuple(part for part, _ in parts), places=tuple(place for _, place in parts))

    def merged(self, others: Sequence[Word]) -> "_Side":
        """Words that the other name writes as one are one: `Anne Marie` beside `Annemarie`."""
        words, places, at = [], [], 0
        while at < len(self.words):
            size = next((size for size in range(_LONGEST_RUN, 1, -1) if self._is_run(at, size, others)), 1)
            words.append(joined(self.words[at : at + size]))
            places.append(frozenset().union(*self.places[at : at + size]))
            at += size
        return _Side(words=tuple(words), places=tuple(places))

    def _is_run(self, at: int, size: int, others: Sequence[Word]) -> bool:
        if at + size > len(self.words):
            return False
        run = joined(self.words[at : at + size])
        return len(run.native) <= _LONGEST_WORD and any(is_written_alike(run, other) for other in others)

    def particles(self) -> list[int]:
        """Which words are particles: such as stand before the name that they belong to."""
        return [at for at, each in enumerate(self.words[:-1]) if each.native in _PARTICLES]

    def required(self) -> list[int]:
        particles = self.particles()
        return [at for at in range(len(self.words)) if at not in particles]

    def own(self) -> frozenset[int]:
        """The places before the first `bin`: what follows are the names of fathers."""
        marks = [at for at in self.particles() if _PARTICLES[self.words[at].native] in _FILIATION]
        return frozenset().union(*self.places[: marks[0]]) if marks else frozenset()


def _pair(left: _Side, right: _Side) -> Pairing:
    ours, theirs = left.required(), right.required()
    if len(ours) > len(theirs):
        return _mirrored(_pair(right, left))
    same = _assigned(ours, theirs, lambda at, to: is_same(left.words[at], right.words[to]))
    rest = [at for at in ours if at not in same]
    free = [at for at in theirs if at not in same.values()]
    initials = _assigned(rest, free, lambda at, to: _may_stand(left.words[at], right.words[to]))
    if len(initials) < len(rest):
        return _MISFIT
    remainder = [at for at in free if at not in initials.values()]
    if any(right.words[at].is_syllable for at in remainder):
        return _MISFIT  # 王小明 is not Wang Ming
    ours_left, theirs_left = _loose(left, right), _loose(right, left)
    if ours_left and theirs_left:
        return _MISFIT  # van Berg, von Berg
    whole = {at: to for at, to in same.items() if not left.words[at].is_initial}
    paired = frozenset().union(*(left.places[at] for at in whole))
    theirs_paired = frozenset().union(*(right.places[at] for at in whole.values()))
    if not _is_same_child(left, right, whole):
        return _MISFIT
    return Pairing(
        fits=True,
        is_complete=not (remainder or initials or ours_left or theirs_left),
        pairs=len(whole),
        is_vague=any(_is_end(at, left) or _is_end(to, right) for at, to in initials.items()),
        left=paired,
        right=theirs_paired,
    )


def _is_same_child(left: _Side, right: _Side, paired: Mapping[int, int]) -> bool:
    """Whether the own name of both is paired: Omar bin Khalid is neither Khalid nor Khalid bin Omar."""
    ours, theirs = left.own() or left.all, right.own() or right.all
    return any(left.places[at] & ours and right.places[to] & theirs for at, to in paired.items()) or not (
        left.own() or right.own()
    )


def _mirrored(pairing: Pairing) -> Pairing:
    return Pairing(
        fits=pairing.fits,
        is_complete=pairing.is_complete,
        pairs=pairing.pairs,
        is_vague=pairing.is_vague,
        left=pairing.right,
        right=pairing.left,
    )


def _assigned(left: Sequence[int], right: Sequence[int], matches: Callable[[int, int], bool]) -> dict[int, int]:
    """As many of the left as possible, each with one of the right: a maximum bipartite matching."""
    edges = {at: [to for to in right if matches(at, to)] for at in left}
    taken: dict[int, int] = {}

    def place(at: int, seen: set[int]) -> bool:
        for to in edges[at]:
            if to not in seen:
                seen.add(to)
                if to not in taken or place(taken[to], seen):
                    taken[to] = at
                    return True
        return False

    for at in left:
        place(at, set())
    return {at: to for to, at in taken.items()}


def _may_stand(one: Word, other: Word) -> bool:
    return may_stand_for(one, other) or may_stand_for(other, one)


def _is_end(at: int, side: _Side) -> bool:
    return at in (0, len(side.words) - 1)


def _loose(side: _Side, other: _Side) -> list[str]:
    """The particles that the other name does not have; one that it has behind its name counts as well."""
    there = [_PARTICLES[each.native] for each in other.words if each.native in _PARTICLES]
    loose = []
    for particle in (_PARTICLES[side.words[at].native] for at in side.particles()):
        if particle in there:
            there.remove(particle)
        else:
            loose.append(particle)
    return loose


def _is_rotated(left: Sequence[Word], right: Sequence[Word]) -> bool:
    """Whether they are the same but for their spaces, and for what stands first."""
    ours, theirs = joined(left), joined(right)
    return any(is_written_alike(turned, theirs) for turned in _turned(left)) or any(
        is_written_alike(ours, turned) for turned in _turned(right)
    )


def _turned(words: Sequence[Word]) -> Iterator[Word]:
    return (joined((*words[at:], *words[:at])) for at in range(len(words)))


def _words(text: str) -> Iterator[str]:
    """Runs of letters, marks and digits; an apostrophe and whatever is not seen part nothing."""
    text = _APOSTROPHES.sub("", text)
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return iter("".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in seen).split())
