# SPDX-License-Identifier: Apache-2.0
"""`/jumio/verify/{token}`: opening it leads to the open workflow; only the button on its page starts one.

A GET never starts anything, since mail scanners open every link, and every start costs money.
"""

from collections import Counter
from collections.abc import Callable

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as BaseResponse

from webhook.core.events import Note
from webhook.core.record import Record
from webhook.core.status import STARTABLE, Status
from webhook.errors import IdentityUnknown, ServiceError
from webhook.limits import LOOK_SECONDS, REQUEST_SECONDS
from webhook.runtime import log
from webhook.runtime.deadline import DeadlineExceeded, time_limit
from webhook.verification.links import PATH, LinkExpired
from webhook.verification.settle import VerdictNotRecorded
from webhook.web.pages.page import PRIVATE, page
from webhook.web.pages.texts import texts_for
from webhook.wiring import Services

# Pages of one person that may wait for a peer at once: anybody who has a link can open it often.
AT_ONCE = 3


class Pages:
    """What to show a person who opens our link, by what Kratos knows of them."""

    def __init__(self, services: Services) -> None:
        self._kratos = services.kratos
        self._starter = services.starter
        self._settler = services.settler
        self._links = services.links
        self._language, self._texts = texts_for(services.settings.jumio.locale)
        self._inside: Counter[tuple[str, str]] = Counter()
        self._coordination = services.coordination

    def open(self, token: str) -> BaseResponse:
        """Lead on to the open workflow, or say how things stand; starts nothing."""
        return self._for_whom(token, self._open)

    def start(self, token: str) -> BaseResponse:
        """The button: start what is due, and lead on to it."""
        return self._for_whom(token, self._start)

    def _for_whom(self, token: str, work: Callable[[str], BaseResponse]) -> BaseResponse:
        try:
            identity_id = self._links.read(token)
        except LinkExpired:
            return self.page("expired")
        if identity_id is None:
            log.event(Note.SECRET_REFUSED, route=f"{PATH}/<token>")
            return self.page("unknown")
        log.bind(identity_id=identity_id)
        place = (identity_id, work.__name__)  # presses that wait for a vendor keep nobody from opening the page
        if self._inside[place] >= AT_ONCE:
            return self.page("later")
        self._inside[place] += 1
        try:
            with time_limit(REQUEST_SECONDS):
                return work(identity_id)
        except IdentityUnknown:
            return self.page("unknown")
        except (ServiceError, DeadlineExceeded) as error:
            log.event(Note.PAGE_FAILED, error=error)
            return self.page("later")
        finally:
            self._inside[place] -= 1
            if not self._inside[place]:
                del self._inside[place]

    def _open(self, identity_id: str) -> BaseResponse:
        record = self._current(identity_id)
        url = self._open_url(record)
        return self.page(_page_for(record)) if url is None else _sent_on(url)

    def _start(self, identity_id: str) -> BaseResponse:
        record = self._starter.resume(identity_id).record
        url = self._open_url(record)
        if url is not None:
            # Not a redirect: browsers hold form-action against every redirect that follows a form.
            return self.page("continue", refresh_to=url)
        name = _page_for(record)
        return self.page("later" if name == "start" else name)

    def page(self, name: str, *, refresh_to: str | None = None) -> Response:
        """One of the pages of `texts`."""
        return page(name, self._texts[name], language=self._language, refresh_to=refresh_to)

    def _current(self, identity_id: str) -> Record:
        """The record; looked at again where a workflow is open, which may have expired since."""
        record = self._links.restored(identity_id, self._kratos.get(identity_id).record)
        if self._open_url(record) is None and record.status is not Status.PENDING:
            return record
        if not self._coordination.may_look(identity_id):
            return record
        try:
            with time_limit(LOOK_SECONDS):
                return self._settler.look(identity_id).record
        except VerdictNotRecorded as error:
            log.event(Note.PAGE_NOT_RECORDED, error=error)
            return error.record
        except (ServiceError, DeadlineExceeded) as error:  # what is known leads on as well
            log.event(Note.PAGE_NOT_LOOKED, error=error)
            return record

    def _open_url(self, record: Record) -> str | None:
        """Jumio's own link to what is open."""
        is_open = record.status is Status.PENDING
        url = record.vendor_url if is_open else getattr(record.open_reverification, "vendor_url", None)
        return None if url is None or self._links.is_ours(url) else url


def verification_pages(services: Services) -> Blueprint:
    """The routes of our own link."""
    blueprint = Blueprint("verification_pages", __name__)
    pages = Pages(services)
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
