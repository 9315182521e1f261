# SPDX-License-Identifier: Apache-2.0
"""The JSON that callers send, parsed strictly."""

import json
from collections.abc import Mapping
from typing import Any

from webhook.errors import Malformed


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """The object that the body holds.

    :raises Malformed: not UTF-8, not JSON, a duplicate key, nested too deeply, or not an object.
    """
    if not body:
        raise Malformed("the body is empty")
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError:  # also what a wrong encoding and an endless number raise
        raise Malformed("the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise Malformed("the body is not a JSON object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("duplicate key")
    return unique


def _no_constant(name: str) -> None:
    raise ValueError(name)
