# SPDX-License-Identifier: Apache-2.0
"""The level in the session's JWT: by table at a fixed `iat`, and through the tokenizer of a Kratos of either kind."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sandbox.hooks import map_claims
from sandbox.shipped import shipped

from .worlds import World, email

TEMPLATE = shipped("jsonnet") / "session-token.jsonnet"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAST, FUTURE = "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:01.000Z"  # what is due now is over
VERIFIED_AT = "2026-08-24T12:00:00.123Z"  # 90 days ago, less a moment
PERSON = {"level": 3, "name": "person", "verified_at": VERIFIED_AT, "expires_at": None, "table": "2026-11"}
NOBODY = {"level": 0, "name": "none", "verified_at": None}
CONTACT = {"level": 1, "name": "contact", "verified_at": None}
DUE = {"reason": "risk", "workflow_execution_id": "w", "verification_url": None}


def jumio(**members: Any) -> dict[str, Any]:
    return {"jumio": {"status": "approved", "assurance": PERSON, "reverification": None, **members}}


def assurance(**members: Any) -> dict[str, Any]:
    return jumio(assurance={**PERSON, **members})


def inlined(source: str) -> str:
    return f"base64://{base64.b64encode(source.encode()).decode()}"


def token(metadata: Any, *, addresses: Any = None, source: str | None = None, now: datetime = NOW) -> Any:
    session = {"identity": {"metadata_public": metadata, "verifiable_addresses": addresses}}
    uri = TEMPLATE.as_uri() if source is None else inlined(source)
    claims = map_claims(uri, session=session, claims={"iat": int(now.timestamp())})
    assert set(claims) == {"assurance"}
    return claims["assurance"]


def with_max_age(days: dict[int, int]) -> str:
    text = TEMPLATE.read_text()
    assert "local max_age_days = {};" in text
    return text.replace("local max_age_days = {};", f"local max_age_days = {json.dumps(days)};")


@pytest.mark.parametrize(
    ("metadata", "level"),
    [
        (jumio(), 3),
        (assurance(level=2, name="document"), 2),
        (assurance(level=1, name="contact"), 1),
        (assurance(level=0, name="none"), 0),
        (jumio(status="review", assurance={**PERSON, "level": 2, "name": "document"}), 2),
        (jumio(status="rejected"), 0),
        (jumio(status="pending"), 3),
        (assurance(expires_at=FUTURE), 3),
        (assurance(expires_at=PAST), 1),
        (assurance(level=2, expires_at=PAST), 1),
        (assurance(level=0, expires_at=PAST), 0),
        (assurance(expires_at="1969-12-31T23:59:59Z"), 1),
        (assurance(expires_at="9999-12-31T23:59:59Z"), 3),
        (jumio(reverification={**DUE, "due_at": FUTURE}), 3),
        (jumio(reverification={**DUE, "due_at": PAST}), 1),
        (jumio(reverification={**DUE, "due_at": PAST}, assurance={**PERSON, "expires_at": PAST}), 1),
        (jumio(reverification={**DUE, "due_at": PAST}, status="rejected"), 0),
        (jumio(reverification={**DUE, "due_at": PAST}, assurance=None), 0),
    ],
)
def test_the_effective_level(metadata: Any, level: int) -> None:
    names = ("none", "contact", "document", "person")
    assert token(metadata) == {
        "level": level,
        "name": names[level],
        "verified_at": VERIFIED_AT if level > 1 else None,
    }


@pytest.mark.parametrize(
    ("days", "level"),
    [
        ({3: 91}, 3),
        ({3: 90}, 2),
        ({3: 1}, 2),
        ({2: 91, 3: 1}, 2),
        ({2: 1}, 1),
        ({2: 1, 3: 1000}, 1),
        ({2: 1, 3: 1}, 1),
        ({4: 1}, 3),
    ],
)
def test_a_level_that_lasts_some_days(days: dict[int, int], level: int) -> None:
    assert token(jumio(), source=with_max_age(days))["level"] == level


def test_an_age_that_cannot_be_read_is_too_old() -> None:
    assert token(assurance(verified_at=None), source=with_max_age({3: 9999})) == {
        "level": 2,
        "name": "document",
        "verified_at": None,
    }


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        "jumio",
        7,
        True,
        [],
        [{"jumio": PERSON}],
        {"jumio": None},
        {"jumio": "approved"},
        {"jumio": []},
        {"jumio": {}},
        jumio(assurance=None),
        jumio(assurance="person"),
        jumio(assurance=[3]),
        jumio(assurance={}),
        *(assurance(level=odd) for odd in (None, "3", True, 2.5, -1, [3], {"level": 3})),
    ],
)
def test_nobody_has_a_level_by_accident(metadata: Any) -> None:
    assert token(metadata) == NOBODY
    assert token(metadata, addresses=[{"verified": True}]) == CONTACT


UNREADABLE = [
    "",
    "tomorrow",
    "2030-01-01",
    "2030-01-01T00:00:00",
    "2030-01-01T00:00:00.Z",
    "2030-01-01T00:00:00+1:00",
    "2030-01-01T00:00:00Z ",
    " 2030-01-01T00:00:00Z",
    1,
    True,
    [],
    {},
    ["2030-01-01T00:00:00Z"],
]


@pytest.mark.parametrize("odd", UNREADABLE)
def test_a_time_that_cannot_be_read_is_over(odd: Any) -> None:
    assert token(assurance(expires_at=odd))["level"] == 1
    assert token(jumio(reverification={**DUE, "due_at": odd}))["level"] == 1


@pytest.mark.parametrize("odd", ["open", 7, True, [], {}, {"due_at": None}])
def test_a_reverification_that_cannot_be_read_is_overdue(odd: Any) -> None:
    assert token(jumio(reverification=odd))["level"] == 1


@pytest.mark.parametrize("session", [None, {}, [], "s", {"identity": None}, {"identity": []}, {"identity": {}}])
def test_a_session_without_an_identity(session: Any) -> None:
    claims = map_claims(TEMPLATE.as_uri(), session=session, claims={"iat": 1})
    assert claims == {"assurance": NOBODY}


@pytest.mark.parametrize(
    ("addresses", "level"),
    [
        ([{"verified": True}], 1),
        ([{"verified": False}, {"verified": True}], 1),
        ([{"verified": "true"}, None, 7], 0),
        ({"verified": True}, 0),
    ],
)
def test_a_verified_address_is_level_1(addresses: Any, level: int) -> None:
    assert token(None, addresses=addresses)["level"] == level
    assert token(jumio(), addresses=addresses)["level"] == 3
    assert token(jumio(status="rejected"), addresses=addresses) == NOBODY


def test_names_of_another_table_come_through() -> None:
    assert token(assurance(level=4, name="chip")) == {"level": 4, "name": "chip", "verified_at": VERIFIED_AT}
    assert token(assurance(level=4, name=7))["name"] is None
    assert token(assurance(name="selfie"))["name"] == "selfie"
    assert token(assurance(name="selfie", expires_at=PAST))["name"] == "contact"


def test_times_of_every_year_and_zone() -> None:
    """In one evaluation, since starting Jsonnet costs more than the arithmetic."""
    dice = random.Random(4)
    zones = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9, minutes=-30))]
    begin, days = datetime(1601, 1, 1, tzinfo=UTC), ((1, 1), (2, 28), (3, 1), (12, 31))
    moments = [begin + timedelta(seconds=dice.randrange(265_000_000_000)) for _ in range(100)]
    moments += [datetime(year, *day, tzinfo=UTC) for year in (1900, 2000, 2024, 2026) for day in days]
    texts = [moment.astimezone(dice.choice(zones)).isoformat() for moment in moments]
    texts = [text.replace("+00:00", dice.choice(["Z", ".5Z", ".000Z", "-00:00"])) for text in texts]
    functions, _, _ = TEMPLATE.read_text().partition("local has_passed")
    source = f"{functions} {{ claims: {{ times: std.map(unix, {json.dumps(texts)}) }} }}"
    found = map_claims(inlined(source), session={}, claims={})["times"]
    assert found == [int(moment.timestamp()) for moment in moments]


def test_kratos_signs_it_in(world: World) -> None:
    registered = world.kratos.register(email(), method="code")
    assert registered.identity_id
    assert registered.session_token
    before = datetime.now(UTC).timestamp()
    claims = world.kratos.tokenize(registered.session_token)
    assert claims["sub"] == registered.identity_id
    assert before - 2 <= claims["iat"] == claims["nbf"] <= before + 10
    assert claims["exp"] == claims["iat"] + 60
    session = world.kratos.whoami(registered.session_token)
    assert session
    assert claims["sid"] == session["id"]
    assert claims["assurance"] == CONTACT, "a mailed code has verified the address"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (assurance(expires_at="2999-01-01T00:00:00Z"), {"level": 3, "name": "person", "verified_at": VERIFIED_AT}),
        (assurance(expires_at="2001-01-01T00:00:00Z"), CONTACT),
        (jumio(reverification={**DUE, "due_at": "2001-01-01T00:00:00Z"}), CONTACT),
        (jumio(status="rejected"), NOBODY),
        (None, NOBODY),
        ("odd", NOBODY),
        ({"jumio": [7]}, NOBODY),
    ],
)
def test_through_a_kratos(world: World, metadata: Any, expected: dict[str, Any]) -> None:
    registered = world.kratos.register(email())
    assert registered.session_token
    patch = [{"op": "replace", "path": "/metadata_public", "value": metadata}]
    assert world.call("PATCH", f"/admin/identities/{registered.identity_id}", json=patch).status_code == 200
    assert world.kratos.tokenize(registered.session_token)["assurance"] == expected
