# SPDX-License-Identifier: Apache-2.0
"""Kratos' documents into values, and records into JSON Patches."""

from typing import Any

import pytest
from support import IDENTITY, approved, pending

from webhook.errors import KratosUnavailable
from webhook.ory.kratos.documents import (
    Identity,
    next_page_token,
    parse_identity,
    parse_json,
    parse_page,
    patch_of,
)
from webhook.ory.kratos.metadata import admin_member, public_member

DOCUMENT: dict[str, Any] = {
    "id": IDENTITY,
    "state": "active",
    "traits": {"email": "person@example.com"},
    "metadata_public": {"jumio": {}},
    "metadata_admin": None,
    "credentials": {"password": {}},
}


@pytest.mark.parametrize("body", [b"", b"x", b"\xff", b"{", b"[" * 200_000], ids=lambda body: repr(body[:8]))
def test_an_answer_that_is_not_json_is_not_kratos(body: bytes) -> None:
    with pytest.raises(KratosUnavailable, match="not JSON"):
        parse_json(body)


def test_of_an_identity_only_what_is_needed_is_kept() -> None:
    assert parse_identity(DOCUMENT) == Identity(
        id=IDENTITY, state="active", metadata_public={"jumio": {}}, metadata_admin=None
    )


@pytest.mark.parametrize(
    ("addresses", "verified"),
    [
        ([{"verified": True}], True),
        ([{"verified": False}, {"verified": True}], True),
        ([{"verified": False}], False),
        ([{"verified": "true"}, {"verified": 1}, {}, None, "x"], False),
        ([], False),
        (None, False),
        ({"verified": True}, False),
        ("x", False),
    ],
)
def test_whether_an_address_is_verified(addresses: object, verified: bool) -> None:
    assert parse_identity({**DOCUMENT, "verifiable_addresses": addresses}).verified_address is verified


@pytest.mark.parametrize(
    "document",
    [None, [], "x", 7, {}, {**DOCUMENT, "id": None}, {**DOCUMENT, "id": 7}, {**DOCUMENT, "id": "../x"}],
    ids=lambda document: str(document)[:20],
)
def test_what_has_no_usable_id_is_no_identity(document: object) -> None:
    with pytest.raises(KratosUnavailable, match="not an identity"):
        parse_identity(document)
    with pytest.raises(KratosUnavailable, match="not an identity"):
        parse_page([DOCUMENT, document])


@pytest.mark.parametrize("document", [None, {}, DOCUMENT, "x", 7], ids=lambda document: str(document)[:20])
def test_a_page_is_a_list(document: object) -> None:
    with pytest.raises(KratosUnavailable, match="not a list"):
        parse_page(document)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("nonsense", None),
        ('</identities?page_size=1&page_token=abc>; rel="next"', "abc"),
        ("</identities?page_token=abc>; rel=next", "abc"),
        ('</identities?page_token=a%2Bb%3D>;rel="next"', "a+b="),
        ('<https://x/identities?page_token=0>; rel="first",<https://x/identities?page_token=abc>; rel="next"', "abc"),
        ('<https://x/identities?page_token=abc>; rel="next",<https://x/identities?page_token=0>; rel="first"', "abc"),
        ('<https://x/identities?page_token=abc>; title="a"; rel="next"', "abc"),
        ('<https://x/identities?page_token=0>; rel="first"', None),
        ('<https://x/identities?page_token=0>; rel="prev"', None),
        ('<https://x/identities>; rel="nextish"', None),
    ],
)
def test_the_token_of_the_next_page_is_in_the_link_header(header: str | None, token: str | None) -> None:
    assert next_page_token(header) == token


@pytest.mark.parametrize(
    "url", ["https://x/identities?page_size=1", "https://x/identities?page_token=", "http://[::1", "http://a]/"]
)
def test_a_next_page_without_a_token_is_an_error_for_to_stop_there_would_leave_people_out(url: str) -> None:
    with pytest.raises(KratosUnavailable):
        next_page_token(f'<{url}>; rel="next"')


@pytest.mark.parametrize(
    ("metadata", "writable"),
    [
        (None, True),
        ({}, True),
        ({"theirs": 1}, True),
        ("", False),
        ("x", False),
        (0, False),
        (True, False),
        ([], False),
    ],
)
def test_only_an_object_or_nothing_can_hold_our_member(metadata: object, writable: bool) -> None:
    for public, admin in ((metadata, None), (None, metadata)):
        identity = Identity(id=IDENTITY, state="active", metadata_public=public, metadata_admin=admin)
        assert identity.is_writable is writable


def test_a_patch_touches_our_two_members_only() -> None:
    assert patch_of(pending()) == [
        {"op": "add", "path": "/metadata_public/jumio", "value": public_member(pending())},
        {"op": "add", "path": "/metadata_admin/jumio", "value": admin_member(pending())},
    ]


def test_a_patch_touches_the_state_where_one_is_given() -> None:
    assert patch_of(approved(), state="inactive")[2:] == [{"op": "replace", "path": "/state", "value": "inactive"}]


def test_the_record_is_read_from_both_copies_once() -> None:
    identity = Identity(
        id=IDENTITY,
        state="active",
        metadata_public={"jumio": public_member(approved())},
        metadata_admin={"jumio": admin_member(approved())},
    )
    assert identity.record == approved()
    assert identity.record is identity.record
    assert identity.holds(approved())
    assert not identity.holds(pending())
