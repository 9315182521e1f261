# SPDX-License-Identifier: Apache-2.0
"""Calls Kratos and Jumio once each, as the service would, and says who must act where they do not answer."""

from webhook.commands.doctor.findings import Finding, error
from webhook.errors import KratosError, KratosUnavailable, NotKratos, VendorError, VendorRateLimited, VendorRefused
from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.runtime.deadline import time_limit
from webhook.settings import Settings

JUMIO_SECONDS = 10.0


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


def check_jumio(settings: Settings) -> list[Finding]:
    """Whether Jumio can be reached and gives a token; starts and reads nothing."""
    try:
        with time_limit(JUMIO_SECONDS):
            JumioClient(settings.jumio, callback_base_url=None).check_token()
    except VendorRateLimited as limited:
        what, remedy = str(limited), "wait a minute; find out who else uses these credentials"
        return [error("jumio-rate-limited", where="JUMIO_AUTH_URL", what=what, remedy=remedy)]
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
