# SPDX-License-Identifier: Apache-2.0
"""`POST /jumio/validate`, in front of Flask: every sign-in waits for it, and Flask's dispatch costs more than it does.

docs/decisions/0003 has the figures. The route has rules of its own, too: whatever goes wrong it answers a 4xx with a
text that Kratos can show, never a 5xx or 429, which Kratos would repeat inside the sign-in.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from webhook.core.events import Note
from webhook.core.policy import Unmet
from webhook.errors import Malformed, ServiceError, Unauthorized
from webhook.limits import MAX_BODY_BYTES, REQUEST_SECONDS
from webhook.ory.kratos.hooks import GateHook, parse_validate
from webhook.ory.kratos.refusals import cannot_decide, person_refusal, policy_refusal, status_refusal
from webhook.runtime import log
from webhook.runtime.deadline import time_limit
from webhook.verification.gate import Judgement
from webhook.web.errors import UNFORESEEN, error_body
from webhook.web.incoming import read_body, require_ory_secret, trigger_id
from webhook.wiring import Services

PATH = "/jumio/validate"
WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_encode = json.JSONEncoder(separators=(",", ":")).encode


class _Request(Request):
    max_content_length = MAX_BODY_BYTES + 1


class GateRoute:
    """Answers the gate's path, and hands every other request on."""

    def __init__(self, services: Services, *, others: WSGIApplication) -> None:
        self._gate = services.gate
        self._secrets = services.settings.ory_webhook_secrets
        self._table = services.settings.verification.assurance_table
        self._others = others

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").lstrip("/") != PATH[1:]:  # werkzeug, too, takes many slashes for one
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
        log.event(Note.REQUEST, method=method, route=PATH, code=int(status), duration_ms=duration_ms)
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if request.method == "HEAD" else [body]

    def _answer(self, request: Request) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            if request.method != "POST":
                return _cannot_decide(HTTPStatus.METHOD_NOT_ALLOWED, "only POST")
            require_ory_secret(request, secrets=self._secrets)
            return self._judged(parse_validate(read_body(request, is_trusted=True), highest_level=self._table.highest))
        except Unauthorized as error:
            return _cannot_decide(HTTPStatus.UNAUTHORIZED, str(error))
        except Malformed as error:
            return _cannot_decide(HTTPStatus.BAD_REQUEST, str(error))
        except ServiceError as error:
            return _cannot_decide(HTTPStatus.FORBIDDEN, str(error))
        except HTTPException as error:
            status = HTTPStatus(error.code or 400)
            return _cannot_decide(status, status.phrase)
        except Exception as error:
            log.event(Note.REQUEST_CRASHED, level=logging.ERROR, kind=type(error).__name__, where=log.place_of(error))
            return _cannot_decide(HTTPStatus.FORBIDDEN, UNFORESEEN)

    def _judged(self, hook: GateHook) -> tuple[HTTPStatus, dict[str, Any]]:
        log.bind(identity_id=hook.identity_id, status=hook.record.status.value if hook.is_readable else None)
        with time_limit(REQUEST_SECONDS):
            judged = self._gate.judge(hook)
        if judged.stops:
            log.event(Note.GATE_REFUSED, status=judged.status.value, assurance_level=judged.standing.level)
            return HTTPStatus.FORBIDDEN, self._refusal(hook, judged)
        level = {} if hook.policy is None else {"level": judged.standing.level}
        return HTTPStatus.OK, {"status": judged.status} | level

    def _refusal(self, hook: GateHook, judged: Judgement) -> dict[str, Any]:
        if judged.is_another and judged.unmet in (None, Unmet.LEVEL):
            return person_refusal(judged.status, verification_url=judged.link)
        if judged.is_blocked or judged.unmet is None or hook.policy is None:
            return status_refusal(judged.status, verification_url=judged.link)
        return policy_refusal(
            judged.unmet,
            hook.policy,
            judged.standing,
            status=judged.status,
            table=self._table,
            verification_url=judged.link,
        )


def _cannot_decide(status: HTTPStatus, reason: str) -> tuple[HTTPStatus, dict[str, Any]]:
    return status, error_body(status, reason) | cannot_decide()
