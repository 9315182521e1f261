# SPDX-License-Identifier: Apache-2.0
"""Drives the flows of a running Kratos as a native client does, and reads its mails from the courier's queue."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from sandbox.people import PASSWORD, Login, Recovery, Registration, Settings, messages_of
from sandbox.totp import totp_code

MAIL_SECONDS = 10.0


class NativeClient:
    """Everybody's app: each method is a flow from its start to its end."""

    def __init__(self) -> None:
        self.public_url = self.admin_url = ""
        self._http = requests.Session()
        self._http.trust_env = False
        # A refused recovery sets a cookie even for a native client, whom Kratos then turns away for having one.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def register(self, email: str, *, method: str = "password", traits: dict[str, Any] | None = None) -> Registration:
        url = self._new_flow("registration")
        given = {"traits": {"email": email, **(traits or {})}}
        if method == "password":
            reply = self._submit(url, {"method": "password", "password": PASSWORD, **given})
        else:
            reply = self._submit(url, {"method": "code", **given})
            if reply.json().get("state") == "sent_email":
                code = self._mailed_code(email, "registration")
                reply = self._submit(url, {"method": "code", "code": code, **given})
        body = reply.json()
        identity_id = body.get("identity", {}).get("id")
        return Registration(
            identity_id, body.get("session_token"), reply.status_code, messages_of(body), body.get("error")
        )

    def login(self, email: str, *, method: str = "password", password: str = PASSWORD) -> Login:
        url = self._new_flow("login")
        if method == "password":
            reply = self._submit(url, {"method": "password", "identifier": email, "password": password})
        else:
            reply = self._submit(url, {"method": "code", "identifier": email})
            if reply.json().get("state") == "sent_email":
                code = self._mailed_code(email, "login")
                reply = self._submit(url, {"method": "code", "identifier": email, "code": code})
        body = reply.json()
        token = body.get("session_token")
        return Login(token is not None, token, reply.status_code, messages_of(body), body.get("error"))

    def enroll_totp(self, session_token: str) -> Settings:
        def answer(flow: dict[str, Any]) -> dict[str, Any]:
            nodes = [node["attributes"] for node in flow["ui"]["nodes"] if node["group"] == "totp"]
            (secret,) = [node["text"]["context"]["secret"] for node in nodes if node.get("id") == "totp_secret_key"]
            return {"method": "totp", "totp_code": totp_code(secret, now=time.time())}

        return self._change(session_token, answer)

    def change_profile(self, session_token: str, traits: dict[str, Any]) -> Settings:
        return self._change(session_token, lambda _: {"method": "profile", "traits": traits})

    def change_password(self, session_token: str, password: str) -> Settings:
        return self._change(session_token, lambda _: {"method": "password", "password": password})

    def recover(self, email: str) -> Recovery:
        url = self._new_flow("recovery")
        reply = self._submit(url, {"method": "code", "email": email})
        if reply.json().get("state") == "sent_email":
            reply = self._submit(url, {"method": "code", "code": self._mailed_code(email, "recovery")})
        body = reply.json()
        error = body.get("error")
        steps = {step["action"]: step for step in body.get("continue_with") or _details(error).get("continue_with", [])}
        token = steps.get("set_ory_session_token", {}).get("ory_session_token")
        messages = messages_of(body)
        if error and "show_recovery_ui" in steps:
            flow = {"id": steps["show_recovery_ui"]["flow"]["id"]}
            shown = self._http.get(f"{self.public_url}/self-service/recovery/flows", params=flow, timeout=10)
            messages = messages_of(shown.json())
        return Recovery(token is not None, token, reply.status_code, messages, error)

    def tokenize(self, session_token: str, template: str = "jumio") -> dict[str, Any]:
        reply = self._http.get(
            f"{self.public_url}/sessions/whoami",
            params={"tokenize_as": template},
            headers={"X-Session-Token": session_token},
            timeout=10,
        )
        if not reply.ok:
            raise RuntimeError(reply.text)
        payload = reply.json()["tokenized"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def whoami(self, session_token: str) -> dict[str, Any] | None:
        reply = self._http.get(
            f"{self.public_url}/sessions/whoami", headers={"X-Session-Token": session_token}, timeout=10
        )
        found: dict[str, Any] = reply.json()
        return found if reply.status_code == 200 else None

    def _change(self, session_token: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Settings:
        headers = {"X-Session-Token": session_token}
        reply = self._http.get(f"{self.public_url}/self-service/settings/api", headers=headers, timeout=10)
        if reply.ok:
            flow = reply.json()
            url = f"{self.public_url}/self-service/settings?flow={flow['id']}"
            reply = self._http.post(url, json=answer(flow), headers=headers, timeout=60)
        body = reply.json()
        allowed = reply.ok and body.get("state") == "success"
        return Settings(allowed, reply.status_code, messages_of(body), body.get("error"))

    def _new_flow(self, kind: str) -> str:
        reply = self._http.get(f"{self.public_url}/self-service/{kind}/api", timeout=10)
        reply.raise_for_status()
        return f"{self.public_url}/self-service/{kind}?flow={reply.json()['id']}"

    def _submit(self, url: str, body: dict[str, Any]) -> requests.Response:
        # Long enough for three attempts of a hook.
        return self._http.post(url, json=body, timeout=60)

    def _mailed_code(self, email: str, kind: str) -> str:
        """The newest code; Kratos queues the mail before it answers, the courier is a moment behind at most."""
        deadline = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < deadline:
            reply = self._http.get(f"{self.admin_url}/admin/courier/messages", params={"recipient": email}, timeout=10)
            mails = [mail for mail in reply.json() if mail["template_type"] == f"{kind}_code_valid"]
            if mails and (found := re.search(r"\b\d{6}\b", max(mails, key=lambda mail: mail["created_at"])["body"])):
                return found[0]
            time.sleep(0.02)
        raise TimeoutError(f"no {kind} code for {email}")


def _details(error: Any) -> dict[str, Any]:
    found: dict[str, Any] = (error or {}).get("details") or {}
    return found
