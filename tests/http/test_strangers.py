"""Routes that look something up for people whom nobody knows: a few look-ups at a time, and 503 beyond them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.erasure.requests import DataRequest, RequestKind
from gateway.http.routes import oauth
from gateway.http.routes.data_requests import DataRequestRoutes, SignedRequest
from tests.fakes.clock import EPOCH, ManualClock
from tests.fakes.gateway import ORIGIN

CODE = "a" * 22
FOUND = DataRequest(1, CODE, RequestKind.ERASURE, None, "pseudonym", "platform", EPOCH, EPOCH, ())


class SlowStore:
    """A store that answers nobody until it `may_answer`."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0
        self._asked = asyncio.Semaphore(0)

    async def finish(self, *, state: str, code: str, error: str, issuer: str) -> str | None:
        await self._answer()
        return None

    async def find(self, code: str) -> DataRequest | None:
        await self._answer()
        return FOUND

    async def was_asked(self, times: int) -> None:
        """Return when that many more have asked."""
        for _ in range(times):
            await self._asked.acquire()

    async def _answer(self) -> None:
        self.asked += 1
        self._asked.release()
        await self.may_answer.wait()


async def _not_added(request: SignedRequest) -> DataRequest:
    raise AssertionError(request)


def callback(store: SlowStore) -> Route:
    return oauth.route(store)


def page(store: SlowStore) -> Route:
    (route,) = DataRequestRoutes(None, ORIGIN, _not_added, store.find, clock=ManualClock()).routes()
    return route


@pytest.mark.parametrize(
    ("route", "path", "status"),
    [(callback, f"/oauth/callback?state={'a' * 43}&code=b", 400), (page, f"/deletion/{CODE}", 200)],
)
async def test_a_few_look_ups_are_in_progress_at_a_time(
    route: Callable[[SlowStore], Route], path: str, status: int
) -> None:
    store = SlowStore()
    app = Starlette(routes=[route(store)])

    async def asked(host: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.get(path)

    def asking(hosts: list[str]) -> list[asyncio.Task[httpx.Response]]:
        return [asyncio.ensure_future(asked(host)) for host in hosts]

    of_one = asking(["192.0.2.1"] * 4)
    await store.was_asked(4)
    refused = [await asked("192.0.2.1")]
    of_others = asking([f"198.51.100.{number}" for number in range(12)])
    await store.was_asked(12)
    refused.append(await asked("203.0.113.1"))
    assert [(one.status_code, one.headers["retry-after"]) for one in refused] == [(503, "10")] * 2
    assert all(one.headers["cache-control"] == "no-store" for one in refused)
    store.may_answer.set()
    assert {one.status_code for one in await asyncio.gather(*of_one, *of_others)} == {status}
    assert (await asked("192.0.2.1")).status_code == status


@pytest.mark.parametrize("code", ["a" * 21, "a" * 23, "a" * 50_000, "a" * 21 + "%00", "a" * 21 + "é"])
async def test_what_is_no_code_of_a_request_is_not_looked_up(code: str) -> None:
    store = SlowStore()
    transport = httpx.ASGITransport(app=Starlette(routes=[page(store)]))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.get(f"/deletion/{code}")
    assert (answer.status_code, store.asked) == (404, 0)
