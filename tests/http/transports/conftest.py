"""A gateway with one more root, on a loop whose time is virtual."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
from starlette.applications import Starlette
from strawberry.schema.config import StrawberryConfig

from gateway.composition.app import Gateway
from gateway.errors import NotFound
from gateway.execution import ProjectingExecutionContext
from gateway.operations.extensions import FormatErrors, PrepareOperation
from gateway.settings import Settings
from schema.build import FEDERATION, Schema
from schema.query import Query
from schema.scalars import SCALARS
from schema.types.highlight import Highlight
from schema.types.item import Item
from schema.types.user import User
from tests.fakes.clock import VirtualClock, VirtualLoop
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import Terms, clients_file


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}


@strawberry.type
class Ticks:
    """What a subscription can do. `running` counts those that have begun and not ended."""

    running = 0

    @strawberry.subscription
    async def ticks(self, to: int, every: float = 1.0) -> AsyncGenerator[int, None]:
        Ticks.running += 1
        try:
            for number in range(to):
                await asyncio.sleep(every)
                yield number
        finally:
            Ticks.running -= 1

    @strawberry.subscription
    async def breaks(self, expected: bool = False) -> AsyncGenerator[int, None]:
        yield 0
        if expected:
            raise NotFound("Gone.")
        raise RuntimeError("secret of the inside")


@dataclasses.dataclass
class Served:
    gateway: Gateway
    app: Starlette
    client: httpx.AsyncClient


Serve = Callable[..., Any]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """A function of clients and settings to a gateway whose subscriptions are those of Ticks."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, clients: Mapping[str, Terms] | None = None, **settings: Any) -> Served:
            table = Settings(data_dir=tmp_path, **settings)
            if clients is not None:
                table = dataclasses.replace(table, clients_file=clients_file(tmp_path, clients))
            clock = VirtualClock()
            gateway = Gateway(table, None, clock, "http://gateway.test", durable=VolatileDurable(clock))
            gateway.operations.schema = ticking(gateway)
            app = gateway.app()
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app=app)
            client = httpx.AsyncClient(transport=transport, base_url="http://gateway.test")
            return Served(gateway, app, await stack.enter_async_context(client))

        yield start


@pytest.fixture
async def served(serve: Serve) -> Served:
    started: Served = await serve()
    return started


def ticking(gateway: Gateway) -> Schema:
    return Schema(
        query=Query,
        subscription=Ticks,
        types=[Highlight, Item, User],
        federation_version=FEDERATION,
        execution_context_class=ProjectingExecutionContext,
        extensions=[lambda: FormatErrors(gateway.hook), lambda: PrepareOperation(gateway.operations.documents)],
        config=StrawberryConfig(enable_experimental_incremental_execution=True, scalar_map=SCALARS),
    )
