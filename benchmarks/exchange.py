# SPDX-License-Identifier: Apache-2.0
"""One request and its answer on an asyncio connection; answers with a Content-Length only."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`seconds` since the request's last byte was sent; `headers` by lower-case name."""

    code: int
    headers: dict[str, str]
    body: bytes
    seconds: float


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
    writer.write(request)
    sent_at = time.perf_counter()
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in named}
    body = await reader.readexactly(int(headers["content-length"]))
    return Answer(code=int(first[9:12]), headers=headers, body=body, seconds=time.perf_counter() - sent_at)
