"""What is remembered of requests stays within GATEWAY_CACHE_BYTES, whatever their senders make long."""

from __future__ import annotations

import asyncio
import gc
import math
import tracemalloc
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message

from gateway.settings import Settings
from tests import profiles
from tests.fakes.gateway import running_gateway
from tests.memory.strangers import KINDS, Kind, Sent

WHOLE = 2**20  # bytes: what the numbers of requests are made for
CACHE = profiles.pick(WHOLE // 4, WHOLE)
# What is made once and no more: code, tables of the standard library, buffers.
ONCE = 250_000
# Neither the upstream's own memory is the gateway's, nor the sources that are read to show a traceback.
FOREIGN = [
    tracemalloc.Filter(False, name)
    for name in ("*/gateway/sandbox/*", "*/linecache.py", "*/tokenize.py", "*/codecs.py", "<frozen codecs>")
]
# Measuring coverage takes memory in the name of the lines that run.
pytestmark = [pytest.mark.no_cover, profiles.scaled, pytest.mark.usefixtures("frozen_heap")]


async def send(app: ASGIApp, sent: Sent) -> int:
    """The status. By ASGI itself: an HTTP client remembers, too."""
    statuses: list[int] = []

    body: list[Message] = [{"type": "http.request", "body": sent.content or b"", "more_body": False}]

    async def receive() -> Message:
        if not body:
            await asyncio.Event().wait()  # nobody hangs up
        return body.pop()

    async def take(message: Message) -> None:
        statuses.append(message.get("status", 0))

    content = len(sent.content or b"")
    headers = {**sent.headers, "host": "gateway.test", "content-length": str(content)}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": sent.method, "path": "/graphql", "raw_path": b"/graphql", "headers": raw}
    scope |= {"query_string": sent.query.encode(), "root_path": "", "scheme": "http", "server": ("gateway.test", 80)}
    await app(scope, receive, take)
    await asyncio.sleep(0)  # a request that waits for nothing leaves the end of its tasks to the next turn of the loop
    return statuses[0]


@pytest.mark.parametrize(
    ("kind", "count", "size"), [pytest.param(*row, id=row[0].__name__) for row in profiles.sample(KINDS)]
)
async def test_what_strangers_send_is_held_within_the_bytes_of_the_cache(
    tmp_path: Path, kind: Kind, count: int, size: int
) -> None:
    """Measured again where it seems too much.

    A gateway that holds too much does so each time, while the interpreter's own tables (of interned strings, by
    megabytes) grow once, on whatever line fills them.
    """
    requests = math.ceil(count * (CACHE + ONCE) / (WHOLE + ONCE))
    for turn in range(2):
        held = await held_after(tmp_path / str(turn), kind, requests, size)
        if sum(trace.size for trace in held.traces) < CACHE + ONCE:
            return
    pytest.fail(str(held.statistics("lineno")[:10]))


async def held_after(folder: Path, kind: Kind, count: int, size: int) -> tracemalloc.Snapshot:
    settings = Settings(cache_bytes=CACHE, hikerapi_rate=10_000.0)
    async with running_gateway(folder, settings=settings, all_heard=False) as gateway:
        for sent in kind(1, 1_000):
            await send(gateway.app, sent)
        gc.collect()
        tracemalloc.start()
        try:
            for sent in kind(count, size):
                await send(gateway.app, sent)
            gc.collect()
            return tracemalloc.take_snapshot().filter_traces(FOREIGN)
        finally:
            tracemalloc.stop()
