"""How many values a JSON text may hold, told without reading it."""

from __future__ import annotations


def values_in(text: bytes, most: int) -> int:
    """No fewer than it holds: marks within its strings count, too. 1 for a text too short to hold more than `most`."""
    return 1 + sum(map(text.count, (b",", b"[", b"{"))) if len(text) > most else 1
