"""A memory bound for request bodies that are being read, per client and in total.

Beyond the bound a request is refused instead of queued: a slow sender would otherwise hold the memory that others
wait for.
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
    """The memory that one body takes while it is read."""

    def __init__(self, share: Share) -> None:
        self._share = share

    def add(self, size: int) -> None:
        """Count `size` more bytes of the body. Raises TooManyBodies."""
        if not self._share.hold(self._share.amount + size):
            raise TooManyBodies(
                "Too many request bodies are being read: retry after a moment, or send fewer requests in parallel."
            )


class Bodies:
    """The bodies of all clients, counted by client id."""

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
