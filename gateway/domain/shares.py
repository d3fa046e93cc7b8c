"""Shares of common resources (bytes, connections) by holder."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator


class Count:
    """Amounts by holder and in total. Holders with nothing are removed."""

    def __init__(self, most_each: int, most: int) -> None:
        self._most_each = most_each
        self._most = most
        self._each = Counter[str]()
        self.total = 0

    def add(self, holder: str, amount: int) -> bool:
        """Add the amount, and return whether holder and total are within their ceilings."""
        self._each[holder] += amount
        self.total += amount
        return self._each[holder] <= self._most_each and self.total <= self._most

    @contextlib.contextmanager
    def holding(self, holder: str) -> Iterator[bool]:
        """Add one during the block, whose value is whether holder and total are within their ceilings."""
        try:
            yield self.add(holder, 1)
        finally:
            self.subtract(holder, 1)

    def of(self, holder: str) -> int:
        return self._each.get(holder, 0)

    def subtract(self, holder: str, amount: int) -> None:
        self.total -= amount
        self._each[holder] -= amount
        if not self._each[holder]:
            del self._each[holder]


class Share:
    """A holder's amount for one of its connections or request bodies."""

    __slots__ = ("_count", "_holder", "amount")

    def __init__(self, count: Count, holder: str) -> None:
        self._count = count
        self._holder = holder
        self.amount = 0

    def hold(self, amount: int) -> bool:
        """Set the amount in any case. Return whether it is within the ceilings."""
        more = amount - self.amount
        self.amount = amount
        if more > 0:
            return self._count.add(self._holder, more)
        if more < 0:
            self._count.subtract(self._holder, -more)
        return True

    def move(self, holder: str) -> bool:
        """Count the amount for another holder. Return whether it is within the ceilings there."""
        if holder == self._holder:
            return True
        amount = self.amount
        self.hold(0)
        self._holder = holder
        return self.hold(amount)
