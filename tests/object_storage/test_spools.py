"""The contract of spools over a directory that processes share, and over S3, with a directory for each host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.uploads.object_storage import CloudObjects
from gateway.uploads.shared_spool import SharedSpool
from gateway.uploads.spool import Spool
from tests.object_storage.server import access, s3
from tests.object_storage.spool_contract import Begin, SpoolContract


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def started(spool: Spool, running: AsyncExitStack) -> Spool:
    await spool.start()
    running.push_async_callback(spool.aclose)
    return spool


class TestDirectory(SpoolContract):
    @pytest.fixture
    def begin(self, tmp_path: Path, running: AsyncExitStack) -> Begin:
        return lambda _: started(Spool(tmp_path), running)


class TestS3(SpoolContract):
    @pytest.fixture
    def begin(self, server: str, tmp_path: Path, running: AsyncExitStack) -> Begin:
        objects = CloudObjects(access(server, tmp_path.name))
        return lambda host: started(SharedSpool(tmp_path / host, objects, SystemClock()), running)
