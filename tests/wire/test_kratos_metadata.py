# SPDX-License-Identifier: Apache-2.0
"""The record in an identity's metadata: written, read back, and read from whatever somebody else wrote there."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import (
    ACCOUNT,
    FURTHER,
    LINK,
    NEWER_WORKFLOW,
    NOW,
    OUR_LINK,
    PASSED_CHECKS,
    WORKFLOW,
    approved,
    assured,
    pending,
    verified,
)

from webhook.core.assurance import Assurance, Step
from webhook.core.evidence import Check, Decision
from webhook.core.record import HISTORY_LENGTH, Record, Reverification
from webhook.core.start import begun_anew
from webhook.core.status import Status, Verdict
from webhook.core.workflows import undoubted
from webhook.ory.kratos.metadata import (
    WORKFLOW_NAMES,
    admin_member,
    copies_agree,
    is_readable,
    member,
    public_member,
    public_record,
    read_record,
)


def written(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both copies as JSON makes of them."""
    public, admin = {"jumio": public_member(record)}, {"jumio": admin_member(record)}
    return json.loads(json.dumps(public)), json.loads(json.dumps(admin))


def summaries(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both as version 1.0 wrote them, which listed no workflows."""
    public, admin = written(record)
    admin["jumio"].pop("workflows", None)
    return public, admin


def doubtful(record: Record) -> list[str]:
    """What its copies tell differently."""
    return [each.id for each in record.known if each.is_doubtful]


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


@pytest.mark.parametrize("metadata", [None, {}, "jumio", ["jumio"], 7, {"theirs": {"jumio": 1}}], ids=repr)
def test_metadata_without_our_member_can_be_judged_by(metadata: object) -> None:
    assert is_readable(metadata)


@pytest.mark.parametrize("status", Status)
def test_so_can_every_status_that_we_know(status: Status) -> None:
    assert is_readable({"jumio": {"status": status.value}})


@pytest.mark.parametrize("odd", [None, "approved", 1, [], {}, {"status": "fine"}, {"status": {}}], ids=repr)
def test_and_nothing_else_that_stands_there(odd: object) -> None:
    assert not is_readable({"jumio": odd})
    assert public_record({"jumio": odd}) == Record()


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
        "workflows": {
            WORKFLOW: {
                "state": "PASSED",
                "account_id": ACCOUNT,
                "created_at": "2026-03-02T18:00:00.000Z",
                "decided_at": "2026-03-02T18:30:00.000Z",
                "decision": {"type": "PASSED", "label": "PASSED", "risk_score": 0.0},
                "workflow_key": 10011,
            }
        },
    }


def test_both_copies_of_a_level_hold_exactly_what_the_contract_names() -> None:
    record = verified(assurance=assured(expires_at="2030-01-02T00:00:00.000Z"), starts=("2026-03-02T18:00:00.000Z",))
    level = {
        "level": 3,
        "name": "person",
        "verified_at": "2026-03-02T18:30:00.000Z",
        "expires_at": "2030-01-02T00:00:00.000Z",
        "table": "2026-11",
        "steps": [{"at": 1893542400, "level": 1, "name": "contact"}],
    }
    public, admin = written(record)
    assert public["jumio"] == {**written(approved())[0]["jumio"], "assurance": level}
    checks = [
        {"capability": check.capability, "decision": check.decision, "label": check.label} for check in PASSED_CHECKS
    ]
    [listed] = written(approved())[1]["jumio"]["workflows"].values()
    assert admin["jumio"] == {
        **written(approved())[1]["jumio"],
        "assurance": level,
        "checks": checks,
        "starts": ["2026-03-02T18:00:00.000Z"],
        "workflows": {
            WORKFLOW: {
                **listed,
                "level": 3,
                "level_name": "person",
                "expires_at": "2030-01-02T00:00:00.000Z",
                "table": "2026-11",
                "checks": checks,
            }
        },
    }


def test_a_reverification_is_public_but_for_jumios_own_link() -> None:
    public, admin = written(verified(reverification=FURTHER))
    shown = {
        "reason": "risk",
        "due_at": "2026-03-09T18:48:37.319Z",
        "workflow_execution_id": NEWER_WORKFLOW,
        "verification_url": OUR_LINK,
        "due": 1773082118,
    }
    assert public["jumio"]["reverification"] == shown
    assert admin["jumio"]["reverification"] == {
        **shown,
        "verification_url": LINK,
        "initiated_at": "2026-03-02T18:48:37.000Z",
        "workflow_key": 10014,
    }
    assert LINK not in json.dumps(public)


def test_jumios_own_link_is_in_the_admin_copy_whatever_the_person_is_shown() -> None:
    public, admin = summaries(pending(verification_url=OUR_LINK))
    assert (public["jumio"]["verification_url"], admin["jumio"]["verification_url"]) == (OUR_LINK, LINK)
    assert summaries(pending())[1]["jumio"]["verification_url"] == LINK, "it must outlive the public copy"
    assert read_record(None, admin) == pending(verification_url=None)


def test_a_reverification_in_one_copy_only_is_read_from_it() -> None:
    public, admin = summaries(verified(reverification=FURTHER))
    without_public, without_admin = summaries(verified())
    assert read_record(without_public, admin).reverification == replace(FURTHER, verification_url=None)
    assert read_record(None, admin).reverification == replace(FURTHER, verification_url=None)
    shown = replace(FURTHER, vendor_url=None, initiated_at=None, workflow_key=None)
    assert read_record(public, without_admin).reverification == shown
    assert read_record(public, None).reverification == shown


def test_where_copies_name_different_reverifications_the_admin_copy_counts_without_the_others_link() -> None:
    other = replace(FURTHER, workflow_execution_id=WORKFLOW, reason="manual")
    public, _ = summaries(verified(reverification=other))
    _, admin = summaries(verified(reverification=FURTHER))
    assert read_record(public, admin).reverification == replace(FURTHER, verification_url=None)


@pytest.mark.parametrize("odd", [None, "x", 1, True, [], ["x"]], ids=repr)
def test_a_reverification_or_level_of_the_wrong_type_counts_as_absent(odd: object) -> None:
    public, admin = summaries(verified(reverification=FURTHER))
    for copy in (public, admin):
        copy["jumio"]["reverification"] = copy["jumio"]["assurance"] = odd
    assert read_record(public, admin) == verified(assurance=None)


@pytest.mark.parametrize("odd", [None, "3", 3.0, True, [3], {}], ids=repr)
def test_a_level_that_is_no_whole_number_counts_as_absent(odd: object) -> None:
    public, _ = summaries(verified())
    public["jumio"]["assurance"]["level"] = odd
    assert public_record(public).assurance is None


@pytest.mark.parametrize("odd", [None, 1, [], {}], ids=repr)
def test_parts_of_a_level_or_reverification_of_the_wrong_type_count_as_absent(odd: object) -> None:
    public, admin = summaries(verified(reverification=FURTHER))
    for copy in (public, admin):
        copy["jumio"]["assurance"] = dict.fromkeys(copy["jumio"]["assurance"], odd) | {"level": 2}
        copy["jumio"]["reverification"] = dict.fromkeys(copy["jumio"]["reverification"], odd)
    read = read_record(public, admin)
    steps = () if odd == [] else None
    assert read.assurance == Assurance(level=2, name="", verified_at=None, expires_at=None, table="", steps=steps)
    key = odd if isinstance(odd, int) else None
    assert read.reverification == Reverification(reason="", due_at=None, workflow_key=key)


@pytest.mark.parametrize(
    ("odd", "read_as"), [(None, None), ("x", None), (1, None), ({}, None), ([None, "x", 1, []], ()), ([], ())], ids=repr
)
def test_steps_of_the_wrong_type_count_as_absent(odd: object, read_as: tuple[Step, ...] | None) -> None:
    public, _ = summaries(verified(assurance=assured(expires_at="2030-01-02T00:00:00.000Z")))
    public["jumio"]["assurance"]["steps"] = odd
    read = public_record(public).assurance
    assert read is not None
    assert read.steps == read_as


def test_a_level_that_never_falls_has_no_steps_and_says_so() -> None:
    """Unlike one that was written before there were steps."""
    assurance = assured()
    assert assurance.steps == ()
    public, admin = summaries(verified(assurance=assurance))
    assert public["jumio"]["assurance"]["steps"] == admin["jumio"]["assurance"]["steps"] == []
    assert public_record(public).assurance == assurance
    before_steps = replace(assurance, steps=None)
    public, _ = summaries(verified(assurance=before_steps))
    assert "steps" not in public["jumio"]["assurance"]
    assert public_record(public).assurance == before_steps


@pytest.mark.parametrize("odd", [None, "1", 1.5, True, [], {}], ids=repr)
def test_a_step_of_which_nothing_can_be_read_is_one_to_nothing_long_ago(odd: object) -> None:
    public, _ = summaries(verified())
    public["jumio"]["assurance"]["steps"] = [{}, {"at": odd, "level": odd, "name": odd}]
    read = public_record(public).assurance
    assert read is not None
    assert read.steps is not None
    assert read.steps[0] == Step(at=0, level=0, name="")
    assert read.steps[1] == Step(at=0, level=0, name=odd if isinstance(odd, str) else "")


@pytest.mark.parametrize("odd", [None, "x", 1, {}, [None, "x", 1, []]], ids=repr)
def test_checks_and_starts_of_the_wrong_type_count_as_absent(odd: object) -> None:
    public, admin = summaries(verified(starts=("2026-03-02T18:00:00.000Z",)))
    admin["jumio"]["checks"] = odd
    admin["jumio"]["starts"] = [item for item in odd if item != "x"] if isinstance(odd, list) else odd
    assert read_record(public, admin) == verified(checks=())


def test_a_check_with_odd_members_keeps_what_can_be_read() -> None:
    public, admin = summaries(verified())
    admin["jumio"]["checks"] = [{}, {"capability": 1, "decision": "PASSED", "label": []}]
    assert read_record(public, admin).checks == (
        Check(capability="", decision=None, label=None, data={}),
        Check(capability="", decision="PASSED", label=None, data={}),
    )


def test_an_open_record_has_nulls_where_nothing_is_known_yet() -> None:
    assert public_member(pending())["verification_url"] == LINK
    assert public_member(pending())["verdict"] is public_member(pending())["decided_at"] is None
    assert admin_member(pending())["decision"] is None


@pytest.mark.parametrize(
    "record",
    [
        pending(),
        approved(),
        Record(status=Status.UNSTARTED),
        pending(workflow_key="k"),
        pending(verification_url=OUR_LINK, starts=("2026-03-02T18:00:00.000Z",)),
        pending(verification_url=None, vendor_url=None),
        verified(),
        verified(assurance=assured(2, verified_at=None, expires_at="2030-01-02T00:00:00.000Z")),
        verified(reverification=FURTHER),
        verified(reverification=Reverification(reason="risk", due_at="2026-03-09T18:48:37.319Z")),
        verified(reverification=replace(FURTHER, verification_url=LINK)),
    ],
)
def test_what_was_written_is_read_back(record: Record) -> None:
    record = record.with_event("verification.started", now=NOW)
    for copies in (written(record), summaries(record)):
        assert read_record(*copies) == record
        assert copies_agree(record, *copies)


def test_the_history_keeps_the_last_ten_events_newest_last() -> None:
    record = Record()
    for minute in range(12):
        record = record.with_event(f"event {minute}", now=NOW + timedelta(minutes=minute))
    assert len(record.history) == HISTORY_LENGTH == 10
    assert [entry["event"] for entry in record.history] == [f"event {minute}" for minute in range(2, 12)]


def test_a_history_that_somebody_made_longer_is_cut_too() -> None:
    public, admin = summaries(approved())
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
    public, admin = summaries(pending())
    public["jumio"]["status"] = admin["jumio"]["status"] = status
    assert public_record(public) == Record()
    assert read_record(public, admin).status is Status.NONE


def test_a_member_without_a_status_is_no_record() -> None:
    assert public_record({"jumio": {"verdict": "PASSED"}}) == Record()


NAMES = ["account_id", "workflow_execution_id", "verification_url", "initiated_at", "decided_at"]


@pytest.mark.parametrize("odd", [None, 1, 1.5, True, [], {}, ["x"]], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_the_wrong_type_counts_as_absent(name: str, odd: object) -> None:
    public, _ = summaries(pending(decided_at="2026-03-02T18:30:00.000Z"))
    public["jumio"][name] = odd
    expected = replace(
        pending(workflow_key=None, vendor_url=None, decided_at="2026-03-02T18:30:00.000Z"),
        **{name: None},
    )
    assert public_record(public) == expected


@pytest.mark.parametrize("odd", [None, "", "passed", "REJECTED", 1, [], {}], ids=repr)
def test_an_unknown_verdict_counts_as_none(odd: object) -> None:
    public, _ = summaries(approved())
    public["jumio"]["verdict"] = odd
    assert public_record(public).verdict is None


@pytest.mark.parametrize("odd", [None, 1.5, [], {}, ["x"]], ids=repr)
def test_a_workflow_key_of_the_wrong_type_counts_as_absent(odd: object) -> None:
    public, admin = summaries(approved())
    admin["jumio"]["workflow_key"] = odd
    assert read_record(public, admin).workflow_key is None


@pytest.mark.parametrize("odd", [None, "PASSED", 1, True, []], ids=repr)
def test_a_decision_of_the_wrong_type_counts_as_absent(odd: object) -> None:
    public, admin = summaries(approved())
    admin["jumio"]["decision"] = odd
    assert read_record(public, admin).decision is None


@pytest.mark.parametrize("odd", [None, [], {}], ids=repr)
def test_parts_of_a_decision_of_the_wrong_type_count_as_absent(odd: object) -> None:
    public, admin = summaries(approved())
    admin["jumio"]["decision"] = {"type": odd, "label": odd, "risk_score": odd}
    assert read_record(public, admin).decision == Decision(type=None, label=None, risk_score=None)


@pytest.mark.parametrize("odd", [None, "x", 1, {}, {"0": {}}], ids=repr)
def test_a_history_of_the_wrong_type_counts_as_empty(odd: object) -> None:
    public, admin = summaries(approved())
    admin["jumio"]["history"] = odd
    assert read_record(public, admin).history == ()


def test_a_removed_public_copy_is_read_from_the_admin_copy_but_for_the_link() -> None:
    record = pending().with_event("verification.started", now=NOW)
    _, admin = summaries(record)
    assert read_record(None, admin) == replace(record, verification_url=None)
    assert not copies_agree(record, None, admin)


def test_a_removed_admin_copy_is_read_from_the_public_copy() -> None:
    public, _ = summaries(approved())
    read = read_record(public, None)
    assert replace(read, more=None) == approved(workflow_key=None, decision=None)
    assert doubtful(read) == [WORKFLOW], "until Jumio is asked"
    assert not copies_agree(read_record(public, None), public, None)


YOUNGER = pending(workflow_execution_id=NEWER_WORKFLOW, initiated_at="2026-03-03T00:00:00.000Z")


def test_of_two_copies_without_a_verdict_the_younger_workflow_counts() -> None:
    public, admin = summaries(pending(initiated_at="2026-03-02T00:00:00.000Z"))
    younger_public, younger_admin = summaries(YOUNGER)
    for copies in ((younger_public, admin), (public, younger_admin)):
        assert read_record(*copies).workflow_execution_id == NEWER_WORKFLOW
        assert [each.id for each in read_record(*copies).open_workflows] == [WORKFLOW, NEWER_WORKFLOW]
    assert read_record(younger_public, admin).verification_url == LINK
    assert read_record(public, younger_admin).verification_url is None
    assert doubtful(read_record(younger_public, admin)) == [NEWER_WORKFLOW]
    assert doubtful(read_record(public, younger_admin)) == [WORKFLOW]


def test_a_verdict_that_only_one_copy_tells_counts_before_a_younger_open_one() -> None:
    public, admin = summaries(approved())
    younger_public, younger_admin = summaries(YOUNGER)
    assert read_record(younger_public, admin).status is Status.APPROVED
    assert read_record(public, younger_admin).status is Status.APPROVED
    assert doubtful(read_record(public, younger_admin)) == [WORKFLOW]


def test_where_copies_of_one_workflow_differ_the_admin_copy_counts_unless_the_other_rejects_later() -> None:
    rejected = approved(status=Status.REJECTED, verdict=Verdict.FAILED)
    public, admin = summaries(approved())
    rejected_public, rejected_admin = summaries(rejected)
    later_public, _ = summaries(replace(rejected, decided_at="2026-03-02T18:31:00.000Z"))
    earlier_public, _ = summaries(replace(rejected, decided_at="2026-03-02T18:29:00.000Z"))
    assert read_record(public, rejected_admin).status is Status.REJECTED
    assert read_record(rejected_public, admin).status is Status.REJECTED
    assert read_record(later_public, admin).status is Status.REJECTED
    assert read_record(earlier_public, admin).status is Status.APPROVED


def test_a_decided_copy_counts_before_an_open_one_of_the_same_workflow() -> None:
    open_public, _ = summaries(pending())
    _, admin = summaries(approved())
    read = read_record(open_public, admin)
    assert replace(read, more=None) == approved()
    assert doubtful(read) == [WORKFLOW]


def test_where_nothing_tells_the_copies_apart_the_admin_copy_counts() -> None:
    public, _ = summaries(approved())
    _, admin = summaries(approved(status=Status.REJECTED, verdict=Verdict.FAILED))
    assert read_record(public, admin).status is Status.REJECTED


@pytest.mark.parametrize("nonsense", ["tomorrow", "2026-03-02", ""])
def test_a_time_that_is_none_makes_a_copy_the_older_one(nonsense: str) -> None:
    public, _ = summaries(pending(initiated_at=nonsense))
    _, admin = summaries(approved(initiated_at="1970-01-01T00:00:00.000Z"))
    assert read_record(public, admin).status is Status.APPROVED


def test_a_link_that_outlived_its_workflow_is_dropped() -> None:
    public, admin = summaries(approved())
    public["jumio"]["verification_url"] = LINK
    assert read_record(public, admin).verification_url is None
    assert not copies_agree(approved(), public, admin)


def test_members_of_others_do_not_matter() -> None:
    public, admin = summaries(approved())
    assert copies_agree(approved(), {**public, "theirs": 1}, {**admin, "theirs": [2]})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = {
    "asked_at",
    "forgotten_until",
    *written(verified(reverification=FURTHER))[1]["jumio"],
    "verification_url",
    "starts",
}
LEVEL_MEMBERS = written(verified())[0]["jumio"]["assurance"]
FURTHER_MEMBERS = written(verified(reverification=FURTHER))[1]["jumio"]["reverification"]
HOSTILE_TEXT = ANYTHING | st.sampled_from([*Status, "PASSED", LINK, WORKFLOW, "2026-03-02T18:30:00Z"])
HOSTILE_PARTS = {
    "assurance": ANYTHING | st.fixed_dictionaries({}, optional=dict.fromkeys(LEVEL_MEMBERS, HOSTILE_TEXT)),
    "reverification": ANYTHING | st.fixed_dictionaries({}, optional=dict.fromkeys(FURTHER_MEMBERS, HOSTILE_TEXT)),
    "checks": ANYTHING | st.lists(st.fixed_dictionaries({}, optional={"capability": ANYTHING, "decision": ANYTHING})),
    "workflows": ANYTHING
    | st.dictionaries(
        st.sampled_from([WORKFLOW, NEWER_WORKFLOW, "unknown", "", "~1/"]),
        ANYTHING
        | st.fixed_dictionaries(
            {"state": st.sampled_from(["open", "ended", "unknown", "PASSED", "WARNING", "FAILED", "paused"])},
            optional=dict.fromkeys(sorted(WORKFLOW_NAMES.keys() - {"state"}), HOSTILE_TEXT),
        ),
        max_size=3,
    ),
}
HOSTILE_MEMBER = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(MEMBERS), HOSTILE_TEXT) | HOSTILE_PARTS)
HOSTILE_METADATA = ANYTHING | st.fixed_dictionaries({"jumio": HOSTILE_MEMBER})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(public=HOSTILE_METADATA, admin=HOSTILE_METADATA)
def test_no_metadata_can_break_reading_and_what_is_read_can_be_written_back(public: Any, admin: Any) -> None:
    record = read_record(public, admin)
    undisputed = record.with_known(undoubted(record.known))
    read = read_record(*written(undisputed))
    assert read == undisputed or record.status is Status.NONE


def test_a_public_copy_from_before_an_operator_began_anew_does_not_count() -> None:
    stood = approved(status=Status.REJECTED, verdict=Verdict.FAILED)
    anew = begun_anew(stood, reason="a twin", now=NOW)
    record = read_record(written(stood)[0], written(anew)[1])
    assert replace(record, history=()) == replace(anew, history=())
