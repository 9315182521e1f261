# SPDX-License-Identifier: Apache-2.0
"""The whole flow on loopback: six people sign up, are verified, sign in. Says whether all went by the contract."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.people import Login
from sandbox.start import find_kratos
from sandbox.world import ORY_SECRET, World, world


@dataclass(frozen=True)
class Person:
    """Somebody, what Jumio will make of them, and what the contract then says."""

    name: str
    outcome: str
    story: str
    status: str
    verdict: str | None
    allowed: bool
    message_id: int | None = None
    family_name: str = ""
    document: str = ""

    @property
    def traits(self) -> dict[str, Any]:
        """What the account says of them."""
        return {"name": {"first": self.name, "last": self.family_name}} if self.family_name else {}

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@example.com"


# What jsonnet/step-up.jsonnet demands, and the message of whoever is below it.
STEP_UP_LEVEL = 3
STEP_UP_REFUSED = 9010010
# Where the accounts have their names, so that nobody passes with a document of somebody else.
TRAITS = "given_name=/name/first,family_name=/name/last"
ADAS = "Ada Lovelace 1990-05-17"
PEOPLE = (
    Person("Ada", "passed", "shows a valid passport", "approved", "PASSED", True, None, "Lovelace", ADAS),
    Person("Ben", "warning", "looks older than on the document", "review", "WARNING", True),
    Person("Cleo", "rejected", "shows a manipulated document", "rejected", "FAILED", False, 9010001),
    Person("Dan", "expire", "closes the window and never comes back", "incomplete", None, True),
    Person("Gus", "passed", "shows Ada's passport", "review", "WARNING", True, None, "Grissom", ADAS),
)


@dataclass(frozen=True)
class Act:
    """How it went with one person."""

    person: Person
    status: str
    verdict: str | None
    login: Login

    @property
    def as_promised(self) -> bool:
        person = self.person
        ids = [message.id for message in self.login.messages]
        return (
            (self.status, self.verdict, self.login.allowed) == (person.status, person.verdict, person.allowed)
            and bool(self.login.session_token) is person.allowed
            and ids == ([] if person.message_id is None else [person.message_id])
        )


def run(*, keep_serving: bool = False) -> int:
    """Play it; 0 only if every outcome is the contract's."""
    begun = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - begun:6.2f} s  {text}", flush=True)

    binary = find_kratos()
    with world(kratos_binary=binary, step_up=True, IDENTITY_TRAITS=TRAITS) as here:
        tell(f"Kratos   {here.kratos.admin_url} ({here.kratos.version})")
        tell(f"Jumio    {here.jumio.url} (stand-in)")
        tell(f"Service  {here.service.url}")
        acts = [_play(person, here, tell) for person in PEOPLE]
        stepped_up = _step_up(here, tell)
        print(f"\n{_table(acts)}")
        print(f"Fay's step-up, refused and then allowed: {'as promised' if stepped_up else 'NOT as promised'}\n")
        promised = all(act.as_promised for act in acts) and stepped_up
        print("Every outcome is the contract's." if promised else "NOT every outcome is the contract's.", flush=True)
        if not promised:
            print(here.service.log())
        if keep_serving:
            _stay(here)
    return 0 if promised else 1


def _play(person: Person, here: World, say: Callable[[str], None]) -> Act:
    registration = here.kratos.register(person.email, traits=person.traits)
    if registration.identity_id is None:
        raise RuntimeError(f"{person.name} could not register: {registration}")
    identity_id = registration.identity_id
    say(f"{person.name} registers; Kratos calls registration.after")
    record = here.wait_for_status(identity_id, other_than=None)
    say(f"{person.name} is {record['status']}; Jumio's link is on the identity")
    here.verify(record["verification_url"], person.outcome, document=person.document)
    say(f"{person.name} {person.story}; Jumio calls back")
    record = here.wait_for_status(identity_id, other_than="pending")
    say(f"{person.name} is {record['status']} (verdict {record['verdict']}), read from Jumio's Retrieval API")
    login = here.kratos.login(person.email)
    said = f": “{login.messages[0].text}”" if login.messages else ""
    say(f"{person.name} {'signs in' if login.allowed else 'is stopped at sign-in'}{said}")
    return Act(person, record["status"], record["verdict"], login)


def _step_up(here: World, say: Callable[[str], None]) -> bool:
    """The last act: a second factor is refused below level 3, and allowed at it."""
    registration = here.kratos.register("fay@example.com")
    if registration.identity_id is None or registration.session_token is None:
        raise RuntimeError(f"Fay could not register: {registration}")
    here.wait_for_status(registration.identity_id, other_than=None)
    refused = here.kratos.enroll_totp(registration.session_token)
    said = refused.messages[0] if refused.messages else None
    say(f"Fay, not verified yet, adds a second factor and is {'let through' if refused.allowed else 'refused'}")
    if said is None or said.id != STEP_UP_REFUSED:
        return False
    say(f"Fay reads: “{said.text.partition(' Continue here')[0]}” and gets a link")
    here.verify(said.context["verification_url"], "passed")
    record = here.wait_for_status(registration.identity_id, other_than="pending")
    say(f"Fay follows it and is {record['status']}, level {record['assurance']['level']}")
    allowed = here.kratos.enroll_totp(registration.session_token)
    say(f"Fay adds the second factor again and is {'let through' if allowed.allowed else 'refused'}")
    return not refused.allowed and record["assurance"]["level"] == STEP_UP_LEVEL and allowed.allowed


def _table(acts: list[Act]) -> str:
    rows = [("who", "status", "verdict", "login", "as promised", "what a blocked person reads")]
    for act in acts:
        texts = " ".join(message.text for message in act.login.messages)
        login = "allowed" if act.login.allowed else "blocked"
        rows.append((act.person.name, act.status, act.verdict or "-", login, "yes" if act.as_promised else "NO", texts))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _stay(here: World) -> None:
    registration = here.kratos.register("eve@example.com")
    assert registration.identity_id is not None
    record = here.wait_for_status(registration.identity_id, other_than=None)
    print(
        f"\nEverything stays up until Ctrl-C. Eve has just registered and is pending:\n"
        f"  her link       {record['verification_url']}\n"
        f"  her identity   curl {here.kratos.admin_url}/admin/identities/{registration.identity_id}\n"
        f"  a sign-in      curl -H 'Authorization: Bearer {ORY_SECRET}' {here.service.url}/jumio/validate -d "
        f'\'{{"identity":{{"id":"{registration.identity_id}","metadata_public":null}}}}\'\n'
        f"  the log        {here.service.log_path}",
        flush=True,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("bye")
