# SPDX-License-Identifier: Apache-2.0
"""Which hosts may be called without TLS: those that the public internet cannot lie between."""

import ipaddress
from urllib.parse import urlsplit, urlunsplit

_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",  # RFC 4193, its sibling for IPv6
    )
)
# `.svc` is how Kubernetes shortens the names of its services.
_SUFFIXES = (".local", ".internal", ".localhost", ".svc")


def is_private(host: str) -> bool:
    """Loopback, a private address, a container's single-label name, or a name that public DNS never has."""
    host = host.rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_SUFFIXES)
    return any(address in network for network in _NETWORKS)


def is_plain_and_public(url: str) -> bool:
    """Whether the URL would carry secrets in clear through places that are not the operator's."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_private(parts.hostname or "")


def without_credentials(url: str) -> str:
    """The URL without what stands before an `@`, and without its query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
