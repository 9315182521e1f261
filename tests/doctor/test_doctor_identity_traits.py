# SPDX-License-Identifier: Apache-2.0
"""Names in an identity schema that nobody compares, and pointers that find none there."""

from typing import Any

import pytest

from doctor.test_doctor_identity_schemas import document, traits
from sandbox.kratos_configuration import IDENTITY_SCHEMA
from webhook.commands.doctor import identity_traits
from webhook.commands.doctor.findings import Finding, Severity
from webhook.commands.doctor.library import Library
from webhook.core.traits import parse_traits

TEXT = {"type": "string"}
FIRST_LAST = {"type": "object", "properties": {"first": TEXT, "last": TEXT}}


def found(*schemas: object, pointers: str | None = None) -> list[Finding]:
    listed = [document(schema)["identity"]["schemas"][0] for schema in schemas]
    parsed = None if pointers is None else parse_traits(pointers)
    return list(identity_traits.check({"identity": {"schemas": listed}}, Library(), parsed))


LINES: list[tuple[dict[str, Any], str]] = [
    (traits(name=FIRST_LAST, birthdate=TEXT), "given_name=/name/first,family_name=/name/last,birthdate=/birthdate"),
    (traits(first_name=TEXT, last_name=TEXT), "given_name=/first_name,family_name=/last_name"),
    (traits(given_name=TEXT, family_name=TEXT, dob=TEXT),
     "given_name=/given_name,family_name=/family_name,birthdate=/dob"),
    (traits(firstName=TEXT, lastName=TEXT, dateOfBirth=TEXT),
     "given_name=/firstName,family_name=/lastName,birthdate=/dateOfBirth"),
    (traits(name={"type": ["string", "null"]}, birthday=TEXT), "full_name=/name,birthdate=/birthday"),
    (traits(full_name=TEXT, date_of_birth=TEXT), "full_name=/full_name,birthdate=/date_of_birth"),
    (traits(name={"properties": {"given": TEXT, "family": TEXT}}), "given_name=/name/given,family_name=/name/family"),
    (traits(name={"properties": {"full": TEXT}}), "full_name=/name/full"),
    (traits(person={"properties": {"first_name": TEXT, "surname": TEXT, "dob": TEXT}}),
     "given_name=/person/first_name,family_name=/person/surname,birthdate=/person/dob"),
    (traits(person={"properties": {"birthdate": TEXT}}, name=TEXT), "full_name=/name,birthdate=/person/birthdate"),
    (traits(full_name=TEXT, a={"properties": {"forename": TEXT, "surname": TEXT}}),
     "given_name=/a/forename,family_name=/a/surname"),
    (traits(surname=TEXT), "family_name=/surname"),
    (traits(surname=TEXT, more={"properties": {"forename": TEXT}}), "given_name=/more/forename,family_name=/surname"),
    (IDENTITY_SCHEMA, "given_name=/name/first,family_name=/name/last,birthdate=/birthdate"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "line"), LINES, ids=[line for _, line in LINES])
def test_names_that_nobody_compares(schema: dict[str, Any], line: str) -> None:
    [finding] = found(schema)
    assert (finding.severity, finding.id, finding.where) == (
        Severity.WARNING, "traits-not-compared", "identity.schemas[0].url"
    )  # fmt: skip
    assert "anybody's document passes" in finding.what
    assert finding.remedy == f"IDENTITY_TRAITS={line}"
    assert found(schema, pointers=line) == [], "what is printed is right"


@pytest.mark.parametrize(
    "schema",
    [
        traits(email=TEXT),
        traits(birthdate=TEXT),
        traits(username=TEXT, nickname=TEXT),
        traits(name={"type": "object"}),
        traits(name={"$ref": "#/definitions/name"}),
        traits(name={"type": "integer"}),
        traits(company={"properties": {"name": TEXT}}),
        traits(race={"properties": {"first": TEXT, "last": TEXT}}),
        traits(traits={"properties": {"first_name": TEXT, "last_name": TEXT}}),
        traits(**{"a,b": {"properties": {"full_name": TEXT}}}),
        traits(a={"properties": {"b": {"properties": {"full_name": TEXT}}}}),
        {"properties": {"traits": TEXT}},
        {},
        [],
        "a text",
    ],
    ids=range(15),
)
def test_what_looks_like_nobodys_name(schema: object) -> None:
    assert found(schema) == []


NAMED = traits(name=FIRST_LAST, birthdate=TEXT)
BOTH = "given_name=/name/first,family_name=/name/last"


@pytest.mark.parametrize(
    ("schema", "pointers", "nowhere"),
    [
        (NAMED, "given_name=/name/given,family_name=/name/last",
         ["/name/given, where IDENTITY_TRAITS looks for the given_name"]),
        (NAMED, "full_name=/name", ["/name, where IDENTITY_TRAITS looks for the full_name"]),
        (NAMED, f"{BOTH},birthdate=/dob", ["/dob, where IDENTITY_TRAITS looks for the birthdate"]),
        (NAMED, "full_name=/name/first/x", ["/name/first/x, "]),
        (traits(name=TEXT), BOTH, ["/name/first, ", "/name/last, "]),
        (traits(names={"type": "array", "items": [TEXT]}), "full_name=/names/1", ["/names/1, "]),
        (traits(names={"type": "array", "items": TEXT}), "full_name=/names/first", ["/names/first, "]),
        (traits(a=True), "full_name=/a", ["/a, "]),
        (traits(name={"properties": {}}), "full_name=/name", ["/name, "]),
        (traits(), "full_name=/a~1b/c~0d", ["/a~1b/c~0d, "]),
        ({}, "full_name=/name", ["/name, "]),
    ],
)  # fmt: skip
def test_a_pointer_that_leads_nowhere(schema: dict[str, Any], pointers: str, nowhere: list[str]) -> None:
    findings = found(schema, pointers=pointers)
    assert {(finding.severity, finding.id, finding.where) for finding in findings} == {
        (Severity.ERROR, "trait-pointer-nowhere", "identity.schemas[0].url")
    }
    assert len(findings) == len(nowhere)
    for finding, where in zip(findings, nowhere, strict=True):
        assert f"has no text at {where}" in finding.what


@pytest.mark.parametrize(
    ("schema", "pointers"),
    [
        (NAMED, BOTH),
        (traits(**{"a/b": {"properties": {"c~d": TEXT}}}), "full_name=/a~1b/c~0d"),
        (traits(names={"type": "array", "items": TEXT}), "full_name=/names/7"),
        (traits(names={"type": "array", "items": [TEXT]}), "full_name=/names/0"),
        (traits(name={}), "full_name=/name"),
        (traits(name={"enum": ["Ada Lovelace"]}), "full_name=/name"),
        # Where it cannot be told from here.
        (traits(name={"$ref": "#/definitions/name"}), BOTH),
        (traits(name={"anyOf": [FIRST_LAST, TEXT]}), BOTH),
        ({"properties": {"traits": {"$ref": "#/definitions/traits"}}}, BOTH),
        ({"properties": {"traits": {"allOf": [FIRST_LAST], "properties": {"email": TEXT}}}}, "full_name=/first"),
    ],
)
def test_a_pointer_that_leads_to_a_text(schema: dict[str, Any], pointers: str) -> None:
    assert found(schema, pointers=pointers) == []


def test_people_of_one_schema_may_have_no_name() -> None:
    """An error only where nobody has it, and every schema could be looked at."""
    machines = traits(serial=TEXT)
    [finding] = found(NAMED, machines, pointers="family_name=/name/last")
    assert (finding.severity, finding.where) == (Severity.WARNING, "identity.schemas[1].url")
    everywhere = found(machines, machines, pointers="family_name=/name/last")
    assert [(each.severity, each.where) for each in everywhere] == [
        (Severity.ERROR, "identity.schemas[0].url"),
        (Severity.ERROR, "identity.schemas[1].url"),
    ]
    elsewhere = {"id": "other", "url": "https://www.example.com/person.schema.json"}
    listed = {"identity": {"schemas": [*document(machines)["identity"]["schemas"], elsewhere]}}
    [perhaps] = identity_traits.check(listed, Library(), parse_traits("family_name=/name/last"))
    assert perhaps.severity is Severity.WARNING


def test_no_schema_that_can_be_read() -> None:
    nothing = {"identity": {"schemas": [{"id": "default", "url": "https://www.example.com/person.schema.json"}]}}
    for given in (None, parse_traits("full_name=/name")):
        assert list(identity_traits.check(nothing, Library(), given)) == []
