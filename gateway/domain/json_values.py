"""Upper bounds of the number of values in a JSON text and of the length of its numbers, without parsing it."""

from __future__ import annotations


def values_in(text: bytes, most: int) -> int:
    """Return an upper bound of the values: separators inside strings count too.

    Return 1 for a text that is too short to contain more than `most`.
    """
    return 1 + sum(map(text.count, (b",", b"[", b"{"))) if len(text) > most else 1


# Maps each digit to "0" and every other byte to a space, so that one search finds a run of digits.
DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))


def has_number_beyond(text: bytes, most: int) -> bool:
    """Return whether more than `most` digits follow each other, even in a string.

    Parsing a number takes quadratic time.
    """
    return len(text) > most and b"0" * (most + 1) in text.translate(DIGITS)
