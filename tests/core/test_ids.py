# SPDX-License-Identifier: Apache-2.0
"""Ids: which may stand in a URL or a record, and which are none."""

import pytest
from support import ACCOUNT, IDENTITY

from webhook.core.ids import NIL_UUID, usable_identity_id, usable_vendor_id


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, True, [], {}, "", ".", "..", "../../accounts", "a/b", "a%2Fb", "a?b", "a#b", "a b", "a\n", "a\x00"),
        *("é", "٣", "-a", "a" * 101, "\ud800", "%2e%2e", "\\", "@evil.example"),
    ],
    ids=repr,
)
def test_what_could_leave_its_path_segment_is_no_id_of_the_vendors(value: object) -> None:
    assert usable_vendor_id(value) is None


@pytest.mark.parametrize("value", [ACCOUNT, ACCOUNT.upper(), "acc_1", "A", "0", "a" * 100])
def test_an_id_that_fits_one_path_segment_is_usable(value: str) -> None:
    assert usable_vendor_id(value) == value


def test_an_identity_id_is_taken_in_kratos_own_case() -> None:
    assert usable_identity_id(IDENTITY) == usable_identity_id(IDENTITY.upper()) == IDENTITY


@pytest.mark.parametrize(
    "text",
    [
        *("", NIL_UUID, "../admin", f"{IDENTITY}\n", f" {IDENTITY}", IDENTITY.replace("-", ""), f"{{{IDENTITY}}}"),
        *(f"٩{IDENTITY[1:]}", f"\ud800{IDENTITY[1:]}", f"{IDENTITY}/x", f"{IDENTITY}0"),
    ],
    ids=repr,
)
def test_what_cannot_be_an_identitys_is_no_id(text: str) -> None:
    assert usable_identity_id(text) is None
