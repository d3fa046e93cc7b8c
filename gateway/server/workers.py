"""`serve --workers N`: several processes behind one port, watched over by uvicorn's own supervisor.

Each has its own cache and its part of the upstream's rate; what clients spend is one ledger's. A worker that dies or
hangs is replaced.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from multiprocessing.connection import wait

from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    def handle_hup(self) -> None:
        """Passed on, so that each reads the clients again. uvicorn would replace the workers, and lose their caches."""
        for worker in self.processes:
            if worker.pid is not None and worker.process.is_alive():
                os.kill(worker.pid, signal.SIGHUP)


def supervise(config: Config, listener: socket.socket) -> int:
    """Until it is told to end. The exit code: 3 if a worker could not start."""
    workers = Workers(config, [listener])
    workers.run()
    return 3 if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes) else 0


def leave_with_the_supervisor() -> None:
    """For a worker: it ends when its supervisor has ended, also where that could not say so any more."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_leave_after, args=(supervisor.sentinel,), daemon=True).start()


def _leave_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
