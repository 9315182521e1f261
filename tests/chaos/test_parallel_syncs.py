# SPDX-License-Identifier: Apache-2.0
"""Several syncs at once while both peers fail, one of them killed: everybody ends as Jumio says, nobody is forgotten.

That nobody is started twice is not promised of processes that share nothing but Kratos.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

from conftest import World
from support import REQUIRED

from sandbox import faults
from sandbox.faults import Fault
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.verification.sweep import Sweeper

from .ledger import Call, Ledger
from .sweeps import SyncProcess, syncing
from .test_concurrent_writes import Desk
from .town import let_two_minutes_pass, untrue
from .weather import MENUS, Menu, Weather

SYNCS = 3
DUE = 5
OPEN = 12
OUTCOMES = ("passed", "rejected", "warning", "expire")
CHANCES = {"token": 0.1, "start": 0.3, "read": 0.2, "get": 0.1, "patch": 0.15, "sessions": 0.2}


def _prompt(what: str) -> Menu:
    """What does not take a write longer than claims wait for one another."""
    slow = {faults.Kind.TRICKLE_BODY, faults.Kind.TRICKLE_HEADERS}
    made = [(weight, make, make()) for weight, make in MENUS[what]]
    return tuple(
        (weight, make)
        for weight, make, fault in made
        if fault.kind not in slow
        and "x-ratelimit-reset" not in fault.headers
        and (fault.kind is not faults.Kind.HANG or (fault.processed and fault.seconds is not None))
    )


def test_syncs_at_once_settle_everything_and_forget_nobody(
    world: World, ledger: Ledger, sweeper_of: Callable[..., Sweeper], tmp_path: Path, seed: int
) -> None:
    environment = {
        **REQUIRED,
        "KRATOS_ADMIN_URL": world.settings.kratos.admin_url,
        "JUMIO_AUTH_URL": world.settings.jumio.auth_url,
        "JUMIO_API_BASE_URL": world.settings.jumio.api_base_url,
    }
    seeded = random.Random(seed)
    weather = Weather(seed, CHANCES, menus={what: _prompt(what) for what in MENUS})
    people = [world.person_with(Record(status=Status.UNSTARTED), f"due-{number}") for number in range(DUE)]
    desk = Desk(world)
    for number in range(OPEN):
        people.append(world.person(f"open-{number}"))
        workflow_id = desk.initiate(people[-1]).json["workflow_execution_id"]
        world.jumio.decide(workflow_id, seeded.choice(OUTCOMES), callback=False)
        world.kratos.identities.sign_in(people[-1], "password")
    weather.names.update({identity_id: str(number) for number, identity_id in enumerate(people)})
    doomed_at = seeded.randrange(20, 60)
    log = tmp_path / "sync.log"

    with contextlib.ExitStack() as stack:
        syncs: list[SyncProcess] = []
        left = iter(range(doomed_at))

        def kill_one_in_the_middle(call: Call) -> Fault | None:
            if next(left, None) == doomed_at - 1:
                syncs[0].kill()
                ledger.unanswered_by_any()
            return weather(call)

        ledger.weather = kill_one_in_the_middle
        syncs += [stack.enter_context(syncing(environment, log)) for _ in range(SYNCS)]
        assert None not in [process.wait() for process in syncs]
    ledger.weather = lambda call: None
    let_two_minutes_pass(world.kratos)

    assert sweeper_of(world.settings).sweep().failed == 0

    assert [found for identity_id in people if (found := untrue(world.jumio, world.kratos, identity_id))] == []
    assert all(world.jumio.truth(identity_id) for identity_id in people)
