# SPDX-License-Identifier: Apache-2.0
"""Traits that people may make as long as they like."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.kratos_configuration import IDENTITY_SCHEMA
from webhook.commands.doctor import identity_schemas
from webhook.commands.doctor.library import Library


def document(schema: object) -> dict[str, Any]:
    encoded = base64.b64encode(json.dumps(schema).encode()).decode()
    return {"identity": {"schemas": [{"id": "default", "url": f"base64://{encoded}"}]}}


def traits(**properties: object) -> dict[str, Any]:
    return {"properties": {"traits": {"type": "object", "additionalProperties": False, "properties": properties}}}


SHORT = {"type": "string", "maxLength": 80}
BOUNDED: list[object] = [
    IDENTITY_SCHEMA,
    traits(name=SHORT),
    traits(name={"type": ["string", "null"], "maxLength": 80}),
    traits(email={"type": "string", "format": "email"}, born={"type": "string", "format": "date"}),
    traits(size={"enum": ["s", "m"]}, kind={"const": "person"}, age={"type": "integer"}, agreed={"type": "boolean"}),
    traits(names={"type": "array", "maxItems": 3, "items": SHORT}),
    traits(name={"type": "object", "additionalProperties": False, "properties": {"first": SHORT}}),
    {},
    [],
]
UNBOUNDED = {
    "traits.name": traits(name={"type": "string"}),
    "traits.link": traits(link={"type": "string", "format": "uri"}),
    "traits.nickname": traits(nickname={"type": ["null", "string"]}),
    "traits.names": traits(names={"type": "array", "items": SHORT}),
    "traits.names[]": traits(names={"type": "array", "maxItems": 3, "items": {"type": "string"}}),
    "traits.name.first": traits(
        name={"type": "object", "additionalProperties": False, "properties": {"first": {"type": "string"}}}
    ),
    "traits.*": {"properties": {"traits": {"type": "object", "properties": {"name": SHORT}}}},
}


@pytest.mark.parametrize("schema", BOUNDED, ids=range(len(BOUNDED)))
def test_bounded(schema: object) -> None:
    assert list(identity_schemas.check(document(schema), Library())) == []
    assert identity_schemas.not_seen(document(schema), Library()) == []


@pytest.mark.parametrize("place", UNBOUNDED)
def test_unbounded(place: str) -> None:
    [finding] = identity_schemas.check(document(UNBOUNDED[place]), Library())
    assert (finding.id, finding.where) == ("trait-unbounded", "identity.schemas[0].url")
    assert f"how long {place} may be" in finding.what


def test_every_schema_is_looked_at_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "person.schema.json"
    file.write_text(json.dumps(UNBOUNDED["traits.name"]))
    both = {"identity": {"schemas": [*document(BOUNDED[1])["identity"]["schemas"], {"id": "b", "url": file.as_uri()}]}}
    assert [finding.where for finding in identity_schemas.check(both, Library())] == ["identity.schemas[1].url"]


@pytest.mark.parametrize(
    "url", ["file:///no/such/folder/here/person.schema.json", "https://www.example.com/person.schema.json"]
)
def test_one_that_cannot_be_read_from_here_is_told(url: str) -> None:
    elsewhere = {"identity": {"schemas": [{"id": "default", "url": url}]}}
    assert list(identity_schemas.check(elsewhere, Library())) == []
    assert identity_schemas.not_seen(elsewhere, Library()) == [url]


@pytest.mark.parametrize("schemas", [None, "default", [None], [{"id": "default"}]])
def test_no_schema(schemas: object) -> None:
    nothing = {"identity": {"schemas": schemas}}
    assert list(identity_schemas.check(nothing, Library())) == []
    assert identity_schemas.not_seen(nothing, Library()) == []


@pytest.mark.parametrize("url", ["base64://%", "base64://e30x"])
def test_what_is_no_schema_is_not_a_matter_of_length(url: str) -> None:
    """Kratos does not start with it."""
    assert list(identity_schemas.check({"identity": {"schemas": [{"url": url}]}}, Library())) == []
