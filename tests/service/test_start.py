# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook serve` where it cannot serve: it says why, all at once, and ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from support import CALLBACK_SECRET, ORY_SECRET, REQUIRED, wait_until

from sandbox.service import ServiceProcess

from .conftest import ALONE

# `serve`, whose first worker is killed as soon as it is forked.
STILLBORN = """
import contextlib, os, runpy, signal, sys

def die():
    with contextlib.suppress(FileExistsError):
        open("died", "x").close()
        os.kill(os.getpid(), signal.SIGKILL)

os.register_at_fork(after_in_child=die)
sys.argv = ["webhook", "serve"]
runpy.run_module("webhook", run_name="__main__")
"""
BAD = {
    "ORY_WEBHOOK_SECRET": f"{ORY_SECRET},,{CALLBACK_SECRET}",
    "JUMIO_CALLBACK_SECRET": "too-short",
    "KRATOS_ADMIN_URL": "kratos",
    "ORY_API_KEY": "ory_apikey_of\tthe_tests",
    "PORT": "http",
    "WEB_CONCURRENCY": "0",
    "PUBLIC_URL": "http://plain.example.com",
    "BLOCK_LOGIN_STATUSES": "rejected,denied",
    "ON_REJECTED": "delete",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
    "JUMIO_TOKEN_LIFETIME": "forever",
}


def begin(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """A `serve` that is expected to end by itself, away from any `.env`."""
    return subprocess.Popen(
        [sys.executable, "-m", "webhook", "serve"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "BIND_ADDRESS": "127.0.0.1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit status, and what it said on standard error."""
    out, err = process.communicate(timeout=30)
    assert (out, "Traceback" in err) == ("", False)
    return process.returncode, err


def test_it_says_what_is_wrong(tmp_path: Path) -> None:
    """All three at once, since one of them waits for its port for five seconds."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        begin(tmp_path, **ALONE, PORT=str(taken.getsockname()[1])) as waiting,
        begin(tmp_path) as unset,
        begin(tmp_path, **{**ALONE, **BAD}) as wrong,
    ):
        names_all_that_is_missing(*end(unset))
        names_all_that_is_wrong(*end(wrong))
        status, err = end(waiting)
        assert status != 0
        assert str(taken.getsockname()[1]) in err
        assert "in use" in err


def names_all_that_is_missing(status: int, err: str) -> None:
    assert status == 2
    assert [name for name in REQUIRED if f"- {name} is missing\n" not in err] == []


def names_all_that_is_wrong(status: int, err: str) -> None:
    """At once, and without the secrets among them."""
    assert status == 2
    assert [name for name in BAD if f"- {name} " not in err] == []
    secrets = [value for name, value in REQUIRED.items() if "SECRET" in name]
    assert [secret for secret in (ORY_SECRET, "too-short", "ory_apikey", *secrets) if secret in err] == []


def test_a_worker_that_dies_right_after_it_was_forked_is_replaced() -> None:
    with ServiceProcess(ALONE, command=(sys.executable, "-c", STILLBORN)) as service:
        assert Path(service.log_path.parent, "died").exists()
        wait_until(lambda: "SIGKILL" in service.log())
