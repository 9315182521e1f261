# SPDX-License-Identifier: Apache-2.0
"""The JSON that callers send: one clean object, or malformed."""

import pytest
from support import HOSTILE_BODIES

from webhook.core.strict_json import parse_json_object
from webhook.errors import Malformed


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_a_body_that_is_not_one_clean_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_json_object(body)


def test_an_object_is_returned_as_it_is() -> None:
    assert parse_json_object(b' {"a": [1, "\\ud83d\\ude00", 1e999, null]} ') == {
        "a": [1, "\N{GRINNING FACE}", float("inf"), None]
    }
