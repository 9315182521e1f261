# SPDX-License-Identifier: Apache-2.0
"""Jumio, Kratos and the service together on loopback, as an operator would wire them."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import requests

from sandbox.jumio import JumioStandIn
from sandbox.people import Kratos
from sandbox.service import ServiceProcess
from sandbox.start import start_kratos

# Random in every run: nobody can copy one of these into a deployment and have it known.
ORY_SECRET = f"sandbox-ory-{secrets.token_hex(16)}"
CALLBACK_SECRET = f"sandbox-callback-{secrets.token_hex(16)}"


class World:
    """The three, up and connected."""

    def __init__(self, jumio: JumioStandIn, kratos: Kratos, service: ServiceProcess) -> None:
        self.jumio = jumio
        self.kratos = kratos
        self.service = service

    def record(self, identity_id: str) -> dict[str, Any]:
        """`metadata_public.jumio` as it is now, empty where there is none."""
        found = (self.kratos.identity(identity_id)["metadata_public"] or {}).get("jumio")
        return found if isinstance(found, dict) else {}

    def wait_for_status(self, identity_id: str, *, other_than: str | None, timeout: float = 15) -> dict[str, Any]:
        """The record once its status has changed; hooks and callbacks arrive on their own time."""
        give_up_at = time.monotonic() + timeout
        while (record := self.record(identity_id)).get("status") == other_than:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{identity_id} is still {other_than}\n{self.service.log()}")
            time.sleep(0.02)
        return record

    def verify(self, verification_url: str, outcome: str, *, document: str = "") -> None:
        """What a person does in the browser: open the link, show this document, and end up with this outcome."""
        page = requests.get(verification_url, timeout=10)
        page.raise_for_status()
        done = {"outcome": outcome, "document": document}
        requests.post(urljoin(verification_url, page.url), data=done, timeout=10).raise_for_status()


@contextlib.contextmanager
def world(
    *,
    kratos_binary: str | None,
    capability_urls: bool = True,
    step_up: bool = False,
    more_hooks: str | None = None,
    **settings: str,
) -> Iterator[World]:
    """Everything up, with the hooks of ory-actions-step-up.yaml too for `step_up`, and with `more_hooks`.

    `settings` are the service's, on top of those that connect the three.
    """
    service = ServiceProcess()
    with contextlib.ExitStack() as stack:
        jumio = stack.enter_context(
            JumioStandIn(callback_url=f"{service.url}/jumio/callback", callback_secret=CALLBACK_SECRET)
        )
        kratos = stack.enter_context(
            start_kratos(
                service_url=service.url, ory_secret=ORY_SECRET, binary=kratos_binary, step_up=step_up, more=more_hooks
            )
        )
        service.environment = {
            **settings_between(jumio, kratos),
            **({"PUBLIC_URL": service.url} if capability_urls else {}),
            **settings,
        }
        stack.enter_context(service)
        yield World(jumio, kratos, service)


def settings_between(jumio: JumioStandIn, kratos: Kratos) -> dict[str, str]:
    """The service's settings that connect it with the two."""
    return {
        "ORY_WEBHOOK_SECRET": ORY_SECRET,
        "KRATOS_ADMIN_URL": kratos.admin_url,
        "JUMIO_AUTH_URL": jumio.auth_url,
        "JUMIO_API_BASE_URL": jumio.api_base_url,
        "JUMIO_CLIENT_ID": jumio.client_id,
        "JUMIO_CLIENT_SECRET": jumio.client_secret,
        "JUMIO_CALLBACK_SECRET": CALLBACK_SECRET,
    }
