# SPDX-License-Identifier: Apache-2.0
"""The traps of a Kratos configuration, by name. Pure: a parsed configuration and the settings in, findings out."""

from collections.abc import Iterator, Mapping

from webhook.commands.doctor import hook_check, policy_check
from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.kratos_hooks import Role, effective_hooks, generic_hooks, our_hooks, own_hooks
from webhook.commands.doctor.kratos_methods import dig, first_factors, registration_methods, second_factors
from webhook.core.status import Status
from webhook.settings import Settings

# What somebody who has registered this minute can be.
FRESH_STATUSES = (Status.NONE, Status.UNSTARTED, Status.PENDING)
# Settings that change how somebody signs in.
ENROLMENTS = ("password", "totp", "webauthn", "passkey", "lookup_secret", "oidc")


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
    if dig(document, "selfservice", "flows", "recovery").get("enabled") is not True:
        return
    recovery = generic_hooks(document, "recovery")
    gated = [method for method in ENROLMENTS if own_hooks(document, "settings", method).has(Role.GATE)]
    if gated and not recovery.has(Role.GATE):
        yield warning(
            "enrolment-gated-recovery-not",
            where=recovery.place,
            what=f"a gate covers the settings of {', '.join(gated)}, but not recovery: whoever reads the mailbox gets "
            "a session past every gate at sign-in",
            remedy="list a web_hook to /jumio/validate here, with can_interrupt: true",
        )


def _session_hooks(document: object, settings: Settings) -> Iterator[Finding]:
    admitted = [status for status in FRESH_STATUSES if status in settings.verification.block_login_statuses]
    if not admitted:
        return
    for method in registration_methods(document):
        hooks = effective_hooks(document, "registration", method)
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


def _logs(document: object) -> Iterator[Finding]:
    if dig(document, "log").get("leak_sensitive_values") is True:
        yield error(
            "kratos-logs-leak",
            where="log.leak_sensitive_values",
            what="Kratos logs every header in clear, Ory's secret and session cookies with them",
            remedy="leak_sensitive_values: false",
        )
