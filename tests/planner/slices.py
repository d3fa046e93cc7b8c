"""Selections of lists that the upstream pages, and positions in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.domain.ids import EntityId, UserId
from gateway.domain.media import MediaId
from gateway.reads.cursors import Position, digest
from gateway.reads.facts import FactKind
from tests.fakes.paging import PAGING
from tests.planner.listings import Paged

KINDS = {
    Paged.POSTS: FactKind.POSTS,
    Paged.FOLLOWERS: FactKind.FOLLOWERS,
    Paged.FOLLOWING: FactKind.FOLLOWING,
    Paged.COMMENTS: FactKind.COMMENTS,
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
        owner: EntityId = (MediaId if self.listing is Paged.COMMENTS else UserId)(self.owner)
        position = Position(self.cursor, self.offset, b"".join(map(digest, self.recent)))
        return PAGING.cursors.close(KINDS[self.listing], owner, position)


@dataclass(frozen=True)
class Slice(Generic[B]):
    """What is selected of a list: how many entries, after which, and whether the length of the whole list is."""

    listing: Paged
    below: B
    first: int | None = None
    after: Mark | None = None
    total: bool = False

    def __str__(self) -> str:
        arguments = [] if self.first is None else [f"first: {self.first}"]
        if self.after is not None:
            arguments.append(f'after: "{self.after}"')
        given = f"({', '.join(arguments)})" if arguments else ""
        total = "totalCount " if self.total else ""
        return f"{self.listing.value}{given} {{ {total}pageInfo {{ hasNextPage endCursor }} nodes {self.below} }}"

    def begins_in(self, owner: str) -> bool:
        """Whether the slice is one of the list of `owner`: a position in another list is none in this one."""
        return self.after is None or (self.after.listing, self.after.owner) == (self.listing, owner)
