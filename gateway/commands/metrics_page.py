"""The page of metrics beside a served gateway: of one process, or of all workers together."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.events import Event, Hook
from gateway.http.routes.metrics import PATH, metrics_app
from gateway.process_events import WorkerDied
from gateway.server.side_server import SideServer
from gateway.server.workers import Workers

if TYPE_CHECKING:
    from gateway.composition.monitoring import Monitoring
    from gateway.metrics.exposition import Page

# Where it is set when the library is imported, metrics are kept in files of this directory.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
VALUES = "metrics"  # the name of that directory


@contextlib.contextmanager
def of_process(monitoring: Monitoring | None, listener: socket.socket | None) -> Iterator[None]:
    """Serve the metrics of this process while the block runs, if they are on."""
    if monitoring is None or listener is None:
        yield
        return
    from gateway.metrics import exposition

    with _serving(exposition.of_process(monitoring.instruments.registry), listener):
        yield


@contextlib.contextmanager
def of_workers(
    workers: Workers, listener: socket.socket | None, private: Path, environ: MutableMapping[str, str]
) -> Iterator[None]:
    """Serve the sums of the metrics of `workers` while the block runs, if they are on. They are to be started in it.

    `private` is a directory of the workers' own, `environ` the environment that they inherit.
    """
    if listener is None:
        yield
        return
    directory = private / VALUES
    directory.mkdir()
    environ[DIRECTORY] = str(directory)
    from gateway.metrics import exposition

    with _serving(exposition.of_workers(directory, workers.ids), listener):
        yield


def forgetting(private: Path) -> Hook:
    """Return a hook that drops the states of a worker that has died, if metrics are on."""

    def forget(event: Event) -> None:
        if isinstance(event, WorkerDied) and event.process is not None and (private / VALUES).exists():
            from gateway.metrics import exposition

            exposition.forget_worker(private / VALUES, event.process)

    return forget


@contextlib.contextmanager
def _serving(page: Page, listener: socket.socket) -> Iterator[None]:
    with SideServer(metrics_app(page, listener.getsockname()[0]), listener).running():
        yield


def url(listener: socket.socket) -> str:
    """Return the URL of the page, for people."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
