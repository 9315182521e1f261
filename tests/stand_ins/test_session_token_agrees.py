# SPDX-License-Identifier: Apache-2.0
"""The template's level is the gate's: `effective_level` in Python and in Jsonnet, on records made at random."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.hooks import map_claims
from sandbox.shipped import shipped
from webhook.core.assurance import Assurance, effective_level, with_steps
from webhook.core.record import Record, Reverification
from webhook.core.start import is_overdue
from webhook.core.status import Status
from webhook.ory.kratos.metadata import public_member, public_record
from webhook.settings import shipped_table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEMPLATE = (shipped("jsonnet") / "session-token.jsonnet").as_uri()


def moment(rng: random.Random) -> str:
    """Never the very same second: the numbers of the record are whole."""
    away = timedelta(minutes=rng.choice([-1, 1]) * rng.randrange(1, 60 * 24 * 400))
    return (NOW + away).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("number", range(25))
def test_the_template_agrees_with_the_gate(number: int, rng: random.Random) -> None:
    table = shipped_table()
    rows = [replace(row, max_age=rng.choice([None, timedelta(days=rng.randrange(1, 400))])) for row in table.levels]
    table = replace(table, levels=tuple(rows))
    level = rng.randrange(4)
    assurance = Assurance(
        level=level,
        name=table.name_of(level),
        verified_at=moment(rng),
        expires_at=rng.choice([None, moment(rng)]),
        table="any",
    )
    due_at = rng.choice([None, moment(rng)])
    further = rng.choice([None, Reverification(reason="risk", due_at=due_at)])
    record = Record(status=Status.APPROVED, assurance=with_steps(table, assurance), reverification=further)
    verified = rng.random() < 0.5
    written = json.loads(json.dumps(public_member(record)))
    identity = {"metadata_public": {"jumio": written}, "verifiable_addresses": [{"verified": verified}]}

    read = public_record({"jumio": written})
    expected = effective_level(
        table, read.assurance, verified_address=verified, overdue=is_overdue(read, now=NOW), now=NOW
    )

    claims = map_claims(TEMPLATE, session={"identity": identity}, claims={"iat": int(NOW.timestamp())})
    assert claims["assurance"]["level"] == expected, json.dumps(written)
    assert claims["assurance"]["name"] == table.name_of(expected)
