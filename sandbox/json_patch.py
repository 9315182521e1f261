# SPDX-License-Identifier: Apache-2.0
"""JSON Patch as Kratos applies it, as far as it is used here: an identity's state, and objects in its metadata."""

from __future__ import annotations

import copy
import re
from typing import Any

_KNOWN_PATHS = re.compile(r"/state|/metadata_(public|admin)(/[^/]+)*")


class NotKnownHere(Exception):
    """Kratos knows how to do this, the stand-in does not."""


class PatchError(ValueError):
    """What Kratos answers with 400."""


def apply(document: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """A patched copy: unlike RFC 6902, a replace may add, and parents that are missing or null are created.

    :raises NotKnownHere: it is beyond what is used here.
    """
    result = copy.deepcopy(document)
    for operation in patch:
        kind, path = operation["op"], operation["path"]
        if kind not in ("add", "replace", "remove") or not _KNOWN_PATHS.fullmatch(path):
            raise NotKnownHere(f"{kind} {path}")
        *parents, name = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
        here: Any = result
        for parent in parents:
            if here.get(parent) is None and kind != "remove":
                here[parent] = {}
            here = here.get(parent)
            if not isinstance(here, dict):
                raise PatchError("invalid state detected")
        if kind != "remove":
            here[name] = copy.deepcopy(operation["value"])
        elif name in here:
            del here[name]
        else:
            raise PatchError(f"unable to remove nonexistent key: {name}: missing value")
    return result
