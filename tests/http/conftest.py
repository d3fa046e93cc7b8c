from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from gateway.app import create_app
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, running_gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """Its answers are read as HTTP here, so only the ledger is held against the upstream's bill."""
    async with running_gateway(tmp_path, all_heard=False) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> httpx.AsyncClient:
    return gateway.client


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway on a real port: its URL."""
    settings = dataclasses.replace(Settings(), data_dir=tmp_path_factory.mktemp("data"))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(create_app(settings, base_url=url), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
        client.get(f"{url}/healthz").raise_for_status()  # waits until it serves
    yield url
    server.should_exit = True
    thread.join()
