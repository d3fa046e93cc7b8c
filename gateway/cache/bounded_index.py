"""What lies where: bounded maps from one id to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

# Bytes for each: an id of its own, its place in the table, and a share of the id that it points to.
EACH = 200
# So many make room at once that room is seldom made.
ROOM = 16


class BoundedIndex:
    """Those that were told longest ago go first when `max_bytes` is reached.

    A plain dictionary, because a highlight tells a hundred of them at once: an LRU cache spent 2 us on each.
    """

    def __init__(self, max_bytes: int) -> None:
        self._most = max_bytes // EACH
        self._places: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self._places.get(key)

    def point(self, keys: Sequence[str], place: str) -> None:
        """All of `keys` lie at `place`."""
        self._places.update(dict.fromkeys(keys, place))
        if len(self._places) > self._most:
            surplus = len(self._places) - self._most + self._most // ROOM
            for key in list(islice(self._places, surplus)):
                del self._places[key]

    def __len__(self) -> int:
        return len(self._places)
