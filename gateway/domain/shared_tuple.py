"""Immutable lists with a stable identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class SharedTuple(tuple[T, ...]):
    """A tuple that its owner returns as the same object again, and whose content never changes.

    `shapes` records the selections projected from it, and whether each was cached: for `execution.projection_cache`.
    """

    shapes: dict[object, bool]

    def __init__(self, _: Iterable[T] = ()) -> None:
        self.shapes = {}
