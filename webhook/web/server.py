# SPDX-License-Identifier: Apache-2.0
"""gunicorn with the shipped configuration. The application is built before the workers fork: they share memory."""

import gc
import logging
import os
import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webhook.core.events import Note
from webhook.limits import ANSWER_SECONDS
from webhook.runtime import log
from webhook.settings import Settings

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
            log.begin()  # it is no part of the request that came before it on the same connection
            log.event(Note.REQUEST_INVALID, level=logging.WARNING)
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """gunicorn names the path; here only the kind of the exception and its place are logged."""
        error = sys.exc_info()[1]
        where = None if error is None else log.place_of(error)
        log.event(Note.SERVER_EXCEPTION, level=logging.ERROR, kind=type(error).__name__, where=where)


class Server(BaseApplication):
    """gunicorn around the application of these settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's own hook."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """gunicorn's own hook, called once, before the workers fork."""
        # Imported here: with them come the metrics, which look for their directory then.
        from webhook import wiring
        from webhook.web.app import create_app

        app = create_app(wiring.for_requests(self._settings))
        # What is here now lives as long as the workers: without it their first collection would copy every page of it.
        gc.collect()
        gc.freeze()
        return app


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """The shipped configuration: https://docs.gunicorn.org/en/stable/settings.html"""
    return {
        "bind": f"{_in_url(settings.server.bind_address)}:{settings.server.port}",
        "workers": settings.server.workers,
        "worker_class": "webhook.web.worker.Worker",
        "preload_app": True,
        "backlog": 4096,  # a burst waits there, rather than being refused
        "graceful_timeout": int(ANSWER_SECONDS) + 2,
        "timeout": 30,
        "keepalive": 65,  # longer than the usual 60 s of proxies, so that they close idle connections, not we
        "worker_tmp_dir": memory_directory(),
        "control_socket_disable": True,
        # No header of a request is anything but a header: SCRIPT_NAME would move every route.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "logger_class": _Logger,
        "proc_name": "ory-jumio-webhook",
    }


def memory_directory() -> str | None:
    """For the workers' heartbeats and counters: in memory, since the root file system may be full or read-only."""
    return SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
