# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Jumio on loopback: `JumioStandIn`. Its HTTP side is in jumio_app, its payloads in jumio_records."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from sandbox import jumio_records
from sandbox.callbacks import Callback, Delivery, Sender
from sandbox.jumio_app import make_app
from sandbox.jumio_records import TOKEN_SECONDS, Account, Workflow
from sandbox.server import LoopbackServer

SIGNATURE_HEADER = "X-Jumio-Signature"  # of whatever signs callbacks; Jumio itself does not


class JumioStandIn:
    """Serves from `with` on.

    `clock` gives seconds since the epoch, for stamps and tokens. Without `callback_url` only workflows with
    a callbackUrl of their own get a callback. `public_url` is what a browser or the service calls it by, where that
    is not the loopback address. Every method may be called from any thread; hold `lock` to bend a workflow's fields.
    """

    def __init__(
        self,
        *,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-client-secret",
        callback_url: str | None = None,
        callback_secret: str = "sandbox-callback-secret",
        clock: Callable[[], float] = time.time,
        public_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.client_id, self.client_secret = client_id, client_secret
        self.callback_url, self.callback_secret = callback_url, callback_secret
        self.clock = clock
        self.server = LoopbackServer(make_app(self), host=host, port=port)
        self.sender = Sender()
        self._public_url = public_url
        self.lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._token: tuple[str, float] | None = None

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.sender.close()
        self.server.__exit__(kind, error, traceback)

    @property
    def url(self) -> str:
        return self._public_url or self.server.url

    @property
    def auth_url(self) -> str:
        return f"{self.url}/oauth2/token"

    @property
    def api_base_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def workflows(self) -> list[Workflow]:
        """All, oldest first."""
        with self.lock:
            found = [workflow for account in self._accounts.values() for workflow in account.workflows]
        return sorted(found, key=lambda workflow: workflow.created_at)

    def workflow(self, workflow_id: str) -> Workflow:
        """KeyError when unknown or deleted."""
        for workflow in self.workflows:
            if workflow.id == workflow_id:
                return workflow
        raise KeyError(workflow_id)

    def truth(self, identity_id: str) -> list[Workflow]:
        """What Jumio knows about this identity: its workflows, oldest first."""
        return [workflow for workflow in self.workflows if workflow.reference == identity_id]

    def open(self, workflow_id: str) -> Workflow:
        """The person opens the link."""
        workflow = self.workflow(workflow_id)
        with self.lock:
            if not workflow.settled and workflow.started_at is None:
                workflow.started_at = self.clock()
        return workflow

    def acquire(self, workflow_id: str) -> None:
        """The images are taken, the result is not there yet; sends the intermediate callback."""
        workflow = self.open(workflow_id)
        with self.lock:
            workflow.status = "ACQUIRED"
        self.send_callback(workflow_id)

    def decide(
        self, workflow_id: str, outcome: str, *, callback: bool = True, shows: dict[str, Any] | None = None
    ) -> Workflow:
        """Settle with one of `OUTCOMES`, also once more with another one; then send the callback.

        `shows` are members of the extraction, where it is not Jane Doe's document that is shown.
        """
        workflow = self.workflow(workflow_id)
        with self.lock:
            workflow.shows = workflow.shows if shows is None else shows
            workflow.settle(outcome, self.clock())
        if callback:
            self.send_callback(workflow_id)
        return workflow

    def expire(self, workflow_id: str) -> Workflow:
        """TOKEN_EXPIRED when the link was never opened, SESSION_EXPIRED when it was."""
        return self.decide(workflow_id, "expire")

    def send_callback(self, workflow_id: str) -> None:
        """To the workflow's own callbackUrl, unsigned as Jumio documents it, or else signed to `callback_url`."""
        workflow = self.workflow(workflow_id)
        url = workflow.callback_url or self.callback_url
        if url is None:
            return
        body = json.dumps(jumio_records.callback(workflow, self.api_base_url, self.clock())).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Jumio Sandbox Callback/1.0"}
        if workflow.callback_url is None:
            headers[SIGNATURE_HEADER] = hmac.new(self.callback_secret.encode(), body, hashlib.sha256).hexdigest()
        self.sender.send(Callback(workflow_id, url, headers, body))

    @property
    def deliveries(self) -> list[Delivery]:
        return self.sender.deliveries

    def release_callbacks(self) -> None:
        """Send those that the policy (`sender.policy`) held back."""
        self.sender.release()

    def wait_for_callbacks(self, timeout: float = 20) -> list[Delivery]:
        """All deliveries so far, once none is under way; TimeoutError otherwise."""
        return self.sender.wait(timeout)

    def issue_token(self) -> str:
        """The same token while it is valid: Jumio caches tokens on its side."""
        with self.lock:
            now = self.clock()
            if self._token is None or self._token[1] <= now:
                expires = now + TOKEN_SECONDS
                parts = ({"alg": "HS256", "typ": "JWT"}, {"iat": int(now), "exp": int(expires), "jti": str(uuid4())})
                segments = [json.dumps(part).encode() for part in parts] + [secrets.token_bytes(32)]
                encoded = (base64.urlsafe_b64encode(segment).rstrip(b"=").decode() for segment in segments)
                self._token = (".".join(encoded), expires)
            return self._token[0]

    def token_valid(self, token: str) -> bool:
        with self.lock:
            return self._token is not None and self._token[0] == token and self._token[1] > self.clock()

    def revoke_token(self) -> None:
        """The token in use becomes worth a 401 before its time."""
        with self.lock:
            self._token = None

    def start(self, body: dict[str, Any], account_id: str | None) -> Workflow | None:
        """A workflow for a checked body, on a new account or the one named; None when that does not exist."""
        with self.lock:
            account = self._accounts.get(account_id) if account_id else Account(str(uuid4()))
            if account is None:
                return None
            web = body.get("web", {})
            token = secrets.token_urlsafe(24)
            workflow = Workflow(
                account_id=account.id,
                id=str(uuid4()),
                reference=body["customerInternalReference"],
                user_reference=body.get("userReference"),
                definition_key=str(body["workflowDefinition"]["key"]),
                callback_url=body.get("callbackUrl"),
                success_url=web.get("successUrl"),
                error_url=web.get("errorUrl"),
                token=token,
                web_href=f"{self.url}/web/v4/app?authorizationToken={token}&locale={web.get('locale', 'en')}",
                created_at=self.clock(),
            )
            account.workflows.append(workflow)
            self._accounts[account.id] = account
            return workflow

    def delete(self, account_id: str, workflow_id: str) -> None:
        """Jumio no longer knows this workflow."""
        with self.lock:
            account = self._accounts[account_id]
            account.workflows = [workflow for workflow in account.workflows if workflow.id != workflow_id]
