# SPDX-License-Identifier: Apache-2.0
"""Kratos' admin API over the wire, through `ory_client`: read, patch and list identities, end their sessions."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, cast

import urllib3

from webhook.core.record import Record
from webhook.errors import AnswerTooLarge, IdentityUnknown, KratosRefused, KratosUnavailable
from webhook.ory.kratos.documents import (
    Identity,
    is_writable,
    next_page_token,
    parse_identity,
    parse_json,
    parse_page,
    patch_of,
)
from webhook.ory.kratos.metadata import copies_agree
from webhook.ory.kratos.sdk import ApiClient, ApiException, Configuration, IdentityApi, JsonPatch
from webhook.runtime.deadline import DeadlineExceeded, has_time_for, time_limit
from webhook.runtime.http import BoundedPoolManager, TooLarge, read_bounded, timeouts
from webhook.runtime.log import outbound_call
from webhook.settings import Settings

# For one operation with its retries; see the three stages of a request in webhook.verification.settle.
CALL_SECONDS = 3.0
# A transient refusal (write conflict, rate limit) is tried again after these waits, time permitting.
RETRY_WAITS = (0.1, 0.3)
PAGE_SIZE = 500
_CONFLICT = b"Unable to serialize access"


class _Answer(Protocol):
    status: int
    headers: Any

    def read(self, amt: int, decode_content: bool) -> bytes: ...
    def close(self) -> None: ...
    def release_conn(self) -> None: ...


class KratosClient:
    """One per process; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        client = ApiClient(Configuration(host=settings.kratos_admin_url, access_token=settings.ory_api_key))
        client.user_agent = settings.jumio_user_agent
        client.rest_client.pool_manager = BoundedPoolManager()
        self._client = client
        self._identities = IdentityApi(client)

    def get(self, identity_id: str) -> Identity:
        """The identity, with its admin metadata.

        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.get_identity_without_preload_content
        body, _ = _call("get_identity", partial(send, identity_id))
        return parse_identity(parse_json(body))

    def write(self, identity: Identity, record: Record, *, state: str | None = None) -> Identity:
        """Write both copies of the record below our own members, and the state where one is given.

        Kratos reads, changes and writes the whole row without a lock, so its reply is read as the proof.

        :raises KratosRefused: also when the metadata has a shape that cannot hold a member.
        :raises KratosUnavailable: also when the reply does not hold what was written.
        """
        if not is_writable(identity):
            raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")
        patch = [JsonPatch(**operation) for operation in patch_of(record, state=state)]
        send = self._identities.patch_identity_without_preload_content
        body, _ = _call("patch_identity", partial(send, identity.id, patch))
        written = parse_identity(parse_json(body))
        if not copies_agree(record, written.metadata_public, written.metadata_admin) or (
            state is not None and written.state != state
        ):
            raise KratosUnavailable("Kratos did not keep what was written")
        return written

    def page(self, token: str | None, *, size: int = PAGE_SIZE) -> tuple[list[Identity], str | None]:
        """One page of all identities, and the token of the next one.

        A page whose answer would be too large is asked for again in halves.

        :raises AnswerTooLarge: a single identity is; `next_page_token` of its `link` goes on after it.
        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.list_identities_without_preload_content
        while True:
            try:
                asked = partial(send, page_size=size, page_token=token)
                body, headers = _call("list_identities", asked)
            except AnswerTooLarge:
                if size == 1:
                    raise
                size //= 2
                continue
            return parse_page(parse_json(body)), next_page_token(headers.get("Link"))

    def end_sessions(self, identity_id: str) -> bool:
        """End every session of the identity; whether there were any. Kratos answers 404 where there are none.

        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.delete_identity_sessions_without_preload_content
        try:
            _call("delete_sessions", partial(send, identity_id))
        except IdentityUnknown:
            return False
        return True

    def check_ready(self) -> None:
        """Ask for Kratos' readiness: https://www.ory.com/docs/kratos/reference/api#tag/metadata

        :raises KratosError: it is not ready, or cannot be reached.
        """
        url = f"{self._client.configuration.host}/health/ready"
        headers = {"User-Agent": self._client.user_agent, "Accept": "application/json"}
        rest: Any = self._client.rest_client
        with time_limit(CALL_SECONDS), _not_found_is_unavailable():
            _once("ready", lambda **kw: cast("_Answer", rest.request("GET", url, headers=headers, **kw).response))


@contextlib.contextmanager
def _not_found_is_unavailable() -> Iterator[None]:
    try:
        yield
    except IdentityUnknown:
        raise KratosUnavailable("what answers is not Kratos (404)") from None


def _call(operation: str, send: Callable[..., _Answer]) -> tuple[bytes, Any]:
    """Send, and once more after each wait when Kratos asks for it and the time allows."""
    with time_limit(CALL_SECONDS):
        for wait in RETRY_WAITS:
            try:
                return _once(operation, send)
            except _Transient as error:
                pause = error.retry_after if error.retry_after is not None else wait
                if not has_time_for(pause):
                    raise
                time.sleep(pause)
        return _once(operation, send)


class _Transient(KratosUnavailable):
    """Kratos said itself that trying again helps."""


def _once(operation: str, send: Callable[..., _Answer]) -> tuple[bytes, Any]:
    with outbound_call("kratos", operation) as call, _translated():
        answer = send(_request_timeout=timeouts())
        try:
            body = read_bounded(answer)
        except TooLarge:
            answer.close()
            raise AnswerTooLarge("Kratos' answer is too large", link=answer.headers.get("Link")) from None
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        call.status = answer.status
        _check(answer.status, answer.headers, body)
        return body, answer.headers


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except urllib3.exceptions.NewConnectionError:  # refused; urllib3 counts it among the time-outs
        raise KratosUnavailable("Kratos cannot be reached") from None
    except (urllib3.exceptions.TimeoutError, DeadlineExceeded):
        raise KratosUnavailable("Kratos did not answer in time") from None
    except (urllib3.exceptions.HTTPError, OSError, ApiException):  # ory_client's own stands for a failed TLS handshake
        raise KratosUnavailable("Kratos cannot be reached") from None


def _check(status: int, headers: Any, body: bytes) -> None:
    if 200 <= status < 300:
        return
    if status == 404:
        raise IdentityUnknown("Kratos does not know the identity (404)")
    if status in (409, 429) or (status == 400 and _CONFLICT in body):
        raise _Transient(f"Kratos asks to try again ({status})", retry_after=_reset_seconds(headers))
    if 400 <= status < 500:
        raise KratosRefused(f"Kratos refused the request ({status})")
    raise KratosUnavailable(f"Kratos cannot serve the request now ({status})")


def _reset_seconds(headers: Any) -> float | None:
    """When Ory Network's rate limit opens again: https://www.ory.com/docs/guides/rate-limits"""
    text = headers.get("x-ratelimit-reset") or ""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
