# SPDX-License-Identifier: Apache-2.0
"""What the processes of one tenant agree on, as one interface: `local.Local` in a process, `valkey.Shared` over all.

No method raises anything but `Busy`, and none of what is agreed here decides a verdict: whoever loses all of it loses
time, and at worst pays for a workflow twice. Only that a document verified another identity is known here first, and
then stands in the record.
"""

from contextlib import AbstractContextManager
from typing import Protocol

# How long a workflow that was paid for is remembered, and one person is not looked at again (seconds).
PAID_FOR_SECONDS = 3600.0
LOOK_EVERY_SECONDS = 5.0
# Whose a document is, is known for so long after anybody said it last, as every full sweep does.
CLAIM_SECONDS = 90 * 86400.0
# Jumio counts arrivals, and two calls may travel at different speed: a window is taken for a little longer.
WINDOW_SLACK = 1.02

Limits = dict[str, tuple[int, float]]
"""By operation: so many calls in any window of so many seconds."""


class Coordination(Protocol):
    """One per process; safe to share between requests. Identity ids are Kratos' UUIDs."""

    # --- one at a time ---

    def hold(self, identity_id: str) -> AbstractContextManager[None]:
        """Be the only one of this process at work on the identity.

        :raises Busy: somebody else was, for all the time allowed.
        """

    def starting(self, identity_id: str) -> AbstractContextManager[None]:
        """Be the only one of all processes who starts a workflow for the identity. Never waits.

        Read the identity again once inside: whoever was inside before may have started one.

        :raises Busy: somebody else does.
        """

    # --- what was paid for ---

    def paid(self, identity_id: str) -> str | None:
        """What `remember_paid` was given in the last hour and nobody has forgotten since.

        It may have been noted in Kratos all the same, by somebody who could not tell: compare it with the record.
        """

    def remember_paid(self, identity_id: str, document: str) -> None:
        """Remember a workflow between Jumio's answer and the note of it in Kratos."""

    def forget_paid(self, identity_id: str) -> None:
        """It is noted in Kratos."""

    # --- whose document ---

    def claim_document(self, document: str, identity_id: str) -> str | None:
        """Note that a document, by its keyed hash, verified the identity, unless it verified another: that one's id.

        None: it is this identity's now, or nobody can tell.
        """

    # --- not too often ---

    def may_look(self, identity_id: str) -> bool:
        """Whether Jumio may be asked about the person now: at most one yes in 5 s."""

    def count(self, operation: str) -> None:
        """Count a call for somebody who waits for its answer. It is never held back."""

    def room(self, operation: str, *, leaving: int, take: bool = True) -> float:
        """Seconds until a call that leaves so many of the window's calls to others may begin.

        0.0: it may begin now, and where `take` is set it was counted.
        """

    # --- the index of what is open ---

    def schedule(self, identity_id: str, due: float) -> None:
        """Look at the identity at `due` (Unix seconds), and not before."""

    def unschedule(self, identity_id: str) -> None:
        """Nothing of the identity is open any more."""

    def take_due(self, at_most: int, *, lease: float) -> list[str] | None:
        """Identities to look at now, the longest due first. They are due again `lease` seconds from now.

        So several may take, and what one took who was killed comes back. None: there is no index, or it is not known
        to be complete: page through everybody.
        """

    def next_due(self) -> float | None:
        """When somebody is due next (Unix seconds, perhaps past). None: nobody is, or there is no index."""

    def mark_complete(self, seconds: float) -> None:
        """Everybody was paged through and scheduled: for so many seconds `take_due` knows all that is open.

        Nothing is marked where one of this process's entries was lost since the last time, or the server was exchanged
        meanwhile; the index then stays incomplete.
        """
