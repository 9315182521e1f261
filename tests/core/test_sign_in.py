# SPDX-License-Identifier: Apache-2.0
"""The help desk's three questions, for every status and whatever changes the answer. No vendor's link is in any."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support import LINK, NOW, WORKFLOW, asked, pending, verified

from webhook.core.explanation import as_text
from webhook.core.person import Comparison, Match
from webhook.core.record import NOTICE_PERSON, Record
from webhook.core.sign_in import Account, Link, Rules, match_of, sign_in
from webhook.core.start import limit_ends_at
from webhook.core.status import Status, Verdict
from webhook.core.times import to_text
from webhook.core.workflows import Stage, Workflow

EVERYBODY = frozenset(Status)
REJECTED_ONLY = frozenset({Status.REJECTED})
REVIEW = verified(1, status=Status.REVIEW, verdict=Verdict.WARNING)
REJECTED = verified(0, status=Status.REJECTED, verdict=Verdict.FAILED)
SOMEBODY_ELSES = Comparison(name=Match.DIFFERENT, birthdate=Match.UNKNOWN, of="fingerprint")


def told(
    record: Record,
    *,
    blocked: frozenset[Status] = EVERYBODY,
    state: str | None = "active",
    link: Link = Link.NONE,
    limit: int = 5,
    **gate: Status | None,
) -> dict[str, Any]:
    account = Account(state=state, gate_status=gate.get("gate_status", record.status), link=link)
    found = sign_in(record, account=account, rules=Rules(blocked=blocked, starts_a_day=limit), now=NOW)
    assert LINK not in str(found)
    assert found["what_now"], "there is always something to say"
    return found


def somebody_elses(record: Record) -> Record:
    workflow = Workflow(id=WORKFLOW, account_id=None, stage=Stage.CONCLUDED, person=SOMEBODY_ELSES)
    return replace(record, notice=NOTICE_PERSON).with_known((workflow,))


@pytest.mark.parametrize("status", list(Status))
def test_the_setting_says_whose_status_is_stopped(status: Status) -> None:
    record = Record(status=status)
    stopped = told(record, blocked=frozenset({status}))
    assert (stopped["allowed"], stopped["why"]) == (False, f"the status is {status}, which BLOCK_LOGIN_STATUSES stops")
    passes = told(record, blocked=EVERYBODY - {status})
    assert passes["allowed"] is True
    assert passes["why"].startswith(f"the status is {status}, and BLOCK_LOGIN_STATUSES stops ")
    assert told(record, blocked=frozenset())["why"].endswith(" stops nobody")


def test_kratos_itself_stops_whom_it_holds_for_inactive() -> None:
    found = told(verified(), blocked=REJECTED_ONLY, state="inactive")
    assert found == {
        "allowed": False,
        "why": "the account is inactive, and Kratos itself lets nobody in then",
        "what_now": ["whoever has locked the account opens it in Kratos (`state`)"],
    }
    both = told(REJECTED, state="inactive")
    assert both["why"] == (
        "the account is inactive, and Kratos itself lets nobody in then; "
        "the status is rejected, which BLOCK_LOGIN_STATUSES stops"
    )
    assert both["what_now"] == [
        "nothing until an operator runs `sync --identity ID --forget`, which also opens an account that the rejection "
        "has locked"
    ]


def test_a_record_that_cannot_be_read_lets_nobody_pass() -> None:
    found = told(Record(), blocked=frozenset(), gate_status=None)
    assert found["allowed"] is False
    assert found["why"] == "neither copy of the record can be read, and nobody passes the gate by that"
    assert found["what_now"][0] == "an operator has the record written anew: `sync --identity ID`"


def test_the_gate_goes_by_its_own_copy() -> None:
    found = told(REJECTED, blocked=REJECTED_ONLY, gate_status=Status.APPROVED)
    assert (found["allowed"], found["what_now"][0]) == (
        True, "the gate's copy says approved, the other rejected: `sync --identity ID` heals them"
    )  # fmt: skip


SENT = "where all has been sent, wait for the verdict; `sync --identity ID` asks for it now"
ON_IDENTITY = "`verification_url` on the identity"
BY_OPERATOR = "an operator starts a check: `sync --identity ID`"
BY_SYNC = "a start is due, which `sync` makes; `sync --identity ID` makes it now"


@pytest.mark.parametrize(
    ("record", "link", "what_now"),
    [
        (pending(), Link.WORKS, [f"open the link, which works ({ON_IDENTITY}), and finish the check", SENT]),
        (
            pending(),
            Link.EXPIRED,
            ["the link to the check is too old; whoever is stopped at the sign-in is shown a new one", SENT],
        ),
        (
            pending(),
            Link.NOT_OURS,
            [f"open Jumio's own link ({ON_IDENTITY}; it carries an authorization) and finish the check", SENT],
        ),
        (pending(), Link.NONE, ["there is no link to the check on the identity: `sync --identity ID` makes one", SENT]),
        (
            Record(status=Status.UNSTARTED),
            Link.WORKS,
            [f"open the link, which works ({ON_IDENTITY}); its page starts a check", BY_SYNC],
        ),
        (
            Record(status=Status.INCOMPLETE),
            Link.EXPIRED,
            ["the link is too old; whoever is stopped at the sign-in is shown a new one", BY_OPERATOR],
        ),
        (Record(), Link.NONE, [BY_OPERATOR]),
        (verified(), Link.NONE, ["an operator takes approved out of BLOCK_LOGIN_STATUSES"]),
        (
            REVIEW,
            Link.NONE,
            [
                "wait for the review",
                "or `reverify --identity ID` offers a new check; the verdict stands until it ends",
                "where it must not stand, an operator begins anew: `sync --identity ID --forget`",
            ],
        ),
    ],
)
def test_what_they_can_do(record: Record, link: Link, what_now: list[str]) -> None:
    assert told(record, link=link)["what_now"] == what_now


def test_whoever_is_not_stopped_is_shown_no_new_link_there() -> None:
    [first, _] = told(pending(), blocked=REJECTED_ONLY, link=Link.EXPIRED)["what_now"]
    assert first == "the link to the check is too old; `reverify --identity ID` makes a new one"


def test_nothing_is_left_to_do_for_whoever_is_verified() -> None:
    assert told(verified(), blocked=REJECTED_ONLY)["what_now"] == ["nothing is left to do"]


def test_whose_document_names_somebody_else_can_correct_the_name() -> None:
    record = somebody_elses(REVIEW)
    assert match_of(record) == {"name": "different", "birthdate": "unknown"}
    assert told(record)["what_now"] == [
        "the document names somebody else than the account (name different, birthdate unknown)",
        "where the account is wrong, they correct it; `sync --identity ID` compares it anew at once",
        "where the document is, `reverify --identity ID` offers a new check, for one of their own",
    ]
    assert told(somebody_elses(verified(1)), blocked=REJECTED_ONLY)["what_now"] == told(record)["what_now"]
    assert told(replace(REVIEW, notice=NOTICE_PERSON))["what_now"][0].endswith("(not compared any more)")


def test_a_rejection_is_lifted_by_no_corrected_name() -> None:
    [why, what] = told(somebody_elses(REJECTED))["what_now"]
    assert why == (
        "the document names somebody else (name different, birthdate unknown), and a name that is corrected lifts no "
        "rejection"
    )
    assert what.startswith("nothing until an operator runs `sync --identity ID --forget`")


def test_a_re_verification_is_told_beside_the_verdict() -> None:
    assert told(asked(), blocked=REJECTED_ONLY, link=Link.WORKS)["what_now"] == [
        f"open the link, which works ({ON_IDENTITY}), and finish the re-verification", SENT
    ]  # fmt: skip
    overdue = asked(due_at="2026-03-01T00:00:00.000Z", workflow_execution_id=None)
    assert told(overdue, blocked=REJECTED_ONLY)["what_now"] == [
        "the re-verification is overdue since 2026-03-01T00:00:00.000Z: the level counts as 1 at most until it is made",
        "a re-verification is due and none is open: `reverify --identity ID` starts one",
    ]
    assert told(asked(REVIEW))["what_now"][0] == "wait for the review"
    assert not any("reverify" in step for step in told(asked(somebody_elses(REVIEW)))["what_now"])


STARTS = tuple(to_text(NOW - timedelta(hours=hours)) for hours in (25, 20, 10, 5))


@pytest.mark.parametrize(
    ("limit", "ends"), [(4, None), (3, timedelta(hours=4)), (2, timedelta(hours=14)), (1, timedelta(hours=19))]
)
def test_when_the_limit_ends(limit: int, ends: timedelta | None) -> None:
    record = Record(status=Status.INCOMPLETE, starts=STARTS)
    assert limit_ends_at(record, limit=limit, now=NOW) == (None if ends is None else NOW + ends)
    last = told(record, limit=limit)["what_now"][-1]
    assert ("is reached (MAX_STARTS_PER_DAY)" in last) is (ends is not None)
    assert ends is None or last.endswith(f"no check can be started before {to_text(NOW + ends)}")


def test_a_start_whose_end_nobody_told_counts() -> None:
    record = Record(status=Status.UNSTARTED, asked_at=to_text(NOW - timedelta(hours=1)))
    assert limit_ends_at(record, limit=1, now=NOW) == NOW + timedelta(hours=23)


@pytest.mark.parametrize("record", [pending(starts=STARTS), verified(starts=STARTS), asked(verified(starts=STARTS))])
def test_the_limit_is_no_matter_of_whoever_needs_no_start(record: Record) -> None:
    assert "MAX_STARTS" not in str(told(record, blocked=REJECTED_ONLY, limit=1))


def test_it_comes_first_for_people() -> None:
    record = somebody_elses(REVIEW)
    rest = {"status": "review", "verdict": "WARNING", "level": 1, "effective_level": 1, "effective_name": "contact"}
    rest |= dict.fromkeys(("verified_at", "table", "verified_address", "reverification"))
    lists: dict[str, Any] = {"checks": [], "repeated": [], "why_not_higher": [], "decays": [], "history": []}
    text = as_text({"sign_in": told(record), "match": match_of(record), **rest, **lists})
    assert text.startswith(
        """\
may sign in      no
why not          the status is review, which BLOCK_LOGIN_STATUSES stops
what now         the document names somebody else than the account (name different, birthdate unknown)
                 where the account is wrong, they correct it; `sync --identity ID` compares it anew at once
                 where the document is, `reverify --identity ID` offers a new check, for one of their own

status           review (verdict WARNING)
"""
    )
    assert "match            name different, birthdate unknown" in text
