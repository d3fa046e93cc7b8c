"""The place of a call in the queue of an upstream: the best of those of the clients that wait for its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueueClient:
    """The client whose share of an upstream's rate a request takes. Shares are in proportion to the weights."""

    id: str
    weight: float = 1.0


# No client has an id with parentheses.
GATEWAY = QueueClient("(gateway)")
"""The gateway itself, for requests that no client has caused, such as that for the balance."""


class QueuedRequest(Protocol):
    """A request in the queue of an upstream."""

    def join(self, client: QueueClient) -> None:
        """Queue the request for one more client: it is sent when the first of its clients has its turn."""

    def leave(self, client: QueueClient) -> None:
        """Queue the request for this client no longer."""

    def withdraw(self) -> bool:
        """Remove the request. Return False if it has had its turn."""


class QueuePlace:
    """The clients that wait for one call, and the request by which it is queued, while it is."""

    __slots__ = ("_clients", "_request", "is_withdrawn")

    def __init__(self, *clients: QueueClient) -> None:
        self._clients: dict[str, tuple[QueueClient, int]] = {client.id: (client, 1) for client in clients}
        self._request: QueuedRequest | None = None
        self.is_withdrawn = False

    @property
    def clients(self) -> tuple[QueueClient, ...]:
        return tuple(client for client, _ in self._clients.values()) or (GATEWAY,)

    def join(self, client: QueueClient) -> None:
        """Count one more operation of the client that waits for the call."""
        known, operations = self._clients.get(client.id, (client, 0))
        self._clients[client.id] = (known, operations + 1)
        if not operations and self._request is not None:
            self._request.join(client)

    def leave(self, client: QueueClient) -> None:
        """Count one operation less. The last client keeps its place, for a call that nobody waits for and that goes on.

        `client` has joined before.
        """
        known, operations = self._clients[client.id]
        if operations > 1:
            self._clients[client.id] = (known, operations - 1)
        elif len(self._clients) > 1:
            del self._clients[client.id]
            if self._request is not None:
                self._request.leave(known)

    @contextmanager
    def queued(self, request: QueuedRequest) -> Iterator[None]:
        """Pass on to `request`, until the end of the context, which clients come and leave."""
        self._request = request
        try:
            yield
        finally:
            self._request = None

    def withdraw(self) -> bool:
        """Remove the call from the queue. Return False if it is not in the queue: it may have been sent."""
        if self._request is None or not self._request.withdraw():
            return False
        self.is_withdrawn = True
        return True


QUEUE_PLACE: ContextVar[QueuePlace | None] = ContextVar("queue_place", default=None)
"""That of the call that the current task makes."""
QUEUE_CLIENT: ContextVar[QueueClient] = ContextVar("queue_client", default=GATEWAY)
"""The client for whom the current task makes calls that have no place of their own: that of a workflow."""
