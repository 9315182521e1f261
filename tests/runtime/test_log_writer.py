# SPDX-License-Identifier: Apache-2.0
"""Log lines are handed over and never waited for; what finds no reader is lost, counted, and told of."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import REGISTRY
from support import wait_until

from webhook.runtime import log, log_writer, metrics
from webhook.runtime.log_writer import LogWriter

LINE = b"x" * 999 + b"\n"


@pytest.fixture(autouse=True)
def _traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage follows no thread but those that `threading` starts."""
    start = log_writer._start_thread

    def traced(work: Callable[[], None]) -> None:
        sys.settrace(threading.gettrace())
        work()

    monkeypatch.setattr(log_writer, "_start_thread", lambda work, _: start(traced, (work,)))


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Reading and writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(end)


def test_lines_arrive_whole_and_in_their_order(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    lines = [b"%d\n" % number for number in range(5000)]
    for line in lines:
        writer.write(line)
    writer.flush(5)
    assert (writer.waiting, writer.lost) == (0, 0)
    assert os.read(pipe[0], 1 << 20) == b"".join(lines)


def test_a_reader_that_stops_costs_lines_and_nobody_time(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], backlog=100_000)
    begun = time.monotonic()
    for _ in range(1000):
        writer.write(LINE)
    assert time.monotonic() - begun < 1
    wait_until(lambda: writer.waiting <= 100_000)
    assert writer.lost >= 1000 - 100 - 66, "what the backlog and the pipe hold may arrive"
    writer.flush(0.01)
    assert writer.waiting > 0, "it does not wait for longer than it was told"
    received = b""
    while received.count(b"\n") < 1000 - writer.lost:
        received += os.read(pipe[0], 1 << 20)
    writer.flush(5)
    assert received == LINE * (1000 - writer.lost)
    writer.write(b"again\n")
    assert os.read(pipe[0], 100) == b"again\n"


def test_a_reader_that_goes_away_costs_what_it_has_not_taken(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    for _ in range(200):
        writer.write(LINE)
    time.sleep(0.05)  # until the pipe is full, and a block is half written
    assert os.read(pipe[0], 4096).count(b"\n") == 4
    os.close(pipe[0])
    writer.flush(5)
    assert writer.waiting == 0
    assert 200 - 66 - 5 <= writer.lost <= 200 - 4


@pytest.mark.parametrize("descriptor", ["/dev/full", None])
def test_a_descriptor_that_takes_nothing_costs_each_line(descriptor: str | None) -> None:
    """A full disk, and one that is closed; tests/service has a pipe without a reader."""
    writer = LogWriter(os.open(descriptor, os.O_WRONLY) if descriptor else 1_000_000)
    for _ in range(7):
        writer.write(LINE)
    writer.flush(5)
    assert (writer.lost, writer.waiting) == (7, 0)


def test_a_forked_process_writes_its_own_lines_and_not_its_parents(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    writer.write(b"parent\n")
    child = os.fork()
    if not child:
        writer.write(b"child\n")
        writer.flush(5)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.flush(5)
    assert sorted(os.read(pipe[0], 100).splitlines()) == [b"child", b"parent"]


def test_lost_lines_are_told_of_once_lines_pass_again(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    counted_before = REGISTRY.get_sample_value("jumio_webhook_log_lines_lost_total")
    listeners = [lambda name, fields: told.append((str(name), dict(fields))), metrics.observe]
    monkeypatch.setattr(log, "_listeners", listeners)
    writer = LogWriter(pipe[1], backlog=2000)
    handler = log._Handler(writer)
    handler.setFormatter(log._JsonFormatter())

    def say(text: str) -> None:
        handler.handle(logging.LogRecord("webhook", logging.INFO, "", 0, text, (), None))

    for _ in range(5):
        say("y" * 700)  # two of them fit
    lost = writer.lost
    assert lost >= 2
    assert told == []
    writer.flush(5)
    say("after")
    say("later")
    writer.flush(5)
    lines = [json.loads(line) for line in os.read(pipe[0], 1 << 20).splitlines()]
    assert [line["event"] for line in lines[-3:]] == ["log.lost", "after", "later"]
    assert (lines[-3]["lines"], lines[-3]["level"]) == (lost, "warning")
    assert told == [("log.lost", {"lines": lost})]
    assert REGISTRY.get_sample_value("jumio_webhook_log_lines_lost_total") == counted_before + lost


# --- the end of a process ---

LOGS_MUCH = (
    "from gevent import monkey; monkey.patch_all()\n"
    "from webhook.runtime import log\n"
    "log.configure(log_format='text', level='info')\n"
    "for number in range(5000): log.event('some', number=number)\n"
)


def test_what_a_process_has_logged_is_written_when_it_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", LOGS_MUCH], stderr=subprocess.PIPE, timeout=30, check=True)
    numbers = [line.split(b"number=")[1] for line in ended.stderr.splitlines()]
    assert numbers == [b"%d" % number for number in range(5000)]


def test_a_process_ends_though_nobody_takes_its_log() -> None:
    script = LOGS_MUCH + "print('done', flush=True)"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        begun = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 2
