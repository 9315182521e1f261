# SPDX-License-Identifier: Apache-2.0
"""An identity as the path of a verdict sees it, wherever it is kept."""

from datetime import timedelta
from typing import Any, Protocol

from webhook.core.person import Person
from webhook.core.record import Record
from webhook.core.workflows import Workflow


class Identity(Protocol):
    """An identity as it was read: the record of its verification, and what else matters to it.

    `unchanged_for` is how long ago it was written, by the clock of whoever keeps it; None where that did not say. The
    metadata are for whoever writes: what others put there stays.
    """

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str | None: ...
    @property
    def verified_address(self) -> bool: ...
    @property
    def person(self) -> Person | None: ...
    @property
    def record(self) -> Record: ...
    @property
    def workflows(self) -> tuple[Workflow, ...]: ...
    @property
    def is_writable(self) -> bool: ...
    @property
    def unchanged_for(self) -> timedelta | None: ...
    @property
    def metadata_public(self) -> Any: ...
    @property
    def metadata_admin(self) -> Any: ...
    def holds(self, record: Record) -> bool: ...
