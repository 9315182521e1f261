# SPDX-License-Identifier: Apache-2.0
"""What every route does with a request before it looks into it: bound its body, check its secret."""

from collections.abc import Sequence

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request

from webhook.core.signing import is_known_secret
from webhook.errors import Malformed, Unauthorized
from webhook.runtime import log

MAX_BODY_BYTES = 1 << 20


def read_body(request: Request) -> bytes:
    """The raw body. Werkzeug cuts a chunked one at its limit without a word, so that limit lies one byte further.

    :raises Malformed: it broke off, or is framed wrongly.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    try:
        body = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception:  # whatever the server in front raises for a body that does not arrive as announced
        raise Malformed("the body did not arrive whole") from None
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def require_ory_secret(request: Request, *, secrets: Sequence[bytes]) -> None:
    """Let only requests with one of Ory's secrets pass.

    :raises Unauthorized: it has none, or a wrong one.
    """
    headers = request.headers
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    given = [headers.get("X-Webhook-Secret", "")]
    if scheme.lower() == "bearer":
        given.append(credentials.strip())
    if not is_known_secret(map(header_bytes, given), secrets=secrets):
        log.event("secret.refused", route=request.path)
        raise Unauthorized("Ory's secret is missing or wrong: Authorization: Bearer <ORY_WEBHOOK_SECRET>")


def header_bytes(value: str) -> bytes:
    """WSGI hands headers over as Latin-1; these are the bytes that were sent."""
    return value.encode("latin-1", errors="replace")


def trigger_id(request: Request) -> str | None:
    """Kratos' id of the hook's trigger (a UUID), or None: whatever else somebody sends does not belong in a log."""
    value = request.headers.get("Ory-Webhook-Trigger-ID")
    return value if value and len(value) <= 64 and value.replace("-", "").isalnum() and value.isascii() else None
