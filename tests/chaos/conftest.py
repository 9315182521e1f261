# SPDX-License-Identifier: Apache-2.0
"""Fixtures for sweeps in this process; the processes stand in town.py and sweeps.py."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhook import wiring
from webhook.settings import Settings
from webhook.verification.sweep import Sweeper

from .ledger import Ledger


@pytest.fixture
def seed(capsys: pytest.CaptureFixture[str]) -> int:
    """A new one each time, and printed; `CHAOS_SEED` repeats one."""
    chosen = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    with capsys.disabled():
        print(f"\nCHAOS_SEED={chosen}")
    return chosen


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
