# SPDX-License-Identifier: Apache-2.0
"""Six processes, two sweepers and the Valkey they share, which is killed; their clocks are apart and both peers fail.

Three hundred people press, hoard links, let them expire, are rejected and try again. When the faults stop, two sweeps
later, every record is what the contract's sentences make of all workflows that Jumio knows of the person; nobody was
paid for twice while Valkey lived, but for a start whose answer was lost; and whoever is rejected stays outside.
`TEST_SEED`, which is printed, repeats the same faults (not the same timing).
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from coordination.servers import PROGRAM, Server
from support import capability

from sandbox import faults
from sandbox.callbacks import Chaos, Policy
from sandbox.faults import Fault
from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import Workflow
from sandbox.kratos import KratosStandIn
from sandbox.start import start_kratos
from sandbox.world import CALLBACK_SECRET, ORY_SECRET, World, settings_between
from webhook.settings import Settings
from webhook.verification.links import Links
from webhook.verification.start import NOTE_WAITS

from .hooks import Hooks
from .ledger import Call, Ledger, Second
from .replicas import Balanced, Outages, Replicas, at_once
from .town import Meddler, Town, let_two_minutes_pass
from .truth import unlike_the_model
from .weather import Weather

PEOPLE = 300
AT_ONCE = 16
FINGERS = 64  # which press at once
SERVING, SWEEPING = 6, 2
CHANCES = {"token": 0.1, "read": 0.12, "get": 0.04, "patch": 0.1, "sessions": 0.2, "page": 0.1}
DOOMED = 5  # each may cost the last sweep a second and a half: it makes 3 starts in 5 s
UNNOTED = 20  # Kratos takes the note of their first workflow from nobody who made it, only from the next process
MEDDLED = 30
HOARDERS = 60
# Of every hundred people: before whom Valkey is killed, before whom it runs again, and who comes once all have noticed.
OUTAGES = ((45, 51), (59, 65))
LATER = 75
# What becomes of a workflow, and how often in a hundred.
FATES = {"passed": 38, "rejected": 26, "warning": 7, "not_executed": 8, "expire": 14, "acquired": 3, "put off": 4}
# So many may be started for one person: the limit has tests of its own.
STARTS = "30"


@dataclass
class Place:
    """Everything that is up."""

    town: Town
    replicas: Replicas
    outages: Outages


@pytest.fixture
def place(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if PROGRAM is None:
        pytest.skip("neither valkey-server nor redis-server is on the PATH")
    server = Server(tmp_path_factory.mktemp("valkey"))
    server.start()
    replicas = Replicas(random.Random(f"{seed}/replicas"), serving=SERVING, sweeping=SWEEPING)
    try:
        with (
            JumioStandIn(callback_secret=CALLBACK_SECRET) as jumio,
            start_kratos(service_url=replicas.url, ory_secret=ORY_SECRET) as kratos,
        ):
            assert isinstance(kratos, KratosStandIn)
            replicas.environment = {
                **settings_between(jumio, kratos),
                "PUBLIC_URL": replicas.url,
                "REDIS_URL": f"unix://{server.url.path}",
                "MAX_STARTS_PER_DAY": STARTS,
                "LOG_LEVEL": "debug",
            }
            with replicas:
                ledger = Ledger(jumio, kratos)
                hooks = Hooks(replicas.anybody, ORY_SECRET, unanswered=ledger.unanswered)
                try:
                    town = Town(World(jumio, kratos, replicas.first), ledger, hooks)
                    yield Place(town, replicas, Outages(server))
                finally:
                    ledger.close()
                    hooks.close()
    finally:
        server.end()


class Unnoting(Weather):
    """For some people, whoever started a workflow cannot note it, however often that is tried: another one must."""

    def __init__(self, seed: int, chances: Mapping[str, float], *, doomed: frozenset[str], unnoted: set[str]) -> None:
        super().__init__(seed, chances, doomed=doomed)
        self._left = dict.fromkeys(unnoted, 1 + len(NOTE_WAITS))
        self._counting = threading.Lock()

    def __call__(self, call: Call) -> Fault | None:
        fault = super().__call__(call)
        name = self.names.get(call.identity_id or "", "")
        if call.what != "patch" or call.workflow_id is None:
            return fault
        with self._counting:
            if not self._left.get(name):
                return fault
            self._left[name] -= 1
        return faults.answer(503)


class Story:
    """What the people of one run do, and what happened to them."""

    def __init__(
        self, place: Place, weather: Weather, meddler: Meddler, fingers: ThreadPoolExecutor, seed: int
    ) -> None:
        self.place, self.weather, self.meddler, self.seed = place, weather, meddler, seed
        self.fingers = fingers
        seeded = random.Random(f"{seed}/story")
        self.meddled = set(seeded.sample(range(PEOPLE), MEDDLED))
        self.hoarders = set(seeded.sample(range(PEOPLE), HOARDERS))
        self.never_got_through: set[str] = set()
        self.meddled_with: set[str] = set()
        self.had_elsewhere: set[str] = set()
        self._lock = threading.Lock()

    def live(self, number: int) -> None:
        """One person registers, and is verified or not, as often as it takes."""
        self._kill_or_run_again(number)
        seeded = random.Random(f"{self.seed}/person/{number}")
        name = f"person-{number}"
        identity_id = self.place.town.register(name)
        self.weather.names[identity_id] = name
        status, _ = self.place.town.hooks.initiate(identity_id)
        if status != 200:
            self.never_got_through.add(identity_id)
        if number in self.meddled:
            self.meddled_with.add(identity_id)
            self.meddler.meet(identity_id)
        for _ in range(1 + seeded.randrange(3)):
            if seeded.random() < 0.5:
                self._press(identity_id, seeded.choice((1, 2, 3)))
            if number in self.hoarders and seeded.random() < 0.6:
                self._hoard(identity_id)
            self._go_through(identity_id, seeded, everything=number in self.hoarders)
            self.place.town.login(identity_id)

    def untrue(self, identity_id: str) -> list[str]:
        """What is wrong with an identity. To what was had elsewhere nobody told the service a link."""
        town = self.place.town
        is_from_elsewhere = town.copies(identity_id)[1]["workflow_execution_id"] in self.had_elsewhere
        wrong = [
            each for each in town.untrue(identity_id) if not (is_from_elsewhere and each == "pending, without a link")
        ]
        return wrong and [*wrong, str(town.copies(identity_id)), *town.ledger.story(identity_id)]

    def _kill_or_run_again(self, number: int) -> None:
        with self._lock:
            for killed, run_again in OUTAGES:
                if number == PEOPLE * killed // 100:
                    self.place.outages.kill()
                elif number == PEOPLE * run_again // 100:
                    self.place.outages.run_again()
            if number == PEOPLE * LATER // 100:
                self.place.outages.wait_until_over()

    def _press(self, identity_id: str, times: int) -> None:
        """The button of the page in several tabs; where no link was told, sign-ins in several."""
        link = self.place.town.copies(identity_id)[0].get("verification_url")
        if link is None:
            at_once(self.fingers, [lambda: self.place.town.hooks.initiate(identity_id)] * times)
        else:
            at_once(self.fingers, [lambda: self.place.replicas.press(link)] * times)

    def _hoard(self, identity_id: str) -> None:
        """One more link to the same person's verification, had elsewhere: Jumio alone, and whoever has it, know."""
        body = {
            "customerInternalReference": identity_id,
            "userReference": identity_id,
            "workflowDefinition": {"key": 10011},
            "callbackUrl": f"{self.place.replicas.url}/jumio/callback/{identity_id}/"
            f"{capability(identity_id, CALLBACK_SECRET)}",
        }
        workflow = JumioStandIn.start(self.place.town.here.jumio, body, None)
        assert workflow
        self.had_elsewhere.add(workflow.id)

    def _go_through(self, identity_id: str, seeded: random.Random, *, everything: bool) -> None:
        """The workflow that is shown; or every link that was ever had, in any order."""
        jumio = self.place.town.here.jumio
        shown = self.place.town.copies(identity_id)[0].get("workflow_execution_id")
        had = [each for each in jumio.truth(identity_id) if everything or each.id == shown]
        for workflow in seeded.sample(had, len(had)):
            (fate,) = seeded.choices(list(FATES), list(FATES.values()))
            if workflow.settled or fate == "put off":
                continue
            if fate == "acquired" or seeded.random() < 0.4:
                jumio.acquire(workflow.id)
            if fate != "acquired":
                jumio.decide(workflow.id, fate)


def test_every_record_is_the_models_and_nobody_was_paid_for_twice(place: Place, seed: int) -> None:
    town, replicas, outages = place.town, place.replicas, place.outages
    jumio, ledger = town.here.jumio, town.ledger
    seeded = random.Random(seed)
    doomed = frozenset(f"person-{number}" for number in seeded.sample(range(PEOPLE), DOOMED))
    unnoted = {f"person-{number}" for number in seeded.sample(range(PEOPLE), UNNOTED)}
    weather = Unnoting(seed, CHANCES, doomed=doomed, unnoted=unnoted)
    ledger.weather = weather
    jumio.sender.policy = Balanced(Chaos(random.Random(seed)), replicas)
    with Meddler(town, random.Random(seed)) as meddler, ThreadPoolExecutor(FINGERS) as fingers:
        story = Story(place, weather, meddler, fingers, seed)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(story.live, range(PEOPLE)))
        jumio.release_callbacks()
        jumio.wait_for_callbacks(60)
    ledger.weather = lambda call: None
    jumio.sender.policy = Balanced(Policy(), replicas)
    assert replicas.stop_sweeping() == [0] * SWEEPING
    let_two_minutes_pass(town.kratos)

    _sweep(place)

    recorded = [identity_id for identity_id in town.people if town.copies(identity_id)[1]]
    assert town.people.keys() - set(recorded) <= story.never_got_through
    assert {each: wrong for each in recorded if (wrong := _unlike(town, each, only_listed=True))} == {}

    _tell_what_nobody_was_told(town)
    _sweep(place)

    recorded = [identity_id for identity_id in town.people if town.copies(identity_id)[1]]
    assert {each: wrong for each in recorded if (wrong := _unlike(town, each) + story.untrue(each))} == {}
    outages.missed(replicas.alone_at())
    _nobody_was_paid_for_twice(place, story.meddled_with)
    _whoever_is_rejected_stays_outside(place)
    _every_answer_was_foreseen(place)


def _sweep(place: Place) -> None:
    sync = place.replicas.first.run("sync", "--json", timeout=60)
    report = json.loads(sync.stdout)
    print(report)
    troubles = [line for line in sync.stderr.splitlines() if '"level": "debug"' not in line]
    assert (sync.returncode, report["failed"], report["scanned"]) == (0, 0, PEOPLE), troubles
    assert "crashed" not in sync.stderr


def _unlike(town: Town, identity_id: str, *, only_listed: bool = False) -> list[str]:
    _, admin = town.copies(identity_id)
    workflows = [
        each for each in town.here.jumio.truth(identity_id) if not only_listed or each.id in admin["workflows"]
    ]
    wrong = unlike_the_model(admin, workflows)
    return wrong and [*wrong, *town.ledger.story(identity_id)]


def _tell_what_nobody_was_told(town: Town) -> None:
    """What was started and not noted ends some day, and Jumio's callback is all that tells of it. Once it comes."""
    jumio = town.here.jumio
    untold: list[Workflow] = []
    for identity_id in town.people:
        listed = town.copies(identity_id)[1].get("workflows") or {}
        untold += [each for each in jumio.truth(identity_id) if each.id not in listed]
    before = len(jumio.deliveries)
    for workflow in untold:
        if workflow.settled:
            jumio.send_callback(workflow.id)
        else:
            jumio.expire(workflow.id)
    answers = [delivery.status for delivery in jumio.wait_for_callbacks(60)[before:]]
    print(f"{len(untold)} workflows of which nobody was told")
    assert answers == [200] * len(untold)


def _nobody_was_paid_for_twice(place: Place, meddled_with: set[str]) -> None:
    """But where Jumio's answer was lost, or somebody else's write undid the note of it."""
    ledger, outages = place.town.ledger, place.outages
    starts = [call.at for call in ledger.calls if call.what == "start"]
    lived = [at for at in starts if not outages.touch(at, at)]
    seconds = [second for second in ledger.seconds() if second.excuse != "it ended"]
    without = [second for second in seconds if outages.touch(second.begun, second.again)]
    with_it = [second for second in seconds if second not in without]
    print(f"{len(lived)} starts of {len(starts)} while Valkey lived")
    print("twice while it lived:", dict(_by_excuse(with_it)), "without it:", dict(_by_excuse(without)))
    unexcused = [
        second
        for second in with_it
        if second.excuse != "reply lost" and not (second.excuse == "overwritten" and second.identity_id in meddled_with)
    ]
    assert not unexcused, "\n".join(
        line for second in unexcused for line in (str(second), *ledger.story(second.identity_id))
    )
    assert len(lived) > len(starts) // 3


def _by_excuse(seconds: list[Second]) -> Counter[str]:
    return Counter(second.excuse for second in seconds)


def _whoever_is_rejected_stays_outside(place: Place) -> None:
    town, jumio = place.town, place.town.here.jumio
    rejected = [
        identity_id for identity_id in town.people if (town.copies(identity_id)[1] or {}).get("status") == "rejected"
    ]
    assert len(rejected) > PEOPLE // 10
    links = Links(Settings.from_mapping(place.replicas.environment).links)
    before = len(jumio.workflows)
    assert [each for each in rejected if town.kratos.sessions(each)] == []
    for identity_id in rejected:
        assert town.login(identity_id) == 403
        status, answer = town.hooks.initiate(identity_id)
        assert (status, answer) == (200, {"status": "rejected"})
        link = links.make(identity_id)
        assert link
        assert place.replicas.opened(link) is None
        shown = place.replicas.press(link)
        assert "authorizationToken" not in shown
        assert "<form" not in shown
    assert len(jumio.workflows) == before
    assert [each for each in rejected if town.kratos.sessions(each)] == []


def _every_answer_was_foreseen(place: Place) -> None:
    answers = place.town.hooks.answers
    assert {status for hook, status in answers if hook == "initiate"} <= {200, 503}
    assert {status for hook, status in answers if hook == "validate"} <= {200, 403}
    assert {delivery.status for delivery in place.town.here.jumio.deliveries} <= {200, 400, 401, 503}
    log = place.replicas.log()
    assert place.town.leaks(log) == []
    assert [line for line in log.splitlines() if "crashed" in line or "exception" in line] == []
