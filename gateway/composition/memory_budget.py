"""The memory of all caches, divided among them."""

from __future__ import annotations

PARTS = 32


class MemoryBudget:
    """The bytes of each cache, of `total` bytes.

    Everything but the entries is rebuilt from the entries, which cost money and get the rest.
    """

    def __init__(self, total: int) -> None:
        def share(parts: int) -> int:
            return total * parts // PARTS

        self.responses = share(8)
        self.models = share(4)
        self.projections = share(2)
        self.plans = share(2)
        self.pointers = share(2)
        self.documents = share(2)
        self.texts = share(1)
        self.entries = total - sum(vars(self).values())
