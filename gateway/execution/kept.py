"""What was projected of lists that never change, as JSON, for the next operation that selects the same of them.

New operations mostly select what others selected before, of the same few entities: a frontend's fragments. Projecting
and encoding are then a copy of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache

# Shorter lists are not worth a look-up.
FEW = 8
# Lists that were projected once, under one shape: a second time is the sign that more will follow. They are held, lest
# another list gets their id; so few were used last that they are among the models that are kept anyway.
SEEN = 200
SHAPES = 1_000
# Bytes of the objects, which are kept along, and of the JSON for each byte of JSON: measured at most 2.6.
SWELLING = 3
OVERHEAD = 500

Project: TypeAlias = Callable[[Any, None], list[Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The objects are kept along with their JSON, so that their id goes to no other list."""

    objects: tuple[Any, ...]
    json: msgspec.Raw

    @property
    def size(self) -> int:
        return OVERHEAD + SWELLING * len(bytes(self.json))


class Projections:
    """Those used last; they take at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: LRUCache[Hashable, Kept] = LRUCache(max_bytes, getsizeof=lambda kept: kept.size)
        self._seen: LRUCache[Hashable, tuple[Any, ...]] = LRUCache(SEEN)
        self._shapes: LRUCache[Hashable, object] = LRUCache(SHAPES)

    def __len__(self) -> int:
        return len(self._kept)

    def shape(self, selected: Hashable) -> object:
        """Stands for what is selected of a list, and is looked up in less time."""
        return self._shapes.setdefault(selected, object())

    def of(
        self, objects: Sequence[Any], shape: object, project: Project, *, shared: bool = True
    ) -> list[Any] | msgspec.Raw:
        """What `project` answers, or its JSON. It must depend on nothing but `objects` and `shape`.

        Not `shared` are lists that no other operation can come to see.
        """
        if type(objects) is not tuple:
            return project(objects, None)
        key = id(objects), shape
        known = self._kept.get(key)
        if known is not None:
            return known.json
        projected = project(objects, None)
        if key not in self._seen:
            if shared:
                self._seen[key] = objects
            return projected
        del self._seen[key]
        kept = Kept(objects, msgspec.Raw(msgspec.json.encode(projected)))
        if kept.size <= self._kept.maxsize and never_change(objects):
            self._kept[key] = kept
        return kept.json


def never_change(objects: Sequence[Any]) -> bool:
    """Frozen structs are decoded JSON, which nobody writes to."""
    return all(isinstance(one, msgspec.Struct) and type(one).__struct_config__.frozen for one in objects)
