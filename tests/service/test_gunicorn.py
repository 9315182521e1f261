# SPDX-License-Identifier: Apache-2.0
"""The shipped configuration of gunicorn, its log, and the command line around it."""

import gc
import logging
import os
import resource
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config
from support import REQUIRED, settings_of

from webhook import cli
from webhook.commands import serve as command
from webhook.settings import Settings
from webhook.web import server as serve


@pytest.fixture
def logger() -> Iterator[serve._Logger]:
    """gunicorn's, with its loggers as they were afterwards."""
    names = ("gunicorn.error", "gunicorn.access")
    before = [(logging.getLogger(name).propagate, logging.getLogger(name).level) for name in names]
    yield serve._Logger(Config())
    for name, (propagate, level) in zip(names, before, strict=True):
        logging.getLogger(name).propagate, logging.getLogger(name).level = propagate, level


# --- the configuration ---


def test_the_shipped_configuration_is_one_that_gunicorn_takes() -> None:
    server = serve.Server(settings_of(PORT="3001", WEB_CONCURRENCY="3"))
    assert (server.cfg.address, server.cfg.workers) == ([("0.0.0.0", 3001)], 3)  # noqa: S104  # what a container listens on
    assert server.cfg.worker_class_str == "webhook.web.worker.Worker"
    assert server.cfg.logger_class is serve._Logger
    assert server.cfg.graceful_timeout > 12, "every request is answered within 12 s"
    assert server.cfg.keepalive > 60, "proxies close idle connections first"
    assert server.cfg.preload_app


@pytest.mark.parametrize(
    ("address", "bind"), [("127.0.0.1", "127.0.0.1:3000"), ("::1", "[::1]:3000"), ("::", "[::]:3000")]
)
def test_an_ipv6_address_stands_in_brackets(address: str, bind: str) -> None:
    assert serve.gunicorn_settings(settings_of(BIND_ADDRESS=address))["bind"] == bind


@pytest.mark.parametrize(("there", "directory"), [(True, None), (False, None)])
def test_heartbeats_are_in_memory_where_there_is_such_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool, directory: None
) -> None:
    place = tmp_path / "shm"
    if there:
        place.mkdir()
    monkeypatch.setattr(serve, "SHARED_MEMORY", str(place))
    assert serve.gunicorn_settings(settings_of())["worker_tmp_dir"] == (str(place) if there else directory)


def test_the_application_is_built_before_the_workers_fork_and_shared_with_them() -> None:
    try:
        assert isinstance(serve.Server(settings_of()).load(), Flask)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


# --- the counters of all workers ---


class Ended:
    """gunicorn that ends at once, having counted something."""

    directory: str | None
    process = ends_as = 1

    def __init__(self, settings: Settings) -> None:
        pass

    def run(self) -> None:
        type(self).directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if self.directory:
            Path(self.directory, "counter_1.db").touch()
        type(self).process = self.ends_as
        raise SystemExit(0)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Ended]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # so that it is taken away again afterwards
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    monkeypatch.setattr(serve, "SHARED_MEMORY", str(tmp_path))
    monkeypatch.setattr(command, "Server", Ended)
    monkeypatch.setattr("webhook.runtime.log.configure", lambda **_: None)
    monkeypatch.setattr(Ended, "process", 1)
    monkeypatch.setattr("webhook.commands.serve.os.getpid", lambda: Ended.process)
    return Ended


@pytest.mark.parametrize("is_master", [True, False])
def test_the_counters_of_several_go_with_the_master_and_not_with_a_worker(
    ended: type[Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_master: bool
) -> None:
    monkeypatch.setattr(ended, "ends_as", 1 if is_master else 2)
    with pytest.raises(SystemExit):
        command.run(settings_of(WEB_CONCURRENCY="2"))
    monkeypatch.undo()
    assert ended.directory is not None
    assert Path(ended.directory).parent == tmp_path
    assert Path(ended.directory).exists() is not is_master


def test_one_alone_counts_in_its_memory(ended: type[Ended]) -> None:
    with pytest.raises(SystemExit):
        command.run(settings_of())
    assert ended.directory is None


def test_it_may_have_as_many_connections_as_it_is_allowed(ended: type[Ended]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 900), hard))
    try:
        with pytest.raises(SystemExit):
            command.run(settings_of())
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- its log ---


def test_gunicorns_own_messages_are_in_our_log(logger: serve._Logger, log_lines: list[str]) -> None:
    logger.info("Booting worker with pid: %s", 7)
    logger.warning("Worker with pid %s was terminated", 7)
    logger.access("GET /jumio/callback/a-capability")
    assert [line.partition(" {")[0] for line in log_lines] == [
        "gunicorn.error INFO Booting worker with pid: 7",
        "gunicorn.error WARNING Worker with pid 7 was terminated",
    ]


def test_what_somebody_sent_is_not_quoted(logger: serve._Logger, log_lines: list[str]) -> None:
    logger.warning("Invalid request from ip=%s: %s", "127.0.0.1", "a-capability")
    try:
        raise ValueError("a-capability")
    except ValueError:
        logger.exception("Error handling request %s", "/a-capability")
    logger.exception("Socket error processing request.")
    assert [line.split()[2] for line in log_lines] == ["request.invalid", "server.exception", "server.exception"]
    assert '"kind": "ValueError"' in log_lines[1]
    assert '"where": ["test_gunicorn.py:' in log_lines[1]
    assert not [line for line in log_lines if "capability" in line]


# --- the command line ---


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webhook.runtime.log.configure", lambda **_: None)  # it would be for all that follow, too
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_environment")
def test_serve_serves_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []
    monkeypatch.setattr(command, "run", served.append)
    assert cli.main(["serve"]) == 0
    assert [settings.kratos.admin_url for settings in served] == [REQUIRED["KRATOS_ADMIN_URL"]]


@pytest.mark.usefixtures("_environment")
def test_settings_that_are_wrong_are_named_and_nothing_is_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run", lambda settings: pytest.fail("it serves"))
    monkeypatch.setenv("PORT", "http")
    monkeypatch.delenv("JUMIO_CLIENT_ID")
    assert cli.main(["serve"]) == 2
    told = capsys.readouterr().err
    assert "  - PORT " in told
    assert "  - JUMIO_CLIENT_ID " in told


@pytest.mark.parametrize(("arguments", "keep_serving"), [([], False), (["--serve"], True)])
def test_the_demo_needs_no_settings(monkeypatch: pytest.MonkeyPatch, arguments: list[str], keep_serving: bool) -> None:
    asked: list[dict[str, Any]] = []

    def run(**options: Any) -> int:
        asked.append(options)
        return 1

    monkeypatch.setattr("sandbox.demo.run", run)
    assert cli.main(["demo", *arguments]) == 1
    assert asked == [{"keep_serving": keep_serving}]


def test_a_demo_without_its_package_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["demo"]) == 2
    assert "make demo" in capsys.readouterr().err


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    "arguments", [["explain", "nobody"], ["sync", "--identity", "7"], ["reverify", "--identity", ""]]
)
def test_an_argument_that_is_no_id_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "must be the id of a Kratos identity, a UUID" in capsys.readouterr().err


def test_the_package_can_be_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["jumio-webhook", "--version"])
    with pytest.raises(SystemExit) as raised:
        runpy.run_module("webhook", run_name="__main__")
    assert raised.value.code == 0
    assert capsys.readouterr().out.strip()
