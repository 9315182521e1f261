# SPDX-License-Identifier: Apache-2.0
"""Many requests in flight at once, a connection for each, and what became of every one of them.

A process of its own, bounded in count and time. Reads a job as JSON from standard input, prints the outcome as JSON.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.exchange import exchange

MAX_REQUESTS = 2000
# Well above the 12 s within which the service answers, so that what comes late is seen to come late.
GIVE_UP_SECONDS = 20
MAX_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Job:
    """(kind, HTTP request) of each; they arrive evenly within `arrive_within` seconds."""

    port: int
    requests: Sequence[tuple[str, str]]
    arrive_within: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`code` 0 stands for no answer, and `body` then says why; `seconds` since the request's last byte."""

    kind: str
    code: int
    seconds: float
    retry_after: str | None = None
    body: str = ""

    def told(self, member: str) -> str | None:
        """A member of the answer's JSON."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return None
        return parsed.get(member) if isinstance(parsed, dict) else None


def run(job: Job) -> list[Answered]:
    """In a child process; the answers in the order of the requests."""
    child = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(job)).encode(),
        stdout=subprocess.PIPE,
        timeout=MAX_SECONDS,
        check=True,
    )
    return [Answered(**answered) for answered in json.loads(child.stdout)]


async def _one(port: int, kind: str, request: str, delay: float) -> Answered:
    await asyncio.sleep(delay)
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                answer = await exchange(reader, writer, request.encode())
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError) as error:
        return Answered(kind=kind, code=0, seconds=asyncio.get_running_loop().time() - begun, body=repr(error))
    retry_after = answer.headers.get("retry-after")
    body = answer.body.decode(errors="replace")
    return Answered(kind=kind, code=answer.code, seconds=answer.seconds, retry_after=retry_after, body=body)


async def _all(job: Job) -> list[Answered]:
    if len(job.requests) > MAX_REQUESTS:
        raise SystemExit(f"at most {MAX_REQUESTS} requests")
    pause = job.arrive_within / len(job.requests)
    flights = [_one(job.port, kind, text, number * pause) for number, (kind, text) in enumerate(job.requests)]
    return await asyncio.gather(*flights)


if __name__ == "__main__":
    signal.alarm(MAX_SECONDS)
    print(json.dumps([asdict(answered) for answered in asyncio.run(_all(Job(**json.load(sys.stdin))))]))
