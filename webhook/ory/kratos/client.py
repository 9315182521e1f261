# SPDX-License-Identifier: Apache-2.0
"""Kratos' admin API over the wire, through `ory_client`: read, patch and list identities, end their sessions."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from webhook.core.identity import Identity as AnyIdentity
from webhook.core.record import Record
from webhook.errors import AnswerTooLarge, IdentityUnknown, KratosRefused, KratosUnavailable, NotKratos, TooDeep
from webhook.limits import KRATOS_SECONDS, PLACE_SECONDS
from webhook.ory.kratos.documents import (
    Identity,
    answered_at,
    next_page_token,
    parse_identity,
    parse_json,
    parse_page,
    patch_of,
    patch_of_asking,
)
from webhook.ory.kratos.sdk import ApiClient, ApiException, Configuration, IdentityApi, JsonPatch
from webhook.runtime.deadline import DeadlineExceeded, has_time_for, time_limit
from webhook.runtime.http import TIMEOUTS, Answer, Crowded, Outbound, PoolManager, TooLarge, Unreachable
from webhook.settings import KratosSettings

# A transient refusal (write conflict, rate limit) is tried again after these waits, time permitting.
RETRY_WAITS = (0.1, 0.3)
PAGE_SIZE = 500
# Where answers were too large, pages grow again after so many that were not.
PAGES_UNTIL_LARGER = 4
# Calls that a sweep leaves in a bucket of Ory Network's, and for how long it waits for a full one at most.
LEFT_TO_OTHERS = 2
LONGEST_REST_SECONDS = 60.0
_CONFLICT = b"Unable to serialize access"

_Send = Callable[..., Any]


class KratosClient:
    """One per process; safe to share between requests.

    `is_patient`, for sweeps: where Ory Network says that few calls are left in its bucket, the next one of the kind
    waits until the bucket is full again, so that hooks and callbacks find it so.
    """

    def __init__(self, settings: KratosSettings, *, is_patient: bool = False) -> None:
        self._is_patient = is_patient
        self._traits = settings.traits
        self._resume_at: dict[str, float] = {}
        self._page_size, self._fitted = PAGE_SIZE, 0
        client = ApiClient(Configuration(host=settings.admin_url, access_token=settings.api_key))
        client.user_agent = settings.user_agent
        client.rest_client.pool_manager = PoolManager()
        self._client = client
        self._identities = IdentityApi(client)
        self._outbound = Outbound("kratos", at_most=settings.max_in_flight)

    def get(self, identity_id: str) -> Identity:
        """The identity, with its admin metadata.

        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.get_identity_without_preload_content
        answer = self._call("get_identity", partial(send, identity_id))
        return self._identity_of(answer)

    def note_asked(self, identity_id: str, asked_at: str) -> Identity:
        """Note that a start is asked for, whatever else is recorded. Kratos' reply spares reading the identity before.

        :raises KratosRefused: 400 where the metadata has a shape that cannot hold the note.
        """
        return self._patch(identity_id, patch_of_asking(asked_at))

    def write(self, identity: AnyIdentity, record: Record, *, state: str | None = None) -> Identity:
        """Write both copies of the record below our own members, and the state where one is given.

        Kratos reads, changes and writes the whole row without a lock, so its reply is read as the proof.

        :raises KratosRefused: also when the metadata has a shape that cannot hold a member.
        :raises KratosUnavailable: also when the reply does not hold what was written.
        """
        if not identity.is_writable:
            raise KratosRefused("the identity's metadata is not a JSON object, so nothing can be noted in it")
        patch = patch_of(record, onto=identity, state=state)
        try:
            written = self._patch(identity.id, patch)
            is_kept = written.shows(patch)
        except RecursionError:  # members of another version stay, whatever they are
            raise KratosRefused("what stands in the identity's metadata is nested too deeply") from None
        if not is_kept:
            raise KratosUnavailable("Kratos did not keep what was written")
        return written

    def page(self, token: str | None, *, size: int = PAGE_SIZE) -> tuple[list[Identity], str | None]:
        """One page of all identities, and the token of the next one.

        A page whose answer would be too large is asked for again in halves, and so are those after it.

        :raises AnswerTooLarge: a single identity is; its `next_page` goes on after it.
        :raises KratosError: see `webhook.errors`.
        """
        send, following = self._identities.list_identities_without_preload_content, None
        while True:
            asked_for = min(size, self._page_size)
            try:
                answer = self._call("list_identities", partial(send, page_size=asked_for, page_token=token))
                following = next_page_token(answer.headers.get("Link"))
                page = self._page_of(answer)
            except (AnswerTooLarge, TooDeep) as error:
                self._page_size, self._fitted = max(asked_for // 2, 1), 0
                if asked_for == 1:
                    following = error.next_page if isinstance(error, AnswerTooLarge) else following
                    raise AnswerTooLarge(str(error), next_page=following) from None
                continue
            self._fitted += 1
            if self._fitted >= PAGES_UNTIL_LARGER:
                self._page_size, self._fitted = min(self._page_size * 2, PAGE_SIZE), 0
            return page, following

    def many(self, identity_ids: Sequence[str]) -> list[Identity]:
        """These identities, at most 500, in no order; those that Kratos does not know are left out.

        So are those that are too large to be read. Where together they are, they are asked for in halves.

        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.list_identities_without_preload_content
        try:
            return self._page_of(self._call("list_identities", partial(send, ids=list(identity_ids))))
        except (AnswerTooLarge, TooDeep):
            half = len(identity_ids) // 2
            return [*self.many(identity_ids[:half]), *self.many(identity_ids[half:])] if half else []

    def by_address(self, address: str) -> list[Identity]:
        """Whoever signs in with this address; Kratos finds it however it is written.

        It is one's only, as a rule: Kratos keeps it apart for each way to sign in. The first two are told.

        :raises KratosError: see `webhook.errors`.
        """
        if not address.strip():  # Kratos would list everybody
            return []
        send = self._identities.list_identities_without_preload_content
        return self._page_of(self._call("list_identities", partial(send, page_size=2, credentials_identifier=address)))

    def end_sessions(self, identity_id: str) -> bool:
        """End every session of the identity; whether there were any. Kratos answers 404 where there are none.

        :raises KratosError: see `webhook.errors`.
        """
        send = self._identities.delete_identity_sessions_without_preload_content
        try:
            self._call("delete_sessions", partial(send, identity_id))
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
        with time_limit(KRATOS_SECONDS):
            try:
                self._once("ready", lambda **kw: rest.request("GET", url, headers=headers, **kw).response)
            except IdentityUnknown:
                raise NotKratos("what answers is not Kratos (404)", status=404) from None

    def _patch(self, identity_id: str, patch: Sequence[Mapping[str, Any]]) -> Identity:
        send = self._identities.patch_identity_without_preload_content
        operations = [JsonPatch(**operation) for operation in patch]
        return self._identity_of(self._call("patch_identity", partial(send, identity_id, operations)))

    def _page_of(self, answer: Answer) -> list[Identity]:
        told_at = answered_at(answer.headers.get("Date"))
        return parse_page(parse_json(answer.body), told_at=told_at, traits=self._traits)

    def _identity_of(self, answer: Answer) -> Identity:
        told_at = answered_at(answer.headers.get("Date"))
        return parse_identity(parse_json(answer.body), told_at=told_at, traits=self._traits)

    def _call(self, operation: str, send: _Send) -> Answer:
        """Send, and once more after each wait when Kratos asks for it and the time allows."""
        if (wait := self._resume_at.get(operation, 0.0) - time.monotonic()) > 0:
            if not has_time_for(wait):
                raise KratosUnavailable("Kratos' rate limit leaves no time")
            time.sleep(wait)
        with time_limit(PLACE_SECONDS + KRATOS_SECONDS):
            for wait in RETRY_WAITS:
                try:
                    return self._once(operation, send)
                except _Transient as error:
                    pause = error.retry_after if error.retry_after is not None else wait
                    if not has_time_for(pause):
                        raise
                    time.sleep(pause)
            return self._once(operation, send)

    def _once(self, operation: str, send: _Send) -> Answer:
        try:
            answer = self._outbound.exchange(operation, lambda: send(_request_timeout=TIMEOUTS), at_most=KRATOS_SECONDS)
        except Crowded:
            raise KratosUnavailable("too many calls to Kratos are under way") from None
        except TooLarge as error:
            raise AnswerTooLarge("Kratos' answer is too large", next_page=next_page_token(error.link)) from None
        except DeadlineExceeded:
            raise KratosUnavailable("Kratos did not answer in time") from None
        except (Unreachable, ApiException):  # ory_client's own stands for a failed TLS handshake
            raise KratosUnavailable("Kratos cannot be reached") from None
        if self._is_patient:
            self._note_what_is_left(operation, answer.headers)
        _check(answer)
        return answer

    def _note_what_is_left(self, operation: str, headers: Mapping[str, str]) -> None:
        """https://www.ory.com/docs/guides/rate-limits: the limit of the second and that of the minute in one line."""
        left, reset = headers.get("x-ratelimit-remaining") or "", _reset_seconds(headers)
        if reset is not None and left.isascii() and left.isdigit() and len(left) < 9 and int(left) <= LEFT_TO_OTHERS:
            self._resume_at[operation] = time.monotonic() + min(reset, LONGEST_REST_SECONDS)


class _Transient(KratosUnavailable):
    """Kratos said itself that trying again helps."""


def _check(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 404:
        raise IdentityUnknown("Kratos does not know the identity (404)", status=status)
    if status in (409, 429) or (status == 400 and _CONFLICT in answer.body):
        reset = _reset_seconds(answer.headers)
        raise _Transient(f"Kratos asks to try again ({status})", status=status, retry_after=reset)
    if 300 <= status < 400:
        raise NotKratos(f"Kratos cannot serve the request now ({status})", status=status)
    if status < 500:
        raise KratosRefused(f"Kratos refused the request ({status})", status=status)
    raise KratosUnavailable(f"Kratos cannot serve the request now ({status})", status=status)


def _reset_seconds(headers: Mapping[str, str]) -> float | None:
    """When Ory Network's rate limit opens again: https://www.ory.com/docs/guides/rate-limits"""
    text = headers.get("x-ratelimit-reset") or ""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
