"""The operations of one process: documents, cached responses, and the schema that executes what is not cached."""

from __future__ import annotations

from collections.abc import Callable

from gateway.cache.response_cache import Responses
from gateway.composition.memory_budget import MemoryBudget
from gateway.execution import PlanCache, Projections
from gateway.http.exact_match_cache import ExactReplay
from gateway.http.request_options import RequestOptions
from gateway.http.traced_responses import TracedResponses
from gateway.http.transports.operation_stream import OperationRunner
from gateway.operations.documents import DocumentCache
from gateway.operations.extensions import FormatErrors, PrepareOperation
from gateway.operations.operation_spans import with_phases
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.response_cache import ResponseCache
from gateway.operations.running import RunningOperations
from gateway.operations.trusted_documents import Trusted, prints
from gateway.planner.upstream_services import UpstreamServices
from gateway.settings import Settings
from gateway.shared_cache.registered_documents import RegisteredDocuments
from schema.build import Schema, build_schema
from schema.context import Context


class Operations:
    """The caches and the schema that all operations share."""

    def __init__(
        self, settings: Settings, budget: MemoryBudget, services: UpstreamServices, projections: Projections
    ) -> None:
        self.documents = DocumentCache(budget.documents)
        self.trusted = Trusted(settings.documents_file)
        shared = None if services.shared is None else RegisteredDocuments(services.shared.cache)
        self.stored = _stored(settings, self.trusted, self.documents, budget, shared)
        cache: type[Responses[ExactReplay]] = Responses if services.tracer is None else TracedResponses
        responses = cache(budget.responses, store=services.memory.store, clock=services.clock)
        self.answers = ResponseCache(self.documents, responses)
        slow = settings.slow_ms / 1_000 if settings.slow_ms else None
        self.running = RunningOperations(services.hook, services.clock, slow=slow, tracer=services.tracer)
        self.plans = PlanCache(budget.plans, projections=projections)
        self.schema = _schema(settings, self.plans, self.documents, services)

    def runner(self, context: Callable[[RequestOptions], Context], services: UpstreamServices) -> OperationRunner:
        """Return the runner of operations, each in the context that `context` returns."""
        return OperationRunner(self.schema, self.stored, context, services.hook, services.scheduler, self.running)


def _stored(
    settings: Settings,
    trusted: Trusted,
    documents: DocumentCache,
    budget: MemoryBudget,
    shared: RegisteredDocuments | None,
) -> PersistedQueries:
    only_trusted = settings.documents == "trusted"
    if only_trusted:
        prints()  # every client names a document by hash: the first would wait for the table of hashes
    return PersistedQueries(documents, trusted, only_trusted=only_trusted, max_bytes=budget.texts, shared=shared)


def _schema(settings: Settings, plans: PlanCache, documents: DocumentCache, services: UpstreamServices) -> Schema:
    plain = [lambda: FormatErrors(services.hook), lambda: PrepareOperation(documents)]
    extensions = plain if services.tracer is None else with_phases(plain)
    return build_schema(extensions, projects=settings.projection, plans=plans, proxies=settings.media_proxy)
