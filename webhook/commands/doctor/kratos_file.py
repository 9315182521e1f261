# SPDX-License-Identifier: Apache-2.0
"""Reads Kratos' configuration files and merges them as Kratos does. Its environment variables are not looked at."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

# Single signs (':') and names of tokens ('<scalar>') are YAML's own.
_QUOTED = re.compile(r"'(?!<).{2,}'", re.DOTALL)


class CannotRun(Exception):
    """A configuration file cannot be read; says which and why, never what it holds."""


def load(paths: Sequence[Path]) -> Mapping[Any, Any]:
    """The configuration of `kratos serve -c FILE -c FILE...`: mappings are merged, a later list replaces an earlier.

    :raises CannotRun: a file cannot be read or parsed, or all of them together are no Kratos configuration.
    """
    document: Mapping[Any, Any] = {}
    for path in paths:
        document = _merged(document, _parse(path))
    if not isinstance(document.get("selfservice"), Mapping):
        names = ", ".join(map(str, paths))
        raise CannotRun(f"{names}: not a Kratos configuration, for it has no `selfservice`")
    return document


def _parse(path: Path) -> Mapping[Any, Any]:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise CannotRun(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise CannotRun(f"{path}: is not UTF-8 text") from None
    try:
        document = _parse_text(text)
    except yaml.YAMLError as error:
        raise CannotRun(f"{path}: is neither YAML nor JSON{_cause(error)}") from None
    except (ValueError, RecursionError):  # what a date that is none, or thousands of brackets, raise
        raise CannotRun(f"{path}: is neither YAML nor JSON that can be read") from None
    if not isinstance(document, Mapping):
        raise CannotRun(f"{path}: not a Kratos configuration, for it is not a mapping")
    return document


def _parse_text(text: str) -> Any:
    try:
        return json.loads(text)  # tabs may indent JSON, but not YAML
    except ValueError:
        return yaml.safe_load(text)


def _cause(error: yaml.YAMLError) -> str:
    """Line, column and problem. What the problem quotes is left out: it may be part of a secret."""
    mark = getattr(error, "problem_mark", None)
    problem = _QUOTED.sub("(...)", str(getattr(error, "problem", None) or "a character that YAML does not know"))
    return f": {problem}" if mark is None else f": line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _merged(earlier: Mapping[Any, Any], later: Mapping[Any, Any]) -> Mapping[Any, Any]:
    merged = dict(earlier)
    for name, value in later.items():
        known = merged.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(known, value) if both else value  # type: ignore[arg-type]  # mappings, both of them
    return merged
