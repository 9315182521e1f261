# SPDX-License-Identifier: Apache-2.0
"""What a flow that is stopped is answered: one message for every status and every demand of a policy."""

from datetime import UTC, datetime, timedelta

import pytest
from support import LINK, TABLE

from webhook.core.policy import Policy, Standing, Unmet
from webhook.core.status import Status
from webhook.ory.kratos.refusals import cannot_decide, policy_refusal, status_refusal

IDS = {
    Status.REJECTED: 9010001,
    Status.PENDING: 9010002,
    Status.UNSTARTED: 9010002,
    Status.REVIEW: 9010003,
    Status.INCOMPLETE: 9010004,
    Status.NONE: 9010005,
    Status.APPROVED: 9010006,
}


@pytest.mark.parametrize("status", Status)
def test_a_refusal_is_one_message_for_the_whole_form(status: Status) -> None:
    answer = status_refusal(status, verification_url=None)
    [entry] = answer["messages"]
    [message] = entry["messages"]
    assert answer.keys() == {"messages"}
    assert entry.keys() == {"instance_ptr", "messages"}
    assert entry["instance_ptr"] == "#/"
    assert message.keys() == {"id", "text", "type", "context"}
    assert message["id"] == IDS[status]
    assert message["type"] == "error"
    assert message["context"] == {"status": status.value}
    assert message["text"].endswith(".")


def test_every_status_has_a_text_of_its_own() -> None:
    answers = [status_refusal(status, verification_url=None) for status in Status]
    texts = [answer["messages"][0]["messages"][0]["text"] for answer in answers]
    assert len(texts) == len(set(texts)) == len(Status)


TEXTS_WITH_A_LINK = {
    Status.REJECTED: "We could not confirm your identity, so you cannot sign in."
    " If you think this is a mistake, please contact support. Continue here: ",
    Status.PENDING: "Your identity check is not finished yet."
    " If you have sent everything, please try again in a few minutes. If not, continue here: ",
    Status.UNSTARTED: "Your identity check could not be started yet."
    " Please try again in a few minutes. Continue here: ",
    Status.REVIEW: "Your identity check is being reviewed by a person. Please try again later. Continue here: ",
    Status.INCOMPLETE: "Your identity check was not completed, so you cannot sign in yet. Continue here: ",
    Status.NONE: "You need to confirm your identity before you can sign in. Continue here: ",
    Status.APPROVED: "You cannot sign in here at the moment. Please contact support. Continue here: ",
}


@pytest.mark.parametrize(("status", "text"), TEXTS_WITH_A_LINK.items())
def test_a_link_is_shown_at_every_status_that_has_one(status: Status, text: str) -> None:
    answer = status_refusal(status, verification_url=LINK)
    message = answer["messages"][0]["messages"][0]
    assert message["text"] == text + LINK
    assert message["context"] == {"status": status.value, "verification_url": LINK}


def test_who_cannot_be_decided_on_reads_a_text_as_well() -> None:
    [entry] = cannot_decide()["messages"]
    [message] = entry["messages"]
    assert (entry["instance_ptr"], message["id"], message["type"], message["context"]) == ("#/", 9010000, "error", {})
    assert message["text"]


# --- policies ---

AT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
UNMET_TEXTS = {
    Unmet.LEVEL: (9010010, "For this you need to confirm more fully who you are."),
    Unmet.AGE: (9010011, "For this you need to have confirmed recently who you are."),
    Unmet.OVERDUE: (9010012, "You were asked to confirm again who you are, and the date for it has passed."),
}


@pytest.mark.parametrize("link", [LINK, None])
@pytest.mark.parametrize("unmet", Unmet)
def test_a_policy_that_is_not_met_says_what_is_demanded_and_what_there_is(unmet: Unmet, link: str | None) -> None:
    policy = Policy(min_level=3, max_age=timedelta(days=90))
    standing = Standing(level=2, verified_at=AT, overdue=False)
    answer = policy_refusal(unmet, policy, standing, status=Status.APPROVED, table=TABLE, verification_url=link)
    message_id, text = UNMET_TEXTS[unmet]
    assert answer == {
        "messages": [
            {
                "instance_ptr": "#/",
                "messages": [
                    {
                        "id": message_id,
                        "text": f"{text} " + (f"Continue here: {LINK}" if link else "Please contact support."),
                        "type": "error",
                        "context": {
                            "status": "approved",
                            "required": {"min_level": 3, "max_age": "90d"},
                            "current": {"level": 2, "name": "document", "verified_at": "2026-03-02T18:30:00.000Z"},
                        }
                        | ({"verification_url": LINK} if link else {}),
                    }
                ],
            }
        ]
    }


def test_what_is_not_demanded_and_not_known_is_null() -> None:
    standing = Standing(level=0, verified_at=None, overdue=False)
    answer = policy_refusal(
        Unmet.LEVEL, Policy(min_level=1), standing, status=Status.NONE, table=TABLE, verification_url=None
    )
    context = answer["messages"][0]["messages"][0]["context"]
    assert context["required"] == {"min_level": 1, "max_age": None}
    assert context["current"] == {"level": 0, "name": "none", "verified_at": None}


def test_an_age_of_nothing_is_a_demand_too() -> None:
    standing = Standing(level=3, verified_at=AT, overdue=False)
    policy = Policy(max_age=timedelta(0))
    answer = policy_refusal(Unmet.AGE, policy, standing, status=Status.APPROVED, table=TABLE, verification_url=None)
    assert answer["messages"][0]["messages"][0]["context"]["required"] == {"min_level": None, "max_age": "0d"}
