# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook sync` as processes that start in milliseconds, to be killed at any call they make."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

# A server that has imported the command once and forks for each process.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["webhook.commands.sync", "webhook.settings"])


class SyncProcess:
    """One sweep under way. Its output, log included, goes to `output`."""

    def __init__(self, environment: Mapping[str, str], output: Path) -> None:
        self._process = _PROCESSES.Process(target=_sync, args=(dict(environment), str(output)))
        self._process.start()

    def kill(self) -> None:
        """As the out-of-memory killer would."""
        assert self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    def wait(self, timeout: float = 60) -> int | None:
        """The exit status; negative for the signal that killed it, None while it runs."""
        self._process.join(timeout)
        return self._process.exitcode

    def close(self) -> None:
        self.kill()
        self._process.join()
        self._process.close()


@contextlib.contextmanager
def syncing(environment: Mapping[str, str], output: Path) -> Iterator[SyncProcess]:
    """A sweep that is under way."""
    process = SyncProcess(environment, output)
    try:
        yield process
    finally:
        process.close()


def _sync(environment: dict[str, str], output: str) -> None:
    """Runs in the child."""
    from webhook.commands import sync as sync_command
    from webhook.settings import Settings

    to = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(to, 1)
    os.dup2(to, 2)
    settings = Settings.from_mapping(environment)
    raise SystemExit(sync_command.run(settings, identity=None, every=None, as_json=True))
