# SPDX-License-Identifier: Apache-2.0
"""Finds the policies that the templates of our gates send; what is wrong with one is said by `policy_check`."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from webhook.commands.doctor.kratos_hooks import Hook, Role, our_hooks
from webhook.commands.doctor.templates import Unreadable, source_of, without_comments

_MEMBER = re.compile(r"""\bpolicy\b["']?\s*\+?:(::)?(?!:)""", re.ASCII)  # `::` hides it
_MIN_LEVEL = re.compile(r"""\bmin_level\b["']?\s*:{1,3}\s*([0-9]{1,9})\b""", re.ASCII)
_PERSON = {
    "id": "9f425a8d-7efc-4768-8f23-7647a74fdf13",
    "schema_id": "default",
    "state": "active",
    "traits": {"email": "person@example.com"},
    "metadata_public": None,
    "verifiable_addresses": [{"value": "person@example.com", "verified": True, "via": "email"}],
}


def can_evaluate() -> bool:
    """Whether Jsonnet is installed; without it a policy is only looked for in the text."""
    return _jsonnet() is not None


def policies(document: object) -> dict[str, object]:
    """By the place of a gate, the policy its template sends, as far as that can be told from here.

    Where the template cannot be evaluated, that is the empty policy, with `min_level` where a number stands there.
    """
    found: dict[str, object] = {}
    for hook in our_hooks(document):
        if hook.role is Role.GATE:
            try:
                source = source_of(hook)
            except Unreadable:
                continue
            if source is not None and "policy" in source:  # evaluating takes a moment
                _add(found, hook, source)
    return found


def _add(found: dict[str, object], hook: Hook, source: str) -> None:
    try:
        body = _evaluated(source, json.dumps(_context(hook))) if can_evaluate() else _body_by_its_text(source)
    except RuntimeError:
        body = _body_by_its_text(source)
    if isinstance(body, Mapping) and "policy" in body:
        found[hook.place] = body["policy"]


@lru_cache(maxsize=32)  # most methods share one template
def _evaluated(source: str, context: str) -> object:
    """The body that Kratos would send.

    :raises RuntimeError: the template fails here.
    """
    body = _jsonnet().evaluate_snippet("body", source, tla_codes={"ctx": context}, import_callback=_no_import)
    return json.loads(body)


def _no_import(folder: str, name: str) -> NoReturn:
    raise RuntimeError("Kratos' templates import nothing")


def _jsonnet() -> Any:
    try:
        import _jsonnet
    except ImportError:
        return None
    return _jsonnet


def _body_by_its_text(source: str) -> object:
    bare = without_comments(source)
    if _MEMBER.search(bare) is None:
        return None
    levels = [int(digits) for digits in _MIN_LEVEL.findall(bare)]
    return {"policy": {"min_level": max(levels)} if levels else {}}


def _context(hook: Hook) -> dict[str, Any]:
    """Kratos' `ctx`, as that flow has it (`templateContext` in selfservice/hook/web_hook.go)."""
    context: dict[str, Any] = {
        "flow": {
            "id": "2b6d1c1f-5a0e-4f0c-9e0b-3c8a1c3e7d55",
            "type": "browser",
            "request_url": f"https://www.example.com/self-service/{hook.flow}/browser",
            "transient_payload": {},
        },
        "request_headers": {},
        "request_method": "POST",
        "request_url": f"https://www.example.com/self-service/{hook.flow}",
        "request_cookies": {},
    }
    if hook.moment == "after":
        context["identity"] = _PERSON
    if hook.flow == "settings" or (hook.flow == "login" and hook.moment == "after"):
        context["session"] = {"id": "5e9f0f0a-2f0b-4d6e-8f5e-0e4f2c3f9a11", "active": True, "identity": _PERSON}
    return context
