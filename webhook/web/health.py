# SPDX-License-Identifier: Apache-2.0
"""What operators' machines ask: Ory's health conventions, and the metrics."""

import time
from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from gevent.lock import Semaphore

from webhook import __version__
from webhook.errors import KratosError
from webhook.runtime import metrics
from webhook.web.hooks import behind_ory_secret
from webhook.wiring import Services

ASK_EVERY_SECONDS = 1.0


class Readiness:
    """Whether Kratos answers; asked at most once a second, whoever calls and however many."""

    def __init__(self, check: Callable[[], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`check` raises `KratosError` where Kratos is not ready."""
        self._check = check
        self._clock = clock
        self._asking = Semaphore(1)
        self._asked_at = -ASK_EVERY_SECONDS
        self._problem: KratosError | None = None

    def require(self) -> None:
        """Return when Kratos answers.

        :raises KratosError: it does not.
        """
        with self._asking:
            if self._clock() - self._asked_at >= ASK_EVERY_SECONDS:
                self._ask()
        if self._problem is not None:
            raise self._problem.with_traceback(None)  # else it would grow with each who is told

    def _ask(self) -> None:
        try:
            self._check()
            self._problem = None
        except KratosError as error:
            self._problem = error
        self._asked_at = self._clock()


def health(services: Services) -> Blueprint:
    """Open to everybody. https://www.ory.com/docs/kratos/reference/api#tag/metadata"""
    blueprint = Blueprint("health", __name__)
    readiness = Readiness(services.kratos.check_ready)

    @blueprint.get("/health")
    @blueprint.get("/health/alive")
    def alive() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/health/ready")
    def ready() -> Response:
        readiness.require()
        return jsonify({"status": "ok"})

    @blueprint.get("/version")
    def version() -> Response:
        return jsonify({"version": __version__})

    return blueprint


def operations(services: Services) -> Blueprint:
    """Behind Ory's secret."""
    blueprint = behind_ory_secret("operations", services, prefix="/metrics")

    @blueprint.get("/prometheus")
    def prometheus() -> Response:
        return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)

    return blueprint
