# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Kratos on loopback: `KratosStandIn`, its admin API over HTTP and its people as methods."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from sandbox.hooks import HookCaller, Refusal, map_claims
from sandbox.identities import DISABLED, Identities, NotFound, Refused, new_session, public
from sandbox.kratos_admin import make_app
from sandbox.people import PASSWORD, Login, Message, Recovery, Registration, Settings
from sandbox.server import LoopbackServer
from sandbox.shipped import shipped

# Kratos' own texts (text/id.go): a UI translates by id.
# A form adds the objects of the schema, where they are left out.
EMPTY: dict[str, Any] = {"name": {}}
TAKEN = Message(4000007, "An account with the same identifier (email, phone, username, ...) exists already.", "error")
UNKNOWN = Message(
    4000006,
    "The provided credentials are invalid, check for spelling mistakes in your password or username, "
    "email address, or phone number.",
    "error",
)
SAVED = Message(1050001, "Your changes have been saved!", "success")
NO_SESSION = {
    "id": "session_inactive",
    "code": 401,
    "status": "Unauthorized",
    "reason": "This endpoint can only be accessed with a valid session. Please log in and try again.",
    "message": "request does not have a valid authentication session",
}
UNKNOWN_BY_CODE = Message(4000035, "This account does not exist or has not setup sign in with code.", "error")


class KratosStandIn:
    """Serves from `with` on.

    `hooks` are YAML, a later one on top; `api_key` asks for that bearer token, as Ory Network does; `timeout`
    is that of `HookCaller`.
    """

    version = "stand-in"

    def __init__(
        self,
        *hooks: str,
        api_key: str | None = None,
        timeout: float = 30,
    ) -> None:
        self.api_key = api_key
        self.identities = Identities()
        self.hooks = HookCaller(*hooks, timeout=timeout)
        self.server = LoopbackServer(make_app(self))

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

    def register(self, email: str, *, method: str = "password", traits: dict[str, Any] | None = None) -> Registration:
        flow, traits = _flow("registration"), {"email": email, **EMPTY, **(traits or {})}
        try:
            unstored = {**_draft(email), "traits": traits, "id": "00000000-0000-0000-0000-000000000000"}
            if self.identities.by_email(email):
                return Registration(None, None, 400, (TAKEN,))
            if refusal := self.hooks.run("registration", method, _context(flow, unstored), stored=False):
                return Registration(None, None, refusal.status, refusal.messages, refusal.error)
            identity = self.identities.create(traits, password=PASSWORD if method == "password" else None)
        except Refused as problem:
            return Registration(None, None, problem.code, error={"code": problem.code, "message": problem.message})
        token = None
        if method == "code":
            self.identities.verify_address(identity["id"])
        if self.hooks.gives_session(method):
            token, _ = self.identities.sign_in(identity["id"], method)
        refusal = self.hooks.run("registration", method, _context(flow, identity))
        if refusal:
            # The identity and its session stay behind: Kratos does not roll back.
            return Registration(None, None, refusal.status, refusal.messages, refusal.error)
        return Registration(identity["id"], token, 200)

    def login(self, email: str, *, method: str = "password", password: str = PASSWORD) -> Login:
        identity = self.identities.by_email(email)
        if method == "password" and not (identity and self.identities.has_password(identity["id"], password)):
            return Login(False, None, 400, (UNKNOWN,))
        if identity is None:
            return Login(False, None, 400, (UNKNOWN_BY_CODE,))
        if identity["state"] != "active":
            error = {"code": 401, "status": "Unauthorized", "reason": DISABLED, "message": "identity is disabled"}
            return Login(False, None, 401, error={**error, "details": {"identity_id": identity["id"]}})
        if method == "code":
            self.identities.verify_address(identity["id"])
            identity = self.identities.get(identity["id"])
        flow = {**_flow("login"), "active": method, "refresh": False, "requested_aal": "aal1"}
        session = {**new_session(method), "identity": public(identity)}
        refusal: Refusal | None = self.hooks.run("login", method, {**_context(flow, identity), "session": session})
        if refusal:
            return Login(False, None, refusal.status, refusal.messages, refusal.error)
        token, _ = self.identities.sign_in(identity["id"], method)
        return Login(True, token, 200)

    def enroll_totp(self, session_token: str) -> Settings:
        # Before any hook is asked: a refused session keeps its new level.
        if self.identities.session(session_token):
            self.identities.raise_session(session_token)
        return self._change(session_token, "totp", self.identities.set_totp)

    def change_profile(self, session_token: str, traits: dict[str, Any]) -> Settings:
        return self._change(session_token, "profile", lambda _: None, {**EMPTY, **traits})

    def change_password(self, session_token: str, password: str) -> Settings:
        session = self.identities.session(session_token)
        # Too short, or the one already in use: said on the field, not for the whole form.
        if session and (len(password) < 8 or self.identities.has_password(session["identity"]["id"], password)):
            return Settings(False, 400)
        return self._change(session_token, "password", lambda who: self.identities.set_password(who, password))

    def recover(self, email: str) -> Recovery:
        identity = self.identities.by_email(email)
        if identity is None:
            raise TimeoutError(f"no recovery code for {email}")
        # Before any hook is asked: a refused recovery has used its code, and verified the address.
        self.identities.verify_address(identity["id"])
        context = _context(_flow("recovery"), self.identities.get(identity["id"]))
        if refusal := self.hooks.run("recovery", "code", context):
            error = refusal.error or {"code": 500, "status": "Internal Server Error", "message": "validation errors"}
            return Recovery(False, None, 500 if refusal.messages else refusal.status, refusal.messages, error)
        token, _ = self.identities.sign_in(identity["id"], "code_recovery")
        return Recovery(True, token, 200)

    def tokenize(self, session_token: str, template: str = "jumio") -> dict[str, Any]:
        session = self.identities.session(session_token)
        if session is None or template != "jumio":
            raise RuntimeError("no such session or template")
        now = int(time.time())
        claims = {"jti": str(uuid4()), "iss": f"{self.server.url}/", "sid": session["id"], "exp": now + 60}
        claims |= {"iat": now, "nbf": now}
        uri = (shipped("jsonnet") / "session-token.jsonnet").as_uri()
        return {**claims, **map_claims(uri, session=session, claims=claims), "sub": session["identity"]["id"]}

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

    def _change(self, session_token: str, method: str, also: Callable[[str], None], traits: Any = None) -> Settings:
        session = self.identities.session(session_token)
        if session is None:
            return Settings(False, 401, error=NO_SESSION)
        stored = self.identities.get(session["identity"]["id"])
        try:
            identity = stored if traits is None else self.identities.proposed(stored["id"], traits)
            context = _context({**_flow("settings"), "identity": public(stored)}, identity) | {"session": session}
            if refusal := self.hooks.run("settings", method, context, stored=False):
                return Settings(False, refusal.status, refusal.messages, refusal.error)
            # The row as it was read before the hooks were asked, whatever changes: an update in between is undone.
            self.identities.store(identity)
            also(identity["id"])
        except Refused as problem:
            # Odd traits are said on their field; a taken address for the whole form, and only after the hooks.
            return Settings(False, 400, (TAKEN,) if problem.code == 409 else ())
        if refusal := self.hooks.run("settings", method, context):
            # The change stays: Kratos does not roll back.
            return Settings(False, refusal.status, refusal.messages, refusal.error)
        return Settings(True, 200, (SAVED,))


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
