"""Pages of a list by the Relay cursor specification, forward only.

A cursor names an entry, not an offset: entries added or removed before it do not shift pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The requested part of a list: the `first` entries after the entry with the id `after`."""

    first: int = LARGEST_PAGE
    after: str | None = None

    def of(self, entries: Sequence[E]) -> Page[E]:
        """Return the page. Raise InvalidInput if the list no longer contains the entry of `after`."""
        start = 0 if self.after is None else self._position(entries) + 1
        stop = min(start + self.first, len(entries))
        # A page of everything is the list itself, so that a SharedTuple keeps its identity.
        nodes = entries[start:stop] if stop - start < len(entries) else entries
        return Page(nodes, len(entries), has_previous=start > 0, has_next=stop < len(entries))

    def _position(self, entries: Sequence[E]) -> int:
        for position, entry in enumerate(entries):
            if entry.id == self.after:
                return position
        raise InvalidInput(
            "after is the cursor of an entry that is no longer in the list: start again without it.", field="after"
        )


def window(arguments: Mapping[str, object]) -> PageWindow:
    """Return the window of the arguments `first` and `after`. Raise InvalidInput."""
    first, after = arguments.get("first"), arguments.get("after")
    if first is None:
        first = LARGEST_PAGE
    if not isinstance(first, int) or not 0 <= first <= LARGEST_PAGE:
        raise InvalidInput(f"first must be from 0 to {LARGEST_PAGE}.", field="first")
    return PageWindow(first, None if after is None else _id_in(str(after)))


def cursor(entry_id: str) -> str:
    return base64.urlsafe_b64encode(entry_id.encode()).decode().rstrip("=")


def _id_in(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput("after is not a cursor of this list: pass pageInfo.endCursor.", field="after") from exc
