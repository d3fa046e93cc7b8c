"""Counts of calls and of billed requests, by endpoint."""

from __future__ import annotations

from collections import Counter


class Meter:
    """A meter. `calls` counts the requests that reached an endpoint, `billed` the billed requests."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.billed: Counter[str] = Counter()

    @property
    def total_calls(self) -> int:
        return self.calls.total()

    @property
    def total_billed(self) -> int:
        return self.billed.total()

    def reset(self) -> None:
        self.calls.clear()
        self.billed.clear()
