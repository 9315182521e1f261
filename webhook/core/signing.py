# SPDX-License-Identifier: Apache-2.0
"""Secrets, signatures and capability tokens. Bytes in, a plain yes or no out; hostile input is a no, never an error."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

_PREFIX = b"sha256="
_HEX_LENGTH = SHA256.digest_size * 2


def is_known_secret(given: Iterable[bytes], *, secrets: Sequence[bytes]) -> bool:
    """Whether any of the given values is one of the secrets; all pairs are compared, each in constant time.

    Digests are compared, so not even the length of a secret shows.
    """
    found = False
    for value in given:
        digest = sha256(value).digest()
        for secret in secrets:
            found |= bool(value) and constant_time.bytes_eq(digest, sha256(secret).digest())
    return found


def verify_signature(header: bytes | None, body: bytes, *, secrets: Sequence[bytes]) -> bool:
    """Whether the header is an HMAC-SHA256 of the raw body under one of the secrets.

    Accepted forms: hex in either case or base64, with or without `sha256=` before it.
    """
    signature = _decode_signature((header or b"").strip())
    if signature is None:
        return False
    return any(_verifies(signature, body, secret) for secret in secrets)


def capability_token(identity_id: str, *, secret: bytes) -> str:
    """The unguessable last path segment of an identity's callback URL: base64url without padding."""
    return base64.urlsafe_b64encode(_digest(secret, identity_id.encode(errors="replace"))).rstrip(b"=").decode()


def verify_capability(identity_id: str, token: str, *, secrets: Sequence[bytes]) -> bool:
    """Whether the token is the identity's, under one of the secrets."""
    given = token.encode(errors="replace")
    return any(
        constant_time.bytes_eq(given, capability_token(identity_id, secret=secret).encode()) for secret in secrets
    )


def sign(body: bytes, *, secret: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of the body."""
    return _digest(secret, body).hex()


def _digest(key: bytes, message: bytes) -> bytes:
    mac = HMAC(key, SHA256())
    mac.update(message)
    return mac.finalize()


def _verifies(signature: bytes, body: bytes, secret: bytes) -> bool:
    mac = HMAC(secret, SHA256())
    mac.update(body)
    try:
        mac.verify(signature)
    except InvalidSignature:
        return False
    return True


def _decode_signature(text: bytes) -> bytes | None:
    if text[: len(_PREFIX)].lower() == _PREFIX:
        text = text[len(_PREFIX) :]
    try:
        if len(text) == _HEX_LENGTH:
            return binascii.unhexlify(text)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
