# SPDX-License-Identifier: Apache-2.0
"""One log line per request. The route's pattern is logged, never the path: a path may be a capability."""

import time

from flask import Flask, Response, g, request

from webhook import log

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/health/alive", "/health/ready"})


def install(app: Flask) -> None:
    """Log every answered request, health checks apart."""

    @app.before_request
    def begin() -> None:
        g.begun = time.monotonic()
        log.begin(trigger_id=_clean(request.headers.get("Ory-Webhook-Trigger-ID")))

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "unknown"
        if route not in _QUIET or response.status_code >= 400:
            log.event(
                "request",
                method=request.method if request.method in _METHODS else "other",
                route=route,
                code=response.status_code,
                duration_ms=round((time.monotonic() - g.begun) * 1000, 1),
            )
        return response


def _clean(value: str | None) -> str | None:
    """The header as sent by Kratos (a UUID), or None: whatever else somebody sends does not belong in a log."""
    return value if value and len(value) <= 64 and value.replace("-", "").isalnum() and value.isascii() else None
