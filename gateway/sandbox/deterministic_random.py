"""Deterministic random values, which depend only on the name of an object and not on earlier draws."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
WORD = (1 << 64) - 1


class Dice:
    """A generator for the object named by `path`, such as `Dice("item", 7, 3, 12)`.

    Only `random.random` is used: it is the one method whose sequence Python keeps between versions.
    """

    def __init__(self, *path: object) -> None:
        seed = hashlib.blake2b("/".join(map(str, path)).encode(), digest_size=8).digest()
        self.fraction = random.Random(int.from_bytes(seed, "big")).random  # nosec B311 # noqa: S311 (data, not a secret)

    def chance(self, probability: float) -> bool:
        return self.fraction() < probability

    def below(self, limit: int) -> int:
        return int(self.fraction() * limit)

    def between(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return low + self.below(high - low + 1)

    def real(self, low: float, high: float) -> float:
        """Return a number rounded to seven digits, about the precision of the platform."""
        return round(low + self.fraction() * (high - low), 7)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]


def mixed(number: int) -> int:
    """Return 64 bits that look random (splitmix64), for what there are too many of to throw dice for each."""
    number = (number + 0x9E37_79B9_7F4A_7C15) & WORD
    number = ((number ^ number >> 30) * 0xBF58_476D_1CE4_E5B9) & WORD
    number = ((number ^ number >> 27) * 0x94D0_49BB_1331_11EB) & WORD
    return number ^ number >> 31


def of_the_first(bits: int, width: int, choices: int) -> int:
    """Return one of so many choices for a number of `width` bits. The first ones are chosen more often."""
    return choices * bits * bits >> 2 * width
