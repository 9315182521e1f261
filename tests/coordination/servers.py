# SPDX-License-Identifier: Apache-2.0
"""A real Valkey or Redis for tests, to be killed and stopped on the way; and servers that lie."""

import contextlib
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support import wait_until

from webhook.coordination.client import Client, Failed
from webhook.coordination.local import Local
from webhook.coordination.valkey import Shared
from webhook.idv.jumio.client import RATE_LIMITS
from webhook.limits import COORDINATION_SECONDS
from webhook.valkey_url import ValkeyUrl

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")


class Server:
    """On a unix socket in a folder of its own. It keeps nothing, unless `save` is asked for."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.url = ValkeyUrl(path=str(folder / "s"))
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; what an earlier one has saved is there again."""
        assert PROGRAM
        arguments = ["--port", "0", "--unixsocket", self.url.path, "--save", "", "--dir", str(self.folder)]
        self._process = subprocess.Popen(
            [PROGRAM, *arguments, *self._options], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        wait_until(self.is_there)

    def is_there(self) -> bool:
        """Whether somebody listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.url.path) == 0

    def kill(self) -> None:
        """As a crash of the machine would."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def do(self, *command: str | float, url: ValkeyUrl | None = None) -> Any:
        """One command, and its answer as it comes."""
        client = Client(url or self.url, seconds=5.0)
        try:
            return client.call(lambda answer: answer, *command)
        finally:
            client.close()

    def expiries(self) -> dict[str, int]:
        """Every key, and for how many seconds it still is (-1: for ever)."""
        return {key.decode(): self.do("TTL", key.decode()) for key in self.do("KEYS", "*")}

    def connections(self) -> int:
        """How many there are, this question's aside."""
        listed: bytes = self.do("CLIENT", "LIST")
        return len(listed.splitlines()) - 1

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.kill()


@contextlib.contextmanager
def listening(converse: Callable[[socket.socket], None]) -> Iterator[ValkeyUrl]:
    """A server on loopback that does with each connection as it is told."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            converse(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=handle, args=(connection,), daemon=True)
                thread.start()
                threads.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield ValkeyUrl(host="127.0.0.1", port=listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """To each command the next of these, the last one again and again."""

    def converse(connection: socket.socket) -> None:
        for number in range(1_000_000):
            if not connection.recv(65536):
                return
            connection.sendall(answers[min(number, len(answers) - 1)])

    return converse


@contextlib.contextmanager
def shared_at(url: ValkeyUrl, *, seconds: float = COORDINATION_SECONDS, **options: Any) -> Iterator[Shared]:
    """What one process has, without the process."""
    client = Client(url, seconds=seconds)
    try:
        yield Shared(client, Local(RATE_LIMITS), RATE_LIMITS, **options)
    finally:
        client.close()


def refused(call: Callable[[], object]) -> Failed:
    """What a call that must fail says."""
    try:
        call()
    except Failed as failed:
        return failed
    raise AssertionError("it did not fail")
