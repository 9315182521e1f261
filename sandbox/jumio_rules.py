# SPDX-License-Identifier: Apache-2.0
"""Jumio's documented rules for a request, as functions of values: the create body and the User-Agent."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

# documentation.jumio.ai/developer-resources/api/account
_FORBIDDEN = frozenset('<>"/;\\`%{}|')
_LIFETIME = re.compile(r"([+-]?\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOOPBACK = ("127.0.0.1", "localhost")


def business_named(user_agent: str) -> bool:
    """Jumio answers 403 to a User-Agent that is missing or a library's own."""
    return bool(user_agent.strip()) and not re.match(
        r"(python-|urllib|curl|go-http-client|okhttp|java|openapi-generator)", user_agent.strip().lower()
    )


def body_problem(body: Any) -> str | None:
    """Why Jumio would refuse this create or update body; None when it would not."""
    if not isinstance(body, dict) or not isinstance(body.get("web", {}), dict):
        return "body and web: must be objects"
    reference = body.get("customerInternalReference")
    if not isinstance(reference, str) or not 1 <= len(reference) <= 100 or _FORBIDDEN & set(reference):
        return "customerInternalReference: required, 1 to 100 characters, none of " + " ".join(sorted(_FORBIDDEN))
    definition = body.get("workflowDefinition")
    key = definition.get("key") if isinstance(definition, dict) else None
    if isinstance(key, bool) or not isinstance(key, int | str) or not re.fullmatch(r"\d+", str(key)):
        return "workflowDefinition.key: required"
    lifetime = body.get("tokenLifetime", "30m")
    match = _LIFETIME.fullmatch(lifetime) if isinstance(lifetime, str) else None
    if not match or not 300 <= int(match[1]) * _SECONDS[match[2]] <= 60 * 86400:
        return "tokenLifetime: from 5m to 60d"
    return _text_problem(body) or _web_problem(body)


def _text_problem(body: dict[str, Any]) -> str | None:
    for name, longest in (("userReference", 100), ("callbackUrl", 255)):
        if name in body and not (isinstance(body[name], str) and 1 <= len(body[name]) <= longest):
            return f"{name}: 1 to {longest} characters"
    return None


def _web_problem(body: dict[str, Any]) -> str | None:
    web = body.get("web", {})
    locale = web.get("locale", "en")
    if not isinstance(locale, str) or not re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", locale):
        return "web.locale: like de or en-GB"
    urls = {"callbackUrl": body.get("callbackUrl"), **{f"web.{n}": web.get(n) for n in ("successUrl", "errorUrl")}}
    for name, value in urls.items():
        if value is not None and not _url_allowed(value):
            return f"{name}: an https URL without IP address, port and fragment, 255 characters at most"
    return None


def _url_allowed(value: Any) -> bool:
    if not isinstance(value, str) or not value.isascii() or len(value) > 255:
        return False
    try:
        url = urlsplit(value)
        host, port = url.hostname or "", url.port
    except ValueError:
        return False
    if host in _LOOPBACK:
        return url.scheme in ("http", "https")
    is_address = ":" in host or bool(re.fullmatch(r"[\d.]+", host))
    return url.scheme == "https" and "." in host and not (is_address or port or url.fragment)
