"""Lists that the upstream pages, as the worlds of tests have them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

MOST_PAGES = 3  # that one field of an operation reads
DEAD_CURSOR = "9"  # which no list knows


class Paged(enum.Enum):
    """A list that the upstream pages, by the name of its field in the graph."""

    POSTS = "media"
    FOLLOWERS = "followers"
    FOLLOWING = "following"
    COMMENTS = "comments"


class Refusal(enum.Enum):
    """What the upstream says instead of a page, and charges."""

    UNKNOWN = "nobody there"
    HIDDEN = "private"
    DEAD = "a cursor that is none"


@dataclass(frozen=True)
class Leaf:
    """One page: the numbers of its entries, and the upstream's cursor of the next page, None at the end.

    The numbers are positions of posts or accounts in the world; of comments, numbers of their own.
    """

    entries: tuple[int, ...] = ()
    next: str | None = None


@dataclass(frozen=True)
class Listing:
    """Its pages. The cursor of a page is its position; the first one has none."""

    leaves: tuple[Leaf, ...] = (Leaf(),)

    def at(self, cursor: str) -> Leaf | None:
        position = int(cursor or 0)
        is_known = cursor != "0" and position < len(self.leaves)
        return self.leaves[position] if is_known else None

    @property
    def cursors(self) -> tuple[str, ...]:
        """All that its pages name, and that of the first page."""
        named = [leaf.next for leaf in self.leaves if leaf.next is not None]
        return tuple(dict.fromkeys(("", *(str(at) for at in range(1, len(self.leaves))), *named)))

    @property
    def total(self) -> int:
        return len({entry for leaf in self.leaves for entry in leaf.entries})


NO_ENTRIES = Listing()


def pages(*entries: tuple[int, ...]) -> Listing:
    """A list of pages of these entries, each of which names the next one."""
    last = len(entries) - 1
    return Listing(tuple(Leaf(page, str(at + 1) if at < last else None) for at, page in enumerate(entries)))
