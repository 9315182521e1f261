# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook serve`: answer Ory's hooks and Jumio's callbacks until SIGTERM."""

import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator

from webhook.runtime import log
from webhook.settings import Settings
from webhook.web.server import Server, memory_directory


def run(settings: Settings) -> None:
    """Serve; what is in flight at SIGTERM is answered."""
    log.configure(log_format=settings.log.format, level=settings.log.level)
    _allow_as_many_connections_as_may_be()
    with _shared_counters() if settings.server.workers > 1 else contextlib.nullcontext():
        Server(settings).run()


def _allow_as_many_connections_as_may_be() -> None:
    """The usual soft limit of 1,024 descriptors is for programs that use select()."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def _shared_counters() -> Iterator[None]:
    """A directory in which several workers count together; one alone counts in its memory."""
    directory = tempfile.mkdtemp(prefix="jumio-webhook-", dir=memory_directory())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
    master = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == master:  # a worker that ends comes by here too
            shutil.rmtree(directory, ignore_errors=True)
