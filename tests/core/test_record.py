# SPDX-License-Identifier: Apache-2.0
"""The record in an identity's metadata: written, read back, and read from whatever somebody else wrote there."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from support import ACCOUNT, LINK, NEWER_WORKFLOW, NOW, WORKFLOW, approved, pending

from webhook.core.metadata import admin_member, copies_agree, member, public_member, public_record, read_record
from webhook.core.record import HISTORY_LENGTH, Decision, Record
from webhook.core.status import Status, Verdict

SEED = int(os.environ.get("TEST_SEED", "20260302"))


def written(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both copies as JSON makes of them."""
    public, admin = {"jumio": public_member(record)}, {"jumio": admin_member(record)}
    return json.loads(json.dumps(public)), json.loads(json.dumps(admin))


def test_the_public_copy_holds_exactly_what_the_contract_names() -> None:
    record = approved(history=({"event": "x"},))
    assert public_member(record) == {
        "status": "approved",
        "verdict": "PASSED",
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "verification_url": None,
        "initiated_at": "2026-03-02T18:00:00.000Z",
        "decided_at": "2026-03-02T18:30:00.000Z",
    }


def test_the_admin_copy_holds_exactly_what_the_contract_names() -> None:
    record = approved().with_event("verification.settled", now=NOW)
    assert admin_member(record) == {
        "status": "approved",
        "verdict": "PASSED",
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "initiated_at": "2026-03-02T18:00:00.000Z",
        "decided_at": "2026-03-02T18:30:00.000Z",
        "workflow_key": 10011,
        "decision": {"type": "PASSED", "label": "PASSED", "risk_score": 0.0},
        "history": [
            {
                "at": "2026-03-02T18:48:37.319Z",
                "event": "verification.settled",
                "status": "approved",
                "workflow_execution_id": WORKFLOW,
            }
        ],
    }


def test_an_open_record_has_nulls_where_nothing_is_known_yet() -> None:
    assert public_member(pending())["verification_url"] == LINK
    assert public_member(pending())["verdict"] is public_member(pending())["decided_at"] is None
    assert admin_member(pending())["decision"] is None


@pytest.mark.parametrize("record", [pending(), approved(), Record(status=Status.UNSTARTED), pending(workflow_key="k")])
def test_what_was_written_is_read_back(record: Record) -> None:
    record = record.with_event("verification.started", now=NOW)
    assert read_record(*written(record)) == record
    assert copies_agree(record, *written(record))


def test_the_history_keeps_the_last_ten_events_newest_last() -> None:
    record = Record()
    for minute in range(12):
        record = record.with_event(f"event {minute}", now=NOW + timedelta(minutes=minute))
    assert len(record.history) == HISTORY_LENGTH == 10
    assert [entry["event"] for entry in record.history] == [f"event {minute}" for minute in range(2, 12)]


def test_a_history_that_somebody_made_longer_is_cut_too() -> None:
    public, admin = written(approved())
    admin["jumio"]["history"] = [{"event": n} for n in range(30)] + ["not an event", None]
    assert [entry["event"] for entry in read_record(public, admin).history] == list(range(20, 30))


def test_metadata_without_our_member_has_no_record_and_its_copies_agree() -> None:
    for metadata in (None, {}, {"theirs": 1}, "x", [1], 7):
        assert member(metadata) is None
        assert read_record(metadata, metadata) == Record()
        assert copies_agree(Record(), metadata, metadata)


@pytest.mark.parametrize("odd", [None, "", "pending", 0, 1.5, True, [], ["jumio"], [{"jumio": {}}]], ids=repr)
def test_odd_metadata_is_no_record(odd: object) -> None:
    assert public_record(odd) == Record()
    assert public_record({"jumio": odd}) == Record()
    assert read_record(odd, {"jumio": odd}) == Record()
    assert read_record({"jumio": odd}, odd) == Record()


@pytest.mark.parametrize("status", [None, "", "none!", "PENDING", 1, True, [], {}, ["pending"]], ids=repr)
def test_a_member_with_an_unknown_status_is_no_record(status: object) -> None:
    public, admin = written(pending())
    public["jumio"]["status"] = admin["jumio"]["status"] = status
    assert public_record(public) == Record()
    assert read_record(public, admin).status is Status.NONE


def test_a_member_without_a_status_is_no_record() -> None:
    assert public_record({"jumio": {"verdict": "PASSED"}}) == Record()


NAMES = ["account_id", "workflow_execution_id", "verification_url", "initiated_at", "decided_at"]


@pytest.mark.parametrize("odd", [None, 1, 1.5, True, [], {}, ["x"]], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_the_wrong_type_counts_as_absent(name: str, odd: object) -> None:
    public, _ = written(pending(decided_at="2026-03-02T18:30:00.000Z"))
    public["jumio"][name] = odd
    expected = replace(
        pending(workflow_key=None, decided_at="2026-03-02T18:30:00.000Z"),
        **{name: None},  # type: ignore[arg-type]
    )
    assert public_record(public) == expected


@pytest.mark.parametrize("odd", [None, "", "passed", "REJECTED", 1, [], {}], ids=repr)
def test_an_unknown_verdict_counts_as_none(odd: object) -> None:
    public, _ = written(approved())
    public["jumio"]["verdict"] = odd
    assert public_record(public).verdict is None


@pytest.mark.parametrize("odd", [None, 1.5, [], {}, ["x"]], ids=repr)
def test_a_workflow_key_of_the_wrong_type_counts_as_absent(odd: object) -> None:
    public, admin = written(approved())
    admin["jumio"]["workflow_key"] = odd
    assert read_record(public, admin).workflow_key is None


@pytest.mark.parametrize("odd", [None, "PASSED", 1, True, []], ids=repr)
def test_a_decision_of_the_wrong_type_counts_as_absent(odd: object) -> None:
    public, admin = written(approved())
    admin["jumio"]["decision"] = odd
    assert read_record(public, admin).decision is None


@pytest.mark.parametrize("odd", [None, [], {}], ids=repr)
def test_parts_of_a_decision_of_the_wrong_type_count_as_absent(odd: object) -> None:
    public, admin = written(approved())
    admin["jumio"]["decision"] = {"type": odd, "label": odd, "risk_score": odd}
    assert read_record(public, admin).decision == Decision(type=None, label=None, risk_score=None)


@pytest.mark.parametrize("odd", [None, "x", 1, {}, {"0": {}}], ids=repr)
def test_a_history_of_the_wrong_type_counts_as_empty(odd: object) -> None:
    public, admin = written(approved())
    admin["jumio"]["history"] = odd
    assert read_record(public, admin).history == ()


def test_a_removed_public_copy_is_read_from_the_admin_copy_but_for_the_link() -> None:
    record = pending().with_event("verification.started", now=NOW)
    _, admin = written(record)
    assert read_record(None, admin) == replace(record, verification_url=None)
    assert not copies_agree(record, None, admin)


def test_a_removed_admin_copy_is_read_from_the_public_copy() -> None:
    public, _ = written(approved())
    assert read_record(public, None) == approved(workflow_key=None, decision=None)
    assert not copies_agree(read_record(public, None), public, None)


def test_where_copies_differ_the_younger_workflow_counts() -> None:
    younger = pending(workflow_execution_id=NEWER_WORKFLOW, initiated_at="2026-03-03T00:00:00.000Z")
    public, admin = written(approved())
    younger_public, younger_admin = written(younger)
    assert read_record(younger_public, admin).workflow_execution_id == NEWER_WORKFLOW
    assert read_record(younger_public, admin).verification_url == LINK
    assert read_record(public, younger_admin).workflow_execution_id == NEWER_WORKFLOW
    assert read_record(public, younger_admin).verification_url is None


def test_where_copies_of_one_workflow_differ_the_one_decided_later_counts() -> None:
    earlier = approved(status=Status.REJECTED, verdict=Verdict.FAILED, decided_at="2026-03-02T18:29:00.000Z")
    public, admin = written(approved())
    earlier_public, earlier_admin = written(earlier)
    assert read_record(public, earlier_admin).status is Status.APPROVED
    assert read_record(earlier_public, admin).status is Status.APPROVED


def test_a_decided_copy_counts_before_an_open_one_of_the_same_workflow() -> None:
    open_public, _ = written(pending())
    _, admin = written(approved())
    assert read_record(open_public, admin) == approved()


def test_where_nothing_tells_the_copies_apart_the_admin_copy_counts() -> None:
    public, _ = written(approved())
    _, admin = written(approved(status=Status.REJECTED, verdict=Verdict.FAILED))
    assert read_record(public, admin).status is Status.REJECTED


@pytest.mark.parametrize("nonsense", ["tomorrow", "2026-03-02", ""])
def test_a_time_that_is_none_makes_a_copy_the_older_one(nonsense: str) -> None:
    public, _ = written(pending(initiated_at=nonsense))
    _, admin = written(approved(initiated_at="1970-01-01T00:00:00.000Z"))
    assert read_record(public, admin).status is Status.APPROVED


def test_a_link_that_outlived_its_workflow_is_dropped() -> None:
    public, admin = written(approved())
    public["jumio"]["verification_url"] = LINK
    assert read_record(public, admin).verification_url is None
    assert not copies_agree(approved(), public, admin)


def test_a_further_member_beside_ours_makes_the_copies_disagree() -> None:
    public, admin = written(approved())
    public["jumio"]["extra"] = 1
    assert not copies_agree(approved(), public, admin)


def test_members_of_others_do_not_matter() -> None:
    public, admin = written(approved())
    assert copies_agree(approved(), {**public, "theirs": 1}, {**admin, "theirs": [2]})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = (*written(approved())[1]["jumio"], "verification_url")
HOSTILE_MEMBER = st.fixed_dictionaries(
    {},
    optional={name: ANYTHING | st.sampled_from([*Status, "PASSED", LINK, "2026-03-02T18:30:00Z"]) for name in MEMBERS},
)
HOSTILE_METADATA = ANYTHING | st.fixed_dictionaries({"jumio": HOSTILE_MEMBER})


@seed(SEED)
@settings(max_examples=60, deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(public=HOSTILE_METADATA, admin=HOSTILE_METADATA)
def test_no_metadata_can_break_reading_and_what_is_read_can_be_written_back(public: Any, admin: Any) -> None:
    print(f"TEST_SEED={SEED}")  # shown by pytest when it fails
    record = read_record(public, admin)
    assert read_record(*written(record)) == record or record.status is Status.NONE
