# SPDX-License-Identifier: Apache-2.0
"""The level in the session's JWT: by table at a fixed `iat`, and through the tokenizer of a Kratos of either kind."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.hooks import map_claims
from sandbox.shipped import shipped

from .worlds import World, email

TEMPLATE = shipped("jsonnet") / "session-token.jsonnet"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
IAT = int(NOW.timestamp())
PAST, FUTURE = IAT, IAT + 1  # what is due now is over
VERIFIED_AT = "2026-08-24T12:00:00.123Z"  # 90 days ago, less a moment
PERSON = {"level": 3, "name": "person", "verified_at": VERIFIED_AT, "expires_at": None, "table": "2026-11"}
EXPIRES = "2030-01-01T00:00:00.000Z"
NOBODY = {"level": 0, "name": "none", "verified_at": None}
CONTACT = {"level": 1, "name": "contact", "verified_at": None}
DUE = {"reason": "risk", "due_at": EXPIRES, "workflow_execution_id": "w", "verification_url": None}


def jumio(**members: Any) -> dict[str, Any]:
    return {"jumio": {"status": "approved", "assurance": PERSON, "reverification": None, **members}}


def assurance(**members: Any) -> dict[str, Any]:
    return jumio(assurance={**PERSON, **members})


def steps(*given: tuple[Any, Any], **members: Any) -> dict[str, Any]:
    """Somebody verified whose level is at most `level` from `at` on."""
    names = {0: "none", 1: "contact", 2: "document"}
    written = [
        {"at": at, "level": level, "name": names.get(level) if isinstance(level, int) else None} for at, level in given
    ]
    return assurance(**{"expires_at": EXPIRES, "steps": written, **members})


def tokens(*sessions: Any) -> list[Any]:
    """What the template makes of each, in one evaluation: starting Jsonnet costs more than all of them."""
    template = TEMPLATE.read_text()
    for name in ("claims", "session"):
        template = template.replace(f"std.extVar('{name}')", f"given_{name}")
    source = (
        f"local map(given_claims, given_session) = ({template});\n"
        "{claims: [map(std.extVar('claims'), session).claims for session in std.extVar('session')]}"
    )
    uri = f"base64://{base64.b64encode(source.encode()).decode()}"
    mapped: list[Any] = map_claims(uri, session=sessions, claims={"iat": IAT})
    assert all(set(each) == {"assurance"} for each in mapped)
    return [each["assurance"] for each in mapped]


def session_of(metadata: Any, addresses: Any = None) -> Any:
    return {"identity": {"metadata_public": metadata, "verifiable_addresses": addresses}}


def assert_levels(cases: list[tuple[Any, int]]) -> None:
    found = tokens(*(session_of(metadata) for metadata, _ in cases))
    wrong = [(case, each) for (case, level), each in zip(cases, found, strict=True) if each["level"] != level]
    assert wrong == []


def test_the_effective_level() -> None:
    cases: list[tuple[Any, int]] = [
        (jumio(), 3),
        (assurance(level=2, name="document"), 2),
        (assurance(level=1, name="contact"), 1),
        (assurance(level=0, name="none"), 0),
        (jumio(status="review", assurance={**PERSON, "level": 2, "name": "document"}), 2),
        (jumio(status="rejected"), 0),
        (jumio(status="pending"), 3),
        (steps((FUTURE, 1)), 3),
        (steps((PAST, 1)), 1),
        (steps((PAST, 2), (FUTURE, 1)), 2),
        (steps((PAST, 1), (PAST, 2)), 1),
        (steps((PAST, 1), level=2), 1),
        (steps((PAST, 1), level=0), 0),
        (steps((0, 1)), 1),
        (steps((253402300799, 1)), 3),
        (steps(expires_at=None), 3),
        (jumio(reverification={**DUE, "due": FUTURE}), 3),
        (jumio(reverification={**DUE, "due": PAST}), 1),
        (jumio(reverification={**DUE, "due": PAST}, assurance=steps((PAST, 1))["jumio"]["assurance"]), 1),
        (jumio(reverification={**DUE, "due": PAST}, status="rejected"), 0),
        (jumio(reverification={**DUE, "due": PAST}, assurance=None), 0),
        (jumio(reverification={**DUE, "due_at": None}), 3),  # a step-up that was offered
    ]
    assert_levels(cases)


def test_what_is_said_of_a_level() -> None:
    names = ("none", "contact", "document", "person")
    told = tokens(*(session_of(assurance(level=level, name=name)) for level, name in enumerate(names)))
    assert told == [
        {"level": level, "name": name, "verified_at": VERIFIED_AT if level > 1 else None}
        for level, name in enumerate(names)
    ]


def test_nobody_has_a_level_by_accident() -> None:
    metadata = [
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
    ]
    assert tokens(*(session_of(each) for each in metadata)) == [NOBODY] * len(metadata)
    verified = [{"verified": True}]
    assert tokens(*(session_of(each, verified) for each in metadata)) == [CONTACT] * len(metadata)


ODD = [None, "", "2030-01-01T00:00:00Z", str(FUTURE), FUTURE + 0.5, -1, True, [], {}, [FUTURE]]


def test_what_cannot_be_read_is_over() -> None:
    assert_levels([(steps((odd, 2)), 1) for odd in ODD])
    assert_levels([(steps((FUTURE, odd)), 1) for odd in ODD])
    assert_levels([(jumio(reverification={**DUE, "due": odd}), 1) for odd in ODD])


def test_steps_or_a_reverification_of_another_shape_are_over() -> None:
    odd = ["open", 7, True, []]
    assert_levels([(assurance(expires_at=EXPIRES, steps=[each]), 1) for each in odd])
    assert_levels([(jumio(reverification=each), 1) for each in odd])


def test_a_record_that_was_written_before_there_were_steps() -> None:
    """Its document may have expired; where it has no such date, nothing decays."""
    odd = ["open", 7, True, {}, None]
    assert_levels([(assurance(expires_at=EXPIRES, steps=each), 1) for each in odd])
    assert_levels([(assurance(expires_at=None, steps=each), 3) for each in odd])
    assert_levels([(assurance(expires_at=EXPIRES), 1)])


def test_a_level_without_steps_never_falls() -> None:
    assert_levels([(assurance(expires_at=EXPIRES, steps=[]), 3)])


def test_a_session_without_an_identity() -> None:
    odd = [None, {}, [], "s", {"identity": None}, {"identity": []}, {"identity": {}}]
    assert tokens(*odd) == [NOBODY] * len(odd)


def test_a_verified_address_is_level_1() -> None:
    cases: list[tuple[Any, int]] = [
        ([{"verified": True}], 1),
        ([{"verified": False}, {"verified": True}], 1),
        ([{"verified": "true"}, None, 7], 0),
        ({"verified": True}, 0),
    ]
    for addresses, level in cases:
        found = tokens(*(session_of(each, addresses) for each in (None, jumio(), jumio(status="rejected"))))
        assert [each["level"] for each in found] == [level, 3, 0]


def test_names_of_another_table_come_through() -> None:
    metadata = [
        assurance(level=4, name="chip"),
        assurance(level=4, name=7),
        assurance(name="selfie"),
        steps((PAST, 1), name="selfie"),
        steps((PAST, 2), name="selfie"),
    ]
    found = tokens(*(session_of(each) for each in metadata))
    assert [each["name"] for each in found] == ["chip", None, "selfie", "contact", "document"]


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
        (steps((32472144000, 1)), {"level": 3, "name": "person", "verified_at": VERIFIED_AT}),
        (steps((978307200, 1)), CONTACT),
        (jumio(reverification={**DUE, "due": 978307200}), CONTACT),
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
