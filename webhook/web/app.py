# SPDX-License-Identifier: Apache-2.0
"""Puts the application together: settings in, a WSGI application out."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.runtime import log, metrics
from webhook.settings import Settings
from webhook.verification.gate import Gate
from webhook.verification.settle import Verifications
from webhook.web import errors as answers
from webhook.web import request_log, routes
from webhook.web.gate_app import GateApp
from webhook.web.requests_in import MAX_BODY_BYTES


class _Application(Flask):
    """Flask without what is not used here and costs a tenth of a login: views are never coroutines."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings) -> Flask:
    """The application. Nothing is called and no connection is opened before the first request."""
    app = _Application("webhook", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.merge_slashes = False  # a redirect would make Kratos repeat the hook elsewhere, as a GET
    app.url_map.strict_slashes = True
    kratos = KratosClient(settings)
    verifications = Verifications(settings, kratos=kratos, jumio=JumioClient(settings))
    log.listen(metrics.observe)
    request_log.install(app)
    answers.install(app)
    routes.install(app, settings, verifications, kratos)
    gate = Gate(settings, verifications)
    app.wsgi_app = GateApp(settings, gate, others=app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented way
    return app
