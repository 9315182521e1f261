# SPDX-License-Identifier: Apache-2.0
"""One page as it goes over the wire: its texts in the template, its code, and a policy that allows nothing else."""

import base64
import hashlib
from pathlib import Path

from flask import Response
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from webhook.web.errors import RETRY_SECONDS
from webhook.web.pages.texts import Text

_HERE = Path(__file__).parent
_STYLE = _HERE.joinpath("style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    _HERE.joinpath("page.html").read_text()
)
# Neither may a shared cache keep what leads to a person, nor the next site learn of it.
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_HEADERS = {
    **PRIVATE,
    # Inline, so that a page is one request; by its hash, so that nothing else inline is ever taken.
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_CODES = {"expired": 410, "unknown": 404, "later": 503}

_CARD = (
    "M3 5.5h18v13H3zM8.5 12a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM5.7 15.7c.4-1.5 1.4-2.2 2.8-2.2s2.4.7 2.8 2.2"
    "M14.5 10h3.5M14.5 13.5h3.5"
)
_TICK = "M5 12.5l4.7 4.7L19 7.5"
_CLOCK = "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2"
_NOTICE = "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11.5v4.7M12 8v.01"
_ICONS = {"start": _CARD, "continue": _CARD, "verified": _TICK, "review": _CLOCK, "expired": _CLOCK, "later": _CLOCK}


def page(name: str, text: Text, *, language: str, refresh_to: str | None = None) -> Response:
    """One of the pages of `texts`; with `refresh_to` it leads on there by itself."""
    body = _TEMPLATE.render(
        language=language,
        text=text,
        style=Markup(_STYLE),  # noqa: S704  # our own file
        icon=_ICONS.get(name, _NOTICE),
        refresh_to=refresh_to,
    )
    status = _CODES.get(name, 200)
    headers = _HEADERS | ({"Retry-After": str(RETRY_SECONDS)} if status == 503 else {})
    return Response(body, status=status, headers=headers, content_type="text/html; charset=utf-8")
