# SPDX-License-Identifier: Apache-2.0
"""Whose document it is counts: what follows for each outcome, and when the account bears another name afterwards."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support import wait_until

from sandbox.world import World, world

POINTERS = "given_name=/name/first,family_name=/name/last,birthdate=/birthdate"
ADAS = "Ada Lovelace 1990-05-17"
ADA = {"name": {"first": "Ada", "last": "Lovelace"}, "birthdate": "1990-05-17"}
GUS = {"name": {"first": "Gus", "last": "Grissom"}, "birthdate": "1986-04-03"}


# The hook as the documentation has it.
DOCUMENTED = Path(__file__).parents[2] / "docs" / "settings.md"
[SNIPPET] = re.findall(r"```yaml\n(selfservice:.*?)```", DOCUMENTED.read_text(), re.DOTALL)


@pytest.fixture(scope="module", params=["review", "reject", "ignore"])
def here(request: pytest.FixtureRequest, kratos_binary: str | None) -> Iterator[World]:
    settings = {"IDENTITY_TRAITS": POINTERS, "ON_DIFFERENT_PERSON": str(request.param)}
    with world(kratos_binary=kratos_binary, **settings, BLOCK_LOGIN_STATUSES="rejected,review") as made:
        yield made


@pytest.fixture
def on_different(request: pytest.FixtureRequest, here: World) -> str:
    return here.service.environment["ON_DIFFERENT_PERSON"]


def shown(here: World, email: str, traits: dict[str, Any]) -> tuple[str, str]:
    """Somebody whose account says this and who showed Ada's document: their identity and session."""
    registered = here.kratos.register(email, traits=traits)
    assert registered.identity_id
    assert registered.session_token
    record = here.wait_for_status(registered.identity_id, other_than=None)
    here.verify(record["verification_url"], "passed", document=ADAS)
    here.wait_for_status(registered.identity_id, other_than="pending")
    return registered.identity_id, registered.session_token


def test_whoever_shows_their_own_signs_in(here: World) -> None:
    identity_id, _ = shown(here, "ada@example.com", ADA)
    assert (here.record(identity_id)["status"], here.record(identity_id).get("notice")) == ("approved", None)
    assert here.kratos.login("ada@example.com").allowed


def test_whoever_shows_somebody_elses_reads_what_to_do(here: World, on_different: str) -> None:
    identity_id, token = shown(here, "gus@example.com", GUS)
    here.jumio.wait_for_callbacks()
    assert (here.kratos.whoami(token) is None) is (on_different == "reject"), "its sessions end with a rejection"
    record, login = here.record(identity_id), here.kratos.login("gus@example.com")
    assert record["status"] == {"review": "review", "reject": "rejected", "ignore": "approved"}[on_different]
    assert record["notice"] == "person"
    assert record["assurance"]["level"] == (0 if on_different == "reject" else 1)
    assert login.allowed is (on_different == "ignore")
    assert [message.id for message in login.messages] == ([] if login.allowed else [9010007])
    assert not {"Ada", "Lovelace", "Gus", "Grissom"} & set(" ".join(each.text for each in login.messages).split())


def test_a_name_that_is_corrected_lifts_a_review_with_the_next_sync(here: World, on_different: str) -> None:
    identity_id, token = shown(here, "maria@example.com", GUS)
    assert on_different == "reject" or here.kratos.change_profile(token, {"email": "maria@example.com", **ADA}).allowed
    assert here.service.run("sync").returncode == 0
    status = here.record(identity_id)["status"]
    assert status == ("rejected" if on_different == "reject" else "approved")
    assert here.record(identity_id).get("notice") == ("person" if on_different == "reject" else None)


def test_a_name_that_changes_afterwards_does_not_keep_the_old_answer(here: World, on_different: str) -> None:
    identity_id, token = shown(here, "lena@example.com", ADA)
    assert here.kratos.change_profile(token, {"email": "lena@example.com", **GUS}).allowed
    assert here.service.run("sync").returncode == 0
    record = here.record(identity_id)
    assert record["status"] == {"review": "review", "reject": "rejected", "ignore": "approved"}[on_different]
    assert record["assurance"]["level"] == (0 if on_different == "reject" else 1)


def test_no_name_and_no_date_reaches_the_record_or_the_log(here: World) -> None:
    """Of everybody above."""
    everybody = requests.get(f"{here.kratos.admin_url}/admin/identities", timeout=10).json()
    kept = [here.kratos.identity(each["id"]) for each in everybody]
    told = here.service.log() + str([(each["metadata_public"], each["metadata_admin"]) for each in kept])
    assert len(kept) == 4
    names = ("Lovelace", "Grissom", "1990-05-17", "1986-04-03")
    assert [name for name in names if name.lower() in told.lower()] == []


@pytest.fixture(scope="module")
def hooked(kratos_binary: str | None) -> Iterator[World]:
    """With the hook after a change of the profile."""
    with world(kratos_binary=kratos_binary, more_hooks=SNIPPET, IDENTITY_TRAITS=POINTERS) as made:
        yield made


def test_with_the_hook_a_name_that_changes_is_compared_at_once_and_a_new_check_offered(hooked: World) -> None:
    identity_id, token = shown(hooked, "ada@example.com", ADA)
    assert hooked.kratos.change_profile(token, {"email": "ada@example.com", **GUS}).allowed
    assert hooked.wait_for_status(identity_id, other_than="approved")["status"] == "review"
    wait_until(lambda: "reverification" in hooked.record(identity_id))
    further = hooked.record(identity_id)["reverification"]
    assert further["reason"] == "name-change"
    hooked.verify(further["verification_url"], "passed", document="Gus Grissom 1986-04-03")
    assert hooked.wait_for_status(identity_id, other_than="review")["status"] == "approved"
    assert hooked.record(identity_id).get("notice") is None


def test_and_one_that_still_fits_costs_nothing(hooked: World) -> None:
    identity_id, token = shown(hooked, "augusta@example.com", ADA)
    augusta = {**ADA, "name": {"first": "Ada Augusta", "last": "Lovelace"}}
    before = hooked.kratos.identity(identity_id)["metadata_admin"]["jumio"]["workflows"]
    assert hooked.kratos.change_profile(token, {"email": "augusta@example.com", **augusta}).allowed
    wait_until(lambda: hooked.kratos.identity(identity_id)["metadata_admin"]["jumio"]["workflows"] != before)
    record = hooked.record(identity_id)
    assert (record["status"], record.get("reverification")) == ("approved", None)
    assert len(hooked.jumio.truth(identity_id)) == 1
