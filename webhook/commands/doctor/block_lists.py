# SPDX-License-Identifier: Apache-2.0
"""The statuses that stop somebody, in the settings and in policies: what such a list lets through. Pure."""

from collections.abc import Collection, Iterator

from webhook.commands.doctor.findings import Finding, error, warning
from webhook.core.status import Status

# A verification that has no result; with the others that are none, these are one for whoever asks for a result.
UNDECIDED = (Status.UNSTARTED, Status.PENDING, Status.INCOMPLETE)
_WHO = {
    Status.NONE: "for whom nobody started a verification: made by the admin API, older than this service, or whose "
    "hook was lost",
    Status.UNSTARTED: "whose verification could not be started yet",
    Status.PENDING: "who have not finished it",
    Status.INCOMPLETE: "who let the link expire, or broke it off",
}


def check(blocked: Collection[Status], *, where: str, remedy: str, admits_by_level: bool = True) -> Iterator[Finding]:
    """Everything odd in one list. `remedy` begins what to write instead, which the whole list follows.

    `admits_by_level` is false where nobody without a level passes anyway.
    """
    if Status.APPROVED in blocked:
        left = [status for status in blocked if status is not Status.APPROVED]
        yield error(
            "approved-blocked",
            where=where,
            what="has `approved`: whoever was verified is stopped, for having been verified",
            remedy=f"{remedy}{_listed(left or [Status.REJECTED])}",
        )
    if not admits_by_level:
        return
    if Status.REJECTED not in blocked:
        yield error(
            "rejected-admitted",
            where=where,
            what="lacks `rejected`: people whom Jumio rejected pass",
            remedy=f"{remedy}{_listed([*blocked, Status.REJECTED])}",
        )
    if any(status in blocked for status in UNDECIDED):
        passing = [status for status in _WHO if status not in blocked]
        if passing:
            yield warning(
                "block-list-gap",
                where=where,
                what=f"blocks {_listed([status for status in UNDECIDED if status in blocked])}, and lets people pass "
                + "; ".join(f"{_WHO[status]} ({status})" for status in passing),
                remedy=f"{remedy}{_listed([*blocked, *passing])}",
            )


def _listed(statuses: Collection[Status]) -> str:
    return ",".join(status for status in Status if status in statuses)
