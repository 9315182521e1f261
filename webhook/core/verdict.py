# SPDX-License-Identifier: Apache-2.0
"""The rule of verdicts: what all known workflows of an identity together mean.

Pure, and the only place where a verdict is decided. It compares the vendor's own times with each other and with
nobody's clock, so that it comes to the same end in whatever order, however often and by whichever process the workflows
were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.core.status import Status, Verdict
from webhook.core.workflows import LATEST, OLDEST, Stage, Workflow

_STATUS = {Verdict.PASSED: Status.APPROVED, Verdict.WARNING: Status.REVIEW, Verdict.FAILED: Status.REJECTED}


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The status, and the workflow that says so; `shows` is the one whose evidence counts, `verified_at` since when."""

    status: Status
    workflow: Workflow | None = None
    shows: Workflow | None = None
    verified_at: str | None = None


def concluded(workflows: Sequence[Workflow]) -> Conclusion:
    """What they mean together. A workflow of somebody else, or of nobody, is never among them (sentence 5)."""
    own = sorted(workflows, key=lambda each: each.age)
    # 1. A rejection stands, unless something passed or warned that was created after it was decided.
    rejection = max(
        (each for each in own if each.verdict is Verdict.FAILED),
        key=lambda each: (each.decided_at or LATEST, each.id),
        default=None,
    )
    stands_until = OLDEST if rejection is None else rejection.decided_at or LATEST
    counting = [
        each
        for each in own
        if each.verdict in (Verdict.PASSED, Verdict.WARNING)
        and (rejection is None or (each.created_at or OLDEST) > stands_until)
    ]
    # 6. What only looks at a face gives no verdict.
    documents = [each for each in counting if not each.is_face_check]
    if documents:
        # 2. The youngest of them has the verdict, however late it came.
        verdict = documents[-1]
        shows = _evidence_of(documents)
        faces = [each for each in counting if each.is_face_check and each.verdict is Verdict.PASSED]
        verified_at = max(filter(None, (each.verified_at for each in (shows, *faces))), default=None)
        return _of(verdict, shows, verified_at)
    if rejection is not None:
        return _of(rejection, rejection, rejection.verified_at)
    # 3. Without a verdict the youngest says how things stand; 4. and with one, nothing without a verdict is asked.
    if not own:
        return Conclusion(status=Status.NONE)
    youngest = own[-1]
    status = Status.PENDING if youngest.stage is Stage.OPEN else Status.INCOMPLETE
    return Conclusion(status=status, workflow=youngest)


def _of(verdict: Workflow, shows: Workflow, verified_at: str | None) -> Conclusion:
    return Conclusion(
        status=_STATUS[verdict.verdict or Verdict.FAILED], workflow=verdict, shows=shows, verified_at=verified_at
    )


def _evidence_of(documents: Sequence[Workflow]) -> Workflow:
    """The youngest that shows no less than what was known before it; a doubt about a document counts in any case."""
    known = documents[0]
    for each in documents[1:]:
        if each.verdict is Verdict.WARNING or (each.level or 0) >= (known.level or 0):
            known = each
    return known
