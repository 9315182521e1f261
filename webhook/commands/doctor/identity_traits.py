# SPDX-License-Identifier: Apache-2.0
"""Whether the names that an identity schema has are compared with those of documents: `IDENTITY_TRAITS`. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from webhook.commands.doctor.findings import Finding, Severity, warning
from webhook.commands.doctor.identity_schemas import schema_at
from webhook.commands.doctor.kratos_methods import dig, mapping
from webhook.commands.doctor.library import Library, schema_uris
from webhook.core.traits import Traits

# Spellings without case, `_` and `-`, by the part that they hold.
_SPELLINGS = {
    "given_name": {"firstname", "givenname", "givennames", "forename"},
    "family_name": {"lastname", "familyname", "surname"},
    "full_name": {"fullname", "legalname"},
    "birthdate": {"birthdate", "dateofbirth", "dob", "birthday"},
}
# Those that say it only within an object of such a name; `name` by itself may as well be a company's.
_WITHIN = {"given_name": {"first", "given"}, "family_name": {"last", "family"}, "full_name": {"full"}}
_NAMES = {"name", "fullname", "legalname"}
_USABLE = re.compile(r"(?!traits$)[A-Za-z0-9_.-]{1,64}", re.ASCII)
_ELSEWHERE = object()


def check(document: object, library: Library, traits: Traits | None) -> Iterator[Finding]:
    """One finding for each schema whose names nobody compares, or for each pointer that finds none there."""
    schemas = [(where, schema_at(uri, library)) for where, uri in schema_uris(document)]
    known = [(where, schema) for where, schema in schemas if isinstance(schema, Mapping)]
    if traits is None:
        yield from _not_compared(known)
    else:
        yield from _pointing_nowhere(known, traits, are_all=len(known) == len(schemas))


def _not_compared(schemas: Sequence[tuple[str, Mapping[Any, Any]]]) -> Iterator[Finding]:
    for where, schema in schemas:
        if pointers := _pointers(dig(schema, "properties", "traits")):
            yield warning(
                "traits-not-compared",
                where=where,
                what="has traits that look like a person's name, and IDENTITY_TRAITS is not set: anybody's document "
                "passes, since nobody compares whom it names with whom the account names",
                remedy=f"IDENTITY_TRAITS={','.join(f'{part}={pointer}' for part, pointer in pointers.items())}",
            )


def _pointing_nowhere(
    schemas: Sequence[tuple[str, Mapping[Any, Any]]], traits: Traits, *, are_all: bool
) -> Iterator[Finding]:
    """An error where no schema has it, for then it is compared for nobody; people of one schema may lack a trait."""
    for part, path in traits.paths.items():
        lacking = [where for where, schema in schemas if not _leads_to_text(schema, path)]
        pointer = "/".join(("", *(step.replace("~", "~0").replace("/", "~1") for step in path)))
        is_nowhere = are_all and len(lacking) == len(schemas)
        for where in lacking:
            finding = warning(
                "trait-pointer-nowhere",
                where=where,
                what=f"has no text at {pointer}, where IDENTITY_TRAITS looks for the {part}: of people with this "
                "schema it is never known, and what is unknown passes",
                remedy=f"{part}= a JSON Pointer to it below the traits, such as /name/first; or declare it in the "
                "schema; or leave it out",
            )
            yield replace(finding, severity=Severity.ERROR) if is_nowhere else finding


def _pointers(traits: Mapping[Any, Any]) -> dict[str, str]:
    """The parts that are found, a whole name in one place before halves of several; none without a name."""
    places = [_found_in(traits, parent=None)]
    places += [
        _found_in(schema, parent=name)
        for name, schema in mapping(traits.get("properties")).items()
        if isinstance(name, str) and _USABLE.fullmatch(name)
    ]
    name = _name_in(places)
    born = next((found["birthdate"] for found in places if "birthdate" in found), None)
    return name if not name or born is None else name | {"birthdate": born}


def _name_in(places: Sequence[Mapping[str, str]]) -> dict[str, str]:
    for parts in (("given_name", "family_name"), ("full_name",)):
        for found in places:
            if found.keys() >= set(parts):
                return {part: found[part] for part in parts}
    halves: dict[str, str] = {}
    for found in places:
        halves = {part: found[part] for part in ("given_name", "family_name") if part in found} | halves
    return halves


def _found_in(schema: object, *, parent: str | None) -> dict[str, str]:
    """Pointers by part, among the properties of one object."""
    found: dict[str, str] = {}
    for name, member in mapping(mapping(schema).get("properties")).items():
        if isinstance(name, str) and _USABLE.fullmatch(name) and _is_text(member):
            part = _part_of(name, parent)
            if part is not None:
                found.setdefault(part, f"/{name}" if parent is None else f"/{parent}/{name}")
    return found


def _part_of(name: str, parent: str | None) -> str | None:
    word, within = _plain(name), None if parent is None else _plain(parent)
    for part, spellings in _SPELLINGS.items():
        if word in spellings or (within in _NAMES and word in _WITHIN.get(part, ())):
            return part
    return "full_name" if parent is None and word == "name" else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _leads_to_text(schema: Mapping[Any, Any], path: tuple[str, ...]) -> bool:
    """Whether there may be a text; also where that cannot be told from here."""
    places: list[object] = [dig(schema, "properties", "traits")]
    for name in path:
        places = [below for place in places for below in _below(place, name)]
    return any(_may_be_text(place) for place in places)


def _below(schema: object, name: str) -> Iterator[object]:
    """The schemas of one member; it is somewhere else where the schema refers to another, or combines several."""
    if schema is _ELSEWHERE:
        yield schema
        return
    found = mapping(schema)
    if found.keys() & {"$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties"}:
        yield _ELSEWHERE
    members = mapping(found.get("properties"))
    if name in members:
        yield members[name]
    elif "items" in found and name.isascii() and name.isdigit() and len(name) < 4:
        items = found["items"]
        if not isinstance(items, list):
            yield items
        elif int(name) < len(items):
            yield items[int(name)]


def _may_be_text(schema: object) -> bool:
    found = mapping(schema)
    return (
        schema is _ELSEWHERE
        or _is_text(schema)
        or (isinstance(schema, Mapping) and not found.keys() & {"type", "properties"})
    )


def _is_text(schema: object) -> bool:
    kind = mapping(schema).get("type")
    return "string" in (kind if isinstance(kind, list) else [kind])
