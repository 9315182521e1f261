# SPDX-License-Identifier: Apache-2.0
"""Jumio's KYX REST API over the wire: start a workflow, read one. No call is repeated but once after a 401."""

import time
from collections.abc import Callable
from typing import Any

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth

from webhook.core.settle import Reading
from webhook.core.signing import capability_token
from webhook.core.start import Started
from webhook.errors import JumioError, JumioRateLimited, JumioRefused, JumioUnavailable, WorkflowUnknown
from webhook.idv.jumio.documents import parse_object, parse_reading, parse_started, parse_token
from webhook.idv.jumio.hosts import base_url_for
from webhook.idv.jumio.token import SharedToken
from webhook.ory.kratos.hooks import usable_jumio_id
from webhook.runtime.deadline import DeadlineExceeded
from webhook.runtime.http import BoundedAdapter, TooLarge, read_bounded, timeouts
from webhook.runtime.log import outbound_call
from webhook.settings import Settings


class JumioClient:
    """One per process; safe to share between threads."""

    def __init__(self, settings: Settings, *, before_call: Callable[[str], None] = lambda operation: None) -> None:
        """`before_call` is told each operation (`token`, `start`, `read`) and may hold it back."""
        self._settings = settings
        self._before_call = before_call
        self._session = _Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter())
        self._session.headers.update(
            # Jumio answers 403 to a User-Agent that names no business. Compressed answers would only hide their size.
            {"User-Agent": settings.jumio_user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._token = SharedToken(self._fetch_token)
        self._account_url = base_url_for("account", settings.jumio_api_base_url)
        self._retrieval_url = base_url_for("retrieval", settings.jumio_api_base_url)

    def start(self, identity_id: str, *, account_id: str | None, workflow_key: int | str) -> Started:
        """Start a workflow for the identity, on its Jumio account where it has one.

        https://documentation.jumio.ai/docs/developer-resources/API/CreateUpdateAccounts/creating-and-updating-accounts

        :raises WorkflowUnknown: Jumio does not know the account.
        :raises JumioUnavailable: whether something was started is then not known; it must not simply be repeated.
        :raises JumioRefused: the operator must act.
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
        :raises JumioUnavailable: try again later.
        :raises JumioRefused: the operator must act.
        """
        account, workflow = _path_segment(account_id), _path_segment(workflow_execution_id)
        url = f"{self._retrieval_url}/accounts/{account}/workflow-executions/{workflow}"
        answer = self._call("read", "GET", url)
        return parse_reading(answer, account_id=account_id, workflow_execution_id=workflow_execution_id)

    def check_token(self) -> None:
        """Get a token: shows that Jumio can be reached and takes the credentials.

        :raises JumioError: it does not.
        """
        self._token.get()

    def _start_body(self, identity_id: str, workflow_key: int | str) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {
            "customerInternalReference": identity_id,
            "userReference": identity_id,
            "workflowDefinition": {"key": workflow_key},
        }
        if settings.public_url is not None:
            token = capability_token(identity_id, secret=settings.jumio_callback_secrets[0])
            body["callbackUrl"] = f"{settings.public_url}/jumio/callback/{identity_id}/{token}"
        if settings.jumio_token_lifetime is not None:
            body["tokenLifetime"] = settings.jumio_token_lifetime
        web = {
            "successUrl": settings.jumio_success_url,
            "errorUrl": settings.jumio_error_url,
            "locale": settings.jumio_locale,
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
            settings.jumio_auth_url,
            data={"grant_type": "client_credentials"},
            auth=HTTPBasicAuth(settings.jumio_client_id.encode(), settings.jumio_client_secret.encode()),
        )
        return parse_token(_checked("token", *answer), now=now)

    def _call(self, operation: str, method: str, url: str, **kwargs: Any) -> bytes:
        token = self._token.get()
        status, body = self._send(operation, method, url, auth=_Bearer(token), **kwargs)
        if status == 401:  # nothing was done, so that one more try with a new token is safe even for a POST
            token = self._token.get(refused=token)
            status, body = self._send(operation, method, url, auth=_Bearer(token), **kwargs)
        return _checked(operation, status, body)

    def _send(self, operation: str, method: str, url: str, **kwargs: Any) -> tuple[int, bytes]:
        self._before_call(operation)
        with outbound_call("jumio", operation) as call:
            try:
                response = self._session.request(
                    method, url, timeout=timeouts(), allow_redirects=False, stream=True, **kwargs
                )
                with response:
                    body = read_bounded(response.raw)
            except TooLarge:
                raise JumioUnavailable("Jumio's answer is too large") from None
            except (requests.Timeout, urllib3.exceptions.TimeoutError, DeadlineExceeded):
                raise JumioUnavailable("Jumio did not answer in time") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
                raise JumioUnavailable("Jumio cannot be reached") from None
            call.status = response.status_code
            return response.status_code, body


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
    if usable_jumio_id(jumio_id) is None:
        raise WorkflowUnknown("the recorded id is none of Jumio's")
    return jumio_id


def _checked(operation: str, status: int, body: bytes) -> bytes:
    """The body of a success; the exception that a failure means.

    https://documentation.jumio.ai/developer-resources/api/account (problem JSON: title, status, detail)
    """
    if 200 <= status < 300:
        return body
    if status == 429:
        raise JumioRateLimited("Jumio limits the rate (429)")
    if status == 404 and operation != "token":
        raise WorkflowUnknown("Jumio does not know the account or workflow (404)")
    if 400 <= status < 500:
        raise JumioRefused(f"Jumio refused the {operation} request ({status}{_title(body)})")
    raise JumioUnavailable(f"Jumio cannot serve the {operation} request now ({status})")


def _title(body: bytes) -> str:
    """The problem's title, which names no person; its `detail` may, and stays out of logs and answers."""
    try:
        title = parse_object(body).get("title")
    except JumioError:
        return ""
    return f" {title[:60]}" if isinstance(title, str) and title.isascii() and title.isprintable() else ""
