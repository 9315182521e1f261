# SPDX-License-Identifier: Apache-2.0
"""Sends the Jumio stand-in's callbacks in the background, and loses, repeats, delays, reorders or corrupts them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import requests

TIMEOUT = (3, 15)


@dataclass(frozen=True)
class Callback:
    """One callback as Jumio would send it; `delay` in seconds."""

    workflow_id: str
    url: str
    headers: dict[str, str]
    body: bytes
    delay: float = 0.0


@dataclass(frozen=True)
class Delivery:
    """What became of a callback: `status` 0 and an `error` when no reply came."""

    callback: Callback
    status: int
    reply: bytes
    error: str | None = None


class Policy:
    """Decides what is really sent: `__call__` at each callback, `release` when the caller ends the waiting."""

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return (callback,)

    def release(self) -> Iterable[Callback]:
        return ()


class Lose(Policy):
    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return ()


@dataclass
class Repeat(Policy):
    """Each callback so many times, at once."""

    times: int = 2

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return (callback,) * self.times


@dataclass
class Delay(Policy):
    seconds: float

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return (replace(callback, delay=self.seconds),)


class Hold(Policy):
    """Nothing until released; then everything in the order it came, or reordered where a `shuffler` is given."""

    def __init__(self, shuffler: random.Random | None = None) -> None:
        self._held: list[Callback] = []
        self._shuffler = shuffler

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        self._held.append(callback)
        return ()

    def release(self) -> Iterable[Callback]:
        released, self._held = self._held, []
        if self._shuffler:
            self._shuffler.shuffle(released)
        return released


@dataclass
class Corrupt(Policy):
    """Cut short, one byte flipped, emptied or wrapped; the headers (so the signature) stay those of the original."""

    seeded: random.Random

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        body = callback.body
        at = self.seeded.randrange(len(body))
        flipped = body[:at] + bytes((body[at] ^ 0x15,)) + body[at + 1 :]
        return (replace(callback, body=self.seeded.choice((body[:at], flipped, b"", b"[" + body + b"]"))),)


class Chaos(Policy):
    """Any of the above, picked anew for each callback."""

    def __init__(self, seeded: random.Random) -> None:
        self._seeded = seeded
        self._held = Hold(seeded)
        self._choices: tuple[Policy, ...] = (
            Policy(), Policy(), Lose(), Repeat(2), Repeat(3), Delay(0.02), self._held, Corrupt(seeded),
        )  # fmt: skip

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return self._seeded.choice(self._choices)(callback)

    def release(self) -> Iterable[Callback]:
        return self._held.release()


class Sender:
    """Delivers in four threads, so in no certain order."""

    def __init__(self) -> None:
        self.policy: Callable[[Callback], Iterable[Callback]] = Policy()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="jumio-callback")
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._under_way = 0
        self._deliveries: list[Delivery] = []

    @property
    def deliveries(self) -> list[Delivery]:
        with self._changed:
            return list(self._deliveries)

    def send(self, callback: Callback) -> None:
        with self._changed:
            chosen = list(self.policy(callback))
        self._submit(chosen)

    def release(self) -> None:
        """Send what the policy held back."""
        if isinstance(self.policy, Policy):
            with self._changed:
                held = list(self.policy.release())
            self._submit(held)

    def wait(self, timeout: float = 20) -> list[Delivery]:
        """Until nothing is under way; TimeoutError after so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way == 0, timeout):
                raise TimeoutError(f"{self._under_way} callbacks still under way after {timeout} s")
            return list(self._deliveries)

    def close(self) -> None:
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, callbacks: Iterable[Callback]) -> None:
        for callback in callbacks:
            with self._changed:
                self._under_way += 1
            self._pool.submit(self._deliver, callback)

    def _deliver(self, callback: Callback) -> None:
        if callback.delay:
            self._closing.wait(callback.delay)
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy between loopback and loopback
                reply = session.post(
                    callback.url, data=callback.body, headers=callback.headers, timeout=TIMEOUT, allow_redirects=False
                )
            delivery = Delivery(callback, reply.status_code, reply.content)
        except requests.RequestException as problem:
            delivery = Delivery(callback, 0, b"", str(problem))
        with self._changed:
            self._deliveries.append(delivery)
            self._under_way -= 1
            self._changed.notify_all()
