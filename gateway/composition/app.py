"""The composition root: it builds an ASGI app from settings and ports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from gateway.billing.account import Gauge, watch
from gateway.billing.budget import AccountGuard, Allowance, OperationBudget
from gateway.billing.ledger import Ledger
from gateway.billing.prices import Prices
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.freshness import Lifetimes
from gateway.cache.response_cache import Responses
from gateway.cache.single_flight import SingleFlight
from gateway.cache.store import EntryStore
from gateway.clients import Client, Clients, Right
from gateway.clients.entries import MEDIA_PROXY
from gateway.clients.usage import Uses, UsesUnreadable
from gateway.clock import Clock, SystemClock
from gateway.composition.media_proxy import MediaProxyComponent
from gateway.composition.memory_budget import MemoryBudget
from gateway.composition.publishing import PublishingComponent
from gateway.durable.port import Durable
from gateway.errors import LedgerUnavailable
from gateway.events import LedgerAvailabilityChanged, LedgerLost, fan_out
from gateway.execution import PlanCache, Projections
from gateway.files import check_folder
from gateway.http.bodies import Bodies
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.disconnect import InPieces
from gateway.http.endpoint import GraphQLEndpoint, route
from gateway.http.exact_match_cache import ExactMatchCacheMiddleware
from gateway.http.execution import OperationHandler
from gateway.http.hosts import HostCheck, Hosts
from gateway.http.request_options import RequestOptions
from gateway.http.revocation import Standing
from gateway.http.routes import console, root
from gateway.http.routes.health import HealthMonitor, routes
from gateway.http.transports.batching import Batches
from gateway.http.transports.operation_stream import OperationRunner
from gateway.http.transports.websocket import socket_route
from gateway.http.uploads import Uploads
from gateway.loaders import Loader
from gateway.logs import log
from gateway.operations.documents import DocumentCache, priced
from gateway.operations.extensions import FormatErrors, PrepareOperation
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.quotes import Lanes, Quotes
from gateway.operations.response_cache import ResponseCache
from gateway.operations.selection_analysis import prefetch
from gateway.operations.trusted_documents import Trusted, prints
from gateway.planner.fetcher import Fetcher, UpstreamServices
from gateway.reads.facts import Lifetime
from gateway.sandbox import Control, create_sandbox, pictures_of
from gateway.settings import Settings
from gateway.upstream.client.client import silence_retries
from gateway.upstream.hikerapi.client import connect
from schema.build import Schema, build_schema
from schema.context import Context

SANDBOX = "/sandbox"
SANDBOX_KEY = "sandbox"
# Billed requests per refresh of an image URL: the most expensive answer is a tray, for two, and prices may change.
RENEWAL_CEILING = 4
FLUSH_SECONDS = 1.0
USES_SECONDS = 60.0
# Seconds after the server's own graceful shutdown, within the ten that `docker stop` waits.
DRAIN_SECONDS = 1.5


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    base_url: str = "http://127.0.0.1:8000",
    durable: Durable | None = None,
) -> Starlette:
    """Return the gateway as an ASGI app.

    `transport` carries the upstream calls; `base_url` is the URL of the gateway itself. `durable` runs the workflows,
    in the place of the engine over the database of the settings. Raise Unusable.
    """
    return Gateway(settings, transport, clock or SystemClock(), base_url, durable=durable).app()


class Gateway:
    """The parts of one process. `workers` processes share the upstream's rate limit and the ledger."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        clock: Clock,
        base_url: str,
        *,
        workers: int = 1,
        durable: Durable | None = None,
        address: str | None = None,
    ) -> None:
        """Build the parts. `address` is the address listened on, where it is not the host of `base_url`."""
        settings.proxies.check()
        self.settings = settings
        self.clock = clock
        self.hosts = _hosts(settings, base_url, address)
        self.memory = MemoryBudget(settings.cache_bytes)
        self.workers = workers
        self.routes: list[BaseRoute] = []
        embedded = settings.sandboxed and transport is None
        if embedded:
            transport = self._sandbox(base_url)
        folder = settings.database_path.parent
        check_folder(folder, "GATEWAY_DATA_DIR" if folder == settings.data_dir else "GATEWAY_DATABASE_URL")
        self.ledger = Ledger(settings.database_path, clock=clock)
        self.clients = Clients.load(settings.clients_file, clock) if settings.clients_file else Clients.local()
        self.account = AccountGuard(floor=settings.balance_floor)
        self.vitals = HealthMonitor(self.account)
        self.standing = Standing(self.clients, clock)
        self.hook = fan_out([log, self.vitals.hear])
        self.account.tell = Gauge(settings.balance_floor, settings.balance_warnings, self.hook).hear
        self.services = self._upstream_services(transport)
        self.writing = self._publishing(transport, durable) if embedded or settings.platform_token else None
        self.showing = self._media_proxy(transport if embedded else None, base_url)
        self.documents = DocumentCache(self.memory.documents)
        self.stored = self._stored()
        self.answers = self._answers()
        self.schema = self._schema()
        self.places = ConnectionLimiter(settings.connections)
        self.pricing = Lanes()
        self.bodies = Bodies()

    @property
    def operations(self) -> OperationRunner:
        return OperationRunner(self.schema, self.stored, self.context, self.hook, self.services.scheduler)

    def app(self) -> Starlette:
        allowed = self.settings.allowed_origins or frozenset()
        self.routes += [
            route(self._endpoint(), allowed, self._uploads()),
            socket_route(self.operations, self.places, self.standing, allowed),
            console.route(),
            *(self.writing.routes() if self.writing else ()),
            *self.showing.routes(),
            *routes(self.problems, self.services.memory.store),
            *root.routes(),
        ]
        exact_match = Middleware(
            ExactMatchCacheMiddleware,
            clients=self.clients,
            stored=self.stored,
            kept=self.answers,
            max_bytes=self.memory.requests,
        )
        checks = [] if self.hosts is None else [Middleware(HostCheck, hosts=self.hosts)]
        middleware = [Middleware(InPieces), *checks, exact_match]
        app = Starlette(routes=self.routes, middleware=middleware, lifespan=self._lifespan)
        app.router.redirect_slashes = False  # it would redirect to whatever host the client's `Host` header names
        return app

    def _stored(self) -> PersistedQueries:
        settings = self.settings
        only_trusted = settings.documents == "trusted"
        if only_trusted:
            prints()  # every client names a document by hash: the first would wait for the table of hashes
        trusted = Trusted(settings.documents_file).find
        return PersistedQueries(self.documents, trusted, only_trusted=only_trusted, max_bytes=self.memory.texts)

    def _uploads(self) -> Middleware | None:
        if self.writing is None:
            return None
        return Middleware(Uploads, spool=self.writing.spool, identify=self.clients.identify, bodies=self.bodies)

    def _endpoint(self) -> GraphQLEndpoint:
        runner = OperationHandler(self.operations, self.answers, self.places, self.standing)
        settings = self.settings
        return GraphQLEndpoint(
            runner,
            Batches(self.operations),
            self.stored,
            self.clients.identify,
            self.services.scheduler,
            bodies=self.bodies,
            longest_batch=settings.batch_limit,
            allowed=settings.allowed_origins or frozenset(),
        )

    def problems(self) -> dict[str, str]:
        """Return one sentence for each part that limits the gateway's service."""
        flows = self.writing.durable.problem() if self.writing else None
        return self.vitals.problems() | ({} if flows is None else {"flows": flows})

    def context(self, terms: RequestOptions) -> Context:
        """Return the context of one operation. Raise Unauthenticated."""
        client = self.clients.identify(terms.key)
        writes = None if self.writing is None else self.writing.of(client)
        forced = Right.FORCE in client.rights
        buyer = Fetcher(self.services, self._budget(client, terms.limit), forced=forced)
        return Context(
            client=client,
            buyer=buyer,
            loader=Loader(buyer),
            quote=self._quotes(buyer, () if writes is None else writes.accounts),
            foresee=partial(prefetch, buyer),
            links=self.showing.links,
            proxies=self.settings.media_proxy,
            writes=writes,
            explains=terms.explains,
            streams=terms.streams,
        )

    def _quotes(self, buyer: Fetcher, accounts: tuple[str, ...]) -> Quotes:
        of_text = partial(priced, self.schema.core, self.documents, accounts=accounts)
        return Quotes(self.stored.priceable, of_text, buyer, self.pricing)

    def _budget(self, client: Client, limit: int | None) -> OperationBudget:
        ceilings = [ceiling for ceiling in (client.ceiling, limit) if ceiling is not None]
        allowance = Allowance(client.id, client.allowance, ledger=self.ledger, clock=self.clock)
        confirm = partial(self.clients.confirm, client)
        ceiling = min(ceilings, default=None)
        return OperationBudget(ceiling=ceiling, allowance=allowance, account=self.account, confirm=confirm)

    def _sandbox(self, base_url: str) -> httpx.ASGITransport:
        """Return a transport to the embedded sandbox, over the same HTTP interface as a real upstream.

        Its images are served to browsers. Where other machines are served, the rest of it is not: its key is public.
        """
        sandbox = create_sandbox(
            clock=self.clock,
            keys=frozenset({SANDBOX_KEY}),
            base_url=base_url + SANDBOX,
            control=Control.THIS_MACHINE if self.settings.clients_file is None else Control.NOBODY,
        )
        is_public = self.settings.clients_file is None
        self.routes.append(Mount(SANDBOX, sandbox if is_public else pictures_of(sandbox)))
        return httpx.ASGITransport(sandbox)

    def _publishing(self, transport: httpx.AsyncBaseTransport | None, durable: Durable | None) -> PublishingComponent:
        memory, clock, hook = self.services.memory, self.clock, self.hook
        return PublishingComponent(
            self.settings, transport, clients=self.clients, memory=memory, clock=clock, hook=hook, durable=durable
        )

    def _media_proxy(self, sandbox: httpx.AsyncBaseTransport | None, base_url: str) -> MediaProxyComponent:
        return MediaProxyComponent(
            self.settings,
            sandbox,
            base_url=base_url,
            sandbox_url=base_url + SANDBOX,
            services=self.services,
            budget=self._refresh_budget,
            clock=self.clock,
        )

    def _refresh_budget(self) -> OperationBudget:
        """Return the gateway's own budget: an image link does not name the client that shows it."""
        limits = dict(self.settings.media_allowance)
        allowance = Allowance(MEDIA_PROXY, limits, ledger=self.ledger, clock=self.clock)
        return OperationBudget(ceiling=RENEWAL_CEILING, allowance=allowance, account=self.account)

    def _upstream_services(self, transport: httpx.AsyncBaseTransport | None) -> UpstreamServices:
        settings = self.settings
        api = connect(
            base_url=settings.hikerapi_url,
            key=settings.hikerapi_key or SANDBOX_KEY,
            rate=settings.hikerapi_rate,
            sharers=self.workers,
            transport=transport,
            proxy=settings.proxies.to(settings.hikerapi_url) if transport is None else None,
            clock=self.clock,
            hook=self.hook,
        )
        memory = EntityCache(
            EntryStore(self.memory.entries, self.clock),
            api.endpoints,
            clock=self.clock,
            lifetimes=_lifetimes(settings),
            decoded=DecodedCache(self.memory.models),
            pointers=self.memory.pointers,
        )
        return UpstreamServices(api, memory, Prices(api.endpoints, self.clock), SingleFlight(), self.clock, self.hook)

    def _answers(self) -> ResponseCache:
        responses = Responses(self.memory.responses, store=self.services.memory.store, clock=self.clock)
        return ResponseCache(self.documents, responses)

    def _schema(self) -> Schema:
        extensions = [lambda: FormatErrors(self.hook), lambda: PrepareOperation(self.documents)]
        settings = self.settings
        plans = PlanCache(self.memory.plans, projections=Projections(self.memory.projections))
        return build_schema(extensions, projects=settings.projection, plans=plans, proxies=settings.media_proxy)

    async def _watch_ledger(self) -> None:
        """Flush the ledger periodically. Spending that cannot be written is kept for the next successful flush."""
        writable, lost = True, False
        while True:
            was_writable, was_lost = writable, lost
            writable = await self._flushes()
            lost = not writable and self.ledger.is_lost
            if writable != was_writable:
                self.hook(LedgerAvailabilityChanged(writable))
            if lost and not was_lost:
                self.hook(LedgerLost())
            await self.clock.sleep(FLUSH_SECONDS)

    async def _watch_keys(self) -> None:
        while True:
            await self.clock.sleep(USES_SECONDS)
            await self._note_uses()

    async def _note_uses(self) -> None:
        """Record when keys were last used. Failures are ignored, because the record is informational."""
        if uses := self.clients.take_uses():
            with contextlib.suppress(UsesUnreadable):
                await asyncio.to_thread(Uses(self.settings.data_dir).note, uses)

    async def _flushes(self) -> bool:
        try:
            await self.ledger.flush()
        except LedgerUnavailable:
            return False
        return True

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        silence_retries()
        await self.services.api.start()
        balance = partial(watch, self.services.api, self.account, clock=self.clock, hook=self.hook)
        watches = (self._watch_ledger, balance, self._watch_keys, self.standing.watch)
        background = [asyncio.create_task(begin()) for begin in watches]
        try:
            async with contextlib.AsyncExitStack() as parts:
                if self.writing is not None:
                    await parts.enter_async_context(self.writing.running())
                await parts.enter_async_context(self.showing.running())
                yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self.services.flights.drain(DRAIN_SECONDS)
            await self.services.api.aclose()
            await self._note_uses()
            with self._reporting_unavailability():
                await self.ledger.aclose()

    def close_ledger(self) -> None:
        """Close the ledger of a gateway that never runs; a running one closes it at its end."""
        with self._reporting_unavailability():
            self.ledger.close()

    @contextlib.contextmanager
    def _reporting_unavailability(self) -> Iterator[None]:
        try:
            yield
        except LedgerUnavailable:
            self.hook(LedgerAvailabilityChanged(False))


def _hosts(settings: Settings, base_url: str, address: str | None) -> Hosts | None:
    """Return the allowed hosts; None where any host is allowed, because requests without a key get no data there."""
    if settings.clients_file is not None and settings.allowed_hosts is None:
        return None
    urls = [base_url] if settings.public_url is None else [base_url, settings.public_url]
    return Hosts.of(*urls, address=address, allowed=settings.allowed_hosts or frozenset())


def _lifetimes(settings: Settings) -> Lifetimes:
    ttls = {lifetime: getattr(settings, f"ttl_{lifetime.value}") for lifetime in Lifetime}
    return Lifetimes(ttls, stale=settings.stale_limit, margin=settings.url_margin)
