# SPDX-License-Identifier: Apache-2.0
"""Every finding there is stands in the documentation, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_finding_is_documented() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "webhook" / "commands" / "doctor").glob("*.py"))
    made = set(re.findall(r"""\b(?:error|warning)\(\s*"([a-z-]+)",""", source))
    assert len(made) > 50
    table = (ROOT / "docs" / "operating.md").read_text().partition("| finding | ")[2].partition("\n\n")[0]
    documented = {
        name for row in table.splitlines() for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", row.split("|")[1])
    }
    assert made == documented
