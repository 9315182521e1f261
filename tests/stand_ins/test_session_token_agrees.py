# SPDX-License-Identifier: Apache-2.0
"""The template's level is the gate's: `effective_level` in Python and in Jsonnet, on records made at random."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.hooks import map_claims
from sandbox.shipped import PACKAGE

from .test_session_token import inlined, with_max_age

assurance = pytest.importorskip("webhook.core.assurance")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def moment(dice: random.Random) -> str:
    # Never closer than a minute: the template cuts fractions of a second off.
    away = timedelta(minutes=dice.choice([-1, 1]) * dice.randrange(1, 60 * 24 * 400))
    return (NOW + away).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("seed", range(25))
def test_the_template_agrees_with_the_gate(seed: int) -> None:
    from webhook.core.assurance_table import parse_table

    dice = random.Random(seed)
    days = {level: dice.randrange(1, 400) for level in (2, 3) if dice.random() < 0.5}
    table = parse_table((PACKAGE / "assurance.toml").read_text())
    rows = [
        replace(row, max_age=timedelta(days=days[row.level]) if row.level in days else None) for row in table.levels
    ]
    table = replace(table, levels=tuple(rows))
    recorded: dict[str, Any] = {
        "level": dice.randrange(4),
        "name": "any",
        "verified_at": moment(dice),
        "expires_at": dice.choice([None, moment(dice)]),
        "table": "any",
    }
    due_at = dice.choice([None, moment(dice)])
    verified = dice.random() < 0.5
    jumio = {
        "status": "approved",
        "assurance": recorded,
        "reverification": None if due_at is None else {"due_at": due_at},
    }
    identity = {"metadata_public": {"jumio": jumio}, "verifiable_addresses": [{"verified": verified}]}

    level = assurance.effective_level(
        table,
        assurance.Assurance(**recorded),
        verified_address=verified,
        overdue=due_at is not None and datetime.fromisoformat(due_at) <= NOW,
        now=NOW,
    )

    claims = map_claims(
        inlined(with_max_age(days)), session={"identity": identity}, claims={"iat": int(NOW.timestamp())}
    )
    assert claims["assurance"]["level"] == level, json.dumps(jumio)
