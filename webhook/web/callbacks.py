# SPDX-License-Identifier: Apache-2.0
"""What Jumio calls: behind a signature, or behind a path that only Jumio was told."""

from flask import Blueprint, Response, jsonify, request

from webhook.core.events import Note
from webhook.core.ids import usable_identity_id
from webhook.core.settle import Result
from webhook.core.signing import verify_capability, verify_signature
from webhook.errors import Malformed, Unauthorized
from webhook.idv.jumio.callback import parse_callback
from webhook.limits import REQUEST_SECONDS
from webhook.runtime import log
from webhook.runtime.deadline import time_limit
from webhook.web.incoming import header_bytes, read_body
from webhook.wiring import Services


def jumio_callbacks(services: Services) -> Blueprint:
    """Both forms."""
    blueprint = Blueprint("jumio_callbacks", __name__, url_prefix="/jumio")
    settings = services.settings.jumio

    @blueprint.post("/callback")
    def signed() -> Response:
        body = read_body(request, is_trusted=False)
        signature = header_bytes(request.headers.get(settings.signature_header, ""))
        if not verify_signature(signature, body, secrets=settings.callback_secrets):
            log.event(Note.SECRET_REFUSED, route="/jumio/callback")
            raise Unauthorized(f"{settings.signature_header} is missing or not the signature of this body")
        return answer(body, None)

    @blueprint.post("/callback/<identity_id>/<token>")
    def capability(identity_id: str, token: str) -> Response:
        if not verify_capability(identity_id, token, secrets=settings.callback_secrets):
            log.event(Note.SECRET_REFUSED, route="/jumio/callback/{identity}/{token}")
            raise Unauthorized("the callback URL is not one of ours")
        known = usable_identity_id(identity_id)
        if known is None:
            raise Malformed("the callback URL names no identity")
        return answer(read_body(request, is_trusted=True), known)

    def answer(body: bytes, identity_id: str | None) -> Response:
        callback = parse_callback(body)
        log.bind(identity_id=identity_id, workflow_execution_id=callback.workflow_execution_id)
        if not callback.is_final:
            return jsonify({"result": Result.IGNORED, "reason": "an intermediate status"})
        with time_limit(REQUEST_SECONDS):
            outcome = services.settler.settle_callback(
                callback.account_id, callback.workflow_execution_id, identity_id=identity_id
            )
        return jsonify({"result": outcome.result} | ({} if outcome.reason is None else {"reason": outcome.reason}))

    return blueprint
