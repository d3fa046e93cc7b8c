"""A limit of long-lived connections per client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import TooManyStreams


class ConnectionLimiter:
    """The open connections of all clients: at most `most` per client."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held = Counter[str]()

    @property
    def total(self) -> int:
        return self._held.total()

    def check(self, client: str) -> None:
        """Raise TooManyStreams if `client` already holds `most` connections."""
        if self._held[client] >= self.most:
            raise TooManyStreams(f"{self.most} connections are open, the maximum: close one first.", most=self.most)

    @contextmanager
    def held(self, client: str) -> Iterator[None]:
        """Count one connection of `client` while the context is open. Raises TooManyStreams."""
        self.check(client)
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
