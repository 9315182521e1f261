# SPDX-License-Identifier: Apache-2.0
"""Our own short link to a person's verification: signed and dated, and naming nothing but the identity."""

import hashlib

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from webhook.ory.kratos.hooks import usable_identity_id
from webhook.settings import Settings

PATH = "/jumio/verify"


class LinkExpired(Exception):
    """The link was ours, and is too old."""


class Links:
    """Makes links and reads them. The first of the callback secrets signs, any of them is accepted."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.public_url
        self._max_age = settings.link_max_age
        self._signer = TimestampSigner(
            list(reversed(settings.jumio_callback_secrets)),  # itsdangerous signs with the last
            salt="ory-jumio-webhook.verification.settle-link",
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
            text = self._signer.unsign(token, max_age=int(self._max_age.total_seconds())).decode()
        except SignatureExpired:
            raise LinkExpired from None
        except BadSignature:
            return None
        return usable_identity_id(text)

    def is_expired(self, url: str) -> bool:
        """Whether a URL is a link of ours that is too old."""
        if not self.is_ours(url):
            return False
        try:
            return self.read(url.rpartition("/")[2]) is None
        except LinkExpired:
            return True
