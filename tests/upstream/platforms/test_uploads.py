"""Files over real sockets, through the transport in use: from the disk, piece by piece, with time for large ones."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import cast

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.domain.publishing import ContainerState, FiledMedium, MediumKind
from gateway.errors import MediumRefused, UpstreamTimeout
from gateway.events import ignore
from gateway.upstream.platforms.client import PublishingPolicy
from gateway.upstream.platforms.dialects import STANDARD, Dialect, connect_publisher
from tests.upstream.platforms.stub import KEY, NATGEO, SELF, TOKEN, FullPublisher, answer, upstream

LOOP = asyncio.SelectorEventLoop
MIB = 2**20
Pour = Callable[[asyncio.StreamReader, int], Awaitable[bytes]]


@dataclass
class Taken:
    """Heads of the requests, and a digest of each body: keeping one would spoil what is measured."""

    heads: list[Message] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


async def digest_of(reader: asyncio.StreamReader, size: int) -> bytes:
    digest, left = hashlib.sha256(), size
    while left:
        piece = await reader.read(min(left, 64 * 1024))
        assert piece, "the body broke off"
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest().encode()


@asynccontextmanager
async def serving(
    body: object, pour: Pour = digest_of, policy: PublishingPolicy = STANDARD, dialect: Dialect = Dialect.PLATFORM
) -> AsyncIterator[tuple[FullPublisher, Taken]]:
    taken = Taken()
    handlers = set[asyncio.Task[None] | None]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        try:
            while not writer.is_closing():
                line, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
                head = BytesHeaderParser().parsebytes(rest)
                method, target, _ = line.decode().split()
                size = int(head.get("content-length", 0))
                if method == "POST":
                    taken.lines.append(f"{method} {target}")
                    taken.heads.append(head)
                    taken.digests.append((await pour(reader, size)).decode())
                content = msgspec.json.encode(body if method == "POST" else SELF)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, AssertionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=64 * 1024)
    port = server.sockets[0].getsockname()[1]
    publisher = connect_publisher(
        dialect=dialect,
        base_url=f"http://127.0.0.1:{port}",
        token=TOKEN,
        clock=SystemClock(),
        hook=ignore,
        policy=policy,
    )
    try:
        yield cast(FullPublisher, publisher), taken
    finally:
        await publisher.aclose()
        server.close()
        # Since Python 3.12 a closed server waits for its connections.
        for handler in handlers:
            if handler is not None:
                handler.cancel()
        await server.wait_closed()


def film(path: Path, size: int) -> FiledMedium:
    with path.open("wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(4, "big") * (MIB // 4))
        file.write(b"x" * (size % MIB))
    return FiledMedium(path, MediumKind.VIDEO, "video/mp4")


async def test_a_hundred_megabytes_pass_through_little_memory(tmp_path: Path) -> None:
    """Several go at once, in a process that has other things to keep."""
    medium = film(tmp_path / "film", 100_000_001)
    async with serving({"id": "18", "status": "IN_PROGRESS"}) as (publisher, taken):
        await publisher.accounts()
        tracemalloc.start()
        try:
            container = await publisher.upload(NATGEO, medium, key=KEY)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert container.state is ContainerState.IN_PROGRESS
    assert peak < 4 * MIB
    (head,) = taken.heads
    opening, closing = frame(str(head.get_boundary()))
    digest = hashlib.sha256(opening)
    with medium.path.open("rb") as file:
        while piece := file.read(MIB):
            digest.update(piece)
    digest.update(closing)
    assert taken.digests == [digest.hexdigest()]
    assert head["content-length"] == str(len(opening) + medium.path.stat().st_size + len(closing))
    assert "transfer-encoding" not in head


def frame(boundary: str) -> tuple[bytes, bytes]:
    """What is around the file, by RFC 7578, as the contract names the fields."""
    opening = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media_type"\r\n\r\nVIDEO\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="medium"\r\n'
        f"Content-Type: video/mp4\r\n\r\n"
    )
    return opening.encode(), f"\r\n--{boundary}--\r\n".encode()


async def test_the_same_upload_is_the_same_body_again(tmp_path: Path) -> None:
    """An upstream may compare bodies under one key; another key is another request."""
    medium = film(tmp_path / "film", 5 * MIB)
    async with serving({"id": "18", "status": "FINISHED"}) as (publisher, taken):
        for key in (KEY, KEY, "another"):
            await publisher.upload(NATGEO, medium, key=key)
    assert taken.lines == ["POST /media/upload"] * 3
    assert taken.digests[0] == taken.digests[1] != taken.digests[2]
    assert [head["idempotency-key"] for head in taken.heads] == [KEY, KEY, "another"]


async def test_the_other_dialect_sends_files_too(tmp_path: Path) -> None:
    medium = film(tmp_path / "film", MIB)
    async with serving({"pk": "31"}, dialect=Dialect.AIOGRAPI) as (publisher, taken):
        container = await publisher.upload(NATGEO, medium, key=KEY)
    assert container.story is not None
    assert container.story.expires_at is None
    assert taken.lines == ["POST /story/upload"]
    assert taken.heads[0]["x-session-id"] == TOKEN


async def test_a_slow_upload_has_time_by_its_size(tmp_path: Path) -> None:
    """Neither the deadline of a small call nor the wait for an answer ends it while it moves."""

    async def slowly(reader: asyncio.StreamReader, size: int) -> bytes:
        for _ in range(8):
            await reader.readexactly(size // 16)
            await asyncio.sleep(0.1)
        return await digest_of(reader, size - size // 16 * 8)

    medium = film(tmp_path / "film", 16 * MIB)
    hasty = replace(STANDARD, read=0.4, deadline=0.3, answer=0.01, slowest_upload=2 * MIB)
    async with serving({"id": "18", "status": "FINISHED"}, slowly, hasty) as (publisher, _):
        assert (await publisher.upload(NATGEO, medium, key=KEY)).state is ContainerState.FINISHED


async def test_an_upload_that_does_not_move_ends_by_its_deadline(tmp_path: Path) -> None:
    async def never(reader: asyncio.StreamReader, size: int) -> bytes:
        await asyncio.sleep(30)
        return b""

    medium = film(tmp_path / "film", 16 * MIB)
    hasty = replace(STANDARD, deadline=0.2, answer=0.01, slowest_upload=100 * MIB)
    async with serving({}, never, hasty) as (publisher, _):
        await publisher.accounts()
        with pytest.raises(UpstreamTimeout):
            await publisher.upload(NATGEO, medium, key=KEY)


async def test_a_file_that_is_gone_is_the_medium_s_fault(tmp_path: Path) -> None:
    platform = upstream(answer(201, {"id": "18", "status": "FINISHED"}))
    with pytest.raises(MediumRefused):
        await platform.publisher().upload(
            NATGEO, FiledMedium(tmp_path / "gone", MediumKind.IMAGE, "image/jpeg"), key=KEY
        )
    assert platform.requests == []
