# SPDX-License-Identifier: Apache-2.0
"""What every route does with a request before it looks into it: check its secret, bound its body."""

from collections.abc import Sequence

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request

from webhook.core.events import Note
from webhook.core.signing import is_known_secret
from webhook.errors import Busy, Malformed, Unauthorized
from webhook.limits import ARRIVING_BODIES_BYTES, MAX_BODY_BYTES, SHORT_BODY_BYTES
from webhook.runtime import log

# In such pieces a body is read. The first finds room whatever else is arriving: no callback of Jumio's is longer.
_PIECE_BYTES = 8 << 10


class _Room:
    """What bodies of one kind take while they arrive, in bytes: of the process, like the memory."""

    taken = 0


# Whoever has no secret cannot fill the first, nor with long bodies the second.
_TRUSTED, _SHORT, _LONG = _Room(), _Room(), _Room()


def read_body(request: Request, *, is_trusted: bool) -> bytes:
    """The raw body. `is_trusted`: whoever sends it has shown a secret.

    :raises RequestEntityTooLarge: it is longer than is taken.
    :raises Malformed: it broke off, or is framed wrongly.
    :raises Busy: so many are arriving that there is no room for it.
    """
    announced = request.content_length
    if (announced or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    is_short = announced is not None and announced <= SHORT_BODY_BYTES
    try:
        if is_trusted and is_short:
            body = request.get_data(cache=False)
        else:
            body = _read_counted(request, _TRUSTED if is_trusted else _SHORT if is_short else _LONG)
    except (HTTPException, Busy):
        raise
    except Exception:  # whatever the server in front raises for a body that does not arrive as announced
        raise Malformed("the body did not arrive whole") from None
    if announced is not None and len(body) != announced:
        raise Malformed("the body did not arrive whole")
    return body


def _read_counted(request: Request, room: _Room) -> bytes:
    """Piece by piece: whoever may send a body to be checked must not be able to fill the memory with many."""
    body = bytearray()
    try:
        while piece := request.stream.read(_PIECE_BYTES):
            body += piece
            room.taken += len(piece)
            del piece  # no second copy, while the next one may be long in coming
            if len(body) > MAX_BODY_BYTES:
                raise RequestEntityTooLarge
            if room.taken > ARRIVING_BODIES_BYTES and len(body) > _PIECE_BYTES:
                raise Busy("too many requests are arriving")
        return bytes(body)
    finally:
        room.taken -= len(body)


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
        log.event(Note.SECRET_REFUSED, route=request.path)
        raise Unauthorized("Ory's secret is missing or wrong: Authorization: Bearer <ORY_WEBHOOK_SECRET>")


def header_bytes(value: str) -> bytes:
    """WSGI hands headers over as Latin-1; these are the bytes that were sent."""
    return value.encode("latin-1", errors="replace")


def trigger_id(request: Request) -> str | None:
    """Kratos' id of the hook's trigger (a UUID), or None: whatever else somebody sends does not belong in a log."""
    value = request.headers.get("Ory-Webhook-Trigger-ID")
    return value if value and len(value) <= 64 and value.replace("-", "").isalnum() and value.isascii() else None
