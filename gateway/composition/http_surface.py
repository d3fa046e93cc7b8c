"""The HTTP surface of one process: the routes of GraphQL, and the middleware around all routes."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from gateway.composition.client_access import ClientAccess
from gateway.composition.operations import Operations
from gateway.correlation import RequestIds
from gateway.http.bodies import Bodies
from gateway.http.completion import CompletionMiddleware, CorrelationMiddleware
from gateway.http.disconnect import InPieces
from gateway.http.endpoint import GraphQLEndpoint, route
from gateway.http.exact_match_cache import ExactMatchCacheMiddleware
from gateway.http.execution import OperationHandler
from gateway.http.hosts import HostCheck, Hosts
from gateway.http.replays import ReplayObserver
from gateway.http.request_spans import RequestSpans
from gateway.http.routes import console, root
from gateway.http.transports.batching import Batches
from gateway.http.transports.operation_stream import OperationRunner
from gateway.http.transports.websocket import socket_route
from gateway.http.uploads import Uploads
from gateway.settings import Settings
from gateway.uploads.spool import Spool


@dataclass(frozen=True)
class HttpSurface:
    """The surface over a runner of operations. Without a spool no files are received."""

    settings: Settings
    access: ClientAccess
    operations: Operations
    runner: OperationRunner
    spool: Spool | None
    ids: RequestIds
    observer: ReplayObserver
    bodies: Bodies = field(default_factory=Bodies)

    def routes(self) -> list[BaseRoute]:
        allowed = self.settings.allowed_origins or frozenset()
        return [
            route(self._endpoint(allowed), allowed, self._uploads()),
            socket_route(self.runner, self.access.long_lived, allowed),
            console.route(),
            *root.routes(),
        ]

    def middleware(self, hosts: Hosts | None) -> list[Middleware]:
        """Return the middleware, outermost first."""
        exact_match = Middleware(
            ExactMatchCacheMiddleware,
            clients=self.access.clients,
            stored=self.operations.stored,
            responses=self.operations.answers.responses,
            observer=self.observer,
        )
        checks = [] if hosts is None else [Middleware(HostCheck, hosts=hosts, around=self._around_refusal)]
        # A replay has the request id without the middleware: that would take longer than the rest of a replay's log.
        tracer = self.runner.running.tracer
        spans = [] if tracer is None else [Middleware(RequestSpans, tracer=tracer)]
        return [Middleware(InPieces), *spans, *checks, exact_match, Middleware(CorrelationMiddleware, ids=self.ids)]

    def _around_refusal(self, app: ASGIApp) -> ASGIApp:
        """Return `app`, which refuses requests before all routes, such that its answers are correlated and counted."""
        return CorrelationMiddleware(CompletionMiddleware(app, running=self.runner.running), ids=self.ids)

    def _endpoint(self, allowed: frozenset[str]) -> GraphQLEndpoint:
        return GraphQLEndpoint(
            OperationHandler(self.runner, self.operations.answers, self.access.long_lived),
            Batches(self.runner),
            self.operations.stored,
            self.access.clients.identify,
            self.runner.scheduler,
            bodies=self.bodies,
            running=self.runner.running,
            longest_batch=self.settings.batch_limit,
            allowed=allowed,
        )

    def _uploads(self) -> Middleware | None:
        if self.spool is None:
            return None
        return Middleware(Uploads, spool=self.spool, identify=self.access.clients.identify, bodies=self.bodies)


def served_hosts(settings: Settings, base_url: str, address: str | None) -> Hosts | None:
    """Return the allowed hosts; None where any host is allowed, because requests without a key get no data there."""
    if settings.clients_file is not None and settings.allowed_hosts is None:
        return None
    urls = [base_url] if settings.public_url is None else [base_url, settings.public_url]
    return Hosts.of(*urls, address=address, allowed=settings.allowed_hosts or frozenset())
