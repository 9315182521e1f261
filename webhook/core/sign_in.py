# SPDX-License-Identifier: Apache-2.0
"""The help desk's three questions: may this person sign in, why not, what can they do now. Values in, words out.

As far as Kratos and a gate without a policy go; what a policy asks for is told by `why_not_higher`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from webhook.core.record import NOTICE_PERSON, Record
from webhook.core.start import is_overdue, limit_ends_at
from webhook.core.status import STARTABLE, Status
from webhook.core.times import to_text

INACTIVE = "inactive"
_ON_IDENTITY = "`verification_url` on the identity"
_FORGET = "`sync --identity ID --forget`"


class Link(StrEnum):
    """What the link to the check that the person may do now is. The vendor's own carries an authorization."""

    WORKS = "works"
    EXPIRED = "expired"
    NOT_OURS = "not ours"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Account:
    """What decides beside the record.

    `state` is Kratos' own, `gate_status` the status that the gate goes by, None where that cannot be read.
    """

    state: str | None
    gate_status: Status | None
    link: Link


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the settings say: the statuses that the gate stops, and how many starts a day there may be."""

    blocked: frozenset[Status]
    starts_a_day: int


def sign_in(record: Record, *, account: Account, rules: Rules, now: datetime) -> dict[str, Any]:
    """`allowed`, `why` in one sentence, and `what_now` in one sentence per step."""
    causes = list(_causes(account, rules))
    return {
        "allowed": not causes,
        "why": "; ".join(causes) or _why_allowed(account, rules),
        "what_now": list(_steps(record, account, rules, now)),
    }


def match_of(record: Record) -> dict[str, str] | None:
    """Whether the document names whom the account names, per attribute; None where that was not compared."""
    person = record.person
    return None if person is None or not person.of else {"name": person.name.value, "birthdate": person.birthdate.value}


def _causes(account: Account, rules: Rules) -> Iterator[str]:
    if account.state == INACTIVE:
        yield "the account is inactive, and Kratos itself lets nobody in then"
    if account.gate_status is None:
        yield "neither copy of the record can be read, and nobody passes the gate by that"
    elif account.gate_status in rules.blocked:
        yield f"the status is {account.gate_status}, which BLOCK_LOGIN_STATUSES stops"


def _why_allowed(account: Account, rules: Rules) -> str:
    stopped = ", ".join(sorted(rules.blocked)) or "nobody"
    return f"the status is {account.gate_status}, and BLOCK_LOGIN_STATUSES stops {stopped}"


def _steps(record: Record, account: Account, rules: Rules, now: datetime) -> Iterator[str]:
    if account.state == INACTIVE and record.status is not Status.REJECTED:
        yield "whoever has locked the account opens it in Kratos (`state`)"
    if account.gate_status is None:
        yield "an operator has the record written anew: `sync --identity ID`"
    elif account.gate_status is not record.status:
        yield f"the gate's copy says {account.gate_status}, the other {record.status}: `sync --identity ID` heals them"
    yield from _by_status(record, account, rules)
    yield from _reverification(record, account, rules, now)
    if (until := _limited_until(record, rules, now)) is not None:
        limit = f"the limit of {rules.starts_a_day} starts a day is reached (MAX_STARTS_PER_DAY)"
        yield f"{limit}: no check can be started before {to_text(until)}"


def _by_status(record: Record, account: Account, rules: Rules) -> Iterator[str]:
    if record.status is Status.REJECTED:
        yield from _rejected(record)
    elif record.status is Status.PENDING:
        yield from _open("check", account, rules)
    elif record.status in STARTABLE:
        yield from _startable(record, account, rules)
    elif record.notice == NOTICE_PERSON:
        yield from _another_person(record)
    elif record.status is Status.REVIEW:
        yield "wait for the review"
        if record.reverification is None:
            yield "or `reverify --identity ID` offers a new check; the verdict stands until it ends"
        yield f"where it must not stand, an operator begins anew: {_FORGET}"
    elif Status.APPROVED in rules.blocked:
        yield "an operator takes approved out of BLOCK_LOGIN_STATUSES"
    elif record.reverification is None and account.state != INACTIVE:
        yield "nothing is left to do"


def _rejected(record: Record) -> Iterator[str]:
    if record.notice == NOTICE_PERSON:
        yield f"the document names somebody else ({_told(record)}), and a name that is corrected lifts no rejection"
    yield f"nothing until an operator runs {_FORGET}, which also opens an account that the rejection has locked"


def _another_person(record: Record) -> Iterator[str]:
    yield f"the document names somebody else than the account ({_told(record)})"
    yield "where the account is wrong, they correct it; `sync --identity ID` compares it anew at once"
    if record.reverification is None:
        yield "where the document is, `reverify --identity ID` offers a new check, for one of their own"


def _told(record: Record) -> str:
    return ", ".join(f"{name} {match}" for name, match in (match_of(record) or {}).items()) or "not compared any more"


def _open(what: str, account: Account, rules: Rules) -> Iterator[str]:
    """How somebody goes on with what is open."""
    yield {
        Link.WORKS: f"open the link, which works ({_ON_IDENTITY}), and finish the {what}",
        Link.EXPIRED: f"the link to the {what} is too old; {_new_link(account, rules)}",
        Link.NOT_OURS: f"open Jumio's own link ({_ON_IDENTITY}; it carries an authorization) and finish the {what}",
        Link.NONE: f"there is no link to the {what} on the identity: `sync --identity ID` makes one",
    }[account.link]
    yield "where all has been sent, wait for the verdict; `sync --identity ID` asks for it now"


def _startable(record: Record, account: Account, rules: Rules) -> Iterator[str]:
    if account.link is Link.WORKS:
        yield f"open the link, which works ({_ON_IDENTITY}); its page starts a check"
    elif account.link is Link.EXPIRED:
        yield f"the link is too old; {_new_link(account, rules)}"
    if record.status is Status.UNSTARTED:
        yield "a start is due, which `sync` makes; `sync --identity ID` makes it now"
    else:
        yield "an operator starts a check: `sync --identity ID`"


def _new_link(account: Account, rules: Rules) -> str:
    is_shown_one = account.gate_status in rules.blocked and account.state != INACTIVE
    return (
        "whoever is stopped at the sign-in is shown a new one"
        if is_shown_one
        else "`reverify --identity ID` makes a new one"
    )


def _reverification(record: Record, account: Account, rules: Rules, now: datetime) -> Iterator[str]:
    further = record.reverification
    if further is None or record.status not in (Status.APPROVED, Status.REVIEW):
        return
    if is_overdue(record, now=now):
        yield f"the re-verification is overdue since {further.due_at}: the level counts as 1 at most until it is made"
    if record.open_reverification is not None:
        yield from _open("re-verification", account, rules)
    else:
        yield "a re-verification is due and none is open: `reverify --identity ID` starts one"


def _limited_until(record: Record, rules: Rules, now: datetime) -> datetime | None:
    """Only where a check would have to be started."""
    if record.status is Status.PENDING or record.open_reverification is not None:
        return None
    is_done = record.status is Status.APPROVED and record.notice is None and record.reverification is None
    return None if is_done else limit_ends_at(record, limit=rules.starts_a_day, now=now)
