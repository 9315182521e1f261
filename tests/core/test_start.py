# SPDX-License-Identifier: Apache-2.0
"""What a record becomes around a start: the first one, a further one, one that was not made, and when one is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import ACCOUNT, FURTHER, LINK, NEWER_WORKFLOW, NOW, OUR_LINK, WORKFLOW, approved, asked, pending, verified

from webhook.core.record import Record, Reverification
from webhook.core.start import (
    LEFT_ALONE_FOR,
    Started,
    asked_again,
    is_overdue,
    is_start_due,
    last_asked_at,
    not_started,
    not_started_further,
    reverifying,
    started,
    starts_in_last_day,
)
from webhook.core.status import Status
from webhook.core.times import to_text

INITIATED = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
LATER_TODAY = NOW + timedelta(hours=1)
DUE = FURTHER.due_at
SOONER = datetime(2026, 3, 5, tzinfo=UTC)
LATER = datetime(2026, 5, 1, tzinfo=UTC)
ASKED = datetime(2026, 3, 2, 18, 48, 37, tzinfo=UTC)
FURTHER_START = Started(
    account_id=ACCOUNT, workflow_execution_id=NEWER_WORKFLOW, verification_url=LINK, created_at=ASKED
)


def event_of(record: Record) -> dict[str, Any]:
    return dict(record.history[-1])


# --- the first one ---


START = Started(account_id=ACCOUNT, workflow_execution_id=WORKFLOW, verification_url=LINK, created_at=INITIATED)


def test_a_started_workflow_is_pending_since_jumio_created_it() -> None:
    record = started(Record(), START, workflow_key=10011, link=None, now=NOW)
    assert replace(record, history=()) == pending(starts=("2026-03-02T18:48:37.319Z",))
    assert [dict(event) for event in record.history] == [
        {
            "at": "2026-03-02T18:48:37.319Z",
            "event": "verification.started",
            "status": "pending",
            "workflow_execution_id": WORKFLOW,
        }
    ]


def test_without_a_time_of_jumios_a_workflow_is_pending_since_now() -> None:
    record = started(Record(), replace(START, created_at=None), workflow_key="k", link=None, now=NOW)
    assert (record.initiated_at, record.workflow_key) == ("2026-03-02T18:48:37.319Z", "k")


def test_a_new_start_leaves_nothing_of_the_workflow_before_but_the_history() -> None:
    before = approved(status=Status.INCOMPLETE, history=({"event": "before"},))
    new = replace(START, workflow_execution_id=NEWER_WORKFLOW, verification_url=None)
    record = started(before, new, workflow_key=10014, link=None, now=NOW)
    assert (record.verdict, record.decided_at, record.decision, record.verification_url) == (None, None, None, None)
    assert (record.status, record.workflow_execution_id) == (Status.PENDING, NEWER_WORKFLOW)
    assert [event["event"] for event in record.history] == ["before", "verification.started"]


@pytest.mark.parametrize("created_at", [INITIATED - timedelta(days=1), INITIATED])
def test_what_was_just_started_is_the_youngest_whatever_the_clocks_say(created_at: datetime) -> None:
    """Else somebody else's wrong clock would hide it behind what had expired."""
    before = approved(status=Status.INCOMPLETE, verdict=None)
    new = replace(START, workflow_execution_id=NEWER_WORKFLOW, created_at=created_at)
    record = started(before, new, workflow_key=10011, link=None, now=NOW)
    assert (record.status, record.workflow_execution_id) == (Status.PENDING, NEWER_WORKFLOW)
    assert record.initiated_at == "2026-03-02T18:00:00.001Z"
    assert record.verification_url == record.vendor_url == LINK


def test_a_start_beside_a_verdict_that_came_meanwhile_leaves_it() -> None:
    new = replace(START, workflow_execution_id=NEWER_WORKFLOW, created_at=NOW)
    record = started(verified(), new, workflow_key=10011, link=None, now=NOW)
    assert (record.status, record.workflow_execution_id, record.vendor_url) == (Status.APPROVED, WORKFLOW, None)
    assert [each.id for each in record.open_workflows] == [NEWER_WORKFLOW]
    assert event_of(record)["workflow_execution_id"] == NEWER_WORKFLOW


def test_a_workflow_that_is_known_already_can_be_adopted_again() -> None:
    once = started(Record(), START, workflow_key=10011, link=None, now=NOW)
    twice = started(once, replace(START, created_at=NOW), workflow_key=10011, link=None, now=NOW)
    assert [each.id for each in twice.known] == [WORKFLOW]


ASKED_FOR = Record(asked_at="2026-03-02T18:48:00.000Z")


def test_a_started_workflow_ends_the_note_that_one_is_asked_for() -> None:
    assert started(ASKED_FOR, START, workflow_key=10011, link=None, now=NOW).asked_at is None


@pytest.mark.parametrize(("is_certain", "starts"), [(True, ()), (False, ("2026-03-02T18:48:37.319Z",))])
def test_a_start_that_was_not_made_is_unstarted_and_counts_where_it_may_have_been_paid_for(
    is_certain: bool, starts: tuple[str, ...]
) -> None:
    """It keeps the account for the next one, and what was known before."""
    before = approved(status=Status.INCOMPLETE, verdict=None, history=({"event": "before"},), asked_at="x")
    record = not_started(before, is_certain=is_certain, now=NOW)
    assert replace(record, history=(), more=None) == Record(
        status=Status.UNSTARTED, account_id=ACCOUNT, workflow_key=10011, starts=starts
    )
    assert record.known == before.known
    assert [event["event"] for event in record.history] == ["before", "verification.unstarted"]


@pytest.mark.parametrize("is_certain", [True, False])
def test_a_start_that_was_not_made_again_is_no_event(is_certain: bool) -> None:
    record = not_started(Record(forgotten_until="x"), is_certain=True, now=NOW)
    again = not_started(replace(record, asked_at="x"), is_certain=is_certain, now=LATER_TODAY)
    assert replace(again, starts=()) == record
    assert len(again.starts) == (not is_certain)


@pytest.mark.parametrize("is_certain", [True, False])
def test_a_further_start_that_was_not_made_counts_where_it_may_have_been_paid_for(is_certain: bool) -> None:
    record = not_started_further(verified(), is_certain=is_certain, now=NOW)
    assert record == (verified() if is_certain else verified(starts=("2026-03-02T18:48:37.319Z",)))


# --- when one is due ---


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("asked_at", [None, "2026-03-02T18:48:00.000Z"])
def test_a_start_is_due_where_one_was_asked_for_and_not_made(status: Status, asked_at: str | None) -> None:
    """The note of one that is under way stays beside a verdict until that is told, and asks for none."""
    noted = asked_at is not None and status in (Status.NONE, Status.INCOMPLETE)
    assert is_start_due(Record(status=status, asked_at=asked_at)) is (noted or status is Status.UNSTARTED)


@pytest.mark.parametrize(
    ("record", "at"),
    [
        (ASKED_FOR, datetime(2026, 3, 2, 18, 48, tzinfo=UTC)),
        (not_started(Record(), is_certain=True, now=NOW), NOW),
        (replace(not_started(Record(), is_certain=True, now=NOW), asked_at="2026-03-02T18:48:00.000Z"),
         datetime(2026, 3, 2, 18, 48, tzinfo=UTC)),
        (Record(status=Status.UNSTARTED), None),
        (Record(status=Status.UNSTARTED, history=({},)), None),
        (Record(status=Status.UNSTARTED, history=({"at": "some day"},)), None),
        (Record(status=Status.UNSTARTED, history=({"at": 7},)), None),
    ],
)  # fmt: skip
def test_when_it_was_asked_for_last(record: Record, at: datetime | None) -> None:
    assert last_asked_at(record) == at


def test_it_is_left_to_the_hook_for_two_minutes() -> None:
    assert timedelta(minutes=2) == LEFT_ALONE_FOR


@pytest.mark.parametrize(
    ("due_at", "overdue"),
    [
        (None, False),
        (to_text(NOW + timedelta(milliseconds=1)), False),
        (to_text(NOW), True),
        (to_text(NOW - timedelta(days=1)), True),
        ("some day", True),
        ("", True),
    ],
)
def test_a_reverification_is_overdue_once_its_date_has_passed(due_at: str | None, overdue: bool) -> None:
    assert is_overdue(asked(due_at=due_at), now=NOW) is overdue
    assert not is_overdue(verified(), now=NOW)


# --- a further one ---


def test_a_further_workflow_leaves_everything_that_is_known() -> None:
    before = verified(starts=("2026-03-02T18:00:00.000Z",))
    record = reverifying(
        replace(before, asked_at="x"),
        FURTHER_START,
        reason="risk",
        due_at=NOW + timedelta(days=7),
        workflow_key=10014,
        link=OUR_LINK,
        now=NOW,
    )
    assert replace(record, history=()) == replace(
        before, reverification=FURTHER, starts=("2026-03-02T18:00:00.000Z", "2026-03-02T18:48:37.319Z")
    )
    assert record.open_workflow_id == NEWER_WORKFLOW
    assert [each.id for each in record.open_workflows] == [NEWER_WORKFLOW]
    assert (before.open_workflow_id, pending().open_workflow_id, Record().open_workflow_id) == (
        WORKFLOW,
        WORKFLOW,
        None,
    )
    assert event_of(record) == {
        "at": "2026-03-02T18:48:37.319Z",
        "event": "reverification.started",
        "status": "approved",
        "workflow_execution_id": NEWER_WORKFLOW,
    }


def test_a_further_workflow_on_a_new_account_is_read_there() -> None:
    new = replace(FURTHER_START, account_id="another", created_at=None)
    record = reverifying(verified(), new, reason="risk", due_at=None, workflow_key=1, link=None, now=NOW)
    assert [(each.id, each.account_id) for each in record.open_workflows] == [(NEWER_WORKFLOW, "another")]
    assert record.account_id == "another", "where the next is started"
    assert record.reverification is not None
    assert record.reverification.verification_url == record.reverification.vendor_url == LINK
    assert (record.reverification.due_at, record.reverification.initiated_at) == (None, "2026-03-02T18:48:37.319Z")


@pytest.mark.parametrize(
    ("before", "asked_for", "due"),
    [
        (None, None, None),
        (None, LATER, "2026-05-01T00:00:00.000Z"),
        (DUE, None, DUE),
        (DUE, LATER, DUE),
        (DUE, SOONER, "2026-03-05T00:00:00.000Z"),
        ("some day", LATER, "2026-05-01T00:00:00.000Z"),
    ],
)
def test_the_earlier_of_two_dates_holds(before: str | None, asked_for: datetime | None, due: str | None) -> None:
    was_due = verified(reverification=Reverification(reason="risk", due_at=before))
    started = reverifying(was_due, FURTHER_START, reason="x", due_at=asked_for, workflow_key=1, link=None, now=NOW)
    again = asked_again(was_due, reason="x", due_at=asked_for, now=NOW)
    for record in (started, again):
        assert record.reverification is not None
        assert record.reverification.due_at == due


def test_asking_again_changes_the_date_alone() -> None:
    once = asked()
    assert asked_again(once, reason="manual", due_at=LATER, now=NOW) == once
    sooner = asked_again(once, reason="manual", due_at=SOONER, now=NOW)
    assert replace(sooner, history=()) == asked(due_at="2026-03-05T00:00:00.000Z")
    assert event_of(sooner)["event"] == "reverification.asked"


def test_what_is_asked_for_and_cannot_be_started_is_due() -> None:
    record = asked_again(verified(), reason="role-change", due_at=SOONER, now=NOW)
    assert record.reverification == Reverification(
        reason="role-change", due_at="2026-03-05T00:00:00.000Z", initiated_at="2026-03-02T18:48:37.319Z"
    )
    assert record.open_workflow_id == WORKFLOW


@pytest.mark.parametrize(
    ("ages", "count"),
    [((), 0), ((0,), 1), ((0, 12, 23.9), 3), ((24, 25, 1000), 0), ((-1,), 1), ((0.0, 24.0), 1)],
)
def test_starts_are_counted_for_a_day(ages: tuple[float, ...], count: int) -> None:
    starts = tuple((NOW - timedelta(hours=age)).isoformat() for age in ages)
    assert starts_in_last_day(Record(starts=(*starts, "some day", "")), now=NOW) == count


def test_starts_of_earlier_days_are_forgotten() -> None:
    old = verified(starts=("2026-03-01T18:00:00.000Z", "some day", "2026-03-02T12:00:00.000Z"))
    record = reverifying(old, FURTHER_START, reason="x", due_at=None, workflow_key=1, link=None, now=NOW)
    assert record.starts == ("2026-03-02T12:00:00.000Z", "2026-03-02T18:48:37.319Z")
