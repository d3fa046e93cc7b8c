"""The number of entities that one request asks for."""

from __future__ import annotations


class Keys:
    """A counter of the keys that one operation, or all operations of a batch together, ask for.

    A key names one user, highlight or item, in a list or alone: each is a requirement for the planner.
    """

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0
