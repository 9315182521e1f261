# SPDX-License-Identifier: Apache-2.0
"""Traits that people may make as long as they like, in the identity schemas that can be read from here."""

import json
from collections.abc import Iterator
from typing import Any

from webhook.commands.doctor.findings import Finding, warning
from webhook.commands.doctor.kratos_methods import dig, mapping
from webhook.commands.doctor.library import Library, Unreadable, schema_uris

# Formats whose check knows a longest text; github.com/ory/jsonschema takes no longer e-mail address than 254.
_SHORT_FORMATS = frozenset(
    {"email", "date", "time", "date-time", "hostname", "ipv4", "ipv6", "uuid", "tel", "no-validate"}
)


def not_seen(document: object, library: Library) -> list[str]:
    """The URIs of schemas that cannot be read from here."""
    return [uri for _, uri in schema_uris(document) if uri and schema_at(uri, library) is None]


def check(document: object, library: Library) -> Iterator[Finding]:
    """One finding for each schema that bounds not every trait."""
    for where, uri in schema_uris(document):
        unbounded = list(_unbounded(dig(schema_at(uri, library), "properties", "traits"), "traits"))
        if unbounded:
            yield warning(
                "trait-unbounded",
                where=where,
                what=f"does not bound how long {', '.join(unbounded[:10])} may be: Kratos gives 64 KiB to a template "
                "and its input together, so that whoever registers with more gets no record, and signs in with "
                "`session` all the same; above 1 MiB `sync` cannot read them either",
                remedy="maxLength for texts, maxItems for lists, additionalProperties: false for objects",
            )


def schema_at(uri: str, library: Library) -> Any:
    """The schema, or None where it cannot be read from here."""
    try:
        return json.loads(library.read(uri) or "null")
    except (Unreadable, ValueError, RecursionError):  # where it is none, Kratos does not start
        return None


def _unbounded(schema: object, place: str) -> Iterator[str]:
    found = mapping(schema)
    if not found or "enum" in found or "const" in found:
        return
    kind = found.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "string" in kinds and "maxLength" not in found and found.get("format") not in _SHORT_FORMATS:
        yield place
    if "array" in kinds:
        if "maxItems" not in found:
            yield place
        yield from _unbounded(found.get("items"), f"{place}[]")
    if "object" in kinds:
        if found.get("additionalProperties", True) is not False:
            yield f"{place}.*"
        for name, member in mapping(found.get("properties")).items():
            yield from _unbounded(member, f"{place}.{name}")
