# SPDX-License-Identifier: Apache-2.0
"""Where the traits of an account hold whom it names: `IDENTITY_TRAITS`, JSON Pointers into a schema of anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.core.person import Person

PARTS = ("given_name", "family_name", "full_name", "birthdate")
_LONGEST = 1000


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Of each part that is kept, the names that lead to it."""

    paths: Mapping[str, tuple[str, ...]]

    def person_of(self, traits: object) -> Person:
        """Whom the traits name; what is not there, or no text, is not known."""
        return Person(**{part: _text_at(traits, path) for part, path in self.paths.items()})


def parse_traits(text: str) -> Traits:
    """As `given_name=/name/first,family_name=/name/last,birthdate=/birthdate`, or with `full_name=/name`.

    :raises ValueError: saying what is wrong with it.
    """
    paths: dict[str, tuple[str, ...]] = {}
    for item in text.split(","):
        part, is_there, pointer = item.strip().partition("=")
        if part not in PARTS or not is_there:
            raise ValueError(f"must name parts as name=/json/pointer, the names being {', '.join(PARTS)}")
        if part in paths:
            raise ValueError(f"names {part} twice")
        paths[part] = _path(part, pointer)
    if "full_name" in paths and paths.keys() & {"given_name", "family_name"}:
        raise ValueError("names full_name beside a part of it; one of them is enough")
    if paths.keys() == {"birthdate"}:
        raise ValueError("names a birthdate and no name: many are born on one day")
    return Traits(paths=paths)


def _path(part: str, pointer: str) -> tuple[str, ...]:
    """RFC 6901."""
    steps = pointer.split("/")
    is_escaped_well = all(step.count("~") == step.count("~0") + step.count("~1") for step in steps)
    if len(steps) < 2 or steps[0] or not all(steps[1:]) or not is_escaped_well:
        raise ValueError(f"has no JSON Pointer below the traits for {part}, such as /name/first")
    if steps[1] == "traits":
        raise ValueError(f"begins with /traits for {part}: it points into the traits already")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps[1:])


def _text_at(traits: object, path: tuple[str, ...]) -> str | None:
    here: Any = traits
    for name in path:
        if isinstance(here, list) and name.isascii() and name.isdigit() and len(name) < 4:
            here = here[int(name)] if int(name) < len(here) else None
        else:
            here = here.get(name) if isinstance(here, Mapping) else None
    return here[:_LONGEST] if isinstance(here, str) else None
