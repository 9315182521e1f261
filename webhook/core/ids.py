# SPDX-License-Identifier: Apache-2.0
"""Ids as they may stand in a URL or a record; anything else is no id."""

import re

NIL_UUID = "00000000-0000-0000-0000-000000000000"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# Jumio's ids are UUIDs today; whatever fits one path segment is taken, so that no id can leave its place in a URL.
_SEGMENT = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", re.ASCII)


def usable_identity_id(text: str) -> str | None:
    """The id in Kratos' own (lower) case, or None when it cannot be an identity's."""
    identity_id = text.lower()
    return identity_id if _UUID.fullmatch(identity_id) and identity_id != NIL_UUID else None


def usable_vendor_id(value: object) -> str | None:
    """The id when it can be one of the vendor's, else None."""
    return value if isinstance(value, str) and _SEGMENT.fullmatch(value) else None
