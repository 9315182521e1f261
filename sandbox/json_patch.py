# SPDX-License-Identifier: Apache-2.0
"""JSON Patch as Kratos applies it, which is not quite RFC 6902: oryx/jsonx/patch.go on evanphx/json-patch v5.9.11."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from itertools import pairwise
from typing import Any

_DENIED = re.compile(r"/id|/statechangedat|/credentials|/credentials/oidc/.*")
_INDEX = re.compile(r"[+-]?\d+")


class PatchError(ValueError):
    """The message Kratos gives; its status is 400."""


class _RawNull:
    """A null put there by this very patch: unlike one that was there before, it does not count as missing."""


def apply(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """A patched copy. Missing parents are created by add and replace, also in place of null."""
    result = copy.deepcopy(document)
    for operation in _checked(patch):
        path = operation["path"]
        parts = path.split("/")[1:]
        if not parts:
            raise PatchError("a patch of the whole document is beyond this stand-in")
        if operation["op"] == "remove":
            _remove(_container(result, parts, "remove", path), _decoded(parts[-1]), path)
        elif operation["op"] == "replace" and _names_element(parts[-1]):
            _replace(_container(result, parts, "replace", path), _decoded(parts[-1]), operation["value"], path)
        else:  # Kratos makes an add of every other replace
            _ensure_path(result, parts)
            container = _container(result, parts, "add", path)
            try:
                _put(container, _decoded(parts[-1]), _fresh(operation["value"]))
            except PatchError as problem:
                raise PatchError(f"error in add for path: '{path}': {problem}") from None
    settled: dict[str, Any] = _settled(result)
    return settled


def _checked(patch: Any) -> list[dict[str, Any]]:
    """First that it is a patch at all, then that Kratos wants it."""
    if patch is None:
        return []
    if not isinstance(patch, list):
        raise PatchError(f"json: cannot unmarshal {_go_kind(patch)} into Go value of type jsonpatch.Patch")
    for operation in patch:
        _check_shape(operation)
    for operation in patch:
        if operation["op"] in ("test", "move", "copy"):
            raise PatchError(f"unsupported operation: {operation['op']}")
        if _DENIED.fullmatch(operation["path"].lower()):
            raise PatchError(f"patch includes denied path: {operation['path']}")
    return patch


def _check_shape(operation: Any) -> None:
    if not isinstance(operation, dict):
        raise PatchError(f"json: cannot unmarshal {_go_kind(operation)} into Go value of type jsonpatch.Operation")
    invalid = f"invalid operation {json.dumps(operation, separators=(',', ':'))}"
    if operation.get("op") not in ("add", "remove", "replace", "test", "move", "copy"):
        raise PatchError(f"{invalid}: unsupported operation")
    missing = ["value"] if operation["op"] in ("add", "replace") and "value" not in operation else []
    missing += [] if isinstance(operation.get("path"), str) else ["path"]
    for name in missing:
        raise PatchError(f"{invalid}: failed to decode '{name}': operation, missing {name} field: missing value")


def _ensure_path(document: dict[str, Any], parts: list[str]) -> None:
    here: Any = document
    for part, following in pairwise(parts):
        child = _get(here, _decoded(part))
        if child is not None:
            if not isinstance(child, dict | list):
                raise PatchError("invalid state detected")
            here = child
            continue
        if isinstance(here, list) and _INDEX.fullmatch(part):
            here.extend(_RawNull() for _ in range(int(part) - len(here)))
        if following == "-" or _INDEX.fullmatch(following):
            index = 0 if following == "-" else int(following)
            if index < -1:
                raise PatchError(f"Unable to ensure path for negative index other than -1: {index}: invalid index")
            child = [_RawNull() for _ in range(index)]
        else:
            child = {}
        # With its escapes, so that an escaped parent is never found again; nor is one that has no place there.
        with contextlib.suppress(PatchError):
            _put(here, part, child)
        here = child


def _container(document: dict[str, Any], parts: list[str], kind: str, path: str) -> Any:
    here: Any = document
    for part in parts[:-1]:
        here = _get(here, _decoded(part))
        if not isinstance(here, dict | list):
            shown = path if kind == "replace" else f'"{path}"'
            raise PatchError(f"{kind} operation does not apply: doc is missing path: {shown}: missing value")
    return here


def _replace(container: Any, key: str, value: Any, path: str) -> None:
    at: Any = _position(container, key, len(container)) if isinstance(container, list) else key
    if at is None or (isinstance(container, dict) and key not in container):
        raise PatchError(f"replace operation does not apply: doc is missing key: {path}: missing value")
    container[at] = _fresh(value)


def _remove(container: Any, key: str, path: str) -> None:
    problem = f"unable to remove nonexistent key: {key}: missing value"
    at: Any = key if isinstance(container, dict) and key in container else None
    if isinstance(container, list):
        at = _position(container, key, len(container))
        problem = _no_index(key)
    if at is None:
        raise PatchError(f"error in remove for path: '{path}': {problem}")
    del container[at]


def _get(container: Any, key: str) -> Any:
    if key == "":
        return None
    if isinstance(container, dict):
        return container.get(key)
    at = _position(container, key, len(container))
    return None if at is None else container[at]


def _put(container: Any, key: str, value: Any) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        at = _position(container, key, len(container) + 1)
        if at is None:
            problem = _no_index(key)
            is_number = _INDEX.fullmatch(key)
            raise PatchError(problem if is_number else f"value was not a proper array index: '{key}': {problem}")
        container.insert(at, value)


def _position(container: list[Any], key: str, size: int) -> int | None:
    """Negative ones count from the end."""
    if not _INDEX.fullmatch(key) or not -size <= int(key) < size:
        return None
    return int(key) % size


def _no_index(key: str) -> str:
    if _INDEX.fullmatch(key):
        return f"Unable to access invalid index: {int(key)}: invalid index referenced"
    return f'strconv.Atoi: parsing "{key}": invalid syntax'


def _names_element(part: str) -> bool:
    return part == "-" or bool(_INDEX.fullmatch(part))


def _decoded(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _fresh(value: Any) -> Any:
    return _RawNull() if value is None else copy.deepcopy(value)


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _settled(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_settled(member) for member in value]
    return None if isinstance(value, _RawNull) else value


def _go_kind(value: Any) -> str:
    return {dict: "object", str: "string", bool: "bool", list: "array"}.get(type(value), "number")
