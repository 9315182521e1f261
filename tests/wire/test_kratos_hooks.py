# SPDX-License-Identifier: Apache-2.0
"""The bodies of Kratos' hooks: what is taken from them, and what is malformed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from support import HOSTILE_BODIES, IDENTITY, LINK

from webhook.core.ids import NIL_UUID
from webhook.core.policy import Policy
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.errors import Malformed
from webhook.ory.kratos.hooks import GateHook, ReverifyOrder, parse_initiate, parse_reverify
from webhook.ory.kratos.hooks import parse_validate as parse_validate_hook


def parse_validate(body: bytes) -> GateHook:
    return parse_validate_hook(body, highest_level=3)


@pytest.mark.parametrize("name", ["empty", "a list", "a duplicate key"])  # all of them: core/test_strict_json.py
@pytest.mark.parametrize("parse", [parse_initiate, parse_validate, parse_reverify])
def test_a_body_that_is_not_one_clean_json_object_is_malformed(parse: Any, name: str) -> None:
    with pytest.raises(Malformed):
        parse(HOSTILE_BODIES[name])


def test_initiate_takes_the_id_and_ignores_the_rest() -> None:
    body = {"identity": {"id": IDENTITY, "traits": {"email": "a@example.com"}}, "flow": {"id": "x"}, "more": [1]}
    assert parse_initiate(json.dumps(body).encode()) == IDENTITY


def test_an_id_in_upper_case_is_taken_in_kratos_own_case() -> None:
    assert parse_initiate(json.dumps({"identity": {"id": IDENTITY.upper()}}).encode()) == IDENTITY


UNUSABLE_IDENTITIES: list[dict[str, Any]] = [  # all ids: core/test_ids.py
    {},
    {"identity": None},
    {"identity": IDENTITY},
    {"identity": [IDENTITY]},
    {"identity": {}},
    {"identity": {"id": None}},
    {"identity": {"id": 7}},
    {"identity": {"id": ""}},
    {"identity": {"id": [IDENTITY]}},
    {"identity": {"id": "../admin"}},
    {"identity": {"id": NIL_UUID}},
]


@pytest.mark.parametrize("body", UNUSABLE_IDENTITIES, ids=str)
@pytest.mark.parametrize("parse", [parse_initiate, parse_validate, parse_reverify])
def test_a_body_without_a_usable_identity_id_is_malformed(parse: Any, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=r"identity\.id"):
        parse(json.dumps(body).encode())


@pytest.mark.parametrize("parse", [parse_initiate, parse_validate, parse_reverify])
def test_the_nil_uuid_gets_a_reason_that_names_the_cause(parse: Any) -> None:
    with pytest.raises(Malformed, match="nil UUID: the hook parses its response"):
        parse(json.dumps({"identity": {"id": NIL_UUID}}).encode())


def validate_body(metadata_public: object) -> bytes:
    return json.dumps({"identity": {"id": IDENTITY, "metadata_public": metadata_public}}).encode()


@pytest.mark.parametrize("metadata", [None, {}, {"jumio": None}, {"jumio": "approved"}, {"jumio": [1]}, {"other": 1}])
def test_metadata_without_a_record_has_the_status_none(metadata: object) -> None:
    hook = parse_validate(validate_body(metadata))
    assert (hook.identity_id, hook.record) == (IDENTITY, Record())


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.NONE])
def test_validate_reads_the_public_copy(status: Status) -> None:
    hook = parse_validate(validate_body({"jumio": {"status": status.value, "verification_url": LINK}, "other": 1}))
    assert hook.record == Record(status=status, verification_url=LINK)


@pytest.mark.parametrize("metadata", ["x", "", 1, 0, True, False, [], [{"jumio": {"status": "approved"}}]])
def test_metadata_of_another_shape_is_malformed_and_never_a_pass(metadata: object) -> None:
    with pytest.raises(Malformed, match="neither an object nor null"):
        parse_validate(validate_body(metadata))


def test_a_hook_that_does_not_send_the_metadata_is_malformed_and_never_a_pass() -> None:
    with pytest.raises(Malformed, match=r"validate\.jsonnet"):
        parse_validate(json.dumps({"identity": {"id": IDENTITY}}).encode())


# --- policies and re-verifications ---


def hook_body(**more: Any) -> bytes:
    identity = {"id": IDENTITY, "metadata_public": None, **more.pop("identity", {})}
    return json.dumps({"identity": identity, **more}).encode()


def test_without_a_policy_and_a_contact_there_is_none() -> None:
    hook = parse_validate(hook_body())
    assert (hook.policy, hook.verified_address) == (None, False)


def test_validate_reads_policy_and_contact() -> None:
    hook = parse_validate(hook_body(policy={"min_level": 3}, identity={"contact_verified": True}))
    assert hook.policy == Policy(min_level=3)
    assert hook.verified_address


@pytest.mark.parametrize("odd", [None, 0, 1, "true", [], {}], ids=repr)
def test_a_contact_of_another_type_is_malformed(odd: object) -> None:
    with pytest.raises(Malformed, match="contact_verified is neither true nor false"):
        parse_validate(hook_body(identity={"contact_verified": odd}))


@pytest.mark.parametrize("odd", [None, [], "x", {"x": 1}, {"min_level": 4}], ids=repr)
def test_a_malformed_policy_is_malformed(odd: object) -> None:
    with pytest.raises(Malformed, match="policy"):
        parse_validate(hook_body(policy=odd))


def reverify_body(**more: Any) -> bytes:
    return json.dumps({"identity": {"id": IDENTITY.upper()}, **more}).encode()


@pytest.mark.parametrize("reason", ["risk", "role-change", "scheduled", "manual"])
def test_a_reverification_has_a_reason(reason: str) -> None:
    order = ReverifyOrder(identity_id=IDENTITY, reason=reason, due_in=None)
    assert (
        parse_reverify(reverify_body(reason=reason))
        == parse_reverify(reverify_body(reason=reason, due_in=None))
        == order
    )


def test_a_reverification_may_be_due() -> None:
    assert parse_reverify(reverify_body()) == ReverifyOrder(identity_id=IDENTITY, reason="manual", due_in=None)
    assert parse_reverify(reverify_body(due_in="7d")).due_in == timedelta(days=7)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        *(({"reason": odd}, "reason must be one of") for odd in (None, "", "Risk", "step-up", 1, [], ["risk"])),
        *(({"due_in": odd}, "due_in must be a duration") for odd in ("", "7w", 7)),
        ({"due_at": "7d"}, "unknown members: due_at"),
        ({"flow": {}, "a": 1}, "unknown members: a, flow"),
    ],
    ids=str,
)
def test_a_malformed_reverification_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        parse_reverify(reverify_body(**more))
