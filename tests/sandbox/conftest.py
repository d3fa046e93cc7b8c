from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from gateway.sandbox import Sandbox, create_sandbox
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of, held


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def app(clock: SteppedClock) -> Starlette:
    return create_sandbox(clock=clock, base_url=ORIGIN)


@pytest.fixture
def sandbox(app: Starlette) -> Sandbox:
    return held(app)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
def served(app: Starlette) -> Iterator[str]:
    """The app on a real port: its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
