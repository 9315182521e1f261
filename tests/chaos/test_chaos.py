# SPDX-License-Identifier: Apache-2.0
"""A hundred people while everything fails; when the faults stop, one sync later every identity is Jumio's truth.

`TEST_SEED`, which is printed, repeats the same faults (not the same timing).
"""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

from sandbox.callbacks import Callback, Chaos, Policy

from .town import Meddler, Town, let_two_minutes_pass, town, truth_of
from .weather import Weather

PEOPLE = 100
AT_ONCE = 16
CHANCES = {"token": 0.15, "read": 0.15, "get": 0.05, "patch": 0.12, "sessions": 0.2}
DOOMED = 5  # each costs the sync a second: it makes 5 starts in 5 s
MEDDLED = 15
KILLS = 4
REVOKED_TOKENS = 3
REPLAYED = 30
# What becomes of people, and how many in a hundred.
FATES = {"passed": 45, "rejected": 25, "warning": 8, "not_executed": 5, "expire": 7, "acquired": 4, "stays away": 6}


class Story:
    """What the people of one run do, and what happened to them."""

    def __init__(self, place: Town, weather: Weather, meddler: Meddler, seed: int) -> None:
        self.town, self.weather, self.meddler, self.seed = place, weather, meddler, seed
        seeded = random.Random(f"{seed}/story")
        self.meddled = set(seeded.sample(range(PEOPLE), MEDDLED))
        self.killed_at = set(seeded.sample(range(20, PEOPLE), KILLS))
        self.revoked_at = set(seeded.sample(range(PEOPLE), REVOKED_TOKENS))
        self.never_got_through: set[str] = set()

    def live(self, number: int) -> None:
        """One person registers, is verified, and signs in now and then."""
        seeded = random.Random(f"{self.seed}/person/{number}")
        name = f"person-{number}"
        identity_id = self.town.register(name)
        self.weather.names[identity_id] = name
        if number in self.killed_at:
            self._kill_while_busy(seeded)
        if number in self.revoked_at:
            self.town.here.jumio.revoke_token()
        status, _ = self.town.hooks.initiate(identity_id)
        if status != 200:
            self.never_got_through.add(identity_id)
        if number in self.meddled:
            self.meddler.meet(identity_id)
        self._be_verified(identity_id, seeded)
        for _ in range(seeded.randrange(3)):
            self.town.login(identity_id)
            if seeded.random() < 0.3:  # the same hook under login.after
                self.town.hooks.initiate(identity_id)
                self._be_verified(identity_id, seeded)

    def _be_verified(self, identity_id: str, seeded: random.Random) -> None:
        public, _ = self.town.copies(identity_id)
        (fate,) = seeded.choices(list(FATES), list(FATES.values()))
        workflow_id = public.get("workflow_execution_id")
        jumio = self.town.here.jumio
        if public.get("status") != "pending" or fate == "stays away" or jumio.workflow(workflow_id).settled:
            return
        if fate == "acquired":
            jumio.acquire(workflow_id)
            return
        if seeded.random() < 0.5:
            jumio.acquire(workflow_id)
        jumio.decide(workflow_id, fate)

    def _kill_while_busy(self, seeded: random.Random) -> None:
        service = self.town.here.service
        workers = service.workers()
        chosen = workers if seeded.random() < 0.3 else workers[:1]
        service.kill_workers(chosen)


def test_one_sync_after_the_faults_every_identity_is_jumios_truth(seed: int) -> None:
    seeded = random.Random(seed)
    with town(capability_urls=seeded.random() < 0.7) as place:
        jumio, ledger = place.here.jumio, place.ledger
        doomed = frozenset(f"person-{number}" for number in seeded.sample(range(PEOPLE), DOOMED))
        weather = Weather(seed, CHANCES, doomed=doomed)
        ledger.weather = weather
        jumio.sender.policy = Chaos(random.Random(seed))
        with Meddler(place, random.Random(seed)) as meddler:
            story = Story(place, weather, meddler, seed)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(story.live, range(PEOPLE)))
            jumio.release_callbacks()
            jumio.wait_for_callbacks(60)
        ledger.weather = lambda call: None
        jumio.sender.policy = Policy()
        let_two_minutes_pass(place.kratos)
        before = [place.copies(identity_id)[1].get("status") for identity_id in place.people]

        sync = place.here.service.run("sync", "--json", timeout=60)

        report = json.loads(sync.stdout)
        excuses = ledger.excuses()
        print({status: before.count(status) for status in set(before)}, report, dict(excuses))
        assert (sync.returncode, report["failed"], report["scanned"]) == (0, 0, PEOPLE), sync.stderr[-2000:]
        wrong = {name: found for identity_id, name in place.people.items() if (found := place.untrue(identity_id))}
        assert wrong == {}
        lost = {identity_id for identity_id in place.people if not place.copies(identity_id)[1]}
        assert lost <= story.never_got_through
        _nobody_was_started_without_need(place, excuses)
        _no_verdict_was_lost(place)
        _every_answer_was_foreseen(place)
        _replays_change_nothing(place, seeded)
        assert place.leaks(place.here.service.log() + sync.stderr) == []
        assert "crashed" not in place.here.service.log() + sync.stderr


def _nobody_was_started_without_need(place: Town, excuses: dict[str, int]) -> None:
    started = [identity_id for identity_id in place.people if place.here.jumio.truth(identity_id)]
    assert len(place.here.jumio.workflows) == len(started) + sum(excuses.values())
    assert set(excuses) <= {"reply lost", "not noted", "killed", "it ended"}, excuses


def _no_verdict_was_lost(place: Town) -> None:
    """Whoever has brought a workflow to a verdict has a verdict, though another workflow may have been started too."""
    verdicts = {"approved", "review", "rejected"}
    for identity_id in place.people.keys() - place.ledger.overtaken():
        if any(truth_of(workflow)[0] in verdicts for workflow in place.here.jumio.truth(identity_id)):
            assert place.copies(identity_id)[1]["status"] in verdicts, place.ledger.story(identity_id)


def _every_answer_was_foreseen(place: Town) -> None:
    answers = {
        hook: {status for called, status in place.hooks.answers if called == hook} for hook in ("initiate", "validate")
    }
    assert answers["initiate"] <= {0, 200, 503}
    assert answers["validate"] <= {0, 200, 403}
    statuses = {delivery.status for delivery in place.here.jumio.deliveries}
    assert statuses <= {0, 200, 400, 401, 503}, statuses


def _replays_change_nothing(place: Town, seeded: random.Random) -> None:
    """Every callback once more, to where it belongs and to where it does not."""
    jumio = place.here.jumio
    old = [delivery.callback for delivery in jumio.deliveries]
    chosen = seeded.sample(old, min(REPLAYED, len(old)))
    crossed = [
        Callback(a.workflow_id, b.url, a.headers, a.body) for a, b in zip(chosen[::4], chosen[1::4], strict=False)
    ]
    before = {identity_id: place.copies(identity_id) for identity_id in place.people}
    for callback in [*chosen, *crossed]:
        jumio.sender.send(callback)
    jumio.wait_for_callbacks(30)
    changed = {identity_id for identity_id, copies in before.items() if place.copies(identity_id) != copies}
    changed -= place.ledger.overtaken()  # for them the replay is news: it heals what no sync can know of
    assert not changed, "\n".join(line for identity_id in changed for line in place.ledger.story(identity_id))
