# SPDX-License-Identifier: Apache-2.0
"""Whether somebody may sign in, and why they have the level they have, as plain values and in words."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support import (
    FACE_CHECKS,
    NEWER_WORKFLOW,
    NOW,
    PASSED_CHECKS,
    TABLE,
    approved,
    assured,
    pending,
    verified,
)

from core.evidence import aged, check, with_check
from webhook.core.assurance import Table
from webhook.core.evidence import Check, Decision
from webhook.core.explanation import as_text, explanation
from webhook.core.record import Record, Reverification
from webhook.core.sign_in import Account, Link, Rules
from webhook.core.status import Status, Verdict
from webhook.idv.jumio.words import grade_of


def told(
    record: Record, *, verified_address: bool = False, table: Table = TABLE, now: datetime = NOW
) -> dict[str, Any]:
    found = explanation(
        record,
        account=Account(state="active", gate_status=record.status, link=Link.NONE),
        rules=Rules(blocked=frozenset({Status.REJECTED}), starts_a_day=5),
        verified_address=verified_address,
        table=table,
        grade_of=grade_of,
        now=now,
    )
    assert json.loads(json.dumps(found)) == found, "plain values"
    assert as_text(found)
    return found


def test_everything_there_is_to_say() -> None:
    record = verified(
        assurance=assured(3, expires_at="2030-01-02T00:00:00.000Z"),
        reverification=Reverification(
            reason="risk", due_at="2026-03-09T00:00:00.000Z", workflow_execution_id=NEWER_WORKFLOW
        ),
    ).with_event("verification.settled", now=NOW)
    assert told(record, verified_address=True) == {
        "sign_in": {
            "allowed": True,
            "why": "the status is approved, and BLOCK_LOGIN_STATUSES stops rejected",
            "what_now": [
                "there is no link to the re-verification on the identity: `sync --identity ID` makes one",
                "where all has been sent, wait for the verdict; `sync --identity ID` asks for it now",
            ],
        },
        "match": None,
        "status": "approved",
        "verdict": "PASSED",
        "level": 3,
        "effective_level": 3,
        "effective_name": "person",
        "verified_at": "2026-03-02T18:30:00.000Z",
        "table": "2026-11",
        "verified_address": True,
        "checks": [
            {"capability": each.capability, "decision": each.decision, "label": each.label} for each in PASSED_CHECKS
        ],
        "repeated": [],
        "why_not_higher": [],
        "decays": [
            {"at": "2026-03-09T00:00:00.000Z", "what": "the re-verification is due; the level falls to 1"},
            {"at": "2030-01-02T00:00:00.000Z", "what": "the document expires; the level falls to 1 (contact)"},
        ],
        "reverification": {"reason": "risk", "due_at": "2026-03-09T00:00:00.000Z", "open": True},
        "history": [dict(event) for event in record.history],
    }


def test_the_same_for_people() -> None:
    record = verified(
        assurance=assured(3, expires_at="2030-01-02T00:00:00.000Z"),
        reverification=Reverification(reason="risk", due_at="2026-03-09T00:00:00.000Z"),
        checks=PASSED_CHECKS[:2],
    ).with_event("verification.settled", now=NOW)
    assert as_text(told(record, now=NOW + timedelta(days=30))) == (
        """\
may sign in      yes
why              the status is approved, and BLOCK_LOGIN_STATUSES stops rejected
what now         the re-verification is overdue since 2026-03-09T00:00:00.000Z: the level counts as 1 at most until it \
is made
                 a re-verification is due and none is open: `reverify --identity ID` starts one

status           approved (verdict PASSED)
level            3; effective now: 1 (contact)
verified at      2026-03-02T18:30:00.000Z, by table 2026-11
verified address no
match            not compared
re-verification  due, none open; reason risk, due 2026-03-09T00:00:00.000Z

checks:
  dataChecks: PASSED (OK)
  extraction: PASSED (OK)

why not higher:
  nothing

what decays:
  2026-03-09T00:00:00.000Z  the re-verification is due; the level falls to 1
  2030-01-02T00:00:00.000Z  the document expires; the level falls to 1 (contact)

history:
  2026-03-02T18:48:37.319Z  verification.settled  approved"""
    )


def test_of_whoever_has_no_record_there_is_little_to_say() -> None:
    found = told(Record())
    assert (found["status"], found["verdict"], found["level"], found["effective_level"]) == ("none", None, 0, 0)
    assert found["decays"] == found["checks"] == found["history"] == []
    assert found["reverification"] is found["verified_at"] is found["table"] is None
    capabilities = "usability PASSED, imageChecks PASSED, extraction PASSED, dataChecks PASSED"
    assert found["why_not_higher"] == [
        "level 1 (contact) asks for: a verified address",
        f"level 2 (document) asks for: execution PASSED, {capabilities}",
        "level 3 (person) asks for: similarity PASSED MATCH, liveness PASSED",
    ]
    assert as_text(found).count("  nothing") == 3
    assert "verified at      never, by table -" in as_text(found)
    assert told(Record(), verified_address=True)["effective_level"] == 1


@pytest.mark.parametrize(
    ("changed", "level", "why"),
    [
        (check("liveness", "NOT_EXECUTED"), 2, ["level 3 (person) asks for: liveness PASSED"]),
        (check("similarity", "PASSED", "NO_MATCH"), 2, ["level 3 (person) asks for: similarity PASSED MATCH"]),
        (check("dataChecks", "NOT_EXECUTED"), 1, ["level 2 (document) asks for: dataChecks PASSED"]),
        (
            check("imageChecks", "WARNING", "REPEATED_FACE"),
            1,
            ["a WARNING (imageChecks) caps the level at 2", "level 2 (document) asks for: imageChecks PASSED"],
        ),
        (
            check("liveness", "WARNING"),
            2,
            ["a WARNING (liveness) caps the level at 2", "level 3 (person) asks for: liveness PASSED"],
        ),
        (
            check("dataChecks", "REJECTED"),
            0,
            ["a REJECTED anywhere is level 0", "level 2 (document) asks for: dataChecks PASSED"],
        ),
    ],
)
def test_which_check_capped_it_or_is_missing(changed: Check, level: int, why: list[str]) -> None:
    found = told(verified(level, checks=with_check(changed)), verified_address=True)
    assert (found["level"], found["effective_level"]) == (level, max(level, 1))
    assert found["why_not_higher"] == why
    text = as_text(found)
    assert all(f"\n  {sentence}" in text for sentence in why)


@pytest.mark.parametrize(("kind", "why"), [
    ("WARNING", "a WARNING (the execution) caps the level at 2"),
    ("REJECTED", "a REJECTED anywhere is level 0"),
])  # fmt: skip
def test_the_decision_on_the_whole_caps_too(kind: str, why: str) -> None:
    record = verified(1, decision=Decision(type=kind, label=None, risk_score=None))
    assert told(record)["why_not_higher"] == [why, "level 2 (document) asks for: execution PASSED"]


def test_an_expired_document_is_named() -> None:
    record = verified(1, assurance=assured(1, expires_at="2026-01-01T00:00:00.000Z"))
    assert told(record)["why_not_higher"] == ["level 2 (document) asks for: a document that has not expired"]
    decayed = verified(assurance=assured(3, expires_at="2026-01-01T00:00:00.000Z"))
    assert (told(decayed)["level"], told(decayed)["effective_level"], told(decayed)["effective_name"]) == (
        3, 1, "contact"
    )  # fmt: skip


def test_ages_are_named_with_their_end() -> None:
    table = aged(person=365, document=730)
    assert told(verified(), table=table)["decays"] == [
        {"at": "2027-03-02T18:30:00.000Z", "what": "the verification is too old; the level falls to 2 (document)"},
        {"at": "2028-03-01T18:30:00.000Z", "what": "the verification is too old; the level falls to 1 (contact)"},
    ]
    assert [decay["what"] for decay in told(verified(2), table=table)["decays"]] == [
        "the verification is too old; the level falls to 1 (contact)"
    ]
    unknown = told(verified(assurance=assured(3, verified_at=None)), table=table)
    assert {decay["at"] for decay in unknown["decays"]} == {"1970-01-01T00:00:00.000Z"}, "it counts as long ago"
    assert unknown["effective_level"] == 1
    later = told(verified(), table=table, now=NOW + timedelta(days=400))
    assert (later["level"], later["effective_level"]) == (3, 2)


def test_whoever_is_rejected_has_no_level_even_with_a_contact() -> None:
    record = verified(0, status=Status.REJECTED, verdict=Verdict.FAILED, checks=FACE_CHECKS)
    assert told(record, verified_address=True)["effective_level"] == 0
    assert told(approved(), verified_address=True)["effective_level"] == 1
    assert told(pending(), verified_address=True)["status"] == "pending"


def test_what_was_met_is_not_told_as_missing() -> None:
    levels = tuple(replace(row, documents=("ID_CARD",)) if row.level == 2 else row for row in TABLE.levels)
    record = verified(1, checks=with_check(check("dataChecks", "NOT_EXECUTED")))
    assert told(record, table=replace(TABLE, levels=levels), verified_address=True)["why_not_higher"] == [
        "level 2 (document) asks for: dataChecks PASSED"
    ]
