# SPDX-License-Identifier: Apache-2.0
"""Fixtures for sweeps in this process; the processes stand in town.py and sweeps.py."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhook import wiring
from webhook.settings import Settings
from webhook.verification.sweep import Sweeper

from .ledger import Ledger


@pytest.fixture
def seed(rng: random.Random) -> int:
    """That of this test: TEST_SEED, which every run prints, repeats it."""
    return rng.randrange(1_000_000)


@pytest.fixture
def sweeper_of() -> Callable[..., Sweeper]:
    """A sweep as `jumio-webhook sync` makes it."""

    def make(settings: Settings, *, stop: threading.Event | None = None) -> Sweeper:
        return wiring.for_commands(settings).sweeper(stop or threading.Event())

    return make


@pytest.fixture
def ledger(world: Any) -> Iterator[Ledger]:
    """Watches the stand-ins of the `world` in this process."""
    made = Ledger(world.jumio, world.kratos)
    yield made
    made.close()
