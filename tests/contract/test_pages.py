# SPDX-License-Identifier: Apache-2.0
"""The pages behind our own link, over the wire: a GET starts nothing, the button what is due; tests/browser looks."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import gevent
import pytest
from support import AUTH, FACE_PASSED, IDENTITY, NEWER_WORKFLOW, SOON, World, assured, message_of, pending, verified
from werkzeug.test import TestResponse

from contract.reading import PREFIX, PUBLIC_URL, assert_page, assert_sent_on, opened, pressed, started, token_for
from sandbox import faults
from sandbox.faults import Fault
from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.core.times import to_text
from webhook.web.pages import routes
from webhook.web.pages.page import page
from webhook.web.pages.texts import TEXTS, texts_for

BOTH = pytest.mark.parametrize("open_or_press", [opened, pressed])


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """With a public URL of its own, so that people get our links."""
    return make_world(PUBLIC_URL=PUBLIC_URL)


# --- opening it ---


def test_opening_it_leads_on_to_the_open_workflow(world: World) -> None:
    person = started(world)
    [workflow] = world.jumio.truth(person)
    for _ in range(3):
        assert_sent_on(opened(world, token_for(world, person)), workflow.web_href)
    assert world.starts() == []


def test_opening_it_leads_on_to_the_open_further_workflow(world: World) -> None:
    person = world.verified_person()
    world.reverify(person)
    workflow = world.jumio.truth(person)[-1]
    assert_sent_on(opened(world, token_for(world, person)), workflow.web_href)


RECORDS: dict[str, tuple[Record | None, str]] = {
    "never verified": (None, "start"),
    "unstarted": (Record(status=Status.UNSTARTED), "start"),
    "incomplete": (verified(status=Status.INCOMPLETE, assurance=None), "start"),
    "approved": (verified(), "verified"),
    "in review": (verified(status=Status.REVIEW), "review"),
    "rejected": (verified(0, status=Status.REJECTED), "rejected"),
    "due again": (verified(reverification=Reverification(reason="risk", due_at="2030-01-01T00:00:00.000Z")), "start"),
    "due again, without a date": (verified(reverification=Reverification(reason="risk", due_at=None)), "start"),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_where_none_is_open_a_page_says_how_things_stand_and_starts_nothing(
    world: World, name: str, method: str
) -> None:
    record, page = RECORDS[name]
    person = world.person_with(record) if record else world.person()
    before = world.record(person)
    world.forget_calls()
    answer = world.client.open(f"/jumio/verify/{token_for(world, person)}", method=method)
    assert answer.status_code == 200
    assert method == "HEAD" or assert_page(answer, page)
    assert world.calls() == ["kratos GET"]
    assert world.record(person) == before


@pytest.mark.parametrize("link", [None, f"{PREFIX}somewhere"], ids=["none", "ours"])
def test_an_open_workflow_of_which_jumios_link_is_not_known(world: World, link: str | None) -> None:
    """A record that holds our link where Jumio's belongs would send the browser in circles."""
    young = to_text(datetime.now(UTC))
    person = world.person_with(pending(verification_url=link, vendor_url=link, initiated_at=young))
    assert_page(opened(world, token_for(world, person)), "later")
    assert_page(pressed(world, token_for(world, person)), "later")
    assert world.starts() == []


def test_a_further_verification_without_a_link(world: World) -> None:
    further = Reverification(reason="risk", due_at=None, workflow_execution_id=NEWER_WORKFLOW)
    person = world.person_with(verified(reverification=further))
    assert_page(opened(world, token_for(world, person)), "start")


@pytest.mark.parametrize(
    ("outcome", "page"), [("passed", "verified"), ("warning", "review"), ("rejected", "rejected"), ("expire", "start")]
)
def test_a_lost_callback_is_healed_by_opening_it(world: World, outcome: str, page: str) -> None:
    person = started(world)
    world.says(world.jumio.truth(person)[0], outcome)
    assert_page(opened(world, token_for(world, person)), page)
    assert (world.record(person)[0]["verification_url"] is not None) is (page == "start")
    assert world.starts() == []


@pytest.mark.parametrize(("due_in", "page"), [("7d", "start"), (None, "verified")])
def test_a_further_one_that_has_expired_is_found_out_too(world: World, due_in: str | None, page: str) -> None:
    person = world.verified_person()
    world.reverify(person, due_in=due_in)
    world.says(world.jumio.truth(person)[-1], "expire")
    assert_page(opened(world, token_for(world, person)), page)


def test_a_further_one_that_has_passed_is_found_out_too(world: World) -> None:
    person = world.verified_person()
    world.reverify(person, due_in="7d")
    world.says(world.jumio.truth(person)[-1], "passed", capabilities=FACE_PASSED)
    assert_page(opened(world, token_for(world, person)), "verified")


def test_a_passed_step_up_shows_the_verified_page(world: World) -> None:
    person = world.verified_person()
    world.change(person, lambda record: replace(record, assurance=assured(2)))
    message = message_of(world.hook(person, policy={"min_level": 3, "on_unmet": "start"}))
    token = message["context"]["verification_url"].removeprefix(PREFIX)
    assert opened(world, token).status_code == 303
    world.says(world.jumio.truth(person)[-1], "passed")
    assert_page(opened(world, token), "verified")
    assert datetime.now(UTC) - timedelta(minutes=1) < datetime.fromisoformat(
        world.record(person)[0]["assurance"]["verified_at"]
    )


@pytest.mark.parametrize(
    ("outcome", "page"), [("passed", "verified"), ("warning", "review"), ("rejected", "rejected"), ("expire", "start")]
)
def test_a_verdict_that_is_known_and_cannot_be_written_decides_the_page(
    world: World, log_lines: list[str], outcome: str, page: str
) -> None:
    """Else whoever is through would be led on to a workflow that is over."""
    person = started(world)
    before = world.record(person)
    world.says(world.jumio.truth(person)[0], outcome)
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "PATCH" else None
    assert_page(opened(world, token_for(world, person)), page)
    assert world.record(person) == before
    assert [line for line in log_lines if " page.not_recorded " in line]
    world.kratos.server.faults = None
    assert_page(opened(world, token_for(world, person)), page)
    assert world.record(person) != before


# --- the button ---


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("never verified", ["POST 10011"]),
        ("unstarted", ["POST 10011"]),
        ("incomplete", ["PUT 10011", "POST 10011"]),
        ("due again", ["PUT 10014", "POST 10011"]),
        ("approved", []),
        ("in review", []),
        ("rejected", []),
    ],
)
def test_the_button_starts_what_is_due_and_leads_on_to_it(world: World, name: str, starts: list[str]) -> None:
    record, shown = RECORDS[name]
    person = world.person_with(record) if record else world.person()
    answer = pressed(world, token_for(world, person))
    assert world.starts() == starts
    if not starts:
        assert_page(answer, shown)
        return
    workflow = world.jumio.truth(person)[-1]
    assert_page(answer, "continue", leads_to=workflow.web_href)
    world.forget_calls()
    assert_sent_on(opened(world, token_for(world, person)), workflow.web_href)
    assert_page(pressed(world, token_for(world, person)), "continue", leads_to=workflow.web_href)
    assert world.starts() == []


def test_what_was_due_keeps_its_date_and_reason(world: World) -> None:
    person = world.verified_person()
    further = Reverification(reason="role-change", due_at="2030-01-01T00:00:00.000Z")
    world.change(person, lambda record: replace(record, reverification=further))
    assert_page(pressed(world, token_for(world, person)), "continue")
    shown = world.record(person)[0]["reverification"]
    assert (shown["reason"], shown["due_at"]) == ("role-change", "2030-01-01T00:00:00.000Z")
    assert world.starts() == ["PUT 10014"]


def test_a_link_of_jumios_is_escaped_on_the_page(world: World) -> None:
    person = world.person()
    url = 'https://x.jumio.ai/web/v4/app?a=1&b="><script>alert(1)</script>'
    world.jumio.server.faults = lambda request: (
        faults.answer(
            200, json.dumps({"account": {"id": "a"}, "workflowExecution": {"id": "w"}, "web": {"href": url}}).encode()
        )
        if request.path.endswith("/accounts")
        else None
    )
    page = assert_page(pressed(world, token_for(world, person)), "continue", leads_to=url)
    assert "<script>alert" not in page.source


def test_the_button_starts_no_more_than_the_limit(make_world: Callable[..., World]) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, MAX_STARTS_PER_DAY="2")
    person = world.person()
    for _ in range(2):
        assert_page(pressed(world, token_for(world, person)), "continue")
        world.says(world.jumio.truth(person)[-1], "expire")
        assert_page(opened(world, token_for(world, person)), "start")
    assert_page(pressed(world, token_for(world, person)), "later")
    assert len(world.starts()) == 2


# --- peers that fail ---


@pytest.mark.parametrize("fault", [faults.answer(500), faults.garbage(), faults.reset(), faults.hang()])
def test_a_jumio_that_fails_does_not_keep_people_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str], fault: Fault
) -> None:
    monkeypatch.setattr(routes, "LOOK_SECONDS", 0.15)
    person = started(world)
    world.jumio.server.faults = lambda _: fault
    assert_sent_on(opened(world, token_for(world, person)), world.jumio.truth(person)[0].web_href)
    assert [line for line in log_lines if " page.not_looked " in line]


@pytest.mark.parametrize("fault", [faults.answer(500), faults.answer(429), faults.answer(403), faults.reset()])
def test_a_jumio_that_does_not_start_is_told_as_a_page(world: World, fault: Fault) -> None:
    person = world.person()
    world.jumio.server.faults = lambda request: fault if request.path.endswith("/accounts") else None
    assert_page(pressed(world, token_for(world, person)), "later")
    assert world.record(person)[0]["status"] == "unstarted"
    world.jumio.server.faults = None
    assert_page(pressed(world, token_for(world, person)), "continue")


@pytest.mark.parametrize("fault", [faults.answer(500), faults.answer(403), faults.garbage(), faults.reset()])
def test_a_kratos_that_fails_is_told_as_a_page(world: World, log_lines: list[str], fault: Fault) -> None:
    token = token_for(world, started(world))
    world.kratos.server.faults = lambda _: fault
    for answer in (opened(world, token), pressed(world, token)):
        assert_page(answer, "later")
    assert len([line for line in log_lines if " page.failed " in line]) == 2
    assert world.starts() == []


@BOTH
def test_a_request_ends_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch, open_or_press: Callable[..., TestResponse]
) -> None:
    monkeypatch.setattr(routes, "REQUEST_SECONDS", 0.2)
    token = token_for(world, started(world))
    world.kratos.server.faults = lambda _: faults.trickle(headers=True, pause=0.05)
    begun = time.monotonic()
    assert_page(open_or_press(world, token), "later")
    assert time.monotonic() - begun < SOON


@BOTH
def test_no_time_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, open_or_press: Callable[..., TestResponse]
) -> None:
    monkeypatch.setattr(routes, "REQUEST_SECONDS", 0.0)
    assert_page(open_or_press(world, token_for(world, world.person())), "later")


@BOTH
def test_somebody_who_was_deleted(world: World, open_or_press: Callable[..., TestResponse]) -> None:
    assert_page(open_or_press(world, token_for(world, IDENTITY)), "unknown")
    assert world.starts() == []


# --- other requests ---


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(world: World, method: str) -> None:
    assert world.client.open(f"/jumio/verify/{token_for(world, IDENTITY)}", method=method).status_code == 405
    assert world.calls() == []


@pytest.mark.parametrize("path", ["/jumio/verify", "/jumio/verify/", f"/jumio/verify/{IDENTITY}/x"])
def test_nothing_else_stands_below_it(world: World, path: str) -> None:
    assert world.client.get(path).status_code == 404


def test_orys_secret_is_neither_needed_nor_enough(world: World) -> None:
    assert_page(opened(world, IDENTITY, headers=AUTH), "unknown")


# --- languages ---


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        (None, "en"),
        ("en", "en"),
        ("en-GB", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CA", "fr"),
        ("es", "es"),
        ("ja", "en"),
    ],
)
def test_pages_are_in_the_language_of_the_locale_where_we_have_it(
    make_world: Callable[..., World], locale: str | None, language: str
) -> None:
    assert texts_for(locale) == (language, TEXTS[language])
    world = make_world(PUBLIC_URL=PUBLIC_URL, **({"JUMIO_LOCALE": locale} if locale else {}))
    person = world.person()
    assert_page(opened(world, token_for(world, person)), "start", language=language)
    assert_page(opened(world, "x"), "unknown", language=language)


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_every_page(language: str) -> None:
    texts = TEXTS[language]
    assert texts.keys() == TEXTS["en"].keys()
    for member in ("action", "note"):
        assert {name for name, text in texts.items() if getattr(text, member)} == {"start", "continue"}
    assert all(text.heading and text.body.endswith(".") and not text.heading.endswith(".") for text in texts.values())
    headings = [text.heading for text in texts.values()]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("name", TEXTS["en"])
def test_every_page_is_whole_in_every_language(language: str, name: str) -> None:
    url = 'https://x.jumio.ai/a?b=1&c=2"><script>' if name == "continue" else None
    answer = page(name, TEXTS[language][name], language=language, refresh_to=url)
    wrapped = TestResponse(answer.response, answer.status, answer.headers, request=None)
    assert_page(wrapped, name, language=language, leads_to=url)


# --- so many at once, so often ---


def test_one_look_at_jumio_is_enough_for_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.coordination.local.LOOK_EVERY_SECONDS", 60.0)
    monkeypatch.setattr("webhook.coordination.local.LOOKS_AT_MOST", 1)
    one, other = token_for(world, started(world, "one")), token_for(world, started(world, "other"))

    client, readings = world.client, 0
    for token, more in ((one, 1), (one, 0), (other, 1), (other, 0), (one, 1)):
        assert client.get(f"/jumio/verify/{token}").status_code == 303
        readings += more
        assert world.jumio.server.count("GET", ".*") == readings


@BOTH
def test_three_pages_at_once_for_one_person_and_any_number_for_others(
    world: World, open_or_press: Callable[..., TestResponse]
) -> None:
    """Anybody who has a link can open it often; that must keep nobody else from theirs."""
    assert routes.AT_ONCE == 3
    person, other = started(world, "person"), started(world, "other")
    token, others = token_for(world, person), token_for(world, other)
    world.kratos.server.faults = lambda request: faults.hang() if request.path.endswith(person) else None
    waiting = [gevent.spawn(open_or_press, world, token) for _ in range(3)]
    assert world.kratos.server.wait(lambda server: server.requests)
    gevent.idle()
    assert_page(open_or_press(world, token), "later")
    assert open_or_press(world, others).status_code in (200, 303)
    gevent.killall(waiting)
    world.kratos.server.faults = None
    assert open_or_press(world, token).status_code in (200, 303), "each place is free again afterwards"
