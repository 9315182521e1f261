# SPDX-License-Identifier: Apache-2.0
"""What Kratos' web hooks call to start something, and whoever else has Ory's secret: start and re-verify."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from webhook.core.record import Record
from webhook.core.start import NAME_CHANGE
from webhook.core.status import Status
from webhook.limits import REQUEST_SECONDS
from webhook.ory.kratos.hooks import parse_initiate, parse_reverify
from webhook.runtime import log
from webhook.runtime.deadline import time_limit
from webhook.verification.start import Start
from webhook.web.incoming import read_body, require_ory_secret
from webhook.wiring import Services


def behind_ory_secret(name: str, services: Services, *, prefix: str) -> Blueprint:
    """A blueprint none of whose routes is reached without one of Ory's secrets."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix)

    @blueprint.before_request
    def authenticate() -> None:
        require_ory_secret(request, secrets=services.settings.ory_webhook_secrets)

    return blueprint


def ory_hooks(services: Services) -> Blueprint:
    """Both routes; the gate of every flow is `webhook.web.gate`."""
    blueprint = behind_ory_secret("ory_hooks", services, prefix="/jumio")

    @blueprint.post("/initiate")
    def initiate() -> Response:
        identity_id = parse_initiate(read_body(request, is_trusted=True))
        log.bind(identity_id=identity_id)
        with time_limit(REQUEST_SECONDS):
            return _started(services.starter.start(identity_id))

    @blueprint.post("/reverify")
    def reverify() -> Response:
        order = parse_reverify(read_body(request, is_trusted=True))
        log.bind(identity_id=order.identity_id)
        with time_limit(REQUEST_SECONDS):
            if order.reason == NAME_CHANGE and (kept := _fits_still(services, order.identity_id)) is not None:
                return _started(kept)
            return _started(services.starter.reverify(order.identity_id, reason=order.reason, due_in=order.due_in))

    return blueprint


def _fits_still(services: Services, identity_id: str) -> Start | None:
    """What stands, where the document names whom the account names now; else a further verification is offered."""
    before = services.kratos.get(identity_id).record.person
    record = services.settler.look(identity_id).record
    if record.person is None:
        return Start(record=record, reason="no name was compared")
    if record.person.is_matched:
        return Start(record=record, reason="the name fits the document")
    is_unchanged = before is not None and before.of == record.person.of and not record.person.is_different
    return Start(record=record, reason="the name has not changed") if is_unchanged else None


def _started(start: Start) -> Response:
    return jsonify(_of(start.record) | ({} if start.reason is None else {"reason": start.reason}))


def _of(record: Record) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": record.status}
    if record.status is Status.PENDING:
        return answer | {
            "account_id": record.account_id,
            "workflow_execution_id": record.workflow_execution_id,
            "verification_url": record.verification_url,
        }
    if (further := record.reverification) is not None:
        answer["reverification"] = {
            "reason": further.reason,
            "due_at": further.due_at,
            "workflow_execution_id": further.workflow_execution_id,
            "verification_url": further.verification_url,
        }
    return answer
