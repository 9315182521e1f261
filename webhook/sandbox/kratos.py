# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Kratos on loopback: `KratosStandIn`, its admin API over HTTP and its people as methods."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from webhook.sandbox.hooks import HookCaller, Refusal
from webhook.sandbox.identities import DISABLED, Identities, NotFound, Refused, new_session, public
from webhook.sandbox.kratos_admin import make_app
from webhook.sandbox.people import Login, Message, Registration
from webhook.sandbox.server import LoopbackServer

# Kratos' own texts (text/id.go): a UI translates by id.
TAKEN = Message(4000007, "An account with the same identifier (email, phone, username, ...) exists already.", "error")
UNKNOWN = Message(
    4000006,
    "The provided credentials are invalid, check for spelling mistakes in your password or username, "
    "email address, or phone number.",
    "error",
)
UNKNOWN_BY_CODE = Message(4000035, "This account does not exist or has not setup sign in with code.", "error")


class KratosStandIn:
    """Serves from `with` on.

    `configuration` is YAML with the hooks; `api_key` asks for that bearer token, as Ory Network does; `waits` and
    `timeout` are those of `HookCaller`.
    """

    version = "stand-in"

    def __init__(
        self,
        configuration: str,
        *,
        api_key: str | None = None,
        waits: Sequence[float] = (0, 0),
        timeout: float = 30,
        port: int = 0,
    ) -> None:
        self.api_key = api_key
        self.identities = Identities()
        self.hooks = HookCaller(configuration, waits=waits, timeout=timeout)
        self.server = LoopbackServer(make_app(self), port=port)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.hooks.close()
        self.server.__exit__(kind, error, traceback)

    @property
    def admin_url(self) -> str:
        return self.server.url

    def register(self, email: str, *, method: str = "password") -> Registration:
        flow = _flow("registration")
        try:
            unstored = {**_draft(email), "id": "00000000-0000-0000-0000-000000000000"}
            if self.identities.by_email(email):
                return Registration(None, None, 400, (TAKEN,))
            if refusal := self.hooks.run("registration", method, _context(flow, unstored), stored=False):
                return Registration(None, None, refusal.status, refusal.messages, refusal.error)
            identity = self.identities.create({"email": email})
        except Refused as problem:
            return Registration(None, None, problem.code, error={"code": problem.code, "message": problem.message})
        token = None
        if self.hooks.gives_session(method):
            token, _ = self.identities.sign_in(identity["id"], method)
        refusal = self.hooks.run("registration", method, _context(flow, identity))
        if refusal:
            # The identity and its session stay behind: Kratos does not roll back.
            return Registration(None, None, refusal.status, refusal.messages, refusal.error)
        return Registration(identity["id"], token, 200)

    def login(self, email: str, *, method: str = "password") -> Login:
        identity = self.identities.by_email(email)
        if identity is None:
            return Login(False, None, 400, (UNKNOWN if method == "password" else UNKNOWN_BY_CODE,))
        if identity["state"] != "active":
            error = {"code": 401, "status": "Unauthorized", "reason": DISABLED, "message": "identity is disabled"}
            return Login(False, None, 401, error={**error, "details": {"identity_id": identity["id"]}})
        flow = {**_flow("login"), "active": method, "refresh": False, "requested_aal": "aal1"}
        session = {**new_session(method), "identity": public(identity)}
        refusal: Refusal | None = self.hooks.run("login", method, {**_context(flow, identity), "session": session})
        if refusal:
            return Login(False, None, refusal.status, refusal.messages, refusal.error)
        token, _ = self.identities.sign_in(identity["id"], method)
        return Login(True, token, 200)

    def whoami(self, session_token: str) -> dict[str, Any] | None:
        return self.identities.session(session_token)

    def create_identity(self, email: str) -> str:
        return str(self.identities.create({"email": email})["id"])

    def identity(self, identity_id: str) -> dict[str, Any]:
        try:
            return self.identities.get(identity_id)
        except NotFound:
            raise KeyError(identity_id) from None

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        return self.identities.sessions(identity_id)


def _draft(email: str) -> dict[str, Any]:
    return {"traits": {"email": email}, "metadata_public": None, "state": "active", "schema_id": "default"}


def _flow(kind: str) -> dict[str, Any]:
    flow_id = str(uuid4())
    url = f"http://127.0.0.1/self-service/{kind}"
    return {
        "id": flow_id,
        "type": "api",
        "organization_id": None,
        "request_url": f"{url}/api",
        "state": "choose_method",
        "transient_payload": {"note": "chosen by the user"},
        "ui": {"action": f"{url}?flow={flow_id}", "method": "POST", "nodes": [{"csrf_token": "not-for-hooks"}]},
    }


def _context(flow: dict[str, Any], identity: dict[str, Any]) -> dict[str, Any]:
    """Kratos' `ctx` (web_hook.go, templateContext): with the cookies, without metadata_admin."""
    return {
        "flow": flow,
        "identity": public(identity),
        "request_headers": {"Content-Type": ["application/json"], "User-Agent": ["sandbox"]},
        "request_method": "POST",
        "request_url": flow["request_url"],
        "request_cookies": {"ory_kratos_session": "not-for-hooks"},
    }
