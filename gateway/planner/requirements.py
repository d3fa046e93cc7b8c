"""The requirements of an operation: the facts about each subject that are still open, given those known so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain import pages
from gateway.domain.highlight_criteria import HighlightCriteria
from gateway.domain.ids import EntityId, HighlightId, ItemId, Subject, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.planner.list_slices import ListSlice, SliceRequest
from gateway.planner.resolved_data import DataSource, Fact
from gateway.reads.facts import OF_SUBJECT, FactKind


@dataclass(slots=True)
class Requirement:
    """One subject, and all the facts about it that the operation needs now.

    `path` is the first place in the response that needs them (response keys joined by dots, no indices). `times` is
    above 1 only when pricing: the requirement then stands for that number of similar ones. `deeper` are the
    lists with selections on their entries, so that longer ones cost more.
    """

    subject: Subject
    want: FactKind
    path: str
    times: int = 1
    deeper: FactKind = FactKind.NOTHING


Questions = dict[Subject, Requirement]


class Known(DataSource, Protocol):
    """A data source that the collector can page through. The facts with rules of their own have a method each."""

    def identity(self, key: UserKey) -> Fact[UserId]: ...
    def short(self, key: UserKey) -> Fact[UserSummary]: ...
    def profile(self, key: UserKey) -> Fact[Profile]: ...
    def brief(self, key: HighlightId) -> Fact[Highlight]: ...
    def loaded(self, key: HighlightId) -> Fact[LoadedHighlight]: ...
    def item(self, key: ItemId) -> Fact[Item]: ...

    def slice(self, kind: FactKind, key: EntityId | Username, request: SliceRequest) -> ListSlice:
        """Return a slice of a list that the upstream pages, as far as it is known. Raise InvalidInput."""
        ...

    def name_of(self, user: UserId) -> str | None:
        """Return the user name in lower case, if an answer contained it."""
        ...

    def names_owner(self, key: HighlightId) -> bool:
        """Return whether the highlight's owner is known by name, so that the highlight's own answer reveals no name."""
        ...

    def picks(
        self, entries: Sequence[pages.E], criteria: HighlightCriteria, window: pages.PageWindow
    ) -> tuple[Sequence[pages.E], int]:
        """Return the entries in the window, and the number of similar entries that each of them stands for.

        The window is one of the entries that match the criteria, in their order.
        """
        ...

    def times(self, pk: str, most: int) -> int:
        """Return the number of entities that one named by an item stands for, of which it names `most` at most."""
        ...


def unmet(wanted: Iterable[Requirement], known: Known) -> Questions:
    """Return the requirements among `wanted` that are still open, for loads on demand without a selection."""
    still_open: Questions = {}
    for requirement in wanted:
        if open_want := _open(requirement, known):
            subject = _named_by_id(requirement.subject, known)
            still_open[subject] = Requirement(subject, open_want, requirement.path)
    return still_open


def _named_by_id(subject: Subject, known: Known) -> Subject:
    identity = known.fact(FactKind.IDENTITY, subject) if isinstance(subject, Username) else None
    return identity if isinstance(identity, UserId) else subject


def _open(requirement: Requirement, known: Known) -> FactKind:
    subject, open_want = requirement.subject, FactKind.NOTHING
    if requirement.want not in OF_SUBJECT[type(subject)]:
        raise AssertionError(f"{requirement.want} is no question about {subject}")
    for want in requirement.want:
        if known.fact(want, subject) is None:
            open_want |= want
    return open_want
