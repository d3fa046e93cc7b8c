"""Filters and orders of a list of highlights, applied to what the platform lists: no criterion costs a call."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, assert_never, cast

from gateway.domain.models import Highlight
from gateway.domain.partial import lost
from gateway.errors import InvalidInput

E = TypeVar("E")

LAST = datetime.min.replace(tzinfo=UTC)
# Characters. To fold a text takes time by the square of its combining marks; titles of the platform have at most 16.
LONGEST_TEXT = 100


class HighlightOrder(enum.Enum):
    TRAY = "tray"
    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class HighlightCriteria:
    """The highlights of a list that are requested, and their order.

    `title_contains` is without differences of case or of Unicode form. A highlight of which the platform did not send
    what a condition compares does not meet it. Highlights that are equal in an order keep the order of the tray.
    """

    title_contains: str | None = None
    is_pinned: bool | None = None
    created_since: datetime | None = None
    order: HighlightOrder = HighlightOrder.TRAY

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> HighlightCriteria:
        """Return the criteria in the coerced arguments of a field, or EVERY. Raise InvalidInput."""
        given, order = arguments.get("filter") or {}, arguments.get("order") or HighlightOrder.TRAY
        order = order if isinstance(order, HighlightOrder) else HighlightOrder[str(order)]
        return cls.checked(given.get("titleContains"), given.get("isPinned"), given.get("createdSince"), order)

    @classmethod
    def checked(
        cls, title: str | None, is_pinned: bool | None, since: datetime | None, order: HighlightOrder
    ) -> HighlightCriteria:
        """Return the criteria with these conditions, or EVERY. Raise InvalidInput."""
        if order is HighlightOrder.TRAY and title is None and is_pinned is None and since is None:
            return EVERY
        if since is not None and since.tzinfo is None:
            raise InvalidInput(
                "filter.createdSince must have a UTC offset: 2026-01-31T00:00:00Z.", field="filter.createdSince"
            )
        if title is not None and len(title) > LONGEST_TEXT:
            raise InvalidInput(
                f"filter.titleContains must have at most {LONGEST_TEXT} characters.", field="filter.titleContains"
            )
        return cls(None if title is None else _folded(title), is_pinned, since, order)

    def unread(self, entries: Sequence[Highlight]) -> int:
        """Return the number of entries of which a value that the filter compares could not be decoded."""
        conditions = {"title": self.title_contains, "is_pinned": self.is_pinned, "created_at": self.created_since}
        compared = [name for name, condition in conditions.items() if condition is not None]
        return sum(any(lost(entry, name) is not None for name in compared) for entry in entries) if compared else 0

    def apply(self, entries: Sequence[E]) -> Sequence[E]:
        """Return the matching entries in their order. EVERY returns `entries` itself, which may be of any type."""
        if self is EVERY:
            return entries
        highlights = cast("Sequence[Highlight]", entries)
        matching = [
            entry
            for entry in highlights
            if (self.title_contains is None or self.title_contains in _folded(entry.title))
            and self.is_pinned in (None, entry.is_pinned)
            and (self.created_since is None or _is_since(entry.created_at, self.created_since))
        ]
        match self.order:
            case HighlightOrder.NEWEST:
                matching.sort(key=lambda entry: entry.created_at or LAST, reverse=True)
            case HighlightOrder.OLDEST:
                matching.sort(key=lambda entry: (entry.created_at is None, entry.created_at))
            case HighlightOrder.TITLE:
                matching.sort(key=lambda entry: _folded(entry.title))
            case HighlightOrder.TRAY:
                pass
            case _:
                assert_never(self.order)
        return cast("list[E]", matching)


def _is_since(moment: datetime | None, since: datetime) -> bool:
    return moment is not None and moment >= since


def _folded(text: str) -> str:
    """Return the text without differences of case or of Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold()


EVERY = HighlightCriteria()
