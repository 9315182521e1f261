# SPDX-License-Identifier: Apache-2.0
"""The login gate: whether a status stops a sign-in, and what the person then reads."""

from collections.abc import Collection
from typing import Any

from webhook.core.status import Status

# Outside the seven-digit ranges that Kratos and its UIs translate by id (1, 4 and 5 million).
MALFORMED = 9010000
MESSAGE_IDS = {
    Status.REJECTED: 9010001,
    Status.PENDING: 9010002,
    Status.UNSTARTED: 9010002,
    Status.REVIEW: 9010003,
    Status.INCOMPLETE: 9010004,
    Status.NONE: 9010005,
    Status.APPROVED: 9010006,
}

_TEXTS = {
    Status.REJECTED: "We could not confirm your identity, so you cannot sign in."
    " If you think this is a mistake, please contact support.",
    Status.PENDING: "Your identity check is not finished yet."
    " If you have sent everything, please try again in a few minutes.",
    Status.UNSTARTED: "Your identity check could not be started yet. Please try again in a few minutes.",
    Status.REVIEW: "Your identity check is being reviewed by a person. Please try again later.",
    Status.INCOMPLETE: "Your identity check was not completed, so you cannot sign in yet."
    " Please try again, or contact support for a new link.",
    Status.NONE: "You need to confirm your identity before you can sign in. Please contact support for a link.",
    Status.APPROVED: "You cannot sign in here at the moment. Please contact support.",
}
_CANNOT_DECIDE = "We could not check whether you may sign in. Please try again; if it happens again, contact support."


def refusal(status: Status, *, verification_url: str | None, block: Collection[Status]) -> dict[str, Any] | None:
    """Kratos' interrupt payload for a login at this status, or None when the login goes on.

    Shape: https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks#flow-interrupting-webhooks
    """
    if status not in block:
        return None
    context = {"status": status.value}
    text = _TEXTS[status]
    if verification_url and status is Status.PENDING:
        context["verification_url"] = verification_url
        text = f"{text} If not, continue here: {verification_url}"
    return interrupt(MESSAGE_IDS[status], text, context)


def cannot_decide() -> dict[str, Any]:
    """The interrupt payload of a request that says nothing usable: no pass, and a text to show."""
    return interrupt(MALFORMED, _CANNOT_DECIDE, {})


def interrupt(message_id: int, text: str, context: dict[str, Any]) -> dict[str, Any]:
    """One message for the whole form (`#/`); any other pointer would add a field to the login form."""
    message = {"id": message_id, "text": text, "type": "error", "context": context}
    return {"messages": [{"instance_ptr": "#/", "messages": [message]}]}
