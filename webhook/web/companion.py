# SPDX-License-Identifier: Apache-2.0
"""Metrics and a health check beside a companion that sweeps (`sync --metrics-port`). Nothing else is answered there."""

from flask import Flask
from gevent.pywsgi import WSGIServer

from webhook.limits import MAX_BODY_BYTES
from webhook.runtime import log, metrics
from webhook.web import errors
from webhook.web.health import health, operations
from webhook.wiring import Services


def listen(services: Services, port: int) -> WSGIServer:
    """Answer from now on, in greenlets of this process; the metrics behind Ory's secret, as in `serve`."""
    app = Flask("companion", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    log.listen(metrics.observe)
    errors.install(app)
    for blueprint in (operations, health):
        app.register_blueprint(blueprint(services))
    server = WSGIServer((services.settings.server.bind_address, port), app, log=None, error_log=None)
    server.start()
    return server
