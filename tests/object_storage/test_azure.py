"""The contract of spools over Azure Blob Storage, with a directory for each host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.uploads.object_storage import CloudObjects
from gateway.uploads.shared_spool import SharedSpool
from gateway.uploads.spool import Spool
from tests.object_storage.azurite_server import access, azurite
from tests.object_storage.spool_contract import Begin, SpoolContract


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with azurite() as url:
        yield url


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class TestAzure(SpoolContract):
    @pytest.fixture
    def begin(self, server: str, tmp_path: Path, running: AsyncExitStack) -> Begin:
        # A container's names are narrower than S3's.
        objects = CloudObjects(access(server, tmp_path.name.replace("_", "-")))

        async def begun(host: str) -> Spool:
            spool = SharedSpool(tmp_path / host, objects, SystemClock())
            await spool.start()
            running.push_async_callback(spool.aclose)
            return spool

        return begun
