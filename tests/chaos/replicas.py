# SPDX-License-Identifier: Apache-2.0
"""Several processes of the service, and of `sync`, whose hosts' clocks are apart; what they share may be away."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from coordination.servers import Server
from requests.adapters import HTTPAdapter

from sandbox.callbacks import Callback, Policy
from sandbox.server import free_port
from sandbox.service import ServiceProcess
from webhook.coordination.breaker import LEFT_ALONE_SECONDS

MOST_APART = 10 * 60.0
TIMEOUT = 15
# So long after an outage everybody has asked again: those that are left alone, and a sweep at its next turn.
NOTICED_AFTER = LEFT_ALONE_SECONDS + 1.5
# `jumio-webhook` on a host whose clock is so many seconds ahead.
AHEAD = """
import sys
import time

from gevent import monkey

monkey.patch_all(os=False, signal=False)
ahead, true = float(sys.argv.pop(1)), time.time
time.time = lambda: true() + ahead

from datetime import timedelta
from functools import partial

from webhook import cli, wiring


def utc_now():
    return wiring.utc_now() + timedelta(seconds=ahead)


wiring.for_requests = partial(wiring.for_requests, clock=utc_now)
wiring.for_commands = partial(wiring.for_commands, clock=utc_now)
sys.exit(cli.main())
"""


@dataclass(frozen=True)
class Replica:
    """A process, and by how many seconds its clock is ahead."""

    process: ServiceProcess
    ahead: float

    def told(self, event: str) -> list[float]:
        """When it logged such an event, by the true clock."""
        lines = (json.loads(line) for line in self.process.log().splitlines() if f'"event": "{event}"' in line)
        return [datetime.fromisoformat(line["time"]).timestamp() - self.ahead for line in lines]


class Replicas:
    """Up from `with` on, behind one address: that of the first, in place of which `anybody` names any of them.

    `environment` may be set until then.
    """

    def __init__(self, seeded: random.Random, *, serving: int, sweeping: int = 0) -> None:
        self.environment: Mapping[str, str] = {}
        self._seeded, self._lock = seeded, threading.Lock()
        self.serving = [self._replica("serve") for _ in range(serving)]
        self.sweeping = [
            self._replica("sync", "--every", "1", "--full-every", "5", "--json", "--metrics-port", str(port), port=port)
            for port in (free_port() for _ in range(sweeping))
        ]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=64))

    @property
    def url(self) -> str:
        return self.first.url

    @property
    def first(self) -> ServiceProcess:
        return self.serving[0].process

    def __enter__(self) -> Self:
        everybody = [*self.serving, *self.sweeping]
        for replica in everybody:
            replica.process.environment = dict(self.environment)
        try:
            with ThreadPoolExecutor(len(everybody)) as pool:
                list(pool.map(lambda replica: replica.process.start(timeout=60), everybody))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()
        everybody = [*self.sweeping, *self.serving]
        with ThreadPoolExecutor(len(everybody)) as pool:
            list(pool.map(lambda replica: replica.process.__exit__(kind, error, traceback), everybody))

    def stop_sweeping(self) -> list[int | None]:
        """Their exit statuses."""
        with ThreadPoolExecutor(len(self.sweeping)) as pool:
            return list(pool.map(lambda replica: replica.process.stop(), self.sweeping))

    def anybody(self) -> str:
        """The URL of one of those that serve."""
        with self._lock:
            return self._seeded.choice(self.serving).process.url

    def press(self, link: str, *, at: str | None = None) -> str:
        """The page that a press of the button on our own link gives, at any of them; empty where there is none."""
        try:
            reply = self._session.post(
                f"{at or self.anybody()}{urlsplit(link).path}", timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException:
            return ""
        return reply.text

    def opened(self, link: str) -> str | None:
        """Where our own link leads on to, at any of them."""
        url = f"{self.anybody()}{urlsplit(link).path}"
        return self._session.get(url, timeout=TIMEOUT, allow_redirects=False).headers.get("Location")

    def log(self) -> str:
        """Of all of them."""
        return "".join(replica.process.log() for replica in (*self.serving, *self.sweeping))

    def alone_at(self) -> list[float]:
        """When one of them had no answer of what they share; by a log at the level `debug`: else it is told rarely."""
        everybody = (*self.serving, *self.sweeping)
        return sorted(at for replica in everybody for at in replica.told("coordination.failed"))

    def _replica(self, *arguments: str, port: int | None = None) -> Replica:
        ahead = round(self._seeded.uniform(-MOST_APART, MOST_APART), 3)
        command = (sys.executable, "-c", AHEAD, str(ahead), *arguments)
        return Replica(ServiceProcess(port=port, command=command), ahead)


class Balanced(Policy):
    """Callbacks go to any of the replicas, and are treated by `policy` otherwise."""

    def __init__(self, policy: Policy, replicas: Replicas) -> None:
        self._policy, self._replicas = policy, replicas

    def __call__(self, callback: Callback) -> Iterable[Callback]:
        return self._sent_to_any(self._policy(callback))

    def release(self) -> Iterable[Callback]:
        return self._sent_to_any(self._policy.release())

    def _sent_to_any(self, callbacks: Iterable[Callback]) -> list[Callback]:
        return [replace(each, url=f"{self._replicas.anybody()}{urlsplit(each.url).path}") for each in callbacks]


class Outages:
    """Kills the server that the replicas share and runs it again, and knows when they may have been without it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._spans: list[tuple[float, float]] = []
        self._killed_at: float | None = None

    def kill(self) -> None:
        self._killed_at = time.time()
        self._server.kill()

    def run_again(self) -> None:
        assert self._killed_at
        self._server.start()
        self._spans.append((self._killed_at, time.time()))
        self._killed_at = None

    def missed(self, moments: Iterable[float]) -> None:
        """Somebody had no answer of it then."""
        self._spans += [(moment - 1, moment) for moment in moments]

    def touch(self, begun: float, ended: float) -> bool:
        """Whether somebody may have been without it at any time in between.

        After an outage too: whoever had no answer asks again only after a while.
        """
        return any(span[0] <= ended and begun <= span[1] + NOTICED_AFTER for span in self._spans)

    def wait_until_over(self) -> None:
        """Until everybody is with it again. Nothing tells when: whoever was without it has not asked since."""
        threading.Event().wait(max((span[1] for span in self._spans), default=0.0) + NOTICED_AFTER - time.time())


def at_once(pool: ThreadPoolExecutor, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of them gives, begun in the same moment."""
    return [future.result() for future in [pool.submit(act) for act in acts]]
