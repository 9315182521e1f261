# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the service, one small tree by who must act. Transport libraries' own never get past a client."""


class ServiceError(Exception):
    """Base of everything the service raises on purpose; ``str()`` is a sentence fit for an answer and a log line."""


class CallerError(ServiceError):
    """Whoever called us must act: the request cannot be served as it is."""


class Malformed(CallerError):
    """The body is not what the contract says (400)."""


class Unauthorized(CallerError):
    """No secret, or a wrong one (401)."""


class JumioError(ServiceError):
    """Jumio did not do what was asked. Base of the four below."""


class JumioUnavailable(JumioError):
    """Unreachable, too slow, a 5xx, or an answer that is not Jumio's: try again later."""


class JumioRateLimited(JumioUnavailable):
    """429: try again later, slower."""


class JumioRefused(JumioError):
    """A 4xx: the operator must act (credentials, workflow key, User-Agent, settings)."""


class WorkflowUnknown(JumioError):
    """404: Jumio does not know this account or workflow execution (yet, or any more)."""


class KratosError(ServiceError):
    """Kratos' admin API did not do what was asked. Base of the four below."""


class KratosUnavailable(KratosError):
    """Unreachable, too slow, a 5xx, 409 or 429, or an answer that is not Kratos': try again later.

    `retry_after` is what Kratos asked for, in seconds, when it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StartNotRecorded(KratosUnavailable):
    """Jumio started a workflow that could not be noted in Kratos; starting another would cost money again."""


class KratosRefused(KratosError):
    """A 4xx: the operator must act (API key, identity schema, metadata of an odd shape)."""


class IdentityUnknown(KratosError):
    """404: no such identity."""


class AnswerTooLarge(KratosError):
    """The answer is longer than we read: ask for less at a time. Its `Link` header tells what comes after it."""

    def __init__(self, message: str, *, link: str | None = None) -> None:
        super().__init__(message)
        self.link = link
