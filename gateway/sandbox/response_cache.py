"""Encoded answers kept for as long as they stay the same, so that the sandbox is never what a measurement measures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable


class EncodedAnswers:
    """The `size` answers used last, by key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def take(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The answer under this key, made if it is not there."""
        if key not in self._answers:
            self._answers[key] = make()
        self._answers.move_to_end(key)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)
        return self._answers[key]
