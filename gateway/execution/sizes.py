"""How large a result is before it is encoded: values are shared until then, and a long one may stand in many places."""

from __future__ import annotations

from typing import Any

import msgspec

# Bytes of one answer as JSON, or of one part of it.
LARGEST = 2**24
# What an entry takes at least beside what is in it: quotation marks, colon, comma and a letter of a name; a comma.
EACH_MEMBER, EACH_ENTRY = 5, 1


def is_larger(result: Any, most: int = LARGEST) -> bool:
    """Whether the JSON of `result` is certainly longer than `most` bytes. It is looked at no further than that."""
    return least_size(result, most) > most


def least_size(result: Any, most: int = LARGEST) -> int:
    """Bytes that the JSON of `result` takes at least; beyond `most` it is not counted on."""
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
    """Characters of the texts among `values`; what is no text, number or null goes to `ahead`."""
    size = 0
    for value in values:
        kind = type(value)
        if kind is str:
            size += len(value)
        elif kind is dict or kind is list or kind is tuple or kind is msgspec.Raw:
            ahead.append(value)
    return size
