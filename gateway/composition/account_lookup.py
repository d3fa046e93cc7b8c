"""The look-up of the user whose account a client connects, where the platform has another id of it than reads have."""

from __future__ import annotations

from gateway.clients import Clients
from gateway.composition.spending import Spending
from gateway.domain.ids import Username
from gateway.errors import Forbidden
from gateway.loaders import Loader
from gateway.planner.fetcher import Fetcher
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.endpoints import call_about
from gateway.reads.facts import FactKind


class AccountLookup:
    """Look-ups within the allowances of the clients, on whose accounts they are booked."""

    def __init__(self, services: UpstreamServices, spending: Spending, clients: Clients) -> None:
        self._services = services
        self._spending = spending
        self._clients = clients

    async def pk_of(self, client_id: str, username: str) -> str:
        """Return the pk of the user who has this name now: the cache may know who had it before. Raise GatewayError."""
        client = next((one for one in self._clients.everyone if one.id == client_id), None)
        if client is None:
            raise Forbidden("The client does not exist any more.")
        budget = self._spending.budget(client.ceiling, client.id, client.allowance, weight=client.weight)
        await budget.allowance.learn()
        name = Username(username)
        anew = frozenset(call_about(row, name) for row in self._services.api.endpoints if row.by is Username)
        loader = Loader(Fetcher(self._services, budget, forced=False, anew=anew))
        identity = loader.get(FactKind.IDENTITY, name)
        identity = await identity if hasattr(identity, "__await__") else identity
        return str(identity.pk)
