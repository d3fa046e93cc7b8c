"""What lasts ends when the key it was begun with is withdrawn, or the right to read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from gateway.clients import Client, Clients, Right
from gateway.clock import Clock
from gateway.errors import Forbidden, GatewayError, Unauthenticated
from gateway.http.transports.operation_stream import Payload

LOOK_SECONDS = 1.0


class Standing:
    """Of those whose connections are open. One look for all of them, whenever the clients are others than before."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._waiting = defaultdict[Client, set[asyncio.Future[GatewayError]]](set)

    async def withdrawn(self, client: Client) -> GatewayError:
        """Waits until `client`, as it was identified, may not go on. Says why."""
        if (problem := self._problem(client)) is not None:  # meanwhile: nobody may look again
            return problem
        waiting = self._waiting[client]
        told: asyncio.Future[GatewayError] = asyncio.get_running_loop().create_future()
        waiting.add(told)
        try:
            return await told
        finally:
            waiting.discard(told)
            if not waiting:
                self._waiting.pop(client, None)

    async def watch(self) -> None:
        """The clients are read again in a thread, and keys expire by themselves: so it looks."""
        seen = self._clients.version
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if (version := self._clients.version) != seen:
                seen = version
                self._look()

    def _look(self) -> None:
        for client, waiting in list(self._waiting.items()):
            if (problem := self._problem(client)) is not None:
                for told in waiting:
                    if not told.done():
                        told.set_result(problem)

    def _problem(self, client: Client) -> GatewayError | None:
        try:
            now = self._clients.confirm(client)
        except Unauthenticated as problem:
            return problem
        if Right.READ in client.rights - now.rights:
            return Forbidden("This client lacks the right `read` now.", right=Right.READ.value)
        return None


async def while_in_standing(
    payloads: AsyncGenerator[Payload, None],
    standing: Standing,
    client: Client,
    refusal: Callable[[Exception], Payload],
) -> AsyncGenerator[Payload, None]:
    """`payloads`, until `client` may not go on: then the last one is the refusal. None is made ahead."""
    queue = asyncio.Queue[Payload | None](1)
    pump = asyncio.create_task(_pump(payloads, queue))
    guard = asyncio.create_task(_guard(standing, client, refusal, pump, queue))
    try:
        while (payload := await queue.get()) is not None:
            yield payload
    finally:
        for task in (guard, pump):
            task.cancel()
        await asyncio.gather(guard, pump, return_exceptions=True)


async def _guard(
    standing: Standing,
    client: Client,
    refusal: Callable[[Exception], Payload],
    pump: asyncio.Task[None],
    queue: asyncio.Queue[Payload | None],
) -> None:
    problem = await standing.withdrawn(client)
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
    await queue.put(refusal(problem))
    await queue.put(None)


async def _pump(payloads: AsyncGenerator[Payload, None], queue: asyncio.Queue[Payload | None]) -> None:
    """In one task, which a generator may rely on."""
    async with aclosing(payloads):
        async for payload in payloads:
            await queue.put(payload)
    await queue.put(None)
