# SPDX-License-Identifier: Apache-2.0
"""Turns: of the requests that have long work only one at a time computes, and whoever is quick goes in between.

Five hundred answers of a slow peer arrive in the same moment. Handled one after the other they would keep a sign-in
waiting for as long as all of them take; so each waits for its turn, and between two turns the event loop looks for
what else has arrived. docs/decisions/0005
"""

import gevent
from gevent.lock import Semaphore

_next = Semaphore(1)


def take_turn() -> None:
    """Wait until it is one's turn, behind everybody who asked earlier; at least one pass of the event loop."""
    gevent.sleep(0)  # a semaphore's next is told in a callback of its own, and would come too late without this
    with _next:
        watcher = gevent.get_hub().loop.timer(0.0)  # unlike `sleep(0)` it ends only after the loop has polled
        try:
            gevent.get_hub().wait(watcher)
        finally:
            watcher.close()
