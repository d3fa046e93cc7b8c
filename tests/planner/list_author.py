"""Draws lists that the upstream pages, selections of them, and positions in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from tests.planner.listings import DEAD_CURSOR, NO_ENTRIES, NO_REPLIES, Has, Leaf, Listing, Of, Paged, Thread
from tests.planner.slices import Mark, Slice
from tests.planner.worlds import POINT, TEXTS, World

B = TypeVar("B")
UPTO = [st.integers(0, most) for most in range(400)]


@dataclass(frozen=True)
class Theme:
    """The lists that a world has: in one with all of them, few operations would select two that have to do.

    `begins_with` is what the first root of an operation is. `counts`: the numbers of comments are selected.
    """

    lists: Collection[Paged]
    begins_with: Of = Of.USER
    counts: bool = False

    @property
    def hides_nobody(self) -> bool:
        """No account is private or missing.

        What the upstream says of several posts at once that are all hidden is not documented, and what lies below a
        post is seen more often.
        """
        return self.counts or self.begins_with is Of.POST


BASE = Theme((Paged.POSTS, Paged.FOLLOWERS, Paged.FOLLOWING, Paged.COMMENTS))
COUNTS_OF_POSTS = Theme((Paged.COMMENTS, Paged.POSTS), Of.POST, counts=True)
THEMES = (
    BASE,
    Theme((Paged.POSTS, Paged.REELS, Paged.PINNED, Paged.TAGGED)),
    Theme((Paged.LIKERS, Paged.COMMENTS, Paged.FOLLOWERS), Of.POST),
    Theme((Paged.COMMENTS, Paged.REPLIES), Of.POST),
    Theme((Paged.POSTS, Paged.TAGGED, Paged.COMMENTS), counts=True),
    COUNTS_OF_POSTS,
    Theme((Paged.RECENT_OF_TAG, Paged.TOP_OF_TAG, Paged.RECENT_AT_SPOT, Paged.COMMENTS), Of.TAG),
    Theme((Paged.RECENT_AT_SPOT, Paged.TOP_AT_SPOT, Paged.POSTS), Of.SPOT),
    Theme((Paged.FOUND_TAGS, Paged.FOUND_SPOTS, Paged.SPOTS_NEAR, Paged.RECENT_OF_TAG, Paged.TOP_AT_SPOT), Of.SEARCH),
    Theme((Paged.FOUND_USERS, Paged.MATCHING_FOLLOWERS, Paged.FOLLOWERS), Of.SEARCH),
    Theme((Paged.MATCHING_FOLLOWERS, Paged.MATCHING_FOLLOWING, Paged.FOLLOWERS)),
)
NO_LISTS = Theme(())


class ListAuthor:
    """Draws small numbers, zero being the simplest choice, and lists of them."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.theme = NO_LISTS
        self._owes_list = False

    def upto(self, most: int) -> int:
        return self._draw(UPTO[most]) if most else 0

    def listings(self, of: Of, posts: int, accounts: int, places: int = 0) -> dict[Paged, Listing]:
        """The lists of one object, out of so many posts, accounts, and tags or spots."""
        counts = {Has.POSTS: posts, Has.PEOPLE: accounts, Has.COMMENTS: 9, Has.TAGS: places, Has.SPOTS: places}
        return {listing: self.listing(listing, counts[listing.has]) for listing in self.theme.lists if listing.of is of}

    def listing(self, listing: Paged, count: int) -> Listing:
        """Pages of up to two new entries out of `count`, some of which repeat the last one of the page before."""
        if listing not in self.theme.lists:
            return NO_ENTRIES
        leaves, following = list[Leaf](), 0
        most = 0 if listing.has_one_page else self.upto(3)
        for at in range(most + 1):
            new, repeats = ((1, 2, 0, 1, 2)[self.upto(4)], self.upto(3) == 3) if count else (0, False)
            first = following - 1 if repeats and following else following
            following += new
            entries = tuple(number % count for number in range(first, following))
            if listing.of is Of.TAG:  # its pages are cleared of repetitions before a place in them is counted
                entries = tuple(dict.fromkeys(entries))
            end = None if listing.has_one_page else self._end(at)
            leaves.append(Leaf(entries, str(at + 1) if at < most else end))
        return Listing(tuple(leaves))

    def thread(self) -> Thread:
        if Paged.REPLIES not in self.theme.lists:
            return NO_REPLIES
        return Thread(self.listing(Paged.REPLIES, 9), (0, 0, 1, 2)[self.upto(3)])

    def _end(self, at: int) -> str | None:
        """What the last page names as the next one: nothing, a cursor that is none, or a page that was read."""
        return (None, None, DEAD_CURSOR, str(max(1, at - 1)) if at else None)[self.upto(3)]

    # -- selections

    def few(self, of: Of, has: Has) -> Sequence[Paged]:
        """Which lists of one object are selected, of those with such entries."""
        lists = [listing for listing in self.theme.lists if listing.of is of and listing.has is has]
        if not lists:
            return ()
        if self._owes_list or of is Of.COMMENT:
            self._owes_list = False
            count = 1 + self.upto(1)
        else:
            count = (0, 0, 0, 1, 2)[self.upto(4)]
        return [lists[self.upto(len(lists) - 1)] for _ in range(count)]

    def slice(self, world: World, listing: Paged, below: B) -> Slice[B]:
        text = POINT if listing.of is Of.POINT else TEXTS[self.upto(1)] if "{0}" in listing.argument else ""
        if listing.is_plain:
            return Slice(listing, below, text=text)
        after = self._mark(world, listing, text) if self.upto(3) == 3 else None
        first, extent = (None, 1, 2, 3, 100)[self.upto(4)], self.upto(7)
        return Slice(listing, below, first, after, extent >= 6, text, alone=extent == 7)

    def _mark(self, world: World, listing: Paged, text: str) -> Mark | None:
        """A position after some entries of a page, or before its first one and after those of the page before."""
        if self.upto(9) == 9:
            others = [other for other in self.theme.lists if not other.is_plain]
            listing = others[self.upto(len(others) - 1)]
        owners = list(_owners(world, listing, text or TEXTS[0]))
        if not owners:
            return None
        owner = owners[self.upto(len(owners) - 1)]
        _, pages = world.listed(listing, owner) or (None, NO_ENTRIES)
        cursors = list(dict.fromkeys(("", *pages.cursors)))
        place = self.upto(len(cursors) - 1)
        leaf = pages.at(cursors[place]) or Leaf()
        offset = self.upto(len(leaf.entries))
        had = leaf.entries[:offset]
        if not offset and place:
            had = (pages.at(cursors[place - 1]) or Leaf()).entries
        recent = tuple(world.entry_id(listing, owner, number) for number in had)
        return Mark(listing, owner, cursors[place], offset, recent)


def _owners(world: World, listing: Paged, text: str) -> Collection[str]:
    match listing.of:
        case Of.USER | Of.SEARCH_IN_USER:
            return [listing.owner(pk, text) for pk in world.by_id]
        case Of.POST:
            return world.posts_by_pk.keys()
        case Of.COMMENT:
            return list(world.comment_keys())
        case Of.TAG | Of.SPOT:
            return world.places[listing.of].keys()
        case _:
            return [text]
