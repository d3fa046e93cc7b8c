"""How many long connections a client may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import TooManyStreams


class ConnectionLimiter:
    """Of all clients. A client that holds `most` gets no more until one is free."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held = Counter[str]()

    def check(self, client: str) -> None:
        """Raises TooManyStreams."""
        if self._held[client] >= self.most:
            raise TooManyStreams(f"At most {self.most} connections may be open at once.", most=self.most)

    @contextmanager
    def held(self, client: str) -> Iterator[None]:
        """Raises TooManyStreams."""
        self.check(client)
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
