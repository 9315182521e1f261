# SPDX-License-Identifier: Apache-2.0
"""Finds the policies that the templates of our gates send; what is wrong with one is said by `policy_check`."""

import re
from collections.abc import Mapping

from webhook.commands.doctor.contexts import context
from webhook.commands.doctor.jsonnet import Fails, evaluate
from webhook.commands.doctor.kratos_hooks import Hook, Role, our_hooks
from webhook.commands.doctor.library import Library, Unreadable
from webhook.commands.doctor.templates import source_of, without_comments

_MEMBER = re.compile(r"""\bpolicy\b["']?\s*\+?:(::)?(?!:)""", re.ASCII)  # `::` hides it
_MIN_LEVEL = re.compile(r"""\bmin_level\b["']?\s*:{1,3}\s*([0-9]{1,9})\b""", re.ASCII)


def policies(document: object, library: Library) -> dict[str, object]:
    """By the place of a gate, the policy its template sends, as far as that can be told from here.

    Where the template fails here, that is the empty policy, with `min_level` where a number stands there.
    """
    found: dict[str, object] = {}
    for hook in our_hooks(document):
        if hook.role is Role.GATE:
            try:
                source = source_of(hook, library)
            except Unreadable:
                continue
            if source is not None:
                _add(found, hook, source)
    return found


def _add(found: dict[str, object], hook: Hook, source: str) -> None:
    try:
        body = evaluate(source, context(hook.flow, hook.moment))
    except Fails:
        body = _body_by_its_text(source)
    if isinstance(body, Mapping) and "policy" in body:
        found[hook.place] = body["policy"]


def _body_by_its_text(source: str) -> object:
    bare = without_comments(source)
    if _MEMBER.search(bare) is None:
        return None
    levels = [int(digits) for digits in _MIN_LEVEL.findall(bare)]
    return {"policy": {"min_level": max(levels)} if levels else {}}
