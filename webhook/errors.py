# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the service, one small tree by who must act. Transport libraries' own never get past a client."""

from typing import ClassVar


class ServiceError(Exception):
    """Base of everything the service raises on purpose; ``str()`` is a sentence fit for an answer and a log line."""


class CallerError(ServiceError):
    """Whoever called us must act: the request cannot be served as it is."""


class Malformed(CallerError):
    """The body is not what the contract says (400)."""


class Unauthorized(CallerError):
    """No secret, or a wrong one (401)."""


class Busy(ServiceError):
    """We must wait: another request of ours is at work on the same identity, or on as much as there is room for."""


class PeerError(ServiceError):
    """A peer did not do what was asked.

    `peer` says which, `status` what it answered (None where there was no answer), `retry_after` for how many seconds
    it asked to be left alone (None where it did not).
    """

    peer: ClassVar[str]

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class VendorError(PeerError):
    """The vendor that verifies identities. Base of the four below."""

    peer = "jumio"


class VendorUnavailable(VendorError):
    """Unreachable, too slow, a 5xx, or an answer that is none of the vendor's: try again later."""


class VendorRateLimited(VendorUnavailable):
    """429: try again later, slower."""


class VendorRefused(VendorError):
    """A 4xx: the operator must act (credentials, workflow key, User-Agent, settings)."""


class WorkflowUnknown(VendorError):
    """404: the vendor does not know this account or workflow execution (yet, or any more)."""


class NotStarted(VendorUnavailable):
    """The start was not even sent, for want of time or of a place: nothing was paid for."""


class KratosError(PeerError):
    """Kratos' admin API did not do what was asked. Base of those below."""

    peer = "kratos"


class KratosUnavailable(KratosError):
    """Unreachable, too slow, a 5xx, 409 or 429, or an answer that is not Kratos': try again later."""


class NotKratos(KratosUnavailable):
    """Somebody answers there, and not as Kratos' admin API does."""


class TooDeep(NotKratos):
    """The answer is nested too deeply to be read: somebody's metadata, perhaps, or nothing of Kratos'."""


class StartNotRecorded(KratosUnavailable):
    """Jumio started a workflow that could not be noted in Kratos; starting another would cost money again."""


class KratosRefused(KratosError):
    """A 4xx: the operator must act (API key, identity schema, metadata of an odd shape)."""


class IdentityUnknown(KratosError):
    """404: no such identity."""


class AnswerTooLarge(KratosError):
    """The answer is longer than we read. Where it was a page with a single identity, `next_page` goes on after it."""

    def __init__(self, message: str, *, next_page: str | None = None) -> None:
        super().__init__(message)
        self.next_page = next_page
