# SPDX-License-Identifier: Apache-2.0
"""What an authenticator app does: RFC 6238 with Kratos' parameters (SHA-1, 30 seconds, 6 digits)."""

from __future__ import annotations

import base64
import hashlib
import hmac

STEP_SECONDS = 30


def totp_code(secret: str, *, now: float) -> str:
    """The code of a secret in base32, as it stands in a settings flow, at a Unix time."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(now // STEP_SECONDS).to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
