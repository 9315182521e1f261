# SPDX-License-Identifier: Apache-2.0
"""Calls hooks as Kratos does: templates, auth, three attempts, and what becomes of the flow at each reply."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import requests

from sandbox.people import Message

log = logging.getLogger(__name__)

# The HTTP client's User-Agent and retry rules: hashicorp/go-retryablehttp, as Kratos v26.2.0 uses it.
USER_AGENT = "Go-http-client/1.1"
ATTEMPTS = 3


@dataclass(frozen=True)
class Refusal:
    """The flow stops: the native client gets `status` with either the flow and its messages or `error`."""

    status: int
    messages: tuple[Message, ...] = ()
    error: dict[str, Any] | None = None


class HookCaller:
    """Runs the hooks of Kratos configurations: a later one goes on top, its lists replace an earlier one's.

    An attempt may take `timeout` seconds (Kratos: 30); the next one follows at once (Kratos: after 1 s, then 2 s).
    """

    def __init__(self, *configurations: str, timeout: float = 30) -> None:
        import yaml  # only where hooks are called: the Jumio stand-in alone must do without

        merged: dict[str, Any] = {}
        for configuration in configurations:
            merged = _merge(merged, yaml.safe_load(configuration))
        self._flows: dict[str, Any] = merged["selfservice"]["flows"]
        self._timeout = timeout
        self._background: list[threading.Thread] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        for thread in self._background:
            thread.join(0.5)
        self._session.close()

    def hooks(self, flow: str, method: str, *, stored: bool = True) -> list[dict[str, Any]]:
        """Those of the method, and only where it has none the flow's own: Kratos never merges the two.

        What runs before something is `stored` has no such fallback at all.
        """
        after = self._flows.get(flow, {}).get("after", {})
        chosen: list[dict[str, Any]] = after.get(method, {}).get("hooks") or []
        return chosen or (after.get("hooks") or [] if stored else [])

    def gives_session(self, method: str) -> bool:
        """Whether a registration by this method signs the person in."""
        return any(hook["hook"] == "session" for hook in self.hooks("registration", method))

    def run(self, flow: str, method: str, context: dict[str, Any], *, stored: bool = True) -> Refusal | None:
        """None when the flow goes on.

        A flow that writes (registration, settings) calls twice: hooks that interrupt or parse the response before
        anything is `stored`, the others after.
        """
        for hook in self.hooks(flow, method, stored=stored):
            if hook["hook"] != "web_hook":
                continue
            config = hook["config"]
            response = config.get("response", {})
            interrupts = bool(config.get("can_interrupt") or response.get("parse"))
            if flow in ("registration", "settings") and interrupts is stored:
                continue
            if response.get("ignore"):
                if interrupts:
                    return _error(500, "A webhook is configured to ignore the response but also to parse the response.")
                thread = threading.Thread(target=self._logged, args=(config, context), daemon=True)
                self._background.append(thread)
                thread.start()
            elif refusal := self._call(config, context, interrupts):
                return refusal
        return None

    def _logged(self, config: dict[str, Any], context: dict[str, Any]) -> None:
        if refusal := self._call(config, context, False):
            log.info("ignored hook failed: %s", refusal.error)

    def _call(self, config: dict[str, Any], context: dict[str, Any], interrupts: bool) -> Refusal | None:
        try:
            body = evaluate(config["body"], context)
        except RuntimeError as problem:
            # Kratos looks for this very text, and goes on without having called anybody.
            return None if "RUNTIME ERROR: cancel" in str(problem) else _error(500, str(problem), 400)
        headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
            "Accept": None,
            "Ory-Webhook-Trigger-ID": str(uuid4()),
        }
        auth = config.get("auth", {})
        if auth.get("type") == "api_key" and auth["config"]["in"] == "header":
            headers[auth["config"]["name"]] = auth["config"]["value"]
        return self._outcome(config, lambda: self._send(config, headers, body), interrupts)

    def _send(self, config: dict[str, Any], headers: dict[str, str | None], body: str) -> requests.Response:
        return self._session.request(
            config.get("method", "POST"),
            config["url"],
            data=body.encode(),
            headers={**headers, "Ory-Webhook-Request-ID": str(uuid4())},
            timeout=self._timeout,
        )

    def _outcome(
        self, config: dict[str, Any], send: Callable[[], requests.Response], interrupts: bool
    ) -> Refusal | None:
        reply: requests.Response | None = None
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                reply, failure = send(), None
            except requests.RequestException as problem:
                reply, failure = None, problem
                continue
            if reply.status_code != 429 and (reply.status_code < 500 or reply.status_code == 501):
                return read_reply(reply, config, interrupts)
        if isinstance(failure, requests.Timeout):
            reason = "A third-party upstream service could not be reached. Please try again later."
            return _error(504, str(failure), reason=reason)
        shown = f"{config.get('method', 'POST')} {config['url']} giving up after {ATTEMPTS} attempt(s)"
        return _error(500, f"{shown}: {failure}" if failure else shown, 400)


def evaluate(uri: str, context: dict[str, Any]) -> str:
    """The body a template makes of Kratos' `ctx`; RuntimeError as Jsonnet words it."""
    import _gojsonnet

    body: str = _gojsonnet.evaluate_snippet(uri, _template(uri), tla_codes={"ctx": json.dumps(context)})
    return body


def map_claims(uri: str, *, session: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """The claims that a tokenizer's template adds to Kratos' own; RuntimeError as Jsonnet words it."""
    import _gojsonnet

    given = {"session": json.dumps(session), "claims": json.dumps(claims)}
    mapped: dict[str, Any] = json.loads(_gojsonnet.evaluate_snippet(uri, _template(uri), ext_codes=given))["claims"]
    return mapped


def _template(uri: str) -> str:
    if uri.startswith("base64://"):
        return base64.b64decode(uri.removeprefix("base64://")).decode()
    return Path(unquote(urlsplit(uri).path)).read_text(encoding="utf-8")


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both else value
    return merged


def read_reply(reply: requests.Response, config: dict[str, Any], interrupts: bool) -> Refusal | None:
    """By parseWebhookResponse in selfservice/hook/web_hook.go."""
    if reply.status_code < 400:
        if config.get("response", {}).get("parse") and reply.status_code == 200:
            try:
                reply.json()
            except ValueError as problem:
                return _unreadable(problem)
        return None
    if not interrupts:
        reason = "A third-party upstream service responded improperly. Please try again later."
        return _error(502, f"webhook failed with status code {reply.status_code}", reason=reason)
    try:
        entries = json.loads(reply.content).get("messages") or []
        # Only messages for the whole form reach `ui.messages`; the others end up on a field.
        found = [
            (entry.get("instance_ptr", ""), _message(message))
            for entry in entries
            for message in entry.get("messages") or []
        ]
    except (ValueError, TypeError, AttributeError) as problem:
        return _unreadable(problem)
    if not entries:
        return _error(500, "error while parsing webhook response: got no validation errors", 400)
    return Refusal(400, tuple(message for pointer, message in found if pointer in ("", "#/")))


def _message(found: dict[str, Any]) -> Message:
    number, context = found.get("id", 0), found.get("context")
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError("json: cannot unmarshal id into an int")
    kind = "error" if found.get("type") == "error" else "info"
    return Message(number, str(found.get("text", "")), kind, context if context is not None else {})


def _unreadable(problem: Exception) -> Refusal:
    return _error(500, f"webhook response could not be unmarshalled properly from JSON: {problem}", 400)


def _error(code: int, message: str, status: int | None = None, *, reason: str | None = None) -> Refusal:
    error = {"code": code, "status": HTTPStatus(code).phrase, "reason": reason, "message": message}
    return Refusal(status or code, error={name: value for name, value in error.items() if value is not None})
