"""The contract of spools: what a flow holds is there for it, in whichever process it runs, until it is released."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.uploads.spool import Spool

Begin = Callable[[str], Awaitable[Spool]]
FLOW, OTHER = "web:aa11", "web:bb22"


async def pieces(content: bytes, size: int = 2**20) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def uploaded(spool: Spool, content: bytes, *holders: str, ready: bytes | None = None) -> str:
    """A request's file, which flows hold when the request has ended."""
    async with spool.intake() as session:
        stored = await session.take(pieces(content))
        if ready is not None:
            await spool.replace(stored.sha256, ready)
        for holder in holders:
            await spool.hold(stored.sha256, holder)
    return stored.sha256


class SpoolContract:
    """The fixture `begin` returns the spool of a new process that may continue the flows of the others."""

    @pytest.mark.parametrize("size", [0, 1, 100_000, 11_000_000])
    async def test_a_flow_finds_its_file_in_another_process(self, begin: Begin, size: int) -> None:
        content = b"0123456789" * (size // 10) or b"x" * size
        name = await uploaded(await begin("one"), content, FLOW)
        path = await (await begin("other")).fetch(name, FLOW)
        assert path is not None
        assert sha256(path.read_bytes()) == name == sha256(content)

    async def test_a_flow_finds_the_file_as_it_is_to_be_sent(self, begin: Begin) -> None:
        name = await uploaded(await begin("one"), b"a HEIC", FLOW, ready=b"a JPEG")
        path = await (await begin("other")).fetch(name, FLOW)
        assert path is not None
        assert path.read_bytes() == b"a JPEG"

    async def test_what_nobody_holds_is_gone(self, begin: Begin) -> None:
        one, other = await begin("one"), await begin("other")
        name = await uploaded(one, b"a picture", FLOW)
        assert await one.fetch(sha256(b"another"), FLOW) is None
        await other.fetch(name, FLOW)
        await other.release(name, FLOW)
        await one.release(name, FLOW)
        await one.release(name, FLOW)
        assert [await spool.fetch(name, FLOW) for spool in (one, other)] == [None, None]

    async def test_each_of_two_flows_has_its_file_until_it_releases_it(self, begin: Begin) -> None:
        one, other = await begin("one"), await begin("other")
        name = await uploaded(one, b"a picture", FLOW, OTHER)
        await one.release(name, FLOW)
        path = await other.fetch(name, OTHER)
        assert path is not None
        assert path.read_bytes() == b"a picture"

    async def test_a_sweep_leaves_what_a_flow_or_a_young_hold_needs(self, begin: Begin) -> None:
        one = await begin("one")
        needed = await uploaded(one, b"a picture", FLOW)
        unneeded = await uploaded(one, b"another picture", OTHER)
        await one.sweep([FLOW], grace=600.0)
        assert await (await begin("second")).fetch(unneeded, OTHER) is not None
        await one.sweep([FLOW], grace=-60.0)
        third = await begin("third")
        await third.sweep([FLOW], grace=-60.0)
        assert await third.fetch(needed, FLOW) is not None
        assert await third.fetch(unneeded, OTHER) is None
