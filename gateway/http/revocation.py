"""The end of long-lived connections when their API key, or the right to read, is revoked."""

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
    """The rights of clients with open connections. One check covers all of them, each time the clients change."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._waiting = defaultdict[Client, set[asyncio.Future[GatewayError]]](set)

    async def withdrawn(self, client: Client) -> GatewayError:
        """Wait until the key or the right to read of `client` is revoked, and return the reason as an error."""
        if (problem := self._problem(client)) is not None:  # revoked already: there may be no later check
            return problem
        waiting = self._waiting[client]
        revoked: asyncio.Future[GatewayError] = asyncio.get_running_loop().create_future()
        waiting.add(revoked)
        try:
            return await revoked
        finally:
            waiting.discard(revoked)
            if not waiting:
                self._waiting.pop(client, None)

    async def watch(self) -> None:
        """Check the clients whenever their version has changed. It polls: a thread reloads them, and keys expire."""
        seen = self._clients.version
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if (version := self._clients.version) != seen:
                seen = version
                self._check_all()

    def _check_all(self) -> None:
        for client, waiting in list(self._waiting.items()):
            if (problem := self._problem(client)) is not None:
                for revoked in waiting:
                    if not revoked.done():
                        revoked.set_result(problem)

    def _problem(self, client: Client) -> GatewayError | None:
        try:
            now = self._clients.confirm(client)
        except Unauthenticated as problem:
            return problem
        if Right.READ in client.rights - now.rights:
            return Forbidden("This client no longer has the right `read`.", right=Right.READ.value)
        return None


async def while_in_standing(
    payloads: AsyncGenerator[Payload, None],
    standing: Standing,
    client: Client,
    refusal: Callable[[Exception], Payload],
) -> AsyncGenerator[Payload, None]:
    """Yield `payloads` until `client` is revoked; then the last one is the error. At most one is buffered."""
    queue = asyncio.Queue[Payload | None](1)
    pump = asyncio.create_task(_pump(payloads, queue))
    watcher = asyncio.create_task(_end_when_revoked(standing, client, refusal, pump, queue))
    try:
        while (payload := await queue.get()) is not None:
            yield payload
    finally:
        for task in (watcher, pump):
            task.cancel()
        await asyncio.gather(watcher, pump, return_exceptions=True)


async def _end_when_revoked(
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
    """Iterate in one task: generators with cancel scopes or context variables rely on that."""
    async with aclosing(payloads):
        async for payload in payloads:
            await queue.put(payload)
    await queue.put(None)
