# SPDX-License-Identifier: Apache-2.0
"""Kratos and Jumio as one asyncio process of their own, prompt, late, trickling or hung, as it is told.

Told by lines of JSON on standard input, each answered by one on standard output; ends when standard input does.
"""

import asyncio
import contextlib
import itertools
import json
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from benchmarks.answers import Answers, Story

Peer = Literal["token", "jumio", "kratos"]  # Jumio's token endpoint, Jumio's API, Kratos' admin API
# "prompt", "late SECONDS", "trickle" or "never"
Behaviour = str
# At this pace no answer of theirs ever ends in time.
SECONDS_A_BYTE = 0.25


class PeersProcess:
    """The process, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.url = f"http://127.0.0.1:{int(process.stdout.readline())}"

    def behave(self, **behaviours: Sequence[Behaviour]) -> None:
        """Begin anew; calls to each peer named take its behaviours in turn, the others are prompt.

        Where the token endpoint is named, the next call to Jumio finds its token revoked.
        """
        self._tell({"behave": behaviours})

    def seen(self) -> dict[str, Any]:
        """Since then: `requests`, `ready` and `busiest` (most at once) by peer, most `starts` for one identity.

        `calls` of what of Kratos, when there were `readings`, and after how many seconds who was `healed`.

        And now: connections that are `open`, and those that are `busy`.
        """
        return self._tell({})

    def tell(self, stories: Sequence[Story]) -> None:
        """What becomes of the first of those who are listed."""
        self._tell({"stories": stories})

    def _tell(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextlib.contextmanager
def running(*, listed: int = 0) -> Iterator[PeersProcess]:
    command = [sys.executable, "-m", __name__, str(listed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield PeersProcess(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


class _Peers:
    def __init__(self, listed: int) -> None:
        self.answers = Answers(listed)
        self.open = 0
        self.busy: Counter[Peer] = Counter()
        self.behave({})

    def behave(self, behaviours: dict[Peer, list[Behaviour]]) -> None:
        self.answers.begin_anew()
        if "token" in behaviours:
            self.answers.revoke_token()
        self._behaviours = {peer: itertools.cycle(kinds) for peer, kinds in behaviours.items()}
        self._requests: Counter[str] = Counter()
        self._busiest: Counter[Peer] = Counter()

    def begin(self, peer: Peer, target: str) -> Behaviour:
        self._requests[peer] += 1
        self._requests["ready"] += target == "/health/ready"
        self.busy[peer] += 1
        self._busiest[peer] = max(self._busiest[peer], self.busy[peer])
        return next(self._behaviours[peer]) if peer in self._behaviours else "prompt"

    def seen(self) -> dict[str, Any]:
        starts = max(self.answers.starts.values(), default=0)
        now = {"open": self.open, "busy": self.busy.total()}
        told = {"calls": self.answers.calls, "readings": self.answers.readings, "healed": self.answers.healed}
        return {"requests": self._requests, "busiest": self._busiest, "starts": starts, **told, **now}


class _Connection(asyncio.Protocol):
    def __init__(self, peers: _Peers) -> None:
        self._peers = peers
        self._received = b""
        self._peer: Peer | None = None  # while a request is under way
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._peers.open += 1

    def connection_lost(self, error: Exception | None) -> None:
        self._peers.open -= 1
        if self._timer is not None:
            self._timer.cancel()
        self._done()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length:
            return
        self._received = b""
        method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
        self._peer = "token" if target.startswith("/oauth2") else "jumio" if target.startswith("/api") else "kratos"
        status, answer, further = self._peers.answers.answer(method, target, head, body)
        lines = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{further}Content-Length: {len(answer)}\r\n"
        self._behave(self._peers.begin(self._peer, target), f"{lines}\r\n".encode() + answer)

    def _behave(self, behaviour: Behaviour, answer: bytes) -> None:
        kind, _, seconds = behaviour.partition(" ")
        if kind == "prompt":
            self._write(answer)
        elif kind == "late":
            self._timer = asyncio.get_running_loop().call_later(float(seconds), self._write, answer)
        elif kind == "trickle":
            self._trickle(answer)
        elif kind != "never":
            raise ValueError(behaviour)

    def _write(self, answer: bytes) -> None:
        self._done()
        self._transport.write(answer)

    def _trickle(self, answer: bytes) -> None:
        self._transport.write(answer[:1])
        if len(answer) == 1:
            self._done()
        else:
            self._timer = asyncio.get_running_loop().call_later(SECONDS_A_BYTE, self._trickle, answer[1:])

    def _done(self) -> None:
        if self._peer is not None:
            self._peers.busy[self._peer] -= 1
            self._peer = None


async def _serve(listed: int) -> None:
    loop = asyncio.get_running_loop()
    peers = _Peers(listed)
    server = await loop.create_server(lambda: _Connection(peers), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if "behave" in (order := json.loads(line)):
            peers.behave(order["behave"])
        if "stories" in order:
            peers.answers.tell(order["stories"])
        print(json.dumps(peers.seen()), flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_serve(int(sys.argv[1])))
