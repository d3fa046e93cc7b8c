"""Lists that stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Lasting(tuple[T, ...]):
    """Whoever hands it out vouches that it hands out the very same one again, and that nothing in it ever changes.

    `shapes` are what was projected of it: for `execution.kept`.
    """

    shapes: set[object]

    def __init__(self, _: Iterable[T] = ()) -> None:
        self.shapes = set()
