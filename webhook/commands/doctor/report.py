# SPDX-License-Identifier: Apache-2.0
"""Shows findings: a table for people, one JSON object for machines."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from webhook.commands.doctor.findings import Finding, Severity

WIDTH = 110


def as_json(findings: Sequence[Finding], checked: Sequence[str], not_checked: Mapping[str, str]) -> str:
    """`{"findings": [...], "checked": [...], "not_checked": {what: why}}`"""
    told = [asdict(finding) for finding in findings]
    return json.dumps({"findings": told, "checked": list(checked), "not_checked": dict(not_checked)}, indent=2)


def as_text(findings: Sequence[Finding], checked: Sequence[str], not_checked: Mapping[str, str]) -> str:
    """The columns severity, id and where; below each row what is wrong and what to write instead."""
    column = max((len(finding.id) for finding in findings), default=0)
    parts = [_rows(finding, column) for finding in findings]
    parts.append(_summary(findings))
    parts.append("\n".join([
        f"checked: {', '.join(checked)}",
        *(f"not checked: {name} ({reason})" for name, reason in not_checked.items()),
    ]))  # fmt: skip
    return "\n\n".join(parts)


def _rows(finding: Finding, column: int) -> str:
    head = f"{finding.severity:<7}  {finding.id:<{column}}  "
    lines = [head + finding.where]
    lines += [" " * len(head) + place for place in finding.also]
    for name, text in (("what", finding.what), ("remedy", finding.remedy)):
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"  {name:<7}",
            subsequent_indent=" " * 9,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing found."
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return f"{len(findings)} found: {errors} to repair (error), {len(findings) - errors} to look at (warning)."
