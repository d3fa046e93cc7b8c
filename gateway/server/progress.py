"""Whether a peer keeps up: what is waited for must move on, or its connection is cut off."""

from __future__ import annotations

# A peer that takes, or sends, less than this many bytes in so many seconds holds what it does not use.
LEAST = 16_384
SECONDS = 30.0


class ProgressTimeout:
    """Of bytes in one direction, looked at from time to time while any are waited for."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._mark = 0

    def stop(self) -> None:
        """Nothing is waited for."""
        self._since = None

    def is_too_slow(self, moved: int, now: float) -> bool:
        """`moved` grows by the bytes that were moved."""
        if self._since is None or moved - self._mark >= LEAST:
            self._since, self._mark = now, moved
        return now - self._since >= SECONDS
