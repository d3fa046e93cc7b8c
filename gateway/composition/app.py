"""The composition root: it builds an ASGI app from settings and ports."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette

from gateway.billing.account_guard import AccountGuard
from gateway.clock import Clock, SystemClock
from gateway.composition.client_access import ClientAccess
from gateway.composition.control import Control
from gateway.composition.gateway_keys import GatewayKeys
from gateway.composition.http_surface import HttpSurface, served_hosts
from gateway.composition.media_proxy import MediaProxyComponent
from gateway.composition.observers import Observers
from gateway.composition.operation_context import OperationContexts
from gateway.composition.operations import Operations
from gateway.composition.process import ALONE, Process
from gateway.composition.publishing import PublishingComponent
from gateway.composition.read_side import ReadSide
from gateway.composition.sandbox import embedded_sandbox
from gateway.composition.spending import Spending
from gateway.composition.traces import TraceExport
from gateway.durable.port import Durable
from gateway.http.routes import health
from gateway.http.shutdown import STATE, Shutdown
from gateway.settings import Settings


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
    """The parts of one process."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        clock: Clock,
        base_url: str,
        *,
        durable: Durable | None = None,
        process: Process = ALONE,
        traces: TraceExport | None = None,
    ) -> None:
        """Build the parts. `traces` takes the place of the export that the settings ask for."""
        settings.proxies.check()
        self.settings, self.url, self.workers = settings, base_url, process.workers
        self.hosts = served_hosts(settings, base_url, process.address)
        self.sandbox = embedded_sandbox(settings, clock, base_url) if transport is None else None
        transport = self.sandbox.transport if self.sandbox else transport
        account = AccountGuard(floor=settings.balance_floor)
        self.health = health.HealthMonitor(account)
        writes = self.sandbox is not None or settings.platform_url is not None
        self.observers = Observers(settings, clock, self.health.hear, traces, publishes=writes)
        self.hook = self.observers.hook
        self.shutdown = Shutdown(self.hook)
        self.spending = Spending(settings, account, clock, self.hook)
        try:
            self._build(transport, durable, process, clock, writes=writes)
        except BaseException:
            self.spending.close()
            raise

    def _build(
        self,
        transport: httpx.AsyncBaseTransport | None,
        durable: Durable | None,
        process: Process,
        clock: Clock,
        *,
        writes: bool,
    ) -> None:
        """Build the parts that spend."""
        settings = self.settings
        self.keys = GatewayKeys(settings, clock)
        self.access = ClientAccess(settings, clock, self.shutdown)
        self.reading = ReadSide(
            settings, transport, self.observers, self.keys, self.spending, sharers=process.workers, clock=clock
        )
        self.memory, services, clients = self.reading.memory, self.reading.services, self.access.clients
        parts = settings, transport, clients, services, durable, self.shutdown, self.keys, self.url
        self.publishing = PublishingComponent(*parts, self.spending) if writes else None
        self.media_proxy = MediaProxyComponent(settings, self.sandbox, self.url, services, self.spending, self.keys)
        self.operations = Operations(settings, self.memory, services, self.reading.projections)
        self.control = Control(self, clock, process.sockets)
        links = self.media_proxy.links
        self.contexts = OperationContexts(
            settings,
            clients,
            self.spending,
            services,
            self.publishing,
            links,
            self.operations,
            self.control,
            self.control.erasures,
        )

    def app(self) -> Starlette:
        operations, services, publishing = self.operations, self.reading.services, self.publishing
        runner = operations.runner(self.contexts.of, services)
        spool = None if publishing is None else publishing.spool
        surface = HttpSurface(
            self.settings, self.access, operations, runner, spool, self.observers.ids, self.observers.replays
        )
        routes = [
            *([] if self.sandbox is None else [self.sandbox.route]),
            *surface.routes(),
            *([] if publishing is None else publishing.routes()),
            *self.control.erasures.routes(),
            *self.media_proxy.routes(),
            *health.routes(self.problems, self.health.warnings, services.memory.store, self.shutdown),
        ]
        middleware = surface.middleware(self.hosts)
        app = Starlette(routes=routes, middleware=middleware, lifespan=self._lifespan)
        app.router.redirect_slashes = False  # it would redirect to whatever host the client's `Host` header names
        return app

    def problems(self) -> dict[str, str]:
        """Return one sentence for each part that limits the gateway's service."""
        keys = {} if self.keys.problem is None else {"keys": self.keys.problem}
        return (
            self.health.problems()
            | keys
            | self.control.erasures.problems()
            | ({} if self.publishing is None else self.publishing.problems())
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[dict[str, object]]:
        """Run the parts in the order in which they are built, and stop them in the reverse one.

        The state that is yielded is for the server.
        """
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(self.observers.tracing.running())
            running.callback(lambda: self.observers.stopped(len(self.operations.running)))
            for part in (
                *(self.spending, self.keys, self.access, self.reading),
                *(self.publishing, self.media_proxy, self.control),
            ):
                if part is not None:
                    await running.enter_async_context(part.running())
            await running.enter_async_context(self.observers.running(self))
            publishes = self.publishing is not None
            self.observers.lifecycle.started(self.settings, self.url, self.workers, publishes=publishes)
            yield {STATE: self.shutdown}
