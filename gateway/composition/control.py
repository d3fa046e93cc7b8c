"""An operator's view of all workers of the gateway, and actions on them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gateway.cache.subject_entries import Target
from gateway.clock import Clock
from gateway.composition.cache_sharing import InstanceData
from gateway.composition.cached_data import CachedData
from gateway.composition.erasures import Erasures
from gateway.composition.memory_shares import memory_shares
from gateway.composition.operator_figures import OperatorFigures
from gateway.control.messages import ForgetRequest, Forgotten, MemoryShare, ReportRequest, Request, WorkerReport
from gateway.control.sockets import WorkerSockets

if TYPE_CHECKING:
    from gateway.composition.app import Gateway

T = TypeVar("T")
# Seconds in which all shared answers are removed. What takes longer goes on, and none is used meanwhile.
FORGET_SECONDS = 10.0
REQUEST: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


class Control(OperatorFigures):
    """The `Operator` of one worker, which asks the others. `gateway` has the parts of this process."""

    def __init__(self, gateway: Gateway, clock: Clock, directory: Path | None) -> None:
        """`directory` is that of the workers' sockets; None where there is one process."""
        super().__init__(gateway, clock)
        services, responses = gateway.reading.services, gateway.operations.answers.responses
        self._data = CachedData(services, responses, gateway.media_proxy.proxy)
        self._shared = None if services.shared is None else services.shared.cache
        if self._shared is not None:
            self._shared.data = InstanceData(services.memory, self._data)
        self._sockets = None if directory is None else WorkerSockets(directory, self._answer)
        self._started_at = clock.now()
        self.erasures = Erasures(gateway, self, clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._started_at = self._clock.now()
        listening = contextlib.nullcontext() if self._sockets is None else self._sockets.listening()
        async with listening, self.erasures.running():
            yield

    async def forget(self, target: Target | None) -> Mapping[int, Forgotten | None]:
        if self._shared is not None:  # first, or what is forgotten would come back from there
            await self._shared.forget(target, FORGET_SECONDS)
        own, others = await asyncio.gather(self._data.forget(target), self._ask(ForgetRequest.about(target), Forgotten))
        return {os.getpid(): own, **others}

    async def empty_shared(self) -> bool:
        """Remove all answers that instances share, and have them forget all data. Return whether it was done already.

        No target is named: the log of invalidations would keep it.
        """
        return self._shared is None or await self._shared.forget(None, FORGET_SECONDS)

    async def forget_person(self, targets: Iterable[Target] | None) -> None:
        """Forget the data of a person in this process alone; None: all data."""
        await (self._data.forget(None) if targets is None else self._data.forget_person(targets))

    async def reports(self) -> Mapping[int, WorkerReport | None]:
        return {os.getpid(): self._report(), **await self._ask(ReportRequest(), WorkerReport)}

    async def _ask(self, request: Request, answer: type[T]) -> dict[int, T | None]:
        """Return the answers of the other workers."""
        if self._sockets is None:
            return {}
        answers = await self._sockets.ask(msgspec.json.encode(request))
        return {id: None if body is None else msgspec.json.decode(body, type=answer) for id, body in answers.items()}

    async def _answer(self, body: bytes) -> bytes:
        request = REQUEST.decode(body)
        answer = await self._data.forget(request.about_target) if isinstance(request, ForgetRequest) else self._report()
        return msgspec.json.encode(answer)

    def _report(self) -> WorkerReport:
        gateway, services = self._gateway, self._gateway.reading.services
        monitor = gateway.observers.upstreams
        return WorkerReport(
            started_at=self._started_at,
            facts={(kind.name or "").lower(): counts for kind, counts in services.memory.statistics().items()},
            responses=gateway.operations.answers.responses.statistics(),
            memory={name: MemoryShare(used(), limit) for name, (limit, used) in memory_shares(gateway).items()},
            upstreams=list(monitor.upstreams.values()),
            retired=dict(monitor.retired),
            calls_in_flight=len(services.flights),
            problems=list(gateway.problems().values()),
        )
