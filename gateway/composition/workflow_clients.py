"""The clients by the owners of their workflows, which outlive the requests that started them."""

from __future__ import annotations

from gateway.clients import Client, Clients
from gateway.domain.rights import Right
from gateway.publishing.owners import owner_of
from gateway.queue_place import GATEWAY, QueueClient


class WorkflowClients:
    """The clients as the clients file says now."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._version = clients.version
        self._owners = _owners(clients)

    def may_write(self, owner: str, right: Right, account: str) -> bool:
        """Return whether the owner of a workflow has the right for the account."""
        client = self._of(owner)
        return client is not None and client.may(right, account)

    def queue_client(self, owner: str) -> QueueClient:
        """Return whose share of an upstream's rate the owner's workflows take; that of a deleted client is nobody's."""
        client = self._of(owner)
        return GATEWAY if client is None else QueueClient(client.id, client.weight)

    def _of(self, owner: str) -> Client | None:
        if self._version != self._clients.version:
            self._version, self._owners = self._clients.version, _owners(self._clients)
        return self._owners.get(owner)


def _owners(clients: Clients) -> dict[str, Client]:
    return {owner_of(client.id): client for client in clients.everyone}
