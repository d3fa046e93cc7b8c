"""The slices of lists that the upstream pages which a selection requests, as far as their pages are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from gateway.domain.ids import EntityId, UserId, UserKey
from gateway.errors import InvalidInput
from gateway.planner.given_arguments import list_subject
from gateway.planner.list_slices import ListSlice
from gateway.planner.requirements import Known
from gateway.planner.selection import ListPart, Selection
from gateway.reads.facts import ANSWERS, FactKind

Slices: TypeAlias = Sequence[tuple[FactKind, Selection, ListSlice]]


class RequestedSlices:
    """The slices that one operation requests. `counted` are the parts of lists that need no page."""

    def __init__(self, known: Known, counted: frozenset[ListPart]) -> None:
        self._known = known
        self._counted = counted

    def requested(self, key: UserKey | EntityId, selection: Selection) -> Slices:
        """Return the requested slices of the lists of an object. One that needs no page is complete, and empty."""
        found = []
        for kind, child in selection.paged:
            if child.searched is None or isinstance(key, UserId):
                with suppress(InvalidInput):  # the resolver raises it
                    found.append((kind, child, self.one(kind, list_subject(key, child.searched), child)))
        return found

    def one(self, kind: FactKind, owner: UserKey | EntityId, selection: Selection) -> ListSlice:
        """Return the requested slice of one list, which is empty if it needs no page. Raise InvalidInput."""
        found = self._known.slice(kind, owner, selection.slice_request)
        return ListSlice() if self._is_counted(kind, selection) else found

    def counts_comments_alone(self, post: Selection) -> bool:
        """Return whether nothing but the number of its comments is selected of a post."""
        counts = [kind is FactKind.COMMENTS and self._is_counted(kind, child) for kind, child in post.paged]
        is_more_selected = post.facts & ~FactKind.COMMENT_COUNT or len(counts) < len(post.children)
        return bool(post.facts or counts) and all(counts) and not is_more_selected

    def open_facts(self, key: UserKey | EntityId, slices: Slices) -> Iterator[FactKind]:
        """Yield the lists whose first page is open, and the facts that tell the selected lengths of lists."""
        for kind, child, found in slices:
            if found.missing == key:
                yield kind
            if FactKind.LIST_TOTAL in child.facts:
                row = ANSWERS[kind]
                total = row.total_alone if self._is_counted(kind, child) else row.total
                if total and self._known.fact(total, key) is None:
                    yield total

    def _is_counted(self, kind: FactKind, child: Selection) -> bool:
        return (kind, child.slice_request) in self._counted
