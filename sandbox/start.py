# SPDX-License-Identifier: Apache-2.0
"""Picks the Kratos to run against: a real binary where there is one, the stand-in otherwise."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox.kratos import KratosStandIn
from sandbox.kratos_binary import RealKratos
from sandbox.people import Kratos
from sandbox.shipped import STEP_UP, actions, filled


def find_kratos(environment: Mapping[str, str] = os.environ) -> str | None:
    """KRATOS_BIN, or `kratos` on the PATH; FileNotFoundError when KRATOS_BIN names nothing that can be run."""
    named = environment.get("KRATOS_BIN")
    if not named:
        return shutil.which("kratos", path=environment.get("PATH"))
    if not (Path(named).is_file() and os.access(named, os.X_OK)):
        raise FileNotFoundError(f"KRATOS_BIN={named} is not an executable file")
    return named


def start_kratos(
    *,
    service_url: str,
    ory_secret: str,
    binary: str | None = None,
    configuration: str | None = None,
    step_up: bool = False,
    more: str | None = None,
) -> Kratos:
    """To be used with `with`: the hooks of ory-actions.yaml (or of another `configuration`) call `service_url`.

    With `step_up` those of ory-actions-step-up.yaml do so as well, and with `more` those of that text.
    """
    hooks = [configuration or actions(service_url=service_url, ory_secret=ory_secret)]
    if step_up:
        hooks.append(actions(service_url=service_url, ory_secret=ory_secret, file=STEP_UP))
    if more is not None:
        hooks.append(filled(more, service_url=service_url, ory_secret=ory_secret))
    return RealKratos(*hooks, binary=binary) if binary else KratosStandIn(*hooks)
