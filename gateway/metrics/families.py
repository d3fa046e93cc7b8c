"""The table of all metrics: the registry is made of it, and docs/operations/metrics.md shows the same.

Names follow the conventions of Prometheus: base units, `_total` for counters. Each label is bounded: it is a member of
a closed set of the code, an endpoint, a client of the clients file, or a name cut off by `BoundedLabels`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

PREFIX = "highlights_gateway_"
# Seconds. An exact match takes less than the first of them, an operation that waits for the upstream up to the last.
OF_OPERATIONS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
OF_REQUESTS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45)
OF_QUEUES = (0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 45)
OF_PAUSES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class MetricType(enum.Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class OverWorkers(enum.Enum):
    """The value of a gauge over all workers that run: the multiprocess mode of prometheus_client."""

    SUM = "livesum"
    LEAST = "livemin"
    MOST = "livemax"
    NEWEST = "livemostrecent"


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A row: one metric with its labels. `over_workers` is that of a gauge; all others are summed."""

    suffix: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    over_workers: OverWorkers = OverWorkers.SUM

    @property
    def name(self) -> str:
        return PREFIX + self.suffix


_ROWS: list[Family] = []


def _row(family: Family) -> Family:
    _ROWS.append(family)
    return family


def _counter(suffix: str, help: str, *labels: str) -> Family:
    return _row(Family(suffix, MetricType.COUNTER, help, labels))


def _gauge(suffix: str, over: OverWorkers, help: str, *labels: str) -> Family:
    return _row(Family(suffix, MetricType.GAUGE, help, labels, over_workers=over))


def _histogram(suffix: str, buckets: tuple[float, ...], help: str, *labels: str) -> Family:
    return _row(Family(suffix, MetricType.HISTOGRAM, help, labels, buckets))


SUM, LEAST, MOST, NEWEST = OverWorkers

OPERATIONS = _counter("operations_total", "Operations by name, type and outcome.", "operation", "type", "outcome")
CLIENT_OPERATIONS = _counter("client_operations_total", "Operations by client and outcome.", "client", "outcome")
OPERATION_DURATION = _histogram(
    "operation_duration_seconds",
    OF_OPERATIONS,
    "Time from the request to the last byte of the response, by type and by source: executed or cached.",
    "type",
    "source",
)
FAULTS = _counter(
    "operation_faults_total",
    "Operations with an error of the gateway or of an upstream, which neither the client nor its request caused.",
)
ERRORS = _counter("errors_total", "Errors in responses by code.", "code")
BILLED = _counter(
    "billed_requests_total", "Requests that the upstream billed, by client and endpoint.", "client", "endpoint"
)
SAVED = _counter(
    "saved_requests_total", "Billed requests that operations did not need, saved by cache or sharing.", "client", "by"
)
CALLS = _counter(
    "calls_total", "Calls of operations by endpoint and source: bought, shared, stale or refused.", "endpoint", "source"
)
CACHE_LOOKUPS = _counter(
    "cache_lookups_total",
    "Upstream answers that operations needed, by kind of fact and result: hit, miss or stale.",
    "kind",
    "result",
)
SHARED_CACHE = _gauge(
    "shared_cache_reachable", LEAST, "1 while the cache that instances share can be used, else 0. Absent without one."
)
SHARED_CACHE_LOOKUPS = _counter(
    "shared_cache_lookups_total",
    "Calls that the shared cache was asked for before they were bought, by result: hit, miss or unavailable.",
    "result",
)
RESPONSE_LOOKUPS = _counter(
    "response_lookups_total",
    "Operations whose response is the same for all clients, by result: exact_match, response_cache or miss.",
    "result",
)
BALANCE = _gauge(
    "upstream_balance_requests", NEWEST, "Balance of the upstream account in billed requests, as far as it is known."
)
BALANCE_FLOOR = _gauge(
    "upstream_balance_floor_requests", MOST, "Balance below which nothing is bought, in billed requests."
)
ALLOWANCE_LEFT = _gauge(
    "allowance_remaining_requests",
    LEAST,
    "Billed requests that a client may still spend in the current window.",
    "client",
    "window",
)
ALLOWANCE_LIMIT = _gauge(
    "allowance_limit_requests", MOST, "Billed requests that a client may spend in one window.", "client", "window"
)
UPSTREAM_REQUESTS = _counter(
    "upstream_requests_total",
    "HTTP requests to upstreams by upstream, endpoint and status; the status is none where no response came.",
    "upstream",
    "endpoint",
    "status",
)
UPSTREAM_DURATION = _histogram(
    "upstream_request_duration_seconds",
    OF_REQUESTS,
    "Time of an HTTP request to an upstream on the wire.",
    "upstream",
    "endpoint",
)
QUEUE_WAIT = _histogram(
    "upstream_queue_wait_seconds", OF_QUEUES, "Time that a request to an upstream waited for its turn.", "upstream"
)
QUEUE_LENGTH = _gauge("upstream_queue_length", SUM, "Requests that wait for their turn at an upstream.", "upstream")
CLIENT_QUEUE_WAIT = _counter(
    "client_queue_wait_seconds_total",
    "Time that requests for a client waited for their turn at an upstream, in sum.",
    "upstream",
    "client",
)
SHED = _counter(
    "upstream_requests_shed_total",
    "Requests for a client that were refused at once, because their turn at an upstream would have come too late.",
    "upstream",
    "client",
)
QUEUE_TIMEOUTS = _counter(
    "upstream_queue_timeouts_total", "Requests that gave up waiting for their turn at an upstream.", "upstream"
)
BREAKER = _gauge("circuit_breaker_state", SUM, "Processes whose circuit breaker is in this state.", "upstream", "state")
ACCESS = _gauge(
    "upstream_access_state",
    SUM,
    "Processes for which the upstream answers, refuses the key of the gateway, or fails since the start.",
    "upstream",
    "state",
)
DEVIATIONS = _counter(
    "upstream_deviations_total",
    "Upstream responses that deviate from what is documented, by endpoint and part: schema, price, size or path.",
    "endpoint",
    "part",
)
FLOWS = _gauge("flows", MOST, "Flows in the store by state.", "state")
FLOW_AGE = _gauge("flow_oldest_running_age_seconds", MOST, "Age of the oldest running flow; 0 if none runs.")
FLOWS_STARTED = _counter("flows_started_total", "Runs of flows by kind; one that continues counts again.", "kind")
FLOWS_ENDED = _counter(
    "flows_ended_total", "Ended flows by kind, state and code of the error.", "kind", "state", "code"
)
STEPS_RETRIED = _counter(
    "flow_steps_retried_total", "Retries of steps of flows by phase and code of the error.", "phase", "code"
)
LOOP_LAG = _histogram(
    "event_loop_lag_seconds", OF_PAUSES, "Time by which the event loop resumed a task later than it was due."
)
GC_PAUSE = _histogram("gc_pause_seconds", OF_PAUSES, "Pauses for garbage collection by generation.", "generation")
MEMORY_USED = _gauge("memory_used_bytes", SUM, "Memory of a cache by its share of the memory budget.", "share")
MEMORY_LIMIT = _gauge(
    "memory_limit_bytes", SUM, "Memory that a cache may take by its share of the memory budget.", "share"
)
DISK_FREE = _gauge("data_directory_free_bytes", LEAST, "Free space of the file system of the data directory.")
DISK_SIZE = _gauge("data_directory_size_bytes", MOST, "Size of the file system of the data directory.")
LEDGER = _gauge("ledger_writable", LEAST, "1 while spending can be recorded, else 0: then nothing is bought.")
FLOW_STORE = _gauge("flow_store_reachable", LEAST, "1 while flows can be started and continued, else 0.")
CONNECTIONS = _gauge("open_connections", SUM, "Open connections to the gateway.")
STREAMS = _gauge("open_streams", SUM, "Open WebSockets and event streams.")
INTERNAL_ERRORS = _counter("internal_errors_total", "Bugs that were masked from clients.")
RELOADS = _counter("reloads_total", "Reloads of a file on SIGHUP by result: done or failed.", "file", "result")
SERIES_CUT = _counter(
    "labels_cut_off_total",
    "Values that were counted as `other`, because their label has its maximum of values.",
    "label",
)
BUILD = _gauge("build_info", MOST, "1, with the version of the gateway and of Python as labels.", "version", "python")

FAMILIES = tuple(_ROWS)
