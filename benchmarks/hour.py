# SPDX-License-Identifier: Apache-2.0
"""`sync --every` as a child process in which nobody waits: whatever would be waited for is added to every clock.

The work is done and takes its time; pauses between turns and for room below Jumio's limits are skipped, in the
process, in the peers and in Valkey alike. Run by `benchmarks.sweep`: options on standard input, figures on standard
output, both JSON.
"""

import json
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from functools import partial
from typing import Any

from webhook import wiring
from webhook.coordination.client import Client
from webhook.coordination.local import Local
from webhook.coordination.pace import Pace
from webhook.coordination.valkey import OPEN, PREFIX
from webhook.core.schedule import POINTS, THEN_EVERY
from webhook.runtime import log
from webhook.settings import Settings

# KEYS: the index; the windows of calls. ARGV: seconds. What is due, or has begun, is so much older from now on.
AGE = """
for _, key in ipairs(KEYS) do
  local by = tonumber(ARGV[1])
  if key ~= KEYS[1] then by = by * 1000 end
  local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local past = tonumber(all[i + 1]) >= 0 and -by or by -- the mark of completeness stands for minus its expiry
    redis.call('ZINCRBY', key, past, all[i])
  end
end
return #KEYS
"""


class _Skipping(threading.Event):
    """The clock; and the event that ends a sweep, whose waiting puts it forward."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.skipped = 0.0
        self._peers = settings.kratos.admin_url
        self._valkey = None if settings.valkey is None else Client(settings.valkey, seconds=5.0)

    def seconds(self) -> float:
        return time.monotonic() + self.skipped

    def unix(self) -> float:
        return time.time() + self.skipped

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix(), UTC)

    def wait(self, timeout: float | None = None) -> bool:
        self.skip(timeout or 0.0)
        return self.is_set()

    def skip(self, seconds: float) -> None:
        self.skipped += seconds
        urllib.request.urlopen(f"{self._peers}/clock/{self.skipped}", timeout=5).close()  # loopback
        if self._valkey is not None:
            windows = [f"{PREFIX}calls:{operation}" for operation in ("start", "read", "token")]
            self._valkey.call(int, "EVAL", AGE, 1 + len(windows), OPEN, *windows, seconds)


def _run(options: dict[str, Any]) -> dict[str, Any]:
    settings = Settings.load()
    log.configure(log_format="json", level="warning", each_call=False)
    clock = _Skipping(settings)
    wiring.Local = partial(  # type: ignore[assignment,attr-defined]  # by a clock that skips, in the place of the class
        Local, clock=clock.seconds
    )
    wiring.Pace = partial(  # type: ignore[assignment,attr-defined]  # the same
        Pace, clock=clock.seconds, sleep=clock.skip
    )
    services = wiring.for_commands(settings, clock=clock.now, stop=clock)
    schedule = services.coordination.schedule
    services.coordination.schedule = (  # type: ignore[method-assign]  # by the clock of Valkey, which skips nothing
        lambda identity_id, due: schedule(identity_id, due - clock.skipped)
    )
    sweeper = services.sweeper(clock, seconds=clock.seconds)
    # As if it had run for an hour, and the service had told Valkey of what it started and will start.
    began_at, hour = clock.unix(), THEN_EVERY.total_seconds()
    for number, (identity, started_at) in enumerate(options["open"]):
        if started_at < began_at - POINTS[-1]:
            looked_at = began_at - hour * number / len(options["open"])
            sweeper._looked_at[identity] = datetime.fromtimestamp(looked_at, UTC)
            services.coordination.schedule(identity, looked_at + hour)
        else:
            services.coordination.schedule(identity, started_at + POINTS[0])
    turns, full, failed, longest = 0, 0, 0, 0.0
    cpu, until = time.process_time(), clock.seconds() + options["seconds"]
    while (begun := clock.seconds()) < until:
        report = sweeper.turn(full_every=options["full_every"])
        turns, full, failed = turns + 1, full + report.full, failed + report.failed
        longest = max(longest, clock.seconds() - begun)
        clock.wait(max(0.0, begun + options["every"] - clock.seconds()))
    return {
        "turns": turns,
        "full": full,
        "failed": failed,
        "longest": longest,
        "cpu": time.process_time() - cpu,
        "skipped": clock.skipped,
    }


if __name__ == "__main__":
    print(json.dumps(_run(json.loads(sys.stdin.read()))))
