"""How many entries an answer may hold, before anything is bought for it.

Cost by list sizes, as the cost specification of IBM has it: what a list is sliced by multiplies what is below it, and
one that is not sliced counts as its largest page.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.pages import LARGEST_PAGE
from gateway.errors import TooComplex
from gateway.planner.selection import Edge, Selection

# Entries in the whole answer: five accounts with all they may have. 10,000 entries take 13 to 38 ms of the event loop.
LARGEST_ANSWER = 50_000
# Keys in one argument: each is a question of its own.
LONGEST_LIST = 1_000
KEYS = {Edge.USERS: "by", Edge.HIGHLIGHTS: "ids", Edge.REFERENCES: "representations"}
PAGED = frozenset({Edge.TRAY, Edge.ITEMS})


def check_size(roots: Sequence[Selection]) -> None:
    """Raises TooComplex."""
    for root in roots:
        place = ".".join(root.path)
        _check("list", len(_keys(root)), LONGEST_LIST, f"{place} is asked for too much at once")
    _check("entries", sum(map(entries, roots)), LARGEST_ANSWER, "the answer could be too large: lower `first`")


def entries(selection: Selection) -> int:
    """The most entries that `selection` can bring into the answer."""
    below = sum(map(entries, selection.children))
    return _count(selection) * (1 + below)


def _count(selection: Selection) -> int:
    if selection.edge in KEYS:
        return len(_keys(selection))
    first = selection.arguments.get("first", LARGEST_PAGE)
    # What is no number of entries is refused in its own place, for less.
    return first if selection.edge in PAGED and isinstance(first, int) and 0 <= first <= LARGEST_PAGE else 1


def _keys(selection: Selection) -> Sequence[object]:
    keys = selection.arguments.get(KEYS.get(selection.edge, ""))
    return keys if isinstance(keys, list) else ()


def _check(limit: str, value: int, most: int, message: str) -> None:
    if value > most:
        raise TooComplex(f"{message} ({value}, at most {most}).", limit=limit, most=most, value=value)
