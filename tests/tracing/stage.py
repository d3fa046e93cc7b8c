"""The reading gateway in-process and in virtual time, traced, with the sandbox as its upstream."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from gateway.composition.app import Gateway
from gateway.sandbox import Sandbox, create_sandbox
from gateway.settings import Settings
from tests.fakes.clock import VirtualClock
from tests.fakes.gateway import Terms, clients_file, key_of
from tests.tracing.recorder import SpanRecorder

ORIGIN = "http://gateway.test"


class Upstream(httpx.AsyncBaseTransport):
    """The sandbox, and the headers of each request for data that reached it."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app)
        self.received: list[Mapping[str, str]] = []
        self.on_request: Callable[[], object] = lambda: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/balance" not in request.url.path:
            self.received.append(request.headers)
            self.on_request()
        return await self._transport.handle_async_request(request)


@dataclasses.dataclass(frozen=True)
class Traced:
    """A running gateway; `recorder` has its spans."""

    client: httpx.AsyncClient
    app: ASGIApp
    sandbox: Sandbox
    upstream: Upstream
    recorder: SpanRecorder

    async def query(
        self, document: str, *, client: str | None = None, headers: Mapping[str, str] | None = None, **variables: Any
    ) -> httpx.Response:
        keyed = {} if client is None else {"x-api-key": key_of(client)}
        body = {"query": document, "variables": variables}
        return await self.client.post("/graphql", json=body, headers={**keyed, **(headers or {})})


@contextlib.asynccontextmanager
async def traced(
    folder: Path, *, clients: Mapping[str, Terms] | None = None, settings: Settings | None = None
) -> AsyncIterator[Traced]:
    clock, recorder = VirtualClock(), SpanRecorder()
    app = create_sandbox(clock=clock, base_url=f"{ORIGIN}/sandbox")
    upstream = Upstream(app)
    settings = dataclasses.replace(settings or Settings(), hikerapi_key="sandbox", data_dir=folder)
    if clients is not None:
        settings = dataclasses.replace(settings, clients_file=clients_file(folder, clients))
    gateway = Gateway(settings, upstream, clock, ORIGIN, traces=recorder.export(clock)).app()
    async with (
        gateway.router.lifespan_context(gateway),
        httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=ORIGIN, timeout=1e6) as client,
    ):
        yield Traced(client, gateway, app.state.sandbox, upstream, recorder)
