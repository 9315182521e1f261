# SPDX-License-Identifier: Apache-2.0
"""The certificate at PUBLIC_URL, served on loopback by an authority of the tests' own."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doctor.certificates import Authority
from sandbox.server import LoopbackServer, free_port
from webhook.commands.doctor import certificate

Serve = Callable[..., str]


def ids(url: str, authority: Authority, *, in_days: int = 0) -> list[str]:
    now = datetime.now(UTC) + timedelta(days=in_days)
    return [finding.id for finding in certificate.check(url, now=now, trusted=authority.file)]


def test_a_valid_rsa_certificate(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    assert ids(serve_tls(authority.issue(tmp_path, kind="rsa")), authority) == []


def test_an_ecdsa_certificate_beside_an_rsa_one(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    both = [authority.issue(tmp_path, kind=kind) for kind in ("rsa", "ecdsa")]
    assert ids(serve_tls(*both), authority) == []


def test_an_ecdsa_certificate_alone(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="ecdsa"))
    assert ids(url, authority) == ["certificate-ecdsa-only"]


def test_tls_1_3_alone(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="rsa"), minimum=ssl.TLSVersion.TLSv1_3)
    assert ids(url, authority) == ["tls-no-jumio-cipher"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"days": -1}, "certificate has expired"),
        ({"host": "elsewhere.example"}, "Hostname mismatch, certificate is not valid for 'localhost'."),
    ],
)
def test_an_invalid_certificate(
    authority: Authority, serve_tls: Serve, tmp_path: Path, changed: dict[str, int | str], reason: str
) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="rsa", **changed))
    [finding] = certificate.check(url, now=datetime.now(UTC), trusted=authority.file)
    assert finding.id == "certificate-invalid"
    assert finding.what.startswith(f"{reason};")


def test_an_authority_nobody_trusts(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="rsa"))
    [finding] = certificate.check(url, now=datetime.now(UTC))
    assert finding.id == "certificate-invalid"


def test_only_the_certificate_that_jumio_gets_is_invalid(
    authority: Authority, serve_tls: Serve, tmp_path: Path
) -> None:
    both = [authority.issue(tmp_path, kind="ecdsa"), authority.issue(tmp_path, kind="rsa", days=-1)]
    assert ids(serve_tls(*both), authority) == ["certificate-invalid"]


def test_a_certificate_that_ends_soon(authority: Authority, serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="rsa", days=40))
    assert ids(url, authority, in_days=25) == []
    assert ids(url, authority, in_days=27) == ["certificate-expires-soon"]


def test_no_tls_at_all(authority: Authority, peer: LoopbackServer) -> None:
    [finding] = certificate.check(f"https://localhost:{peer.port}", now=datetime.now(UTC), trusted=authority.file)
    assert finding.id == "certificate-invalid"
    assert finding.what.startswith("the TLS handshake fails;")


@pytest.mark.parametrize("host", ["localhost:{port}", "no..name.example"])
def test_nobody_there(authority: Authority, host: str) -> None:
    assert ids(f"https://{host.format(port=free_port())}", authority) == ["public-url-unreachable"]
