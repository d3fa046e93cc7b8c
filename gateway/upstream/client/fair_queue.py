"""A queue that is fair by client: start-time fair queuing (Goyal, Vin, Cheng, 1996). It knows neither time nor rate.

The time of this module is virtual. Each request takes 1/weight of its client's time. A client's first request starts
at the present, each further one when the one before ends, and the request that starts first is next. So while two
clients have requests queued, the numbers of those that were sent, divided by the weights, differ by 1/weight of each at
most; and a client that comes to a full queue waits for one request of each other client at most.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from heapq import heappop, heappush, heapreplace
from typing import Generic, TypeVar

from gateway.queue_place import QueueClient

T = TypeVar("T", bound=Hashable)

# The part of a request that rounding may add to the sum of some thousand quotients.
ROUNDING = 1e-6


class _Backlog(Generic[T]):
    """The queued requests of one client, in their order. `starts_at` is the virtual time at which the first starts."""

    __slots__ = ("items", "starts_at", "weight")

    def __init__(self, starts_at: float, weight: float) -> None:
        self.items: OrderedDict[T, None] = OrderedDict()
        self.starts_at = starts_at
        self.weight = weight


class FairQueue(Generic[T]):
    """The requests of all clients. A request of several clients is queued for each, and leaves with the first turn.

    Each method takes O(log clients), but for `ahead`. A client whose requests have all left is remembered until the
    present reaches the end of its last one, or the queue is empty: a client that has one request queued at a time would
    otherwise start at the present each time, before all others.
    """

    def __init__(self) -> None:
        self._present = 0.0
        self._backlogs: dict[str, _Backlog[T]] = {}
        self._order: list[tuple[float, int, str]] = []
        self._serial = 0
        self._places: dict[T, set[str]] = {}
        self._repeated = 0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, item: T) -> bool:
        return item in self._places

    @property
    def clients(self) -> int:
        """The number of clients that are remembered."""
        return len(self._backlogs)

    def push(self, item: T, client: QueueClient) -> None:
        """Queue a request for a client, after those that the client has queued. The client's latest weight counts."""
        backlog = self._backlogs.get(client.id)
        if backlog is None:
            backlog = self._backlogs[client.id] = _Backlog(self._present, client.weight)
            self._serial += 1
            heappush(self._order, (backlog.starts_at, self._serial, client.id))
        backlog.weight = client.weight
        if item in backlog.items:
            return
        backlog.items[item] = None
        places = self._places.setdefault(item, set())
        self._repeated += bool(places)
        places.add(client.id)

    def first(self) -> T:
        """Return the request that is next. Raise IndexError if there is none."""
        while not (items := self._backlogs[self._order[0][2]].items):
            del self._backlogs[heappop(self._order)[2]]
        return next(iter(items))

    def pop(self) -> T:
        """Remove and return the request that is next. Raise IndexError if there is none."""
        item = self.first()
        self._present, _, client = self._order[0]
        backlog = self._backlogs[client]
        backlog.starts_at = self._present + 1 / backlog.weight
        self._serial += 1
        heapreplace(self._order, (backlog.starts_at, self._serial, client))
        self.remove(item)
        return item

    def leave(self, item: T, client: QueueClient) -> None:
        """Remove the request from those of one client; nothing happens if it is not among them."""
        places = self._places.get(item, set())
        if client.id not in places:
            return
        if len(places) == 1:
            self.remove(item)
            return
        places.remove(client.id)
        self._repeated -= 1
        del self._backlogs[client.id].items[item]

    def remove(self, item: T) -> None:
        """Remove a request; nothing happens if it has left."""
        places = self._places.pop(item, None)
        if places is None:
            return
        self._repeated -= len(places) - 1
        for client in places:
            del self._backlogs[client].items[item]
        if not self._places:
            self._present = 0.0
            self._backlogs.clear()
            self._order.clear()

    def ahead(self, client: QueueClient) -> int:
        """Return how many requests are sent before the next one of the client, if no others come or leave.

        It takes O(clients). Where requests have several clients, there may be more of them; there are never fewer.
        """
        own = self._backlogs.get(client.id)
        queued = 0 if own is None else len(own.items)
        begin = self._present if own is None else own.starts_at
        starts_at = begin + max(0, queued - self._repeated) / client.weight
        others = sum(_before(starts_at, backlog) for backlog in self._backlogs.values() if backlog is not own)
        return max(queued, queued + others - self._repeated)

    def share(self, client: QueueClient) -> float:
        """Return the client's part of all requests that are sent, while all clients that have some queued have some."""
        weights = {id: backlog.weight for id, backlog in self._backlogs.items() if backlog.items}
        weights[client.id] = client.weight
        return client.weight / sum(weights.values())


def _before(moment: float, backlog: _Backlog[T]) -> int:
    """Return how many requests of a backlog start before a moment of the virtual time."""
    started = math.ceil((moment - backlog.starts_at) * backlog.weight - ROUNDING)
    return min(len(backlog.items), max(0, started))
