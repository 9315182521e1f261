# SPDX-License-Identifier: Apache-2.0
"""The service with a public URL of its own, so that people get our links."""

from collections.abc import Callable

import pytest
from support import World

from pages.reading import PUBLIC_URL


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test opens a link several times within the seconds for which one look is enough."""
    monkeypatch.setattr("webhook.web.pages.routes.LOOK_EVERY_SECONDS", 0.0)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(PUBLIC_URL=PUBLIC_URL)
