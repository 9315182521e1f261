# SPDX-License-Identifier: Apache-2.0
"""`kill -9` at every single call that the service or a sync makes; the sync after it puts everything right."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import World as Bench
from support import REQUIRED

from sandbox import faults
from sandbox.callbacks import Lose, Policy
from sandbox.faults import Fault
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.verification.sweep import Sweeper

from .ledger import Call, Ledger
from .sweeps import syncing
from .town import Town, let_two_minutes_pass, town, untrue

# Whose call it is, which one, and how many of its kind came before it.
Key = tuple[str, str, int]
LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def shared_place() -> Iterator[Town]:
    with town() as place:
        yield place


@pytest.fixture
def place(shared_place: Town) -> Iterator[Town]:
    shared_place.people.clear()
    yield shared_place
    shared_place.ledger.weather = lambda call: None
    shared_place.here.jumio.sender.policy = Policy()


def kill_at(place: Town, what: str, identity_id: str, *, processed: bool) -> threading.Event:
    """Kill every worker when the first such call arrives for the identity; the peer may still act on the call."""
    done = threading.Event()

    def weather(call: Call) -> Fault | None:
        if done.is_set() or call.what != what or call.identity_id not in (identity_id, None):
            return None
        done.set()
        place.here.service.kill_workers()
        return faults.reset(processed=processed)

    place.ledger.weather = weather
    return done


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("what", ["token", "start", "patch"])
def test_a_worker_dies_while_a_workflow_is_started(place: Town, what: str, processed: bool) -> None:
    """The first PATCH notes that a start is asked for; nothing is paid for before that."""
    identity_id = place.register(f"started-{what}-{processed}")
    if what == "token":
        place.here.jumio.revoke_token()
    killed = kill_at(place, what, identity_id, processed=processed)

    status, answer = place.hooks.initiate(identity_id)

    assert killed.is_set()
    assert (status, answer["status"]) == (200, "pending"), "Kratos asks again, and another worker answers"
    assert place.untrue(identity_id) == []
    lost = (what, processed) == ("start", True)
    assert len(place.ledger.starts_of(identity_id)) == 1 + lost
    assert place.ledger.excuses()["none"] == 0


def test_a_worker_dies_while_a_verdict_is_settled(place: Town) -> None:
    """At each call of a callback: Jumio does not repeat it, so that the sync must finish what was begun."""
    jumio = place.here.jumio
    cases = [(what, processed) for what in ("read", "get", "patch", "sessions") for processed in (False, True)]
    for what, processed in cases:
        identity_id = place.register(f"settled-{what}-{processed}")
        _, answer = place.hooks.initiate(identity_id)
        killed = kill_at(place, what, identity_id, processed=processed)
        jumio.decide(answer["workflow_execution_id"], "rejected")
        assert jumio.wait_for_callbacks()[-1].status == 0
        assert killed.is_set()
        place.kratos.identities.sign_in(identity_id, "password")  # a login that raced the verdict

    report = place.here.service.run("sync", "--json")

    assert report.returncode == 0, report.stderr
    assert [place.copies(identity_id)[0]["status"] for identity_id in place.people] == ["rejected"] * len(cases)
    assert [found for identity_id in place.people if (found := place.untrue(identity_id))] == []


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("what", ["get", "read", "patch", "sessions"])
def test_a_worker_dies_while_a_login_looks_again(place: Town, what: str, processed: bool) -> None:
    identity_id = place.register(f"login-{what}-{processed}")
    _, answer = place.hooks.initiate(identity_id)
    for copy in ("metadata_public", "metadata_admin"):
        patch = [{"op": "replace", "path": f"/{copy}/jumio/initiated_at", "value": LONG_AGO}]
        place.kratos.identities.patch(identity_id, patch)
    place.here.jumio.sender.policy = Lose()
    place.here.jumio.decide(answer["workflow_execution_id"], "rejected")
    killed = kill_at(place, what, identity_id, processed=processed)

    assert place.login(identity_id) == 403

    assert killed.is_set()
    assert place.untrue(identity_id) == []


@pytest.mark.parametrize("processed", [False, True])
def test_a_sync_dies_at_any_of_its_calls(
    world: Bench,
    ledger: Ledger,
    sweeper_of: Callable[..., Sweeper],
    tmp_path: Path,
    processed: bool,
) -> None:
    environment = {
        **REQUIRED,
        "KRATOS_ADMIN_URL": world.settings.kratos.admin_url,
        "JUMIO_AUTH_URL": world.settings.jumio.auth_url,
        "JUMIO_API_BASE_URL": world.settings.jumio.api_base_url,
    }

    def run(number: int, at: Key | None) -> list[Key]:
        """One sync, killed at this call; then another one, after which all must be well. The calls of the first."""
        people = _people(world, number)
        names = {identity_id: name for name, identity_id in people.items()}
        seen: list[Key] = []
        with syncing(environment, tmp_path / "sync.log") as process:

            def weather(call: Call) -> Fault | None:
                name = names.get(call.identity_id or "", "nobody")
                key = (name, call.what, sum(key[:2] == (name, call.what) for key in seen))
                seen.append(key)
                if key != at:
                    return None
                process.kill()
                return faults.reset(processed=processed)

            ledger.weather = weather
            assert process.wait() == (0 if at is None else -signal.SIGKILL)
        ledger.weather = lambda call: None
        let_two_minutes_pass(world.kratos)
        assert sweeper_of(world.settings).sweep().failed == 0
        wrong = {name: untrue(world.jumio, world.kratos, identity_id) for name, identity_id in people.items()}
        assert not any(wrong.values()), (at, wrong)
        assert {name: world.record(identity_id)[0]["status"] for name, identity_id in people.items()} == {
            "due": "pending", "open": "rejected", "healed": "approved", "signed in": "rejected",
        }  # fmt: skip
        starts[at] = len(world.jumio.truth(people["due"]))
        for identity_id in people.values():
            world.kratos.identities.delete(identity_id)
        return seen

    starts: dict[Key | None, int] = {}
    calls = run(0, None)
    for number, at in enumerate(calls, start=1):
        run(number, at)

    assert len(calls) > 12
    lost = ("due", "start", 0) if processed else ("due", "patch", 1)
    assert starts == {**dict.fromkeys([None, *calls], 1), lost: 2}
    assert ledger.excuses() == {"reply lost" if processed else "not noted": 1}


def _people(world: Bench, number: int) -> dict[str, str]:
    """One of each kind that a sync has work with: name and identity id."""
    people = {"due": world.person_with(Record(status=Status.UNSTARTED), f"due-{number}")}
    for name, outcome in (("open", "rejected"), ("healed", "passed"), ("signed in", "rejected")):
        people[name] = world.person(f"{name.replace(' ', '-')}-{number}")
        answer = world.client.post(
            "/jumio/initiate",
            json={"identity": {"id": people[name]}},
            headers={"Authorization": f"Bearer {world.settings.ory_webhook_secrets[0].decode()}"},
        )
        assert answer.json
        world.jumio.decide(answer.json["workflow_execution_id"], outcome, callback=False)
        if name != "open":
            _look(world, people[name])
        world.kratos.identities.sign_in(people[name], "password")
    broken = [{"op": "replace", "path": "/metadata_public", "value": {"plan": 1}}]
    world.kratos.identities.patch(people["healed"], broken)
    return people


def _look(world: Bench, identity_id: str) -> None:
    """Settle it by a login that looks again."""
    public = {**world.record(identity_id)[0], "initiated_at": LONG_AGO}
    body = {"identity": {"id": identity_id, "metadata_public": {"jumio": public}}}
    secret = world.settings.ory_webhook_secrets[0].decode()
    world.client.post("/jumio/validate", json=body, headers={"Authorization": f"Bearer {secret}"})
    assert world.record(identity_id)[0]["status"] != "pending"
