# SPDX-License-Identifier: Apache-2.0
"""The Jsonnet templates of our hooks, as far as they can be read from here: `file://` and `base64://`."""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from webhook.commands.doctor.findings import Finding, error
from webhook.commands.doctor.kratos_hooks import Hook, our_hooks

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
# `function(ctx) ctx`, and the same as the value of a member.
_WHOLE_CTX = re.compile(r"\s*function\s*\(\s*ctx\s*\)[\s(]*ctx[\s);]*", re.ASCII)
_WHOLE_CTX_AS_MEMBER = re.compile(r":\s*ctx\s*[,}]")


class Unreadable(Exception):
    """Kratos cannot read the template either."""


def check(document: object) -> list[Finding]:
    """What is wrong with the templates of our hooks."""
    return [finding for hook in our_hooks(document) for finding in _check(hook)]


def _check(hook: Hook) -> Iterator[Finding]:
    where = f"{hook.place}.body"
    try:
        source = source_of(hook)
    except Unreadable as cause:
        remedy = "a path that Kratos can read, or `base64://` and the output of `base64 -w0 FILE`"
        yield error("template-unreadable", where=where, what=str(cause), remedy=remedy)
        return
    bare = without_comments(source or "")
    if _WHOLE_CTX.fullmatch(bare) or _WHOLE_CTX_AS_MEMBER.search(bare):
        yield error(
            "template-passes-whole-ctx",
            where=where,
            what="the template passes everything on: the person's session cookie, traits and whatever else they sent",
            remedy="the templates in jsonnet/, which pass on ids and Jumio's record only",
        )


def without_comments(source: str) -> str:
    """The template's text without its comments, roughly: a `//` in a string ends the line, too."""
    return _COMMENT.sub("", source)


def source_of(hook: Hook) -> str | None:
    """The template, or None where this machine cannot tell.

    :raises Unreadable: it can tell, and there is no template.
    """
    uri = str(hook.config.get("body") or "")
    if uri.startswith("base64://"):
        try:
            return base64.b64decode(uri.removeprefix("base64://"), validate=True).decode(errors="replace")
        except binascii.Error:
            raise Unreadable("what follows base64:// is not base64") from None
    # Kratos takes a path without a scheme for a file. A relative one depends on where Kratos was started.
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:///") else uri)
    if not path.is_absolute():
        return None
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
        # Kratos mostly runs elsewhere, with other files; a folder that is here as well makes this its machine.
        is_told = path.parent.is_dir()
    except OSError:
        return None  # Kratos may run as another user, with other rights
    if is_told:
        raise Unreadable("there is no such file in a folder that exists on this machine")
    return None
