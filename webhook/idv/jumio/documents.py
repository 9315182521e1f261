# SPDX-License-Identifier: Apache-2.0
"""Jumio's JSON documents into our values. Another shape raises `VendorUnavailable`: it can be read again later."""

import base64
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from webhook.core.evidence import Check, Decision, Document, Reading
from webhook.core.ids import usable_vendor_id
from webhook.core.person import Person
from webhook.core.start import Started
from webhook.core.times import from_text
from webhook.errors import VendorUnavailable
from webhook.idv.jumio.words import grade_of, is_face_check, is_repeated_face, status_of

_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer of Jumio's.

    :raises VendorUnavailable: it is something else.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise VendorUnavailable("Jumio's answer is not JSON") from None
    if not isinstance(parsed, dict):
        raise VendorUnavailable("Jumio's answer is not a JSON object")
    return parsed


def parse_token(body: bytes, *, now: float) -> tuple[str, float]:
    """(access token, Unix time of its end), the earlier of `expires_in` and the JWT's own `exp`.

    https://documentation.jumio.ai/docs/developer-resources/API/authorization
    """
    parsed = parse_object(body)
    token = parsed.get("access_token")
    lifetime = _number(parsed.get("expires_in"))
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
        raise VendorUnavailable("Jumio's token answer has no usable access_token")
    ends_at = now + (300.0 if lifetime is None else lifetime)
    expiry = _jwt_expiry(token)
    return token, ends_at if expiry is None else min(ends_at, expiry)


def parse_started(body: bytes) -> Started:
    """What an account create or update started. The `authorizationToken` in `web.href` makes it a secret link."""
    parsed = parse_object(body)
    account_id = usable_vendor_id(_member(parsed, "account").get("id"))
    workflow_execution_id = usable_vendor_id(_member(parsed, "workflowExecution").get("id"))
    if account_id is None or workflow_execution_id is None:
        raise VendorUnavailable("Jumio's answer names no account or no workflow execution")
    href = _member(parsed, "web").get("href")
    return Started(
        account_id=account_id,
        workflow_execution_id=workflow_execution_id,
        verification_url=href if isinstance(href, str) and _is_web_url(href) else None,
        created_at=from_text(parsed.get("timestamp")),
    )


def parse_reading(body: bytes, *, account_id: str, workflow_execution_id: str) -> Reading:
    """What the details of a workflow execution say; they must be about the one that was asked for.

    https://documentation.jumio.ai/developer-resources/api/retrieval
    """
    parsed = parse_object(body)
    workflow = _member(parsed, "workflow")
    status = workflow.get("status")
    if workflow.get("id") != workflow_execution_id or not isinstance(status, str):
        raise VendorUnavailable("Jumio's answer is not about the workflow asked for")
    if _member(parsed, "account").get("id", account_id) != account_id:
        raise VendorUnavailable("Jumio's answer is not about the account asked for")
    key = workflow.get("definitionKey")
    if not isinstance(key, str | int):
        key = None
    decision = _parse_decision(parsed.get("decision"))
    kind = decision.type if decision else None
    checks = _parse_checks(_member(parsed, "capabilities"))
    ours, verdict = status_of(status, kind)
    references = (workflow.get("customerInternalReference"), workflow.get("userReference"))
    return Reading(
        account_id=account_id,
        workflow_execution_id=workflow_execution_id,
        status=ours,
        verdict=verdict,
        decision=decision,
        created_at=from_text(parsed.get("createdAt")),
        completed_at=from_text(parsed.get("completedAt")),
        workflow_key=int(key) if isinstance(key, str) and _DIGITS.fullmatch(key) else key,
        references=tuple(reference.lower() for reference in references if isinstance(reference, str)),
        checks=checks,
        worst=max(map(grade_of, (kind, *(check.decision for check in checks)))),
        is_face_check=is_face_check(checks),
        is_repeated_face=is_repeated_face(checks),
        **_parse_document(_member(parsed, "capabilities").get("extraction")),
    )


def _parse_checks(capabilities: Mapping[str, Any]) -> tuple[Check, ...]:
    """Every run of every capability. Their names and labels are Jumio's words, and no person's."""
    return tuple(
        Check(
            capability=name[:60],
            decision=_short_text(_member(run, "decision").get("type")),
            label=_short_text(_member(_member(run, "decision"), "details").get("label")),
            data=_member(run, "data"),
        )
        for name, runs in sorted(capabilities.items())
        for run in (runs if isinstance(runs, list) else [])
        if isinstance(run, dict)
    )


def _parse_document(extractions: object) -> dict[str, Any]:
    """The kind of the document, and the end of the day on which it expires: the earliest, where several were shown."""
    runs = [run for run in extractions if isinstance(run, dict)] if isinstance(extractions, list) else []
    data = [_member(run, "data") for run in runs]
    kinds = [kind for kind in (_short_text(item.get("type")) for item in data) if kind is not None]
    ends = [end for end in (_end_of_day(item.get("expiryDate")) for item in data) if end is not None]
    return {
        "document_type": kinds[0] if kinds else None,
        "document_expires_at": min(ends, default=None),
        "people": tuple(_parse_person(item) for item in data if item),
        "document": next((found for found in map(_parse_number, data) if found is not None), None),
    }


def _parse_number(data: Mapping[str, Any]) -> Document | None:
    """What tells it from any other; nothing of a number that is masked, or is none, such as `N/A`."""
    country, kind, number = (_canonical(data.get(name)) for name in ("issuingCountry", "type", "documentNumber"))
    if not country or not kind or "*" in number or not any(digit in number for digit in "123456789"):
        return None
    return Document(country=country, kind=kind, number=number)


def _canonical(value: object) -> str:
    """In upper case, without spaces and hyphens."""
    text = unicodedata.normalize("NFKC", value[:1000]).upper() if isinstance(value, str) else ""
    return "".join(each for each in text if not each.isspace() and unicodedata.category(each) != "Pd")


def _parse_person(data: Mapping[str, Any]) -> Person:
    """Whom a document names, as Jumio read it; of the birth date as much as is printed."""
    return Person(
        given_name=_long_text(data.get("firstName")),
        family_name=_long_text(data.get("lastName")),
        birthdate=_printed(data.get("dateOfBirthParts")) or _long_text(data.get("dateOfBirth")),
    )


def _printed(parts: object) -> str | None:
    """What is not printed is missing among the parts, where Jumio tells them."""
    if not isinstance(parts, dict):
        return None
    told = takewhile(bool, (parts.get(name) for name in ("year", "month", "day")))
    return "-".join(str(part)[:4].zfill(2) for part in told) or None


def _long_text(value: object) -> str | None:
    return value[:1000] if isinstance(value, str) else None


def _end_of_day(value: object) -> datetime | None:
    """Midnight after a date such as `2030-01-01`, in UTC: a document is valid on the day that it names."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _parse_decision(value: object) -> Decision | None:
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    label = _member(value, "details").get("label")
    return Decision(
        type=kind if isinstance(kind, str) else None,
        label=_short_text(label),
        risk_score=_number(_member(value, "risk").get("score")),
    )


def _jwt_expiry(token: str) -> float | None:
    """The `exp` claim where the token is a JWT that says so. Read, not verified: it is only a hint when to renew."""
    try:
        claims = token.split(".")[1]
        return _number(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _short_text(value: object) -> str | None:
    return value[:100] if isinstance(value, str) else None


def _member(parsed: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parsed.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """The value where it is a finite number; Jumio writes both 50 and 50.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_web_url(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https") and text.isascii() and text.isprintable()
    except ValueError:
        return False
