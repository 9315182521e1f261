# SPDX-License-Identifier: Apache-2.0
"""The Jsonnet templates of our hooks: each is evaluated about several people, and its body read as by this service."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhook.commands.doctor.contexts import COOKIE, HEADER, PAYLOAD, PERSON_ID, context
from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.jsonnet import Cancels, DoesNotParse, Fails, evaluate
from webhook.commands.doctor.kratos_hooks import Hook, Role, our_hooks
from webhook.commands.doctor.library import Library, Unreadable
from webhook.core.status import Status
from webhook.errors import Malformed
from webhook.ory.kratos.hooks import parse_initiate, parse_validate

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
# `function(ctx) ctx`, and the same as the value of a member.
_WHOLE_CTX = re.compile(r"\s*function\s*\(\s*ctx\s*\)[\s(]*ctx[\s);]*", re.ASCII)
_WHOLE_CTX_AS_MEMBER = re.compile(r":\s*ctx\s*[,}]")
_NO_FIELD = re.compile(r"Field does not exist: (\w+)")
# What no identity in a `ctx` ever has; a trait may have any other name.
_NEVER_THERE = frozenset({"metadata_admin", "credentials", "session", "identity", "flow", "ctx"})
_REJECTED = {"jumio": {"status": Status.REJECTED.value, "verdict": "FAILED"}}
# People without a record; the first is everybody who has just registered.
_UNRECORDED: tuple[object, ...] = (None, {}, {"theirs": 1})


def not_seen(document: object, library: Library) -> list[str]:
    """The URIs of templates that cannot be read from here, so that nothing can be said of them."""
    found: dict[str, None] = {}
    for hook in our_hooks(document):
        uri = str(hook.config.get("body") or "")
        try:
            if uri and source_of(hook, library) is None:
                found[uri] = None
        except Unreadable:
            continue
    return list(found)


def check(document: object, library: Library) -> list[Finding]:
    """What is wrong with the templates of our hooks."""
    return [finding for hook in our_hooks(document) for finding in _check(hook, library)]


def source_of(hook: Hook, library: Library) -> str | None:
    """The template, or None where this machine cannot tell.

    :raises Unreadable: it can tell, and there is no template.
    """
    return library.read(str(hook.config.get("body") or ""))


def without_comments(source: str) -> str:
    """The template's text without its comments, roughly: a `//` in a string ends the line, too."""
    return _COMMENT.sub("", source)


def _check(hook: Hook, library: Library) -> Iterator[Finding]:
    where = f"{hook.place}.body"
    try:
        source = source_of(hook, library)
    except Unreadable as cause:
        yield error(
            "template-unreadable",
            where=where,
            what=f"{cause}: {_effect(hook)}",
            remedy="a path that Kratos can read, or `base64://` and the output of `base64 -w0 FILE`",
        )
        return
    if source is None:
        return
    bare = without_comments(source)
    if _WHOLE_CTX.fullmatch(bare) or _WHOLE_CTX_AS_MEMBER.search(bare):
        yield error(
            "template-passes-whole-ctx",
            where=where,
            what="the template passes everything on: the person's session cookie, traits and whatever else they sent",
            remedy="the templates in jsonnet/, which pass on ids and Jumio's record only",
        )
    elif hook.moment == "after":  # before there is nobody whom it could name
        yield from _evaluated(hook, where, source, bare)


def _evaluated(hook: Hook, where: str, source: str, bare: str) -> Iterator[Finding]:
    try:
        body = _body(hook, source, metadata_public=_REJECTED, payload={"said": PAYLOAD})
    except DoesNotParse as cause:
        yield error(
            "template-does-not-parse",
            where=where,
            what=f"is no Jsonnet (line {cause}): {_effect(hook)}",
            remedy=_remedy(hook),
        )
        return
    except Cancels:
        yield _cancels(hook, where)
        return
    except Fails as cause:
        yield error("template-fails", where=where, what=f"fails ({cause}): {_effect(hook)}", remedy=_remedy(hook))
        return
    yield from _about_the_unrecorded(hook, where, source)
    yield from _sent(where, json.dumps(body), bare)
    yield from _read(hook, where, body)


def _about_the_unrecorded(hook: Hook, where: str, source: str) -> Iterator[Finding]:
    for metadata_public in _UNRECORDED:
        try:
            _body(hook, source, metadata_public=metadata_public, payload={})
        except Cancels:
            yield _cancels(hook, where)
        except Fails as cause:
            yield error(
                "template-fails-on-null",
                where=where,
                what=f"fails about everybody without a record, as metadata_public is null or has no `jumio` ({cause}): "
                f"{_effect(hook, whose='their')}",
                remedy=_remedy(hook),
            )
        else:
            continue
        return


def _sent(where: str, body: str, bare: str) -> Iterator[Finding]:
    remedy = "the templates in jsonnet/, which pass on ids and Jumio's record only"
    if COOKIE in body or "request_cookies" in bare:
        what = "passes cookies on, the session's among them: whoever reads this service's traffic can act as the person"
        yield error("template-sends-cookies", where=where, what=what, remedy=remedy)
    if HEADER in body or "request_headers" in bare:
        what = (
            "passes headers of the person's request on: personal data that nobody here needs, or what a client made up"
        )
        yield warning("template-sends-headers", where=where, what=what, remedy=remedy)
    if PAYLOAD in body or "transient_payload" in bare:
        yield error(
            "template-takes-transient-payload",
            where=where,
            what="builds the body of what the person sends along (transient_payload): they choose what the hook says "
            "of them, and make it as long as they like",
            remedy=remedy,
        )


def _read(hook: Hook, where: str, body: object) -> Iterator[Finding]:
    """By this service's own reading of the body, but for its policy, which `policy_check` looks at."""
    sent = dict(body) if isinstance(body, Mapping) else {}
    has_policy = sent.pop("policy", None) is not None
    text = json.dumps(sent).encode()
    try:
        if hook.role is Role.INITIATE:
            identity_id, status = parse_initiate(text), None
        else:
            asked = parse_validate(text, highest_level=0)
            identity_id, status = asked.identity_id, asked.record.status
    except Malformed as cause:
        effect = "nobody gets through" if hook.role is Role.GATE else "nobody is ever verified"
        yield error(
            "template-of-another-hook",
            where=where,
            what=f"makes a body that {hook.role} answers 400 ({cause}): {effect}",
            remedy=_remedy(hook),
        )
        return
    if identity_id != PERSON_ID:
        yield error(
            "template-of-another-person",
            where=where,
            what="identity.id is not the id of the identity that acts: somebody else is judged, or nobody known",
            remedy="identity: { id: ctx.identity.id }, as in jsonnet/",
        )
    if hook.role is Role.GATE and status is not Status.REJECTED:
        yield error(
            "template-hides-record",
            where=where,
            what="leaves metadata_public.jumio out: everybody is `none` at this gate, the rejected as well",
            remedy=_remedy(hook),
        )
    if hook.role is Role.GATE and hook.flow == "recovery" and not has_policy:
        yield warning(
            "recovery-shows-link",
            where=where,
            what="has no policy: whoever reads the mail and is stopped as `pending` reads the link to the person's "
            "verification, shows a document of their own, and is verified as the person",
            remedy="policy: { on_unmet: 'block' }, as in jsonnet/recovery.jsonnet",
        )
    if hook.role is Role.INITIATE and "metadata_public" in sent["identity"]:
        yield warning(
            "template-of-another-hook",
            where=where,
            what=f"is a gate's: it sends the record, which {hook.role} does not read",
            remedy=_remedy(hook),
        )


def _body(hook: Hook, source: str, *, metadata_public: object, payload: Mapping[str, Any]) -> object:
    """What the template makes of somebody. Which traits people have is not known here: what it reads, they have.

    :raises Fails: it makes nothing.
    """
    made = context(hook.flow, hook.moment, metadata_public=metadata_public, payload=payload)
    for _ in range(20):
        try:
            return evaluate(source, made)
        except Fails as cause:
            missing = _NO_FIELD.search(str(cause))
            traits: dict[str, Any] = made["identity"]["traits"]
            if missing is None or missing[1] in traits or missing[1] in _NEVER_THERE:
                raise
            traits[missing[1]] = "some trait"
    raise Fails("it reads more than can be guessed here")


def _cancels(hook: Hook, where: str) -> Finding:
    effect = "lets everybody through unasked" if hook.role is Role.GATE else "verifies nobody"
    return error(
        "template-cancels",
        where=where,
        what=f'raises an error that begins with "cancel": Kratos calls nobody, and goes on, so that the hook {effect}',
        remedy=_remedy(hook),
    )


def _effect(hook: Hook, *, whose: str = "every") -> str:
    """What becomes of people whose hook has no body."""
    if hook.role is Role.INITIATE:
        return "/jumio/initiate is not called, so that nobody is ever verified"
    return f"Kratos fails {whose} {'sign-in' if hook.flow == 'login' else hook.flow} with an error page"


def _remedy(hook: Hook) -> str:
    if hook.role is Role.INITIATE:
        return "jsonnet/initiate.jsonnet"
    shipped = {"login": "validate", "recovery": "recovery", "settings": "step-up"}
    return f"jsonnet/{shipped.get(hook.flow, 'validate')}.jsonnet"
