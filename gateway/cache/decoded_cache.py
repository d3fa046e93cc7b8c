"""The decoded values of entries: decoding is a third of the work of a new operation."""

from __future__ import annotations

from collections.abc import Hashable
from operator import itemgetter
from typing import Any, Protocol, cast

from cachetools import LRUCache
from msgspec.structs import force_setattr

from gateway.domain.models import LoadedHighlight
from gateway.domain.shared_tuple import SharedTuple
from gateway.reads.endpoints import Call
from gateway.reads.facts import Value

# Bytes of a value besides its models: call, linked-list node, the known selections of its list (at most 16).
OVERHEAD = 2_100
# Bytes of models per byte of the JSON they were decoded from: measured 1.2 for highlights of 40 items, 0.7 for trays.
MEMORY_FACTOR = 1.5


class ListProjections(Protocol):
    """The projections of the lists of cached values. They are kept from `add` until `drop`."""

    def add(self, objects: SharedTuple[Any]) -> None: ...

    def drop(self, objects: SharedTuple[Any]) -> None: ...


class DecodedCache:
    """The values of the entries used last, by call. Their size is estimated from the entries' bytes.

    The entry store drops each with its entry. Models are frozen, have no cycles and are not tracked by the garbage
    collector, so operations may share them.
    """

    def __init__(self, max_bytes: int, projections: ListProjections | None = None) -> None:
        self._values = _Values(max_bytes, projections)
        self._projections = projections

    @property
    def size(self) -> int:
        """The size in bytes, estimated."""
        return int(self._values.currsize)

    def find(self, call: Call) -> Value | None:
        """Return the value of the entry of `call`, or None if it is not cached."""
        known = self._values.get(call)
        return None if known is None else known[0]

    def read(self, call: Call, body: bytes) -> Value:
        """Return `body`, the entry of `call`, decoded. Raise UpstreamInvalidAnswer."""
        known = self.find(call)
        if known is not None:
            return known
        value, size = _shareable(call.read(body)), OVERHEAD + int(MEMORY_FACTOR * len(body))
        if size <= self._values.maxsize:
            self._values[call] = value, size
            if self._projections is not None and (objects := _list_of(value)) is not None:
                self._projections.add(objects)
        return value

    def drop(self, key: Hashable) -> None:
        """Drop the value of the entry with this key, with the projections of its list."""
        self._values.pop(key, None)


class _Values(LRUCache[Hashable, tuple[Value, int]]):
    """Values and their sizes. A value is removed together with the projections of its list."""

    def __init__(self, max_bytes: int, projections: ListProjections | None) -> None:
        super().__init__(max_bytes, getsizeof=itemgetter(1))
        self._projections = projections

    def __delitem__(self, key: Hashable) -> None:
        value, _ = self[key]
        super().__delitem__(key)
        if self._projections is not None and (objects := _list_of(value)) is not None:
            self._projections.drop(objects)


def _shareable(value: Value) -> Value:
    """Mark the value's list as shared: it will be returned again, so its projections may be cached."""
    if isinstance(value, LoadedHighlight):
        force_setattr(value, "items", SharedTuple(value.items))  # no other reference exists yet
        return value
    return cast(Value, SharedTuple(value)) if type(value) is tuple else value


def _list_of(value: Value) -> SharedTuple[Any] | None:
    objects = value.items if isinstance(value, LoadedHighlight) else value
    return objects if isinstance(objects, SharedTuple) else None
