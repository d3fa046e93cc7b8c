"""The cache of projections of cached lists, as JSON, for later operations that select the same fields of them.

New operations mostly select the same fields of the same few entities as earlier ones: a frontend's fragments. For
these, projecting and encoding become a copy of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache

from gateway.domain.shared_tuple import SharedTuple
from gateway.execution.sizes import is_larger

# Shorter lists are not worth a look-up.
MIN_LENGTH = 8
# Shapes per list: a selection that is never repeated is dropped with others like it.
MOST_SHAPES = 16
OVERHEAD = 500

Project: TypeAlias = Callable[[Any, None], list[Any]]


def shape_of(type_: object, selected: Iterable[str]) -> bytes:
    """Return the identity of the fields `selected` of a list of `type_`: a hash, because clients make them long."""
    return blake2b("\0".join((str(type_), *selected)).encode(), digest_size=32).digest()


class Projections:
    """An LRU cache of the projections of lists that their owner keeps, of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._projections: LRUCache[tuple[int, bytes], msgspec.Raw] = LRUCache(max_bytes, getsizeof=_size)
        # The shapes projected from each list, by its id, and whether each was cached.
        self._shapes: dict[int, dict[bytes, bool]] = {}

    def __len__(self) -> int:
        return len(self._projections)

    @property
    def size(self) -> int:
        return int(self._projections.currsize)

    def add(self, objects: SharedTuple[Any]) -> None:
        """Cache the projections of `objects` until `drop`. The owner references the list, so its id is not reused."""
        self._shapes[id(objects)] = {}

    def drop(self, objects: SharedTuple[Any]) -> None:
        """Drop the projections of `objects`, and cache no more of them."""
        for shape in self._shapes.pop(id(objects)):
            self._projections.pop((id(objects), shape), None)

    def of(self, objects: SharedTuple[Any], shape: bytes, project: Project) -> list[Any] | msgspec.Raw:
        """Return the result of `project`, or its JSON. The result must depend only on `objects` and `shape`.

        A projection is cached on its second use: most selections that are used once are never used again. A projection
        that was evicted is not cached again, because more lists than fit would otherwise evict each other forever.
        """
        key = id(objects), shape
        known = self._projections.get(key)
        if known is not None:
            return known
        projected = project(objects, None)
        if not self._is_second(objects, shape) or is_larger(projected):  # the same text may occur in it many times
            return projected
        json = msgspec.Raw(msgspec.json.encode(projected))
        if _size(json) <= self._projections.maxsize:
            self._projections[key] = json
        return json

    def _is_second(self, objects: SharedTuple[Any], shape: bytes) -> bool:
        """Count a use of a shape that is not cached, and return whether it is the second one."""
        shapes = self._shapes.get(id(objects))
        if shapes is None:
            return False
        is_known = shapes.get(shape)
        if is_known is None and len(shapes) >= MOST_SHAPES:
            # Those that are not cached; all of them if each is.
            for each in [one for one in shapes if (id(objects), one) not in self._projections] or list(shapes):
                del shapes[each]
                self._projections.pop((id(objects), each), None)
        shapes[shape] = is_known is not None
        return is_known is False


def _size(json: msgspec.Raw) -> int:
    return OVERHEAD + memoryview(json).nbytes
