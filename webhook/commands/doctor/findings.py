# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds, as values. How they are shown stands in `report`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """An error breaks something or opens something; a warning may be meant so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to change; no member ever holds a secret, a token or the content of a file.

    `id` is stable kebab-case, `where` a setting's name or a place such as `selfservice.flows.login.after.hooks[0]`;
    `also` are further places with the very same trouble.
    """

    severity: Severity
    id: str
    where: str
    what: str
    remedy: str
    also: tuple[str, ...] = ()


def error(id: str, *, where: str, what: str, remedy: str) -> Finding:  # noqa: A002  # what a finding calls it
    return Finding(severity=Severity.ERROR, id=id, where=where, what=what, remedy=remedy)


def warning(id: str, *, where: str, what: str, remedy: str) -> Finding:  # noqa: A002  # what a finding calls it
    return Finding(severity=Severity.WARNING, id=id, where=where, what=what, remedy=remedy)


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per trouble, errors first: a hook shared through a YAML anchor shows up under every method."""
    known: dict[Finding, Finding] = {}
    for finding in findings:
        trouble = replace(finding, where="", also=())
        first = known.get(trouble)
        if first is None:
            known[trouble] = finding
        elif finding.where not in (first.where, *first.also):
            known[trouble] = replace(first, also=(*first.also, finding.where))
    return sorted(known.values(), key=lambda finding: finding.severity is not Severity.ERROR)
