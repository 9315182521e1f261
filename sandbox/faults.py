# SPDX-License-Identifier: Apache-2.0
"""What can go wrong below HTTP, as values a `LoopbackServer` acts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    ANSWER = auto()
    RESET = auto()
    HANG = auto()
    TRICKLE_HEADERS = auto()
    TRICKLE_BODY = auto()


@dataclass(frozen=True)
class Fault:
    """Made by the functions below.

    With `processed` the app sees the request first (the effect happens, its reply is lost, delayed or trickled).
    """

    kind: Kind
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    declared: bool = True
    processed: bool = False
    seconds: float | None = None


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, processed: bool = False) -> Fault:
    """This reply in place of the app's."""
    return Fault(
        Kind.ANSWER, status, {"Content-Type": "application/json", **(headers or {})}, body, processed=processed
    )


def garbage(*, processed: bool = False) -> Fault:
    """200 with a body that is no JSON although it says so."""
    return answer(200, b'{"workflow": {"status": "PROC\xff\x00', processed=processed)


def oversize(mebibytes: int = 3, *, declared: bool = True) -> Fault:
    """A well-formed but huge JSON body; with `declared=False` chunked, so that no Content-Length warns of it."""
    padding = b'{"padding": "' + b"x" * (mebibytes << 20) + b'"}'
    return Fault(Kind.ANSWER, 200, {"Content-Type": "application/json"}, padding, declared=declared)


def redirect(url: str, status: int = 302) -> Fault:
    return answer(status, b"", {"Location": url})


def reset(*, processed: bool = False) -> Fault:
    """A TCP reset in place of a reply."""
    return Fault(Kind.RESET, processed=processed)


def hang(seconds: float | None = None, *, processed: bool = False) -> Fault:
    """Silence for so long (None: until the server closes), then the app's reply if anybody still listens."""
    return Fault(Kind.HANG, processed=processed, seconds=seconds)


def trickle(*, headers: bool = False, pause: float = 0.1) -> Fault:
    """The app's own reply, byte by byte, from its first header line or from its body on."""
    return Fault(Kind.TRICKLE_HEADERS if headers else Kind.TRICKLE_BODY, processed=True, seconds=pause)
