# SPDX-License-Identifier: Apache-2.0
"""Our own short link to a person's verification: signed and dated, and naming nothing but the identity."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from itsdangerous import BadSignature, TimestampSigner

from webhook.core.ids import usable_identity_id
from webhook.core.record import Record
from webhook.core.status import Status
from webhook.settings import LinkSettings

PATH = "/jumio/verify"
LEADS_TO_A_CHECK = frozenset({Status.PENDING, Status.UNSTARTED, Status.INCOMPLETE})


class LinkExpired(Exception):
    """The link was ours, and is too old."""


class Links:
    """Makes links and reads them. The first of the secrets signs, any of them is accepted."""

    def __init__(self, settings: LinkSettings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._base_url = settings.public_url
        self._max_age = settings.max_age
        self._signer = TimestampSigner(
            list(reversed(settings.secrets)),  # itsdangerous signs with the last
            salt="ory-jumio-webhook.verification-link",
            digest_method=hashlib.sha256,
        )

    def make(self, identity_id: str) -> str | None:
        """The link, or None where the service has no public URL: people then get Jumio's own."""
        if self._base_url is None:
            return None
        return f"{self._base_url}{PATH}/{self._signer.sign(identity_id).decode()}"

    def is_ours(self, url: str) -> bool:
        """Whether a URL is such a link."""
        return self._base_url is not None and url.startswith(f"{self._base_url}{PATH}/")

    def read(self, token: str) -> str | None:
        """The identity id, or None for a token that is not ours.

        :raises LinkExpired: it was.
        """
        try:
            text, made_at = self._signer.unsign(token, return_timestamp=True)
        except BadSignature:
            return None
        if self._clock() - made_at > self._max_age:  # one from the future was made by a replica whose clock is ahead
            raise LinkExpired
        return usable_identity_id(text.decode())

    def is_expired(self, url: str | None) -> bool:
        """Whether a URL is a link of ours that is too old."""
        if url is None or not self.is_ours(url):
            return False
        try:
            return self.read(url.rpartition("/")[2]) is None
        except LinkExpired:
            return True

    def restored(self, identity_id: str, record: Record) -> Record:
        """The record with a link wherever it leads to a check that the person may do, made anew where it is missing.

        Without a workflow that is open it is our own, whose page starts one.
        """
        if record.verification_url is None and record.status in LEADS_TO_A_CHECK:
            is_open = record.status is Status.PENDING
            link = self.make(identity_id) if record.vendor_url is not None or not is_open else None
            record = replace(record, verification_url=link or (record.vendor_url if is_open else None))
        further = record.reverification
        if further is not None and further.verification_url is None and further.vendor_url is not None:
            link = self.make(identity_id) or further.vendor_url
            record = replace(record, reverification=replace(further, verification_url=link))
        return record

    def freshened(self, identity_id: str, record: Record) -> Record:
        """The record with links that work: a workflow may stay open for longer than our link to it."""
        if self.is_expired(record.verification_url):
            record = replace(record, verification_url=self.make(identity_id))
        further = record.reverification
        if further is not None and self.is_expired(further.verification_url):
            record = replace(record, reverification=replace(further, verification_url=self.make(identity_id)))
        return record
