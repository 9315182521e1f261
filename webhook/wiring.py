# SPDX-License-Identifier: Apache-2.0
"""The one place that builds clients, coordination, links and services, for `serve`, the commands and the tests."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from webhook.coordination.local import Local
from webhook.coordination.pace import Pace
from webhook.coordination.port import Coordination
from webhook.idv.jumio.client import RATE_LIMITS, JumioClient
from webhook.limits import COMMAND_JUMIO_SECONDS, JUMIO_SECONDS
from webhook.ory.kratos.client import KratosClient
from webhook.settings import Settings
from webhook.verification.gate import Gate
from webhook.verification.links import Links
from webhook.verification.ports import Clock
from webhook.verification.recorder import Recorder
from webhook.verification.settle import Settler
from webhook.verification.start import Starter
from webhook.verification.sweep import Report, Sweeper
from webhook.verification.walk import Walk

if TYPE_CHECKING:
    from webhook.verification.documents import Documents
    from webhook.verification.person import Persons


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
    coordination: Coordination

    def sweeper(
        self,
        stop: threading.Event,
        progress: Callable[[Report], None] = lambda report: None,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> Sweeper:
        """For `sync`; `seconds` counts them, from whenever."""
        return Sweeper(
            self.settings.verification,
            identities=self.kratos,
            starter=self.starter,
            settler=self.settler,
            coordination=self.coordination,
            clock=self.clock,
            stop=stop,
            wait_for_start=lambda: Pace(self.coordination, stop=stop).wait_for_room("start"),
            progress=progress,
            seconds=seconds,
        )

    def walk(self, stop: threading.Event) -> Walk:
        """For `reverify`."""
        return Walk(self.kratos, stop=stop)


def utc_now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def for_requests(settings: Settings, *, clock: Clock = utc_now) -> Services:
    """For `serve`: no call waits for its turn in Jumio's limits, since somebody waits for its answer; it is counted."""
    coordination = _coordination(settings)
    kratos = KratosClient(settings.kratos)
    return _services(settings, coordination, kratos, coordination.count, clock=clock, vendor_seconds=JUMIO_SECONDS)


def for_commands(settings: Settings, *, clock: Clock = utc_now, stop: threading.Event | None = None) -> Services:
    """For `sync` and `reverify`: calls wait for their turn in the peers' limits, until `stop`."""
    coordination = _coordination(settings)
    kratos = KratosClient(settings.kratos, is_patient=True)
    wait = Pace(coordination, stop=stop).wait
    return _services(settings, coordination, kratos, wait, clock=clock, vendor_seconds=COMMAND_JUMIO_SECONDS)


def _coordination(settings: Settings) -> Coordination:
    local = Local(RATE_LIMITS)
    if settings.valkey is None:
        return local
    # Imported here: without REDIS_URL nobody pays for it.
    from webhook.coordination.client import Client
    from webhook.coordination.valkey import Shared

    return Shared(Client(settings.valkey), local, RATE_LIMITS)


def _persons(settings: Settings) -> "Persons | None":
    if settings.kratos.traits is None:
        return None
    # Imported here: without IDENTITY_TRAITS nobody pays for it.
    from webhook.verification.person import Persons

    return Persons(settings.jumio.callback_secrets, on_different=settings.verification.on_different_person)


def _documents(settings: Settings, coordination: Coordination) -> "Documents | None":
    secrets = settings.verification.document_secrets
    if secrets is None or settings.valkey is None:
        return None
    # Imported here: without either nobody pays for it.
    from webhook.verification.documents import Documents

    return Documents(secrets, coordination=coordination)


def _services(
    settings: Settings,
    coordination: Coordination,
    kratos: KratosClient,
    before_call: Callable[[str], None],
    *,
    clock: Clock,
    vendor_seconds: float,
) -> Services:
    jumio = JumioClient(settings.jumio, callback_base_url=settings.links.public_url, before_call=before_call)
    links = Links(settings.links, clock=clock)
    recorder = Recorder(
        kratos, links=links, coordination=coordination, table=settings.verification.assurance_table, clock=clock
    )
    starter = Starter(
        settings.verification,
        identities=kratos,
        vendor=jumio,
        recorder=recorder,
        links=links,
        coordination=coordination,
        clock=clock,
        vendor_seconds=vendor_seconds,
    )
    settler = Settler(
        settings.verification,
        identities=kratos,
        vendor=jumio,
        recorder=recorder,
        links=links,
        coordination=coordination,
        persons=_persons(settings),
        documents=_documents(settings, coordination),
        clock=clock,
        vendor_seconds=vendor_seconds,
    )
    gate = Gate(
        settings.verification,
        identities=kratos,
        settler=settler,
        starter=starter,
        links=links,
        coordination=coordination,
        clock=clock,
    )
    return Services(
        settings=settings,
        clock=clock,
        kratos=kratos,
        jumio=jumio,
        links=links,
        starter=starter,
        settler=settler,
        gate=gate,
        coordination=coordination,
    )
