# SPDX-License-Identifier: Apache-2.0
"""The workflows in the admin copy: listed, read back, patched one by one, beside what a newer version writes there."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from support import (
    ACCOUNT,
    FURTHER,
    IDENTITY,
    NEWER_WORKFLOW,
    NOW,
    PASSED_CHECKS,
    TABLE,
    WORKFLOW,
    approved,
    pending,
    verified,
)

from sandbox import json_patch
from webhook.core.evidence import Decision
from webhook.core.record import Record
from webhook.core.settle import taking_in, with_its_steps
from webhook.core.status import Status, Verdict
from webhook.core.workflows import Stage, Workflow
from webhook.ory.kratos.documents import Identity, patch_of, patch_of_asking
from webhook.ory.kratos.metadata import admin_member, copies_agree, public_member, public_record, read_record

SECOND = Workflow(
    id=NEWER_WORKFLOW,
    account_id=ACCOUNT,
    stage=Stage.CONCLUDED,
    created_at="2026-03-03T00:00:00.000Z",
    verdict=Verdict.PASSED,
    decided_at="2026-03-03T00:05:00.000Z",
    seen_at="2026-03-03T00:06:00.000Z",
    renewed_at="2026-03-04T00:00:00.000Z",
    is_face_check=True,
    level=2,
    level_name="document",
    expires_at="2030-01-02T00:00:00.000Z",
    table="2026-11",
    decision=Decision(type="PASSED", label="OK", risk_score=1.5),
    checks=PASSED_CHECKS,
    key="10014",
)
OPEN = Workflow(id=NEWER_WORKFLOW, account_id=None, stage=Stage.OPEN, created_at="2026-03-03T00:00:00.000Z")
OF_EACH_KIND = [
    SECOND,
    replace(SECOND, verdict=Verdict.WARNING),
    replace(SECOND, verdict=Verdict.FAILED),
    replace(SECOND, is_face_check=False),
    OPEN,
    Workflow(id=NEWER_WORKFLOW, account_id=None, stage=Stage.ENDED, decided_at="2026-03-03T00:00:00.000Z"),
    Workflow(id=NEWER_WORKFLOW, account_id=None, stage=Stage.UNKNOWN, seen_at="2026-03-03T00:00:00.000Z"),
]
of_each_kind = pytest.mark.parametrize("workflow", OF_EACH_KIND, ids=lambda each: f"{each.stage.name} {each.verdict}")


def beside(record: Record, *workflows: Workflow) -> Record:
    """The record with these as well."""
    return with_its_steps(taking_in(record, workflows), table=TABLE)


def stored(record: Record) -> Identity:
    """An identity with both copies as JSON makes of them."""
    return identity({"jumio": public_member(record)}, {"jumio": admin_member(record)})


def identity(public: object, admin: object) -> Identity:
    kept = json.loads(json.dumps([public, admin]))
    return Identity(id=IDENTITY, state="active", metadata_public=kept[0], metadata_admin=kept[1])


def patched(onto: Identity, patch: list[dict[str, Any]]) -> Identity:
    """As Kratos applies it."""
    document = {"metadata_public": onto.metadata_public, "metadata_admin": onto.metadata_admin, "state": onto.state}
    after = json_patch.apply(document, json.loads(json.dumps(patch)))
    return Identity(id=IDENTITY, **after)


def written(onto: Identity, record: Record) -> Identity:
    patch = patch_of(record, onto=onto)
    after = patched(onto, patch)
    assert after.shows(patch)
    assert after.holds(record)
    assert patch_of(record, onto=after) == []
    return after


def paths(patch: list[dict[str, Any]]) -> list[str]:
    return [f"{each['op']} {each['path']}" for each in patch]


# --- listed and read back ---


@of_each_kind
@pytest.mark.parametrize("record", [Record(), pending(), verified()], ids=lambda record: record.status)
def test_every_workflow_is_listed_and_read_back(record: Record, workflow: Workflow) -> None:
    """Also one of which a summary cannot tell what it is: a face check, or one that Jumio does not know."""
    record = beside(record, workflow)
    there = stored(record)
    assert there.metadata_admin["jumio"]["workflows"].keys() == {each.id for each in record.known}
    assert there.record == record
    assert there.holds(record)
    assert there.workflows == record.known


def test_a_list_that_says_otherwise_makes_the_copies_disagree() -> None:
    record = beside(verified(), SECOND)
    there = stored(record)
    del there.metadata_admin["jumio"]["workflows"][NEWER_WORKFLOW]
    assert not there.holds(record)
    del there.metadata_admin["jumio"]["workflows"]
    assert not there.holds(record)


@pytest.mark.parametrize("odd", [None, "x", 1, True, [], ["x"], {}], ids=repr)
def test_a_list_of_the_wrong_type_or_an_empty_one_counts_as_absent_and_is_replaced_by_whoever_has_more_to_tell(
    odd: object,
) -> None:
    there = stored(verified())
    there.metadata_admin["jumio"]["workflows"] = odd
    assert there.record == verified()
    assert there.holds(verified())
    assert there.workflows == ()
    after = written(there, beside(verified(), SECOND))
    assert after.metadata_admin["jumio"]["workflows"].keys() == {WORKFLOW, NEWER_WORKFLOW}


ENTRIES_OF_A_NEWER_VERSION = [
    None, "x", 1, [], {}, {"state": None}, {"state": "paused"}, {"state": 1}, {"state": ["PASSED"]}, {"state": "OPEN"},
]  # fmt: skip


@pytest.mark.parametrize("odd", ENTRIES_OF_A_NEWER_VERSION, ids=repr)
def test_an_entry_that_cannot_be_read_is_left_alone(odd: object) -> None:
    """A newer version may know more states than this one."""
    there = stored(verified())
    there.metadata_admin["jumio"]["workflows"]["other"] = odd
    assert there.record == verified()
    assert there.holds(verified())
    after = written(there, beside(verified(), SECOND))
    assert after.metadata_admin["jumio"]["workflows"]["other"] == odd


TEXTS = ["account_id", "level_name", "expires_at", "table"]
TIMES = ["created_at", "decided_at", "seen_at", "renewed_at"]


@pytest.mark.parametrize("odd", [None, "some day", 1, True, [], {}, "2026-03-02", 1.5], ids=repr)
def test_members_of_an_entry_of_the_wrong_type_count_as_absent(odd: object) -> None:
    there = stored(verified())
    there.metadata_admin["jumio"]["workflows"][NEWER_WORKFLOW] = {
        "state": "open",
        **dict.fromkeys((*TEXTS, *TIMES, "face_check", "level", "decision", "checks", "workflow_key"), odd),
    }
    [read] = there.record.open_workflows
    text = odd if isinstance(odd, str) else None
    assert read == Workflow(
        id=NEWER_WORKFLOW,
        account_id=text,
        stage=Stage.OPEN,
        is_face_check=odd is True,
        level=1 if odd is not True and odd == 1 else None,
        level_name=text or "",
        expires_at=text,
        table=text or "",
        decision=Decision(type=None, label=None, risk_score=None) if odd == {} else None,
        key=odd if isinstance(odd, int | str) else None,
    )


@pytest.mark.parametrize(
    "instant", ["2026-03-03T00:05:00Z", "2026-03-03T01:05:00+01:00", "2026-03-03T00:05:00.000000+00:00"]
)
def test_times_are_read_in_the_one_form_in_which_they_compare(instant: str) -> None:
    there = stored(beside(verified(), SECOND))
    there.metadata_admin["jumio"]["workflows"][NEWER_WORKFLOW]["decided_at"] = instant
    assert there.record.known[-1].decided_at == "2026-03-03T00:05:00.000Z"


def test_a_workflow_that_names_none_is_listed_as_unknown_and_read_back() -> None:
    record = Record(status=Status.PENDING)
    assert list(stored(record).metadata_admin["jumio"]["workflows"]) == ["unknown"]
    assert stored(record).record == record


# --- patched one by one ---


def test_onto_what_says_the_same_nothing_is_written() -> None:
    record = beside(verified(reverification=FURTHER), SECOND)
    assert patch_of(record, onto=stored(record)) == []


def test_what_changed_is_written_member_by_member() -> None:
    """So that what another process adds meanwhile stays."""
    before = beside(pending(), replace(OPEN, id="other", created_at="2026-03-01T00:00:00.000Z"))
    after = replace(before, starts=("2026-03-02T18:00:00.000Z",)).with_event("verification.healed", now=NOW)
    after = beside(after, replace(OPEN, created_at="2026-03-01T00:00:00.001Z"))
    patch = patch_of(after, onto=stored(before))
    assert paths(patch) == [
        "add /metadata_admin/jumio/history",
        "add /metadata_admin/jumio/starts",
        f"add /metadata_admin/jumio/workflows/{NEWER_WORKFLOW}",
    ]
    written(stored(before), after)


def test_what_ended_is_removed() -> None:
    record = verified(reverification=FURTHER, starts=("2026-03-02T18:00:00.000Z",), asked_at="x", forgotten_until="y")
    patch = patch_of(pending(verification_url=None, vendor_url=None), onto=stored(record))
    assert [each for each in paths(patch) if each.startswith("remove")] == [
        "remove /metadata_admin/jumio/assurance",
        "remove /metadata_admin/jumio/reverification",
        "remove /metadata_admin/jumio/checks",
        "remove /metadata_admin/jumio/starts",
        "remove /metadata_admin/jumio/asked_at",
        "remove /metadata_admin/jumio/forgotten_until",
        f"remove /metadata_admin/jumio/workflows/{NEWER_WORKFLOW}",
    ]
    written(stored(record), pending(verification_url=None, vendor_url=None))


def test_the_first_record_too_is_written_member_by_member() -> None:
    """Two processes that both found none must not undo each other."""
    for nothing in (None, {}, {"theirs": 1}, {"jumio": None}):
        patch = patch_of(pending(), onto=identity(None, nothing))
        assert f"add /metadata_admin/jumio/workflows/{WORKFLOW}" in paths(patch)
        assert "add /metadata_admin/jumio" not in paths(patch)
        other = beside(Record(), OPEN)
        both = patched(patched(identity(None, nothing), patch), patch_of(other, onto=identity(None, nothing)))
        assert {each.id for each in both.workflows} == {WORKFLOW, NEWER_WORKFLOW}
        assert both.metadata_admin.get("theirs") == (nothing or {}).get("theirs")


@pytest.mark.parametrize("odd", ["x", 1, True, [], ["x"]], ids=repr)
def test_what_is_no_object_in_our_place_is_replaced(odd: object) -> None:
    there = identity({"jumio": odd}, {"jumio": odd})
    assert paths(patch_of(pending(), onto=there)) == ["add /metadata_public/jumio", "add /metadata_admin/jumio"]
    written(there, pending())


@pytest.mark.parametrize("key", ["a/b", "~", "a~1b", "/", "~0/~1"])
def test_any_id_can_be_a_member(key: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    record = beside(pending(), replace(OPEN, id=key))
    there = written(stored(pending()), record)
    assert key in there.metadata_admin["jumio"]["workflows"]
    written(there, pending())


def test_a_forgotten_workflow_is_removed_and_what_another_process_added_stays() -> None:
    before = stored(beside(pending(), OPEN))
    meanwhile = copy.deepcopy(before.metadata_admin)
    meanwhile["jumio"]["workflows"]["added"] = {"state": "open"}
    after = patched(identity(before.metadata_public, meanwhile), patch_of(pending(), onto=before))
    assert {each.id for each in after.workflows} == {WORKFLOW, "added"}


@pytest.mark.parametrize(
    "lost",
    [
        lambda there: there.metadata_public.pop("jumio"),
        lambda there: there.metadata_admin.pop("jumio"),
        lambda there: there.metadata_admin["jumio"]["workflows"].pop(WORKFLOW),
        lambda there: there.metadata_admin["jumio"].update(asked_at="x"),
        lambda there: there.metadata_admin["jumio"]["history"].pop(),
    ],
)
def test_a_reply_shows_whether_the_patch_was_kept(lost: Any) -> None:
    record = approved().with_event("verification.settled", now=NOW)
    onto = identity(None, {"jumio": {"asked_at": "x"}})
    patch = patch_of(record, onto=onto)
    after = patched(onto, patch)
    after.metadata_admin["jumio"]["of another process"] = 1
    assert after.shows(patch)
    lost(after)
    assert not after.shows(patch)


def test_a_reply_shows_whether_the_state_was_kept() -> None:
    patch = patch_of(approved(), onto=stored(approved()), state="inactive")
    assert paths(patch) == ["replace /state"]
    assert not stored(approved()).shows(patch)
    assert patched(stored(approved()), patch).shows(patch)


# --- notes of a start, and of a new beginning ---


def test_that_a_start_is_asked_for_is_noted_in_the_admin_copy_alone() -> None:
    record = Record(
        status=Status.UNSTARTED, asked_at="2026-03-02T18:48:37.319Z", forgotten_until="2026-03-01T00:00:00.000Z"
    )
    there = stored(record)
    assert not there.metadata_public["jumio"].keys() & {"asked_at", "forgotten_until"}
    assert there.metadata_admin["jumio"]["asked_at"] == "2026-03-02T18:48:37.319Z"
    assert there.metadata_admin["jumio"]["forgotten_until"] == "2026-03-01T00:00:00.000Z"
    assert there.record == record
    assert not there.holds(replace(record, asked_at=None))
    assert not there.holds(replace(record, forgotten_until=None))


@pytest.mark.parametrize("nothing", [None, {}, {"theirs": 1}])
def test_whoever_only_bears_that_note_counts_as_unstarted(nothing: object) -> None:
    there = patched(identity(nothing, nothing), patch_of_asking("2026-03-02T18:48:37.319Z"))
    assert there.record == Record(status=Status.UNSTARTED, asked_at="2026-03-02T18:48:37.319Z")
    assert public_record(there.metadata_public).status is Status.NONE
    assert not there.holds(there.record)


@pytest.mark.parametrize("record", [pending(), verified()], ids=lambda record: record.status)
def test_the_note_beside_a_record_changes_nothing_else(record: Record) -> None:
    there = patched(stored(record), patch_of_asking("2026-03-02T18:48:37.319Z"))
    assert there.record == replace(record, asked_at="2026-03-02T18:48:37.319Z")
    assert there.holds(there.record)


@pytest.mark.parametrize("odd", [None, 1, True, [], {}], ids=repr)
def test_notes_of_the_wrong_type_count_as_absent(odd: object) -> None:
    there = stored(verified())
    there.metadata_admin["jumio"] |= {"asked_at": odd, "forgotten_until": odd}
    assert there.record == verified()
    assert identity(None, {"jumio": {"asked_at": odd}}).record.status is Status.NONE


# --- side by side with a newer version ---


NEWER = {"by a newer version": {"deep": [1, None, "ü"]}}


def with_newer_members(there: Identity) -> Identity:
    """The same, with members that this version does not know at every level."""
    public, admin = copy.deepcopy((there.metadata_public["jumio"], there.metadata_admin["jumio"]))
    for part in (public, admin):
        part |= NEWER
        part["assurance"] |= NEWER
        part["reverification"] |= NEWER
    for entry in admin["workflows"].values():
        entry |= NEWER
    admin["workflows"]["in a state to come"] = {"state": "paused", **NEWER}
    return identity({"jumio": public}, {"jumio": admin})


RECORD = beside(verified(reverification=FURTHER, starts=("2026-03-02T18:00:00.000Z",)), replace(SECOND, id="second"))


def test_members_of_a_newer_version_are_no_reason_to_write() -> None:
    there = with_newer_members(stored(RECORD))
    assert there.record == RECORD
    assert there.holds(RECORD)
    assert patch_of(RECORD, onto=there) == []


def test_members_of_a_newer_version_stay_when_everything_else_is_written() -> None:
    assert RECORD.assurance is not None
    assert RECORD.reverification is not None
    changed = replace(
        RECORD,
        decided_at="2026-03-05T00:00:00.000Z",
        assurance=replace(RECORD.assurance, level=2),
        reverification=replace(RECORD.reverification, reason="manual"),
        history=({"event": "x"},),
    ).with_known(tuple(replace(each, level=2) for each in RECORD.known))
    after = patched(with_newer_members(stored(RECORD)), patch_of(changed, onto=with_newer_members(stored(RECORD))))
    assert after == with_newer_members(stored(changed))
    assert copies_agree(changed, after.metadata_public, after.metadata_admin)


def test_both_copies_as_a_newer_version_wrote_them_are_read_by_what_is_known() -> None:
    there = with_newer_members(stored(RECORD))
    assert read_record(there.metadata_public, None).status is Status.APPROVED
    assert read_record(None, there.metadata_admin).known == RECORD.known
