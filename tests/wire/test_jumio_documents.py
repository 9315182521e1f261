# SPDX-License-Identifier: Apache-2.0
"""Jumio's documents, as documented and bent: one document, one thing varied."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support import ACCOUNT, IDENTITY, LINK, WORKFLOW

from webhook.core.evidence import Check, Decision, Grade, Reading
from webhook.core.start import Started
from webhook.core.status import Status, Verdict
from webhook.errors import VendorUnavailable
from webhook.idv.jumio.documents import parse_object, parse_reading, parse_started, parse_token

NOT_OBJECTS = [b"", b"x", b"null", b"[]", b'"x"', b"1", b"\xff\xfe", b"[" * 200_000, b'{"a": ' + b"9" * 10_000 + b"}"]


@pytest.mark.parametrize("body", NOT_OBJECTS, ids=lambda body: repr(body[:12]))
def test_an_answer_that_is_no_object_can_be_read_again_later(body: bytes) -> None:
    with pytest.raises(VendorUnavailable):
        parse_object(body)


# --- tokens ---


def jwt(claims: object) -> str:
    parts = [{"alg": "RS256"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature"])


def token_answer(token: object, expires_in: object = 3600) -> bytes:
    return json.dumps({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}).encode()


@pytest.mark.parametrize(
    ("token", "ends_at"),
    [
        ("opaque", 4600.0),
        (jwt({"exp": 2000}), 2000.0),
        (jwt({"exp": 2000.5}), 2000.5),
        (jwt({"exp": 9999}), 4600.0),
        (jwt({"exp": 1}), 1.0),
        (jwt({"exp": "2000"}), 4600.0),
        (jwt({"exp": True}), 4600.0),
        (jwt({"exp": None}), 4600.0),
        (jwt({"exp": 10**400}), 4600.0),
        (jwt({}), 4600.0),
        (jwt(["exp"]), 4600.0),
        (jwt("exp"), 4600.0),
        (jwt(7), 4600.0),
        ("a.b", 4600.0),
        ("a.!!!.c", 4600.0),
        ("a..c", 4600.0),
        ("a." + base64.urlsafe_b64encode(b"\xff\xfe").decode() + ".c", 4600.0),
        ("a." + base64.urlsafe_b64encode(b"[" * 20_000).decode() + ".c", 4600.0),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_token_ends_when_its_jwt_says_so_or_earlier(token: str, ends_at: float) -> None:
    assert parse_token(token_answer(token), now=1000.0) == (token, ends_at)


@pytest.mark.parametrize("expires_in", [None, "3600", True, [], {}])
def test_a_token_without_a_usable_lifetime_is_used_for_a_short_time(expires_in: object) -> None:
    assert parse_token(token_answer("opaque", expires_in), now=1000.0) == ("opaque", 1300.0)


def test_an_endless_lifetime_is_none() -> None:
    assert parse_token(b'{"access_token": "t", "expires_in": 1e999}', now=1000.0) == ("t", 1300.0)
    assert parse_token(b'{"access_token": "t", "expires_in": NaN}', now=1000.0) == ("t", 1300.0)


@pytest.mark.parametrize(
    "token", [None, 1, True, [], {}, "", " ", "t\n", "t\r\nX-Injected: 1", "tökén", "\x00"], ids=repr
)
def test_a_token_that_cannot_stand_in_a_header_is_none(token: object) -> None:
    with pytest.raises(VendorUnavailable, match="no usable access_token"):
        parse_token(token_answer(token), now=0.0)


# --- a start: documentation.jumio.ai, creating and updating accounts ---

CREATED: dict[str, Any] = {
    "timestamp": "2021-05-28T09:17:50.240Z",
    "account": {"id": ACCOUNT},
    "web": {"href": LINK, "successUrl": "https://example.com"},
    "sdk": {"token": "xxx"},
    "workflowExecution": {"id": WORKFLOW, "credentials": [{"id": "33333333", "category": "ID"}]},
}


def test_a_start_is_read_from_the_nested_reply() -> None:
    assert parse_started(json.dumps(CREATED).encode()) == Started(
        account_id=ACCOUNT,
        workflow_execution_id=WORKFLOW,
        verification_url=LINK,
        created_at=datetime(2021, 5, 28, 9, 17, 50, 240000, tzinfo=UTC),
    )


@pytest.mark.parametrize("odd", [None, 1, [], {}, "x", {"id": None}, {"id": 7}, {"id": "../x"}, {"id": ""}], ids=repr)
@pytest.mark.parametrize("name", ["account", "workflowExecution"])
def test_a_start_without_usable_ids_is_not_one(name: str, odd: object) -> None:
    with pytest.raises(VendorUnavailable, match="names no account or no workflow"):
        parse_started(json.dumps({**CREATED, name: odd}).encode())


@pytest.mark.parametrize(
    "href",
    [
        None,
        7,
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com",
        "example.com",
        "https://ex\u00e4mple.com",
        "https://example.com/\n",
        "http://[::1",
    ],
    ids=repr,
)
def test_a_link_that_is_no_web_link_is_left_out(href: object) -> None:
    assert parse_started(json.dumps({**CREATED, "web": {"href": href}}).encode()).verification_url is None


@pytest.mark.parametrize("missing", ["web", "timestamp", "sdk"])
def test_a_start_needs_nothing_but_its_ids(missing: str) -> None:
    reply = {name: value for name, value in CREATED.items() if name != missing}
    assert parse_started(json.dumps(reply).encode()).workflow_execution_id == WORKFLOW


# --- a reading: documentation.jumio.ai, retrieval ---

DETAILS: dict[str, Any] = {
    "workflow": {
        "id": WORKFLOW,
        "status": "PROCESSED",
        "definitionKey": "10011",
        "userReference": IDENTITY,
        "customerInternalReference": IDENTITY.upper(),
    },
    "account": {"id": ACCOUNT},
    "createdAt": "2021-05-28T09:17:50.240Z",
    "startedAt": "2021-05-28T09:18:00.000Z",
    "completedAt": "2021-05-28T09:20:00.000Z",
    "decision": {"type": "PASSED", "details": {"label": "PASSED"}, "risk": {"score": 50}},
}


def read(**changed: Any) -> Reading:
    return parse_reading(
        json.dumps({**DETAILS, **changed}).encode(), account_id=ACCOUNT, workflow_execution_id=WORKFLOW
    )


def workflow(**changed: Any) -> dict[str, Any]:
    return {**DETAILS["workflow"], **changed}


def test_a_reading_takes_what_is_needed() -> None:
    assert read() == Reading(
        account_id=ACCOUNT,
        workflow_execution_id=WORKFLOW,
        status=Status.APPROVED,
        verdict=Verdict.PASSED,
        decision=Decision(type="PASSED", label="PASSED", risk_score=50.0),
        created_at=datetime(2021, 5, 28, 9, 17, 50, 240000, tzinfo=UTC),
        completed_at=datetime(2021, 5, 28, 9, 20, tzinfo=UTC),
        workflow_key=10011,
        references=(IDENTITY, IDENTITY),
    )


def test_what_it_says_is_turned_into_our_words() -> None:
    warned = [{"decision": {"type": "WARNING", "details": {"label": "BLURRED"}}}]
    assert (read(workflow=workflow(status="TOKEN_EXPIRED")).status, read(decision=None).verdict) == (
        Status.INCOMPLETE, None
    )  # fmt: skip
    assert read().worst is Grade.CLEAR
    assert read(capabilities={"usability": warned}).worst is Grade.DOUBTED
    assert read(decision={"type": "REJECTED"}, capabilities={"usability": warned}).worst is Grade.REFUTED
    face = {name: [{"decision": {"type": "PASSED"}}] for name in ("authentication", "liveness")}
    assert read(capabilities=face).is_face_check
    assert not read(capabilities={**face, "extraction": [{"decision": {"type": "PASSED"}}]}).is_face_check


@pytest.mark.parametrize(
    "changed",
    [
        {"workflow": None},
        {"workflow": [DETAILS["workflow"]]},
        {"workflow": workflow(id="another")},
        {"workflow": workflow(id=None)},
        {"workflow": workflow(status=None)},
        {"workflow": workflow(status=["PROCESSED"])},
        {"account": {"id": "another"}},
        {"account": {"id": None}},
    ],
    ids=str,
)
def test_an_answer_about_something_else_is_not_believed(changed: dict[str, Any]) -> None:
    with pytest.raises(VendorUnavailable, match="not about the"):
        read(**changed)


@pytest.mark.parametrize("account", [None, [], {}, "x"], ids=repr)
def test_an_answer_that_names_no_account_is_about_the_one_asked_for(account: object) -> None:
    assert read(account=account).account_id == ACCOUNT


@pytest.mark.parametrize("decision", [None, "PASSED", [], 1], ids=repr)
def test_a_decision_of_another_type_is_none(decision: object) -> None:
    assert read(decision=decision).decision is None


@pytest.mark.parametrize("odd", [None, 1, [], {}, True], ids=repr)
def test_parts_of_a_decision_of_another_type_are_none(odd: object) -> None:
    assert read(decision={"type": odd, "details": odd, "risk": odd}).decision == Decision(
        type=None, label=None, risk_score=None
    )


@pytest.mark.parametrize("score", [None, "50", True, [], float("inf"), float("nan"), 10**400], ids=lambda s: str(s)[:9])
def test_a_score_that_is_no_finite_number_is_none(score: object) -> None:
    decision = read(decision={"type": "PASSED", "details": {}, "risk": {"score": score}}).decision
    assert decision is not None
    assert decision.risk_score is None


def test_a_long_label_is_cut() -> None:
    decision = read(decision={"type": "PASSED", "details": {"label": "x" * 5000}}).decision
    assert decision is not None
    assert decision.label == "x" * 100


@pytest.mark.parametrize(
    ("key", "expected"), [("3", 3), (10164, 10164), ("my-key", "my-key"), (None, None), ([], None), (1.5, None)]
)
def test_the_workflow_key_is_what_the_settings_would_make_of_it(key: object, expected: int | str | None) -> None:
    assert read(workflow=workflow(definitionKey=key)).workflow_key == expected


@pytest.mark.parametrize(
    ("customer", "user", "references"),
    [
        (IDENTITY, None, (IDENTITY,)),
        (None, IDENTITY.upper(), (IDENTITY,)),
        (None, None, ()),
        (7, [], ()),
        ("a", "B", ("a", "b")),
    ],
)
def test_references_are_the_texts_that_jumio_echoes(customer: object, user: object, references: tuple[str]) -> None:
    changed = workflow(customerInternalReference=customer, userReference=user)
    assert read(workflow=changed).references == references


@pytest.mark.parametrize("odd", [None, 7, "yesterday", "2021-05-28T09:17:50.240"], ids=repr)
def test_times_that_are_none_are_none(odd: object) -> None:
    assert read(createdAt=odd, completedAt=odd).created_at is read(createdAt=odd, completedAt=odd).completed_at is None


# --- what it brings for a level ---


def run(decision: object, label: object = "OK", **more: Any) -> dict[str, Any]:
    return {"id": "k", "credentials": [], "decision": {"type": decision, "details": {"label": label}}, **more}


def test_every_run_of_every_capability_is_taken() -> None:
    capabilities = {
        "usability": [run("PASSED"), run("WARNING", "BLURRED")],
        "similarity": [run("PASSED", "MATCH", data={"similarity": "MATCH"})],
        "somethingNew": [run("NOT_EXECUTED", "PRECONDITION_NOT_FULFILLED")],
    }
    assert read(capabilities=capabilities).checks == (
        Check(capability="similarity", decision="PASSED", label="MATCH", data={"similarity": "MATCH"}),
        Check(capability="somethingNew", decision="NOT_EXECUTED", label="PRECONDITION_NOT_FULFILLED", data={}),
        Check(capability="usability", decision="PASSED", label="OK", data={}),
        Check(capability="usability", decision="WARNING", label="BLURRED", data={}),
    )


@pytest.mark.parametrize("odd", [None, "x", 1, True, [], {}, [None, 1, "x", []], {"usability": None}], ids=repr)
def test_capabilities_of_another_shape_bring_nothing(odd: object) -> None:
    for capabilities in (odd, {"usability": odd, "extraction": odd}):
        found = read(capabilities=capabilities)
        assert (found.checks, found.document_type, found.document_expires_at) == ((), None, None)


@pytest.mark.parametrize("odd", [None, 1, True, [], {}], ids=repr)
def test_parts_of_a_run_of_another_type_are_none(odd: object) -> None:
    nothing = Check(capability="usability", decision=None, label=None, data={})
    for each in ({}, {"decision": odd, "data": odd}, run(odd, odd, data=odd if odd != {} else None)):
        assert read(capabilities={"usability": [each]}).checks == (nothing,)


def test_long_words_of_jumios_are_cut() -> None:
    [check] = read(capabilities={"c" * 500: [run("t" * 500, "l" * 500)]}).checks
    assert (len(check.capability), len(check.decision or ""), len(check.label or "")) == (60, 100, 100)


def extracted(*data: object) -> Reading:
    return read(capabilities={"extraction": [run("PASSED", data=each) for each in data]})


@pytest.mark.parametrize(
    ("printed", "ends"),
    [
        ("2030-01-01", datetime(2030, 1, 2, tzinfo=UTC)),  # valid until the end of the day that it names
        ("2028-02-29", datetime(2028, 3, 1, tzinfo=UTC)),
        ("2030-12-31", datetime(2031, 1, 1, tzinfo=UTC)),
        ("9999-12-31", None),
        ("2029-02-29", None),
        ("2030-13-01", None),
        ("01.01.2030", None),
        ("N/A", None),
        ("", None),
        (None, None),
        (20300101, None),
        (["2030-01-01"], None),
    ],
)
def test_a_document_is_valid_until_the_end_of_its_day(printed: object, ends: datetime | None) -> None:
    assert extracted({"type": "PASSPORT", "expiryDate": printed}).document_expires_at == ends
    assert extracted({"type": "PASSPORT"}).document_expires_at is None


def test_of_several_documents_the_first_kind_and_the_earliest_end_count() -> None:
    found = extracted({"expiryDate": "2031-01-01"}, {"type": "VISA", "expiryDate": "2029-01-01"}, {"type": "PASSPORT"})
    assert (found.document_type, found.document_expires_at) == ("VISA", datetime(2029, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize("odd", [None, 1, [], {}, True], ids=repr)
def test_a_kind_of_document_of_another_type_is_none(odd: object) -> None:
    assert extracted({"type": odd}).document_type is None


def test_the_evidence_is_the_decision_and_the_checks() -> None:
    found = extracted({"type": "PASSPORT", "expiryDate": "2030-01-01"})
    for verified_address in (True, False):
        evidence = found.evidence(verified_address=verified_address)
        assert (evidence.execution, evidence.checks, evidence.verified_address) == (
            "PASSED", found.checks, verified_address
        )  # fmt: skip
        assert (evidence.document_type, evidence.document_expires_at) == ("PASSPORT", datetime(2030, 1, 2, tzinfo=UTC))
        assert evidence.worst is Grade.CLEAR
    assert read(decision=None).evidence(verified_address=True).execution is None
