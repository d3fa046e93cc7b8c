"""Upper bounds of the number of values in a JSON text and of the length of its numbers, without parsing it."""

from __future__ import annotations

# Maps each digit to "0" and every other byte to a space, so that one search finds a run of digits.
DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
# Bytes that are looked at of a run that is too long: more than an id has digits, or a list of ids would look like one.
SAMPLES = 21


def values_in(text: bytes, most: int) -> int:
    """Return an upper bound of the values: separators inside strings count too.

    Return 1 for a text that is too short to contain more than `most`.
    """
    return 1 + sum(map(text.count, (b",", b"[", b"{"))) if len(text) > most else 1


def has_number_beyond(text: bytes, most: int) -> bool:
    """Return whether more than `most` digits follow each other, even in a string.

    Parsing a number takes quadratic time. The whole text is searched only if some of its bytes, at equal distances, are
    digits for the length of such a run: looking at these takes a twentieth of the time.
    """
    least = most + 1
    distance = max(1, least // SAMPLES)
    return _has_run(text[::distance], least // distance) and _has_run(text, least)


def _has_run(text: bytes, least: int) -> bool:
    return b"0" * least in text.translate(DIGITS)
