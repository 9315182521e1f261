# SPDX-License-Identifier: Apache-2.0
"""Risky actions and the level they ask for, with the hooks of ory-actions-step-up.yaml as they are shipped."""

import itertools
from collections.abc import Iterator

import pytest
import requests

from sandbox.people import Message
from sandbox.world import World, world

_numbers = itertools.count()


@pytest.fixture(scope="module")
def stepped_up(kratos_binary: str | None) -> Iterator[World]:
    with world(kratos_binary=kratos_binary, step_up=True) as made:
        yield made


class Person:
    """Somebody who has registered and is signed in, not verified yet."""

    def __init__(self, here: World) -> None:
        self.here, self.email = here, f"stepping-{next(_numbers)}@example.com"
        registration = here.kratos.register(self.email)
        assert registration.identity_id is not None
        assert registration.session_token is not None
        self.id, self.token = registration.identity_id, registration.session_token
        self.link = here.wait_for_status(self.id, other_than=None)["verification_url"]

    def verify(self, outcome: str = "passed") -> None:
        self.here.verify(self.link, outcome)
        self.here.wait_for_status(self.id, other_than="pending")

    def keeps_level(self, level: int) -> None:
        """As if no more had been shown than this level asks for."""
        patch = [{"op": "replace", "path": "/metadata_public/jumio/assurance/level", "value": level}]
        url = f"{self.here.kratos.admin_url}/admin/identities/{self.id}"
        requests.patch(url, json=patch, timeout=10).raise_for_status()

    def level(self) -> int:
        """As services read it, in the session's JWT."""
        level: int = self.here.kratos.tokenize(self.token)["assurance"]["level"]
        return level


def test_a_second_factor_is_enrolled_at_level_3_only(stepped_up: World) -> None:
    person = Person(stepped_up)
    assert person.level() == 0

    refused = stepped_up.kratos.enroll_totp(person.token)
    person.verify()
    allowed = stepped_up.kratos.enroll_totp(person.token)

    assert not refused.allowed
    assert_asks_for(refused.messages, level=3, has=0)
    assert person.link in refused.messages[0].text, "the open verification, not another one"
    assert allowed.allowed
    assert person.level() == 3
    assert stepped_up.record(person.id)["assurance"]["level"] == 3, "an allowed gate writes nothing that is undone"


def test_a_profile_has_a_level_of_its_own(stepped_up: World) -> None:
    person = Person(stepped_up)
    traits = {"email": f"new-{person.email}"}

    refused = stepped_up.kratos.change_profile(person.token, traits)
    person.verify()
    person.keeps_level(2)
    allowed = stepped_up.kratos.change_profile(person.token, traits)
    password = stepped_up.kratos.change_password(person.token, "Another-7-horse-battery")

    assert_asks_for(refused.messages, level=2, has=0)
    assert allowed.allowed
    assert stepped_up.kratos.identity(person.id)["traits"] == {**traits, "name": {}}
    assert_asks_for(password.messages, level=3, has=2)


def test_a_mailbox_alone_recovers_nothing(stepped_up: World) -> None:
    person = Person(stepped_up)

    refused = stepped_up.kratos.recover(person.email)
    person.verify()
    allowed = stepped_up.kratos.recover(person.email)

    assert refused.session_token is None
    assert_asks_for(refused.messages, level=2, has=1)
    assert allowed.session_token is not None
    assert stepped_up.kratos.change_password(allowed.session_token, "Another-7-horse-battery").allowed


def assert_asks_for(messages: tuple[Message, ...], *, level: int, has: int) -> None:
    (message,) = messages
    assert message.id == 9010010
    assert message.type == "error"
    assert message.context["required"]["min_level"] == level
    assert message.context["current"]["level"] == has
