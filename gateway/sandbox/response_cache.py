"""A cache of encoded responses, so that benchmarks measure the gateway and not the sandbox."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable


class EncodedAnswers:
    """The `size` most recently used responses, by key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def take(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the response for `key`, and create it if it is missing."""
        if key not in self._answers:
            self._answers[key] = make()
        self._answers.move_to_end(key)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)
        return self._answers[key]
