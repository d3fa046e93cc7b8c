"""How much work something is: in function calls, which are the same on every machine and at every load."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

# Ten times as much may be twelve times the work: what is sorted, or a dictionary that grows, takes a little more.
MOST = 12


def calls(work: Callable[[], object]) -> int:
    """The functions that `work` calls: ours, libraries' and built-in ones; each step of a generator is one more."""
    count = 0

    def note(_: object, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(small: Callable[[], object], large: Callable[[], object]) -> float:
    """How many times the work of `small` that of `large` is."""
    return calls(large) / calls(small)
