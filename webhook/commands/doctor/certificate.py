# SPDX-License-Identifier: Apache-2.0
"""The certificate at PUBLIC_URL, looked at as Jumio's callbacks will: over TLS 1.2 with an RSA suite."""

import socket
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from webhook.commands.doctor.findings import Finding, error, warning

CONNECT_SECONDS = 3.0
HANDSHAKE_SECONDS = 5.0
RENEW_BEFORE = timedelta(days=14)
# Jumio's published list has TLS 1.2 suites with RSA certificates only (ECDHE-RSA and RSA, AES in GCM and CBC).
_JUMIO_CIPHERS = "ECDHE+aRSA+AES:kRSA+AES:!AESCCM"


class _Unreachable(Exception):
    """Nobody listens there, as far as this machine can see."""


def check(public_url: str, *, now: datetime, trusted: Path | None = None) -> list[Finding]:
    """What is wrong with the certificate at a https URL; `trusted` replaces the system's authorities."""
    context = ssl.create_default_context(cafile=trusted)
    try:
        shown = _certificate(public_url, context)
    except _Unreachable as cause:
        return [
            warning(
                "public-url-unreachable",
                where="PUBLIC_URL",
                what=f"cannot be reached from here ({cause}); many networks cannot reach their own public address",
                remedy="check it from outside: curl -v PUBLIC_URL/health/alive",
            )
        ]
    except (OSError, ValueError) as cause:
        return [_invalid(cause)]
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_JUMIO_CIPHERS)
    try:
        # A server may hold two certificates; this is the one Jumio gets.
        shown = _certificate(public_url, context)
    except ssl.SSLCertVerificationError as cause:
        return [_invalid(cause)]
    except (OSError, ValueError, _Unreachable):
        return [_no_common_suite(shown)]
    return _expiry(shown, now)


def _certificate(public_url: str, context: ssl.SSLContext) -> x509.Certificate:
    """What the server shows.

    :raises _Unreachable: no connection.
    :raises OSError: a connection, but no handshake.
    :raises ValueError: a certificate that is none.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        connection = socket.create_connection((host, parts.port or 443), timeout=CONNECT_SECONDS)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS cannot hold
        raise _Unreachable(getattr(error, "strerror", None) or "no answer") from None
    with connection:
        connection.settimeout(HANDSHAKE_SECONDS)  # Python counts it over the whole handshake
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


def _invalid(cause: Exception) -> Finding:
    reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else "the TLS handshake fails"
    return error(
        "certificate-invalid",
        where="PUBLIC_URL",
        what=f"{reason}; Jumio calls back only where the certificate is valid",
        remedy="a certificate for this very name from a public authority, with its intermediates",
    )


def _no_common_suite(shown: x509.Certificate) -> Finding:
    if isinstance(shown.public_key(), RSAPublicKey):
        return error(
            "tls-no-jumio-cipher",
            where="PUBLIC_URL",
            what="the server takes none of the TLS 1.2 suites that Jumio publishes; callbacks may never arrive",
            remedy="allow TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256 and ECDHE-RSA-AES256-GCM-SHA384",
        )
    return error(
        "certificate-ecdsa-only",
        where="PUBLIC_URL",
        what="the server has no RSA certificate, and Jumio's published suites are RSA only; callbacks may never arrive",
        remedy="an RSA certificate (2048 bits or more), in place of this one or beside it (certbot: --key-type rsa)",
    )


def _expiry(shown: x509.Certificate, now: datetime) -> list[Finding]:
    left = shown.not_valid_after_utc - now
    if left >= RENEW_BEFORE:
        return []
    what = f"the certificate ends in {left.days} days, on {shown.not_valid_after_utc:%Y-%m-%d}"
    return [
        warning("certificate-expires-soon", where="PUBLIC_URL", what=what, remedy="renew it, and see why nothing did")
    ]
