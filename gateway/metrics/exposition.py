"""The page of all metrics, in the format of Prometheus or of OpenMetrics, of one process or of all workers."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

# Readings of the workers' files until one fails: a worker that begins is just making its file.
ATTEMPTS = 3

Processes: TypeAlias = Callable[[], Mapping[str, int]]
"""Returns the ids of the processes that run now, by the name that they have in the label `process`."""
Page: TypeAlias = Callable[[str, str], tuple[dict[str, str], bytes]]
"""Returns headers and body in the format and the coding that `Accept` and `Accept-Encoding` name."""


def of_process(registry: CollectorRegistry) -> Page:
    """Return the page of a single process, with the standard metrics of the process itself."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return partial(_page, registry)


def of_workers(directory: Path, processes: Processes) -> Page:
    """Return the page of the supervisor: the sums of its workers, which write into files in `directory`."""
    registry = CollectorRegistry()
    registry.register(WorkerValues(directory))
    registry.register(WorkerProcesses(processes))
    PlatformCollector(registry=registry)
    return partial(_page, registry)


def _page(registry: CollectorRegistry, accept: str, accept_encoding: str) -> tuple[dict[str, str], bytes]:
    encode, content_type = choose_encoder(accept)
    headers, body = {"content-type": content_type}, encode(registry)
    if gzip_accepted(accept_encoding):
        return {**headers, "content-encoding": "gzip"}, gzip.compress(body, compresslevel=1)
    return headers, body


def forget_worker(directory: Path, process: int) -> None:
    """Drop the gauges of a process that has ended. Its counters stay, or the sums would fall."""
    mark_process_dead(process, str(directory))  # type: ignore[no-untyped-call]


class WorkerValues(Collector):
    """The values of all workers, added up."""

    def __init__(self, directory: Path) -> None:
        self._files: Collector = MultiProcessCollector(None, str(directory))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """Raise struct.error, RuntimeError or OSError if the files cannot be read."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._files.collect()
            except (struct.error, RuntimeError, OSError):
                continue
        return self._files.collect()


class WorkerProcesses(Collector):
    """The standard metrics of each process, with a label that tells them apart."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        merged: dict[str, Metric] = {}
        for name, id in self._processes().items():
            for metric in ProcessCollector(pid=lambda id=id: id, registry=None).collect():  # type: ignore[misc]
                whole = merged.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    whole.add_sample(sample.name, {**sample.labels, "process": name}, sample.value)
        return merged.values()
