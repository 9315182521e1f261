# SPDX-License-Identifier: Apache-2.0
"""The routes: authenticate, parse, act, answer. What is decided stands in `core`, what is done in `verification`."""

from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from webhook import __version__
from webhook.core.record import Record
from webhook.core.settle import Outcome, Result
from webhook.core.signing import verify_capability, verify_signature
from webhook.core.status import Status
from webhook.errors import Malformed, Unauthorized
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.hooks import parse_callback, parse_initiate, parse_reverify, usable_identity_id
from webhook.runtime import log, metrics
from webhook.runtime.deadline import time_limit
from webhook.settings import Settings
from webhook.verification.settle import Verifications
from webhook.web.pages.routes import verification_pages
from webhook.web.requests_in import header_bytes, read_body, require_ory_secret

REQUEST_SECONDS = 11.5


def ory_hooks(settings: Settings, verifications: Verifications) -> Blueprint:
    """What Kratos' web hooks call, behind Ory's secret; the gate is in `webhook.web.gate_app`."""
    blueprint = _behind_ory_secret("ory_hooks", settings, prefix="/jumio")

    @blueprint.post("/initiate")
    def initiate() -> Response:
        identity_id = parse_initiate(read_body(request))
        log.bind(identity_id=identity_id)
        with time_limit(REQUEST_SECONDS):
            start = verifications.start(identity_id)
        return jsonify(_start_answer(start.record, start.reason))

    @blueprint.post("/reverify")
    def reverify() -> Response:
        order = parse_reverify(read_body(request))
        log.bind(identity_id=order.identity_id)
        with time_limit(REQUEST_SECONDS):
            start = verifications.reverify(order.identity_id, reason=order.reason, due_in=order.due_in)
        return jsonify(_start_answer(start.record, start.reason))

    return blueprint


def operations(settings: Settings) -> Blueprint:
    """What operators' machines read, behind Ory's secret too."""
    blueprint = _behind_ory_secret("operations", settings, prefix="/metrics")

    @blueprint.get("/prometheus")
    def prometheus() -> Response:
        return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)

    return blueprint


def _behind_ory_secret(name: str, settings: Settings, *, prefix: str) -> Blueprint:
    blueprint = Blueprint(name, __name__, url_prefix=prefix)

    @blueprint.before_request
    def authenticate() -> None:
        require_ory_secret(request, secrets=settings.ory_webhook_secrets)

    return blueprint


def jumio_callbacks(settings: Settings, verifications: Verifications) -> Blueprint:
    """What Jumio calls: behind a signature, or behind a path that only Jumio was told."""
    blueprint = Blueprint("jumio_callbacks", __name__, url_prefix="/jumio")

    @blueprint.post("/callback")
    def signed() -> Response:
        body = read_body(request)
        signature = header_bytes(request.headers.get(settings.jumio_signature_header, ""))
        if not verify_signature(signature, body, secrets=settings.jumio_callback_secrets):
            log.event("secret.refused", route="/jumio/callback")
            raise Unauthorized(f"{settings.jumio_signature_header} is missing or not the signature of this body")
        return answer(body, None)

    @blueprint.post("/callback/<identity_id>/<token>")
    def capability(identity_id: str, token: str) -> Response:
        if not verify_capability(identity_id, token, secrets=settings.jumio_callback_secrets):
            log.event("secret.refused", route="/jumio/callback/{identity}/{token}")
            raise Unauthorized("the callback URL is not one of ours")
        known = usable_identity_id(identity_id)
        if known is None:
            raise Malformed("the callback URL names no identity")
        return answer(read_body(request), known)

    def answer(body: bytes, identity_id: str | None) -> Response:
        doorbell = parse_callback(body)
        log.bind(identity_id=identity_id, workflow_execution_id=doorbell.workflow_execution_id)
        if not doorbell.is_final:
            return jsonify({"result": Result.IGNORED, "reason": "an intermediate status"})
        with time_limit(REQUEST_SECONDS):
            return jsonify(_outcome_answer(verifications.ring(doorbell, identity_id=identity_id)))

    return blueprint


def health(kratos: KratosClient) -> Blueprint:
    """Ory's conventions: https://www.ory.com/docs/kratos/reference/api#tag/metadata"""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    @blueprint.get("/health/alive")
    def alive() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/health/ready")
    def ready() -> Response:
        kratos.check_ready()
        return jsonify({"status": "ok"})

    @blueprint.get("/version")
    def version() -> Response:
        return jsonify({"version": __version__})

    return blueprint


def install(app: Flask, settings: Settings, verifications: Verifications, kratos: KratosClient) -> None:
    """Register every route."""
    app.register_blueprint(ory_hooks(settings, verifications))
    app.register_blueprint(jumio_callbacks(settings, verifications))
    app.register_blueprint(verification_pages(settings, verifications))
    app.register_blueprint(operations(settings))
    app.register_blueprint(health(kratos))


def _start_answer(record: Record, reason: str | None) -> dict[str, Any]:
    if record.status is Status.PENDING:
        return {
            "status": record.status,
            "account_id": record.account_id,
            "workflow_execution_id": record.workflow_execution_id,
            "verification_url": record.verification_url,
        }
    answer: dict[str, Any] = {"status": record.status}
    if (further := record.reverification) is not None:
        answer["reverification"] = {
            "reason": further.reason,
            "due_at": further.due_at,
            "workflow_execution_id": further.workflow_execution_id,
            "verification_url": further.verification_url,
        }
    return answer | ({} if reason is None else {"reason": reason})


def _outcome_answer(outcome: Outcome) -> dict[str, Any]:
    return {"result": outcome.result} | ({} if outcome.reason is None else {"reason": outcome.reason})
