"""A transport that is made when something is first sent through it."""

from __future__ import annotations

import asyncio

import httpx

from gateway.upstream.client.network import OnDemand


class Made(httpx.MockTransport):
    """Answers everything, and counts how many were made and closed."""

    made = 0
    closed = 0

    def __init__(self) -> None:
        super().__init__(lambda _: httpx.Response(204))
        type(self).made += 1

    async def aclose(self) -> None:
        type(self).closed += 1


async def test_requests_that_come_together_share_the_one_that_is_made() -> None:
    class Counted(Made):
        pass

    async with httpx.AsyncClient(transport=OnDemand(Counted)) as client:
        answers = await asyncio.gather(*(client.get("https://images.example.com/") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [204] * 3
    assert (Counted.made, Counted.closed) == (1, 1)


async def test_where_nothing_was_sent_there_is_nothing_to_close() -> None:
    class Counted(Made):
        pass

    await OnDemand(Counted).aclose()
    assert (Counted.made, Counted.closed) == (0, 0)
