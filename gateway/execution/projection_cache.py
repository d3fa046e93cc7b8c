"""The cache of projected immutable lists, as JSON, for later operations that select the same fields of them.

New operations mostly select the same fields of the same few entities as earlier ones: a frontend's fragments. For
these, projecting and encoding become a copy of bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache

from gateway.domain.shared_tuple import SharedTuple
from gateway.execution.sizes import is_larger

# Shorter lists are not worth a look-up.
MIN_LENGTH = 8
# Shapes per list: a selection that is never repeated is dropped with others like it.
MOST_SHAPES = 16
# The divisor for the share of the bytes that known selections get: clients determine their length.
SELECTIONS_SHARE = 8
# Bytes of the objects, which stay referenced, for each byte of their JSON: measured at most 1.5.
MEMORY_FACTOR = 2
OVERHEAD = 500

Project: TypeAlias = Callable[[Any, None], list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class SelectionShape:
    """The identity of the fields selected of a list. `size` is in bytes and includes the selection."""

    size: int


@dataclass(frozen=True, slots=True)
class CachedProjection:
    """A cached projection.

    It references the objects, so that their id is not reused. `size` counts objects and JSON.
    """

    objects: SharedTuple[Any]
    json: msgspec.Raw
    size: int


class Projections:
    """An LRU cache of projections of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        selections = max_bytes // SELECTIONS_SHARE
        self._kept: LRUCache[Hashable, CachedProjection] = LRUCache(
            max_bytes - selections, getsizeof=lambda kept: kept.size
        )
        self._shapes: LRUCache[Hashable, SelectionShape] = LRUCache(selections, getsizeof=lambda shape: shape.size)

    def __len__(self) -> int:
        return len(self._kept)

    def shape(self, type_: Hashable, selected: tuple[str, ...]) -> SelectionShape:
        """Return the shape for the fields `selected` of `type_`: its lookup is faster than that of the fields."""
        known = self._shapes.get((type_, selected))
        if known is None:
            known = SelectionShape(OVERHEAD + sys.getsizeof(selected) + sum(map(sys.getsizeof, selected)))
            if known.size <= self._shapes.maxsize:
                self._shapes[type_, selected] = known
        return known

    def of(self, objects: SharedTuple[Any], shape: SelectionShape, project: Project) -> list[Any] | msgspec.Raw:
        """Return the result of `project`, or its JSON. The result must depend only on `objects` and `shape`.

        A projection is cached on its second use: most selections that are used once are never used again. A projection
        that was evicted is not cached again, because more lists than fit would otherwise evict each other forever.
        """
        key = id(objects), shape
        known = self._kept.get(key)
        if known is not None:
            return known.json
        projected = project(objects, None)
        was_kept = objects.shapes.get(shape)
        if was_kept is None and len(objects.shapes) >= MOST_SHAPES:
            objects.shapes.clear()
        objects.shapes[shape] = was_kept is not None
        if was_kept is not False:
            return projected
        if is_larger(projected):  # the same text may occur in it many times
            return projected
        json = msgspec.json.encode(projected)
        size = OVERHEAD + len(json) + MEMORY_FACTOR * len(msgspec.json.encode(objects))
        kept = CachedProjection(objects, msgspec.Raw(json), size)
        if size <= self._kept.maxsize:
            self._kept[key] = kept
        return kept.json
