# SPDX-License-Identifier: Apache-2.0
"""Jumio's KYX REST API over the wire: start a workflow, read one. No call is repeated but once after a 401."""

import time
from collections.abc import Callable, Collection
from typing import Any
from uuid import uuid4

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from webhook.core.evidence import Check, Reading
from webhook.core.ids import usable_vendor_id
from webhook.core.signing import capability_token
from webhook.core.start import Started
from webhook.errors import NotStarted, VendorError, VendorRateLimited, VendorRefused, VendorUnavailable, WorkflowUnknown
from webhook.idv.jumio.documents import parse_object, parse_reading, parse_started, parse_token
from webhook.idv.jumio.hosts import base_url_for
from webhook.idv.jumio.token import SharedToken
from webhook.idv.jumio.words import has_face
from webhook.limits import COMMAND_JUMIO_SECONDS, START_NEEDS_SECONDS
from webhook.runtime.deadline import DeadlineExceeded, has_time_for
from webhook.runtime.http import TIMEOUTS, Adapter, Answer, Crowded, Outbound, TooLarge, Unreachable
from webhook.settings import JumioSettings

# Calls in so many seconds, for the whole tenant.
# https://docs.jumio.com/production/Content/Integration/Rate%20Limits.htm
RATE_LIMITS = {"start": (5, 5.0), "read": (75, 5.0), "token": (10, 1.0)}


class JumioClient:
    """One per process; safe to share between requests."""

    def __init__(
        self,
        settings: JumioSettings,
        *,
        callback_base_url: str | None,
        before_call: Callable[[str], None] = lambda operation: None,
    ) -> None:
        """`before_call` is told each operation (`token`, `start`, `read`) and may hold it back.

        Workflows are told to call back below `callback_base_url`, where there is one.
        """
        self._settings = settings
        self._callback_base_url = callback_base_url
        self._outbound = Outbound("jumio", at_most=settings.max_in_flight)
        self._before_call = before_call
        self._session = _Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Adapter())
        self._session.headers.update(
            # Jumio answers 403 to a User-Agent that names no business. Compressed answers would only hide their size.
            {"User-Agent": settings.user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._token = SharedToken(self._fetch_token)
        self._account_url = base_url_for("account", settings.api_base_url)
        self._retrieval_url = base_url_for("retrieval", settings.api_base_url)

    def start(self, identity_id: str, *, account_id: str | None, workflow_key: int | str) -> Started:
        """Start a workflow for the identity, on its Jumio account where it has one.

        https://documentation.jumio.ai/docs/developer-resources/API/CreateUpdateAccounts/creating-and-updating-accounts

        :raises WorkflowUnknown: Jumio does not know the account.
        :raises NotStarted: it was not even sent.
        :raises VendorUnavailable: whether something was started is then not known; it must not simply be repeated.
        :raises VendorRefused: the operator must act.
        """
        body = self._start_body(identity_id, workflow_key)
        if account_id is None:
            answer = self._call("start", "POST", f"{self._account_url}/accounts", json=body)
        else:
            url = f"{self._account_url}/accounts/{_path_segment(account_id)}"
            answer = self._call("start", "PUT", url, json=body)
        return parse_started(answer)

    def read(self, *, account_id: str, workflow_execution_id: str) -> Reading:
        """What Jumio says of a workflow execution now.

        https://documentation.jumio.ai/docs/developer-resources/retrieval

        :raises WorkflowUnknown: Jumio does not know it (yet, or any more).
        :raises VendorUnavailable: try again later.
        :raises VendorRefused: the operator must act.
        """
        account, workflow = _path_segment(account_id), _path_segment(workflow_execution_id)
        url = f"{self._retrieval_url}/accounts/{account}/workflow-executions/{workflow}"
        answer = self._call("read", "GET", url)
        return parse_reading(answer, account_id=account_id, workflow_execution_id=workflow_execution_id)

    def can_compare_face(self, checks: Collection[Check]) -> bool:
        """Whether an earlier verification left a face to compare with."""
        return has_face(checks)

    def check_token(self) -> None:
        """Get a token: shows that Jumio can be reached and takes the credentials.

        :raises VendorError: it does not.
        """
        self._token.get()

    def check_api(self) -> None:
        """Ask for a workflow that nobody has: shows that the API can be reached and takes the token.

        :raises VendorError: it does not.
        """
        nobody = str(uuid4())
        try:
            self._call("read", "GET", f"{self._retrieval_url}/accounts/{nobody}/workflow-executions/{nobody}")
        except WorkflowUnknown:
            return
        raise VendorUnavailable("what answers is not Jumio's API")

    @property
    def api_urls(self) -> tuple[str, ...]:
        """The base URLs that calls go to."""
        return tuple(dict.fromkeys((self._account_url, self._retrieval_url)))

    def _start_body(self, identity_id: str, workflow_key: int | str) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {
            "customerInternalReference": identity_id,
            "userReference": identity_id,
            "workflowDefinition": {"key": workflow_key},
        }
        if self._callback_base_url is not None:
            token = capability_token(identity_id, secret=settings.callback_secrets[0])
            body["callbackUrl"] = f"{self._callback_base_url}/jumio/callback/{identity_id}/{token}"
        if settings.token_lifetime is not None:
            body["tokenLifetime"] = settings.token_lifetime
        web = {
            "successUrl": settings.success_url,
            "errorUrl": settings.error_url,
            "locale": settings.locale,
        }
        if any(web.values()):
            body["web"] = {name: value for name, value in web.items() if value is not None}
        return body

    def _fetch_token(self) -> tuple[str, float]:
        settings = self._settings
        now = time.time()
        answer = self._send(
            "token",
            "POST",
            settings.auth_url,
            data={"grant_type": "client_credentials"},
            auth=HTTPBasicAuth(settings.client_id.encode(), settings.client_secret.encode()),
        )
        return parse_token(_checked("token", answer), now=now)

    def _call(self, operation: str, method: str, url: str, **kwargs: Any) -> bytes:
        token = self._token.get()
        answer = self._send(operation, method, url, auth=_Bearer(token), **kwargs)
        if answer.status == 401:  # nothing was done, so that one more try with a new token is safe even for a POST
            token = self._token.get(refused=token)
            answer = self._send(operation, method, url, auth=_Bearer(token), **kwargs)
        return _checked(operation, answer)

    def _send(self, operation: str, method: str, url: str, **kwargs: Any) -> Answer:
        self._before_call(operation)
        # Until it is, a start has cost nothing.
        sent = operation != "start"

        def before_sending() -> None:
            nonlocal sent
            if not sent and not has_time_for(START_NEEDS_SECONDS):
                raise NotStarted("Jumio was not asked: too little time was left to hear its answer")
            sent = True

        def send() -> Any:
            return self._session.request(
                method, url, timeout=TIMEOUTS, allow_redirects=False, stream=True, **kwargs
            ).raw

        try:
            return self._outbound.exchange(
                operation, send, at_most=COMMAND_JUMIO_SECONDS, before_sending=before_sending
            )
        except Crowded:
            message = "Jumio was not asked: too many calls to it are under way"
        except TooLarge:
            message = "Jumio's answer is too large"
        except DeadlineExceeded:
            message = "Jumio did not answer in time"
        except Unreachable:
            message = "Jumio cannot be reached"
        raise (VendorUnavailable if sent else NotStarted)(message)


class _Session(requests.Session):
    """Without redirects: `allow_redirects=False` alone still reads the redirect's body and prepares its request."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Bearer(AuthBase):
    """As an auth object, so that a stray ~/.netrc cannot replace the header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _path_segment(jumio_id: str) -> str:
    """The id, when it is one that Jumio can have given; a record may hold whatever somebody else wrote there."""
    if usable_vendor_id(jumio_id) is None:
        raise WorkflowUnknown("the recorded id is none of Jumio's")
    return jumio_id


def _checked(operation: str, answer: Answer) -> bytes:
    """The body of a success; the exception that a failure means.

    https://documentation.jumio.ai/developer-resources/api/account (problem JSON: title, status, detail)
    """
    status = answer.status
    if 200 <= status < 300:
        return answer.body
    if status == 429:
        raise VendorRateLimited("Jumio limits the rate (429)", status=status)
    if status == 404 and operation != "token":
        raise WorkflowUnknown("Jumio does not know the account or workflow (404)", status=status)
    if 400 <= status < 500:
        raise VendorRefused(f"Jumio refused the {operation} request ({status}{_title(answer.body)})", status=status)
    raise VendorUnavailable(f"Jumio cannot serve the {operation} request now ({status})", status=status)


def _title(body: bytes) -> str:
    """The problem's title, which names no person; its `detail` may, and stays out of logs and answers."""
    try:
        title = parse_object(body).get("title")
    except VendorError:
        return ""
    return f" {title[:60]}" if isinstance(title, str) and title.isascii() and title.isprintable() else ""
