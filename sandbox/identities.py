# SPDX-License-Identifier: Apache-2.0
"""The identities and sessions of the Kratos stand-in, with Kratos' rules for changing them. No HTTP here."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sandbox import json_patch

SCHEMA_ID = "default"
DISABLED = "This account was disabled."


class Refused(Exception):
    """The herodot error Kratos would answer with."""

    def __init__(self, code: int, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.reason = code, message, reason


class NotFound(Refused):
    def __init__(self) -> None:
        super().__init__(404, "Unable to locate the resource")


class Identities:
    """All in memory.

    `lost_update`, where set, is called between the reading and the writing of a PATCH: whatever it writes itself is
    overwritten then, as with Kratos, which does not lock.
    """

    def __init__(self) -> None:
        self.lost_update: Callable[[], None] | None = None
        self._lock = threading.RLock()
        self._rows: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, dict[str, Any]] = {}  # by token
        self._passwords: dict[str, str] = {}
        self._with_totp: set[str] = set()

    def create(
        self, traits: Any, *, metadata_public: Any = None, metadata_admin: Any = None, password: str | None = None
    ) -> dict[str, Any]:
        _check_traits(traits)
        with self._lock:
            if self.by_email(traits["email"]):
                raise Refused(
                    409,
                    "The resource could not be created due to a conflict",
                    "This identity conflicts with another identity that already exists.",
                )
            now = _stamp()
            identity = {
                "id": str(uuid4()),
                "schema_id": SCHEMA_ID,
                "schema_url": "http://127.0.0.1/schemas/ZGVmYXVsdA",
                "state": "active",
                "state_changed_at": now,
                "traits": copy.deepcopy(traits),
                **_addresses(traits["email"]),
                "metadata_public": metadata_public,
                "metadata_admin": metadata_admin,
                "created_at": now,
                "updated_at": now,
                "organization_id": None,
            }
            self._rows[str(identity["id"])] = identity
            if password is not None:
                self._passwords[str(identity["id"])] = password
            return copy.deepcopy(identity)

    def get(self, identity_id: str) -> dict[str, Any]:
        with self._lock:
            if identity_id not in self._rows:
                raise NotFound
            return copy.deepcopy(self._rows[identity_id])

    def by_email(self, email: str) -> dict[str, Any] | None:
        with self._lock:
            rows = (row for row in self._rows.values() if row["traits"]["email"] == email)
            return copy.deepcopy(next(rows, None))

    def by_identifier(self, identifier: str) -> dict[str, Any] | None:
        """By what somebody signs in with, however it is written."""
        with self._lock:
            rows = (row for row in self._rows.values() if normal(row["traits"]["email"]) == normal(identifier))
            return copy.deepcopy(next(rows, None))

    def page(self, size: int, after: str) -> tuple[list[dict[str, Any]], str | None]:
        """Ordered by id; the token is the last id of a page that is not the last one."""
        with self._lock:
            ids = sorted(identity_id for identity_id in self._rows if identity_id > after)
            rows = [copy.deepcopy(self._rows[identity_id]) for identity_id in ids[:size]]
            return rows, ids[size - 1] if len(ids) > size else None

    def untouched_since(self, stamp: str, *, only: Collection[str] | None = None) -> None:
        """Let everybody, or these, have been written at that time last, so that a test need not wait."""
        with self._lock:
            for identity_id, row in self._rows.items():
                if only is None or identity_id in only:
                    row["updated_at"] = stamp

    def some(self, identity_ids: list[str]) -> list[dict[str, Any]]:
        """Those of them that there are."""
        with self._lock:
            return [copy.deepcopy(self._rows[each]) for each in identity_ids if each in self._rows]

    def patch(
        self, identity_id: str, patch: list[dict[str, Any]], *, between: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        """The identity as written; `between` is a `lost_update` for this PATCH alone."""
        between = between or self.lost_update
        if between is None:
            with self._lock:
                return self._write(identity_id, self._patched(identity_id, patch))
        patched = self._patched(identity_id, patch)
        between()
        return self._write(identity_id, patched)

    def delete(self, identity_id: str) -> None:
        with self._lock:
            self.get(identity_id)
            with contextlib.suppress(NotFound):
                self.end_sessions(identity_id)
            del self._rows[identity_id]

    def _patched(self, identity_id: str, patch: list[dict[str, Any]]) -> dict[str, Any]:
        before = self.get(identity_id)
        try:
            after = json_patch.apply(before, patch)
        except json_patch.PatchError as problem:
            raise Refused(400, str(problem), "An error occured when applying the JSON patch") from None
        after = {name: after.get(name) for name in before}  # a removed member is null
        if after["state"] not in ("active", "inactive"):
            reason = f"The supplied state ('{after['state'] or ''}') was not valid. "
            reason += "Valid states are ('active', 'inactive')."
            raise Refused(400, "identity state is not valid", reason)
        if after["state"] != before["state"]:
            after["state_changed_at"] = _stamp()
        return after

    def _write(self, identity_id: str, row: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if identity_id not in self._rows:
                raise NotFound
            written = {**row, "updated_at": _stamp()}
            if written["traits"]["email"] != self._rows[identity_id]["traits"]["email"]:
                written.update(_addresses(written["traits"]["email"]))
            self._rows[identity_id] = written
            return copy.deepcopy(written)

    def proposed(self, identity_id: str, traits: Any) -> dict[str, Any]:
        """The identity with other traits, as Kratos shows it to a hook before it stores it."""
        _check_traits(traits)
        return {**self.get(identity_id), "traits": copy.deepcopy(traits)}

    def store(self, identity: dict[str, Any]) -> None:
        """The whole row as it was read once, like Kratos: whatever was written in between is undone."""
        with self._lock:
            if (other := self.by_email(identity["traits"]["email"])) and other["id"] != identity["id"]:
                raise Refused(409, "taken")
            self._write(identity["id"], identity)

    def verify_address(self, identity_id: str) -> None:
        """What the use of a mailed code does beside its own purpose."""
        with self._lock:
            for address in self._rows[identity_id]["verifiable_addresses"]:
                address.update(verified=True, status="completed", verified_at=_stamp())

    def set_password(self, identity_id: str, password: str) -> None:
        self._passwords[identity_id] = password

    def has_password(self, identity_id: str, password: str) -> bool:
        return self._passwords.get(identity_id) == password

    def set_totp(self, identity_id: str) -> None:
        self._with_totp.add(identity_id)

    def has_totp(self, identity_id: str) -> bool:
        return identity_id in self._with_totp

    def raise_session(self, token: str) -> None:
        """To aal2, as after a second factor."""
        with self._lock:
            session, now = self._sessions[token], _stamp()
            session["authenticator_assurance_level"] = "aal2"
            session["authentication_methods"].append({"method": "totp", "aal": "aal2", "completed_at": now})

    def sign_in(self, identity_id: str, method: str) -> tuple[str, dict[str, Any]]:
        """A new session: its token, and itself as a session reader sees it."""
        token = f"ory_st_{uuid4().hex}"
        session = new_session(method)
        session["id"], session["identity_id"] = str(uuid4()), identity_id
        with self._lock:
            self._sessions[token] = session
        shown = self.session(token)
        assert shown
        return token, shown

    def session(self, token: str) -> dict[str, Any] | None:
        with self._lock:
            found = self._sessions.get(token)
            if found is None:
                return None
            identity = self.get(found["identity_id"])
        if identity["state"] != "active":
            return None
        shown = {name: copy.deepcopy(value) for name, value in found.items() if name != "identity_id"}
        return {**shown, "identity": public(identity)}

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        """Still listed as active where the identity itself is not."""
        with self._lock:
            found = [dict(session) for session in self._sessions.values() if session["identity_id"] == identity_id]
            return [{**session, "identity": public(self.get(session.pop("identity_id")))} for session in found]

    def end_sessions(self, identity_id: str) -> None:
        with self._lock:
            tokens = [token for token, row in self._sessions.items() if row["identity_id"] == identity_id]
            if not tokens:
                raise NotFound
            for token in tokens:
                del self._sessions[token]


def normal(identifier: str) -> str:
    """As Kratos stores and looks up an e-mail address to sign in with."""
    return identifier.strip().lower()


def _addresses(email: str) -> dict[str, Any]:
    """Those that Kratos derives from the traits; a new value is a new address, not verified."""
    now = _stamp()
    dated = {"value": email, "via": "email", "created_at": now, "updated_at": now}
    return {
        "verifiable_addresses": [{"id": str(uuid4()), **dated, "verified": False, "status": "pending"}],
        "recovery_addresses": [{"id": str(uuid4()), **dated}],
    }


def public(identity: dict[str, Any]) -> dict[str, Any]:
    """As anybody but the admin API sees it."""
    return {name: value for name, value in identity.items() if name != "metadata_admin"}


def new_session(method: str) -> dict[str, Any]:
    """A first-factor session before it is stored: a hook sees the nil id."""
    now, later = _stamp(), _stamp(timedelta(days=1))
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "active": True,
        "expires_at": later,
        "authenticated_at": now,
        "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": method, "aal": "aal1", "completed_at": now}],
        "issued_at": now,
        "devices": [{"id": str(uuid4()), "ip_address": "127.0.0.1", "user_agent": "sandbox", "location": ""}],
    }


def _check_traits(traits: Any) -> None:
    malformed = "The request was malformed or contained invalid parameters"
    if not isinstance(traits, dict) or "email" not in traits:
        raise Refused(400, malformed, 'I[#/traits] S[#/properties/traits/required] missing properties: "email"')
    if extra := sorted(set(traits) - {"email", "name", "birthdate"}):
        where = "I[#/traits] S[#/properties/traits/additionalProperties]"
        raise Refused(400, malformed, f'{where} additionalProperties "{extra[0]}" not allowed')
    if not isinstance(traits["email"], str) or "@" not in traits["email"]:
        raise Refused(400, malformed, f'I[#/traits/email] "{traits["email"]}" is not valid "email"')


def _stamp(ahead: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + ahead).isoformat().replace("+00:00", "Z")
