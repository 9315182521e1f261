# SPDX-License-Identifier: Apache-2.0
"""`/jumio/verify/{token}`: opening it leads to the open workflow; only the button on its page starts one.

A GET never starts anything, since mail scanners open every link, and every start costs money.
"""

import threading
import time
from collections.abc import Callable

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as BaseResponse

from webhook.core.record import Record
from webhook.core.status import STARTABLE, Status
from webhook.errors import IdentityUnknown, JumioError, KratosError
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.settings import Settings
from webhook.verification.links import PATH, LinkExpired, Links
from webhook.verification.settle import VerdictNotRecorded, Verifications
from webhook.web.pages.page import PRIVATE, page
from webhook.web.pages.texts import texts_for

REQUEST_SECONDS = 11.5
LOOK_SECONDS = 2.0
LOOK_EVERY_SECONDS = 5.0
LOOKS_REMEMBERED = 10_000
# Of a worker's 8 threads.
AT_ONCE = 3


class Pages:
    """What to show a person who opens our link, by what Kratos knows of them."""

    def __init__(self, settings: Settings, verifications: Verifications) -> None:
        self._verifications = verifications
        self._links = Links(settings)
        self._language, self._texts = texts_for(settings.jumio_locale)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._looked_at: dict[str, float] = {}

    def open(self, token: str) -> BaseResponse:
        """Lead on to the open workflow, or say how things stand; starts nothing."""
        return self._in_turn(self._open, token)

    def start(self, token: str) -> BaseResponse:
        """The button: start what is due, and lead on to it."""
        return self._in_turn(self._start, token)

    def _in_turn(self, work: Callable[[str], BaseResponse], token: str) -> BaseResponse:
        """Never so many at once that sign-ins would have to wait for them: anybody with a link can open it often."""
        if not self._places.acquire(blocking=False):
            return self.page("later")
        try:
            return work(token)
        finally:
            self._places.release()

    def _open(self, token: str) -> BaseResponse:
        identity_id = self._identity_id(token)
        if isinstance(identity_id, Response):
            return identity_id
        try:
            with time_limit(REQUEST_SECONDS):
                record = self._current(identity_id)
        except IdentityUnknown:
            return self.page("unknown")
        except (KratosError, DeadlineExceeded) as error:
            log.event("page.failed", error=error)
            return self.page("later")
        url = self._open_url(record)
        return self.page(_page_for(record)) if url is None else _sent_on(url)

    def _start(self, token: str) -> BaseResponse:
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
        return page(name, self._texts[name], language=self._language, refresh_to=refresh_to)

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

    def _current(self, identity_id: str) -> Record:
        """The record; looked at again where a workflow is open, which may have expired since."""
        record = self._verifications.recorded(identity_id)
        if self._open_url(record) is None and record.status is not Status.PENDING:
            return record
        if not self._may_look(identity_id):
            return record
        try:
            with time_limit(LOOK_SECONDS):
                return self._verifications.look(identity_id).record
        except VerdictNotRecorded as error:
            log.event("page.not_recorded", error=error)
            return error.record
        except (JumioError, KratosError, DeadlineExceeded) as error:  # what is known leads on as well
            log.event("page.not_looked", error=error)
            return record

    def _may_look(self, identity_id: str) -> bool:
        """Once in a while for each person: every look costs one of the few readings that Jumio allows."""
        now = time.monotonic()
        if now - self._looked_at.get(identity_id, -LOOK_EVERY_SECONDS) < LOOK_EVERY_SECONDS:
            return False
        if len(self._looked_at) >= LOOKS_REMEMBERED:
            self._looked_at.clear()
        self._looked_at[identity_id] = now
        return True

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
    response.headers.update(PRIVATE)
    return response
