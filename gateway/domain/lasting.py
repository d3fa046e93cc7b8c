"""Lists that stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class SharedTuple(tuple[T, ...]):
    """Whoever hands it out vouches that it hands out the very same one again, and that nothing in it ever changes.

    `shapes` is what was projected of it, and whether that was kept by now: for `execution.kept`.
    """

    shapes: dict[object, bool]

    def __init__(self, _: Iterable[T] = ()) -> None:
        self.shapes = {}
