"""Gateways that share a cache, over one upstream that counts its calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway.composition.app import Gateway
from gateway.sandbox import Sandbox, create_sandbox
from gateway.settings import Settings
from tests.shared_cache.listening import CLOCK

UPSTREAM = "http://upstream.test"
URL = "http://127.0.0.1:8000"
# Seconds that the upstream takes: long enough for requests to meet.
LATENCY = 0.05


class SlowTransport(httpx.AsyncBaseTransport):
    """The upstream, over a network. `began` are the times of its requests, without those for the balance.

    `most_at_once` is how many of these were under way at the same time.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.began: list[float] = []
        self._under_way = self.most_at_once = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/sys/"):
            return await self._inner.handle_async_request(request)
        self.began.append(CLOCK.monotonic())
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await CLOCK.sleep(LATENCY)
            return await self._inner.handle_async_request(request)
        finally:
            self._under_way -= 1


class Upstream:
    """The sandbox as the upstream of several gateways."""

    def __init__(self) -> None:
        app = create_sandbox(clock=CLOCK, base_url=UPSTREAM)
        self.sandbox: Sandbox = app.state.sandbox
        self.transport = SlowTransport(httpx.ASGITransport(app))

    @property
    def calls(self) -> dict[str, int]:
        """By path; without the free reads of the balance."""
        return {path: count for path, count in self.sandbox.meter.calls.items() if path != "/sys/balance"}


@dataclass(frozen=True)
class Instance:
    gateway: Gateway
    client: httpx.AsyncClient

    async def ask(self, query: str, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The body of the response."""
        given = {"query": query, "variables": variables}
        response = await self.client.post("/graphql", json=given, headers={"x-billing-explain": "1"})
        body: dict[str, Any] = response.json()
        assert response.status_code == 200, body
        return body

    async def readiness(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.client.get("/readyz")).json()
        return body


@contextlib.asynccontextmanager
async def instance(folder: Path, upstream: Upstream, settings: Mapping[str, str]) -> AsyncIterator[Instance]:
    environ = {
        "GATEWAY_DATA_DIR": str(folder),
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_HIKERAPI_URL": UPSTREAM,
        "GATEWAY_HIKERAPI_RATE": "1000",
        **settings,
    }
    gateway = Gateway(Settings.read(environ), upstream.transport, CLOCK, URL)
    app = gateway.app()
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield Instance(gateway, client)


@contextlib.asynccontextmanager
async def instances(
    number: int, folder: Path, upstream: Upstream, settings: Mapping[str, str]
) -> AsyncIterator[list[Instance]]:
    """So many instances, each with a data directory of its own."""
    async with contextlib.AsyncExitStack() as running:
        yield [
            await running.enter_async_context(instance(folder / str(at), upstream, settings)) for at in range(number)
        ]


def charged(*bodies: dict[str, Any]) -> int:
    return sum(body["extensions"]["billing"]["charged"] for body in bodies)
