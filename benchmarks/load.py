# SPDX-License-Identifier: Apache-2.0
"""The load generator: keep-alive connections to loopback, one request under way on each, bounded in count and time.

A process of its own, and one thread on raw sockets: it must cost less than what it measures. Reads a job as JSON
from standard input, prints the outcome as JSON.
"""

import ipaddress
import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice

MAX_REQUESTS = 100_000
MAX_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Job:
    """Whole HTTP requests, sent from the first again where there are fewer than `count`."""

    port: int
    connections: int
    count: int
    requests: Sequence[str]
    host: str = "127.0.0.1"
    seconds: float = 30


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Latencies in seconds, sorted; `statuses` counts the answers by code."""

    elapsed: float
    latencies: list[float]
    statuses: dict[str, int]

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.elapsed

    def percentile(self, percent: float) -> float:
        return self.latencies[min(int(len(self.latencies) * percent / 100), len(self.latencies) - 1)]


def run(job: Job) -> Outcome:
    """In a child process, so that the caller's threads and garbage are not in the way."""
    child = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(job)).encode(),
        stdout=subprocess.PIPE,
        timeout=job.seconds + 30,
        check=True,
    )
    return Outcome(**json.loads(child.stdout))


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.sent_at = 0.0
        self.received = b""

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        if self.socket.send(request) != len(request):
            raise RuntimeError("the send buffer is full")

    def read(self) -> int | None:
        """The status once the whole answer is there."""
        self.received += (chunk := self.socket.recv(65536))
        if not chunk:
            raise RuntimeError(f"the server closed the connection after {self.received[:200]!r}")
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]) if len(body) >= length else None


def perform(job: Job) -> Outcome:
    if not ipaddress.ip_address(job.host).is_loopback:
        raise SystemExit("only loopback is ever a target")
    if job.count > MAX_REQUESTS or job.seconds > MAX_SECONDS:
        raise SystemExit(f"at most {MAX_REQUESTS} requests and {MAX_SECONDS} s")
    waiting = islice(cycle([request.encode() for request in job.requests]), job.count)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    connections = [_Connection((job.host, job.port)) for _ in range(min(job.connections, job.count))]
    with selectors.DefaultSelector() as selector:
        begun = time.perf_counter()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(waiting))
        busy = len(connections)
        while busy and time.perf_counter() - begun < job.seconds:
            for key, _ in selector.select(timeout=1):
                connection = key.data
                status = connection.read()
                if status is None:
                    continue
                latencies.append(time.perf_counter() - connection.sent_at)
                statuses[status] += 1
                following = next(waiting, None)
                if following is None:
                    busy -= 1
                else:
                    connection.send(following)
        elapsed = time.perf_counter() - begun
    for connection in connections:
        connection.socket.close()
    named = {str(status): number for status, number in statuses.items()}
    return Outcome(elapsed=elapsed, latencies=sorted(latencies), statuses=named)


if __name__ == "__main__":
    signal.alarm(MAX_SECONDS + 10)
    print(json.dumps(asdict(perform(Job(**json.load(sys.stdin))))))
