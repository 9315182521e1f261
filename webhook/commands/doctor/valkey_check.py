# SPDX-License-Identifier: Apache-2.0
"""Uses the Valkey at REDIS_URL once, as the service would, and says what is wrong with it. It breaks nothing: all of it
is a warning, since the service does without.
"""

import re
import secrets
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from webhook.commands.doctor.findings import Finding, warning
from webhook.commands.doctor.hosts import is_private
from webhook.valkey_url import ValkeyUrl

if TYPE_CHECKING:  # what is not configured is not imported
    from webhook.coordination.client import Client

CALL_SECONDS = 2.0
# An operation that takes longer than the service waits is no use to it; at a fifth of that it costs every start a bit.
SLOW_SECONDS = 0.05
_MEASURED = 5


def check(url: ValkeyUrl) -> list[Finding]:
    """Whether it can be reached, lets us in, can be written, answers fast, and keeps what it is told."""
    from webhook.coordination.client import Client, Failed

    client = Client(url, seconds=CALL_SECONDS)
    findings = _in_clear(url)
    try:
        took = statistics.median(_timed(lambda: client.call(_pong, "PING")) for _ in range(_MEASURED))
    except Failed as failed:
        return [*findings, _refused(failed) if failed.denied else _unreachable(failed)]
    else:
        findings += [] if took <= SLOW_SECONDS else [_slow(took)]
        try:
            _write(client)
        except Failed as failed:
            findings.append(_refused(failed) if failed.denied else _unwritable(failed))
        try:
            policy = client.call(_policy, "INFO", "memory")
        except Failed:  # a hosted one may not say
            policy = "noeviction"
        return findings + ([] if policy == "noeviction" else [_evicts(policy)])
    finally:
        client.close()


def _timed(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def _write(client: "Client") -> None:
    """A lock, taken and released: SET, and a script.

    :raises Failed: one of them is not done.
    """
    from webhook.coordination.scripts import RELEASE
    from webhook.coordination.valkey import PREFIX

    key, token = f"{PREFIX}doctor", secrets.token_hex(16)
    client.call(bool, "SET", key, token, "PX", 1000)
    client.call(int, "EVAL", RELEASE, 1, key, token)


def _pong(answer: Any) -> bool:
    if answer != b"PONG":
        raise ValueError
    return True


def _policy(answer: Any) -> str:
    found = re.search(r"^maxmemory_policy:([\w-]+)", bytes(answer).decode(), re.MULTILINE)
    return found[1] if found else "noeviction"


def _in_clear(url: ValkeyUrl) -> list[Finding]:
    if url.path or url.tls or is_private(url.host):
        return []
    return [
        warning(
            "valkey-not-tls",
            where="REDIS_URL",
            what="is not encrypted, to a host that is neither loopback nor private: the password and links that carry "
            "an authorization go in clear",
            remedy="REDIS_URL=rediss://...",
        )
    ]


def _unreachable(failed: Exception) -> Finding:
    return warning(
        "valkey-unreachable",
        where="REDIS_URL",
        what=f"{failed}; meanwhile each process decides alone",
        remedy="start Valkey, or correct REDIS_URL (rediss:// where it speaks TLS), name resolution or firewall",
    )


def _refused(failed: Exception) -> Finding:
    return warning(
        "valkey-refused",
        where="REDIS_URL",
        what=f"{failed}: it does not let this service in, or not do what it must",
        remedy="REDIS_URL=redis://:<its password>@..., or <user>:<password>@ of a user with the ACL rules "
        "~jumio-webhook:* +@read +@write +@scripting -@dangerous +ping +info +select +time",
    )


def _unwritable(failed: Exception) -> Finding:
    return warning(
        "valkey-not-writable",
        where="REDIS_URL",
        what=f"{failed}: it answers, and takes nothing; meanwhile each process decides alone",
        remedy="ReadOnlyError: name the primary, not a replica; OutOfMemoryError: give it memory (maxmemory); MISCONF: "
        "give its disk room; MOVED: a cluster is not supported, name a single server",
    )


def _slow(took: float) -> Finding:
    return warning(
        "valkey-slow",
        where="REDIS_URL",
        what=f"takes {took * 1000:.0f} ms for a PING; a start asks it some eight times, and waits 250 ms for each at "
        "most",
        remedy="put it into the same network as this service",
    )


def _evicts(policy: str) -> Finding:
    return warning(
        "valkey-evicts",
        where="REDIS_URL",
        what=f"maxmemory-policy is {policy}: where its memory is full it drops keys of ours, such as a workflow that "
        "was paid for, which is then paid for again, or the index, after which a sweep pages through everybody",
        remedy="maxmemory-policy noeviction; where it serves as a cache too, a Valkey of its own (some MB do)",
    )
