# SPDX-License-Identifier: Apache-2.0
"""The fixtures that several modules share: peers on loopback, the application in front of them, and a watched log."""

import _thread
import gc
import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator

import gevent
import hypothesis
import pytest
from support import (
    API_KEY,
    CALLBACK_SECRET,
    CLIENT_SECRET,
    LINK,
    NO_HOOKS,
    OLD_CALLBACK_SECRET,
    OLD_ORY_SECRET,
    ORY_SECRET,
    SEED,
    World,
    random_for,
    settings_of,
)

from sandbox.jumio import JumioStandIn
from sandbox.kratos import KratosStandIn
from sandbox.server import LoopbackServer
from webhook.runtime import log

# Secrets, links, JWTs (which begin with `{"`), e-mail addresses and what Jumio read from a document.
FORBIDDEN_IN_THE_LOG = re.compile(
    "|".join(
        [
            *map(re.escape, (ORY_SECRET, OLD_ORY_SECRET, CALLBACK_SECRET, OLD_CALLBACK_SECRET, CLIENT_SECRET, API_KEY)),
            re.escape(LINK),
            r"authorizationToken",
            r"eyJ",
            r"\w@\w",
            r"JANE|DOE\b|1111111\b",
        ]
    )
)


# No test is slow because its machine is, and every run looks for new examples: a few, and with
# --hypothesis-profile=thorough many.
for name, examples in {"ours": 60, "thorough": 3000}.items():
    hypothesis.settings.register_profile(name, deadline=None, database=None, derandomize=False, max_examples=examples)
hypothesis.settings.load_profile("ours")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One seed for hypothesis too, as if it had been given on the command line."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)
    if hasattr(config, "workerinput"):  # pytest-xdist's: what it waits for comes from a real thread
        gevent.get_hub().loop.async_().start(lambda: None)  # else gevent would take that for a deadlock
        [worker] = [plugin for plugin in config.pluginmanager.get_plugins() if hasattr(plugin, "torun")]
        worker.torun._lock, worker.torun._has_items_event = _thread.RLock(), AskedAgain()


class AskedAgain:
    """An event that a real thread sets and a greenlet waits for.

    gevent's own may lose that: a worker then waits for ever, for tests that it has been given.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self) -> None:
        while not self._is_set:
            time.sleep(0.002)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no collection of garbage need look through it at every test."""
    gc.collect()
    gc.freeze()


def pytest_report_header() -> str:
    return f"TEST_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"TEST_SEED={SEED} makes the same random choices again")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """The randomness of this test: the same again for the same TEST_SEED, whatever else is run."""
    return random_for(request.node.nodeid)


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[list[str]]:
    """Every line that is logged during the test, with all its fields; none may hold a secret or a person's data."""
    log.begin()  # whatever another test has bound
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            fields = json.dumps(getattr(record, "fields", {}), default=str)
            lines.append(f"{record.name} {record.levelname} {record.getMessage()} {fields} {record.exc_info or ''}")

    collector = Collector()
    root, ours = logging.getLogger(), logging.getLogger("webhook")
    level, root_level, handlers = ours.level, root.level, list(root.handlers)
    log.begin()  # of an earlier test nothing is bound any more
    root.addHandler(collector)
    ours.setLevel(logging.DEBUG)
    yield lines
    for handler in set(root.handlers) - set(handlers):  # ours, and what a command has configured
        root.removeHandler(handler)
    root.setLevel(root_level)
    ours.setLevel(level)
    assert [line for line in lines if FORBIDDEN_IN_THE_LOG.search(line)] == []


@pytest.fixture(scope="session")
def _jumio() -> Iterator[JumioStandIn]:
    with JumioStandIn(callback_secret=CALLBACK_SECRET, client_secret=CLIENT_SECRET) as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def _kratos() -> Iterator[KratosStandIn]:
    with KratosStandIn(NO_HOOKS) as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def nobody_is_named(request: pytest.FixtureRequest, log_lines: list[str]) -> Iterator[None]:
    """No name and no date of anybody in any test stands in the log or in a record."""
    yield
    if not {"_kratos", "_jumio"} <= set(request.fixturenames):
        return
    rows = list(request.getfixturevalue("_kratos").identities._rows.values())
    told = [row["traits"].get(name) for row in rows for name in ("name", "birthdate")]
    told += [workflow.shows for workflow in request.getfixturevalue("_jumio").workflows]
    personal = set(re.findall(r"[^\W\d_]{4,}|\d{4}-\d\d-\d\d", json.dumps(told, ensure_ascii=False)))
    personal -= {"first", "last", "firstName", "lastName", "dateOfBirth", "dateOfBirthParts", "year", "null"}
    personal -= {"type", "issuingCountry", "documentNumber"}
    kept = [(row["metadata_public"], row["metadata_admin"]) for row in rows] if personal else []
    everything = "\n".join([*log_lines, json.dumps(kept)]).lower()
    assert [word for word in sorted(personal) if word.lower() in everything] == []


@pytest.fixture
def jumio(_jumio: JumioStandIn) -> JumioStandIn:
    """As good as new; one server serves the whole run, since each takes its time to stop."""
    with _jumio.lock:
        _jumio._accounts.clear()
        _jumio.revoke_token()
    _jumio.callback_url = None
    _jumio.server.faults = None
    _jumio.server.clear()
    return _jumio


@pytest.fixture
def kratos(_kratos: KratosStandIn) -> KratosStandIn:
    """As good as new, too."""
    people = _kratos.identities
    with people._lock:
        people._rows.clear()
        people._sessions.clear()
    people.lost_update = None
    _kratos.api_key = None
    _kratos.server.faults = None
    _kratos.server.clear()
    return _kratos


@pytest.fixture
def peer() -> Iterator[LoopbackServer]:
    """A server without an application: a test says by `faults` what it answers."""
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def make_world(jumio: JumioStandIn, kratos: KratosStandIn) -> Callable[..., World]:
    def make(**changed: str) -> World:
        peers = {
            "KRATOS_ADMIN_URL": kratos.admin_url,
            "JUMIO_AUTH_URL": jumio.auth_url,
            "JUMIO_API_BASE_URL": jumio.api_base_url,
        }
        return World(jumio=jumio, kratos=kratos, settings=settings_of(**{**peers, **changed}))

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
