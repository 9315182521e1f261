# SPDX-License-Identifier: Apache-2.0
"""Opening our own link, pressing its button, and taking the page apart that comes back."""

import base64
import hashlib
import time
from html.parser import HTMLParser
from typing import Any

from itsdangerous import TimestampSigner
from support import CALLBACK_SECRET, World
from werkzeug.test import TestResponse

from webhook.verification.links import Links
from webhook.web.pages.texts import TEXTS

PUBLIC_URL = "https://verify.example.com"
PREFIX = f"{PUBLIC_URL}/jumio/verify/"
CODES = {"expired": 410, "unknown": 404, "later": 503}


def token_for(world: World, person: str) -> str:
    link = Links(world.settings.links).make(person)
    assert link is not None
    return link.removeprefix(PREFIX)


def forged(identity_id: str, *, secret: str = CALLBACK_SECRET, age: float = 0, salt: str | None = None) -> str:
    """A token made by somebody else, or long ago."""

    class Then(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - age)

    signer = Then(secret, salt=salt or "ory-jumio-webhook.verification-link", digest_method=hashlib.sha256)
    return signer.sign(identity_id).decode()


def opened(world: World, token: str, **options: Any) -> TestResponse:
    return world.client.get(f"/jumio/verify/{token}", **options)


def pressed(world: World, token: str) -> TestResponse:
    return world.client.post(f"/jumio/verify/{token}")


def started(world: World, name: str = "person") -> str:
    """Somebody whose workflow is open."""
    person = world.person(name)
    assert world.initiate(person).status_code == 200
    world.forget_calls()
    return person


class Page(HTMLParser):
    """A page taken apart; complains about what is not closed."""

    VOID = frozenset({"meta", "br", "link", "input", "img"})

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.source = answer.get_data(as_text=True)
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open:
            self.texts.setdefault(self.open[-1], []).append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_page(answer: TestResponse, name: str, *, language: str = "en", leads_to: str | None = None) -> Page:
    """One of our pages, whole, with its code and headers, and without anything that could leave it."""
    assert answer.status_code == CODES.get(name, 200), answer.get_data(as_text=True)
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers.get("Retry-After") == ("5" if answer.status_code == 503 else None)
    page = Page(answer)
    text = TEXTS[language][name]
    assert page.source.startswith("<!doctype html>")
    assert len(page.source) < 4096
    assert page.all("html") == [{"lang": language}]
    assert (page.texts["title"], page.texts["h1"]) == ([text.heading], [text.heading])
    assert page.texts["p"] == [text.body, *([text.note] if text.note else [])]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert [len(page.all(tag)) for tag in ("main", "h1", "script", "img", "link", "iframe")] == [1, 1, 0, 0, 0, 0]
    allowed = {"style": 0, "src": 0, "target": 0}
    assert [attributes for _, attributes in page.tags if attributes.keys() & allowed.keys()] == []
    assert [attributes for _, attributes in page.tags if any(key.startswith("on") for key in attributes)] == []
    style = page.source.partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert_private(answer)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    has_form = name == "start"
    assert page.all("form") == ([{"method": "post"}] if has_form else [])
    assert page.all("button") == ([{"class": "action", "type": "submit"}] if has_form else [])
    assert page.texts.get("button", []) == ([text.action] if has_form else [])
    refreshes = [attributes for attributes in page.all("meta") if "http-equiv" in attributes]
    if name == "continue":
        url = page.all("a")[0]["href"]
        assert leads_to in (None, url)
        assert page.all("a") == [{"class": "action", "href": url, "rel": "noreferrer"}]
        assert page.texts["a"] == [text.action]
        assert refreshes == [{"http-equiv": "refresh", "content": f"0; url={url}"}]
    else:
        assert (page.all("a"), refreshes, leads_to) == ([], [], None)
        assert "authorizationToken" not in page.source
    return page


def assert_sent_on(answer: TestResponse, url: str) -> None:
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    assert_private(answer)


def assert_private(answer: TestResponse) -> None:
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
