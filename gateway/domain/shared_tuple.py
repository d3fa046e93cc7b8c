"""Immutable lists with a stable identity."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class SharedTuple(tuple[T, ...]):
    """A tuple that its owner returns as the same object again, and whose content never changes."""

    __slots__ = ()
