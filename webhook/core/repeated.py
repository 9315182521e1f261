# SPDX-License-Identifier: Apache-2.0
"""That a person verified another identity before, and what follows. Finding it out is the vendor's and the shell's."""

from dataclasses import dataclass, replace
from enum import StrEnum

from webhook.core.status import Verdict


class OnRepeated(StrEnum):
    """What becomes of a pass of somebody who was verified as another identity."""

    FLAG = "flag"
    REVIEW = "review"


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """What of a workflow was seen before: its `face`, by the vendor's word; its document, with `other_identity`.

    `counts_as` is what that does to a pass.
    """

    face: bool = False
    other_identity: str | None = None
    counts_as: OnRepeated = OnRepeated.FLAG

    @property
    def is_found(self) -> bool:
        """Whether anything was."""
        return self.face or self.other_identity is not None

    def verdict(self, said: Verdict | None) -> Verdict | None:
        """What a verdict counts as then; only a pass is changed."""
        is_review = self.is_found and self.counts_as is OnRepeated.REVIEW and said is Verdict.PASSED
        return Verdict.WARNING if is_review else said


NOT_REPEATED = Repeated()


def together(known: Repeated | None, read: Repeated | None) -> Repeated | None:
    """What was found at any time: that a later reading lacks it, perhaps since data were removed, takes nothing back.

    What it does is what the later one says, where that says anything.
    """
    if known is None or read is None:
        return read or known
    other_identity = known.other_identity or read.other_identity
    return replace(read, face=known.face or read.face, other_identity=other_identity)


def of_document(repeated: Repeated | None) -> Repeated | None:
    """What is no word of the vendor's, so that none of its later decisions takes it back."""
    if repeated is None or repeated.other_identity is None:
        return None
    return replace(repeated, face=False)
