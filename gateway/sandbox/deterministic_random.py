"""Chance that repeats: what is drawn for one thing depends on its name alone, never on what was drawn before."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws for the thing named by `path`, such as `Dice("item", 7, 3, 12)`.

    Only `random.random` is used: it is the one method whose sequence Python promises to keep.
    """

    def __init__(self, *path: object) -> None:
        seed = hashlib.blake2b("/".join(map(str, path)).encode(), digest_size=8).digest()
        self.fraction = random.Random(int.from_bytes(seed, "big")).random  # noqa: S311 (data, not a secret)

    def chance(self, probability: float) -> bool:
        return self.fraction() < probability

    def below(self, limit: int) -> int:
        return int(self.fraction() * limit)

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + self.below(high - low + 1)

    def real(self, low: float, high: float) -> float:
        """Rounded to seven digits, about the precision the platform sends."""
        return round(low + self.fraction() * (high - low), 7)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]
