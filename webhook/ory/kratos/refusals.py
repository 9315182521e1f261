# SPDX-License-Identifier: Apache-2.0
"""What a flow of Kratos' is answered that is stopped: the interrupt payload, and in it what the person reads."""

from typing import Any

from webhook.core.assurance import Table
from webhook.core.policy import Policy, Standing, Unmet
from webhook.core.status import Status
from webhook.core.times import duration_text, to_text

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

# What was shown may be anybody's: the text tells neither what differs nor what the document says.
ANOTHER_PERSON = 9010007
_ANOTHER_PERSON = (
    "We could not confirm that this account is yours."
    " Please make sure that it bears your name and date of birth as your own document does."
)
_CONTACT_SUPPORT = "Please contact support for a link."
_TEXTS = {
    Status.REJECTED: "We could not confirm your identity, so you cannot sign in."
    " If you think this is a mistake, please contact support.",
    Status.PENDING: "Your identity check is not finished yet."
    " If you have sent everything, please try again in a few minutes.",
    Status.UNSTARTED: "Your identity check could not be started yet. Please try again in a few minutes.",
    Status.REVIEW: "Your identity check is being reviewed by a person. Please try again later.",
    Status.INCOMPLETE: f"Your identity check was not completed, so you cannot sign in yet. {_CONTACT_SUPPORT}",
    Status.NONE: f"You need to confirm your identity before you can sign in. {_CONTACT_SUPPORT}",
    Status.APPROVED: "You cannot sign in here at the moment. Please contact support.",
}
UNMET: dict[Unmet, tuple[int, str]] = {
    Unmet.LEVEL: (9010010, "For this you need to confirm more fully who you are."),
    Unmet.AGE: (9010011, "For this you need to have confirmed recently who you are."),
    Unmet.OVERDUE: (9010012, "You were asked to confirm again who you are, and the date for it has passed."),
}
_CANNOT_DECIDE = "We could not check whether you may sign in. Please try again; if it happens again, contact support."


def status_refusal(status: Status, *, verification_url: str | None) -> dict[str, Any]:
    """Kratos' interrupt payload for a flow that ends at this status.

    Shape: https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks#flow-interrupting-webhooks
    """
    context = {"status": status.value}
    text = _TEXTS[status]
    if verification_url:
        context["verification_url"] = verification_url
        lead = "If not, continue" if status is Status.PENDING else "Continue"
        text = f"{text.removesuffix(_CONTACT_SUPPORT).rstrip()} {lead} here: {verification_url}"
    return interrupt(MESSAGE_IDS[status], text, context)


def person_refusal(status: Status, *, verification_url: str | None) -> dict[str, Any]:
    """Kratos' interrupt payload for whoever showed a document that is not the account's."""
    context = {"status": status.value} | ({"verification_url": verification_url} if verification_url else {})
    what_to_do = f"Then continue here: {verification_url}" if verification_url else "Then please contact support."
    return interrupt(ANOTHER_PERSON, f"{_ANOTHER_PERSON} {what_to_do}", context)


def policy_refusal(
    unmet: Unmet, policy: Policy, standing: Standing, *, status: Status, table: Table, verification_url: str | None
) -> dict[str, Any]:
    """Kratos' interrupt payload for a policy that is not met: what is demanded, what there is, and what to do."""
    message_id, text = UNMET[unmet]
    verified_at = standing.verified_at
    context: dict[str, Any] = {
        "status": status.value,
        "required": {
            "min_level": policy.min_level,
            "max_age": None if policy.max_age is None else duration_text(policy.max_age),
        },
        "current": {
            "level": standing.level,
            "name": table.name_of(standing.level),
            "verified_at": verified_at and to_text(verified_at),
        },
    }
    if verification_url is not None:
        context["verification_url"] = verification_url
    what_to_do = f"Continue here: {verification_url}" if verification_url else "Please contact support."
    return interrupt(message_id, f"{text} {what_to_do}", context)


def cannot_decide() -> dict[str, Any]:
    """The interrupt payload of a request that says nothing usable: no pass, and a text to show."""
    return interrupt(MALFORMED, _CANNOT_DECIDE, {})


def interrupt(message_id: int, text: str, context: dict[str, Any]) -> dict[str, Any]:
    """One message for the whole form (`#/`); any other pointer would add a field to the login form."""
    message = {"id": message_id, "text": text, "type": "error", "context": context}
    return {"messages": [{"instance_ptr": "#/", "messages": [message]}]}
