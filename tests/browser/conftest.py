# SPDX-License-Identifier: Apache-2.0
"""One browser for all tests, and the application on loopback behind a link as people get it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support import World

from browser.webdriver import Browser, what_is_missing
from sandbox.server import LoopbackServer, free_port


@pytest.fixture(scope="session")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if missing := what_is_missing():
        pytest.skip(missing)
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def browser(_browser: Browser) -> Browser:
    """A desktop, light, and nothing to complain of."""
    _browser.open("about:blank")
    _browser.size(1280, 800)
    _browser.scheme("light")
    _browser.console()
    return _browser


@pytest.fixture
def serve(make_world: Callable[..., World]) -> Iterator[Callable[..., World]]:
    """The application as its PUBLIC_URL says, with these settings changed."""
    with ExitStack() as servers:

        def serve(**changed: str) -> World:
            port = free_port()
            world = make_world(PUBLIC_URL=f"http://127.0.0.1:{port}", **changed)
            servers.enter_context(LoopbackServer(world.app, port=port))
            return world

        yield serve


@pytest.fixture
def served(serve: Callable[..., World]) -> World:
    return serve()
