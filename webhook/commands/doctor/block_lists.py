# SPDX-License-Identifier: Apache-2.0
"""The statuses that stop somebody, in the settings and in policies: what such a list lets through. Pure."""

from collections.abc import Collection, Iterator

from webhook.commands.doctor.findings import Finding, error, warning
from webhook.core.status import Status

# Begun, or asked for, and without a result. Whoever blocks one of these asks for results.
UNDECIDED = (Status.UNSTARTED, Status.PENDING, Status.INCOMPLETE)
_WHO = {
    Status.NONE: "for whom nobody started a verification: made by the admin API, older than this service, or whose "
    "hook was lost",
    Status.UNSTARTED: "whose verification could not be started yet",
    Status.PENDING: "who have not finished it",
    Status.INCOMPLETE: "who let the link expire, or broke it off",
}


def check(blocked: Collection[Status], *, where: str, remedy: str, admits_by_level: bool = True) -> Iterator[Finding]:
    """Everything odd in one list. `remedy` begins what to write instead; a whole list follows it.

    `admits_by_level` is false where nobody without a level passes anyway.
    """
    undecided = [status for status in UNDECIDED if status in blocked]
    passing = [status for status in _WHO if status not in blocked] if undecided else []
    remedy += ",".join(status for status in Status if _is_wise(status, blocked, passing))
    if Status.APPROVED in blocked:
        what = "has `approved`: whoever was verified is stopped, for having been verified"
        yield error("approved-blocked", where=where, what=what, remedy=remedy)
    if not admits_by_level:
        return
    if Status.REJECTED not in blocked:
        what = "lacks `rejected`: people whom Jumio rejected pass"
        yield error("rejected-admitted", where=where, what=what, remedy=remedy)
    if passing:
        who = "; ".join(f"{_WHO[status]} ({status})" for status in passing)
        what = f"blocks {', '.join(undecided)}, and lets people pass {who}"
        yield warning("block-list-gap", where=where, what=what, remedy=remedy)


def _is_wise(status: Status, blocked: Collection[Status], passing: Collection[Status]) -> bool:
    """Whether it belongs into the list that leaves nothing to find."""
    return status is Status.REJECTED or (status is not Status.APPROVED and (status in blocked or status in passing))
