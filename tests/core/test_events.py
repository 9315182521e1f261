# SPDX-License-Identifier: Apache-2.0
"""Operators alert on events and audit by them, so that a name, once given, is never changed."""

import re
from pathlib import Path

from webhook.core.events import Event, Note

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"


def test_events_keep_their_names() -> None:
    """https://12factor.net/logs"""
    assert {event.name: event.value for event in Event} == {
        "STARTED": "verification.started",
        "UNSTARTED": "verification.unstarted",
        "SETTLED": "verification.settled",
        "REOPENED": "verification.reopened",
        "FORGOTTEN": "verification.forgotten",
        "SUPERSEDED": "verification.superseded",
        "HEALED": "verification.healed",
        "REPEATED_FACE": "verification.repeated_face",
        "REPEATED_DOCUMENT": "verification.repeated_document",
        "BEGUN_ANEW": "verification.begun_anew",
        "REVERIFICATION_ASKED": "reverification.asked",
        "REVERIFICATION_STARTED": "reverification.started",
        "REVERIFICATION_PASSED": "reverification.passed",
        "REVERIFICATION_LAPSED": "reverification.lapsed",
    }


def test_notes_keep_their_names() -> None:
    assert {note.value for note in Note} == {
        *("request", "request.failed", "request.crashed", "request.invalid", "outbound", "secret.refused"),
        *("verification.unrecorded", "session.revoked", "server.exception", "log.lost", "coordination.failed"),
        *("gate.refused", "gate.not_looked", "gate.not_recorded", "gate.not_started", "gate.unreadable"),
        *("page.failed", "page.not_looked", "page.not_recorded"),
        *("reverify.failed", "sync.failed", "sync.crashed", "sync.aborted", "sync.done"),
    }


def test_no_name_is_given_twice() -> None:
    names = [*map(str, Event), *map(str, Note)]
    assert len(names) == len(set(names))


def test_operators_can_look_up_every_name() -> None:
    """The first column of the table; `a.b`, `.c` stands for `a.b` and `a.c`."""
    told: set[str] = set()
    for row in re.findall(r"^\| (`[^|]+) \|", OPERATING.read_text(), re.MULTILINE):
        family = ""
        for name in re.findall(r"`([\w.]+)`", row):
            family = family if name.startswith(".") else name.partition(".")[0]
            told.add(f"{family}{name}" if name.startswith(".") else name)
    assert {*map(str, Event), *map(str, Note)} - told == set()
