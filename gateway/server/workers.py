"""Worker processes (`serve --workers N`): several processes on one port, under uvicorn's supervisor.

Each worker has its own cache and its share of the upstream's rate limit; all of them share one ledger. A worker that
dies or hangs is replaced, until the shutdown begins: then all drain and end at once.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from multiprocessing.connection import wait

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from gateway.events import Hook
from gateway.process_events import WorkerDied
from gateway.server.draining_server import DrainingServer
from gateway.server.server import ServerConfig

DRAIN = b"drain"
LOOK_SECONDS = 0.1


class Worker(Process):
    """A worker, which its supervisor asks whether it serves, and tells to drain, over one pipe.

    `name` is that of its process; the one that replaces it has the same.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, sockets: list[socket.socket], name: str) -> None:
        super().__init__(config, sockets)
        self.name = name

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        multiprocessing.current_process().name = self.name
        super().target(sockets)

    @property
    def server(self) -> DrainingServer:
        if self._server is None:
            self._server = DrainingServer(self.config)
        assert isinstance(self._server, DrainingServer)
        return self._server

    def pong(self) -> None:
        """Answer one message of the supervisor, in a thread of the worker."""
        if self.child_conn.recv() == DRAIN:
            self.server.drain()
        else:
            self.child_conn.send(self.server.started)

    def drain(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self.parent_conn.send(DRAIN)


class Workers(Multiprocess):
    """The supervisor. `hook` is told of workers that die."""

    config: ServerConfig
    processes: list[Worker]  # type: ignore[assignment]  # `_start` makes them

    def __init__(self, config: ServerConfig, listener: socket.socket, hook: Hook) -> None:
        super().__init__(config, [listener])
        self._hook = hook
        self._drains = False

    def ids(self) -> dict[str, int]:
        """Return the ids of the processes by names, which stay the same when a worker is replaced."""
        workers = {worker.name: worker.pid for worker in list(self.processes)}
        return {"supervisor": os.getpid(), **{name: id for name, id in workers.items() if id is not None}}

    def init_processes(self) -> None:
        self.processes += [self._start(number) for number in range(1, self.processes_num + 1)]

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died or hang, but end all where one could not start: no other could."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            self._hook(WorkerDied(worker.pid, worker.exitcode))
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
            else:
                self.processes[index] = self._start(index + 1)

    def terminate_all(self) -> None:
        """Let all workers drain at once, or end them."""
        for worker in self.processes:
            if self._drains:
                worker.drain()
            else:
                worker.terminate()

    def join_all(self) -> None:
        """Wait for the workers. Another signal ends their drain."""
        while alive := [worker.process.sentinel for worker in self.processes if worker.process.is_alive()]:
            wait(alive, LOOK_SECONDS)
            self.handle_signals()
        for worker in self.processes:
            worker.join()

    def handle_term(self) -> None:
        self._drains = self.config.drain > 0 and not self.should_exit.is_set()
        self._end()

    def handle_int(self) -> None:
        self._drains = False
        self._end()

    def handle_hup(self) -> None:
        """Forward SIGHUP, so that workers reload the clients. uvicorn would replace them, and lose their caches."""
        for worker in self.processes:
            if worker.pid is not None and worker.process.is_alive():
                os.kill(worker.pid, signal.SIGHUP)

    def handle_ttin(self) -> None:
        self.processes_num += 1
        self.processes.append(self._start(len(self.processes) + 1))

    def _start(self, number: int) -> Worker:
        """Start a worker, which inherits that SIGHUP waits: it unblocks the signal when it can reload its files."""
        worker = Worker(self.config, self.sockets, f"worker-{number}")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker

    def _end(self) -> None:
        if self.should_exit.is_set():
            self.terminate_all()
        self.should_exit.set()


def supervise(workers: Workers) -> int:
    """Run the workers until a signal ends them, and return the exit code: 3 if a worker could not start."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one may wait since before the workers' handler
    workers.run()
    return 3 if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes) else 0


def leave_with_the_supervisor() -> None:
    """End this worker when its supervisor has ended, even one that was killed and could not send a signal."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_end_after, args=(supervisor.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
