"""Bounds of labels: a label's values become time series, which Prometheus keeps, so strangers must not make them."""

from __future__ import annotations

from collections.abc import Callable

OTHER = "other"
LONGEST = 64  # characters; a longer value is counted as OTHER


class BoundedLabels:
    """The first values of one label, `most` of all and `most_each` of one origin; every other value is OTHER.

    `on_cut` is called for each use of a value that is counted as OTHER.
    """

    def __init__(self, most: int, on_cut: Callable[[], object], *, most_each: int | None = None) -> None:
        self._most = most
        self._most_each = most if most_each is None else most_each
        self._on_cut = on_cut
        self._known: set[str] = set()
        self._by_origin: dict[str, int] = {}

    def known(self, value: str) -> str:
        """Return the label for `value`, if it is one already."""
        return value if value in self._known else OTHER

    def of(self, value: str, origin: str = "") -> str:
        """Return the label for `value`, which `origin` uses."""
        if value in self._known:
            return value
        if not self._has_room(origin) or len(value) > LONGEST:
            self._on_cut()
            return OTHER
        self._known.add(value)
        self._by_origin[origin] = self._by_origin.get(origin, 0) + 1
        return value

    def _has_room(self, origin: str) -> bool:
        return len(self._known) < self._most and self._by_origin.get(origin, 0) < self._most_each
