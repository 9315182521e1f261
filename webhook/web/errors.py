# SPDX-License-Identifier: Apache-2.0
"""What errors look like to callers, and which exception is which answer."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from webhook.core.events import Note
from webhook.errors import Busy, IdentityUnknown, Malformed, PeerError, ServiceError, Unauthorized
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded

CALLBACK_PATH = "/jumio/callback"
# Jumio has time; Kratos repeats its hooks after this.
CALLBACK_RETRY_SECONDS, RETRY_SECONDS = 60, 5
UNFORESEEN = "an unforeseen error; it is in the service's log"

_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "The request was malformed or contained invalid parameters",
    HTTPStatus.UNAUTHORIZED: "The request could not be authorized",
    HTTPStatus.NOT_FOUND: "The requested resource could not be found",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service is unable to do this now; the reason says why",
}
_BY_KIND: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (Malformed, HTTPStatus.BAD_REQUEST),
    (Unauthorized, HTTPStatus.UNAUTHORIZED),
    (IdentityUnknown, HTTPStatus.NOT_FOUND),
    (PeerError, HTTPStatus.SERVICE_UNAVAILABLE),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeadlineExceeded, HTTPStatus.SERVICE_UNAVAILABLE),
)


def error_body(status: HTTPStatus, reason: str) -> dict[str, Any]:
    """Ory's error shape: https://www.ory.com/docs/kratos/reference/api (errorGeneric)"""
    message = _MESSAGES.get(status, status.description or status.phrase)
    return {"error": {"code": status.value, "status": status.phrase, "reason": reason, "message": message}}


def error_answer(status: HTTPStatus, reason: str) -> Response:
    """An answer in that shape."""
    answer = jsonify(error_body(status, reason))
    answer.status_code = status
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        is_callback = request.path.startswith(CALLBACK_PATH)
        answer.headers["Retry-After"] = str(CALLBACK_RETRY_SECONDS if is_callback else RETRY_SECONDS)
    return answer


def install(app: Flask) -> None:
    """Make every error of the application, foreseen or not, an answer of this shape."""

    @app.errorhandler(ServiceError)
    @app.errorhandler(DeadlineExceeded)
    def foreseen(error: Exception) -> Response:
        status = next(status for kind, status in _BY_KIND if isinstance(error, kind))
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            log.event(Note.REQUEST_FAILED, level=logging.WARNING, error=error)
        return error_answer(status, str(error))

    @app.errorhandler(HTTPException)
    def by_flask(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        answer = error_answer(status, status.description or status.phrase)
        if "Allow" in (headers := dict(error.get_headers())):
            answer.headers["Allow"] = headers["Allow"]
        return answer

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        log.event(Note.REQUEST_CRASHED, level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
        return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, UNFORESEEN)
