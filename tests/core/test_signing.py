# SPDX-License-Identifier: Apache-2.0
"""Secrets, signatures and capability tokens: one fixed vector, one thing varied. Expected values by the standard
library, which the code under test does not use."""

import base64
import hashlib
import hmac

import pytest
from support import IDENTITY, OTHER_IDENTITY

from webhook.core.signing import capability_token, is_known_secret, sign, verify_capability, verify_signature

SECRET = b"callback-secret"
OLD = b"callback-secret-of-last-year"
STRANGER = b"somebody-else"
BODY = b'{"workflowExecution": {"status": "PROCESSED"}}'


def digest(secret: bytes = SECRET, body: bytes = BODY) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


HEX = digest().hex().encode()
BASE64 = base64.b64encode(digest())


def test_the_vector_is_the_known_one() -> None:
    assert sign(b"what do ya want for nothing?", secret=b"Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231, test case 2
    )
    assert sign(BODY, secret=SECRET).encode() == HEX


@pytest.mark.parametrize(
    "header",
    [
        HEX,
        HEX.upper(),
        BASE64,
        b"sha256=" + HEX,
        b"SHA256=" + HEX,
        b"Sha256=" + HEX.upper(),
        b"sha256=" + BASE64,
        b"sHa256=" + BASE64,
        b"  " + HEX + b"\t",
    ],
)
def test_every_stated_form_of_a_signature_is_accepted(header: bytes) -> None:
    assert verify_signature(header, BODY, secrets=[SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b" ",
        b"sha256=",
        HEX[:-1],
        HEX[:-2],
        HEX + b"0",
        HEX + b"00",
        b"g" + HEX[1:],
        bytes([HEX[0] ^ 1]) + HEX[1:],
        HEX[:-1] + (b"0" if HEX[-1:] != b"0" else b"1"),
        HEX + b"," + HEX,
        BASE64[:-1],
        BASE64[1:],
        (b"A" if BASE64[:1] != b"A" else b"B") + BASE64[1:],
        BASE64 + BASE64,
        BASE64[:20] + b"\n" + BASE64[20:],
        b"sha1=" + HEX,
        b"sha256:" + HEX,
        b"sha256=sha256=" + HEX,
        b"sha512=" + hmac.new(SECRET, BODY, hashlib.sha512).hexdigest().encode(),
        digest(),
        digest(STRANGER).hex().encode(),
        digest(body=BODY + b"\n").hex().encode(),
        "é".encode() + HEX[2:],
        b"\xff" * 64,
        b"\x00" * 64,
        b"=" * 44,
        b"A" * (1 << 20),
    ],
)
def test_every_other_signature_is_refused_without_an_error(header: bytes | None) -> None:
    assert not verify_signature(header, BODY, secrets=[SECRET])


def test_a_signature_by_any_secret_of_a_rotation_is_accepted_and_by_none_other() -> None:
    rotation = [SECRET, OLD]
    assert [
        verify_signature(digest(key).hex().encode(), BODY, secrets=rotation) for key in (SECRET, OLD, STRANGER)
    ] == [
        True,
        True,
        False,
    ]


def test_a_signature_is_of_the_very_bytes_and_of_an_empty_body_too() -> None:
    assert verify_signature(digest(body=b"").hex().encode(), b"", secrets=[SECRET])
    assert verify_signature(digest(body=b"\xff\x00").hex().encode(), b"\xff\x00", secrets=[SECRET])
    assert not verify_signature(HEX, BODY.replace(b" ", b""), secrets=[SECRET])


def test_without_secrets_nothing_is_accepted() -> None:
    assert not verify_signature(HEX, BODY, secrets=[])
    assert not is_known_secret([b"", SECRET], secrets=[])
    assert not verify_capability(IDENTITY, "", secrets=[])


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ([SECRET], True),
        ([OLD], True),
        ([b"", SECRET], True),
        ([SECRET, b"wrong"], True),
        ([b"wrong", OLD], True),
        ([], False),
        ([b""], False),
        ([b"", b""], False),
        ([SECRET[:-1]], False),
        ([SECRET + b"x"], False),
        ([SECRET.upper()], False),
        ([b" " + SECRET], False),
        ([bytes([SECRET[0] ^ 1]) + SECRET[1:]], False),
        ([SECRET + b"," + OLD], False),
        ([b"\xff\xfe"], False),
        ([b"\x00"], False),
    ],
)
def test_a_secret_is_known_when_it_is_exactly_one_of_the_rotation(given: list[bytes], known: bool) -> None:
    assert is_known_secret(given, secrets=[SECRET, OLD]) is known


def test_a_non_ascii_secret_is_compared_by_its_bytes() -> None:
    assert is_known_secret(["géheim".encode()], secrets=["géheim".encode()])
    assert not is_known_secret(["géheim".encode("latin-1")], secrets=["géheim".encode()])


def test_a_capability_token_is_base64url_of_the_hmac_without_padding() -> None:
    token = capability_token(IDENTITY, secret=SECRET)
    expected = base64.urlsafe_b64encode(hmac.new(SECRET, IDENTITY.encode(), hashlib.sha256).digest()).decode()
    assert token + "=" == expected
    assert len(token) == 43


def test_a_token_with_characters_of_base64url_only() -> None:
    # Of a hundred digests some hold the two characters that differ from plain base64.
    tokens = "".join(capability_token(f"id-{n}", secret=SECRET) for n in range(100))
    assert {"-", "_"} <= set(tokens)
    assert not {"+", "/", "="} & set(tokens)


def test_a_capability_is_accepted_by_every_secret_of_the_rotation() -> None:
    for secret in (SECRET, OLD):
        assert verify_capability(IDENTITY, capability_token(IDENTITY, secret=secret), secrets=[SECRET, OLD])


@pytest.mark.parametrize(
    ("identity_id", "token"),
    [
        (IDENTITY, ""),
        (IDENTITY, capability_token(IDENTITY, secret=STRANGER)),
        (IDENTITY, capability_token(OTHER_IDENTITY, secret=SECRET)),
        (OTHER_IDENTITY, capability_token(IDENTITY, secret=SECRET)),
        (IDENTITY.upper(), capability_token(IDENTITY, secret=SECRET)),
        (IDENTITY, capability_token(IDENTITY, secret=SECRET) + "="),
        (IDENTITY, capability_token(IDENTITY, secret=SECRET)[:-1]),
        (IDENTITY, capability_token(IDENTITY, secret=SECRET).swapcase()),
        (IDENTITY, "\N{SNOWMAN}" * 43),
        (IDENTITY, "\ud800"),
        ("", capability_token(IDENTITY, secret=SECRET)),
        ("\N{SNOWMAN}", capability_token(IDENTITY, secret=SECRET)),
        pytest.param(
            "\ud800",
            capability_token(IDENTITY, secret=SECRET),
        ),
    ],
)
def test_any_other_capability_is_refused_without_an_error(identity_id: str, token: str) -> None:
    assert not verify_capability(identity_id, token, secrets=[SECRET, OLD])
