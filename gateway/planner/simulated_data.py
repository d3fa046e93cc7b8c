"""The data of an operation under a scenario: known facts, and simulated answers to the calls that are only priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.billing.prices import Purchase
from gateway.domain import pages
from gateway.domain.comments import Comment
from gateway.domain.highlight_criteria import EVERY, HighlightCriteria
from gateway.domain.ids import EntityId, HighlightId, ItemId, Subject, UserId, UserKey, Username
from gateway.domain.list_pages import BEGINNING, CommentPage, ListPage
from gateway.domain.models import Highlight, Item, LoadedHighlight, MediaKind
from gateway.domain.searches import UserSearch
from gateway.domain.users import Profile, UserSummary
from gateway.errors import NotFound
from gateway.planner.list_slices import Represented
from gateway.planner.requirement_collector import MOST_PEOPLE
from gateway.planner.resolved_data import EmptyDataSource, Fact, OperationData
from gateway.planner.simulated_objects import is_placeholder, item_by, profile_of, short_of
from gateway.planner.simulated_pages import Case, SimulatedPage, entry_of, page_after
from gateway.reads.batches import single_calls
from gateway.reads.cursors import START, Position
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANSWERS, ANY_PAGED_LIST, ITEM_LISTS, USER_LISTS, FactKind, Value


@dataclass(frozen=True, slots=True)
class Scenario:
    """Assumptions about unknown data: entries per tray, items per highlight, people of each kind per item.

    `best_case`: every answer also meets all other requirements that it could, and unknown user names do not exist.
    `worst_case`: it meets none of them, and an empty tray does not even name its owner.
    """

    highlights: int
    items: int
    people: int
    best_case: bool = False
    worst_case: bool = False


LOWER = Scenario(highlights=0, items=0, people=0, best_case=True)
# A tray and a highlight of ordinary size; most items mention no account.
EXPECTED = Scenario(highlights=12, items=12, people=0)
# A highlight holds at most 100 items; a story mentions at most 20 accounts.
UPPER = Scenario(highlights=pages.LARGEST_PAGE, items=pages.LARGEST_PAGE, people=MOST_PEOPLE, worst_case=True)

BEST_CASE = UserId("best_case")
PLACEHOLDER_USER = NotFound("There may be nobody of this name, and then nothing more is bought.")


class SimulatedData(OperationData):
    """The known facts, and a scenario's answers to calls that are only simulated.

    An unknown list is one representative entry that stands for as many as the scenario sets. With `recalls` off, no
    fact is known until its call is bought; then the answer is the known one, if any.

    `deeper` are the lists that lead on anywhere in the operation: one that is bought for itself may be needed for that
    later, when an answer names its user.
    """

    def __init__(
        self,
        known: OperationData,
        scenario: Scenario,
        *,
        recalls: bool,
        deeper: FactKind = FactKind.NOTHING,
    ) -> None:
        super().__init__(known if recalls else EmptyDataSource(), known.paging)
        self._actual: OperationData = known
        self._scenario = scenario
        self._deeper = deeper
        self._created = 0
        self._pages: dict[tuple[str, HighlightCriteria, pages.Place, int | None], Any] = {}
        self._entries_at: dict[tuple[str | None, Position], tuple[Any, ...]] = {}
        self._met = _MetInAddition()
        self._assumed: set[tuple[FactKind, Subject]] = set()

    def assume(self, purchase: Purchase, *, in_trays: bool) -> None:
        """Record a simulated answer. `in_trays`: the items of a highlight are in its owner's tray."""
        for call in single_calls(purchase.call):
            self._assume_answer(call, purchase, in_trays=in_trays)

    def _assume_answer(self, call: Call, purchase: Purchase, *, in_trays: bool) -> None:
        self._met.note(call, self, in_trays=in_trays)
        kind, subject = call.endpoint.answers, call.about
        self._assumed.add((kind, subject))
        known = self._actual.fact(kind, subject)
        if known is not None:
            self.tell(call, known)
        elif kind & ANY_PAGED_LIST:
            self._assume_page(call)
        elif kind in USER_LISTS:
            self._assume_list(call, purchase)
        else:
            self.tell(call, self._simulated_answer(kind, subject))

    # -- facts that the scenario assumes

    def identity(self, key: UserKey) -> Fact[UserId]:
        known = super().identity(key)
        return BEST_CASE if known is None and self._scenario.best_case and self._met.names else known

    def short(self, key: UserKey) -> Fact[UserSummary]:
        known = super().short(key)
        best_case = known is None and self._scenario.best_case and (key == BEST_CASE or self._met.shorts)
        return short_of(BEST_CASE.pk) if best_case else known

    def profile(self, key: UserKey) -> Fact[Profile]:
        known = super().profile(key)
        return profile_of(BEST_CASE.pk) if known is None and self.identity(key) == BEST_CASE else known

    def user_list(self, kind: FactKind, key: UserKey) -> Fact[tuple[Any, ...]]:
        known = super().user_list(kind, key)
        return () if known is None and self.identity(key) == BEST_CASE else known

    def page(self, kind: FactKind, subject: Subject) -> Fact[ListPage]:
        known = super().page(kind, subject)
        if known is not None or not isinstance(subject, UserId | Username | UserSearch):
            return known
        user = UserId(subject.user_pk) if isinstance(subject, UserSearch) else self.identity(subject)
        return SimulatedPage() if user == BEST_CASE else None

    def represents(self, page: ListPage, start: Position, left: int) -> Represented | None:
        """Return what a simulated page stands for; see `page_after`. From another place it has other entries."""
        if not isinstance(page, SimulatedPage):
            return None
        entries: Sequence[Any] = page.entries
        if entries and start != START:
            place = (page.next, start)
            if place not in self._entries_at:
                self._entries_at[place] = (entry_of(page.answers, page.owner, self._case, self._new_pk),)
                self._assume_replies(self._entries_at[place])
            entries = self._entries_at[place]
        return Represented(entries, left if self._scenario.worst_case else min(left, page.count), page.count)

    def _open(self, kind: FactKind, owner: EntityId, cursor: str) -> Position:
        """Return the position; some one in the list of an owner who is not known yet, to whom the cursor is bound."""
        return Position(f"after {cursor}") if is_placeholder(owner.pk) else super()._open(kind, owner, cursor)

    def brief(self, key: HighlightId) -> Fact[Highlight]:
        known = super().brief(key)
        if known is not None or self._scenario.worst_case:
            return known
        owner = self.owner_of(key)
        if owner is not None and (FactKind.TRAY, owner) in self._assumed:
            return Highlight(key.pk, short_of(owner.pk))
        return Highlight(key.pk, short_of(BEST_CASE.pk)) if self._scenario.best_case and self._met.briefs else None

    def loaded(self, key: HighlightId) -> Fact[LoadedHighlight]:
        known = super().loaded(key)
        if known is not None or self._scenario.worst_case or not self._met.loaded:
            return known
        owner = self.owner_of(key)
        if owner is not None and (FactKind.TRAY, owner) in self._assumed:
            self._highlights[key.pk] = self._loaded(key.pk, short_of(owner.pk))
        elif self._scenario.best_case:
            self._highlights[key.pk] = self._loaded(key.pk, short_of(BEST_CASE.pk))
        return self._highlights.get(key.pk)

    def item(self, key: ItemId) -> Fact[Item]:
        known = super().item(key)
        if known is not None or self._scenario.worst_case:
            return known
        highlight = self.highlight_of(key)
        seen = highlight is not None and (FactKind.HIGHLIGHT, highlight) in self._assumed
        if seen or (self._scenario.best_case and self._met.items):
            self._items[key.pk] = self._item(self._placeholder_user())
        return self._items.get(key.pk)

    def picks(
        self, entries: Sequence[pages.E], criteria: HighlightCriteria, window: pages.PageWindow
    ) -> tuple[Sequence[pages.E], int]:
        """Return the page. Any simulated entry matches any criteria, so that no price is too low."""
        if not entries or not is_placeholder(entries[0].id):
            return super().picks(entries, criteria, window)
        count = min(window.size, self._longest(entries[0]))
        return ((self._page_of(entries[0], criteria, window, count),), count) if count else ((), 0)

    def _longest(self, entry: object) -> int:
        if isinstance(entry, Highlight):
            return self._scenario.highlights
        if isinstance(entry, Item):
            return self._scenario.items
        raise AssertionError(f"no world says how many of {type(entry).__name__} there are")

    def _page_of(self, entry: Any, criteria: HighlightCriteria, window: pages.PageWindow, count: int) -> Any:
        """Return the entry that represents a page.

        At another place in the list, and by other criteria, it may be another entry; a longer page has more.
        """
        page = (entry.id, criteria, window.place, count if self._scenario.worst_case else None)
        if page == (entry.id, EVERY, pages.HEAD, None):
            return entry
        if page not in self._pages:
            self._pages[page] = self._another(entry)
        return self._pages[page]

    def _another(self, entry: Any) -> Any:
        if not isinstance(entry, LoadedHighlight):
            return Highlight(self._new_pk(), entry.owner) if isinstance(entry, Highlight) else self._item(entry.author)
        other = self._loaded(self._new_pk(), entry.owner or self._placeholder_user())
        self._store_entry(other)
        return other

    def _supersede(self, owner: UserSummary | None) -> None:
        """Do nothing: a simulated answer states nothing new about a user."""

    def _goes_by_another_name(self, user: UserId, key: Username) -> bool:
        """Return whether the user has another name.

        A simulated answer reveals a renaming in the `worst_case` scenario only.
        """
        met = self._shorts.get(user.pk)
        simulated = met is not None and met.username == short_of(user.pk).username
        return self._scenario.worst_case if simulated else super()._goes_by_another_name(user, key)

    def times(self, pk: str, most: int) -> int:
        return min(most, self._scenario.people) if is_placeholder(pk) else 1

    # -- simulated answers

    def _assume_list(self, call: Call, purchase: Purchase) -> None:
        scenario, kind = self._scenario, call.endpoint.answers
        row = ANSWERS[kind]
        owner = UserId(self._new_pk() if call.endpoint.by_name else call.key)
        if scenario.worst_case and not purchase.deeper and not kind & self._deeper:
            self.tell(call, ())  # an empty list then costs most: the short fields remain to buy
            return
        # Entries that are free, or only needed later, and no name as if there were none.
        is_nameless = scenario.worst_case and bool(call.endpoint.embeds or not purchase.deeper)
        person = UserSummary(owner.pk) if is_nameless else short_of(owner.pk)
        entry = self._item(person) if row.entries is Item else self._highlight(call, person)
        if is_nameless:
            self._store_list(kind, Username(call.key) if call.endpoint.by_name else owner, (entry,))
            return
        self._store_list(kind, owner, (entry,) if self._longest(entry) else ())
        self._assumed.add((kind, owner))
        if row.names_user:
            self._meet(short_of(owner.pk))
        if isinstance(call.about, Username):
            self._identities[call.key] = owner

    def _assume_page(self, call: Call) -> None:
        page = page_after(call, self._case, self._new_pk)
        self.tell(call, page)
        self._assume_replies(page.entries)

    def _assume_replies(self, entries: Sequence[Any]) -> None:
        """Assume the replies that come along with comments: few comments have more."""
        along = SimulatedPage(count=pages.LARGEST_PAGE) if self._case is Case.EXPECTED else CommentPage(next=BEGINNING)
        for comment in entries:
            if isinstance(comment, Comment) and comment.parent_id is None and comment.key is not None:
                self._answers[FactKind.REPLIES][comment.key] = along

    @property
    def _case(self) -> Case:
        if self._scenario.best_case:
            return Case.BEST
        return Case.WORST if self._scenario.worst_case else Case.EXPECTED

    def _highlight(self, call: Call, owner: UserSummary) -> Highlight:
        """Return an entry of a tray, with its items if the endpoint embeds them."""
        pk = self._new_pk()
        return self._loaded(pk, owner) if FactKind.HIGHLIGHT in call.endpoint.embeds else Highlight(pk, owner)

    def _loaded(self, pk: str, owner: UserSummary) -> LoadedHighlight:
        return LoadedHighlight(pk, owner, items=self._items_of_each_kind(owner))

    def _simulated_answer(self, kind: FactKind, subject: Subject) -> Value | NotFound:
        if isinstance(subject, Username):
            return PLACEHOLDER_USER if self._scenario.best_case else profile_of(self._new_pk())
        if isinstance(subject, UserId):
            return profile_of(subject.pk)
        if isinstance(subject, HighlightId):
            brief = self.brief(subject)
            known = brief.owner if isinstance(brief, Highlight) else None
            owner = known or self._placeholder_user()
            return self._loaded(subject.pk, owner)
        simulated = ANSWERS[kind].simulated
        assert isinstance(subject, EntityId), "pages are simulated by themselves"
        if simulated is not None and self._scenario.best_case:
            return NotFound(f"There may be no such {subject.noun}, and then nothing more is bought.")
        if simulated is not None:
            return simulated(subject.pk, self._placeholder_user(), short_of(self._new_pk()))
        return self._item(self._placeholder_user())

    def _items_of_each_kind(self, owner: UserSummary) -> tuple[Item, ...]:
        return tuple(self._item(owner, kind) for kind in (None, *MediaKind))

    def _placeholder_user(self) -> UserSummary:
        return short_of(BEST_CASE.pk if self._scenario.best_case else self._new_pk())

    def _item(self, author: UserSummary, kind: MediaKind | None = None) -> Item:
        return item_by(author, kind, self._new_pk)

    def _new_pk(self) -> str:
        self._created += 1
        return f"?{self._created}"


class _MetInAddition:
    """The kinds of requirements that the simulated calls may have met in addition to their own."""

    def __init__(self) -> None:
        self.names = self.shorts = self.briefs = self.loaded = self.items = False

    def note(self, call: Call, known: OperationData, *, in_trays: bool) -> None:
        kind = call.endpoint.answers
        row, subject = ANSWERS[kind], call.about
        if row.names_user:
            if isinstance(subject, UserId):
                self.names |= known.name_of(subject) is None
            elif isinstance(subject, Username):
                # If the user exists, the tray may follow: what waits until now waits for it.
                self.shorts = self.briefs = True
                self.loaded |= in_trays
                self.items |= in_trays
            elif not isinstance(subject, HighlightId) or not known.names_owner(subject):
                self.names = self.shorts = True
        contained = kind | call.endpoint.embeds
        self.items |= bool(contained & (FactKind.HIGHLIGHT | ITEM_LISTS))
        self.briefs |= FactKind.TRAY in contained
        self.loaded |= FactKind.HIGHLIGHT in call.endpoint.embeds
