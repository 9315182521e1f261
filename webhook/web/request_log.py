# SPDX-License-Identifier: Apache-2.0
"""One log line per request. The route's pattern is logged, never the path: a path may be a capability."""

import time

from flask import Flask, Response, g, request

from webhook.core.events import Note
from webhook.runtime import log
from webhook.web.incoming import trigger_id

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/health/alive", "/health/ready"})


def install(app: Flask) -> None:
    """Log every answered request, health checks apart."""

    @app.before_request
    def begin() -> None:
        g.begun = time.monotonic()
        log.begin(trigger_id=trigger_id(request))

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "unknown"
        if route not in _QUIET or response.status_code >= 400:
            log.event(
                Note.REQUEST,
                method=request.method if request.method in _METHODS else "other",
                route=route,
                code=response.status_code,
                duration_ms=round((time.monotonic() - g.begun) * 1000, 1),
            )
        return response
