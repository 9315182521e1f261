# SPDX-License-Identifier: Apache-2.0
"""Documents by a keyed hash, and who verified with one before. No number is kept, told or logged."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import astuple

from webhook.core.evidence import Document
from webhook.core.person import is_not_noted
from webhook.core.record import Record
from webhook.core.status import Verdict
from webhook.core.workflows import Workflow
from webhook.verification.ports import Coordination


class Documents:
    """One per process; only where the settings have a secret, and a Valkey that has the index.

    The first of the secrets keys what is kept; by the others a document is found that was kept earlier.
    """

    def __init__(self, secrets: Sequence[bytes], *, coordination: Coordination) -> None:
        self._secrets = secrets
        self._coordination = coordination

    def hashes_of(self, document: Document | None) -> list[str]:
        """What is kept of a document, and after it what would have been kept by earlier secrets."""
        return [] if document is None else [_hash(secret, document) for secret in self._secrets]

    def claim(self, identity_id: str, hashes: Sequence[str]) -> str | None:
        """Note that the identity verified with it; the other identity that did so before, where there is one."""
        # By the earliest secret first: whoever comes second must not take it over by the newest.
        others = (self._coordination.claim_document(each, identity_id) for each in reversed(hashes))
        return next(filter(None, others), None)

    def claimed_by_others(self, identity_id: str, record: Record) -> list[Workflow]:
        """What an index that has lost something, or another process, now says that another identity did before.

        What is known of the record is noted in the index on the way. Whoever came second notes nothing.
        """
        return [
            each
            for each in record.known
            if each.document is not None
            and not is_not_noted(each.person)
            and (each.said or each.verdict) is Verdict.PASSED
            and (each.repeated is None or each.repeated.other_identity is None)
            and self._coordination.claim_document(each.document, identity_id) is not None
        ]


def _hash(secret: bytes, document: Document) -> str:
    """Whoever has the record and not the secret cannot try numbers on it."""
    message = b"ory-jumio-webhook.document:" + json.dumps(astuple(document)).encode()
    return hmac.digest(secret, message, hashlib.sha256).hex()
