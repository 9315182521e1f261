# SPDX-License-Identifier: Apache-2.0
"""Puts the application together: services in, a WSGI application out."""

from flask import Flask, request

from webhook.limits import MAX_BODY_BYTES
from webhook.runtime import log, metrics
from webhook.runtime.turns import take_turn
from webhook.web import errors, request_log
from webhook.web.callbacks import jumio_callbacks
from webhook.web.health import health, operations
from webhook.web.hooks import gate, ory_hooks
from webhook.web.pages.routes import verification_pages
from webhook.wiring import Services

# They never wait for a peer, or rarely, and so never for requests that do.
QUICK = frozenset({"gate", "health"})


def create_app(services: Services) -> Flask:
    """The application. Nothing is called and no connection is opened before the first request."""
    app = Flask("webhook", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.merge_slashes = False  # a redirect would make Kratos repeat the hook elsewhere, as a GET
    app.url_map.strict_slashes = True
    log.listen(metrics.observe)
    request_log.install(app)
    app.before_request(_let_the_quick_pass)
    errors.install(app)
    for blueprint in (gate, ory_hooks, jumio_callbacks, verification_pages, operations, health):
        app.register_blueprint(blueprint(services))
    return app


def _let_the_quick_pass() -> None:
    if request.blueprint not in QUICK:
        take_turn()
