"""The context of one operation, made of the process's parts and of the request's options."""

from __future__ import annotations

from functools import partial

from gateway.billing.budget import OperationBudget
from gateway.clients import Client, Clients, Right
from gateway.composition.operations import Operations
from gateway.composition.publishing import PublishingComponent
from gateway.composition.spending import Spending
from gateway.control.port import Eraser, Operator
from gateway.http.request_options import RequestOptions
from gateway.loaders import Loader
from gateway.media_proxy.links import Links
from gateway.operations.cache_warmer import CacheWarmer
from gateway.operations.documents import priced
from gateway.operations.quotes import Lanes, Quotes
from gateway.operations.selection_analysis import prefetch
from gateway.planner.call_spans import CallSpans
from gateway.planner.fetcher import Fetcher
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.endpoints import Call
from gateway.settings import Settings
from gateway.spans import LiveSpan
from schema.context import Context


class OperationContexts:
    """The contexts of a process's operations."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        spending: Spending,
        services: UpstreamServices,
        publishing: PublishingComponent | None,
        links: Links,
        operations: Operations,
        operator: Operator,
        eraser: Eraser,
    ) -> None:
        self.clients = clients
        self._proxies = settings.media_proxy
        self._spending = spending
        self._services = services
        self._publishing = publishing
        self._links = links
        self._operations = operations
        self._operator = operator
        self._eraser = eraser
        self._pricing = Lanes()
        self._in_flight: dict[Call, LiveSpan] = {}

    def of(self, terms: RequestOptions) -> Context:
        """Return the context of one operation. Raise Unauthenticated."""
        client = self.clients.identify(terms.key)
        writes = None if self._publishing is None else self._publishing.of(client)
        forced = Right.FORCE in client.rights
        tracer = self._services.tracer
        spans = None if tracer is None else CallSpans(tracer, self._in_flight)
        fetcher = Fetcher(self._services, self._budget(client, terms.limit), forced=forced, spans=spans)
        quotes = self._quotes(fetcher, () if writes is None else writes.connections.ids)
        operates = Right.OPERATE in client.rights
        return Context(
            client=client,
            fetcher=fetcher,
            loader=Loader(fetcher),
            quote=quotes,
            foresee=partial(prefetch, fetcher),
            links=self._links,
            proxies=self._proxies,
            writes=writes,
            operator=self._operator if operates else None,
            warm=CacheWarmer(quotes, fetcher) if operates else None,
            eraser=self._eraser if Right.ERASE in client.rights else None,
            explains=terms.explains,
            streams=terms.streams,
        )

    def _quotes(self, fetcher: Fetcher, accounts: tuple[str, ...]) -> Quotes:
        operations = self._operations
        of_text = partial(priced, operations.schema.core, operations.documents, accounts=accounts)
        return Quotes(operations.stored.priceable, of_text, fetcher, self._pricing)

    def _budget(self, client: Client, limit: int | None) -> OperationBudget:
        ceilings = [ceiling for ceiling in (client.ceiling, limit) if ceiling is not None]
        confirm = partial(self.clients.confirm, client)
        return self._spending.budget(min(ceilings, default=None), client.id, client.allowance, confirm, client.weight)
