"""A timeout for slow peers: data that is waited for must make progress, or the connection is closed."""

from __future__ import annotations

# The bytes that a peer must send or read within SECONDS: slower peers hold resources without using them.
LEAST = 16_384
SECONDS = 30.0


class ProgressTimeout:
    """A timeout for bytes in one direction, checked periodically while any are waited for."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._mark = 0

    def stop(self) -> None:
        """Stop the timeout: no bytes are waited for."""
        self._since = None

    def is_too_slow(self, moved: int, now: float) -> bool:
        """Return whether the peer is too slow. `moved` grows by the bytes sent or received."""
        if self._since is None or moved - self._mark >= LEAST:
            self._since, self._mark = now, moved
        return now - self._since >= SECONDS
