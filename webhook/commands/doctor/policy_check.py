# SPDX-License-Identifier: Apache-2.0
"""The traps of a policy in a hook's template: where it stands, how it is written, and what it asks for. Pure."""

from collections.abc import Collection, Iterator

from webhook.commands.doctor import block_lists
from webhook.commands.doctor.findings import Finding, error, warning
from webhook.commands.doctor.kratos_hooks import Hook
from webhook.core.assurance import CONTACT, Table
from webhook.core.policy import Policy, parse_policy
from webhook.errors import Malformed
from webhook.settings import Settings

_DOCUMENT = frozenset({"usability", "imageChecks", "extraction", "dataChecks"})
# What the workflows whose steps Jumio publishes can bring; nothing is said of a tenant's own.
# https://documentation.jumio.ai/docs/references/servicesAndworkflow/standardService
_BRINGS = {
    "2": _DOCUMENT,
    "10010": frozenset({"watchlistScreening"}),
    "10011": _DOCUMENT | {"similarity", "liveness"},
    "10014": frozenset({"usability", "liveness", "authentication"}),
}


def check(hook: Hook, policy: object, settings: Settings) -> Iterator[Finding]:
    """Everything wrong with the policy that this hook sends."""
    yield from _interrupt(hook)
    yield from _level(hook, policy, settings)
    table = settings.verification.assurance_table
    if isinstance(policy, dict) and _is_above(policy.get("min_level"), table):
        policy = {name: value for name, value in policy.items() if name != "min_level"}  # said above
    try:
        asked = parse_policy(policy, highest=table.highest)
    except Malformed as cause:
        yield error(
            "policy-malformed",
            where=f"{hook.place}.body",
            what=f"{cause}: every call is answered 400, so that nobody gets through",
            remedy='policy: {min_level: 2, max_age: "90d", on_unmet: "start", block_statuses: ["rejected"]}, every '
            "member optional and no others",
        )
        return
    yield from _blocked(hook, asked)
    if hook.flow == "recovery" and asked.start_when_unmet:
        yield error(
            "recovery-starts",
            where=f"{hook.place}.body",
            what="a policy with on_unmet: start shows whoever reads the mail a link to the person's verification, and "
            "starts one where none is open: they show a document of their own, and are verified as the person",
            remedy="on_unmet: 'block', as in jsonnet/recovery.jsonnet",
        )


def _blocked(hook: Hook, policy: Policy) -> Iterator[Finding]:
    if policy.block_statuses is not None:
        yield from block_lists.check(
            policy.block_statuses,
            where=f"{hook.place}.body",
            remedy="block_statuses: a list of ",
            admits_by_level=not policy.min_level and policy.max_age is None,
        )


def _interrupt(hook: Hook) -> Iterator[Finding]:
    member, remedy = "can_interrupt", "can_interrupt: true"
    if hook.moment == "before":
        member, remedy = "body", f"list the hook under {hook.flow}.after, with can_interrupt: true"
        what = "a policy here has no form to answer in, and mostly nobody to ask for: people see an error page"
    elif hook.flow == "registration":
        member, remedy = "body", "ask for the policy under login.after, with can_interrupt: true"
        what = "nobody can meet a policy while registering: a hook that interrupts runs before the identity exists"
    elif hook.ignores:
        member, remedy = "response.ignore", "remove `response.ignore` and write `can_interrupt: true`"
        what = "a policy on a hook whose answer is thrown away stops nobody"
    elif hook.interrupts_by is not None:
        return
    elif hook.flow == "settings":
        what = "a policy on a hook that cannot interrupt stops nothing: it is asked once the change is stored"
    else:
        what = "a policy on a hook that cannot interrupt: who does not meet it reads a bare 502, and gets no link"
    yield error("policy-cannot-interrupt", where=f"{hook.place}.{member}", what=what, remedy=remedy)


def _level(hook: Hook, policy: object, settings: Settings) -> Iterator[Finding]:
    table = settings.verification.assurance_table
    min_level = policy.get("min_level") if isinstance(policy, dict) else None
    if _is_above(min_level, table):
        yield error(
            "level-unreachable",
            where=f"{hook.place}.body",
            what=f"the policy asks for level {min_level}, and the assurance table ends at {table.highest}: every call "
            "is answered 400, so that nobody gets through",
            remedy=f"a min_level of at most {table.highest}, or an ASSURANCE_TABLE with that level",
        )
        return
    brings = _BRINGS.get(str(settings.verification.workflow_key))
    if brings is None or not isinstance(min_level, int):
        return
    lacking = _lacking(table, min_level, brings)
    if lacking:
        yield warning(
            "level-unreachable",
            where=f"{hook.place}.body",
            what=f"the policy asks for level {min_level}, and Jumio's workflow {settings.verification.workflow_key} "
            f"brings no {', '.join(lacking)}: nobody gets there",
            remedy="JUMIO_WORKFLOW_KEY=a workflow with these capabilities, or a lower min_level",
        )


def _is_above(min_level: object, table: Table) -> bool:
    return isinstance(min_level, int) and not isinstance(min_level, bool) and min_level > table.highest


def _lacking(table: Table, min_level: int, brings: Collection[str]) -> list[str]:
    """The capabilities that the document levels up to this one ask for, and that never run."""
    required = (
        condition.capability for row in table.levels if CONTACT < row.level <= min_level for condition in row.require
    )
    return [capability for capability in dict.fromkeys(required) if capability not in brings]
