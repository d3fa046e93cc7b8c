"""Estimates of a request's work before it is parsed, in the units of `gateway.scheduling`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.scheduling import SLICE

# Work of every request, whatever it contains.
LEAST = 50
# Shorter work is done immediately: waiting for a time slice would only add another queue.
LONG = 50
# Bytes of JSON parsed in one unit, in the worst case of many small values.
BYTES = 100


def of_json(size: int) -> int:
    """Return the work of parsing `size` bytes of JSON."""
    return size // BYTES


def of_text(text: str) -> int:
    """Return the work of parsing and validating a document that is not cached."""
    return LEAST + len(text)


def of_variables(variables: Mapping[str, Any] | None) -> int:
    """Return the work of coercing and analyzing variables: their objects, lists and values, counted up to one slice."""
    count, pending = 0, [variables]
    while pending and count < SLICE:
        value: Any = pending.pop()
        if not isinstance(value, dict | list):
            continue
        count += len(value)
        if count < SLICE:
            pending += value.values() if isinstance(value, dict) else value
    return min(count, SLICE)
