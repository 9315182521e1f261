# SPDX-License-Identifier: Apache-2.0
"""What the path of a verdict wants of others: of whoever keeps the identities, and of the vendor that verifies them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from webhook.coordination.port import Coordination
from webhook.core.evidence import Check, Reading
from webhook.core.identity import Identity
from webhook.core.record import Record
from webhook.core.start import Started

Clock = Callable[[], datetime]


class Identities(Protocol):
    """Kratos: see `webhook.ory.kratos.client`. Every method raises `KratosError`."""

    def get(self, identity_id: str) -> Identity: ...
    def note_asked(self, identity_id: str, asked_at: str) -> Identity: ...
    def write(self, identity: Identity, record: Record, *, state: str | None = None) -> Identity: ...
    def page(self, token: str | None, *, size: int = ...) -> tuple[Sequence[Identity], str | None]: ...
    def many(self, identity_ids: Sequence[str]) -> Sequence[Identity]: ...
    def end_sessions(self, identity_id: str) -> bool: ...


class Vendor(Protocol):
    """Jumio: see `webhook.idv.jumio.client`. What asks it raises `VendorError`."""

    def start(self, identity_id: str, *, account_id: str | None, workflow_key: int | str) -> Started: ...
    def read(self, *, account_id: str, workflow_execution_id: str) -> Reading: ...
    def can_compare_face(self, checks: Collection[Check]) -> bool: ...


__all__ = ["Clock", "Coordination", "Identities", "Identity", "Vendor"]
