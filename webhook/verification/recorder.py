# SPDX-License-Identifier: Apache-2.0
"""Writing a record so that nothing is lost that another process writes at the same moment."""

from typing import Any

from webhook.core.assurance import Table
from webhook.core.record import Record
from webhook.core.schedule import next_look_at
from webhook.core.settle import taking_in, with_its_steps
from webhook.core.workflows import undoubted
from webhook.errors import KratosRefused
from webhook.verification.links import Links
from webhook.verification.ports import Clock, Coordination, Identities, Identity

# What others wrote meanwhile is taken in so often; then it is left to the next who looks.
_WRITES_AT_MOST = 4
_BAD_REQUEST = 400


class Recorder:
    """Writes records. Kratos has no compare-and-set, so its reply is read for what somebody else added."""

    def __init__(
        self, identities: Identities, *, links: Links, coordination: Coordination, table: Table, clock: Clock
    ) -> None:
        self._identities = identities
        self._links = links
        self._coordination = coordination
        self._table = table
        self._clock = clock

    def write(self, identity: Identity, record: Record, *, state: str | None = None) -> Identity:
        """The identity as it stands afterwards: its record says what all its workflows mean, also those of others.

        :raises KratosError: it could not be written, or not be kept.
        """
        record = record.with_known(undoubted(record.known))
        for _ in range(_WRITES_AT_MOST):
            try:
                identity = self._identities.write(identity, record, state=state)
            except KratosRefused as error:
                again = self._identities.get(identity.id)
                if error.status != _BAD_REQUEST or _stands(again) == _stands(identity):
                    raise
                # A member that was to be removed had gone meanwhile: on what stands there now.
                identity, record = again, self._links.restored(again.id, taking_in(again.record, record.known))
                continue
            # What others listed is joined with what we know; a summary beside it may be older than both.
            until = identity.record.forgotten_until
            taken_in = taking_in(record, identity.workflows, forgotten_until=until)
            taken_in = self._links.restored(identity.id, with_its_steps(taken_in, table=self._table))
            if identity.holds(taken_in):
                break
            record = taken_in
        self._watch(identity)
        return identity

    def _watch(self, identity: Identity) -> None:
        """Have it looked at for as long as something of it is open."""
        now = self._clock()
        at = next_look_at(identity.record, looked_at=now, now=now)
        if at is None:
            self._coordination.unschedule(identity.id)
        else:
            self._coordination.schedule(identity.id, at.timestamp())


def _stands(identity: Identity) -> tuple[Any, Any]:
    return identity.metadata_public, identity.metadata_admin
