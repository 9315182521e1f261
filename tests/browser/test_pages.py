# SPDX-License-Identifier: Apache-2.0
"""The pages behind our own link, in a real browser: where they lead, and that everybody can read and use them."""

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response
from itsdangerous import TimestampSigner
from support import AUTH, World, approved

from browser.webdriver import ENTER, TAB, Browser
from sandbox.server import LoopbackServer
from webhook.core.record import Record, Reverification
from webhook.core.status import Status
from webhook.web.pages.page import page
from webhook.web.pages.texts import TEXTS

JUMIO_TITLE = "Identity verification (sandbox)"

# Every text of the page with its colours, a transparent background being that of what lies below it.
COLOURS = """
const clear = "rgba(0, 0, 0, 0)";
const below = element => {
  const found = getComputedStyle(element).backgroundColor;
  return found === clear && element.parentElement ? below(element.parentElement) : found;
};
return [...document.querySelectorAll("h1, p, .action")].map(
  element => [element.className || element.localName, getComputedStyle(element).color, below(element)]);
"""
FOCUS = """
const style = getComputedStyle(document.activeElement);
return [document.activeElement.localName, style.outlineStyle, parseFloat(style.outlineWidth), style.outlineColor,
  getComputedStyle(document.querySelector("main")).backgroundColor];
"""


def link(world: World, identity_id: str) -> str:
    made = world.services.links.make(identity_id)
    assert made is not None
    return made


def path(world: World, identity_id: str) -> str:
    return link(world, identity_id).removeprefix(world.settings.links.public_url or "")


def started(world: World) -> str:
    """Somebody whose workflow is open; the identity's id."""
    identity_id = world.person()
    answer = world.client.post("/jumio/initiate", headers=AUTH, json={"identity": {"id": identity_id}})
    assert answer.get_json()["verification_url"].startswith(f"{world.settings.links.public_url}/jumio/verify/")
    return identity_id


def complaints(browser: Browser) -> list[str]:
    """What the browser complained of, but for the code of a page that is an error itself."""
    return [line for line in browser.console() if "the server responded with a status of" not in line]


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(scope="module")
def gallery() -> Iterator[LoopbackServer]:
    """Every page in every language, at /{language}/{name}."""
    app = Flask("gallery")

    @app.get("/<language>/<name>")
    def show(language: str, name: str) -> Response:
        return page(name, TEXTS[language][name], language=language)

    with LoopbackServer(app) as server:
        yield server


# --- where they lead ---


def test_a_pending_person_lands_on_jumios_page(served: World, browser: Browser) -> None:
    identity_id = started(served)
    browser.open(link(served, identity_id))
    [workflow] = served.jumio.truth(identity_id)
    assert (browser.url, browser.title) == (workflow.web_href, JUMIO_TITLE)
    assert complaints(browser) == []


@pytest.mark.parametrize("status", [Status.NONE, Status.UNSTARTED, Status.INCOMPLETE])
def test_the_button_starts_one_workflow_and_leads_on(served: World, browser: Browser, status: Status) -> None:
    identity_id = served.person_with(Record(status=status)) if status is not Status.NONE else served.person()
    browser.open(link(served, identity_id))
    assert browser.title == TEXTS["en"]["start"].heading
    assert served.jumio.truth(identity_id) == []  # opening it starts nothing

    browser.click("button")
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    [workflow] = served.jumio.truth(identity_id)
    assert browser.url == workflow.web_href
    assert complaints(browser) == []


def test_an_expired_workflow_is_offered_again(served: World, browser: Browser) -> None:
    identity_id = started(served)
    [expired] = served.jumio.truth(identity_id)
    served.jumio.expire(expired.id)
    browser.open(link(served, identity_id))
    assert browser.title == TEXTS["en"]["start"].heading
    browser.click("button")
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    [_, workflow] = served.jumio.truth(identity_id)
    assert (browser.url, workflow.account_id) == (workflow.web_href, expired.account_id)


def test_the_way_back_has_no_form_to_send_again(served: World, browser: Browser) -> None:
    browser.open(link(served, served.person()))
    browser.click("button")
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    history = browser.tell("Page.getNavigationHistory")["entries"]
    assert [entry["title"] for entry in history[-2:]] == [TEXTS["en"]["start"].heading, JUMIO_TITLE]


def test_a_page_that_was_left_open_starts_no_second_one(served: World, browser: Browser) -> None:
    identity_id = served.person()
    browser.open(link(served, identity_id))
    served.client.post(path(served, identity_id))  # on another device, say
    browser.click("button")
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    [workflow] = served.jumio.truth(identity_id)
    assert browser.url == workflow.web_href


def test_the_link_of_the_last_page_leads_on_where_the_browser_does_not(served: World, browser: Browser) -> None:
    identity_id = served.person()
    answer = served.client.post(path(served, identity_id))
    assert answer.status_code == 200
    [workflow] = served.jumio.truth(identity_id)
    assert f'<a class="action" href="{workflow.web_href.replace("&", "&amp;")}"' in answer.text


def test_a_further_verification_that_is_due(served: World, browser: Browser) -> None:
    further = Reverification(reason="risk", due_at=None)
    identity_id = served.person_with(approved(account_id=None, reverification=further))
    browser.open(link(served, identity_id))
    assert browser.title == TEXTS["en"]["start"].heading
    browser.click("button")
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    assert len(served.jumio.truth(identity_id)) == 1


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (approved(), "verified"),
        (approved(status=Status.REVIEW), "review"),
        (approved(status=Status.REJECTED), "rejected"),
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_how_things_stand(
    serve: Callable[..., World], browser: Browser, record: Record, name: str, language: str
) -> None:
    world = serve(JUMIO_LOCALE=f"{language}-AT")
    browser.open(link(world, world.person_with(record)))
    assert_shows(browser, name, language)


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_expired_link(
    serve: Callable[..., World], browser: Browser, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = serve(JUMIO_LOCALE=language)
    with monkeypatch.context() as then:
        then.setattr(TimestampSigner, "get_timestamp", lambda self: int(time.time()) - 8 * 86400)
        url = link(world, started(world))
    browser.open(url)
    assert_shows(browser, "expired", language)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_link_that_is_not_ours(serve: Callable[..., World], browser: Browser, language: str) -> None:
    world = serve(JUMIO_LOCALE=language)
    browser.open(link(world, started(world))[:-1])
    assert_shows(browser, "unknown", language)


def test_neither_peer_can_be_reached(serve: Callable[..., World], browser: Browser) -> None:
    world = serve(KRATOS_ADMIN_URL="http://127.0.0.1:9")
    browser.open(link(world, "9f425a8d-7efc-4768-8f23-7647a74fdf13"))
    assert_shows(browser, "later", "en")


def assert_shows(browser: Browser, name: str, language: str) -> None:
    text = TEXTS[language][name]
    shown = browser.script("""return [document.documentElement.lang, document.title,
        document.querySelector("h1").textContent, document.querySelector("p").textContent,
        document.querySelectorAll("button, a").length]""")
    assert shown == [language, text.heading, text.heading, text.body, 0]
    assert complaints(browser) == []


# --- that everybody can read and use them ---


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("name", TEXTS["en"])
def test_a_phone_shows_the_page_without_scrolling_sideways(
    gallery: LoopbackServer, browser: Browser, language: str, name: str
) -> None:
    browser.size(360, 640, phone=True)
    browser.open(f"{gallery.url}/{language}/{name}")
    width, height = browser.script(
        "const page = document.documentElement; return [page.scrollWidth, page.scrollHeight]"
    )
    assert (width, height <= 640) == (360, True)
    assert browser.script("return document.documentElement.lang") == language
    assert complaints(browser) == []


def test_text_of_twice_the_size_still_fits(gallery: LoopbackServer, browser: Browser) -> None:
    browser.size(360, 640, phone=True)
    for language in TEXTS:
        for name in TEXTS[language]:
            browser.open(f"{gallery.url}/{language}/{name}")
            browser.script("document.documentElement.style.fontSize = '200%'")
            assert browser.script("return document.documentElement.scrollWidth") == 360, (language, name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(gallery: LoopbackServer, browser: Browser, scheme: str) -> None:
    browser.scheme(scheme)
    browser.open(f"{gallery.url}/en/start")
    found = browser.script(COLOURS)
    assert [name for name, _, _ in found] == ["h1", "p", "action", "note"]
    assert {
        name: round(contrast(text, ground), 1) for name, text, ground in found if contrast(text, ground) < 4.5
    } == {}
    # The two schemes are two: a dark page has light letters.
    assert (luminance(found[0][1]) > luminance(found[0][2])) is (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_keyboard_alone_is_enough(served: World, browser: Browser, scheme: str) -> None:
    identity_id = served.person()
    browser.scheme(scheme)
    browser.open(link(served, identity_id))
    browser.press(TAB)
    name, style, width, colour, ground = browser.script(FOCUS)
    assert (name, style, width >= 2) == ("button", "solid", True)
    assert contrast(colour, ground) >= 3  # https://www.w3.org/TR/WCAG22/#non-text-contrast
    browser.press(ENTER)
    browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    assert len(served.jumio.truth(identity_id)) == 1


def test_a_button_that_a_finger_hits(gallery: LoopbackServer, browser: Browser) -> None:
    browser.size(360, 640, phone=True)
    browser.open(f"{gallery.url}/de/start")
    box = browser.script("const box = document.querySelector('button').getBoundingClientRect();"
                         "return [box.width, box.height]")  # fmt: skip
    assert min(box) >= 44


def test_the_page_needs_no_script(served: World, browser: Browser) -> None:
    identity_id = served.person()
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(link(served, identity_id))
        browser.click("button")
        browser.wait_until(lambda: browser.title == JUMIO_TITLE)
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert len(served.jumio.truth(identity_id)) == 1


def test_what_a_reader_hears(gallery: LoopbackServer, browser: Browser) -> None:
    browser.open(f"{gallery.url}/en/start")
    nodes = browser.tell("Accessibility.getFullAXTree")["nodes"]
    heard = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    text = TEXTS["en"]["start"]
    assert ("heading", text.heading) in heard
    assert ("button", text.action) in heard
    assert not {"image", "img"} & {role for role, _ in heard}  # the icon says nothing the heading does not
    assert [role for role, _ in heard if role == "main"] == ["main"]


def test_the_policy_is_in_force(served: World, browser: Browser) -> None:
    """What somebody might smuggle into a page neither runs nor loads nor styles, and the browser says so."""
    browser.open(link(served, served.person()))
    ran = browser.script("""
        const script = document.createElement("script"); script.textContent = "window.ran = true";
        const image = document.createElement("img"); image.src = "/favicon.ico";
        const style = document.createElement("style"); style.textContent = "h1 { color: red }";
        document.body.append(script, image, style);
        return [window.ran ?? false, getComputedStyle(document.querySelector("h1")).color === "rgb(255, 0, 0)"]""")
    assert ran == [False, False]
    violations: list[str] = []

    def told() -> bool:
        violations.extend(line for line in browser.console() if "Content Security Policy" in line)
        return len(violations) >= 3

    browser.wait_until(told)
