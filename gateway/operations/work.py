"""How much work a request is before anything of it is known, in the units of `gateway.scheduling`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.scheduling import SLICE

# What is done for each request, whatever it asks.
LEAST = 50
# What is shorter is done at once: to wait for a turn would be one more queue to stand in.
LONG = 50
# Bytes that are read as JSON in one unit, if they are as many small values as may be.
BYTES = 100


def of_json(size: int) -> int:
    """To read so many bytes."""
    return size // BYTES


def of_text(text: str) -> int:
    """To parse and validate a document that is not known."""
    return LEAST + len(text)


def of_variables(variables: Mapping[str, Any] | None) -> int:
    """To coerce them and to see what they ask for: the objects, lists and values in them, counted up to a slice."""
    count, ahead = 0, [variables]
    while ahead and count < SLICE:
        value: Any = ahead.pop()
        if not isinstance(value, dict | list):
            continue
        count += len(value)
        if count < SLICE:
            ahead += value.values() if isinstance(value, dict) else value
    return min(count, SLICE)
