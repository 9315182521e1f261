# SPDX-License-Identifier: Apache-2.0
"""`POST /jumio/validate` as a WSGI application of its own, in front of Flask's: every sign-in waits for it.

Flask's dispatch costs more than the decision. This route also has its own rules: whatever goes wrong it answers a
4xx with a text that Kratos can show, never a 5xx or 429, which Kratos would retry inside the sign-in.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from webhook.errors import Malformed, Unauthorized
from webhook.ory.kratos.hooks import parse_validate
from webhook.ory.kratos.refusals import cannot_decide
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.gate import Gate
from webhook.web.errors import error_body
from webhook.web.requests_in import MAX_BODY_BYTES, read_body, require_ory_secret, trigger_id

GATE_PATH = "/jumio/validate"
WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_encode = json.JSONEncoder(separators=(",", ":")).encode


class _Request(Request):
    max_content_length = MAX_BODY_BYTES + 1


class GateApp:
    """Answers the gate's path, and hands every other request on."""

    def __init__(self, settings: Settings, gate: Gate, *, others: WSGIApplication) -> None:
        self._secrets = settings.ory_webhook_secrets
        self._highest_level = settings.assurance_table.highest
        self._gate = gate
        self._others = others

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").lstrip("/") != GATE_PATH[1:]:  # werkzeug, too, takes many slashes for one
            return self._others(environ, start_response)
        begun = time.monotonic()
        request = _Request(environ)
        log.begin(trigger_id=trigger_id(request))
        status, answer = self._answer(request)
        body = _encode(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        method = "POST" if request.method == "POST" else "other"
        duration_ms = round((time.monotonic() - begun) * 1000, 1)
        log.event("request", method=method, route=GATE_PATH, code=int(status), duration_ms=duration_ms)
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if request.method == "HEAD" else [body]

    def _answer(self, request: Request) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            if request.method != "POST":
                return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "only POST")
            require_ory_secret(request, secrets=self._secrets)
            return self._admission(read_body(request))
        except Unauthorized as error:
            return _refused(HTTPStatus.UNAUTHORIZED, str(error))
        except Malformed as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        except HTTPException as error:
            status = HTTPStatus(error.code or 400)
            return _refused(status, status.phrase)
        except Exception as error:
            log.event("request.crashed", level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
            return _refused(HTTPStatus.FORBIDDEN, "an unforeseen error; it is in the service's log")

    def _admission(self, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        hook = parse_validate(body, highest_level=self._highest_level)
        log.bind(identity_id=hook.identity_id, status=hook.record.status.value)
        admission = self._gate.admit(hook)
        if admission.refusal is not None:
            log.event("gate.refused", status=admission.status.value, assurance_level=admission.level)
            return HTTPStatus.FORBIDDEN, admission.refusal
        level = {} if admission.level is None else {"level": admission.level}
        return HTTPStatus.OK, {"status": admission.status} | level


def _refused(status: HTTPStatus, reason: str) -> tuple[HTTPStatus, dict[str, Any]]:
    return status, error_body(status, reason) | cannot_decide()
