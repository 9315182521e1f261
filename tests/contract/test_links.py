# SPDX-License-Identifier: Apache-2.0
"""Our own links as values: who is shown which, how long they work, and that no other token does."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from support import CALLBACK_SECRET, IDENTITY, OLD_CALLBACK_SECRET, World, message_of, settings_of, told

from contract.reading import (
    PREFIX,
    PUBLIC_URL,
    assert_page,
    assert_sent_on,
    forged,
    opened,
    pressed,
    started,
    token_for,
)
from sandbox import faults
from webhook.core.record import Record
from webhook.core.signing import capability_token
from webhook.verification.links import LinkExpired, Links

WEEK = 7 * 86400
NEW = "callback-secret-of-next-year"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """With a public URL of its own, so that people get our links."""
    return make_world(PUBLIC_URL=PUBLIC_URL)


# --- what stands where ---


@pytest.mark.parametrize("policy", [None, {"block_statuses": ["pending"], "on_unmet": "start"}])
def test_the_person_is_shown_our_link_and_jumios_own_stays_with_operators(
    make_world: Callable[..., World], policy: dict[str, object] | None
) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, BLOCK_LOGIN_STATUSES="pending")
    person = world.person()
    answer = world.initiate(person).json
    [workflow] = world.jumio.truth(person)
    public, admin = world.record(person)
    assert answer is not None
    assert answer["verification_url"] == public["verification_url"]
    assert public["verification_url"].startswith(PREFIX)
    assert admin["verification_url"] == workflow.web_href
    assert workflow.token not in json.dumps([answer, public])
    assert Links(world.settings.links).read(public["verification_url"].removeprefix(PREFIX)) == person
    again = world.initiate(person).json
    assert again == answer
    message = message_of(world.hook(person, **({} if policy is None else {"policy": policy})))
    assert message["context"]["verification_url"] == public["verification_url"]
    assert message["text"].endswith(f"If not, continue here: {public['verification_url']}")


def test_a_policy_that_only_blocks_shows_no_link(world: World) -> None:
    """At a recovery it would hand the link to whoever reads the mail."""
    person = started(world)
    for policy in ({"block_statuses": ["pending"]}, {"min_level": 2}, {"min_level": 2, "on_unmet": "block"}):
        message = message_of(world.hook(person, policy=policy))
        assert "verification_url" not in message["context"]
        assert PUBLIC_URL not in json.dumps(message)
    verified = world.verified_person("verified")
    world.reverify(verified)
    message = message_of(world.hook(verified, policy={"max_age": "0m"}))
    assert PUBLIC_URL not in json.dumps(message)


def test_of_a_further_workflow_too(world: World) -> None:
    person = world.verified_person()
    answer = world.reverify(person, due_in="7d").json
    workflow = world.jumio.truth(person)[-1]
    public, admin = world.record(person)
    assert answer is not None
    assert answer["reverification"] == told(public["reverification"])
    assert public["reverification"]["verification_url"].startswith(PREFIX)
    assert admin["reverification"]["verification_url"] == workflow.web_href
    assert workflow.token not in json.dumps([answer, public])
    refused = message_of(world.hook(person, policy={"max_age": "0m", "on_unmet": "start"}))
    assert refused["text"].endswith(f"Continue here: {public['reverification']['verification_url']}")
    assert workflow.token not in json.dumps(refused)


def test_without_a_public_url_people_get_jumios_own(make_world: Callable[..., World]) -> None:
    world = make_world()
    person = world.person()
    world.initiate(person)
    [workflow] = world.jumio.truth(person)
    public, admin = world.record(person)
    assert public["verification_url"] == admin["verification_url"] == workflow.web_href
    links = Links(world.settings.links)
    assert links.make(person) is None
    assert not links.is_ours(workflow.web_href)
    assert not links.is_expired(f"{PREFIX}{forged(person, age=10**9)}")


@pytest.mark.parametrize("outcome", ["passed", "warning", "rejected", "expire"])
def test_a_link_goes_with_its_workflow(world: World, outcome: str) -> None:
    person = started(world)
    [workflow] = world.jumio.truth(person)
    world.says(workflow, outcome)
    world.call_back(workflow)
    public, admin = world.record(person)
    assert public["verification_url"] is None
    assert "verification_url" not in admin


@pytest.mark.parametrize("further", [False, True])
def test_a_link_that_was_lost_with_its_copy_is_made_anew(world: World, further: bool) -> None:
    person = world.verified_person() if further else started(world)
    if further:
        world.reverify(person)
    workflow = world.jumio.truth(person)[-1]
    world.kratos.identities.patch(person, [{"op": "remove", "path": "/metadata_public"}])
    answer = world.reverify(person).json if further else world.initiate(person).json
    assert answer is not None
    link = (answer["reverification"] if further else answer)["verification_url"]
    assert link.startswith(PREFIX)
    assert_sent_on(opened(world, link.removeprefix(PREFIX)), workflow.web_href)
    shown = world.record(person)[0]
    assert (shown["reverification"] if further else shown)["verification_url"].startswith(PREFIX), "healed by the look"


def test_without_a_public_url_a_lost_link_of_a_further_workflow_comes_back_from_the_operators_copy(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    person = world.verified_person()
    world.reverify(person)
    world.kratos.identities.patch(person, [{"op": "remove", "path": "/metadata_public"}])
    answer = world.reverify(person).json
    assert answer is not None
    assert answer["reverification"]["verification_url"] == world.jumio.truth(person)[-1].web_href


# --- how long they work ---


def with_old_links(world: World, person: str) -> None:
    old = f"{PREFIX}{forged(person, age=WEEK + 5)}"

    def change(record: Record) -> Record:
        further = record.reverification
        return replace(
            record,
            verification_url=record.verification_url and old,
            reverification=further and replace(further, verification_url=old),
        )

    world.change(person, change)


def test_a_link_works_for_its_time(make_world: Callable[..., World]) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, LINK_MAX_AGE="12h")
    person = started(world)
    assert opened(world, forged(person, age=12 * 3600 - 5)).status_code == 303
    world.forget_calls()
    for answer in (opened(world, forged(person, age=12 * 3600 + 5)), pressed(world, forged(person, age=10**6))):
        assert_page(answer, "expired")
    assert world.calls() == []


def test_by_default_that_is_a_week(world: World) -> None:
    person = started(world)
    assert opened(world, forged(person, age=WEEK - 5)).status_code == 303
    assert_page(opened(world, forged(person, age=WEEK + 5)), "expired")


@pytest.mark.parametrize("how", ["initiate", "reverify"])
def test_whoever_asks_again_gets_a_link_that_works(world: World, how: str) -> None:
    """The page of an expired link says: sign in again to get a new one. Jumio's workflow may be open for longer."""
    person = started(world)
    [workflow] = world.jumio.truth(person)
    with_old_links(world, person)
    answer = (world.initiate(person) if how == "initiate" else world.reverify(person)).json
    assert answer is not None
    assert_sent_on(opened(world, answer["verification_url"].removeprefix(PREFIX)), workflow.web_href)
    public, admin = world.record(person)
    assert (public["verification_url"], admin["verification_url"]) == (answer["verification_url"], workflow.web_href)
    assert len(admin["history"]) == 1
    assert world.starts() == []


@pytest.mark.parametrize("policy", [None, {"min_level": 2, "on_unmet": "start"}])
@pytest.mark.parametrize("further", [False, True])
def test_the_gate_shows_a_link_that_works(
    make_world: Callable[..., World], policy: dict[str, object] | None, further: bool
) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL, BLOCK_LOGIN_STATUSES="pending,approved")
    person = world.verified_person() if further else started(world)
    if further:
        world.change(person, lambda record: replace(record, assurance=None))
        world.reverify(person)
    with_old_links(world, person)
    world.forget_calls()
    message = message_of(world.hook(person, **({} if policy is None else {"policy": policy})))
    token = message["context"]["verification_url"].removeprefix(PREFIX)
    assert_sent_on(opened(world, token), world.jumio.truth(person)[-1].web_href)
    assert world.starts() == []


@pytest.mark.parametrize("due_in", [None, "30d", "1d"])
def test_so_does_whoever_is_asked_again_for_a_further_one(
    world: World, log_lines: list[str], due_in: str | None
) -> None:
    person = world.verified_person()
    world.reverify(person, due_in="30d")
    workflow = world.jumio.truth(person)[-1]
    with_old_links(world, person)
    world.forget_calls()
    answer = (world.reverify(person, due_in=due_in).json or {})["reverification"]
    assert_sent_on(opened(world, answer["verification_url"].removeprefix(PREFIX)), workflow.web_href)
    assert told(world.record(person)[0]["reverification"]) == answer
    assert world.kratos.server.count("PATCH", ".*") == 1
    assert len([line for line in log_lines if " reverification.asked " in line]) == (due_in == "1d")
    assert world.starts() == []


def test_a_link_that_still_works_is_kept(world: World) -> None:
    person = started(world)
    young = f"{PREFIX}{forged(person, age=WEEK - 60)}"
    world.change(person, lambda record: replace(record, verification_url=young))
    before = world.record(person)
    assert (world.initiate(person).json or {})["verification_url"] == young
    assert world.record(person) == before


def test_a_fresh_link_that_cannot_be_noted_is_a_503_and_starts_nothing(world: World) -> None:
    person = started(world)
    with_old_links(world, person)
    world.kratos.server.faults = lambda request: faults.answer(503) if request.method == "PATCH" else None
    assert world.initiate(person).status_code == 503
    assert world.starts() == []


def test_links_as_values() -> None:
    links = Links(settings_of(PUBLIC_URL="https://hook.example.com/base/").links)
    link = links.make(IDENTITY)
    assert link is not None
    assert link.startswith("https://hook.example.com/base/jumio/verify/")
    assert re.fullmatch(r"[A-Za-z0-9._~:/-]+", link), "fits an e-mail and a form without escaping"
    assert len(link) <= 255
    assert links.is_ours(link)
    assert not links.is_ours("https://hook.example.com/jumio/verify/x")
    token = link.rpartition("/")[2]
    assert links.read(token) == IDENTITY
    assert links.read(forged(IDENTITY.upper())) == IDENTITY
    for age in (10**9, -3600):
        with pytest.raises(LinkExpired):
            links.read(forged(IDENTITY, age=age))


URLS: dict[str, tuple[Callable[[], str], bool]] = {
    "young": (lambda: f"{PREFIX}{forged(IDENTITY)}", False),
    "nearly a week old": (lambda: f"{PREFIX}{forged(IDENTITY, age=WEEK - 60)}", False),
    "a week old": (lambda: f"{PREFIX}{forged(IDENTITY, age=WEEK + 60)}", True),
    "by the older secret": (lambda: f"{PREFIX}{forged(IDENTITY, secret=OLD_CALLBACK_SECRET)}", False),
    "by a retired secret": (lambda: f"{PREFIX}{forged(IDENTITY, secret='retired')}", True),
    "of nobody": (lambda: f"{PREFIX}{forged('somebody')}", True),
    "cut": (lambda: PREFIX, True),
    "elsewhere": (lambda: "https://elsewhere.example.com/jumio/verify/x", False),
    "Jumio's": (lambda: "https://x.jumio.ai/web/v4/app?authorizationToken=x", False),
    "none": (lambda: "", False),
}


@pytest.mark.parametrize("name", URLS)
def test_which_links_are_expired(name: str) -> None:
    """Of ours those that no longer lead anywhere; of any other we cannot know."""
    url, expired = URLS[name]
    assert Links(settings_of(PUBLIC_URL=PUBLIC_URL).links).is_expired(url()) is expired


# --- other tokens ---


OTHER_TOKENS: dict[str, Callable[[str, str], str]] = {
    "nothing": lambda good, person: ".",
    "cut": lambda good, person: good[:-1],
    "longer": lambda good, person: good + "x",
    "a foreign secret": lambda good, person: forged(person, secret="something-else"),
    "another salt": lambda good, person: forged(person, salt="itsdangerous.Signer"),
    "of a callback": lambda good, person: capability_token(person, secret=CALLBACK_SECRET.encode()),
    "signed nothing": lambda good, person: forged(""),
    "of nobody": lambda good, person: forged("somebody"),
    "the nil UUID": lambda good, person: forged("00000000-0000-0000-0000-000000000000"),
    "not UTF-8": lambda good, person: "%ff%fe",
    "not ASCII": lambda good, person: "ä",
    "a NUL": lambda good, person: "%00",
    "endless": lambda good, person: "." * 5000,
    "no time": lambda good, person: good.rpartition(".")[0],
    "an id": lambda good, person: person,
}


@pytest.mark.parametrize("name", OTHER_TOKENS)
def test_any_other_token_is_unknown_and_causes_no_call(world: World, log_lines: list[str], name: str) -> None:
    person = started(world)
    good = token_for(world, person)
    token = OTHER_TOKENS[name](good, person)
    for answer in (opened(world, token), pressed(world, token)):
        assert_page(answer, "unknown")
    assert world.calls() == []
    refused = [line for line in log_lines if " secret.refused " in line]
    assert len(refused) == 2
    assert all("/jumio/verify/<token>" in line and (len(token) == 1 or token not in line) for line in refused)


def test_a_token_is_for_one_person(world: World) -> None:
    one, other = started(world, "one"), started(world, "other")
    swapped = token_for(world, one).replace(one, other)
    assert_page(opened(world, swapped), "unknown")


def test_a_token_of_another_secret_of_the_rotation_works_and_the_first_signs(make_world: Callable[..., World]) -> None:
    world = make_world(PUBLIC_URL=PUBLIC_URL)
    person = started(world)
    assert opened(world, forged(person, secret=OLD_CALLBACK_SECRET)).status_code == 303
    rotated = make_world(PUBLIC_URL=PUBLIC_URL, JUMIO_CALLBACK_SECRET=f"{NEW}, {CALLBACK_SECRET}")
    assert opened(rotated, token_for(world, person)).status_code == 303
    assert opened(rotated, forged(person, secret=OLD_CALLBACK_SECRET)).status_code == 404
    assert opened(world, token_for(rotated, person)).status_code == 404
    alone = make_world(PUBLIC_URL=PUBLIC_URL, JUMIO_CALLBACK_SECRET=NEW)
    assert opened(alone, token_for(rotated, person)).status_code == 303
