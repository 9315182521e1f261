# SPDX-License-Identifier: Apache-2.0
"""What a sign-in and `/health/alive` cost meanwhile: probes at a steady pace, whether or not earlier ones are answered.

Every second probe goes on a connection of its own, the others on kept-alive ones. A process of its own, so that
nothing but the service is measured; prints its outcome once standard input ends.
"""

import asyncio
import contextlib
import gc
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks import people
from benchmarks.exchange import exchange

VALIDATES_A_SECOND = 100
ALIVES_A_SECOND = 10
GIVE_UP_SECONDS = 20
MAX_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Probed:
    """Of one route: seconds by probe, connecting included, and the answers' codes (`none` for no answer)."""

    seconds: list[float] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


class Probing:
    """Filled in when the block of `probing` ends."""

    validate: Probed
    alive: Probed


@contextlib.contextmanager
def probing(port: int, *, seconds: float = 0) -> Iterator[Probing]:
    """Probe while the block runs, and for so long at least."""
    command = [sys.executable, "-m", __name__, str(port)]
    probes = Probing()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        begun = time.monotonic()
        try:
            yield probes
            time.sleep(max(0, seconds - (time.monotonic() - begun)))
        finally:
            child.stdin.close()
            told = json.loads(child.stdout.read())
            probes.validate, probes.alive = Probed(**told["validate"]), Probed(**told["alive"])


class _Prober:
    def __init__(self, port: int, request: str) -> None:
        self._port = port
        self._request = request.encode()
        self._kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._seconds: list[float] = []
        self._codes: Counter[str] = Counter()
        self._flights: set[asyncio.Task[None]] = set()

    async def go_on(self, a_second: int) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(MAX_SECONDS * a_second):
            await asyncio.sleep(begun + number / a_second - loop.time())
            flight = asyncio.create_task(self._one(keep=bool(number % 2)))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def outcome(self) -> dict[str, Any]:
        await asyncio.gather(*self._flights)
        return {"seconds": self._seconds, "codes": self._codes}

    async def _one(self, *, keep: bool) -> None:
        begun = time.perf_counter()
        code = "none"
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                code = str(await self._code(keep=keep))
        self._seconds.append(time.perf_counter() - begun)
        self._codes[code] += 1

    async def _code(self, *, keep: bool) -> int:
        if keep and self._kept:
            reader, writer = self._kept.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        answered = False
        try:
            code = (await exchange(reader, writer, self._request)).code
            answered = True
        finally:
            if keep and answered:
                self._kept.append((reader, writer))
            else:
                writer.close()
        return code


async def _probe(port: int) -> None:
    validate, alive = _Prober(port, people.validate()), _Prober(port, people.ALIVE)
    paces = [asyncio.create_task(validate.go_on(VALIDATES_A_SECOND)), asyncio.create_task(alive.go_on(ALIVES_A_SECOND))]
    print(flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for pace in paces:
        pace.cancel()
    print(json.dumps({"validate": await validate.outcome(), "alive": await alive.outcome()}))


if __name__ == "__main__":
    signal.alarm(MAX_SECONDS + GIVE_UP_SECONDS)
    gc.disable()
    asyncio.run(_probe(int(sys.argv[1])))
