"""The media proxy over the wire: many readers, slow ones, and URLs that died."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator

import httpx
from starlette.applications import Starlette

from gateway.http.routes.media import route
from gateway.media_proxy.proxy import COLLECTING, SMALL, STREAMS, STREAMS_EACH, MediaProxy
from gateway.upstream.egress import cdn_client
from tests.media_proxy.harness import FILM, PHOTO, TOKENS, Page, Stage, endless
from tests.media_proxy.servers import Asked, says


class Reel:
    """A picture server in the same process: large media whose bytes take no memory. Counts those under way."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.open_now = self.most = 0

    async def open(self, url: str, *, method: str = "GET", part: str | None = None) -> cdn_client.MediaResponse:
        self.open_now += 1
        self.most = max(self.most, self.open_now)
        response = httpx.Response(200, stream=Film(self))
        return cdn_client.MediaResponse("video/mp4", self.size, None, response)


class Film(httpx.AsyncByteStream):
    def __init__(self, reel: Reel) -> None:
        self.reel = reel

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        for _ in range(self.reel.size // 65_536):
            await asyncio.sleep(0)
            yield bytes(65_536)

    async def aclose(self) -> None:
        self.reel.open_now -= 1


async def never(reference: str, url: str) -> str | None:
    raise AssertionError("nothing has died")


def peer(number: int) -> str:
    return f"192.0.2.{number % (2 * STREAMS // STREAMS_EACH)}"


@contextlib.contextmanager
def measured() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_500_parallel_streams_take_bounded_memory_and_those_beyond_are_told_when_to_come_back(
    stage: Stage,
) -> None:
    """Nobody reads: each stream that is open waits for its reader, and keeps its place."""
    reel = Reel(5_242_880)
    proxy = MediaProxy(reel, never, clock=stage.clock, max_bytes=4 * SMALL, patience=0.05)
    stage.app = Starlette(routes=[route(TOKENS, proxy, stage.clock)])
    reads = asyncio.Event()
    links = [stage.link(stage.url(f"/v/{number}.mp4")) for number in range(500)]
    pages = [Page(stage, link, reads=reads, peer=peer(number)) for number, link in enumerate(links)]
    with measured() as peak:
        asking = [asyncio.create_task(page.ask()) for page in pages]
        await asyncio.gather(*(page.begun.wait() for page in pages))
        refused = [page for page in pages if page.status == 503]
        assert len(refused) == 500 - STREAMS
        assert {page.retry_after for page in refused} == {b"1"}
        reads.set()
        await asyncio.gather(*asking)
        assert peak() < 40_000_000
    served = [page for page in pages if page.status == 200]
    assert len(served) == STREAMS
    assert all(page.is_complete and page.size == reel.size for page in served)
    assert reel.most <= STREAMS + COLLECTING
    assert reel.open_now == 0


async def test_one_peer_has_a_quarter_of_the_places(stage: Stage) -> None:
    """Whoever holds links can hold no more of the answers than that, by however many connections."""
    proxy = MediaProxy(Reel(5_242_880), never, clock=stage.clock, max_bytes=4 * SMALL, patience=0.05)
    stage.app = Starlette(routes=[route(TOKENS, proxy, stage.clock)])
    link, reads = stage.link(), asyncio.Event()
    peers = [f"2001:db8::{number}" for number in range(STREAMS)] + ["2001:db8:0:1::1"]
    pages = [Page(stage, link, reads=reads, peer=peer) for peer in peers]
    asking = [asyncio.create_task(page.ask()) for page in pages]
    await asyncio.gather(*(page.begun.wait() for page in pages))
    assert [page.status for page in pages].count(503) == STREAMS - STREAMS_EACH
    assert pages[-1].status == 200
    reads.set()
    await asyncio.gather(*asking)
    again = Page(stage, link)
    await again.ask()
    assert again.status == 200


async def test_a_slow_reader_slows_down_the_picture_server_and_fills_no_memory(stage: Stage) -> None:
    stage.host.answer = endless
    reads = asyncio.Event()
    page = Page(stage, reads=reads)
    with measured() as peak:
        asking = asyncio.create_task(page.ask())
        await page.begun.wait()
        for _ in range(200):
            await asyncio.sleep(0)
        assert peak() < 10_000_000
    page.gone.set()
    await asking
    assert page.size == 0


async def test_a_page_that_is_closed_frees_its_place(stage: Stage) -> None:
    reel = Reel(5_242_880)
    proxy = MediaProxy(reel, never, clock=stage.clock, max_bytes=SMALL)
    stage.app = Starlette(routes=[route(TOKENS, proxy, stage.clock)])
    for _ in range(3):
        pages = [Page(stage, reads=asyncio.Event(), peer=peer(number)) for number in range(STREAMS)]
        asking = [asyncio.create_task(page.ask()) for page in pages]
        await asyncio.gather(*(page.begun.wait() for page in pages))
        assert {page.status for page in pages} == {200}
        for page in pages:
            page.gone.set()
        await asyncio.gather(*asking)
    assert reel.open_now == 0


async def test_a_large_medium_passes_whole(cinema: Stage) -> None:
    page = Page(cinema)
    await page.ask()
    assert (page.status, page.is_complete) == (200, True)
    assert page.digest.digest() == hashlib.sha256(FILM).digest()


# When a URL dies before its time.


async def test_a_url_that_died_is_renewed_once_for_all(stage: Stage) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        alive = says(body=PHOTO, content_type="image/jpeg")
        await (alive if "oh=new" in asked.target else says("403 Forbidden"))(asked, writer)

    stage.host.answer = answer
    stage.newer = stage.url("/v/1_n.jpg?oh=new&oe=c")
    answers = await asyncio.gather(*(stage.get() for _ in range(5)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, PHOTO)}
    assert stage.renewals == [("item:1", stage.url())]


async def test_a_url_that_cannot_be_renewed_is_gone_and_is_not_bought_again(stage: Stage) -> None:
    """Whoever has the token can ask as often as he likes."""
    stage.host.answer = says("403 Forbidden")
    for _ in range(5):
        answer = await stage.get()
        assert (answer.status_code, answer.headers["cache-control"]) == (410, "no-store")
    assert len(stage.renewals) == 1
    assert len(stage.host.asked) == 1


async def test_a_new_url_that_is_dead_as_well_is_not_renewed_in_turn(stage: Stage) -> None:
    stage.host.answer = says("403 Forbidden")
    stage.newer = stage.url("/v/1_n.jpg?oh=new&oe=c")
    for _ in range(3):
        assert (await stage.get()).status_code == 410
    assert len(stage.renewals) == 1


async def test_trouble_is_no_death(stage: Stage) -> None:
    stage.host.answer = says("500 Internal Server Error")
    answer = await stage.get()
    assert (answer.status_code, answer.headers["retry-after"]) == (502, "1")
    assert stage.renewals == []
