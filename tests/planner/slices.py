"""Selections of lists that the upstream pages, and positions in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.domain.comments import CommentId
from gateway.domain.hashtags import HashtagName
from gateway.domain.ids import EntityId, UserId
from gateway.domain.locations import LocationId
from gateway.domain.media import MediaId
from gateway.domain.searches import Point, SearchQuery, UserSearch
from gateway.reads.cursors import Position, digest
from gateway.reads.facts import FactKind
from tests.fakes.paging import PAGING
from tests.planner.listings import Of, Paged

IDS: dict[Of, type[EntityId]] = {
    Of.USER: UserId,
    Of.SEARCH_IN_USER: UserSearch,
    Of.POST: MediaId,
    Of.COMMENT: CommentId,
    Of.TAG: HashtagName,
    Of.SPOT: LocationId,
    Of.SEARCH: SearchQuery,
    Of.POINT: Point,
}
# The names that sealed cursors are bound to.
KINDS = {
    Paged.TAGGED: FactKind.TAGGED_POSTS,
    Paged.PINNED: FactKind.PINNED_POSTS,
    Paged.RECENT_OF_TAG: FactKind.RECENT_OF_HASHTAG,
    Paged.TOP_OF_TAG: FactKind.TOP_OF_HASHTAG,
    Paged.RECENT_AT_SPOT: FactKind.RECENT_AT_LOCATION,
    Paged.TOP_AT_SPOT: FactKind.TOP_AT_LOCATION,
    Paged.FOUND_TAGS: FactKind.FOUND_HASHTAGS,
    Paged.FOUND_SPOTS: FactKind.FOUND_LOCATIONS,
    Paged.SPOTS_NEAR: FactKind.LOCATIONS_NEAR,
}
B = TypeVar("B")


@dataclass(frozen=True)
class Mark:
    """A position in one list: so many entries of the page at `cursor` were read, and `recent` are the ids of the last.

    It names its list, and is a position in no other one.
    """

    listing: Paged
    owner: str
    cursor: str = ""
    offset: int = 0
    recent: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The cursor that clients pass."""
        owner = IDS[self.listing.of](self.owner)
        position = Position(self.cursor, self.offset, b"".join(map(digest, self.recent)))
        kind = KINDS.get(self.listing) or FactKind[self.listing.name]
        return PAGING.cursors.close(kind, owner, position)


@dataclass(frozen=True)
class Slice(Generic[B]):
    """What is selected of a list: how many entries, after which, and whether the length of the whole list is.

    `text` is what a search searches for. `alone`: nothing but the length is selected.
    """

    listing: Paged
    below: B
    first: int | None = None
    after: Mark | None = None
    total: bool = False
    text: str = ""
    alone: bool = False

    def __str__(self) -> str:
        listing = self.listing
        arguments = [listing.argument.format(self.text, *self.text.split())] if listing.argument else []
        if self.first is not None:
            arguments.append(f"first: {self.first}")
        if self.after is not None:
            arguments.append(f'after: "{self.after}"')
        given = f"({', '.join(arguments)})" if arguments else ""
        if listing.is_plain:
            return f"{listing.field}{given} {self.below}"
        if self.alone:
            return f"{listing.field}{given} {{ totalCount }}"
        total = "totalCount " if self.total else ""
        return f"{listing.field}{given} {{ {total}pageInfo {{ hasNextPage endCursor }} nodes {self.below} }}"

    def begins_in(self, owner: str) -> bool:
        """Whether the slice is one of the list of `owner`: a position in another list is none in this one."""
        return self.after is None or (self.after.listing, self.after.owner) == (self.listing, owner)
