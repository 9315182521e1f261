# SPDX-License-Identifier: Apache-2.0
"""Certificates of an authority of the tests' own, and a server on loopback that shows them."""

import datetime
import functools
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the tests' own; `file` is what trusts it."""

    key: Key
    certificate: x509.Certificate
    file: Path

    def issue(self, folder: Path, *, kind: str, days: int = 90, host: str = "localhost") -> Path:
        """A PEM file with a key of this kind (`rsa` or `ecdsa`) and its certificate, valid from 100 days ago on."""
        key = key_of(kind)
        certificate = make_certificate(host, key, issuer=self.certificate.subject, signed_by=self.key, days=days)
        file = folder / f"{kind}-{host}-{days}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return file


@functools.cache
def key_of(kind: str) -> Key:
    """One key of each kind for the whole run: making one takes its time."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def make_certificate(
    name: str, key: Key, *, issuer: x509.Name, signed_by: Key, days: int, is_authority: bool = False
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(signed_by, hashes.SHA256())


def accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                pass  # the other side did not like what it saw, which is what the test is about
