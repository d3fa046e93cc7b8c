from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.composition.app import create_app
from gateway.settings import Settings
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import RunningGateway, running_gateway
from tests.fakes.served import served as serving


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
    # Not the engine of the flows: there is one in a process, and other tests have theirs while this gateway lives.
    with serving(lambda url: create_app(settings, base_url=url, durable=VolatileDurable(SystemClock()))) as url:
        yield url
