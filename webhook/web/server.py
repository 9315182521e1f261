# SPDX-License-Identifier: Apache-2.0
"""gunicorn with the shipped configuration. The application is built before the workers fork: they share memory."""

import gc
import logging
import os
import shutil
import sys
import tempfile
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webhook.runtime import log
from webhook.settings import Settings

THREADS = 8
# Above the 12 s within which every request is answered.
GRACEFUL_SECONDS = 15
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # not a file of ours, the place for them


class _Logger(Logger):
    """gunicorn's own messages through our log. Requests are logged by the application: a path may be a capability."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)
        self.access_log.propagate = False

    def access(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """A request that is not HTTP is quoted in gunicorn's message; what somebody sent does not belong in a log."""
        if str(msg).startswith("Invalid request"):
            log.event("request.invalid", level=logging.WARNING)
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """gunicorn names the path; here only the kind of the exception and its place are logged."""
        error = sys.exc_info()[1]
        where = None if error is None else log.place_of(error)
        log.event("server.exception", level=logging.ERROR, kind=type(error).__name__, where=where)


class _Server(BaseApplication):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from webhook.web.app import create_app  # imports the metrics, which look for their directory then

        app = create_app(self._settings)
        # What is here now lives as long as the workers: without it their first collection would copy every page of it.
        gc.collect()
        gc.freeze()
        return app


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """The shipped configuration: https://docs.gunicorn.org/en/stable/settings.html"""
    return {
        "bind": f"{_in_url(settings.bind_address)}:{settings.port}",
        "workers": settings.web_concurrency,
        "worker_class": "webhook.web.worker.Worker",
        "threads": THREADS,
        "preload_app": True,
        "graceful_timeout": GRACEFUL_SECONDS,
        "timeout": 30,
        "keepalive": 65,  # longer than the usual 60 s of proxies, so that they close idle connections, not we
        "worker_tmp_dir": _memory_directory(),
        "control_socket_disable": True,
        "logger_class": _Logger,
        "proc_name": "ory-jumio-webhook",
    }


def run(settings: Settings) -> None:
    """Serve until SIGTERM; what is in flight then is finished."""
    log.configure(log_format=settings.log_format, level=settings.log_level)
    metrics_directory = tempfile.mkdtemp(prefix="jumio-webhook-", dir=_memory_directory())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_directory
    master = os.getpid()
    try:
        _Server(settings).run()
    finally:
        if os.getpid() == master:  # a worker that ends comes by here too
            shutil.rmtree(metrics_directory, ignore_errors=True)


def _memory_directory() -> str | None:
    """For the workers' heartbeats and counters: in memory, since the root file system may be full or read-only."""
    return SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
