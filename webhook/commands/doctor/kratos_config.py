# SPDX-License-Identifier: Apache-2.0
"""The traps of a Kratos configuration, by name. Pure: a parsed configuration and the settings in, findings out."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from webhook.commands.doctor import hook_check, policy_check
from webhook.commands.doctor.block_lists import UNDECIDED
from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.hosts import is_private, without_credentials
from webhook.commands.doctor.kratos_hooks import (
    HookList,
    Role,
    effective_hooks,
    generic_hooks,
    our_hooks,
    own_hooks,
    role_of,
)
from webhook.commands.doctor.kratos_methods import (
    ENROLMENTS,
    dig,
    first_factors,
    registration_methods,
    second_factors,
    settings_methods,
)
from webhook.core.status import Status
from webhook.settings import Settings

# What somebody who has registered this minute can be.
FRESH_STATUSES = (Status.NONE, Status.UNSTARTED, Status.PENDING)


def check(document: object, settings: Settings, policies: Mapping[str, object]) -> list[Finding]:
    """Everything that is wrong with the hooks in a configuration, and with the methods that lack them.

    `policies` are those that the templates of our gates send, by the hook's place.
    """
    findings: list[Finding] = []
    for hook in our_hooks(document):
        findings += hook_check.check(hook, settings, has_policy=hook.place in policies)
        if hook.place in policies:
            findings += policy_check.check(hook, policies[hook.place], settings)
    findings += _without_initiate(document)
    findings += _without_gate(document)
    findings += _without_recovery_gate(document)
    findings += _without_settings_gate(document)
    findings += _private_hooks(document)
    findings += _overflow(document, settings)
    findings += _session_hooks(document, settings)
    findings += _logs(document)
    return findings


def _without_initiate(document: object) -> Iterator[Finding]:
    for method in registration_methods(document):
        if _lacks(document, "registration", method, Role.INITIATE):
            yield _switched_off(document, "registration", method, Role.INITIATE) or error(
                "method-without-initiate",
                where=own_hooks(document, "registration", method).place,
                what="nobody who registers with this method is ever verified: no hook calls /jumio/initiate",
                remedy="list the web_hook of ory-actions.yaml's registration.after here",
            )


def _without_gate(document: object) -> Iterator[Finding]:
    for method in first_factors(document):
        if _lacks(document, "login", method, Role.GATE):
            yield _switched_off(document, "login", method, Role.GATE) or error(
                "method-without-gate",
                where=own_hooks(document, "login", method).place,
                what="a blocked person signs in with this method: no hook calls /jumio/validate",
                remedy="list the web_hook of ory-actions.yaml's login.after here",
            )
    for method in second_factors(document):
        if _lacks(document, "login", method, Role.GATE):
            yield _switched_off(document, "login", method, Role.GATE) or warning(
                "method-without-gate",
                where=own_hooks(document, "login", method).place,
                what="a person who was blocked after the first factor still passes the second: no hook calls "
                "/jumio/validate",
                remedy="list the web_hook of ory-actions.yaml's login.after here",
            )


def _lacks(document: object, flow: str, method: str, role: Role) -> bool:
    return not effective_hooks(document, flow, method).has(role)


def _switched_off(document: object, flow: str, method: str, role: Role) -> Finding | None:
    """The finding that explains why a hook is there and yet not run; https://github.com/ory/kratos/issues/3352"""
    generic = generic_hooks(document, flow)
    if not generic.has(role):
        return None
    return error(
        "generic-hooks-switched-off",
        where=own_hooks(document, flow, method).place,
        what=f"these hooks switch {generic.place} off for this method: Kratos never runs both, so {role} is not called",
        remedy=f"list the web_hook of {generic.place} here as well",
    )


def _without_recovery_gate(document: object) -> Iterator[Finding]:
    recovery = generic_hooks(document, "recovery")
    if dig(document, "selfservice", "flows", "recovery").get("enabled") is True and not recovery.has(Role.GATE):
        yield error(
            "recovery-without-gate",
            where=recovery.place,
            what="a recovery is no sign-in, and gives a session past every gate there: to whoever is blocked, and to "
            "whoever reads a mailbox",
            remedy="list the web_hook of ory-actions.yaml's recovery.after here",
        )


def _without_settings_gate(document: object) -> Iterator[Finding]:
    """Where ways to sign in have a gate, each that is enabled needs one, and the address of a recovery does too."""
    gated = [method for method in ENROLMENTS if own_hooks(document, "settings", method).has(Role.GATE)]
    if not gated:
        return
    for method in settings_methods(document):
        hooks = own_hooks(document, "settings", method)
        if not hooks.has(Role.GATE):
            whoever = "whoever is signed in, at whatever level,"
            what = f"{whoever} changes the address that a recovery goes to"
            if method != "profile":
                what = f"{whoever} adds or changes {method}, a way to sign in"
            yield warning(
                "settings-method-without-gate",
                where=hooks.place,
                what=f"the settings of {', '.join(gated)} have a gate, these have none: {what}",
                remedy=f"list the web_hook of ory-actions-step-up.yaml's settings.after.{method} here",
            )


def _private_hooks(document: object) -> Iterator[Finding]:
    http = dig(document, "clients", "http")
    if http.get("disallow_private_ip_ranges") is not True:
        return
    listed = http.get("private_ip_exception_urls")
    excepted = [str(pattern) for pattern in listed] if isinstance(listed, list) else []
    for hook in our_hooks(document):
        url = str(hook.config["url"])
        if is_private(urlsplit(url).hostname or "") and not any(fnmatchcase(url, pattern) for pattern in excepted):
            effect = "nobody is ever verified" if hook.role is Role.INITIATE else f"every {hook.flow} fails"
            yield error(
                "private-hook-disallowed",
                where=f"{hook.place}.url",
                what="leads to a private address, and clients.http.disallow_private_ip_ranges is true: Kratos does not "
                f"call it, so that {effect}",
                remedy=f"clients.http.private_ip_exception_urls: [{without_credentials(url)}], to the letter",
            )


def _overflow(document: object, settings: Settings) -> Iterator[Finding]:
    """What `bufio.Scanner` leaves of it, seen on v26.2.0: an empty body, or no call (oryx/jsonnetsecure/cmd.go)."""
    blocked = settings.verification.block_login_statuses
    undecided = [status for status in UNDECIDED if status in blocked]
    if Status.NONE in blocked or not undecided:
        return
    for method in registration_methods(document):
        hooks = effective_hooks(document, "registration", method)
        for index, entry in enumerate(hooks.entries):
            if role_of(entry) is Role.INITIATE:
                yield warning(
                    "template-input-overflow",
                    where=f"{hooks.place}[{index}].config.body",
                    what="Kratos gives 64 KiB to the template and its input together, and the person adds as much "
                    "transient_payload as they like: with more, /jumio/initiate gets an empty body or no call, and "
                    f"they are `none`, which passes where {', '.join(undecided)} is blocked",
                    remedy="add none to BLOCK_LOGIN_STATUSES, and let a proxy in front of Kratos refuse bodies over "
                    "32 KiB, which may cost somebody else their hook as well",
                )


def _session_hooks(document: object, settings: Settings) -> Iterator[Finding]:
    admitted = [status for status in FRESH_STATUSES if status in settings.verification.block_login_statuses]
    for method in registration_methods(document):
        hooks = effective_hooks(document, "registration", method)
        if not admitted:
            yield from _without_session(own_hooks(document, "registration", method))
            continue
        for index, entry in enumerate(hooks.entries):
            if entry.get("hook") == "session":
                yield error(
                    "session-hook-admits-blocked",
                    where=f"{hooks.place}[{index}]",
                    what="it signs in whoever has just registered, past the gate, while BLOCK_LOGIN_STATUSES has "
                    f"{', '.join(admitted)}",
                    remedy="remove `- hook: session` here, so that people sign in through the gate, or remove "
                    f"{', '.join(admitted)} from BLOCK_LOGIN_STATUSES",
                )


def _without_session(hooks: HookList) -> Iterator[Finding]:
    """Kratos' schema has no `session` in a list for all methods, so that only a method's own can lack it."""
    if hooks.has(Role.INITIATE) and all(entry.get("hook") != "session" for entry in hooks.entries):
        yield warning(
            "session-hook-missing",
            where=hooks.place,
            what="nobody is signed in after registering: this list replaces the default, and has no `session`",
            remedy="add `- hook: session`, after the web_hook",
        )


def _logs(document: object) -> Iterator[Finding]:
    if dig(document, "log").get("leak_sensitive_values") is True:
        yield error(
            "kratos-logs-leak",
            where="log.leak_sensitive_values",
            what="Kratos logs every header in clear, Ory's secret and session cookies with them",
            remedy="leak_sensitive_values: false",
        )
