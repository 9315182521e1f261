# SPDX-License-Identifier: Apache-2.0
"""Evaluates templates as Kratos does: by the same library, without imports, with `ctx` as the only argument."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_QUOTED = re.compile(r"""(["']).*?\1""")  # may be any part of the template


class Fails(Exception):
    """The template gives no body; `str()` is Jsonnet's reason, in one line."""


class DoesNotParse(Fails):
    """It is not even Jsonnet."""


class Cancels(Fails):
    """Kratos sends nothing, and goes on as if it had been let through.

    `error "cancel"`, and whatever else begins so: request/builder.go looks for this very text.
    """


def evaluate(source: str, context: Mapping[str, Any]) -> Any:
    """The body that Kratos would send.

    :raises Fails: there is none.
    """
    return json.loads(_evaluated(source, json.dumps(context)))


@lru_cache(maxsize=256)  # most methods share one template
def _evaluated(source: str, context: str) -> str:
    import _gojsonnet  # by the doctor alone: a server must not pay for it

    imported: list[str] = []

    def imports(folder: str, name: str) -> tuple[str, bytes]:
        """Kratos allows none. Raising here would mix the text of the error with whatever lies in memory behind it."""
        imported.append(name)
        return name, b"null"

    reason = ""
    try:
        body: str = _gojsonnet.evaluate_snippet("template", source, tla_codes={"ctx": context}, import_callback=imports)
    except RuntimeError as error:
        reason = str(error)
    if imported:
        raise Fails("it imports a file, which Kratos' templates may not")
    if not reason:
        return body
    first = _QUOTED.sub("(...)", reason.strip().partition("\n")[0])[:200]
    if not reason.startswith("RUNTIME ERROR: "):
        raise DoesNotParse(first.removeprefix("template:"))
    said = first.removeprefix("RUNTIME ERROR: ")
    raise (Cancels if said.startswith("cancel") else Fails)(said)
