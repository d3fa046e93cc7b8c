"""The adapter of DBOS, which records step results and replays bodies after a crash. One instance per process.

It uses two things beyond the documented interface of DBOS (the pin in pyproject.toml is narrow for this): the event
loop that DBOS's threads submit workflows to, and the recovery of work by the id of a dead executor.

The application version is fixed: otherwise DBOS would strand running workflows with each edit of a body. So a body's
steps must not change while workflows with it may be running: define the new body under a new name, and `start` that.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, _dbos
from dbos._utils import INTERNAL_QUEUE_NAME

from gateway.durable.database import close, engine
from gateway.durable.encryption import JsonCipher

NAME = "highlights-gateway"
VERSION = "flows-1"
WORKFLOW = "flow"
# A workflow that has crashed its process this many times is not recovered again.
MOST_RECOVERIES = 1_000
PATIENCE = 30.0
SELDOM = 3_600.0
# The gateway uses no notifications; the polling thread only has to end soon when the engine is closed.
LISTEN_SECONDS = 0.25
BEYOND = 2**31 - 1

Live = Callable[[str], Coroutine[Any, Any, None]]


class Sealed(Serializer):
    """The serializer of everything DBOS writes: encrypted JSON.

    Of an exception only the type is recorded, so that its message cannot leak data of a step.
    """

    def __init__(self, cipher: JsonCipher) -> None:
        self._cipher = cipher

    def name(self) -> str:
        return "highlights_gateway_sealed_1"

    def serialize(self, data: Any) -> str:
        return self._cipher.close(
            {"error": type(data).__name__} if isinstance(data, BaseException) else {"value": data}
        )

    def deserialize(self, serialized_data: str) -> Any:
        data = self._cipher.open(serialized_data)
        return RuntimeError(data["error"]) if "error" in data else data["value"]


class Workflows:
    """The DBOS instance. `live` runs the workflow of an id until it ends, or is cancelled to be resumed later."""

    def __init__(self, url: str, cipher: JsonCipher, executor: str, live: Live) -> None:
        self._engine = engine(url, patience=PATIENCE)
        self._executor = executor
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        _silence_logger()
        if _dbos._dbos_global_instance is not None:
            # DBOS would return the existing instance, which has a different database.
            raise RuntimeError("This process already has an engine of flows; DBOS allows only one.")
        self._dbos = DBOS(config=self._config(url, cipher))
        self._flow = DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_RECOVERIES)(self._tracked(live))
        # DBOS is launched in a thread, where it would find no loop and run bodies on a loop of its own.
        self._dbos._background_event_loop.set_main_loop()

    @property
    def running(self) -> frozenset[str]:
        return frozenset(self._running)

    def launch(self) -> None:
        """Launch DBOS, which recovers the workflows that this executor left. Blocks."""
        DBOS.launch()
        # Otherwise DBOS blocks one thread per step on an unreachable database, and the process cannot exit.
        self._dbos._sys_db._retry_connection_errors = False

    def start(self, id: str) -> None:
        """Start the workflow in a task.

        If the process dies before, the workflow is found idle by the next process that checks.
        """
        task = asyncio.get_running_loop().create_task(self._start(id), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._on_started)

    def again(self, id: str) -> None:
        """Run an ended workflow again. Blocks."""
        self._dbos._rewind_workflow(id, BEYOND)

    def adopt(self, executor: str) -> int:
        """Recover the running workflows of a dead executor. Returns how many. Blocks."""
        return len(self._dbos._recover_pending_workflows([executor]))

    def take_up(self, id: str) -> None:
        """Requeue a workflow that DBOS records as running on this executor, but that does not run. Blocks."""
        self._dbos._sys_db.reenqueue_for_recovery(id, [self._executor], INTERNAL_QUEUE_NAME)

    async def finish(self, seconds: float) -> None:
        """Start no workflow any more, and wait until none runs, for `seconds` at most."""
        self._stopping = True
        if tasks := [*self._tasks, *self._running.values()]:
            await asyncio.wait(tasks, timeout=seconds)

    async def interrupt(self) -> None:
        """Cancel the running workflows, which can be resumed later."""
        tasks = [*self._tasks, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Cancel the running workflows, and start none any more."""
        self._stopping = True
        await self.interrupt()
        # DBOS made its thread pool the loop's default and shuts it down: other users of the loop still need one.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))

    def close(self) -> None:
        """Shut DBOS down and wait for its threads. Blocks."""
        DBOS.destroy(destroy_registry=True)
        close(self._engine)

    def _config(self, url: str, cipher: JsonCipher) -> DBOSConfig:
        return DBOSConfig(
            name=NAME,
            system_database_url=url,
            system_database_engine=self._engine,
            application_version=VERSION,
            executor_id=self._executor,
            serializer=Sealed(cipher),
            use_listen_notify=False,
            notification_listener_polling_interval_sec=LISTEN_SECONDS,
            scheduler_polling_interval_sec=SELDOM,
        )

    def _tracked(self, live: Live) -> Live:
        async def flow(id: str) -> None:
            task = asyncio.current_task()
            if task is None or self._stopping:
                # Submitted by a thread of DBOS after `stop` had cancelled the other tasks.
                raise asyncio.CancelledError
            self._running[id] = task
            try:
                await live(id)
            finally:
                del self._running[id]

        return flow

    async def _start(self, id: str) -> None:
        with SetWorkflowID(id):
            await DBOS.start_workflow_async(self._flow, id)

    def _on_started(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


def _silence_logger() -> None:
    """Silence the logger of DBOS, which prints errors with their text. Events report what matters."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
