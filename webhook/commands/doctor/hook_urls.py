# SPDX-License-Identifier: Apache-2.0
"""Whether anybody listens where our hooks lead, as seen from this machine; nothing is sent."""

from webhook.commands.doctor.findings import Finding, warning
from webhook.commands.doctor.hosts import is_private
from webhook.commands.doctor.kratos_hooks import Role, our_hooks
from webhook.commands.doctor.reach import UNKNOWN_NAME, address_of, why_unreachable


def check(document: object) -> tuple[list[Finding], list[str]]:
    """The findings, and the hosts that only a private network knows by name, so that nothing can be said from here."""
    findings: list[Finding] = []
    unknown: dict[str, None] = {}
    tried: dict[tuple[str, int], str | None] = {}
    for hook in our_hooks(document):
        url = str(hook.config["url"])
        address = address_of(url)
        if address is None:
            findings.append(_nobody(f"{hook.place}.url", "it is no URL of a host", hook.role))
            continue
        if address not in tried:
            tried[address] = why_unreachable(address)
        failure = tried[address]
        if failure == UNKNOWN_NAME and is_private(address[0]):
            unknown[address[0]] = None
        elif failure is not None:
            findings.append(_nobody(f"{hook.place}.url", failure, hook.role))
    return findings, list(unknown)


def _nobody(where: str, why: str, role: Role) -> Finding:
    if role is Role.INITIATE:
        effect = "whoever registers meanwhile has no record, and is never verified"
    else:
        effect = "whoever has to pass it waits three seconds, and gets an error page"
    return warning(
        "hook-url-unreachable",
        where=where,
        what=f"nothing listens there, as seen from this machine ({why}): if Kratos sees the same, {effect}",
        remedy="start this service there, or correct host and port",
    )
