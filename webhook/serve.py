# SPDX-License-Identifier: Apache-2.0
"""gunicorn with the shipped configuration. The application is built before the workers fork: they share memory."""

import os
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webhook import log
from webhook.app import create_app
from webhook.settings import Settings

THREADS = 8
# Above the 12 s within which every request is answered.
GRACEFUL_SECONDS = 15


class _Logger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's own messages through our log. Requests are logged by the application: a path may be a capability."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.access_log.propagate = False

    def access(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._settings)


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """The shipped configuration: https://docs.gunicorn.org/en/stable/settings.html"""
    return {
        "bind": f"{_in_url(settings.bind_address)}:{settings.port}",
        "workers": settings.web_concurrency,
        "worker_class": "gthread",
        "threads": THREADS,
        "preload_app": True,
        "graceful_timeout": GRACEFUL_SECONDS,
        "timeout": 30,
        "keepalive": 65,  # longer than the usual 60 s of proxies, so that they close idle connections, not we
        # The heartbeat file must be in memory, and the root file system may be read-only.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108  # not a temporary file's name
        "control_socket_disable": True,
        "logger_class": _Logger,
        "proc_name": "ory-jumio-webhook",
    }


def run(settings: Settings) -> None:
    """Serve until SIGTERM; what is in flight then is finished."""
    log.configure(log_format=settings.log_format, level=settings.log_level)
    _Server(settings).run()


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
