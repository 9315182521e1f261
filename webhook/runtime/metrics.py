# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics, counted from the very events that are logged. Right under several workers.

The workers count in memory-mapped files of one directory, which `serve` names in PROMETHEUS_MULTIPROC_DIR before
this module is imported: https://prometheus.github.io/client_python/multiprocess/
"""

import os
from collections.abc import Mapping
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from webhook.core.events import Event, Note

# Events by which a verification reached a status.
_REACHED = frozenset({Event.STARTED, Event.UNSTARTED, Event.SETTLED, Event.FORGOTTEN})
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REQUESTS = Counter("jumio_webhook_requests", "Requests answered.", ["route", "code"])
_OUTBOUND = Histogram(
    "jumio_webhook_outbound_seconds",
    "Calls to Jumio and Kratos. outcome: the class of the answer (2xx, 4xx, 5xx) or failed.",
    ["peer", "operation", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
)
_VERIFICATIONS = Counter("jumio_webhook_verifications", "Verifications that reached a status.", ["status"])
_VERDICT = Histogram(
    "jumio_webhook_verdict_seconds",
    "Time from the start of a verification to its end.",
    ["status"],
    buckets=(30, 60, 120, 300, 600, 1800, 3600, 6 * 3600, 86400),
)
_REFUSALS = Counter("jumio_webhook_secret_refusals", "Requests without a right secret.", ["route"])

_LOST_LINES = Counter("jumio_webhook_log_lines_lost", "Log lines that found no reader in time.")
_SWEPT = Counter("jumio_webhook_sweep_identities", "Identities that sweeps looked at.", ["result"])
_SWEEP = Histogram(
    "jumio_webhook_sweep_seconds",
    "Sweeps, and how long they took. full: whether everybody was paged through.",
    ["full"],
    buckets=(1, 10, 60, 300, 1800, 3600),
)
_SWEEP_ENDED = Gauge(
    "jumio_webhook_sweep_last_full_timestamp_seconds",
    "When the last sweep ended that paged through everybody, without giving up.",
    multiprocess_mode="max",
)
_SWEEP_DUE = Gauge(
    "jumio_webhook_sweep_due", "Identities that the last sweep found due.", multiprocess_mode="livemostrecent"
)
_COORDINATION_FAILURES = Counter("jumio_webhook_coordination_failures", "Calls of Valkey that did not do their work.")


def observe(event: str, fields: Mapping[str, object]) -> None:
    """Count one event; a listener for `webhook.runtime.log.listen`."""
    if event == Note.REQUEST:
        _REQUESTS.labels(fields["route"], fields["code"]).inc()
    elif event == Note.OUTBOUND:
        seconds = float(str(fields["duration_ms"])) / 1000
        _OUTBOUND.labels(fields["peer"], fields["operation"], _outcome(fields)).observe(seconds)
    elif event == Note.SECRET_REFUSED:
        _REFUSALS.labels(fields["route"]).inc()
    elif event == Note.SYNC_DONE:
        _observe_sweep(fields)
    elif event == Note.LOG_LOST:
        _LOST_LINES.inc(float(str(fields["lines"])))
    elif event == Note.COORDINATION_FAILED:
        _COORDINATION_FAILURES.inc()
    elif event in _REACHED:
        _VERIFICATIONS.labels(fields["status"]).inc()
        if isinstance(took := fields.get("seconds_since_start"), float):
            _VERDICT.labels(fields["status"]).observe(took)


def _observe_sweep(fields: Mapping[str, object]) -> None:
    counts: Any = fields["report"]
    for result in ("started", "settled", "unchanged", "failed"):
        _SWEPT.labels(result).inc(counts[result])
    _SWEEP_DUE.set(float(str(fields["due"])))
    full = fields["full"] is True
    _SWEEP.labels(str(full).lower()).observe(float(str(fields["duration_s"])))
    if full and fields["whole"] is True:
        _SWEEP_ENDED.set_to_current_time()


def exposition() -> bytes:
    """All metrics of all workers, in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types there
    return generate_latest(registry)


def _outcome(fields: Mapping[str, object]) -> str:
    code = fields.get("code")
    return f"{code // 100}xx" if isinstance(code, int) else "failed"
