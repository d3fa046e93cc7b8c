"""The instruments of one process: the counters, gauges and histograms of all families, in a registry of their own.

In a worker process their values are in files, which the supervisor adds up (`gateway.metrics.exposition`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import prometheus_client
from prometheus_client import CollectorRegistry

from gateway.metrics.families import FAMILIES, Family, MetricType

# They would double the number of series, and only say when a process started, which `process_start_time_seconds` does.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class DrainedHistogram(prometheus_client.Histogram):
    """A histogram that also takes many observations at once, of which only their number and sum are known."""

    def observe_many(self, count: int, total: float) -> None:
        """Observe `count` values of the sum `total`, each as their mean."""
        self._sum.inc(total)
        self._buckets[bisect_left(self._upper_bounds, total / count)].inc(count)


class Instruments:
    """The instruments of `families`. Each child is looked up once: to find one takes longer than to change it.

    A gauge without a value is not shown, since a 0 would say something else.
    """

    def __init__(self, families: Iterable[Family] = FAMILIES) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[Family, tuple[str, ...]], Any] = {}
        self._totals: dict[tuple[Family, tuple[str, ...]], float] = {}
        self._parents: dict[Family, Any] = {}
        for family in families:
            if family.type is not MetricType.GAUGE:
                self._parents[family] = self._make(family)

    def count(self, family: Family, *labels: str, by: float = 1) -> None:
        self._child(family, labels).inc(by)

    def count_up_to(self, family: Family, total: float, *labels: str) -> None:
        """Count what is new in `total`, which the same caller counted up from 0."""
        counted = self._totals.get((family, labels), 0)
        self._totals[family, labels] = total
        self.count(family, *labels, by=total - counted)

    def set(self, family: Family, value: float, *labels: str) -> None:
        self._child(family, labels).set(value)

    def observe(self, family: Family, value: float, *labels: str, exemplar: Mapping[str, str] | None = None) -> None:
        self._child(family, labels).observe(value, exemplar)

    def observe_many(self, family: Family, count: int, total: float, *labels: str) -> None:
        self._child(family, labels).observe_many(count, total)

    def _child(self, family: Family, labels: tuple[str, ...]) -> Any:
        child = self._children.get((family, labels))
        if child is None:
            parent = self._parents.get(family) or self._parents.setdefault(family, self._make(family))
            child = self._children[family, labels] = parent.labels(*labels) if family.labels else parent
        return child

    def _make(self, family: Family) -> Any:
        match family.type:
            case MetricType.COUNTER:
                return prometheus_client.Counter(family.name, family.help, family.labels, registry=self.registry)
            case MetricType.GAUGE:
                mode: Any = family.over_workers.value
                return prometheus_client.Gauge(
                    family.name, family.help, family.labels, registry=self.registry, multiprocess_mode=mode
                )
            case MetricType.HISTOGRAM:
                return DrainedHistogram(
                    family.name, family.help, family.labels, registry=self.registry, buckets=family.buckets
                )
            case _:
                assert_never(family.type)
