# SPDX-License-Identifier: Apache-2.0
"""The files that a Kratos configuration names, as far as they can be read from this machine."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from webhook.commands.doctor.kratos_hooks import our_hooks
from webhook.commands.doctor.kratos_methods import dig, mapping


class Unreadable(Exception):
    """Kratos cannot read it either."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """Where files are looked for.

    `copies` is a folder with copies of Kratos' templates, found by their names. `folders` are where a relative path may
    start. `is_kratos_own` tells that other files of the configuration are here: what is missing, Kratos misses too.
    """

    copies: Path | None = None
    folders: tuple[Path, ...] = ()
    is_kratos_own: bool = False

    def read(self, uri: str) -> str | None:
        """The text at a URI of Kratos', or None where this machine cannot tell.

        :raises Unreadable: it can tell, and there is none.
        """
        if uri.startswith("base64://"):
            return _decoded(uri)
        path = _path(uri)
        if path is None:
            return None
        if self.copies is not None:
            path = self.copies / path.name
        elif not path.is_absolute():
            return next((text for folder in self.folders if (text := _text(folder / path)) is not None), None)
        text = _text(path)
        # Kratos mostly runs elsewhere, with other files; a folder that is here as well makes this its machine.
        if text is None and _is_missing(path) and (self.is_kratos_own or path.parent.is_dir()):
            raise Unreadable(f"there is no {path.name} in {'the folder given' if self.copies else 'its folder'}")
        return text


def library_of(document: object, *, files: Sequence[Path], copies: Path | None) -> Library:
    """For a configuration that was read from these files."""
    folders = dict.fromkeys((Path(), *(file.parent for file in files)))
    is_kratos_own = any(path.is_absolute() and _text(path) is not None for path in _named(document))
    return Library(copies=copies, folders=tuple(folders), is_kratos_own=is_kratos_own)


def schema_uris(document: object) -> Iterator[tuple[str, str]]:
    """Place and URI of each identity schema."""
    schemas = dig(document, "identity").get("schemas")
    for index, schema in enumerate(schemas if isinstance(schemas, list) else []):
        yield f"identity.schemas[{index}].url", str(mapping(schema).get("url") or "")


def _named(document: object) -> Iterator[Path]:
    uris = [str(hook.config.get("body") or "") for hook in our_hooks(document)]
    uris += [uri for _, uri in schema_uris(document)]
    return (path for uri in uris if (path := _path(uri)) is not None)


def _path(uri: str) -> Path | None:
    """The file that is meant. Kratos takes a path without a scheme for a file, and what follows file:// as it is."""
    if uri.startswith("file:///"):
        return Path(unquote(urlsplit(uri).path))
    if uri.startswith("file://"):
        return Path(uri.removeprefix("file://"))
    return None if not uri or "://" in uri else Path(uri)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except OSError:
        return None  # Kratos may run as another user, with other rights


def _is_missing(path: Path) -> bool:
    """Whether it is not there, in a folder that may be looked into."""
    try:
        return not path.is_file()
    except OSError:
        return False


def _decoded(uri: str) -> str:
    try:
        return base64.b64decode(uri.removeprefix("base64://"), validate=True).decode(errors="replace")
    except binascii.Error:
        raise Unreadable("what follows base64:// is not base64") from None
