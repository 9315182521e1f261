# SPDX-License-Identifier: Apache-2.0
"""Seeded faults: the same seed gives the n-th call of a kind for a person the same fault, whatever the threads do."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from sandbox import faults
from sandbox.faults import Fault

from .ledger import Call

Menu = tuple[tuple[float, Callable[[], Fault]], ...]

CONFLICT = b'{"error":{"code":400,"message":"Unable to serialize access due to a concurrent update"}}'

# (weight, fault); what is slow costs a thread of the service seconds, so it is rare.
_ANY: Menu = (
    (3, lambda: faults.answer(429)),
    (3, lambda: faults.answer(500)),
    (3, lambda: faults.answer(503, b"<html>Service Unavailable</html>")),
    (3, lambda: faults.garbage()),
    (2, lambda: faults.garbage(processed=True)),
    (2, lambda: faults.answer(502, processed=True)),
    (3, lambda: faults.reset()),
    (4, lambda: faults.reset(processed=True)),
    (2, lambda: faults.hang(0.3)),
    (2, lambda: faults.hang(0.3, processed=True)),
    (1, lambda: faults.oversize(2, declared=False)),
)
_SLOW: Menu = (
    (0.5, lambda: faults.hang()),
    (0.5, lambda: faults.hang(processed=True)),
    (0.3, lambda: faults.trickle()),
    (0.3, lambda: faults.trickle(headers=True)),
)
_KRATOS_ONLY: Menu = (
    (4, lambda: faults.answer(400, CONFLICT)),
    (3, lambda: faults.answer(409)),
    (2, lambda: faults.answer(429, headers={"x-ratelimit-reset": "1"})),
)
MENUS: Mapping[str, Menu] = {
    "token": _ANY,
    "start": _ANY + _SLOW,
    "read": _ANY + _SLOW,
    "get": _ANY + _SLOW + _KRATOS_ONLY,
    "patch": _ANY + _SLOW + _KRATOS_ONLY,
    "sessions": _ANY + _KRATOS_ONLY,
    "page": _ANY + _KRATOS_ONLY,
}


class Weather:
    """Decides on the fault of each call; `chances` by kind of call, 0 where nothing is said.

    `doomed` are the people whose first start fails for sure: each costs the sync afterwards a second of its pace.
    """

    def __init__(
        self,
        seed: int,
        chances: Mapping[str, float],
        *,
        doomed: frozenset[str] = frozenset(),
        menus: Mapping[str, Menu] = MENUS,
    ) -> None:
        self.names: dict[str, str] = {}
        self._seed, self._chances, self._doomed, self._menus = seed, chances, doomed, menus
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def __call__(self, call: Call) -> Fault | None:
        name = self.names.get(call.identity_id or "", "")
        with self._lock:
            turn = self._counts[call.what, name]
            self._counts[call.what, name] += 1
        seeded = random.Random(f"{self._seed}/{call.what}/{name}/{turn}")
        chance = self._chances.get(call.what, 0.0)
        if call.what == "start":
            chance = 1.0 if name in self._doomed and turn == 0 else chance
        if seeded.random() >= chance:
            return None
        menu = self._menus[call.what]
        (make,) = seeded.choices([make for _, make in menu], [weight for weight, _ in menu])
        return make()
