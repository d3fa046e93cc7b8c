"""The composition root: it builds an ASGI app from settings and ports."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette

from gateway.billing.budget import AccountGuard
from gateway.clock import Clock, SystemClock
from gateway.composition.client_access import ClientAccess
from gateway.composition.http_surface import HttpSurface, served_hosts
from gateway.composition.media_proxy import MediaProxyComponent
from gateway.composition.memory_budget import MemoryBudget
from gateway.composition.operation_context import OperationContexts
from gateway.composition.operations import Operations
from gateway.composition.publishing import PublishingComponent
from gateway.composition.read_side import ReadSide
from gateway.composition.sandbox import embedded_sandbox
from gateway.composition.spending import Spending
from gateway.durable.port import Durable
from gateway.events import fan_out
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.routes import health
from gateway.http.transports.operation_stream import OperationRunner
from gateway.logs import log
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
        self.hosts = served_hosts(settings, base_url, address)
        self.memory = MemoryBudget(settings.cache_bytes)
        is_embedded = settings.sandboxed and transport is None
        self.sandbox = embedded_sandbox(settings, clock, base_url) if is_embedded else None
        transport = self.sandbox.transport if self.sandbox else transport
        account = AccountGuard(floor=settings.balance_floor)
        self.health = health.HealthMonitor(account)
        self.hook = fan_out([log, self.health.hear])
        self.spending = Spending(settings, account, clock, self.hook)
        self.access = ClientAccess(settings, clock)
        self.reading = ReadSide(
            settings, transport, self.memory, account=account, sharers=workers, clock=clock, hook=self.hook
        )
        services, clients = self.reading.services, self.access.clients
        writes = is_embedded or settings.platform_token
        self.publishing = PublishingComponent(settings, transport, clients, services, durable) if writes else None
        self.media_proxy = MediaProxyComponent(settings, self.sandbox, base_url, services, self.spending)
        self.operations = Operations(settings, self.memory, services, self.reading.projections)
        self.contexts = OperationContexts(
            settings, clients, self.spending, services, self.publishing, self.media_proxy.links, self.operations
        )
        self.places = ConnectionLimiter(settings.connections)

    def app(self) -> Starlette:
        operations, services, publishing = self.operations, self.reading.services, self.publishing
        runner = OperationRunner(operations.schema, operations.stored, self.contexts.of, self.hook, services.scheduler)
        spool = None if publishing is None else publishing.spool
        surface = HttpSurface(self.settings, self.access, operations, runner, self.places, spool)
        routes = [
            *([] if self.sandbox is None else [self.sandbox.route]),
            *surface.routes(),
            *([] if publishing is None else publishing.routes()),
            *self.media_proxy.routes(),
            *health.routes(self._problems, self.health.warnings, services.memory.store),
        ]
        middleware = surface.middleware(self.hosts)
        app = Starlette(routes=routes, middleware=middleware, lifespan=self._lifespan)
        app.router.redirect_slashes = False  # it would redirect to whatever host the client's `Host` header names
        return app

    def _problems(self) -> dict[str, str]:
        """Return one sentence for each part that limits the gateway's service."""
        flows = None if self.publishing is None else self.publishing.durable.problem()
        return self.health.problems() | ({} if flows is None else {"flows": flows})

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Run the parts in the order in which they are built, and stop them in the reverse one."""
        async with contextlib.AsyncExitStack() as running:
            for part in (self.spending, self.access, self.reading, self.publishing, self.media_proxy):
                if part is not None:
                    await running.enter_async_context(part.running())
            yield
