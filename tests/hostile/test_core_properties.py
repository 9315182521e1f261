# SPDX-License-Identifier: Apache-2.0
"""Properties of the core for whatever comes: bodies, records in metadata, transitions, secrets."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import ACCOUNT, IDENTITY, LINK, NEWER_WORKFLOW, NOW, OTHER_IDENTITY, WORKFLOW, approved, pending, reading

from webhook.core.assurance import Assurance
from webhook.core.events import Event
from webhook.core.evidence import Check, Decision, Reading
from webhook.core.record import HISTORY_LENGTH, Record, Reverification
from webhook.core.settle import Outcome, Result, settle, settle_unknown, with_its_steps
from webhook.core.signing import capability_token, is_known_secret, sign, verify_capability, verify_signature
from webhook.core.start import Started, is_start_due, not_started, started
from webhook.core.status import CONCLUDED, Status, Verdict
from webhook.core.strict_json import parse_json_object
from webhook.core.times import from_text, to_text
from webhook.core.verdict import concluded
from webhook.core.workflows import MOST_KEPT, Stage, undoubted
from webhook.errors import Malformed
from webhook.idv.jumio.callback import Callback, parse_callback
from webhook.ory.kratos.hooks import GateHook, parse_initiate, parse_validate
from webhook.ory.kratos.metadata import admin_member, copies_agree, member, public_member, public_record, read_record
from webhook.ory.kratos.refusals import status_refusal
from webhook.settings import shipped_table

any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too: JSON can escape them
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text
any_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4), max_leaves=12
)


def odd(*plausible: Any) -> st.SearchStrategy[Any]:
    """A plausible value as often as an arbitrary one."""
    return st.sampled_from(plausible) | any_json


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects where any member may be missing and others may be there."""
    return st.builds(
        lambda known, others: {**others, **known},
        st.fixed_dictionaries({}, optional=members),
        st.dictionaries(any_text, scalars, max_size=2),
    )


# --- bodies ---

times = odd(
    "2026-03-02T18:00:00.000Z", "2026-03-02T18:00:00+23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59-01:00"
)
jumio_members = {
    "status": odd(*Status),
    "verdict": odd(*Verdict),
    "account_id": odd(ACCOUNT),
    "workflow_execution_id": odd(WORKFLOW, NEWER_WORKFLOW),
    "initiated_at": times,
    "decided_at": times,
}
public_metadata = any_json | objects(jumio=any_json | objects(**jumio_members, verification_url=odd(LINK)))
admin_metadata = any_json | objects(
    jumio=any_json
    | objects(
        **jumio_members,
        workflow_key=odd(10011, "10011"),
        decision=any_json | objects(type=odd("PASSED"), label=odd("OK"), risk_score=odd(1, 2.5)),
        asked_at=times,
        forgotten_until=times,
        workflows=any_json
        | st.dictionaries(
            st.sampled_from([WORKFLOW, NEWER_WORKFLOW, "unknown", "~1/"]) | any_text,
            any_json
            | objects(
                state=odd("open", "ended", "unknown", *Verdict),
                created_at=times,
                decided_at=times,
                seen_at=times,
                renewed_at=times,
                face_check=odd(True, False),
                level=odd(0, 3),
            ),
            max_size=3,
        ),
        history=any_json
        | st.lists(objects(at=times, event=odd(*Event), status=odd(*Status), by=odd("sweep")), max_size=12),
    )
)
ids = odd(IDENTITY, IDENTITY.upper(), "00000000-0000-0000-0000-000000000000", f"{IDENTITY}\n", "..", "%2e%2e")
bodies = (
    st.binary(max_size=60)
    | any_json.map(lambda value: json.dumps(value).encode())
    | objects(identity=any_json | objects(id=ids, metadata_public=public_metadata), flow=any_json).map(
        lambda value: json.dumps(value).encode()
    )
    | objects(
        workflowExecution=any_json | objects(id=odd(WORKFLOW, "../x", "a/b"), status=odd("PROCESSED", "ACQUIRED")),
        account=any_json | objects(id=odd(ACCOUNT, "..", "x\x00")),
    ).map(lambda value: json.dumps(value).encode())
)
TABLE = shipped_table()
PARSERS = {
    "object": (parse_json_object, dict),
    "initiate": (parse_initiate, str),
    "validate": (partial(parse_validate, highest_level=3), GateHook),
    "callback": (parse_callback, Callback),
}


@pytest.mark.parametrize("name", PARSERS)
@given(body=bodies)
@example(body=b"")
@example(body=b'{"identity": {"id": "\\ud800"}}')
@example(body=b"[" * 200_000)
@example(body=b"9" * 5_000)
def test_a_body_is_parsed_or_malformed(name: str, body: bytes) -> None:
    parse, kind = PARSERS[name]
    try:
        parsed = parse(body)
    except Malformed as refused:
        reason = str(refused)
    else:
        reason = "none"
        assert isinstance(parsed, kind)
    assert reason


@given(
    value=any_json.filter(lambda value: not isinstance(value, dict)) | st.dictionaries(any_text, any_json, max_size=4)
)
def test_json_objects_are_read_as_they_were_written_and_nothing_else_is(value: Any) -> None:
    body = json.dumps(value).encode()
    if isinstance(value, dict):
        assert parse_json_object(body) == value
    else:
        with pytest.raises(Malformed):
            parse_json_object(body)


@given(body=bodies)
def test_an_id_that_is_taken_cannot_leave_its_place_in_a_url(body: bytes) -> None:
    for parse in (parse_initiate, partial(parse_validate, highest_level=3), parse_callback):
        try:
            parsed = parse(body)
        except Malformed:
            continue
        match parsed:
            case str():
                taken = [parsed]
            case GateHook():
                taken = [parsed.identity_id]
            case _:
                taken = [parsed.account_id, parsed.workflow_execution_id]
        for one in taken:
            assert one.replace("-", "").replace("_", "").isalnum()
            assert one.isascii()


# --- records ---


def stored(written: Any) -> Any:
    """What comes back from Kratos, which keeps JSON."""
    return json.loads(json.dumps(written))


def copies(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"jumio": stored(public_member(record))}, {"jumio": stored(admin_member(record))}


@given(public=public_metadata, admin=admin_metadata)
def test_any_metadata_can_be_read_and_what_was_read_can_be_kept(public: Any, admin: Any) -> None:
    public_record(public)
    record = read_record(public, admin)
    copies_agree(record, public, admin)
    assert len(record.history) <= HISTORY_LENGTH
    if record.status is not Status.NONE:
        settled = record.with_known(undoubted(record.known))
        assert read_record(*copies(settled)) == settled
        assert copies_agree(settled, *copies(settled))


def test_reading_knows_the_absence_of_a_record() -> None:
    assert member(None) is None
    assert copies_agree(Record(), None, {})


plain_text = st.text(max_size=20)
optional_text = st.none() | plain_text
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # below
stamps = instants.map(to_text)
decisions = st.builds(
    Decision,
    type=st.sampled_from(["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED", None]) | plain_text,
    label=optional_text,
    risk_score=st.none() | st.floats(0, 100),
)
histories = st.lists(
    st.fixed_dictionaries({"at": stamps, "event": st.sampled_from(list(Event)).map(str)}, optional={"by": plain_text}),
    max_size=HISTORY_LENGTH,
).map(tuple)


checks = st.lists(
    st.builds(
        Check,
        capability=st.sampled_from(["usability", "imageChecks", "extraction", "liveness", "authentication"]),
        decision=st.sampled_from(["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED", None]),
        label=optional_text,
        data=st.just({}),
    ),
    max_size=4,
).map(tuple)
assurances = st.builds(
    Assurance,
    level=st.integers(0, 4),
    name=plain_text,
    verified_at=st.none() | stamps,
    expires_at=st.none() | stamps,
    table=plain_text,
)
further_ones = st.builds(
    Reverification,
    reason=st.sampled_from(["risk", "step-up"]),
    due_at=st.none() | stamps,
    workflow_execution_id=st.just(NEWER_WORKFLOW),
    verification_url=st.just(LINK),
    vendor_url=st.just(LINK),
    initiated_at=stamps,
    workflow_key=st.just(10014),
)


def read_by(record: Record, reading: Reading, *, now: datetime) -> Outcome:
    return settle(record, reading, identity_id=IDENTITY, table=TABLE, verified_address=False, now=now)


@st.composite
def records(draw: st.DrawFn, statuses: Collection[Status] = tuple(Status)) -> Record:
    """Records as the service writes them, and those that somebody else bent, read back."""
    if draw(st.booleans()):
        bent = read_record(draw(public_metadata), draw(admin_metadata))
        if bent.status in statuses:
            return bent
    status = draw(st.sampled_from(sorted(statuses)))
    return Record(
        status=status,
        verdict={Status.APPROVED: Verdict.PASSED, Status.REVIEW: Verdict.WARNING, Status.REJECTED: Verdict.FAILED}.get(
            status
        ),
        account_id=draw(st.none() | st.just(ACCOUNT)),
        workflow_execution_id=draw(st.sampled_from([WORKFLOW, NEWER_WORKFLOW, None])),
        verification_url=LINK if status is Status.PENDING else None,
        vendor_url=LINK if status is Status.PENDING else None,
        assurance=draw(st.none() | assurances) if status in CONCLUDED else None,
        reverification=draw(st.none() | further_ones) if status in (Status.APPROVED, Status.REVIEW) else None,
        checks=draw(checks) if status in CONCLUDED else (),
        initiated_at=draw(st.none() | stamps),
        decided_at=draw(stamps) if status in CONCLUDED else None,
        workflow_key=draw(st.none() | st.just(10011)),
        decision=draw(st.none() | decisions),
        history=draw(histories),
    )


readings = st.builds(
    reading,
    workflow_execution_id=st.sampled_from([WORKFLOW, NEWER_WORKFLOW]),
    workflow_status=st.sampled_from(["INITIATED", "ACQUIRED", "PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED"])
    | plain_text,
    decision=st.none() | decisions,
    created_at=st.none() | instants,
    completed_at=st.none() | instants,
    workflow_key=st.none() | st.just("10011"),
    references=st.lists(st.sampled_from([IDENTITY, OTHER_IDENTITY]) | plain_text, max_size=2).map(tuple)
    | st.just((IDENTITY, IDENTITY)),
    checks=checks,
    document_type=st.none() | st.just("PASSPORT"),
    document_expires_at=st.none() | instants,
)


def assert_sound(record: Record) -> None:
    """What holds for every record that the service writes."""
    assert len(record.history) <= HISTORY_LENGTH
    assert len(record.known) <= MOST_KEPT
    assert record.verification_url is None or record.status is Status.PENDING
    assert record.decided_at is None or record.status not in (Status.PENDING, Status.UNSTARTED)
    assert (record.verdict is not None) is (record.status in CONCLUDED)
    settled = record.with_known(undoubted(record.known))
    assert read_record(*copies(settled)) == settled
    public = json.dumps(public_member(record))
    for private in ("decision", "history", "workflow_key", "label", "risk", "workflows", "asked_at"):
        assert f'"{private}":' not in public


@given(record=records(), reading=readings, later=st.timedeltas(timedelta(), timedelta(days=400)))
def test_a_reading_settles_a_record_once(record: Record, reading: Reading, later: timedelta) -> None:
    outcome = read_by(record, reading, now=NOW)
    settled = outcome.record
    if set(reading.references) != {IDENTITY} or not outcome.counts:
        # All that it can do is to take away what only a summary told of it.
        assert (outcome.result, outcome.counts) == (Result.IGNORED, settled != record)
        assert set(reading.references) != {IDENTITY} or record.forgotten_until is not None
        assert {each.id for each in settled.known} <= {each.id for each in record.known} | {""}
        return
    assert (outcome.event is None) or (outcome.result is not Result.UNCHANGED)
    if outcome.result is Result.APPLIED:
        assert settled.history[-1]["event"] == outcome.event
        assert settled.status is not Status.NONE
        assert_sound(settled)
    # Again, and for whoever reads the record back from Kratos: nothing more happens.
    for known in (settled, read_record(*copies(settled.with_known(undoubted(settled.known))))):
        again = read_by(known, reading, now=NOW + later)
        assert again.result is Result.UNCHANGED
        assert again.record == with_its_steps(known, table=TABLE)


@given(record=records(), reading=readings)
def test_a_record_says_what_its_workflows_mean(record: Record, reading: Reading) -> None:
    settled = read_by(record, reading, now=NOW).record
    told = concluded(settled.known)
    if settled == record or told.workflow is None:
        return
    is_due = settled.status is Status.UNSTARTED and told.status is Status.INCOMPLETE
    assert is_due or settled.status is told.status
    assert is_due or settled.workflow_execution_id == (told.workflow.id or None)


@given(record=records(CONCLUDED), reading=readings)
def test_a_verdict_only_yields_to_a_verdict(record: Record, reading: Reading) -> None:
    """But for a verdict that only a summary tells, which the vendor does not know of: it was forged."""
    settled = read_by(record, reading, now=NOW).record
    is_told_by_summary = any(each.is_doubtful and each.id == reading.workflow_execution_id for each in record.known)
    if reading.status not in CONCLUDED and not is_told_by_summary:
        assert settled.status in CONCLUDED


@given(record=records([Status.REJECTED]), reading=readings)
def test_a_rejection_only_yields_to_a_document_that_was_created_after_it(record: Record, reading: Reading) -> None:
    """Or to its own revision."""
    settled = read_by(record, reading, now=NOW).record
    if settled.status is Status.REJECTED or reading.workflow_execution_id == (record.workflow_execution_id or ""):
        return
    assert reading.verdict in (Verdict.PASSED, Verdict.WARNING)
    assert not reading.is_face_check
    assert reading.created_at is not None
    [decided_at] = [each.decided_at for each in record.known]
    assert decided_at is not None
    assert to_text(reading.created_at) > decided_at


@given(record=records(), reading=readings)
def test_somebody_elses_workflow_never_counts(record: Record, reading: Reading) -> None:
    for foreign in ((OTHER_IDENTITY, OTHER_IDENTITY), (IDENTITY, OTHER_IDENTITY), ("",), ()):
        outcome = read_by(record, replace(reading, references=foreign), now=NOW)
        assert (outcome.result, outcome.event) == (Result.IGNORED, None)
        assert outcome.counts is (outcome.record != record)
        assert {each.id for each in outcome.record.known} <= {each.id for each in record.known} | {""}
        if not any(each.is_doubtful for each in record.known):
            assert outcome.record == record


@given(record=records(), now=instants)
def test_a_workflow_unknown_to_jumio_ends_only_what_is_open_for_a_day(record: Record, now: datetime) -> None:
    for workflow in record.known:
        outcome = settle_unknown(record, workflow.id, now=now)
        began_at = from_text(workflow.created_at or workflow.seen_at)
        due = workflow.stage is Stage.OPEN and (began_at is None or now - began_at > timedelta(days=1))
        kept = [each for each in outcome.record.known if each.stage is Stage.UNKNOWN and each.id == workflow.id]
        assert bool(kept) is (due or workflow.stage is Stage.UNKNOWN)
        assert (outcome.result is Result.UNCHANGED) is not due
        assert settle_unknown(outcome.record, workflow.id, now=now).result is Result.UNCHANGED
        assert due or workflow.is_doubtful or outcome.record is record


@given(record=records(), now=instants, created_at=st.none() | instants)
def test_starting_leaves_a_sound_record(record: Record, now: datetime, created_at: datetime | None) -> None:
    start = Started(
        account_id=ACCOUNT, workflow_execution_id="just started", verification_url=LINK, created_at=created_at
    )
    begun = started(record, start, workflow_key=10011, link=None, now=now)
    assert_sound(begun)
    assert "just started" in [each.id for each in begun.open_workflows]
    assert begun.status is (record.status if concluded(record.known).status in CONCLUDED else Status.PENDING)
    assert not is_start_due(begun)
    failed = not_started(record, is_certain=True, now=now)
    assert failed.status is Status.UNSTARTED
    assert failed.account_id == record.account_id
    assert not_started(failed, is_certain=True, now=now) == failed
    assert is_start_due(failed)


@given(status=st.sampled_from(list(Status)), link=st.none() | any_text)
def test_every_refusal_has_a_text(status: Status, link: str | None) -> None:
    [entry] = status_refusal(status, verification_url=link)["messages"]
    [message] = entry["messages"]
    assert message["text"]
    assert message["context"]["status"] == status.value


@given(text=any_text | any_json)
def test_any_value_is_an_instant_or_none(text: object) -> None:
    instant = from_text(text)
    assert instant is None or instant.tzinfo is UTC


# --- secrets ---

secret_lists = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=3)


@given(given_=st.lists(st.binary(max_size=80), max_size=3), secrets=secret_lists)
def test_a_secret_is_known_or_not(given_: list[bytes], secrets: list[bytes]) -> None:
    assert is_known_secret(given_, secrets=secrets) is any(value in secrets for value in given_)
    assert is_known_secret([*given_, secrets[-1]], secrets=secrets)


@given(header=st.none() | st.binary(max_size=100), body=st.binary(max_size=100), secrets=secret_lists)
def test_a_signature_is_good_or_not(header: bytes | None, body: bytes, secrets: list[bytes]) -> None:
    assert not verify_signature(header, body, secrets=secrets)
    for secret in secrets:
        assert verify_signature(sign(body, secret=secret).encode(), body, secrets=secrets)
        assert not verify_signature(sign(body, secret=secret).encode(), body + b" ", secrets=secrets)


@given(identity_id=plain_text, token=any_text, secrets=secret_lists)
def test_a_capability_is_good_or_not(identity_id: str, token: str, secrets: list[bytes]) -> None:
    assert not verify_capability(identity_id, token, secrets=secrets)
    assert verify_capability(identity_id, capability_token(identity_id, secret=secrets[-1]), secrets=secrets)


@given(identity_id=any_text, token=any_text)
@example(identity_id="\ud800", token="")
def test_a_path_that_is_not_text_has_no_capability(identity_id: str, token: str) -> None:
    assert not verify_capability(identity_id, token, secrets=[b"secret"])


def test_the_vectors_of_these_properties_do_settle() -> None:
    """Else everything above could pass by never getting to the point."""
    settled = read_by(pending(), reading(), now=NOW)
    assert settled.result is Result.APPLIED
    assert read_by(settled.record, reading(), now=NOW).result is Result.UNCHANGED
    newer: Mapping[str, Any] = {"workflow_execution_id": NEWER_WORKFLOW, "created_at": NOW}
    assert read_by(approved(), reading(**newer), now=NOW).result is Result.APPLIED
