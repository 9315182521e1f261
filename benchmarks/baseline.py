# SPDX-License-Identifier: Apache-2.0
"""What the service is measured against, under its own gunicorn configuration: `bare` WSGI or plain `flask`."""

from gevent import monkey

monkey.patch_all(os=False, signal=False)  # first of all, as in webhook.__main__

import sys
from collections.abc import Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from webhook.runtime import log
from webhook.settings import Settings
from webhook.web.server import gunicorn_settings

ANSWER = b'{"status":"approved"}\n'


def bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]


def flask() -> Any:
    from flask import Flask

    app = Flask("baseline")
    app.post("/jumio/validate")(lambda: {"status": "approved"})
    return app


class _Server(BaseApplication):
    def load_config(self) -> None:
        for name, value in gunicorn_settings(Settings.load()).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return bare if sys.argv[1] == "bare" else flask()


if __name__ == "__main__":
    log.configure(log_format="json", level="info")
    _Server().run()
