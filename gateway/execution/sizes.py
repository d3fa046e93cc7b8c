"""Lower bounds of a result's JSON size before encoding: values are shared, and a long one may occur many times."""

from __future__ import annotations

from typing import Any

import msgspec

# Bytes of one response as JSON, or of one part of it.
LARGEST = 2**24
# The least bytes of an entry besides its value: quotation marks, colon, comma and one letter of a name; a comma.
EACH_MEMBER, EACH_ENTRY = 5, 1


def is_larger(result: Any, most: int = LARGEST) -> bool:
    """Return whether the JSON of `result` is certainly longer than `most` bytes. Counting stops beyond that."""
    return least_size(result, most) > most


def least_size(result: Any, most: int = LARGEST) -> int:
    """Return the least bytes of the JSON of `result`; counting stops beyond `most`."""
    size, ahead = 0, [result]
    while ahead and size <= most:
        one = ahead.pop()
        if type(one) is str:
            size += len(one)
        elif isinstance(one, dict):
            size += EACH_MEMBER * len(one)
            size += _below(one.values(), ahead)
        elif isinstance(one, list | tuple):
            size += EACH_ENTRY * len(one)
            size += _below(one, ahead)
        elif type(one) is msgspec.Raw:
            size += memoryview(one).nbytes
    return size


def _below(values: Any, ahead: list[Any]) -> int:
    """Return the characters of the texts among `values`, and append containers and raw JSON to `ahead`."""
    size = 0
    for value in values:
        kind = type(value)
        if kind is str:
            size += len(value)
        elif kind is dict or kind is list or kind is tuple or kind is msgspec.Raw:
            ahead.append(value)
    return size
