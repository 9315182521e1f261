# SPDX-License-Identifier: Apache-2.0
"""The names of all events. Operators alert on them and audit by them, so they are never renamed.

An `Event` happens to a record: it stands in the record's history as well as in the log. A `Note` stands only in the
log. docs/operating.md has the table of both.
"""

from enum import StrEnum


class Event(StrEnum):
    """What happened to a record."""

    STARTED = "verification.started"
    UNSTARTED = "verification.unstarted"
    SETTLED = "verification.settled"
    REOPENED = "verification.reopened"
    FORGOTTEN = "verification.forgotten"
    SUPERSEDED = "verification.superseded"
    HEALED = "verification.healed"
    REPEATED_FACE = "verification.repeated_face"
    REPEATED_DOCUMENT = "verification.repeated_document"
    BEGUN_ANEW = "verification.begun_anew"
    REVERIFICATION_ASKED = "reverification.asked"
    REVERIFICATION_STARTED = "reverification.started"
    REVERIFICATION_PASSED = "reverification.passed"
    REVERIFICATION_LAPSED = "reverification.lapsed"


class Note(StrEnum):
    """What happened otherwise."""

    REQUEST = "request"
    REQUEST_FAILED = "request.failed"
    REQUEST_CRASHED = "request.crashed"
    REQUEST_INVALID = "request.invalid"
    OUTBOUND = "outbound"
    SECRET_REFUSED = "secret.refused"  # noqa: S105  # a name
    UNRECORDED = "verification.unrecorded"
    SESSION_REVOKED = "session.revoked"
    GATE_REFUSED = "gate.refused"
    GATE_NOT_LOOKED = "gate.not_looked"
    GATE_NOT_RECORDED = "gate.not_recorded"
    GATE_NOT_STARTED = "gate.not_started"
    GATE_UNREADABLE = "gate.unreadable"
    PAGE_FAILED = "page.failed"
    PAGE_NOT_LOOKED = "page.not_looked"
    PAGE_NOT_RECORDED = "page.not_recorded"
    REVERIFY_FAILED = "reverify.failed"
    SYNC_FAILED = "sync.failed"
    SYNC_CRASHED = "sync.crashed"
    SYNC_ABORTED = "sync.aborted"
    SYNC_DONE = "sync.done"
    COORDINATION_FAILED = "coordination.failed"
    LOG_LOST = "log.lost"
    SERVER_EXCEPTION = "server.exception"
