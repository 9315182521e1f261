# SPDX-License-Identifier: Apache-2.0
"""An identity as the path of a verdict sees it, wherever it is kept."""

from typing import Protocol

from webhook.core.record import Record


class Identity(Protocol):
    """An identity as it was read: the record of its verification, and what else matters to it."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str | None: ...
    @property
    def verified_address(self) -> bool: ...
    @property
    def record(self) -> Record: ...
    @property
    def is_writable(self) -> bool: ...
    def holds(self, record: Record) -> bool: ...
