# SPDX-License-Identifier: Apache-2.0
"""What processes agree on, on a real Valkey or Redis; with kills, restarts and stops in the middle."""

import itertools
import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from prometheus_client import REGISTRY
from support import IDENTITY, OTHER_IDENTITY, wait_until

from coordination.servers import Server, refused, shared_at
from webhook.coordination.breaker import LEFT_ALONE_SECONDS
from webhook.coordination.client import Client
from webhook.coordination.local import Local
from webhook.coordination.valkey import LONGEST_DOCUMENT, OPEN, PREFIX, SAY_EVERY_SECONDS, Shared
from webhook.errors import Busy
from webhook.idv.jumio.client import RATE_LIMITS
from webhook.limits import COORDINATION_SECONDS, VALKEY_CONNECTIONS
from webhook.runtime import log, metrics
from webhook.runtime.deadline import time_limit

# Of a call that is broken off, however busy the machine is.
BROKEN_OFF = COORDINATION_SECONDS + 0.25


class Clock:
    """Runs, and can be moved on."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def one(server: Server, clock: Clock) -> Iterator[Shared]:
    with shared_at(server.url, clock=clock) as shared:
        yield shared


@pytest.fixture
def other(server: Server) -> Iterator[Shared]:
    """Another process's."""
    with shared_at(server.url) as shared:
        yield shared


def everything(shared: Shared) -> list[object]:
    """One of each, and what it said."""
    with shared.hold(IDENTITY), shared.starting(IDENTITY):
        pass
    said: list[object] = [shared.paid(IDENTITY), shared.may_look(IDENTITY), shared.room("start", leaving=2)]
    shared.remember_paid(IDENTITY, "workflow")
    said.append(shared.paid(IDENTITY))
    shared.forget_paid(IDENTITY)
    shared.count("start")
    shared.schedule(IDENTITY, 1.0)
    shared.unschedule(IDENTITY)
    shared.mark_complete(60)
    return [*said, shared.take_due(10, lease=60), shared.next_due()]


# What it is to do without.
ALONE = [None, True, 0.0, "workflow", None, None]


def failures() -> float:
    return REGISTRY.get_sample_value("jumio_webhook_coordination_failures_total") or 0.0


# --- over processes ---


def test_one_process_starts(one: Shared, other: Shared, server: Server) -> None:
    with one.starting(IDENTITY):
        with pytest.raises(Busy, match="another process"), other.starting(IDENTITY):
            raise AssertionError("two at once")
        with other.starting(OTHER_IDENTITY):
            pass
        assert 28 <= server.expiries()[f"{PREFIX}starting:{IDENTITY}"] <= 30
    with other.starting(IDENTITY):
        pass
    assert server.expiries() == {}


def test_whoever_was_killed_while_starting_is_waited_for_until_the_lock_expires(server: Server, other: Shared) -> None:
    server.do("SET", f"{PREFIX}starting:{IDENTITY}", "of one who was killed", "PX", 80)
    with pytest.raises(Busy), other.starting(IDENTITY):
        raise AssertionError("two at once")
    time.sleep(0.09)
    with other.starting(IDENTITY):
        pass


def test_a_lock_that_has_expired_and_is_somebody_elses_is_left_to_them(one: Shared, server: Server) -> None:
    key = f"{PREFIX}starting:{IDENTITY}"
    with one.starting(IDENTITY):
        server.do("SET", key, "somebody else's")
    assert server.do("GET", key) == b"somebody else's"


def test_any_process_adopts_what_was_paid_for(one: Shared, other: Shared, server: Server) -> None:
    one.remember_paid(IDENTITY, "workflow")
    assert 3590 <= server.expiries()[f"{PREFIX}paid:{IDENTITY}"] <= 3600
    assert other.paid(IDENTITY) == "workflow"
    other.forget_paid(IDENTITY)
    assert one.paid(IDENTITY) is None, "whoever remembers it too learns that it is over"
    server.do("FLUSHALL")
    assert one.paid(IDENTITY) is None


def test_a_document_that_is_too_long_to_be_read_back_stays_in_the_process(one: Shared, other: Shared) -> None:
    document = "é" * (LONGEST_DOCUMENT // 2 + 1)
    one.remember_paid(IDENTITY, document)
    assert (one.paid(IDENTITY) == document, other.paid(IDENTITY)) == (True, None)
    one.remember_paid(OTHER_IDENTITY, document[:-1])
    assert other.paid(OTHER_IDENTITY) == document[:-1]


def test_a_person_is_looked_at_once_over_all_processes(one: Shared, other: Shared, server: Server) -> None:
    assert one.may_look(IDENTITY)
    assert not other.may_look(IDENTITY)
    assert 4 <= server.expiries()[f"{PREFIX}looked:{IDENTITY}"] <= 5


def test_calls_are_counted_together(one: Shared, other: Shared, server: Server) -> None:
    one.count("start")
    other.count("start")
    assert one.room("start", leaving=2) == 0.0
    assert 4.0 < other.room("start", leaving=2) <= 5.1
    assert other.room("start", leaving=0) == other.room("start", leaving=0) == 0.0
    assert one.room("start", leaving=0) > 4.0
    assert one.room("start", leaving=0, take=False) > 4.0
    for _ in range(20):
        other.count("start")
    assert server.do("ZCARD", f"{PREFIX}calls:start") == 5, "of any number it keeps as many as matter"
    assert server.expiries()[f"{PREFIX}calls:start"] <= 6


def test_a_server_whose_clock_was_set_back_holds_nobody_up(one: Shared, server: Server) -> None:
    tomorrow = (time.time() + 86400) * 1000
    for number in range(5):
        server.do("ZADD", f"{PREFIX}calls:start", tomorrow, f"call {number}")
    assert one.room("start", leaving=0) == 0.0


PROCESS = """
    import json, sys
    from gevent import monkey
    monkey.patch_all(os=False, signal=False)
    import time
    from webhook.coordination.client import Client
    from webhook.coordination.local import Local
    from webhook.coordination.valkey import Shared
    from webhook.errors import Busy
    from webhook.idv.jumio.client import RATE_LIMITS
    from webhook.valkey_url import ValkeyUrl

    shared = Shared(Client(ValkeyUrl(path=sys.argv[1])), Local(RATE_LIMITS), RATE_LIMITS)
    shared.next_due()
    print("ready", flush=True)
    sys.stdin.readline()
    started, calls, looks = [], [], 0
    ends_at = time.monotonic() + 2.5
    while time.monotonic() < ends_at:
        for person in ("a", "b", "c"):
            try:
                with shared.starting(person):
                    began = time.time()
                    time.sleep(0.01)
                    started.append((person, began, time.time()))
            except Busy:
                pass
            looks += shared.may_look(person)
        while shared.room("token", leaving=0) == 0.0:
            calls.append(time.time())
    print(json.dumps([started, calls, looks]))
"""


def test_processes_that_race_start_one_at_a_time_and_stay_below_the_limits_together(server: Server) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROCESS), server.url.path]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    told: list[Any] = [json.loads(process.communicate(timeout=30)[0]) for process in processes]

    for person in ("a", "b", "c"):
        starts = sorted((began, ended) for started, _, _ in told for who, began, ended in started if who == person)
        assert len(starts) > 5
        assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(starts))
    assert sum(bool(started) for started, _, _ in told) >= 2, "no process has them all"
    begun = sorted(call for _, calls, _ in told for call in calls)
    assert 20 <= len(begun) <= 30
    calls, seconds = RATE_LIMITS["token"]
    assert all(later - earlier > seconds * 0.98 for earlier, later in zip(begun, begun[calls:], strict=False))
    assert sum(looks for _, _, looks in told) == 3


# --- the index ---


def test_what_is_due_is_taken_by_one_and_comes_back_after_the_lease(one: Shared, other: Shared) -> None:
    now = time.time()
    for number in range(5):
        one.schedule(f"person {number}", now - 100 + number)
    one.schedule("later", now + 1000.5)
    one.mark_complete(60)
    assert one.next_due() == pytest.approx(now - 100, abs=0.01)
    assert other.take_due(2, lease=60.5) == ["person 0", "person 1"]
    assert one.take_due(10, lease=0) == ["person 2", "person 3", "person 4"]
    assert other.take_due(10, lease=60) == ["person 2", "person 3", "person 4"], "whoever took them was killed"
    assert one.take_due(10, lease=60) == []
    for number in range(5):
        one.unschedule(f"person {number}")
    assert other.next_due() == pytest.approx(now + 1000.5, abs=0.01)
    one.unschedule("later")
    assert (other.next_due(), other.take_due(10, lease=60)) == (None, [])


def test_an_index_is_complete_after_a_full_sweep_for_as_long_as_it_said(one: Shared, other: Shared) -> None:
    one.schedule(IDENTITY, 1.0)
    assert other.take_due(10, lease=60) is None
    assert other.next_due() == 1.0
    one.mark_complete(60)
    assert other.take_due(10, lease=0) == [IDENTITY]
    one.mark_complete(-1)
    assert other.take_due(10, lease=60) is None


def test_no_answer_is_longer_than_what_is_read_of_one(one: Shared) -> None:
    for number in range(1001):
        one.schedule(f"{number:036}", 1.0)
    one.mark_complete(60)
    taken = one.take_due(1_000_000, lease=60)
    assert taken is not None
    assert len(taken) == 1000


@pytest.mark.parametrize("lost", ["DEL", "FLUSHALL"])
def test_a_lost_index_is_not_complete(one: Shared, server: Server, lost: str) -> None:
    one.schedule(IDENTITY, 1.0)
    one.mark_complete(60)
    assert one.take_due(10, lease=60) == [IDENTITY]
    server.do(lost, *([OPEN] if lost == "DEL" else []))
    assert one.take_due(10, lease=60) is None


def test_what_a_restarted_server_reads_from_its_disk_is_not_complete(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with shared_at(server.url) as shared:
        shared.schedule(IDENTITY, 1.0)
        shared.mark_complete(60)
        server.do("SAVE")
        shared.schedule(OTHER_IDENTITY, 1.0)
        server.restart()
        assert shared.next_due() == 1.0
        assert shared.take_due(10, lease=60) is None
        shared.schedule(OTHER_IDENTITY, 1.0)
        shared.mark_complete(60)
        assert shared.take_due(10, lease=60) is None, "entries went to two servers"
        for identity in (IDENTITY, OTHER_IDENTITY):
            shared.schedule(identity, 1.0)
        shared.mark_complete(60)
        assert sorted(shared.take_due(10, lease=60) or []) == sorted([IDENTITY, OTHER_IDENTITY])


def test_a_sweep_that_was_made_on_another_server_does_not_mark_the_new_one(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with shared_at(server.url) as shared:
        shared.schedule(IDENTITY, 1.0)
        server.restart()
        shared.mark_complete(60)
        assert shared.take_due(10, lease=60) is None
        shared.mark_complete(60)
        assert shared.take_due(10, lease=60) == []


def test_a_sweep_of_which_an_entry_was_lost_does_not_mark(make_server: Callable[..., Server], clock: Clock) -> None:
    server = make_server()
    with shared_at(server.url, clock=clock) as shared:
        shared.mark_complete(60)
        server.kill()
        shared.schedule(IDENTITY, 1.0)
        server.start()
        clock.ahead += LEFT_ALONE_SECONDS
        shared.mark_complete(60)
        assert shared.take_due(10, lease=60) is None


# --- away, in the middle of anything ---


def test_without_one_everything_is_as_in_one_process(make_server: Callable[..., Server], clock: Clock) -> None:
    server = make_server()
    server.kill()
    with shared_at(server.url, clock=clock) as shared:
        assert everything(shared) == ALONE
        server.start()
        assert everything(shared)[4] is None, "it is left alone for a while"
        assert server.expiries() == {}
        clock.ahead += LEFT_ALONE_SECONDS
        assert everything(shared)[4] == []


def test_a_kill_in_the_middle_of_a_start(make_server: Callable[..., Server], clock: Clock) -> None:
    server = make_server()
    with shared_at(server.url, clock=clock) as shared:
        with shared.starting(IDENTITY):
            server.kill()
            shared.remember_paid(IDENTITY, "workflow")
            assert shared.paid(IDENTITY) == "workflow"
        with shared.starting(IDENTITY):
            pass
        server.start()
        clock.ahead += LEFT_ALONE_SECONDS
        assert shared.paid(IDENTITY) == "workflow", "the new one has never heard of it, and this process has"


def test_a_restart_in_the_middle_is_not_even_noticed(make_server: Callable[..., Server]) -> None:
    server = make_server()
    before = failures()
    with shared_at(server.url) as shared:
        with shared.starting(IDENTITY):
            for _ in range(2):
                shared.count("start")
            server.restart()
        assert shared.room("start", leaving=2) == 0.0
        assert shared.room("start", leaving=2) > 0, "of its own calls a process knows"
        with shared.starting(IDENTITY):
            pass
        everything(shared)
    assert failures() == before


def test_a_server_that_hangs_costs_one_call_its_time_and_the_next_ones_nothing(
    make_server: Callable[..., Server], clock: Clock, log_lines: list[str]
) -> None:
    server = make_server()
    before = failures()
    with shared_at(server.url, clock=clock) as shared:
        assert everything(shared)[4] == []
        server.freeze()
        begun = time.monotonic()
        assert not shared.room("read", leaving=0)
        assert COORDINATION_SECONDS <= time.monotonic() - begun < BROKEN_OFF
        begun = time.monotonic()
        with shared.starting(OTHER_IDENTITY):
            assert shared.take_due(1, lease=1) is None
        assert time.monotonic() - begun < 0.1
        assert failures() == before + 1

        clock.ahead += LEFT_ALONE_SECONDS
        assert shared.paid(IDENTITY) is None
        server.thaw()
        clock.ahead += LEFT_ALONE_SECONDS
        assert shared.take_due(1, lease=1) == []
        said = [line for line in lines_of(log_lines) if "WARNING" in line]
        assert len(said) == 1, "one line a minute"
        assert '"error": "no answer in time"' in said[0]
        assert failures() == before + 2, "and each is counted"
        clock.ahead += SAY_EVERY_SECONDS
        server.freeze()
        assert shared.paid(IDENTITY) is None
        assert len([line for line in lines_of(log_lines) if "WARNING" in line]) == 2


def lines_of(log_lines: list[str]) -> list[str]:
    return [line for line in log_lines if "coordination.failed" in line]


@pytest.fixture(autouse=True)
def _counted() -> None:
    log.listen(metrics.observe)


def test_a_lock_whose_server_hangs_meanwhile_ends_with_its_expiry(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with shared_at(server.url) as shared, shared_at(server.url) as other:
        with shared.starting(IDENTITY):
            server.freeze()
        server.thaw()
        wait_until(lambda: server.do("PING") == b"PONG")
        if server.expiries():  # what was sent to it while it hung it may have done since
            with pytest.raises(Busy), other.starting(IDENTITY):
                raise AssertionError
            server.do("PEXPIRE", f"{PREFIX}starting:{IDENTITY}", 1)
            time.sleep(0.01)
        with other.starting(IDENTITY):
            pass


def test_very_many_at_once_take_turns_on_a_few_connections(server: Server, log_lines: list[str]) -> None:
    held = server.connections()

    def work(number: int) -> None:
        with shared.starting(str(number)):
            assert shared.may_look(str(number))
            assert shared.take_due(1, lease=1) is None

    with shared_at(server.url, seconds=5.0) as shared:  # however busy the machine is
        for round_ in range(2):
            gevent.joinall([gevent.spawn(work, round_ * 200 + number) for number in range(200)], raise_error=True)
        assert server.connections() - held <= VALKEY_CONNECTIONS
        assert lines_of(log_lines) == []
        assert sum("looked" in key for key in server.expiries()) == 400


def test_very_many_at_once_whose_server_hangs_are_all_back_in_time_and_leave_no_connection(
    make_server: Callable[..., Server], clock: Clock
) -> None:
    server = make_server()
    with shared_at(server.url, clock=clock) as shared:
        for _ in range(2):
            gevent.joinall([gevent.spawn(shared.paid, str(number)) for number in range(200)], raise_error=True)
            server.freeze()
            begun = time.monotonic()
            gevent.joinall([gevent.spawn(shared.paid, str(number)) for number in range(200)], raise_error=True)
            assert time.monotonic() - begun < BROKEN_OFF + 0.5
            server.thaw()
            clock.ahead += LEFT_ALONE_SECONDS
            assert shared.take_due(1, lease=1) is None
        wait_until(lambda: server.connections() <= VALKEY_CONNECTIONS)
        gevent.joinall([gevent.spawn(shared.paid, str(number)) for number in range(200)], raise_error=True)
        assert server.connections() <= VALKEY_CONNECTIONS


def test_the_callers_time_counts_and_says_nothing_about_the_server(
    make_server: Callable[..., Server], log_lines: list[str]
) -> None:
    server = make_server()
    with shared_at(server.url) as shared:
        shared.remember_paid(IDENTITY, "workflow")
        server.freeze()
        begun = time.monotonic()
        with time_limit(0.05):
            assert shared.paid(IDENTITY) == "workflow"
            assert shared.paid(IDENTITY) == "workflow"
        assert time.monotonic() - begun < 0.2
        server.thaw()
        assert lines_of(log_lines) == []
        with time_limit(-1.0):
            assert shared.room("start", leaving=0) == 0.0
            assert shared.take_due(1, lease=1) is None


def test_what_must_be_told_is_told_when_the_time_is_over(one: Shared, other: Shared, server: Server) -> None:
    with time_limit(0.3), one.starting(IDENTITY):
        time.sleep(0.31)
        one.remember_paid(IDENTITY, "workflow")
        one.schedule(IDENTITY, 5.0)
    assert (other.paid(IDENTITY), other.next_due()) == ("workflow", 5.0)
    assert f"{PREFIX}starting:{IDENTITY}" not in server.expiries()


# --- a server that says no ---


def full(server: Server) -> None:
    server.do("CONFIG", "SET", "maxmemory", 1)


def read_only(server: Server) -> None:
    server.do("REPLICAOF", "127.0.0.1", 1)


def without_room_on_its_disk(server: Server) -> None:
    server.do("CONFIG", "SET", "min-replicas-to-write", 1)


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [(full, "OutOfMemoryError"), (read_only, "ReadOnlyError"), (without_room_on_its_disk, "ResponseError NOREPLICAS")],
)
def test_one_that_takes_no_writes(
    make_server: Callable[..., Server], trouble: Callable[[Server], None], cause: str, log_lines: list[str]
) -> None:
    server = make_server()
    with shared_at(server.url) as shared:
        everything(shared)
        trouble(server)
        begun = time.monotonic()
        shared.remember_paid(OTHER_IDENTITY, "workflow")
        assert shared.paid(OTHER_IDENTITY) == "workflow"
        with shared.starting(OTHER_IDENTITY):
            assert shared.may_look(OTHER_IDENTITY)
            shared.count("token")
            assert shared.room("read", leaving=0) == 0.0
            shared.schedule(OTHER_IDENTITY, 1.0)
        assert time.monotonic() - begun < COORDINATION_SECONDS, "it says so at once"
    assert f'"error": "{cause}"' in lines_of(log_lines)[0]
    assert len([line for line in lines_of(log_lines) if "WARNING" in line]) == 1


def test_keys_of_another_kind(one: Shared, server: Server, log_lines: list[str]) -> None:
    for key in (f"paid:{IDENTITY}", "calls:start", "open"):
        server.do("HSET", f"{PREFIX}{key}", "a", "b")
    assert everything(one)[1:] == ALONE[1:]
    assert '"error": "ResponseError WRONGTYPE"' in "".join(lines_of(log_lines))
    one.remember_paid(OTHER_IDENTITY, "workflow")
    server.do("DEL", OPEN)
    one.schedule(IDENTITY, 1.0)
    assert one.next_due() == 1.0, "what is in order is used all the same"


def test_a_key_without_an_expiry_is_in_nobodys_way_for_long(one: Shared, server: Server) -> None:
    for key in (f"starting:{IDENTITY}", f"looked:{IDENTITY}"):
        server.do("HSET", f"{PREFIX}{key}", "a", "b")
    with pytest.raises(Busy), one.starting(IDENTITY):
        raise AssertionError
    assert not one.may_look(IDENTITY)
    assert all(0 < seconds <= 30 for seconds in server.expiries().values())


def test_a_password_that_it_wants_and_does_not_get(
    make_server: Callable[..., Server], log_lines: list[str], clock: Clock
) -> None:
    server = make_server("--requirepass", "hush")
    with shared_at(server.url, clock=clock) as shared:
        assert everything(shared) == ALONE
    url = server.url.__class__(path=server.url.path, password="hushhush", username="nobody")
    with shared_at(url, clock=clock) as shared:
        assert everything(shared) == ALONE
    assert all('"error": "AuthenticationError"' in line for line in lines_of(log_lines))
    assert "hush" not in "".join(log_lines)
    right = server.url.__class__(path=server.url.path, password="hush", database=3)
    with shared_at(right, clock=clock) as shared:
        assert everything(shared)[4] == []
        shared.may_look(OTHER_IDENTITY)
    assert b"db3:" in server.do("INFO", "keyspace", url=right)


def test_the_rules_that_the_documentation_asks_for_are_enough(make_server: Callable[..., Server]) -> None:
    settings = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    rules = settings.partition("An ACL user needs\n`")[2].partition("`")[0].split()
    server = make_server()
    server.do("ACL", "SETUSER", "webhook", "on", ">hush", *rules)
    before = failures()
    url = server.url.__class__(path=server.url.path, username="webhook", password="hush", database=1)
    with shared_at(url) as shared:
        assert everything(shared)[4] == []
    assert failures() == before
    client = Client(url)
    assert refused(lambda: client.call(bool, "SET", "somebody-else:key", 1)).denied
    assert refused(lambda: client.call(bool, "FLUSHALL")).denied
    client.close()


def test_all_keys_have_the_one_prefix(one: Shared, server: Server) -> None:
    everything(one)
    one.schedule(IDENTITY, 1.0)
    with one.starting(IDENTITY):
        keys = server.expiries()
    assert len(keys) == 5
    assert all(key.startswith("jumio-webhook:") for key in keys)
    assert [key for key, seconds in keys.items() if seconds < 0] == [OPEN]


# --- what is not configured costs nothing ---


UNCONFIGURED = """
import sys, threading
import sandbox.cooperative
import webhook.cli, webhook.commands.doctor.command, webhook.commands.sync, webhook.web.server
from webhook import wiring
from webhook.settings import Settings
from support import REQUIRED

services = wiring.for_requests(Settings.from_mapping({**REQUIRED, **dict([sys.argv[1:]] if sys.argv[1:] else [])}))
print("valkey" in sys.modules, threading.active_count(), type(services.coordination).__name__)
"""


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [([], "False 1 Local"), (["REDIS_URL", "redis://:hush@valkey.invalid"], "True 1 Shared")],
)
def test_it_is_imported_where_it_is_configured_and_asked_by_nobody_at_start(arguments: list[str], printed: str) -> None:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", UNCONFIGURED, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": f"{tests}:{tests.parent}"},
    )
    assert done.stdout.strip() == printed


def test_wired_it_is_shared(server: Server) -> None:
    from support import settings_of

    from webhook import wiring

    services = wiring.for_commands(settings_of(REDIS_URL=f"unix://{server.url.path}"))
    services.coordination.count("start")
    assert server.do("ZCARD", f"{PREFIX}calls:start") == 1
    assert isinstance(wiring.for_requests(settings_of()).coordination, Local)
