"""The operations of one process: documents, cached responses, and the schema that executes what is not cached."""

from __future__ import annotations

from gateway.cache.response_cache import Responses
from gateway.composition.memory_budget import MemoryBudget
from gateway.execution import PlanCache, Projections
from gateway.http.exact_match_cache import ExactReplay
from gateway.operations.documents import DocumentCache
from gateway.operations.extensions import FormatErrors, PrepareOperation
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.response_cache import ResponseCache
from gateway.operations.trusted_documents import Trusted, prints
from gateway.planner.upstream_services import UpstreamServices
from gateway.settings import Settings
from schema.build import Schema, build_schema


class Operations:
    """The caches and the schema that all operations share."""

    def __init__(
        self, settings: Settings, budget: MemoryBudget, services: UpstreamServices, projections: Projections
    ) -> None:
        self.documents = DocumentCache(budget.documents)
        self.stored = _stored(settings, self.documents, budget)
        responses: Responses[ExactReplay] = Responses(
            budget.responses, store=services.memory.store, clock=services.clock
        )
        self.answers = ResponseCache(self.documents, responses)
        plans = PlanCache(budget.plans, projections=projections)
        self.schema = _schema(settings, plans, self.documents, services)


def _stored(settings: Settings, documents: DocumentCache, budget: MemoryBudget) -> PersistedQueries:
    only_trusted = settings.documents == "trusted"
    if only_trusted:
        prints()  # every client names a document by hash: the first would wait for the table of hashes
    trusted = Trusted(settings.documents_file).find
    return PersistedQueries(documents, trusted, only_trusted=only_trusted, max_bytes=budget.texts)


def _schema(settings: Settings, plans: PlanCache, documents: DocumentCache, services: UpstreamServices) -> Schema:
    extensions = [lambda: FormatErrors(services.hook), lambda: PrepareOperation(documents)]
    return build_schema(extensions, projects=settings.projection, plans=plans, proxies=settings.media_proxy)
