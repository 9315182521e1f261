# SPDX-License-Identifier: Apache-2.0
"""What one side says of a person, and what a comparison of both said. Nothing of a person is ever shown or kept."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from webhook.core.status import Verdict


class Match(StrEnum):
    """What a comparison says of one attribute. UNKNOWN: one side does not say, or says too little."""

    MATCHED = "matched"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class OnDifferentPerson(StrEnum):
    """What becomes of a document that is good, and somebody else's."""

    REVIEW = "review"
    REJECT = "reject"
    IGNORE = "ignore"

    @classmethod
    def behind(cls, verdict: Verdict | None) -> "OnDifferentPerson":
        """What made a document of somebody else count as this."""
        return {Verdict.FAILED: cls.REJECT, Verdict.WARNING: cls.REVIEW}.get(verdict or Verdict.PASSED, cls.IGNORE)

    def verdict(self, said: Verdict) -> Verdict:
        """What a verdict of the vendor's counts as then; only a pass is changed, or a doubt made a rejection."""
        if self is OnDifferentPerson.REJECT:
            return Verdict.FAILED
        is_review = self is OnDifferentPerson.REVIEW and said is Verdict.PASSED
        return Verdict.WARNING if is_review else said


@dataclass(frozen=True, kw_only=True)
class Person:
    """`full_name` counts where no part is known; a birth date is `YYYY-MM-DD`, or as much of it as is known."""

    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    full_name: str | None = field(default=None, repr=False)
    birthdate: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether a document names the person whom the account names.

    `of` is a keyed fingerprint of what the account said then; `counts_as` what a document that is `different` does.
    `is_held`: it was different before, and has not matched since.
    """

    name: Match
    birthdate: Match
    of: str
    counts_as: OnDifferentPerson = OnDifferentPerson.REVIEW
    is_held: bool = False

    @property
    def is_anothers(self) -> bool:
        """Whether it is somebody else's, as far as anybody has known."""
        return self.is_different or self.is_held

    @property
    def is_different(self) -> bool:
        """One attribute that is known to be another's is enough."""
        return Match.DIFFERENT in (self.name, self.birthdate)

    @property
    def is_matched(self) -> bool:
        """By the name, and by nothing else alone."""
        return self.name is Match.MATCHED and not self.is_different

    @property
    def matched(self) -> frozenset[str]:
        """The names of what matches, as the table of levels asks for it."""
        named = {"name": self.name, "birthdate": self.birthdate}
        return frozenset(name for name, match in named.items() if match is Match.MATCHED)

    @classmethod
    def lost(cls, verdict: Verdict | None) -> "Comparison":
        """Of a document that was somebody else's, where nothing more can be read of the comparison: to be made anew."""
        counts_as = OnDifferentPerson.behind(verdict)
        return cls(name=Match.UNKNOWN, birthdate=Match.UNKNOWN, of="", counts_as=counts_as, is_held=True)

    def unknown(self) -> "Comparison":
        """The same where the vendor no longer tells what the document says."""
        return replace(self, name=Match.UNKNOWN, birthdate=Match.UNKNOWN, is_held=self.is_anothers)


def is_not_noted(person: Comparison | None) -> bool:
    """Whether a document must not be noted as the account's: it is somebody else's, and that is not ignored."""
    return person is not None and person.is_anothers and person.counts_as is not OnDifferentPerson.IGNORE
