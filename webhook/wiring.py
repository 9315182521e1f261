# SPDX-License-Identifier: Apache-2.0
"""The one place that builds clients, coordination, links and services, for `serve`, the commands and the tests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from webhook.coordination.local import IdentityLocks
from webhook.coordination.pace import Pace
from webhook.idv.jumio.client import RATE_LIMITS, JumioClient
from webhook.limits import COMMAND_JUMIO_SECONDS, JUMIO_SECONDS
from webhook.ory.kratos.client import KratosClient
from webhook.settings import Settings
from webhook.verification.gate import Gate
from webhook.verification.links import Links
from webhook.verification.ports import Clock
from webhook.verification.settle import Settler
from webhook.verification.start import Starter
from webhook.verification.sweep import Report, Sweeper
from webhook.verification.walk import Walk


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a process works with."""

    settings: Settings
    clock: Clock
    kratos: KratosClient
    jumio: JumioClient
    links: Links
    starter: Starter
    settler: Settler
    gate: Gate
    pace: Pace

    def sweeper(self, stop: threading.Event, progress: Callable[[Report], None] = lambda report: None) -> Sweeper:
        """For `sync`."""
        return Sweeper(
            self.settings.verification,
            identities=self.kratos,
            starter=self.starter,
            settler=self.settler,
            clock=self.clock,
            pace=self.pace,
            stop=stop,
            progress=progress,
        )

    def walk(self, stop: threading.Event) -> Walk:
        """For `reverify`."""
        return Walk(self.kratos, stop=stop)


def utc_now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def for_requests(settings: Settings, *, clock: Clock = utc_now) -> Services:
    """For `serve`: no call waits for its turn in Jumio's limits, since somebody waits for its answer."""
    return _services(settings, clock=clock, vendor_seconds=JUMIO_SECONDS, paced=False)


def for_commands(settings: Settings, *, clock: Clock = utc_now) -> Services:
    """For `sync` and `reverify`: calls wait for their turn in Jumio's limits."""
    return _services(settings, clock=clock, vendor_seconds=COMMAND_JUMIO_SECONDS, paced=True)


def _services(settings: Settings, *, clock: Clock, vendor_seconds: float, paced: bool) -> Services:
    pace = Pace(RATE_LIMITS)
    kratos = KratosClient(settings.kratos)
    jumio = JumioClient(
        settings.jumio,
        callback_base_url=settings.links.public_url,
        before_call=pace.wait if paced else lambda operation: None,
    )
    links = Links(settings.links)
    locks = IdentityLocks()
    starter = Starter(
        settings.verification,
        identities=kratos,
        vendor=jumio,
        links=links,
        locks=locks,
        clock=clock,
        vendor_seconds=vendor_seconds,
    )
    settler = Settler(
        settings.verification,
        identities=kratos,
        vendor=jumio,
        links=links,
        locks=locks,
        clock=clock,
        vendor_seconds=vendor_seconds,
    )
    gate = Gate(settings.verification, identities=kratos, settler=settler, starter=starter, links=links, clock=clock)
    return Services(
        settings=settings,
        clock=clock,
        kratos=kratos,
        jumio=jumio,
        links=links,
        starter=starter,
        settler=settler,
        gate=gate,
        pace=pace,
    )
