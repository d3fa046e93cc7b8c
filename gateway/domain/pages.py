"""Pages of a list by the Relay cursor specification.

A cursor names an entry, not an offset: entries added or removed before it do not shift pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from gateway.errors import InvalidInput

# A highlight holds at most 100 items, and no observed tray was longer: the largest page usually contains everything.
LARGEST_PAGE = 100


class ListEntry(Protocol):
    @property
    def id(self) -> str: ...


E = TypeVar("E", bound=ListEntry)


@dataclass(frozen=True, slots=True)
class Page(Generic[E]):
    """One page. `total` counts the whole list; `nodes` are the page's entries."""

    nodes: Sequence[E]
    total: int
    has_previous: bool
    has_next: bool


Place: TypeAlias = tuple[str | None, str | None, str, int | None]


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The requested part of a list, by Relay's rules.

    It is what lies between the entries with the ids `after` and `before`; of it at most the `first` entries, and of
    these at most the `last`. Without both numbers a page has LARGEST_PAGE entries at most.
    """

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def size(self) -> int:
        """The largest number of entries that the page can have."""
        return min(number for number in (self.first, self.last, LARGEST_PAGE) if number is not None)

    @property
    def place(self) -> Place:
        """The place in the list. Windows of one place and size contain the same entries."""
        if self.last is None:
            return self.after, self.before, "first", None
        return self.after, self.before, "last", self.first

    def of(self, entries: Sequence[E]) -> Page[E]:
        """Return the page. Raise InvalidInput if the list no longer contains the entry of `after` or `before`."""
        start = 0 if self.after is None else _position(entries, self.after, "after") + 1
        stop = len(entries) if self.before is None else max(start, _position(entries, self.before, "before"))
        first = LARGEST_PAGE if self.first is None and self.last is None else self.first
        if first is not None:
            stop = min(stop, start + first)
        if self.last is not None:
            start = max(start, stop - self.last)
        # A page of everything is the list itself, so that a SharedTuple keeps its identity.
        nodes = entries[start:stop] if stop - start < len(entries) else entries
        return Page(nodes, len(entries), has_previous=start > 0, has_next=stop < len(entries))


HEAD = PageWindow().place


def window(arguments: Mapping[str, object]) -> PageWindow:
    """Return the window of the arguments `first`, `after`, `last` and `before`. Raise InvalidInput."""
    return PageWindow(
        first=_size(arguments, "first"),
        after=_entry_id(arguments, "after"),
        last=_size(arguments, "last"),
        before=_entry_id(arguments, "before"),
    )


def cursor(entry_id: str) -> str:
    return base64.urlsafe_b64encode(entry_id.encode()).decode().rstrip("=")


def _size(arguments: Mapping[str, object], name: str) -> int | None:
    size = arguments.get(name)
    if size is None or (isinstance(size, int) and 0 <= size <= LARGEST_PAGE):
        return size
    raise InvalidInput(f"{name} must be from 0 to {LARGEST_PAGE}.", field=name)


def _entry_id(arguments: Mapping[str, object], name: str) -> str | None:
    given = arguments.get(name)
    if given is None:
        return None
    text = str(given)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput(f"{name} is not a cursor of this list: pass one of its pageInfo.", field=name) from exc


def _position(entries: Sequence[E], entry_id: str, name: str) -> int:
    for position, entry in enumerate(entries):
        if entry.id == entry_id:
            return position
    raise InvalidInput(
        f"{name} is the cursor of an entry that is no longer in the list: start again without it.", field=name
    )
