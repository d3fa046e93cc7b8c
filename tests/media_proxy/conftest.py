"""The proxy on its stage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.media_proxy.harness import PHOTO, Stage, films, staged
from tests.media_proxy.servers import says


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(says(body=PHOTO, content_type="image/jpeg")) as stage:
        yield stage


@pytest.fixture
async def cinema() -> AsyncIterator[Stage]:
    """Its medium is too large to be kept, and its server knows ranges."""
    async with staged(films) as stage:
        yield stage
