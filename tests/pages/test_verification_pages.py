# SPDX-License-Identifier: Apache-2.0
"""The pages behind our own link, as they go over the wire; tests/browser looks at them as people do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support import AUTH, IDENTITY, NEWER_WORKFLOW, World, approved, pending
from werkzeug.test import TestResponse

from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.core.times import to_text
from webhook.links import Links
from webhook.pages import routes
from webhook.pages.page import page
from webhook.pages.texts import TEXTS, texts_for
from webhook.sandbox import faults

PUBLIC_URL = "https://verify.example.com"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(PUBLIC_URL=PUBLIC_URL)


def path(world: World, identity_id: str) -> str:
    return (Links(world.settings).make(identity_id) or "").removeprefix(PUBLIC_URL)


def get(world: World, identity_id: str) -> TestResponse:
    return world.client.get(path(world, identity_id))


def post(world: World, identity_id: str) -> TestResponse:
    return world.client.post(path(world, identity_id))


def shown(answer: TestResponse) -> tuple[int, str]:
    """The code, and which page it is."""
    match = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert match, answer.text
    return answer.status_code, next(name for name, text in TEXTS["en"].items() if text.heading == match[1])


def started(world: World, identity_id: str) -> None:
    world.client.post("/jumio/initiate", headers=AUTH, json={"identity": {"id": identity_id}})


def test_an_open_workflow_is_a_redirect_that_nobody_keeps(world: World) -> None:
    person = world.person()
    started(world, person)
    answer = get(world, person)
    [workflow] = world.jumio.truth(person)
    assert (answer.status_code, answer.headers["Location"]) == (303, workflow.web_href)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_jumios_url_is_in_no_page_but_the_one_that_leads_there(world: World) -> None:
    person = world.person()
    started(world, person)
    world.jumio.expire(world.jumio.truth(person)[0].id)
    assert "authorizationToken" not in get(world, person).text
    answer = post(world, person)
    assert shown(answer) == (200, "continue")
    [_, workflow] = world.jumio.truth(person)
    assert f'content="0; url={workflow.web_href.replace("&", "&amp;")}"' in answer.text


RECORDS = {
    "none": (Record(), (200, "start")),
    "unstarted": (Record(status=Status.UNSTARTED), (200, "start")),
    "incomplete": (pending(status=Status.INCOMPLETE, verification_url=None), (200, "start")),
    "approved": (approved(), (200, "verified")),
    "review": (approved(status=Status.REVIEW), (200, "review")),
    "rejected": (approved(status=Status.REJECTED), (200, "rejected")),
    "due again": (approved(reverification=Reverification(reason="risk", due_at=None)), (200, "start")),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_it_starts_nothing(world: World, name: str, method: str) -> None:
    record, expected = RECORDS[name]
    person = world.person_with(record)
    world.forget_calls()
    answer = world.client.open(path(world, person), method=method)
    assert answer.status_code == expected[0]
    assert method == "HEAD" or shown(answer) == expected
    assert world.calls() == ["kratos GET"]


@pytest.mark.parametrize("name", ["approved", "review", "rejected"])
def test_there_is_nothing_to_press_where_nothing_is_due(world: World, name: str) -> None:
    record, expected = RECORDS[name]
    person = world.person_with(record)
    assert "<form" not in get(world, person).text
    assert shown(post(world, person)) == expected
    assert world.jumio.truth(person) == []


def test_an_open_further_verification_leads_on(world: World) -> None:
    person = world.person()
    started(world, person)
    [first] = world.jumio.truth(person)
    world.jumio.decide(first.id, "passed", callback=False)
    world.client.get(path(world, person))  # looks again
    world.client.post("/jumio/reverify", headers=AUTH, json={"identity": {"id": person}, "reason": "risk"})
    [_, further] = world.jumio.truth(person)
    assert get(world, person).headers["Location"] == further.web_href
    world.jumio.expire(further.id)
    assert shown(get(world, person))[1] in ("start", "verified")


def test_a_link_of_our_own_is_nothing_to_lead_on_to(world: World) -> None:
    """A record that holds our link where Jumio's belongs would send the browser in circles."""
    person = world.person_with(pending(jumio_url=f"{PUBLIC_URL}/jumio/verify/somewhere"))
    world.jumio.server.faults = lambda request: faults.answer(503)
    answer = get(world, person)
    assert shown(answer) == (503, "later")


def test_a_further_verification_without_a_link(world: World) -> None:
    further = Reverification(reason="risk", due_at=None, workflow_execution_id=NEWER_WORKFLOW)
    person = world.person_with(approved(reverification=further))
    assert shown(get(world, person)) == (200, "start")


def test_jumio_is_out_and_the_open_workflow_still_leads_on(world: World, log_lines: list[str]) -> None:
    person = world.person()
    started(world, person)
    world.jumio.server.faults = lambda request: faults.answer(503)
    assert get(world, person).status_code == 303
    assert any("page.not_looked" in line for line in log_lines)


def test_jumio_is_slow_and_the_open_workflow_still_leads_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LOOK_SECONDS", 0.0)
    person = world.person()
    started(world, person)
    assert get(world, person).status_code == 303


def test_jumio_is_out_when_the_button_is_pressed(world: World) -> None:
    person = world.person()
    world.jumio.server.faults = lambda request: faults.answer(503)
    assert shown(post(world, person)) == (503, "later")
    assert world.record(person)[0]["status"] == "unstarted"


@pytest.mark.parametrize("call", [get, post])
def test_kratos_is_out(world: World, call: Callable[[World, str], TestResponse], log_lines: list[str]) -> None:
    person = world.person()
    world.kratos.server.faults = lambda request: faults.answer(503)
    assert shown(call(world, person)) == (503, "later")
    assert any("page.failed" in line for line in log_lines)


@pytest.mark.parametrize("call", [get, post])
def test_no_time_is_left(
    world: World, call: Callable[[World, str], TestResponse], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "REQUEST_SECONDS", 0.0)
    assert shown(call(world, world.person())) == (503, "later")


@pytest.mark.parametrize("call", [get, post])
def test_somebody_who_was_deleted(world: World, call: Callable[[World, str], TestResponse]) -> None:
    assert shown(call(world, IDENTITY)) == (404, "unknown")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["x", "9f425a8d-7efc-4768-8f23-7647a74fdf13", "a.b.c", "%00", "ä", "." * 5000])
def test_a_token_that_is_not_ours_costs_no_call(world: World, method: str, token: str) -> None:
    assert shown(world.client.open(f"/jumio/verify/{token}", method=method)) == (404, "unknown")
    assert world.calls() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_expired_link(make_world: Callable[..., World], method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, LINK_MAX_AGE="1h")
    with monkeypatch.context() as then:
        long_ago = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
        then.setattr("itsdangerous.TimestampSigner.get_timestamp", lambda self: long_ago)
        expired = path(world, world.person())
    assert shown(world.client.open(expired, method=method)) == (410, "expired")
    assert world.calls() == []


def test_the_daily_limit(make_world: Callable[..., World]) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, MAX_STARTS_PER_DAY="1")
    person = world.person_with(Record(status=Status.INCOMPLETE, starts=(to_text(datetime.now(UTC)),)))
    assert shown(post(world, person)) == (503, "later")
    assert world.jumio.truth(person) == []


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("name", TEXTS["en"])
def test_every_page_in_every_language(language: str, name: str) -> None:
    text = TEXTS[language][name]
    english = TEXTS["en"][name]
    assert (text.action is None, text.note is None) == (english.action is None, english.note is None)
    answer = page(
        name, text, language=language, refresh_to='https://jumio.example/"><script>' if name == "continue" else None
    )
    body = answer.get_data(as_text=True)
    assert f'<html lang="{language}">' in body
    assert len(body) < 4096
    assert not re.search(r"<script|<link|<img|\ssrc=|@import|url\((?!\))|\son\w+=|\sstyle=", body)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("locale", "language"),
    [(None, "en"), ("en-GB", "en"), ("de", "de"), ("DE-at", "de"), ("fr-CA", "fr"), ("es", "es"), ("ja", "en")],
)
def test_the_language_of_a_locale(locale: str | None, language: str) -> None:
    assert texts_for(locale) == (language, TEXTS[language])
