# SPDX-License-Identifier: Apache-2.0
"""Whatever Jumio and Kratos answer is understood or is their `...Unavailable`, never another exception."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import ACCOUNT, IDENTITY, LINK, WORKFLOW

from webhook.errors import KratosUnavailable, VendorUnavailable
from webhook.idv.jumio.client import _title
from webhook.idv.jumio.documents import parse_object, parse_reading, parse_started, parse_token
from webhook.ory.kratos.client import _reset_seconds
from webhook.ory.kratos.documents import next_page_token, parse_identity, parse_json, parse_page

bounded = settings(max_examples=150)

any_text = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | any_text
any_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3), max_leaves=8
)


def odd(*plausible: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(plausible) | any_json


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def bent(document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The document as it should be, but for one member of it or of its members."""
    places = [(name,) for name in document]
    places += [(name, inner) for name, value in document.items() if isinstance(value, dict) for inner in value]

    def bend(place: tuple[str, ...], value: Any) -> dict[str, Any]:
        name, *inner = place
        return {**document, name: {**document[name], inner[0]: value} if inner else value}

    return st.builds(bend, st.sampled_from(places), any_json)


def jwt(claims: str) -> str:
    return f"e30.{claims}.c2ln"


token_answers = objects(
    access_token=odd(
        "opaque", "a b", "é", " ", jwt("eyJleHAiOjF9"), jwt("eyJleHAiOiJ4In0"), jwt("WzFd"), jwt("_w"), jwt("!")
    )
    | any_text.map(jwt),
    expires_in=odd(3600, -1, 0, "3600", True, 1e308),
)
started_answers = objects(
    account=any_json | objects(id=odd(ACCOUNT, "..", "a/b")),
    workflowExecution=any_json | objects(id=odd(WORKFLOW, "", "x\r\ny")),
    web=any_json | objects(href=odd(LINK, "javascript:alert(1)", "http://[", "https://x\n")),
    timestamp=odd("2026-03-02T18:48:37.319Z", "0001-01-01T00:00:00+23:59"),
)
reading_answers = objects(
    workflow=any_json
    | objects(
        id=st.just(WORKFLOW) | any_json,
        status=odd("PROCESSED"),
        definitionKey=odd("10011", 10011),
        customerInternalReference=odd(IDENTITY),
        userReference=odd(IDENTITY.upper()),
    ),
    account=any_json | objects(id=odd(ACCOUNT)),
    decision=any_json
    | objects(
        type=odd("PASSED"),
        details=any_json | objects(label=odd("OK" * 200)),
        risk=any_json | objects(score=odd(1.5, 10**400)),
    ),
    createdAt=odd("2026-03-02T18:48:37.319Z", "9999-12-31T23:59:59-23:59"),
    completedAt=any_json,
)


STARTED = {
    "account": {"id": ACCOUNT},
    "workflowExecution": {"id": WORKFLOW},
    "web": {"href": LINK},
    "timestamp": "2026-03-02T18:48:37.319Z",
}
READING = {
    "workflow": {"id": WORKFLOW, "status": "PROCESSED", "definitionKey": "10011", "userReference": IDENTITY},
    "account": {"id": ACCOUNT},
    "decision": {"type": "PASSED", "details": {"label": "PASSED"}, "risk": {"score": 0.0}},
    "createdAt": "2026-03-02T18:48:37.319Z",
    "completedAt": "2026-03-02T18:48:37.319Z",
}


def sent(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """As bytes; the odd NaN included, which Python both writes and reads."""
    written = (documents | any_json).map(lambda document: json.dumps(document).encode())
    return st.binary(max_size=40) | written | written.map(lambda body: body[:-1]) | written.map(lambda body: body * 2)


def plainly(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return documents.map(lambda document: json.dumps(document).encode())


JUMIO: dict[str, tuple[Callable[[bytes], object], st.SearchStrategy[bytes]]] = {
    "object": (parse_object, sent(any_json)),
    "token": (lambda body: parse_token(body, now=1e9), sent(token_answers)),
    "started": (parse_started, sent(started_answers) | plainly(bent(STARTED))),
    "reading": (
        lambda body: parse_reading(body, account_id=ACCOUNT, workflow_execution_id=WORKFLOW),
        sent(reading_answers) | plainly(bent(READING)),
    ),
}


@pytest.mark.parametrize("name", JUMIO)
def test_jumios_answer_is_understood_or_unavailable(name: str) -> None:
    parse, bodies = JUMIO[name]

    @bounded
    @given(body=bodies)
    @example(body=b"")
    @example(body=b"[" * 200_000)
    @example(body=b"\xef\xbb\xbf{}")
    @example(body=b"\xff\xfe{\x00}\x00")
    @example(body=b'{"expires_in": ' + b"9" * 5_000 + b"}")
    def check(body: bytes) -> None:
        with contextlib.suppress(VendorUnavailable):
            parse(body)

    check()


@pytest.mark.parametrize(
    ("name", "document"),
    [("object", {}), ("token", {"access_token": "opaque"}), ("started", STARTED), ("reading", READING)],
)
def test_what_is_bent_there_would_be_understood_as_it_is(name: str, document: dict[str, Any]) -> None:
    assert JUMIO[name][0](json.dumps(document).encode()) is not None


@bounded
@given(body=sent(objects(title=odd("Forbidden", "a\r\nb", "x" * 500), detail=any_json)))
def test_the_title_of_a_problem_is_a_word_or_nothing(body: bytes) -> None:
    title = _title(body)
    assert len(title) <= 61
    assert title.isprintable()


def test_nothing_in_a_token_answer_outlives_what_jumio_said() -> None:
    claims = "eyJleHAiOjEwMDAwMDAxMDB9"  # {"exp": 1000000100}
    answer = json.dumps({"access_token": jwt(claims), "expires_in": 1e300}).encode()
    assert parse_token(answer, now=1e9)[1] == 1_000_000_100


identities = objects(
    id=odd(IDENTITY, IDENTITY.upper(), "../x"), state=any_json, metadata_public=any_json, metadata_admin=any_json
)


@bounded
@given(body=sent(identities | st.lists(identities, max_size=3)))
@example(body=b"[" * 200_000)
def test_kratos_answer_is_understood_or_unavailable(body: bytes) -> None:
    for parse in (parse_identity, parse_page):
        with contextlib.suppress(KratosUnavailable):
            parse(parse_json(body))


link_parts = st.sampled_from(
    [
        *(
            "<",
            ">",
            ";",
            ",",
            " ",
            '"',
            "rel=next",
            'rel="next"',
            'rel="first"',
            "/admin/identities",
            "?",
            "&",
            "%",
            "#",
        ),
        *("http://127.0.0.1:1/", "//elsewhere.invalid", "page_token=", "page_token=a%00b", "page_token=%ff", "é"),
    ]
)
link_headers = st.none() | any_text | st.lists(link_parts, max_size=12).map("".join)


@settings(bounded, max_examples=400)
@given(header=link_headers)
def test_a_link_header_gives_a_token_or_none_or_is_unavailable(header: str | None) -> None:
    with contextlib.suppress(KratosUnavailable):
        token = next_page_token(header)
        assert token is None or token


@pytest.mark.parametrize("url", ["http://[", "http://[x]/?page_token=a", "http://a]/"])
def test_a_link_that_is_no_url_does_not_end_the_sweep_unnoticed(url: str) -> None:
    with pytest.raises(KratosUnavailable):
        next_page_token(f'<{url}>; rel="next"')


@pytest.mark.parametrize("header", ["<" * 16_000, "<a>;" * 4_000, "<a>; rel=" * 3_000])
def test_no_link_header_keeps_the_parser_busy(header: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(KratosUnavailable):
        assert next_page_token(header) is None
    assert time.process_time() - begun < 0.1


@bounded
@given(text=any_text | st.sampled_from(["1", "99999", "100000", "-1", "1.5", "²", "٣", "nan", ""]))
def test_the_reset_header_is_a_bounded_number_or_nothing(text: str) -> None:
    seconds = _reset_seconds({"x-ratelimit-reset": text})
    assert seconds is None or 0 <= seconds <= 99999
