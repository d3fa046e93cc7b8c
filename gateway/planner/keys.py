"""How much one request asks for."""

from __future__ import annotations


class Keys:
    """Counts the keys that one operation asks for, or all operations of a batch together.

    A key names one user, highlight or item, in a list or alone: each is a question for the planner.
    """

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0
