# SPDX-License-Identifier: Apache-2.0
"""What people do with a Kratos and what they see of it: the surface both the stand-in and the real one have."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

PASSWORD = "Sandbox-7-correct-horse"


@dataclass(frozen=True)
class Message:
    """One of `flow.ui.messages`."""

    id: int
    text: str
    type: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Registration:
    """A native client's registration: `status` is HTTP's, `error` the body's member of that name."""

    identity_id: str | None
    session_token: str | None
    status: int
    messages: tuple[Message, ...] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class Login:
    """A native client's sign-in: `messages` is what the person reads, `error` what breaks instead of a page."""

    allowed: bool
    session_token: str | None
    status: int
    messages: tuple[Message, ...] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class Settings:
    """A native client's change of its own account: `allowed` is whether it was stored."""

    allowed: bool
    status: int
    messages: tuple[Message, ...] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class Recovery:
    """A native client's recovery by a mailed code.

    When a hook refuses, Kratos answers with an error that names a new flow: `messages` are read from that one.
    """

    allowed: bool
    session_token: str | None
    status: int
    messages: tuple[Message, ...] = ()
    error: dict[str, Any] | None = None


def messages_of(body: dict[str, Any]) -> tuple[Message, ...]:
    """The messages of a flow."""
    return tuple(
        Message(found["id"], found["text"], found["type"], found.get("context", {}))
        for found in body.get("ui", {}).get("messages") or []
    )


class Kratos(Protocol):
    """A Kratos on loopback, up from `with` on; `method` is "password" or "code".

    An address counts as verified once a code that was sent to it has been used.
    """

    @property
    def admin_url(self) -> str: ...

    @property
    def version(self) -> str: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def register(self, email: str, *, method: str = "password", traits: dict[str, Any] | None = None) -> Registration:
        """`traits` beside the address: `name` with `first` and `last`, `birthdate`."""

    def login(self, email: str, *, method: str = "password", password: str = PASSWORD) -> Login: ...

    def enroll_totp(self, session_token: str) -> Settings:
        """Adds an authenticator app as the second factor of somebody who has none."""

    def change_profile(self, session_token: str, traits: dict[str, Any]) -> Settings: ...

    def change_password(self, session_token: str, password: str) -> Settings: ...

    def recover(self, email: str) -> Recovery:
        """By the code in the mail; TimeoutError where none is sent, as to an unknown address."""

    def tokenize(self, session_token: str, template: str = "jumio") -> dict[str, Any]:
        """The claims of the session's JWT, whose template is jsonnet/session-token.jsonnet."""

    def whoami(self, session_token: str) -> dict[str, Any] | None:
        """The session, None once it ended."""

    def create_identity(self, email: str) -> str:
        """Through the admin API, where no hook fires; returns the id."""

    def identity(self, identity_id: str) -> dict[str, Any]:
        """As the admin API shows it, metadata_admin included; KeyError when unknown."""

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        """The active ones."""
