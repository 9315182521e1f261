# SPDX-License-Identifier: Apache-2.0
"""Whom a document names beside whom the account names: compared, and known again by a keyed fingerprint."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace

from webhook.core.assurance import Table
from webhook.core.person import Comparison, Match, OnDifferentPerson, Person
from webhook.core.record import Record
from webhook.core.same_person import same_birthdate, same_name
from webhook.core.status import Verdict
from webhook.core.workflows import Stage, Workflow

_FINGERPRINT_LENGTH = 32
_WORST_FIRST = (Match.DIFFERENT, Match.MATCHED, Match.UNKNOWN)


class Persons:
    """Compares persons. One per process; only where the settings say where an account's names stand.

    The first of the secrets keys the fingerprints, any of them knows one again.
    """

    def __init__(self, secrets: Sequence[bytes], *, on_different: OnDifferentPerson) -> None:
        self._secrets = secrets
        self._on_different = on_different

    def compare(self, account: Person, documents: Sequence[Person]) -> Comparison:
        """Whether all documents that were shown name the person; one that names another is enough to differ."""
        return Comparison(
            name=_together(same_name(account, document) for document in documents),
            birthdate=_together(same_birthdate(account, document) for document in documents),
            of=_fingerprint(self._secrets[0], account),
            counts_as=self._on_different,
        )

    def outdated(self, record: Record, account: Person) -> list[Workflow]:
        """What was compared with something else than the account says now, and decides."""
        return [
            each
            for each in record.known
            if each.stage is Stage.CONCLUDED
            and each.person is not None
            and not (each.verdict is Verdict.FAILED and each.said is None)  # the vendor's own rejection stays one
            and not any(_is(each.person, secret, account) for secret in self._secrets)
        ]

    def renewed(self, workflow: Workflow, account: Person) -> Workflow:
        """The workflow with a fingerprint by the first secret, where it has one by another."""
        person = workflow.person
        if person is None or not any(_is(person, secret, account) for secret in self._secrets[1:]):
            return workflow
        return replace(workflow, person=replace(person, of=_fingerprint(self._secrets[0], account)))

    def untold(self, workflow: Workflow, account: Person, *, table: Table) -> Workflow:
        """The workflow when the vendor no longer tells what its document says, and the account says something else.

        Nothing is known to match then, so that the level falls to below the first that asks for a match.
        """
        if workflow.person is None:
            return workflow
        asking = (row.level - 1 for row in table.levels if row.matches)
        level = None if workflow.level is None else min(workflow.level, *asking, workflow.level)
        return replace(
            workflow,
            person=replace(workflow.person.unknown(), of=_fingerprint(self._secrets[0], account)),
            level=level,
            level_name=workflow.level_name if level == workflow.level or level is None else table.name_of(level),
        )


def _together(said: Iterable[Match]) -> Match:
    found = set(said)
    return next((match for match in _WORST_FIRST if match in found), Match.UNKNOWN)


def _is(person: Comparison, secret: bytes, account: Person) -> bool:
    return hmac.compare_digest(person.of.encode(), _fingerprint(secret, account).encode())


def _fingerprint(secret: bytes, account: Person) -> str:
    """Whoever has the record and not the secret cannot try names on it."""
    message = b"ory-jumio-webhook.person:" + json.dumps(astuple(account)).encode()
    return hmac.digest(secret, message, hashlib.sha256).hex()[:_FINGERPRINT_LENGTH]
