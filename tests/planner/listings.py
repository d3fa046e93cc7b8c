"""Lists that the upstream pages, as the worlds of tests have them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.domain.list_pages import BEGINNING

MOST_PAGES = 3  # that one field of an operation reads
DEAD_CURSOR = "9"  # which no list knows


class Of(enum.Enum):
    """What a list is of. A search among the accounts of a user is keyed by the user and the text."""

    USER = enum.auto()
    SEARCH_IN_USER = enum.auto()
    POST = enum.auto()
    COMMENT = enum.auto()
    TAG = enum.auto()
    SPOT = enum.auto()
    SEARCH = enum.auto()
    POINT = enum.auto()


class Has(enum.Enum):
    """What the entries of a list are."""

    POSTS = enum.auto()
    PEOPLE = enum.auto()
    COMMENTS = enum.auto()
    TAGS = enum.auto()
    SPOTS = enum.auto()


MATCHING, BY_TEXT = 'matching: "{0}"', 'query: "{0}"'
IN_LOCATIONS, NEAR = 'by: {{ query: "{0}" }}', "by: {{ near: {{ latitude: {1}, longitude: {2} }} }}"


class Paged(enum.Enum):
    """A list that the upstream pages: its field in the graph, with the argument that chooses it or what it searches.

    Some have one page and nothing but entries in the graph: neither a number of them nor a cursor can be given.
    """

    POSTS = (Of.USER, Has.POSTS, "media")
    REELS = (Of.USER, Has.POSTS, "media", "kind: REELS")
    TAGGED = (Of.USER, Has.POSTS, "taggedMedia")
    PINNED = (Of.USER, Has.POSTS, "pinnedMedia", "", True)
    FOLLOWERS = (Of.USER, Has.PEOPLE, "followers")
    FOLLOWING = (Of.USER, Has.PEOPLE, "following")
    MATCHING_FOLLOWERS = (Of.SEARCH_IN_USER, Has.PEOPLE, "followers", MATCHING)
    MATCHING_FOLLOWING = (Of.SEARCH_IN_USER, Has.PEOPLE, "following", MATCHING)
    COMMENTS = (Of.POST, Has.COMMENTS, "comments")
    LIKERS = (Of.POST, Has.PEOPLE, "likers")
    REPLIES = (Of.COMMENT, Has.COMMENTS, "replies")
    RECENT_OF_TAG = (Of.TAG, Has.POSTS, "media")
    TOP_OF_TAG = (Of.TAG, Has.POSTS, "media", "order: TOP")
    RECENT_AT_SPOT = (Of.SPOT, Has.POSTS, "media")
    TOP_AT_SPOT = (Of.SPOT, Has.POSTS, "media", "order: TOP")
    FOUND_USERS = (Of.SEARCH, Has.PEOPLE, "searchUsers", BY_TEXT)
    FOUND_TAGS = (Of.SEARCH, Has.TAGS, "searchHashtags", BY_TEXT, True)
    FOUND_SPOTS = (Of.SEARCH, Has.SPOTS, "searchLocations", IN_LOCATIONS, True)
    SPOTS_NEAR = (Of.POINT, Has.SPOTS, "searchLocations", NEAR, True)

    def __init__(self, of: Of, has: Has, field: str, argument: str = "", is_plain: bool = False) -> None:
        self.of = of
        self.has = has
        self.field = field
        self.argument = argument
        self.is_plain = is_plain

    @property
    def has_one_page(self) -> bool:
        return self.is_plain or self is Paged.LIKERS or self.of is Of.SEARCH_IN_USER

    def owner(self, pk: str, text: str) -> str:
        """Return the key of a list: of the object with this pk, of the text searched for, or of both."""
        match self.of:
            case Of.SEARCH_IN_USER:
                return f"{pk} {text}"
            case Of.SEARCH | Of.POINT:
                return text
            case _:
                return pk


class Refusal(enum.Enum):
    """What the upstream says instead of a page, and charges."""

    UNKNOWN = "nobody there"
    HIDDEN = "private"
    DEAD = "a cursor that is none"


@dataclass(frozen=True)
class Leaf:
    """One page: the numbers of its entries, and the upstream's cursor of the next page, None at the end.

    The numbers are positions of posts, accounts, tags or spots in the world; of comments, numbers of their own.
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


@dataclass(frozen=True)
class Thread:
    """The replies to a comment. The first `along` ones come with it, and the upstream's first page repeats them."""

    listing: Listing = NO_ENTRIES
    along: int = 0

    @property
    def first(self) -> tuple[int, ...]:
        return self.listing.leaves[0].entries[: self.along]

    @property
    def is_whole(self) -> bool:
        """Whether all come along."""
        return self.listing.total <= len(self.first)

    def at(self, cursor: str) -> Leaf | None:
        if cursor:
            return self.listing.at("" if cursor == BEGINNING else cursor)
        return Leaf(self.first, None if self.is_whole else BEGINNING)

    @property
    def cursors(self) -> tuple[str, ...]:
        """All that lead to a page of the upstream."""
        return () if self.is_whole else (BEGINNING, *self.listing.cursors[1:])


NO_REPLIES = Thread()


def pages(*entries: tuple[int, ...]) -> Listing:
    """A list of pages of these entries, each of which names the next one."""
    last = len(entries) - 1
    return Listing(tuple(Leaf(page, str(at + 1) if at < last else None) for at, page in enumerate(entries)))
