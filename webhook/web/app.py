# SPDX-License-Identifier: Apache-2.0
"""Puts the application together: services in, a WSGI application out."""

from flask import Flask, request

from webhook.limits import MAX_BODY_BYTES
from webhook.runtime import log, metrics
from webhook.runtime.turns import take_turn
from webhook.web import errors, request_log
from webhook.web.callbacks import jumio_callbacks
from webhook.web.gate import GateRoute
from webhook.web.health import health, operations
from webhook.web.hooks import ory_hooks
from webhook.web.pages.routes import verification_pages
from webhook.wiring import Services


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
    for blueprint in (ory_hooks, jumio_callbacks, verification_pages, operations, health):
        app.register_blueprint(blueprint(services))
    app.wsgi_app = GateRoute(services, others=app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented way
    return app


def _let_the_quick_pass() -> None:
    """Health checks, like sign-ins, wait for nobody who waits for a peer."""
    if request.blueprint != "health":
        take_turn()
