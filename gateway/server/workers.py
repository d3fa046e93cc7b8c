"""Worker processes (`serve --workers N`): several processes on one port, under uvicorn's supervisor.

Each worker has its own cache and its share of the upstream's rate limit; all of them share one ledger. A worker that
dies or hangs is replaced.
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
        """Forward SIGHUP, so that workers reload the clients. uvicorn would replace them, and lose their caches."""
        for worker in self.processes:
            if worker.pid is not None and worker.process.is_alive():
                os.kill(worker.pid, signal.SIGHUP)


def supervise(config: Config, listener: socket.socket) -> int:
    """Run the workers until a signal ends them, and return the exit code: 3 if a worker could not start."""
    workers = Workers(config, [listener])
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
