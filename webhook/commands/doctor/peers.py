# SPDX-License-Identifier: Apache-2.0
"""Calls Kratos and Jumio, as the service would, and says who must act where they do not answer."""

from urllib.parse import urlsplit

from webhook.commands.doctor.findings import Finding, error
from webhook.commands.doctor.reach import address_of, why_unreachable
from webhook.errors import KratosError, KratosUnavailable, NotKratos, VendorError, VendorRateLimited, VendorRefused
from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.runtime.deadline import time_limit
from webhook.settings import Settings

JUMIO_SECONDS = 10.0
_NOBODY = "nobody is verified, and whoever asks for it stays `unstarted`"


def check_kratos(settings: Settings) -> list[Finding]:
    """Whether Kratos is ready and lets us read identities; asks for one identity at most."""
    kratos = KratosClient(settings.kratos)
    try:
        kratos.check_ready()
        kratos.page(None, size=1)
    except KratosError as failed:
        return [_kratos_finding(failed)]
    return []


def _kratos_finding(failed: KratosError) -> Finding:
    if failed.status in (401, 403):
        return error(
            "kratos-refused",
            where="ORY_API_KEY",
            what=f"{failed}: the admin API does not let this service read identities",
            remedy="ORY_API_KEY=ory_apikey_... of this project; in front of a self-hosted Kratos: what its proxy asks "
            "for",
        )
    if isinstance(failed, KratosUnavailable) and not isinstance(failed, NotKratos):
        return error(
            "kratos-unreachable",
            where="KRATOS_ADMIN_URL",
            what=str(failed),
            remedy="start Kratos, or correct KRATOS_ADMIN_URL, name resolution or firewall",
        )
    return error(
        "kratos-not-kratos",
        where="KRATOS_ADMIN_URL",
        what="somebody answers there, but not as Kratos' admin API does",
        remedy="KRATOS_ADMIN_URL=the admin port of a self-hosted Kratos (4434, not the public 4433), or "
        "https://<slug>.projects.oryapis.com",
    )


def check_jumio(settings: Settings) -> tuple[list[Finding], bool]:
    """Whether Jumio gives a token, and its API takes it; starts nothing, and reads nobody's.

    Returns the findings, and whether the API was asked at all.
    """
    jumio = JumioClient(settings.jumio, callback_base_url=None)
    with time_limit(JUMIO_SECONDS):
        findings = _token(jumio)
        return (findings, False) if findings else (_api(jumio), True)


def _api(jumio: JumioClient) -> list[Finding]:
    where = "JUMIO_API_BASE_URL"
    try:
        jumio.check_api()
    except VendorRateLimited as limited:
        return [_limited(limited, where)]
    except VendorRefused as refused:
        remedy = "the URL of the region that JUMIO_AUTH_URL names, of the same tenant; a 403 may also mean a "
        remedy += "JUMIO_USER_AGENT that names no business"
        return [error("jumio-api-refused", where=where, what=f"{refused}: {_NOBODY}", remedy=remedy)]
    except VendorError as failed:
        return [_api_unreachable(str(failed))]
    for url in jumio.api_urls:
        address = address_of(url)
        why = why_unreachable(address) if address else None
        if why:
            return [_api_unreachable(f"{urlsplit(url).netloc} cannot be reached ({why})")]
    return []


def _api_unreachable(what: str) -> Finding:
    remedy = (
        "JUMIO_API_BASE_URL=https://account.<your region>.jumio.ai/api/v1; name resolution, firewall, proxy; or wait"
    )
    return error("jumio-api-unreachable", where="JUMIO_API_BASE_URL", what=f"{what}: {_NOBODY}", remedy=remedy)


def _limited(limited: VendorRateLimited, where: str) -> Finding:
    remedy = "wait a minute; find out who else uses these credentials"
    return error("jumio-rate-limited", where=where, what=str(limited), remedy=remedy)


def _token(jumio: JumioClient) -> list[Finding]:
    try:
        jumio.check_token()
    except VendorRateLimited as limited:
        return [_limited(limited, "JUMIO_AUTH_URL")]
    except VendorRefused as refused:
        return [
            error(
                "jumio-refused",
                where="JUMIO_CLIENT_ID, JUMIO_CLIENT_SECRET",
                what=str(refused),
                remedy="the client's id and secret from Jumio's portal, of the region that JUMIO_AUTH_URL names; "
                "a 403 may also mean a JUMIO_USER_AGENT that names no business",
            )
        ]
    except VendorError as failed:
        remedy = "correct JUMIO_AUTH_URL, name resolution, firewall or proxy; or wait for Jumio"
        return [error("jumio-unreachable", where="JUMIO_AUTH_URL", what=str(failed), remedy=remedy)]
    return []
