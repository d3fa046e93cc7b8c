"""How many values a JSON text may hold, and how long its numbers, told without reading it."""

from __future__ import annotations


def values_in(text: bytes, most: int) -> int:
    """No fewer than it holds: marks within its strings count, too. 1 for a text too short to hold more than `most`."""
    return 1 + sum(map(text.count, (b",", b"[", b"{"))) if len(text) > most else 1


# Each digit as a nought, each other byte as a blank: then one look finds as many digits in a row.
DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))


def has_number_beyond(text: bytes, most: int) -> bool:
    """Whether more than `most` digits stand in a row, be it in a string. To read a number takes the square of them."""
    return len(text) > most and b"0" * (most + 1) in text.translate(DIGITS)
