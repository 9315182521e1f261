# SPDX-License-Identifier: Apache-2.0
"""Names in the environment or in `.env` that look like a setting of ours and are none. Pure."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

from webhook.commands.doctor.findings import Finding, warning

# Nobody else has settings that begin so.
_OURS = ("JUMIO_", "BLOCK_LOGIN", "ORY_WEBHOOK")
_ALIKE = 0.8
# What Kubernetes and Docker tell every container of a service that is called like one of ours.
_OF_A_SERVICE = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")


def check(given: Collection[str], known: Collection[str]) -> Iterator[Finding]:
    """What is misspelt among the names that are `given`; nobody means one that is given by its right name, too."""
    for name in sorted(given):
        meant = _meant(name, known, given)
        if meant is None:
            continue
        guess = f"did you mean {meant}?" if meant else "no setting is called so"
        yield warning(
            "setting-misspelt",
            where=name,
            what=f"is set and nobody reads it: {guess} The default counts, or another place's value",
            remedy=f"{meant}=..." if meant else "docs/settings.md has every name",
        )


def _meant(name: str, known: Collection[str], given: Collection[str]) -> str | None:
    """The setting that is meant, an empty text for one that nobody can guess, None for a name that is none of ours."""
    upper = name.upper()
    if name in known or _OF_A_SERVICE.search(name):
        return None
    # Short names are like too much that is somebody else's.
    close = get_close_matches(upper, known, n=1, cutoff=_ALIKE if len(name) > 5 else 1.0)
    if close and close[0] not in given:
        return close[0]
    return "" if upper.startswith(_OURS) else None
