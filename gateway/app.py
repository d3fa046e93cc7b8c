"""The composition root: settings and ports in, an ASGI app out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from gateway.cache.flight import Flights
from gateway.cache.freshness import Lifetimes
from gateway.cache.memory import Memory
from gateway.cache.store import Store
from gateway.clients import Client, Clients, Right
from gateway.clock import Clock, SystemClock
from gateway.errors import UpstreamError
from gateway.http import health
from gateway.http.graphql import Endpoint, Terms
from gateway.loaders import Loaders
from gateway.logs import log
from gateway.operations.documents import Documents, quote
from gateway.operations.lifecycle import Errors, Preparation
from gateway.planner.budget import AccountGuard, Allowance, Purse
from gateway.planner.fetch import Buyer, Market
from gateway.planner.ledger import Ledger
from gateway.planner.prices import Prices
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from gateway.upstream.hikerapi import HikerApi, connect
from schema.build import Schema, build_schema
from schema.context import Context

SANDBOX = "/sandbox"
SANDBOX_KEY = "sandbox"
FLUSH_SECONDS = 1.0
BALANCE_SECONDS = 60.0


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    base_url: str = "http://127.0.0.1:8000",
) -> Starlette:
    """The gateway. `transport` carries the upstream calls; `base_url` is where the gateway itself can be reached.

    Raises ClientsFileError and LedgerFileError.
    """
    return Gateway(settings, transport, clock or SystemClock(), base_url).app()


class Gateway:
    """One process's parts, put together."""

    def __init__(
        self, settings: Settings, transport: httpx.AsyncBaseTransport | None, clock: Clock, base_url: str
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.routes: list[BaseRoute] = []
        if settings.sandboxed and transport is None:
            transport = self._sandbox(base_url)
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(settings.database_path, clock=clock)
        self.clients = Clients.load(settings.clients_file) if settings.clients_file else Clients.local()
        self.account = AccountGuard(floor=settings.balance_floor)
        self.market = self._market(transport)
        self.documents = Documents()
        self.schema = self._schema()

    def app(self) -> Starlette:
        endpoint = Endpoint(self.schema, self.context)
        self.routes += [
            Route("/graphql", endpoint.explore, methods=["GET"]),
            Route("/graphql", endpoint.run, methods=["POST"]),
            *health.routes({"upstream": self._upstream_problem}),
        ]
        return Starlette(routes=self.routes, lifespan=self._lifespan)

    def context(self, terms: Terms) -> Context:
        """Raises Unauthenticated."""
        client = self.clients.identify(terms.key)
        forced = Right.FORCE in client.rights
        buyer = Buyer(self.market, self._purse(client, terms.limit), forced=forced)
        return Context(
            client=client,
            buyer=buyer,
            loaders=Loaders.of(buyer),
            quote=partial(quote, self.schema.core, self.documents, buyer.pricer, buyer.facts),
            explains=terms.explains,
        )

    def _purse(self, client: Client, limit: int | None) -> Purse:
        ceilings = [ceiling for ceiling in (client.ceiling, limit) if ceiling is not None]
        allowance = Allowance(client.name, client.allowance, ledger=self.ledger, clock=self.clock)
        return Purse(ceiling=min(ceilings, default=None), allowance=allowance, account=self.account)

    def _sandbox(self, base_url: str) -> httpx.ASGITransport:
        """The embedded upstream, behind the same wire as a real one; its pictures are served to browsers."""
        sandbox = create_sandbox(clock=self.clock, keys=frozenset({SANDBOX_KEY}), base_url=base_url + SANDBOX)
        self.routes.append(Mount(SANDBOX, sandbox))
        return httpx.ASGITransport(sandbox)

    def _market(self, transport: httpx.AsyncBaseTransport | None) -> Market:
        settings = self.settings
        api = connect(
            base_url=settings.hikerapi_url,
            key=settings.hikerapi_key or SANDBOX_KEY,
            rate=settings.hikerapi_rate,
            transport=transport,
            clock=self.clock,
            hook=log,
        )
        store = Store(settings.cache_bytes, self.clock)
        memory = Memory(store, clock=self.clock, lifetimes=_lifetimes(settings))
        return Market(api, memory, Prices(), Flights(), self.clock, log)

    def _schema(self) -> Schema:
        return build_schema([lambda: Errors(log), lambda: Preparation(self.documents)])

    def _upstream_problem(self) -> str | None:
        return None

    async def _read_balance(self) -> None:
        """Free. While it fails, the guard counts down from what it knew."""
        with contextlib.suppress(UpstreamError):
            balance = await self.market.api.balance()
            self.account.note_balance(balance.requests)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()
            await self.clock.sleep(seconds)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        background = [
            asyncio.create_task(self._every(FLUSH_SECONDS, self.ledger.flush)),
            asyncio.create_task(self._every(BALANCE_SECONDS, self._read_balance)),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self.market.flights.drain()
            await self.market.api.aclose()
            await self.ledger.flush()
            self.ledger.close()


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        tray=settings.ttl_tray,
        highlight=settings.ttl_highlight,
        profile=settings.ttl_profile,
        username=settings.ttl_username,
        missing=settings.ttl_missing,
        stale=settings.stale_limit,
        margin=settings.url_margin,
    )
