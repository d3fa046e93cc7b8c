"""A cache of decoded entries: decoding is a third of the work of a new operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from cachetools import LRUCache
from msgspec.structs import force_setattr

from gateway.cache.store import OVERHEAD, Entry
from gateway.domain.models import LoadedHighlight
from gateway.domain.shared_tuple import SharedTuple
from gateway.reads.endpoints import Call
from gateway.reads.facts import Value

# Bytes of models per byte of the JSON they were decoded from: measured 1.2 for highlights of 40 items, 0.7 for trays.
MEMORY_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class _Model:
    """The model of the entry whose content id is `news`.

    It does not hold the entry: the entry's bytes would then be kept beyond the store's bound.
    """

    news: object
    value: Value
    size: int


class DecodedCache:
    """The models of the entries used last. Their size is estimated from the entries' bytes.

    Models are frozen, have no cycles and are not tracked by the garbage collector, so operations may share them.
    """

    def __init__(self, max_bytes: int) -> None:
        self._values: LRUCache[Call, _Model] = LRUCache(max_bytes, getsizeof=lambda model: model.size)

    def find(self, call: Call, entry: Entry) -> Value | None:
        """Return the model of `entry`, or None if it is not cached."""
        known = self._values.get(call)
        return known.value if known is not None and known.news is entry.news else None

    def read(self, call: Call, entry: Entry) -> Value:
        """Return `entry` decoded as an answer to `call`. Raise UpstreamInvalidAnswer."""
        known = self.find(call, entry)
        if known is not None:
            return known
        value = _shareable(call.read(entry.body))
        self._values.pop(call, None)
        model = _Model(entry.news, value, OVERHEAD + int(MEMORY_FACTOR * len(entry.body)))
        if model.size <= self._values.maxsize:
            self._values[call] = model
        return value


def _shareable(value: Value) -> Value:
    """Mark the value's list as shared: it will be returned again, so its projections may be cached."""
    if isinstance(value, LoadedHighlight):
        force_setattr(value, "items", SharedTuple(value.items))  # no other reference exists yet
        return value
    return cast(Value, SharedTuple(value)) if type(value) is tuple else value
