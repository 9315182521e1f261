# SPDX-License-Identifier: Apache-2.0
"""The service with a public URL of its own, so that people get our links."""

from collections.abc import Callable

import pytest
from support import World

from pages.reading import PUBLIC_URL


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(PUBLIC_URL=PUBLIC_URL)
