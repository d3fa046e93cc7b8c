"""How much of bodies is being read, of each client and in all.

Nobody is waited for here: whoever sends slowly would have the room that others wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.domain.shares import Count, Share
from gateway.errors import TooManyBodies

# Bytes: sixteen of the largest bodies for one client.
MOST_EACH = 16 * 2**20
MOST = 64 * 2**20


class Reading:
    """One body that is being read."""

    def __init__(self, share: Share) -> None:
        self._share = share

    def add(self, size: int) -> None:
        """So many bytes of it have come. Raises TooManyBodies."""
        if not self._share.hold(self._share.amount + size):
            raise TooManyBodies("Too much is being sent at once: send fewer large requests side by side, or try again.")


class Bodies:
    """Of all clients, each known by its id."""

    def __init__(self, most_each: int = MOST_EACH, most: int = MOST) -> None:
        self._count = Count(most_each, most)

    @property
    def size(self) -> int:
        return self._count.total

    @contextmanager
    def reading(self, client: str) -> Iterator[Reading]:
        share = Share(self._count, client)
        try:
            yield Reading(share)
        finally:
            share.hold(0)
