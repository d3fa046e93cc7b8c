"""Slices of lists that the upstream pages: the entries that a client asks for, over the pages that are known.

The upstream decides what a page holds; `first` is met by as many pages as that takes. Pages repeat entries of the page
before them: each is returned once. A page that brings nothing new ends the slice, so that `first: 1` never costs more
than one page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from gateway.domain.ids import EntityId, ListPlace, Subject
from gateway.domain.list_pages import BEGINNING, Entry, ListPage
from gateway.domain.pages import LARGEST_PAGE
from gateway.errors import CursorExpired, GatewayError, InvalidInput
from gateway.reads.cursors import DIGEST_BYTES, START, ListCursors, Position, digest, most_recent
from gateway.reads.facts import FactKind


@dataclass(frozen=True, slots=True)
class SliceRequest:
    """The requested part of a list: `first` entries after the cursor `after`. Without `first`, one page's rest."""

    first: int | None = None
    after: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, object]) -> SliceRequest:
        """Return the request in the arguments `first` and `after`. Raise InvalidInput."""
        first, after = arguments.get("first"), arguments.get("after")
        if first is not None and not (isinstance(first, int) and 1 <= first <= LARGEST_PAGE):
            raise InvalidInput(f"first must be from 1 to {LARGEST_PAGE}.", field="first")
        return cls(first, None if after is None else str(after))


@dataclass(frozen=True, slots=True)
class Paging:
    """The cursors of clients, and the largest number of pages that one field buys.

    `trusts_no_stories`: an account that a list says has no live story has an empty list of stories.
    """

    cursors: ListCursors
    max_pages: int
    trusts_no_stories: bool = False


@dataclass(slots=True)
class ListSlice:
    """A slice of a list, as far as its pages are known.

    `entries` are paired with the number of similar ones that each stands for. `missing` is the subject of the page to
    buy next, None if the slice is complete. `problem` is the error in the place of a page. `places` are those after
    each entry, and `end` is the place after the slice; `total` is what a page tells of the length of the list.
    `has_next` is false after an expired cursor, too: the list cannot be read on there.
    """

    entries: list[tuple[Entry, int]] = field(default_factory=list)
    missing: Subject | None = None
    problem: GatewayError | None = None
    owner: EntityId | None = None
    start: Position = START
    places: list[tuple[str, int]] = field(default_factory=list)
    end: tuple[str, int] = ("", 0)
    has_next: bool = False
    total: int | None = None
    pages: list[ListPage] = field(default_factory=list)
    digests: bytes | None = None
    """Of the entries before the slice and in it, once a cursor is wanted."""

    def position(self, count: int) -> Position:
        """Return the position after the first `count` entries; after the slice if it has no more."""
        cursor, offset = self.places[count - 1] if 0 < count < len(self.places) else self.end
        if self.digests is None:
            self.digests = self.start.recent + b"".join(digest(entry.id) for entry, _ in self.entries)
        return Position(cursor, offset, most_recent(self.digests, len(self.start.recent) + DIGEST_BYTES * count))


class Represented(NamedTuple):
    """The meaning of a simulated page: entries, the number that each stands for, and the number added to a slice."""

    entries: Sequence[Entry]
    times: int
    added: int


class PageSource(Protocol):
    def page(self, kind: FactKind, subject: Any) -> ListPage | GatewayError | None: ...

    def represents(self, page: ListPage, start: Position, left: int) -> Represented | None:
        """Return what a simulated page stands for in a slice from `start` with `left` entries; None for a real page."""
        ...


def read_slice(
    source: PageSource, kind: FactKind, owner: EntityId, request: SliceRequest, start: Position, *, max_pages: int
) -> ListSlice:
    """Return the slice of the list `kind` of `owner` from `start`."""
    found = ListSlice(owner=owner, start=start, end=(start.cursor, start.offset), has_next=True)
    left = LARGEST_PAGE if request.first is None else request.first
    known = start.digests()
    seen: set[str] = set()
    visited = {""}
    while True:
        cursor, offset = found.end
        visited.add(cursor)
        subject: Subject = ListPlace(owner, cursor) if cursor else owner
        page = source.page(kind, subject)
        if page is None:
            found.missing = subject
            return found
        if isinstance(page, GatewayError):
            found.problem = page
            # Only starting over leads on from a dead cursor.
            found.has_next = not isinstance(page, CursorExpired)
            return found
        found.pages.append(page)
        found.total = page.total if page.total is not None else found.total
        simulated = source.represents(page, start, left)
        added = _add_simulated(found, page, simulated) if simulated else _add(found, page, offset, left, known, seen)
        left -= added
        if found.end[0] == cursor and found.end[1] < len(page.entries):
            return found  # the page has more
        # A cursor that was read from already leads round in a circle.
        found.has_next = bool(page.next) and page.next not in visited
        if not found.has_next:
            return found
        found.end = str(page.next), 0
        if found.places and added and not simulated:
            found.places[-1] = found.end
        is_over = not added and page.next != BEGINNING  # what came along may be nothing
        if request.first is None or left <= 0 or is_over or len(found.pages) >= max_pages:
            return found


def _add(found: ListSlice, page: ListPage, offset: int, left: int, known: set[bytes], seen: set[str]) -> int:
    """Add the entries of a page from `offset`, at most `left`, that are not `known` from before. Return how many."""
    cursor, added, at = found.end[0], 0, offset
    for at, entry in enumerate(page.entries[offset:], offset + 1):
        if entry.id not in seen and not (known and digest(entry.id) in known):
            if added == left:
                at -= 1
                break
            seen.add(entry.id)
            found.entries.append((entry, 1))
            found.places.append((cursor, at))
            added += 1
    found.end = cursor, max(at, offset)
    return added


def _add_simulated(found: ListSlice, page: ListPage, simulated: Represented) -> int:
    found.entries += [(entry, simulated.times) for entry in simulated.entries]
    found.end = found.end[0], len(page.entries)
    return simulated.added
