"""The loop of a server: many who come at once do not keep the next one waiting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.server.loop import MOST_PER_TURN, Loop

CROWD = 300


class Noting(asyncio.Protocol):
    """Notes who has come; `transports` are to be closed by the test."""

    def __init__(self, transports: list[asyncio.BaseTransport]) -> None:
        self.transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(transport)


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)


async def turns_until(transports: list[asyncio.BaseTransport], count: int) -> int:
    turns = 0
    while len(transports) < count and turns < 10 * CROWD:
        turns += 1
        await asyncio.sleep(0)
    return turns


def test_many_connections_are_accepted_in_a_few_turns() -> None:
    async def crowd() -> None:
        transports: list[asyncio.BaseTransport] = []
        listener, loop = socket.create_server(("127.0.0.1", 0)), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Noting(transports), sock=listener, backlog=2 * CROWD)
        with contextlib.ExitStack() as stack:
            for _ in range(CROWD):
                stack.enter_context(socket.create_connection(listener.getsockname()))
            assert await turns_until(transports, CROWD) <= 4 * CROWD // MOST_PER_TURN
            for transport in transports:
                transport.close()
        server.close()
        listener.close()
        await server.wait_closed()

    run(crowd())


def test_a_server_that_is_closed_accepts_nobody() -> None:
    async def close() -> None:
        transports: list[asyncio.BaseTransport] = []
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        server = await asyncio.get_running_loop().create_server(lambda: Noting(transports), sock=listener)
        assert server.is_serving()
        server.close()
        listener.close()
        await server.wait_closed()
        assert not server.is_serving()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(address, timeout=1)
        assert transports == []

    run(close())
