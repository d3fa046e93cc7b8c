"""Bounded maps from ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

# Bytes of one mapping: the id, its slot in the table, and a share of the id that it points to.
EACH = 200
# One in so many entries is evicted at once, so that evictions are rare.
ROOM = 16


class BoundedIndex(Generic[T]):
    """A map from ids to what contains or owns them.

    The mappings added longest ago are evicted when `max_bytes` is reached.

    A plain dictionary, because one highlight adds a hundred mappings at once: an LRU cache spent 2 us on each.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_entries = max_bytes // EACH
        self._targets: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        return self._targets.get(key)

    def point(self, keys: Sequence[str], place: T) -> None:
        """Map all of `keys` to `place`."""
        self._targets.update(dict.fromkeys(keys, place))
        if len(self._targets) > self._max_entries:
            surplus = len(self._targets) - self._max_entries + self._max_entries // ROOM
            for key in list(islice(self._targets, surplus)):
                del self._targets[key]

    def remove(self, targets: Collection[T]) -> None:
        """Remove all mappings to `targets`."""
        for key in [key for key, target in self._targets.items() if target in targets]:
            del self._targets[key]

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def size(self) -> int:
        """The size in bytes, estimated."""
        return EACH * len(self._targets)
