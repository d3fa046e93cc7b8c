"""What whoever holds links to media, and no key, can make the gateway spend: the whole gateway, and its pictures."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from gateway.billing.ledger_file import LedgerFile
from gateway.domain.window import Window
from gateway.media_proxy.url_refresh import PAUSE
from gateway.sandbox import fixture_users
from gateway.settings import Settings
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import RunningGateway, WallClock, running_gateway
from tests.profiles import pick, scaled

QUERY = (
    "query($id: ID!) { user(by: { id: $id }) { profilePictureUrl(proxied: true) highlights { nodes { "
    "cover { url(proxied: true) } items { nodes { thumbnailUrl(proxied: true) videoUrl(proxied: true) } } } } } }"
)
OWN = QUERY.replace("true", "false")
THIRTY = {"id": str(fixture_users.THIRTY.pk)}


class MovedClock(WallClock):
    """What is advanced passes for those who measure, too."""

    def monotonic(self) -> float:
        return super().monotonic() + self.now() - EPOCH


class Pictures:
    """The picture server in front of the sandbox's own: it refuses what `refuses` says, by the URL's `oe`."""

    def __init__(self, gateway: RunningGateway, refuses: Callable[[int], bool]) -> None:
        self.asked = Counter[str]()
        self._refuses = refuses
        mounted = (route.app for route in gateway.app.routes if isinstance(route, Mount))
        self._sandbox = next(app for app in mounted if isinstance(app, Starlette) and hasattr(app.state, "sandbox"))
        self._own = next(route for route in self._sandbox.routes if getattr(route, "path", "").startswith("/cdn/"))
        self._sandbox.routes.insert(0, Route("/cdn/{path:path}", self._serve))

    async def _serve(self, request: Request) -> Response:
        self.asked[request.method] += 1
        if self._refuses(int(request.query_params["oe"], 16)):
            return PlainTextResponse("URL signature mismatch", 403)
        response: Response = await self._own.endpoint(request)  # type: ignore[attr-defined]
        return response


def links_in(data: object) -> list[str]:
    if isinstance(data, str):
        return [data] if "/media/" in data else []
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [link for one in inner for link in links_in(one)]


@contextlib.asynccontextmanager
async def staged(folder: Path, **settings: object) -> AsyncIterator[RunningGateway]:
    """Links need no key, so what they cost is in no answer."""
    of = dataclasses.replace(Settings(), hikerapi_rate=10_000.0, **settings)  # type: ignore[arg-type]
    async with running_gateway(folder, settings=of, clock=MovedClock(), all_heard=False) as gateway:
        yield gateway


async def statuses(gateway: RunningGateway, links: list[str], *, at_once: bool) -> Counter[int]:
    if at_once:
        answers = await asyncio.gather(*(gateway.client.get(link) for link in links))
    else:
        answers = [await gateway.client.get(link) for link in links]
    return Counter(answer.status_code for answer in answers)


def spent(folder: Path) -> dict[str, int]:
    """By the gateway itself, by endpoint."""
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        return {row.endpoint: row.billed for row in file.report(date.min, date.max, "media-proxy")}


@scaled
@pytest.mark.parametrize(("at_once", "seconds"), [(False, 0), (True, 120)])
async def test_picture_servers_that_refuse_everything_cost_one_renewal_and_nothing_that_is_remembered(
    tmp_path: Path, at_once: bool, seconds: int
) -> None:
    """Links to what each of 31 answers shows. One that was signed in the same minute names the same URLs again."""
    async with staged(tmp_path) as gateway:
        first = await gateway.query(QUERY, THIRTY)
        assert first.charged == 32
        links = links_in(first.data)[: 300 : pick(4, 1)]
        Pictures(gateway, lambda expiry: True)
        gateway.clock.advance(seconds)
        for _ in range(2):
            assert set(await statuses(gateway, links, at_once=at_once)) <= {410, 503}
        assert gateway.billed - first.charged in (1, 2)
        again = await gateway.query(QUERY.replace("videoUrl", "video: videoUrl"), THIRTY)
        assert (again.errors, again.charged) == ([], 0)
        renewed = gateway.billed
        gateway.clock.advance(PAUSE)
        await statuses(gateway, links, at_once=at_once)
        assert gateway.billed - renewed in (1, 2)
    assert sum(spent(tmp_path).values()) == gateway.billed - first.charged


async def test_renewals_end_with_their_allowance_and_begin_again_with_the_next_window(tmp_path: Path) -> None:
    async with staged(tmp_path, media_allowance=((Window.HOUR, 5), (Window.DAY, 7))) as gateway:
        first = await gateway.query(QUERY, THIRTY)
        items = [links_in(one["items"])[0] for one in first.data["user"]["highlights"]["nodes"]]
        old = {int(url.rpartition("oe=")[2], 16) for url in (await gateway.query(OWN, THIRTY)).urls}
        Pictures(gateway, lambda expiry: expiry in old)
        gateway.clock.advance(120)
        assert await statuses(gateway, items, at_once=False) == {200: 5, 410: 25}
        assert gateway.billed - first.charged == 5
        gateway.clock.advance(1_800)
        assert await statuses(gateway, items, at_once=False) == {200: 7, 410: 23}
        assert gateway.billed - first.charged == 7
    assert spent(tmp_path) == {"highlight": 7}
