# SPDX-License-Identifier: Apache-2.0
"""Eight people press at four processes at once, and Kratos' writes overlap: nobody passes who should not."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from coordination.servers import PROGRAM, Server

from sandbox.callbacks import Policy
from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import Workflow
from sandbox.kratos import KratosStandIn
from sandbox.people import Kratos
from sandbox.start import find_kratos, start_kratos
from sandbox.world import CALLBACK_SECRET, ORY_SECRET, settings_between
from webhook.settings import Settings
from webhook.verification.links import Links

from .replicas import Balanced, Replicas, at_once
from .truth import unlike_the_model

PEOPLE = 8
SERVING = 4
PRESSES = 2  # at each
ROUNDS = 3
# How long Kratos takes between the reading and the writing of a PATCH, at most.
JITTER = 0.03
FATES = {"passed": 35, "rejected": 35, "warning": 10, "expire": 20}


@dataclass
class Person:
    """Somebody, and the link that they keep."""

    email: str
    identity_id: str
    link: str


class Crowd:
    """The four processes between their peers, and the people."""

    def __init__(self, jumio: JumioStandIn, kratos: Kratos, replicas: Replicas) -> None:
        self.jumio, self.kratos, self.replicas = jumio, kratos, replicas
        self.people: list[Person] = []

    def admin(self, person: Person) -> dict[str, Any]:
        found: dict[str, Any] = self.kratos.identity(person.identity_id)["metadata_admin"]["jumio"]
        return found

    def unsettled(self, person: Person) -> list[Workflow]:
        """To all of these the person has the link."""
        return [each for each in self.jumio.truth(person.identity_id) if not each.settled]

    def sweep(self) -> None:
        sync = self.replicas.first.run("sync", "--json", timeout=60)
        assert json.loads(sync.stdout)["failed"] == 0, sync.stderr[-2000:]


@pytest.fixture(params=["stand-in", "real"])
def binary(request: pytest.FixtureRequest) -> str | None:
    if request.param == "stand-in":
        return None
    found = find_kratos()
    if found is None:
        pytest.skip("no real Kratos: KRATOS_BIN is not set and there is no kratos on the PATH")
    return found


@pytest.fixture(params=["with a Valkey", "without"])
def valkey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    if request.param == "without":
        yield None
        return
    if PROGRAM is None:
        pytest.skip("neither valkey-server nor redis-server is on the PATH")
    server = Server(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield f"unix://{server.url.path}"
    server.end()


@pytest.fixture
def crowd(seed: int, binary: str | None, valkey: str | None) -> Iterator[Crowd]:
    replicas = Replicas(random.Random(f"{seed}/replicas"), serving=SERVING)
    with contextlib.ExitStack() as stack:
        jumio = stack.enter_context(JumioStandIn(callback_secret=CALLBACK_SECRET))
        kratos = stack.enter_context(start_kratos(service_url=replicas.url, ory_secret=ORY_SECRET, binary=binary))
        replicas.environment = {
            **settings_between(jumio, kratos),
            "PUBLIC_URL": replicas.url,
            "MAX_STARTS_PER_DAY": "50",
            **({} if valkey is None else {"REDIS_URL": valkey}),
        }
        stack.enter_context(replicas)
        jumio.sender.policy = Balanced(Policy(), replicas)
        made = Crowd(jumio, kratos, replicas)
        links = Links(Settings.from_mapping(replicas.environment).links)
        for number in range(PEOPLE):
            made.people.append(_registered(kratos, links, f"person-{number}"))
        if isinstance(kratos, KratosStandIn):
            kratos.identities.lost_update = _Jitter(random.Random(f"{seed}/jitter"))
        yield made


def _registered(kratos: Kratos, links: Links, name: str) -> Person:
    """Under another address where Kratos fails: on SQLite it does while a hook's write is under way."""
    for attempt in range(10):
        email = f"{name}-{attempt}@example.com"
        with contextlib.suppress(requests.HTTPError):
            if (identity_id := kratos.register(email).identity_id) is not None:
                link = links.make(identity_id)
                assert link
                return Person(email, identity_id, link)
    raise AssertionError("nobody can register")


class _Jitter:
    """A Kratos that takes its time between the reading and the writing of a PATCH: those of several overlap."""

    def __init__(self, seeded: random.Random) -> None:
        self._seeded, self._lock = seeded, threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            pause = self._seeded.uniform(0, JITTER)
        threading.Event().wait(pause)


def _sign_in(crowd: Crowd, person: Person) -> None:
    with contextlib.suppress(requests.HTTPError):  # a busy Kratos on SQLite says 500
        crowd.kratos.login(person.email)


def test_nobody_passes_who_should_not(crowd: Crowd, valkey: str | None, seed: int) -> None:
    """Each lets a link expire, presses at all processes in one moment, and goes through all links of it at once."""
    seeded = random.Random(seed)
    doubles = 0
    with ThreadPoolExecutor(PEOPLE) as pool, ThreadPoolExecutor(PEOPLE * SERVING * PRESSES) as fingers:

        def live(person: Person, own: random.Random) -> int:
            started = 0
            for _ in range(ROUNDS):
                for workflow in crowd.unsettled(person):
                    crowd.jumio.expire(workflow.id)
                crowd.jumio.wait_for_callbacks()
                everywhere = [replica.process.url for replica in crowd.replicas.serving] * PRESSES
                shown = at_once(
                    fingers, [lambda url=url: crowd.replicas.press(person.link, at=url) for url in everywhere]
                )
                had = crowd.unsettled(person)
                started += max(0, len(had) - 1)
                if not had:
                    break
                assert any(workflow.token in page for page in shown for workflow in had)
                fates = own.choices(list(FATES), list(FATES.values()), k=len(had))
                at_once(
                    fingers,
                    [lambda w=w, fate=fate: crowd.jumio.decide(w.id, fate) for w, fate in zip(had, fates, strict=True)]
                    + [lambda: _sign_in(crowd, person)],
                )
            return started

        owns = [random.Random(seeded.random()) for _ in crowd.people]
        doubles = sum(pool.map(live, crowd.people, owns))
    crowd.jumio.wait_for_callbacks()
    print(f"{doubles} workflows beside another one")
    assert not (valkey and doubles)

    crowd.sweep()
    crowd.sweep()

    for person in crowd.people:
        admin = crowd.admin(person)
        assert unlike_the_model(admin, crowd.jumio.truth(person.identity_id)) == []
        login = crowd.kratos.login(person.email)
        assert login.allowed is (admin["status"] != "rejected")
        if admin["status"] == "rejected":
            assert crowd.kratos.sessions(person.identity_id) == []
            assert "authorizationToken" not in crowd.replicas.press(person.link)
