# SPDX-License-Identifier: Apache-2.0
"""People register, are verified and sign in, through Kratos' own flows and the hooks of ory-actions.yaml."""

import itertools

import pytest

from sandbox.callbacks import Lose, Policy
from sandbox.people import Login
from sandbox.world import ORY_SECRET, World, world

_numbers = itertools.count()


def register(here: World, method: str = "password") -> tuple[str, str]:
    """(e-mail address, identity id) of somebody new who is pending."""
    email = f"person-{next(_numbers)}@example.com"
    registration = here.kratos.register(email, method=method)
    assert registration.identity_id is not None, registration
    assert registration.session_token, "the `session` hook beside ours signs the person in"
    assert here.wait_for_status(registration.identity_id, other_than=None)["status"] == "pending"
    return email, registration.identity_id


@pytest.mark.parametrize("method", ["password", "code"])
@pytest.mark.parametrize(
    ("outcome", "status", "verdict", "message_id"),
    [
        ("passed", "approved", "PASSED", None),
        ("warning", "review", "WARNING", None),
        ("rejected", "rejected", "FAILED", 9010001),
        ("not_executed", "incomplete", None, None),
        ("expire", "incomplete", None, None),
    ],
)
def test_a_person_is_verified_and_signs_in_or_reads_why_not(
    here: World, method: str, outcome: str, status: str, verdict: str | None, message_id: int | None
) -> None:
    email, identity_id = register(here, method)
    here.verify(here.record(identity_id)["verification_url"], outcome)
    record = here.wait_for_status(identity_id, other_than="pending")

    login = here.kratos.login(email, method=method)

    assert (record["status"], record["verdict"]) == (status, verdict)
    link = record["verification_url"]
    assert (link is not None and "/jumio/verify/" in link) if status == "incomplete" else link is None
    admin = here.kratos.identity(identity_id)["metadata_admin"]["jumio"]
    found = ["verification.repeated_face"] if outcome == "warning" else []  # the label of the stand-in's warning
    events = [event["event"] for event in admin["history"]]
    assert events == ["verification.started", *found, "verification.settled"]
    assert login.allowed is (message_id is None)
    assert bool(login.session_token) is (message_id is None)
    assert [message.id for message in login.messages] == ([] if message_id is None else [message_id])


def test_whoever_is_rejected_recovers_nothing_by_their_mailbox(here: World) -> None:
    email, identity_id = register(here)
    here.verify(here.record(identity_id)["verification_url"], "rejected")
    here.wait_for_status(identity_id, other_than="pending")
    here.jumio.wait_for_callbacks()

    recovery = here.kratos.recover(email)

    assert not recovery.allowed
    assert [message.id for message in recovery.messages] == [9010001]
    assert here.kratos.sessions(identity_id) == []


def test_whoever_is_not_blocked_recovers(here: World) -> None:
    email, _ = register(here)
    assert here.kratos.recover(email).session_token


def test_the_text_of_a_blocked_login_arrives_in_the_flow(here: World) -> None:
    login = _login_of_somebody_rejected(here)

    (message,) = login.messages
    assert message.type == "error"
    assert message.text.startswith("We could not confirm your identity, so you cannot sign in.")
    assert message.context == {"status": "rejected"}
    assert login.status == 400


def test_a_rejection_ends_the_sessions_that_a_person_has(here: World) -> None:
    email = f"person-{next(_numbers)}@example.com"
    registration = here.kratos.register(email)
    assert registration.identity_id is not None
    assert registration.session_token is not None
    record = here.wait_for_status(registration.identity_id, other_than=None)
    assert here.kratos.whoami(registration.session_token) is not None

    here.verify(record["verification_url"], "rejected")
    here.wait_for_status(registration.identity_id, other_than="pending")
    here.jumio.wait_for_callbacks()

    assert here.kratos.whoami(registration.session_token) is None
    assert here.kratos.sessions(registration.identity_id) == []


def test_a_lost_callback_heals_with_the_next_sync(here: World) -> None:
    _, identity_id = register(here)
    here.jumio.sender.policy = Lose()
    try:
        here.verify(here.record(identity_id)["verification_url"], "passed")
    finally:
        here.jumio.sender.policy = Policy()
    assert here.record(identity_id)["status"] == "pending"

    sync = here.service.run("sync", "--json")

    assert sync.returncode == 0, sync.stderr
    assert here.record(identity_id)["status"] == "approved"


def test_signed_callbacks_work_where_no_public_url_is_set(kratos_binary: str | None) -> None:
    with world(kratos_binary=kratos_binary, capability_urls=False) as here:
        _, identity_id = register(here)
        here.verify(here.record(identity_id)["verification_url"], "passed")
        assert here.wait_for_status(identity_id, other_than="pending")["status"] == "approved"


def test_whoever_is_pending_is_stopped_where_the_operator_wants_that_and_gets_the_link(
    kratos_binary: str | None,
) -> None:
    with world(kratos_binary=kratos_binary, BLOCK_LOGIN_STATUSES="rejected,pending,none", WEB_CONCURRENCY="1") as here:
        email, identity_id = register(here)
        stranger = "made-by-an-operator@example.com"
        here.kratos.create_identity(stranger)

        pending = here.kratos.login(email)
        unverified = here.kratos.login(stranger, method="code")
        recovery = here.kratos.recover(email)

        link = here.record(identity_id)["verification_url"]
        (message,) = pending.messages
        assert (message.id, message.context) == (9010002, {"status": "pending", "verification_url": link})
        assert link in message.text
        assert not pending.allowed
        assert [message.id for message in unverified.messages] == [9010005]
        # Whoever reads the mail is stopped, too, and does not get the person's link.
        (message,) = recovery.messages
        assert (message.id, message.context) == (9010002, {"status": "pending"})
        assert link not in message.text
        assert not recovery.allowed


def test_deactivate_locks_the_account_itself(kratos_binary: str | None) -> None:
    with world(kratos_binary=kratos_binary, ON_REJECTED="deactivate", WEB_CONCURRENCY="1") as here:
        email, identity_id = register(here)
        here.verify(here.record(identity_id)["verification_url"], "rejected")
        here.wait_for_status(identity_id, other_than="pending")
        assert here.kratos.identity(identity_id)["state"] == "inactive"
        assert not here.kratos.login(email).allowed


def test_no_secret_is_in_what_a_person_gets(here: World) -> None:
    login = _login_of_somebody_rejected(here)

    assert ORY_SECRET not in repr(login)
    assert here.service.url not in repr(login)


def _login_of_somebody_rejected(here: World) -> Login:
    email, identity_id = register(here)
    here.verify(here.record(identity_id)["verification_url"], "rejected")
    here.wait_for_status(identity_id, other_than="pending")
    return here.kratos.login(email)
