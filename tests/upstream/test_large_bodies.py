"""Several large answers at once: so many are received, each is read in a turn of its own, and others have theirs."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from gateway.errors import UpstreamTimeout
from gateway.reads.endpoints import Call
from gateway.upstream.client.bodies import MODEST, MOST_LARGE, TURN
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.decoding import ResponseShape
from tests.upstream.harness import NATGEO, TRAY, Upstream
from tests.upstream.test_oversized import Body

LARGE = TRAY + b" " * (2 * MODEST - len(TRAY))
CODINGS: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "gzip": gzip.compress}


class Gated(Body):
    """The last piece waits for the gate."""

    def __init__(self, body: bytes, gate: asyncio.Event) -> None:
        super().__init__(body[: len(body) * 3 // 4], body[len(body) * 3 // 4 :])
        self.gate = gate

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in super().__aiter__():
            if piece is self.pieces[-1]:
                await self.gate.wait()
            yield piece


def serving(gate: asyncio.Event, body: bytes, sent: list[Gated]) -> Upstream:
    async def play(request: httpx.Request) -> httpx.Response:
        sent.append(Gated(body, gate))
        return httpx.Response(200, stream=sent[-1], headers={"x-hiker-info": "reqs=2"})

    return Upstream(play)


async def test_so_many_large_answers_are_received_at_once_and_others_wait() -> None:
    gate, sent = asyncio.Event(), list[Gated]()
    api = serving(gate, LARGE, sent).api()
    asking = [asyncio.create_task(api.fetch(NATGEO)) for _ in range(3 * MOST_LARGE)]
    await asyncio.sleep(1)
    assert len(sent) == len(asking)
    assert sum(one.sent == len(LARGE) for one in sent) == MOST_LARGE
    gate.set()
    outcomes = await asyncio.gather(*asking)
    assert [outcome.body for outcome in outcomes] == [LARGE] * len(asking)


async def test_who_finds_no_place_waits_within_the_deadline() -> None:
    gate, sent = asyncio.Event(), list[Gated]()
    api = serving(gate, LARGE, sent).api(policy=Policy(attempts=1))
    outcomes = await asyncio.gather(*(api.fetch(NATGEO) for _ in range(MOST_LARGE + 1)))
    assert all(isinstance(outcome.problem, UpstreamTimeout) for outcome in outcomes)
    gate.set()
    assert (await api.fetch(NATGEO)).body == LARGE


async def test_modest_answers_do_not_wait_for_large_ones() -> None:
    gate, sent = asyncio.Event(), list[Gated]()
    upstream = serving(gate, LARGE, sent)
    api = upstream.api()
    asking = [asyncio.create_task(api.fetch(NATGEO)) for _ in range(MOST_LARGE)]
    await asyncio.sleep(1)
    upstream.steps = [httpx.Response(200, content=TRAY)]
    assert (await api.fetch(Call(endpoints.TRAY, "787132", forced=True))).body == TRAY
    gate.set()
    await asyncio.gather(*asking)


async def test_others_have_a_turn_before_each_large_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 0
    read: list[int] = []
    reads = ResponseShape.read

    def noted(*arguments: Any) -> Any:
        read.append(turns)
        return reads(*arguments)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(ResponseShape, "read", noted)
    body = TRAY + b" " * TURN
    api = Upstream(httpx.Response(200, content=body)).api()
    counting = asyncio.create_task(count())
    await asyncio.gather(*(api.fetch(NATGEO) for _ in range(10)))
    counting.cancel()
    assert len(set(read)) == len(read) == 10


@pytest.mark.parametrize("coding", CODINGS)
async def test_others_have_their_turn_while_an_answer_is_unpacked(coding: str) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    body = TRAY + b" " * (40 * TURN)
    answer = httpx.Response(200, content=CODINGS[coding](body), headers={"content-encoding": coding})
    stream = Body(answer.content)

    async def play(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=stream, headers=answer.headers)

    api = Upstream(play).api()
    counting = asyncio.create_task(count())
    assert (await api.fetch(NATGEO)).body == body
    counting.cancel()
    assert turns >= (20 if coding == "gzip" else 1)
