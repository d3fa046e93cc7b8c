"""The proxy on its stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.media_proxy.harness import PHOTO, Stage, films, staged
from tests.media_proxy.servers import says


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A module that waits for time alone names a LOOP of virtual time."""
    module = item.getparent(pytest.Module)
    return {"loop": getattr(module and module.obj, "LOOP", asyncio.new_event_loop)}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(says(body=PHOTO, content_type="image/jpeg")) as stage:
        yield stage


@pytest.fixture
async def cinema() -> AsyncIterator[Stage]:
    """Its medium is too large to be kept, and its server knows ranges."""
    async with staged(films) as stage:
        yield stage
