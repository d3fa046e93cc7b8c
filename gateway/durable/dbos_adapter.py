"""DBOS, which remembers what steps gave and runs bodies again after a crash. One instance per process.

What it is asked for beyond its documented interface (its pin in pyproject.toml is narrow for this): the loop that its
threads hand workflows to, and taking back work by the name of an executor that is gone.

The version of the application is fixed: DBOS would else strand what is under way with each edit of a body. So a body's
steps are not changed while flows of it may be under way: define the new body under a new name, and let `start` name it.
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
# A flow that has brought its process down so often is not tried again.
MOST_RECOVERIES = 1_000
PATIENCE = 30.0
SELDOM = 3_600.0
# Nothing is listened for, and so nothing read; but its thread must be seen to end when the engine is closed.
LISTEN_SECONDS = 0.25
BEYOND = 2**31 - 1

Live = Callable[[str], Coroutine[Any, Any, None]]


class Sealed(Serializer):
    """JSON under the seal, for what DBOS writes. Exceptions never carry what a step knows: their type is kept alone."""

    def __init__(self, seal: JsonCipher) -> None:
        self._seal = seal

    def name(self) -> str:
        return "highlights_gateway_sealed_1"

    def serialize(self, data: Any) -> str:
        return self._seal.close({"error": type(data).__name__} if isinstance(data, BaseException) else {"value": data})

    def deserialize(self, serialized_data: str) -> Any:
        data = self._seal.open(serialized_data)
        return RuntimeError(data["error"]) if "error" in data else data["value"]


class Workflows:
    """`live` runs the flow of an id until it has ended, or is cancelled to be resumed later."""

    def __init__(self, url: str, seal: JsonCipher, executor: str, live: Live) -> None:
        self._engine = engine(url, patience=PATIENCE)
        self._executor = executor
        self._tasks: set[asyncio.Task[None]] = set()
        self._live: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        _silence()
        if _dbos._dbos_global_instance is not None:
            # DBOS would hand out that one, with the database of another.
            raise RuntimeError("This process has an engine of flows already, and DBOS allows for one.")
        self._dbos = DBOS(config=self._config(url, seal))
        self._flow = DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_RECOVERIES)(self._tracked(live))
        # Launched in a thread it would find no loop, and run bodies on one of its own.
        self._dbos._background_event_loop.set_main_loop()

    @property
    def running(self) -> frozenset[str]:
        return frozenset(self._live)

    def launch(self) -> None:
        """Blocks. Takes up what this executor left."""
        DBOS.launch()
        # It would else keep a thread per step waiting for its database, and the process from ending.
        self._dbos._sys_db._retry_connection_errors = False

    def start(self, id: str) -> None:
        """Soon. Where the process dies before, the flow is found idle by the next that looks."""
        task = asyncio.get_running_loop().create_task(self._start(id), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._started)

    def again(self, id: str) -> None:
        """Blocks. Runs a workflow once more that had ended."""
        self._dbos._rewind_workflow(id, BEYOND)

    def adopt(self, executor: str) -> int:
        """Blocks. Takes over what an executor has under way that is gone; how many."""
        return len(self._dbos._recover_pending_workflows([executor]))

    def take_up(self, id: str) -> None:
        """Blocks. Runs a workflow that this executor has under way by name, and not in fact."""
        self._dbos._sys_db.reenqueue_for_recovery(id, [self._executor], INTERNAL_QUEUE_NAME)

    async def stop(self) -> None:
        """What runs is left where it stands."""
        self._stopping = True
        tasks = [*self._tasks, *self._live.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # DBOS made its own threads the loop's, and ends them: others on the loop still need some.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))

    def close(self) -> None:
        """Blocks: its threads are told to end, and waited for."""
        DBOS.destroy(destroy_registry=True)
        close(self._engine)

    def _config(self, url: str, seal: JsonCipher) -> DBOSConfig:
        return DBOSConfig(
            name=NAME,
            system_database_url=url,
            system_database_engine=self._engine,
            application_version=VERSION,
            executor_id=self._executor,
            serializer=Sealed(seal),
            use_listen_notify=False,
            notification_listener_polling_interval_sec=LISTEN_SECONDS,
            scheduler_polling_interval_sec=SELDOM,
        )

    def _tracked(self, live: Live) -> Live:
        async def flow(id: str) -> None:
            task = asyncio.current_task()
            if task is None or self._stopping:
                # Handed over by a thread of DBOS after all others were told to stop.
                raise asyncio.CancelledError
            self._live[id] = task
            try:
                await live(id)
            finally:
                del self._live[id]

        return flow

    async def _start(self, id: str) -> None:
        with SetWorkflowID(id):
            await DBOS.start_workflow_async(self._flow, id)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


def _silence() -> None:
    """It would print what it retries, with the text of the error. What matters of it is told by events."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
