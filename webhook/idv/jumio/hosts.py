# SPDX-License-Identifier: Apache-2.0
"""Which of Jumio's hosts serves which call."""

from urllib.parse import urlsplit, urlunsplit

_EXCHANGEABLE = frozenset({"account", "api", "retrieval"})


def base_url_for(purpose: str, base_url: str) -> str:
    """The base URL for calls of this purpose (`account` or `retrieval`).

    A first label `account`, `api` or `retrieval` under `jumio.ai` is exchanged; any other host stays as it is.
    https://documentation.jumio.ai/docs/developer-resources/API/CreateUpdateAccounts/creating-and-updating-accounts
    """
    parts = urlsplit(base_url)
    label, _, rest = (parts.hostname or "").partition(".")
    if label not in _EXCHANGEABLE or not f".{rest}".endswith(".jumio.ai"):
        return base_url
    port = "" if parts.port is None else f":{parts.port}"
    return urlunsplit((parts.scheme, f"{purpose}.{rest}{port}", parts.path, "", ""))
