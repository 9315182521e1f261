# SPDX-License-Identifier: Apache-2.0
"""The command line in this process."""

from collections.abc import Callable

import pytest
from support import World

from webhook import cli
from webhook.ory.kratos.client import KratosClient


@pytest.fixture(autouse=True)
def _looks_are_not_braked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test looks several times within the seconds for which one look is enough."""
    monkeypatch.setattr("webhook.coordination.local.LOOK_EVERY_SECONDS", 0.0)


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`jumio-webhook` with these arguments and the settings of the `world`; gives the exit status.

    It is as impatient as tests are, and leaves the test run's signals and log alone.
    """
    monkeypatch.setattr("webhook.settings.Settings.load", classmethod(lambda cls: world.settings))
    monkeypatch.setattr("webhook.runtime.log.configure", lambda **_: None)
    monkeypatch.setattr("webhook.verification.walk.FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return lambda *arguments: cli.main(arguments)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three identities on each page of Kratos'."""
    monkeypatch.setattr(KratosClient.page, "__kwdefaults__", {"size": 3})
