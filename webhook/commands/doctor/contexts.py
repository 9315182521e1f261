# SPDX-License-Identifier: Apache-2.0
"""Kratos' `ctx`, as each flow of v26.2.0 has it (`templateContext` in selfservice/hook/web_hook.go). Pure."""

from collections.abc import Mapping
from typing import Any

PERSON_ID = "9f425a8d-7efc-4768-8f23-7647a74fdf13"
# What no body of ours may hold.
COOKIE = "value-of-a-session-cookie"
HEADER = "value-of-a-request-header"
PAYLOAD = "chosen-by-the-person"
# `clients.web_hook.header_allowlist` in embedx/config.schema.json
_HEADERS = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "Origin", "Priority"),
    *("Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode"),
    *("Sec-Fetch-Site", "Sec-Fetch-User", "True-Client-Ip", "User-Agent"),
)
_AT = "2026-11-22T02:31:19.491475Z"
_WITH_SESSION = ("login", "settings")


def context(
    flow: str, moment: str, *, metadata_public: object = None, payload: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a template of this flow is given, about somebody with these public metadata."""
    url = f"https://www.example.com/self-service/{flow}"
    made: dict[str, Any] = {
        "flow": {
            "id": "2b6d1c1f-5a0e-4f0c-9e0b-3c8a1c3e7d55",
            "organization_id": None,
            "type": "browser",
            "issued_at": _AT,
            "expires_at": _AT,
            "created_at": _AT,
            "updated_at": _AT,
            "request_url": f"{url}/browser",
            "active": "password",
            "refresh": False,
            "requested_aal": "aal1",
            "state": "choose_method",
            "ui": {"action": url, "method": "POST", "nodes": []},
            "transient_payload": dict(payload or {}),
        },
        "request_headers": {name: [HEADER] for name in _HEADERS},
        "request_method": "POST",
        "request_url": url,
        "request_cookies": {"ory_kratos_session": COOKIE},
    }
    person = _person(metadata_public)
    if flow == "settings":
        made["flow"]["identity"] = person
    if moment == "after":
        made["identity"] = person
    if flow == "settings" or (flow in _WITH_SESSION and moment == "after"):
        made["session"] = {
            "id": "5e9f0f0a-2f0b-4d6e-8f5e-0e4f2c3f9a11",
            "active": True,
            "authenticated_at": _AT,
            "authentication_methods": [{"method": "password", "aal": "aal1", "completed_at": _AT}],
            "authenticator_assurance_level": "aal1",
            "devices": [],
            "expires_at": _AT,
            "issued_at": _AT,
            "identity": person,
        }
    return made


def _person(metadata_public: object) -> dict[str, Any]:
    address = {"id": PERSON_ID, "value": "person@example.com", "via": "email", "created_at": _AT, "updated_at": _AT}
    return {
        "id": PERSON_ID,
        "schema_id": "default",
        "schema_url": "https://www.example.com/schemas/ZGVmYXVsdA",
        "state": "active",
        "state_changed_at": _AT,
        "organization_id": None,
        "traits": {"email": "person@example.com"},
        "metadata_public": metadata_public,
        "verifiable_addresses": [{**address, "verified": True, "status": "completed"}],
        "recovery_addresses": [address],
        "created_at": _AT,
        "updated_at": _AT,
    }
