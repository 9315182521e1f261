# SPDX-License-Identifier: Apache-2.0
"""The gateway against the Kratos stand-in always, and against a real Kratos where there is one: the same assertions."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests
from support import NEWER_WORKFLOW, NO_HOOKS, NOW, ORY_SECRET, WORKFLOW, approved, pending, settings_of

from sandbox.people import Kratos
from sandbox.start import find_kratos, start_kratos
from webhook.core.evidence import Decision
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.errors import IdentityUnknown, KratosRefused
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.documents import Identity
from webhook.ory.kratos.metadata import admin_member, public_member

# Numbers and booleans are left out: Kratos on SQLite stores such metadata and can then not read the row any more.

# Registration signs the person in, so that there is a session to end.
CONFIGURATION = NO_HOOKS.replace(
    "registration: {after: {hooks: []}}", "registration: {after: {password: {hooks: [{hook: session}]}}}"
)


@pytest.fixture(scope="module", params=["stand-in", "real"])
def kratos(request: pytest.FixtureRequest) -> Iterator[Kratos]:
    binary = None
    if request.param == "real" and (binary := find_kratos()) is None:
        pytest.skip("no Kratos: neither KRATOS_BIN nor `kratos` on the PATH")
    started = start_kratos(
        service_url="http://127.0.0.1:1", ory_secret=ORY_SECRET, binary=binary, configuration=CONFIGURATION
    )
    with started:
        yield started


@pytest.fixture(scope="module")
def client(kratos: Kratos) -> KratosClient:
    return KratosClient(settings_of(KRATOS_ADMIN_URL=kratos.admin_url).kratos)


def email() -> str:
    return f"{uuid4()}@example.com"


@pytest.fixture
def person(kratos: Kratos) -> str:
    return kratos.create_identity(email())


def test_whoever_signs_in_with_an_address(kratos: Kratos, client: KratosClient, person: str) -> None:
    address = f"tag+{email()}"
    identity_id = kratos.create_identity(address)
    client.write(client.get(identity_id), pending())
    for written in (address, address.upper(), f" {address}"):
        [found] = client.by_address(written)
        assert found == client.get(identity_id)
        assert found.record.status is Status.PENDING
    assert client.by_address(email()) == client.by_address(person) == []
    assert client.by_address("") == client.by_address(" ") == [], "and not everybody"


def overwrite(kratos: Kratos, identity_id: str, name: str, value: Any) -> None:
    """Somebody else's write."""
    patch = [{"op": "replace", "path": f"/{name}", "value": value}]
    answer = requests.patch(f"{kratos.admin_url}/admin/identities/{identity_id}", json=patch, timeout=10)
    assert answer.status_code == 200, answer.text


def unchanged_part(kratos: Kratos, identity_id: str) -> dict[str, Any]:
    volatile = ("metadata_public", "metadata_admin", "updated_at", "state", "state_changed_at")
    return {name: value for name, value in kratos.identity(identity_id).items() if name not in volatile}


def test_an_identity_is_read_with_its_metadata(kratos: Kratos, client: KratosClient, person: str) -> None:
    there = client.get(person)
    assert there == Identity(
        id=person, state="active", metadata_public=None, metadata_admin=None, unchanged_for=there.unchanged_for
    )
    assert there.unchanged_for is not None
    assert there.unchanged_for < timedelta(minutes=1), "by Kratos' own clock, to the second"
    overwrite(kratos, person, "metadata_public", {"theirs": [1]})
    overwrite(kratos, person, "metadata_admin", {"theirs": {"a": None}})
    there = client.get(person)
    assert (there.metadata_public, there.metadata_admin) == ({"theirs": [1]}, {"theirs": {"a": None}})


def test_an_unknown_identity_is_told_apart(client: KratosClient) -> None:
    unknown = str(uuid4())
    with pytest.raises(IdentityUnknown):
        client.get(unknown)
    with pytest.raises(IdentityUnknown):
        client.write(Identity(id=unknown, state=None, metadata_public=None, metadata_admin=None), pending())


def test_a_record_is_written_into_no_metadata_at_all(kratos: Kratos, client: KratosClient, person: str) -> None:
    before = unchanged_part(kratos, person)
    written = client.write(client.get(person), pending())
    assert written == client.get(person)
    assert written.metadata_public == {"jumio": public_member(pending())}
    assert written.metadata_admin == {"jumio": admin_member(pending())}
    assert unchanged_part(kratos, person) == before


@pytest.mark.parametrize("metadata", [{}, {"theirs": {"deep": [1, None, "ü"]}}, {"jumio": "odd", "theirs": 1}])
def test_members_of_others_stay_as_they_are(
    kratos: Kratos, client: KratosClient, person: str, metadata: dict[str, Any]
) -> None:
    overwrite(kratos, person, "metadata_public", metadata)
    overwrite(kratos, person, "metadata_admin", metadata)
    before = unchanged_part(kratos, person)
    client.write(client.get(person), approved())
    identity = client.get(person)
    assert identity.metadata_public == {**metadata, "jumio": public_member(approved())}
    assert identity.metadata_admin == {**metadata, "jumio": admin_member(approved())}
    assert unchanged_part(kratos, person) == before


def test_a_new_record_replaces_the_old_one_but_for_members_of_a_newer_version(
    kratos: Kratos, client: KratosClient, person: str
) -> None:
    overwrite(kratos, person, "metadata_public", {"jumio": {"newer": 1}})
    overwrite(kratos, person, "metadata_admin", {"jumio": {"newer": 1, "workflows": {"x~/y": {"state": "open"}}}})
    client.write(client.get(person), pending(asked_at="2026-03-02T18:00:00.000Z"))
    record = approved(workflow_execution_id=NEWER_WORKFLOW)
    client.write(client.get(person), record)
    identity = client.get(person)
    assert identity.metadata_public == {"jumio": {"newer": 1, **public_member(record)}}
    assert identity.metadata_admin == {"jumio": {"newer": 1, **admin_member(record)}}


@pytest.mark.parametrize("metadata", [None, {}, {"theirs": 1}, {"jumio": None}, {"jumio": {"newer": 1}}])
def test_that_a_start_is_asked_for_is_noted_whatever_else_is_there(
    kratos: Kratos, client: KratosClient, person: str, metadata: Any
) -> None:
    overwrite(kratos, person, "metadata_admin", metadata)
    asked_at = "2026-03-02T18:00:00.000Z"
    there = client.note_asked(person, asked_at)
    assert there == client.get(person)
    theirs = {name: value for name, value in (metadata or {}).items() if value is not None}
    assert there.metadata_admin == {**theirs, "jumio": {**theirs.get("jumio", {}), "asked_at": asked_at}}
    assert there.record == Record(status=Status.UNSTARTED, asked_at=asked_at)


@pytest.mark.parametrize("metadata", [{"jumio": "odd"}, {"jumio": ["odd"]}, ["odd"]])
def test_where_it_cannot_be_noted_kratos_refuses(
    kratos: Kratos, client: KratosClient, person: str, metadata: Any
) -> None:
    overwrite(kratos, person, "metadata_admin", metadata)
    with pytest.raises(KratosRefused) as refused:
        client.note_asked(person, "2026-03-02T18:00:00.000Z")
    assert refused.value.status == 400


def test_a_member_that_has_gone_already_cannot_be_removed(client: KratosClient, person: str) -> None:
    noted = client.write(client.get(person), pending(asked_at="2026-03-02T18:00:00.000Z"))
    client.write(noted, pending())
    with pytest.raises(KratosRefused) as refused:
        client.write(noted, pending())
    assert refused.value.status == 400


def test_several_are_read_at_once_and_whoever_is_not_known_is_left_out(client: KratosClient, person: str) -> None:
    assert [each.id for each in client.many([str(uuid4()), person])] == [person]


def test_what_two_processes_add_at_once_both_stay(kratos: Kratos, client: KratosClient, person: str) -> None:
    """Each builds on what it has read, and writes only the workflows that it adds."""
    before = client.get(person)
    client.write(before, pending())
    written = client.write(before, pending(workflow_execution_id=NEWER_WORKFLOW))
    assert {each.id for each in written.record.known} == {WORKFLOW, NEWER_WORKFLOW}


@pytest.mark.parametrize(
    "record",
    [
        Record(status=Status.UNSTARTED),
        approved(workflow_key="my-key"),
        approved(decision=Decision(type="WARNING", label='ü\N{GRINNING FACE}<&>"\\/', risk_score=12.345)),
        approved(decision=Decision(type=None, label=None, risk_score=None)),
        approved(decision=Decision(type="PASSED", label="", risk_score=-1.0)),
    ],
    ids=["unstarted", "a textual key", "any text", "no decision's parts", "a negative score"],
)
def test_whatever_a_record_holds_comes_back_as_it_was(client: KratosClient, person: str, record: Record) -> None:
    for _ in range(12):
        record = record.with_event("verification.settled", now=NOW)
    identity = client.write(client.get(person), record)
    assert identity.metadata_admin == {"jumio": admin_member(record)}


def test_a_write_can_deactivate(kratos: Kratos, client: KratosClient, person: str) -> None:
    assert client.write(client.get(person), approved(), state="inactive").state == "inactive"
    assert kratos.identity(person)["state"] == "inactive"
    assert client.write(client.get(person), approved()).state == "inactive"


def test_an_unknown_state_is_refused_and_nothing_is_written(kratos: Kratos, client: KratosClient, person: str) -> None:
    with pytest.raises(KratosRefused):
        client.write(client.get(person), approved(), state="gone")
    assert client.get(person).metadata_public is None


@pytest.mark.parametrize("odd", ["a string", [1]], ids=repr)
@pytest.mark.parametrize("name", ["metadata_public", "metadata_admin"])
def test_metadata_that_is_no_object_is_not_written_and_stays(
    kratos: Kratos, client: KratosClient, person: str, name: str, odd: object
) -> None:
    overwrite(kratos, person, name, odd)
    with pytest.raises(KratosRefused):
        client.write(client.get(person), pending())
    assert kratos.identity(person)[name] == odd


@pytest.mark.parametrize("odd", ["a string", [1]], ids=repr)
@pytest.mark.parametrize("name", ["metadata_public", "metadata_admin"])
def test_metadata_that_became_a_non_object_since_it_was_read_makes_kratos_refuse(
    kratos: Kratos, client: KratosClient, person: str, name: str, odd: object
) -> None:
    before = client.get(person)
    overwrite(kratos, person, name, odd)
    with pytest.raises(KratosRefused, match="400"):
        client.write(before, pending())
    assert kratos.identity(person)[name] == odd


def test_all_identities_are_listed_page_by_page_once_each(kratos: Kratos, client: KratosClient) -> None:
    people = {kratos.create_identity(email()) for _ in range(7)}
    client.write(client.get(min(people)), approved())
    token, found, pages = None, [], 0
    while True:
        page, token = client.page(token, size=3)
        assert len(page) == 3 or token is None
        found += page
        pages += 1
        if token is None:
            break
    ids = [identity.id for identity in found]
    assert pages >= 3
    assert len(ids) == len(set(ids))
    assert people <= set(ids)
    written = next(identity for identity in found if identity.id == min(people))
    assert written.metadata_admin == {"jumio": admin_member(approved())}
    everybody, token = client.page(None)
    assert ({identity.id for identity in everybody}, token) == (set(ids), None)


@pytest.mark.parametrize("token", ["nonsense", "../x"])
def test_a_page_token_of_ones_own_is_refused(client: KratosClient, token: str) -> None:
    with pytest.raises(KratosRefused):
        client.page(token)


def test_ending_sessions_says_whether_there_were_any(kratos: Kratos, client: KratosClient, person: str) -> None:
    registration = kratos.register(email())
    assert registration.identity_id is not None
    assert registration.session_token is not None
    other = kratos.register(email())
    assert other.session_token is not None
    assert kratos.whoami(registration.session_token) is not None

    assert client.end_sessions(registration.identity_id) is True
    assert kratos.whoami(registration.session_token) is None
    assert kratos.sessions(registration.identity_id) == []
    assert client.end_sessions(registration.identity_id) is False
    assert client.end_sessions(person) is False
    assert client.end_sessions(str(uuid4())) is False
    assert kratos.whoami(other.session_token) is not None


def test_a_kratos_that_runs_is_ready(client: KratosClient) -> None:
    client.check_ready()


def test_the_admin_prefix_may_stand_in_the_setting(kratos: Kratos, person: str) -> None:
    client = KratosClient(settings_of(KRATOS_ADMIN_URL=f"{kratos.admin_url}/admin/").kratos)
    client.check_ready()
    assert client.get(person).id == person


def test_the_reply_to_a_write_is_the_proof(kratos: Kratos, client: KratosClient, person: str) -> None:
    """The stand-in and Kratos answer a PATCH with what it made of the row, so a lost write shows in it."""
    written = client.write(client.get(person), pending())
    overwrite(kratos, person, "metadata_public", None)
    assert client.get(person) == replace(written, metadata_public=None)
