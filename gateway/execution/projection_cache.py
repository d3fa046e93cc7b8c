"""What was projected of lists that last, as JSON, for the next operation that selects the same of them.

New operations mostly select what others selected before, of the same few entities: a frontend's fragments. Projecting
and encoding are then a copy of bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache

from gateway.domain.lasting import SharedTuple
from gateway.execution.sizes import is_larger

# Shorter lists are not worth a look-up.
MIN_LENGTH = 8
# Of one list: a selection that nobody repeats is forgotten with others like it.
MOST_SHAPES = 16
# Of the bytes one part in so many is for the selections that are known: they are as long as clients make them.
SELECTIONS_SHARE = 8
# Bytes of the objects, which are kept along, for each byte of their JSON: measured at most 1.5.
MEMORY_FACTOR = 2
OVERHEAD = 500

Project: TypeAlias = Callable[[Any, None], list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class SelectionShape:
    """What is selected of a list. `size` is in bytes, with the selection."""

    size: int


@dataclass(frozen=True, slots=True)
class CachedProjection:
    """The objects are kept along with their JSON, so that their id goes to no other list. `size` counts both."""

    objects: SharedTuple[Any]
    json: msgspec.Raw
    size: int


class Projections:
    """Those used last; they take at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        selections = max_bytes // SELECTIONS_SHARE
        self._kept: LRUCache[Hashable, CachedProjection] = LRUCache(
            max_bytes - selections, getsizeof=lambda kept: kept.size
        )
        self._shapes: LRUCache[Hashable, SelectionShape] = LRUCache(selections, getsizeof=lambda shape: shape.size)

    def __len__(self) -> int:
        return len(self._kept)

    def shape(self, type_: Hashable, selected: tuple[str, ...]) -> SelectionShape:
        """Stands for the fields `selected` of `type_`, and is looked up in less time."""
        known = self._shapes.get((type_, selected))
        if known is None:
            known = SelectionShape(OVERHEAD + sys.getsizeof(selected) + sum(map(sys.getsizeof, selected)))
            if known.size <= self._shapes.maxsize:
                self._shapes[type_, selected] = known
        return known

    def of(self, objects: SharedTuple[Any], shape: SelectionShape, project: Project) -> list[Any] | msgspec.Raw:
        """What `project` answers, or its JSON. It must depend on nothing but `objects` and `shape`.

        Kept is what is selected a second time: most of what is selected once is never selected again. What had to make
        room is not kept again, or more lists than there is room for would push each other out for ever.
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
        if is_larger(projected):  # one text may stand in it many times
            return projected
        json = msgspec.json.encode(projected)
        size = OVERHEAD + len(json) + MEMORY_FACTOR * len(msgspec.json.encode(objects))
        kept = CachedProjection(objects, msgspec.Raw(json), size)
        if size <= self._kept.maxsize:
            self._kept[key] = kept
        return kept.json
