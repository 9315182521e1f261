# SPDX-License-Identifier: Apache-2.0
"""The names of what happens to a record. Operators alert on them, so they are never renamed."""

from enum import StrEnum


class Event(StrEnum):
    """What happened, in the history of the record and in the audit log."""

    STARTING = "verification.starting"
    STARTED = "verification.started"
    ASKED = "reverification.asked"
    FURTHER = "reverification.started"
    UNSTARTED = "verification.unstarted"
    SETTLED = "verification.settled"
    FORGOTTEN = "verification.forgotten"
    REOPENED = "verification.reopened"
    SUPERSEDED = "verification.superseded"
    RENEWED = "reverification.passed"
    LAPSED = "reverification.lapsed"
    HEALED = "verification.healed"
