"""Filters and orders of a list of highlights, applied to what the platform lists: no criterion costs a call."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, assert_never, cast

from gateway.domain.models import Highlight
from gateway.errors import InvalidInput

E = TypeVar("E")

LAST = datetime.min.replace(tzinfo=UTC)


class HighlightOrder(enum.Enum):
    TRAY = "tray"
    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class HighlightCriteria:
    """The highlights of a list that are requested, and their order.

    A highlight of which the platform did not send what a criterion compares does not match it. Highlights that are
    equal in an order keep the order of the tray.
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
        if not given and order is HighlightOrder.TRAY:
            return EVERY
        since = given.get("createdSince")
        if since is not None and since.tzinfo is None:
            raise InvalidInput(
                "filter.createdSince must have a UTC offset: 2026-01-31T00:00:00Z.", field="filter.createdSince"
            )
        return cls(given.get("titleContains"), given.get("isPinned"), since, order)

    def apply(self, entries: Sequence[E]) -> Sequence[E]:
        """Return the matching entries in their order. EVERY returns `entries` itself, which may be of any type."""
        if self is EVERY:
            return entries
        title = None if self.title_contains is None else _folded(self.title_contains)
        highlights = cast("Sequence[Highlight]", entries)
        matching = [
            entry
            for entry in highlights
            if (title is None or title in _folded(entry.title))
            and self.is_pinned in (None, entry.is_pinned)
            and (self.created_since is None or (entry.created_at or LAST) >= self.created_since)
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


def _folded(text: str) -> str:
    """Return the text without differences of case or of Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold()


EVERY = HighlightCriteria()
