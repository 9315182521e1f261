# SPDX-License-Identifier: Apache-2.0
"""`/jumio/verify/{token}`: opening it leads to the open workflow; only the button on its page starts one.

A GET never starts anything, since mail scanners open every link, and every start costs money.
"""

import base64
import hashlib
from pathlib import Path

from flask import Blueprint, Response, redirect, render_template_string
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from webhook import log
from webhook.core.record import Record
from webhook.core.status import STARTABLE, Status
from webhook.deadline import DeadlineExceeded, time_limit
from webhook.errors import IdentityUnknown, JumioError, KratosError
from webhook.links import PATH, LinkExpired, Links
from webhook.pages.texts import texts_for
from webhook.settings import Settings
from webhook.verification import Verifications

REQUEST_SECONDS = 11.5
LOOK_SECONDS = 2.0

_STYLE = """
body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}
main{max-width:32rem;margin:0 auto;padding:3rem 1.25rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 1rem}
.action{display:inline-block;font:inherit;font-weight:600;padding:.75rem 1.75rem;min-height:2.75rem;
border:0;border-radius:.5rem;background:#1d4ed8;color:#fff;text-decoration:none;cursor:pointer}
.action:focus-visible{outline:3px solid #1a1a1a;outline-offset:3px}
@media (prefers-color-scheme:dark){body{color:#f2f2f2;background:#161616}.action:focus-visible{outline-color:#fff}}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_CODES = {"expired": 410, "unknown": 404, "later": 503}


class Pages:
    """What to show a person who opens our link, by what Kratos knows of them."""

    def __init__(self, settings: Settings, verifications: Verifications) -> None:
        self._verifications = verifications
        self._links = Links(settings)
        self._language, self._texts = texts_for(settings.jumio_locale)
        self._template = Path(__file__).with_name("page.html").read_text()

    def open(self, token: str) -> BaseResponse:
        """Lead on to the open workflow, or say how things stand; starts nothing."""
        identity_id = self._identity_id(token)
        if isinstance(identity_id, Response):
            return identity_id
        record = self._current(identity_id)
        if record is None:
            return self.page("later")
        url = self._open_url(record)
        return self.page(_page_for(record)) if url is None else _sent_on(url)

    def start(self, token: str) -> BaseResponse:
        """The button: start what is due, and lead on to it."""
        identity_id = self._identity_id(token)
        if isinstance(identity_id, Response):
            return identity_id
        try:
            with time_limit(REQUEST_SECONDS):
                record = self._verifications.resume(identity_id).record
        except IdentityUnknown:
            return self.page("unknown")
        except (JumioError, KratosError, DeadlineExceeded) as error:
            log.event("page.failed", error=error)
            return self.page("later")
        url = self._open_url(record)
        if url is not None:
            # Not a redirect: browsers hold form-action against every redirect that follows a form.
            return self.page("continue", refresh_to=url)
        name = _page_for(record)
        return self.page("later" if name == "start" else name)

    def page(self, name: str, *, refresh_to: str | None = None) -> Response:
        """One of the pages of `texts`."""
        body = render_template_string(
            self._template,
            language=self._language,
            text=self._texts[name],
            style=Markup(_STYLE),  # noqa: S704  # our own constant
            refresh_to=refresh_to,
        )
        return Response(body, status=_CODES.get(name, 200), headers=_HEADERS, content_type="text/html; charset=utf-8")

    def _identity_id(self, token: str) -> str | Response:
        try:
            identity_id = self._links.read(token)
        except LinkExpired:
            return self.page("expired")
        if identity_id is None:
            log.event("secret.refused", route=f"{PATH}/<token>")
            return self.page("unknown")
        log.bind(identity_id=identity_id)
        return identity_id

    def _current(self, identity_id: str) -> Record | None:
        """The record; looked at again where a workflow is open, which may have expired since."""
        try:
            with time_limit(REQUEST_SECONDS):
                record = self._verifications.recorded(identity_id)
                if self._open_url(record) is None and record.status is not Status.PENDING:
                    return record
                try:
                    with time_limit(LOOK_SECONDS):
                        return self._verifications.look(identity_id).record
                except (JumioError, DeadlineExceeded) as error:
                    log.event("page.not_looked", error=error)
                    return record
        except IdentityUnknown:
            return Record()
        except (KratosError, DeadlineExceeded) as error:
            log.event("page.failed", error=error)
            return None

    def _open_url(self, record: Record) -> str | None:
        further = record.reverification
        if record.status is Status.PENDING:
            url = record.jumio_url
        else:
            url = further.jumio_url if further is not None and further.workflow_execution_id is not None else None
        return None if url is None or self._links.is_ours(url) else url


def verification_pages(settings: Settings, verifications: Verifications) -> Blueprint:
    """The routes of our own link."""
    blueprint = Blueprint("verification_pages", __name__)
    pages = Pages(settings, verifications)
    blueprint.get(f"{PATH}/<token>", endpoint="open")(pages.open)
    blueprint.post(f"{PATH}/<token>", endpoint="start")(pages.start)
    return blueprint


def _page_for(record: Record) -> str:
    if record.status in STARTABLE or record.reverification is not None:
        return "start"
    return {Status.APPROVED: "verified", Status.REVIEW: "review", Status.REJECTED: "rejected"}.get(
        record.status, "later"
    )


def _sent_on(url: str) -> BaseResponse:
    response = redirect(url, 303)
    response.headers.update({name: _HEADERS[name] for name in ("Cache-Control", "Referrer-Policy")})
    return response
