"""The work on requests in each process: its own caches for each request, and all steps of those that it claims."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from gateway.clock import Clock, until_first
from gateway.erasure.request_store import SEEN_SECONDS, RequestStore
from gateway.erasure.requests import DataRequest, NotYet, Person, RequestKind, RequestStep
from gateway.events import EventLimit, Hook, InternalErrorMasked
from gateway.store_threads import StoreThreads

T = TypeVar("T")
POLL_SECONDS = 5.0
TIDY_SECONDS = 3_600.0
REPORT_SECONDS = 300.0
FLOWS_STEP = "flows"
SHARED_STEP = "shared cache"
"""The name of the step before which no process empties its caches: until then they could be filled from there."""


class RequestRunner:
    """The runner of one process, which runs since `started_at`, in Unix seconds.

    `forget_here` removes the data of a person from the caches of this process, or all data.

    `errors` are those that pass: of stores that are away. Steps are repeated after them.
    """

    def __init__(
        self,
        store: RequestStore,
        steps: Mapping[RequestKind, Sequence[RequestStep]],
        forget_here: Callable[[Person | None], Awaitable[None]],
        *,
        started_at: float,
        errors: tuple[type[Exception], ...],
        clock: Clock,
        hook: Hook,
    ) -> None:
        self._store = store
        self._steps = steps
        self._forget_here = forget_here
        self._errors = errors
        self._clock = clock
        self._hook = hook
        self._reports = EventLimit(REPORT_SECONDS, clock)
        self._process = uuid.uuid4().hex
        self._applied: frozenset[int] = frozenset()
        self._handled: set[int] = set()
        self._seen_at = started_at
        self._threads = StoreThreads(1, "erasures")
        self._wake = asyncio.Event()
        self._waits_for: str | None = None
        self.problem: str | None = None

    async def call(self, act: Callable[[], T]) -> T:
        """Run a method of the store in its thread."""
        return await self._threads.run(act)

    def wake(self) -> None:
        """Look for requests soon. For the event loop's thread."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        tidied_at = self._clock.monotonic()
        while True:
            self._wake.clear()
            try:
                await self.turn()
                if self._clock.monotonic() - tidied_at >= TIDY_SECONDS:
                    tidied_at = self._clock.monotonic()
                    await self.call(self._store.tidy)
                self.problem = self._waits_for
            except self._errors as error:
                self.problem = str(error)
            except Exception as error:
                self._report(error)
            await until_first(self._wake.wait(), self._clock.sleep(POLL_SECONDS))

    async def turn(self) -> None:
        """Empty the caches of this process for new requests, and work once on each that no other process works on.

        A request that cannot go on now keeps no other from it. Raise the first of `errors` at the end.
        """
        self._waits_for = None
        unfinished = await self.call(self._store.unfinished)
        await self._apply(unfinished)
        claimed: set[int] = set()
        failures: list[Exception] = []
        while (request := await self.call(partial(self._store.claim, frozenset(claimed)))) is not None:
            claimed.add(request.number)
            try:
                await self._work(request)
            except self._errors as error:
                failures.append(error)
            except Exception as error:  # the request stays, and is repeated
                self._report(error)
            finally:
                await self.call(partial(self._store.release, request.code))
        if failures:
            raise failures[0]

    async def aclose(self) -> None:
        """Tell other processes not to wait for this one."""
        try:
            await self.call(partial(self._store.end, self._process))
        except self._errors:
            pass
        finally:
            await self._threads.aclose()
            self._store.close()

    async def is_applied(self, request: DataRequest) -> bool:
        """Return whether all processes have emptied their caches for a request, this one included."""
        await self._apply(await self.call(self._store.unfinished))
        return await self.call(partial(self._store.is_applied, request.number))

    async def _apply(self, unfinished: Sequence[DataRequest]) -> None:
        ready = {one.number: one.person for one in unfinished if SHARED_STEP in one.steps}
        for number, person in ready.items():
            if number not in self._applied and person is not None:
                await self._forget_here(person)
        self._applied = frozenset(ready)
        self._handled |= self._applied
        await self._make_up()
        await self.call(partial(self._store.see, self._process, self._applied))

    async def _make_up(self) -> None:
        """Forget everything if an erasure was finished without this process, which nobody has seen for too long.

        It was frozen, or could not reach the store; whose data was erased, nobody knows any more.
        """
        now = self._clock.now()
        # The clock of the process that finished it may be behind.
        since = self._seen_at - SEEN_SECONDS
        finished = await self.call(partial(self._store.finished_since, since))
        if finished - self._handled:
            await self._forget_here(None)
        self._handled = {*self._applied, *finished}
        self._seen_at = now

    async def _work(self, request: DataRequest) -> None:
        for step in self._steps[request.kind]:
            if step.name in request.steps:
                continue
            assert request.person is not None, "it is known until the request is finished"
            try:
                person = await step.act(request, request.person)
            except NotYet as reason:
                self._waits_for = str(reason) or self._waits_for
                return
            request = request.after(step.name, person)
            await self.call(partial(self._store.note, request))
        await self.call(partial(self._store.finish, request.code))

    def _report(self, error: Exception) -> None:
        if self._reports.allows(type(error).__name__):
            self._hook(InternalErrorMasked(uuid.uuid4().hex, error))
