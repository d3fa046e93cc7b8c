"""Who holds how much of what there is for all: bytes, connections."""

from __future__ import annotations

from collections import Counter


class Count:
    """By holder, and in all. It forgets who holds nothing."""

    def __init__(self, most_each: int, most: int) -> None:
        self._most_each = most_each
        self._most = most
        self._each = Counter[str]()
        self.total = 0

    def add(self, holder: str, amount: int) -> bool:
        """Whether it is within both ceilings with that."""
        self._each[holder] += amount
        self.total += amount
        return self._each[holder] <= self._most_each and self.total <= self._most

    def of(self, holder: str) -> int:
        return self._each.get(holder, 0)

    def subtract(self, holder: str, amount: int) -> None:
        self.total -= amount
        self._each[holder] -= amount
        if not self._each[holder]:
            del self._each[holder]


class Share:
    """What a holder has for one of its connections, or one of its bodies."""

    __slots__ = ("_count", "_holder", "amount")

    def __init__(self, count: Count, holder: str) -> None:
        self._count = count
        self._holder = holder
        self.amount = 0

    def hold(self, amount: int) -> bool:
        """Has so much from now on, in any case. Whether it is within the ceilings with that."""
        more = amount - self.amount
        self.amount = amount
        if more > 0:
            return self._count.add(self._holder, more)
        if more < 0:
            self._count.subtract(self._holder, -more)
        return True
