"""The price of an operation before it runs: the plan, bought in imagination.

Where a later call depends on an earlier answer that is not known, the price has bounds: each world says how long an
unknown list is and whether accounts asked for in different ways turn out to be the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self, assert_never

from gateway.billing.prices import Prices, Purchase
from gateway.domain import pages
from gateway.domain.ids import HighlightId, ItemId, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight, MediaKind, Mention, Profile, Tray, UserSummary
from gateway.errors import NotFound
from gateway.planner.plan import plan
from gateway.planner.requirements import Questions, open_requirements
from gateway.planner.resolved_data import EmptyDataSource, Fact, OperationData
from gateway.planner.selection import Selection
from gateway.upstream.hikerapi.endpoints import Call, Endpoint


@dataclass(frozen=True, slots=True)
class Scenario:
    """How things stand where nobody knows: entries per tray, items per highlight, people of each kind per item.

    `lucky`: whatever an answer may settle by the way, it settles, and nobody bears a name that is not known. `grim`: it
    settles nothing, and an empty tray does not even tell whose it is.
    """

    highlights: int
    items: int
    people: int
    lucky: bool = False
    grim: bool = False


LOWER = Scenario(highlights=0, items=0, people=0, lucky=True)
# A tray and a highlight of ordinary size; most items mention nobody.
EXPECTED = Scenario(highlights=12, items=12, people=0)
# A highlight holds at most 100 items; a story mentions at most 20 accounts.
UPPER = Scenario(highlights=pages.LARGEST_PAGE, items=pages.LARGEST_PAGE, people=20, grim=True)

# Calls. To imagine this many takes some milliseconds.
MANY = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an operation would cost, in billed requests.

    `purchases` are those expected now, `cold` those with an empty cache.
    """

    lower: int
    upper: int
    purchases: tuple[Purchase, ...]
    cold: tuple[Purchase, ...]

    @classmethod
    def of(cls, *worlds: tuple[Purchase, ...]) -> Self:
        """From what is bought in the world of upper bounds, the expected one, that of an empty cache, the lower one."""
        upper, expected, cold, lower = worlds
        return cls(total(lower), total(upper), expected, cold)

    @property
    def expected(self) -> int:
        return total(self.purchases)

    @property
    def saved_by_cache(self) -> int:
        return max(0, total(self.cold) - self.expected)


class Pricer:
    """Prices operations as one client's: with its right to force, or without."""

    def __init__(self, prices: Prices, *, forced: bool) -> None:
        self._prices = prices
        self._forced = forced

    def estimate(self, roots: Sequence[Selection], known: OperationData) -> Estimate:
        return Estimate.of(*(self._buy(roots, world) for world in self._worlds(known)))

    async def estimate_in_steps(
        self, roots: Sequence[Selection], known: OperationData, take: Callable[[int], Awaitable[None]]
    ) -> Estimate:
        """As `estimate`; others may want the loop, so it awaits `take` with the work of each step before that.

        What is learned meanwhile makes what follows cheaper.
        """
        plans = []
        for world in self._worlds(known):
            bought: list[Purchase] = []
            for purchases, ahead in self._steps(roots, world):
                bought += purchases
                await take(ahead)
            plans.append(tuple(bought))
        return Estimate.of(*plans)

    def _worlds(self, known: OperationData) -> Iterator[SimulatedData]:
        """The dearest first."""
        for world in (UPPER, EXPECTED):
            yield SimulatedData(known, world, recalls=True)
        yield SimulatedData(known, EXPECTED, recalls=False)
        yield SimulatedData(known, LOWER, recalls=True)

    def least(self, asked: Questions, known: OperationData) -> int:
        """What the first calls cost: the same in every world, so that no world is cheaper. It imagines nothing.

        `asked` are the questions that the operation puts, given `known`.
        """
        return total(plan(asked, known, self._prices, forced=self._forced))

    async def total_in_steps(
        self, roots: Sequence[Selection], imagined: SimulatedData, take: Callable[[int], Awaitable[None]]
    ) -> int:
        """The price of what is bought there. Others may want the loop, so it awaits `take` before each long step.

        Not after short ones: each turn of the event loop is one more queue to stand in.
        """
        price = 0
        for purchases, ahead in self._steps(roots, imagined):
            price += total(purchases)
            if ahead > MANY:
                await take(ahead)
        return price

    def cold(self, roots: Sequence[Selection], known: OperationData) -> tuple[Purchase, ...]:
        """What would have to be bought if every answer that `known` holds were not there."""
        return self._buy(roots, SimulatedData(known, EXPECTED, recalls=False))

    def _buy(self, roots: Sequence[Selection], imagined: SimulatedData) -> tuple[Purchase, ...]:
        return tuple(chain.from_iterable(purchases for purchases, _ in self._steps(roots, imagined)))

    def _steps(self, roots: Sequence[Selection], imagined: SimulatedData) -> Iterator[tuple[tuple[Purchase, ...], int]]:
        """What is bought, and the work of the step that follows: to plan, to imagine the answers, to ask again."""
        while asked := open_requirements(roots, imagined):
            yield (), len(asked)
            purchases = plan(asked, imagined, self._prices, forced=self._forced)
            yield purchases, len(purchases)
            for purchase in purchases:
                imagined.assume(purchase)
            yield (), len(asked)


def total(purchases: Sequence[Purchase]) -> int:
    return sum(purchase.total for purchase in purchases)


BEST_CASE = UserId("lucky")
PLACEHOLDER_USER = NotFound("There may be nobody of this name, and then nothing more is bought.")


class SimulatedData(OperationData):
    """What is known, and what a world makes of the calls that are only imagined.

    An unknown list is one representative entry that stands for as many as the world says. Where `recalls` is off,
    nothing is known until its call is bought, and then what is really known of it comes out.
    """

    def __init__(self, known: OperationData, world: Scenario, *, recalls: bool) -> None:
        super().__init__(known if recalls else EmptyDataSource())
        self._real: OperationData = known
        self._world = world
        self._made = 0
        self._pages: dict[tuple[str, str | None, int | None], Any] = {}
        self._luck = _Luck()

    def assume(self, purchase: Purchase) -> None:
        call = purchase.call
        self._luck.note(call, self)
        real = self._real.answer(call)
        if real is not None:
            self.tell(call, real)
        elif call.endpoint.is_tray:
            self._assume_tray(call, purchase)
        else:
            self.tell(call, self._phantom(call))

    # -- what the world makes of a question

    def identity(self, key: UserKey) -> Fact[UserId]:
        known = super().identity(key)
        return BEST_CASE if known is None and self._world.lucky and self._luck.names else known

    def short(self, key: UserKey) -> Fact[UserSummary]:
        known = super().short(key)
        lucky = known is None and self._world.lucky and (key == BEST_CASE or self._luck.shorts)
        return _short(BEST_CASE.pk) if lucky else known

    def profile(self, key: UserKey) -> Fact[Profile]:
        known = super().profile(key)
        return _profile(BEST_CASE.pk) if known is None and self.identity(key) == BEST_CASE else known

    def tray(self, key: UserKey) -> Fact[Tray]:
        known = super().tray(key)
        return () if known is None and self.identity(key) == BEST_CASE else known

    def brief(self, key: HighlightId) -> Fact[Highlight]:
        known = super().brief(key)
        if known is not None or self._world.grim:
            return known
        owner = self.home(key)
        if owner is not None and self._told_tray(owner):
            return Highlight(key.pk, _short(owner.pk))
        return Highlight(key.pk, _short(BEST_CASE.pk)) if self._world.lucky and self._luck.briefs else None

    def item(self, key: ItemId) -> Fact[Item]:
        known = super().item(key)
        if known is not None or self._world.grim:
            return known
        shelf = self.shelf(key)
        seen = shelf is not None and Call(Endpoint.HIGHLIGHT, shelf.pk) in self.told
        if seen or (self._world.lucky and self._luck.items):
            self._items[key.pk] = self._item(self._somebody())
        return self._items.get(key.pk)

    def picks(self, entries: Sequence[pages.E], window: pages.Window) -> tuple[Sequence[pages.E], int]:
        if not entries or not _is_phantom(entries[0].id):
            return super().picks(entries, window)
        count = min(window.first, self._longest(entries[0]))
        return ((self._page_of(entries[0], window, count),), count) if count else ((), 0)

    def _longest(self, entry: object) -> int:
        if isinstance(entry, Highlight):
            return self._world.highlights
        if isinstance(entry, Item):
            return self._world.items
        raise AssertionError(f"no world says how many of {type(entry).__name__} there are")

    def _page_of(self, entry: Any, window: pages.Window, count: int) -> Any:
        """What stands for the entries of a page. After another cursor they may be others; a longer page has more."""
        page = (entry.id, window.after, count if self._world.grim else None)
        if page == (entry.id, None, None):
            return entry
        if page not in self._pages:
            self._pages[page] = self._another(entry)
        return self._pages[page]

    def _another(self, entry: Any) -> Any:
        return Highlight(self._new(), entry.owner) if isinstance(entry, Highlight) else self._item(entry.author)

    def _supersede(self, owner: UserSummary | None) -> None:
        """An imagined answer says nothing new of anybody."""

    def _goes_by_another_name(self, user: UserId, key: Username) -> bool:
        """An answer that is only imagined tells of a renaming in the grim world alone."""
        imagined = self._shorts.get(user.pk) == _short(user.pk)
        return self._world.grim if imagined else super()._goes_by_another_name(user, key)

    def times(self, person: UserSummary) -> int:
        return self._world.people if _is_phantom(person.id) else 1

    # -- imagined answers

    def _assume_tray(self, call: Call, purchase: Purchase) -> None:
        world = self._world
        owner = UserId(call.key if call.endpoint is Endpoint.TRAY else self._new())
        if world.grim and not purchase.deeper:  # an empty tray is then the dearest: it leaves the short fields to buy
            self.tell(call, ())
            return
        entries = (Highlight(self._new(), _short(owner.pk)),) if world.highlights else ()
        self.tell(Call(Endpoint.TRAY, owner.pk), entries)
        self._meet(_short(owner.pk))
        if call.endpoint is Endpoint.TRAY_BY_USERNAME:
            self._identities[call.key] = owner

    def _phantom(self, call: Call) -> Profile | LoadedHighlight | Item | NotFound:
        match call.endpoint:
            case Endpoint.PROFILE_BY_USERNAME:
                return PLACEHOLDER_USER if self._world.lucky else _profile(self._new())
            case Endpoint.HIGHLIGHT:
                brief = self.brief(HighlightId(call.key))
                known = brief.owner if isinstance(brief, Highlight) else None
                owner = known or self._somebody()
                kinds = (None, *MediaKind)
                return LoadedHighlight(call.key, owner, items=tuple(self._item(owner, kind) for kind in kinds))
            case Endpoint.ITEM:
                return self._item(self._somebody())
            case Endpoint.PROFILE:
                return _profile(call.key)
            case Endpoint.TRAY | Endpoint.TRAY_BY_USERNAME:
                raise AssertionError("a tray has a length")
            case _:
                assert_never(call.endpoint)

    def _somebody(self) -> UserSummary:
        return _short(BEST_CASE.pk if self._world.lucky else self._new())

    def _item(self, author: UserSummary, kind: MediaKind | None = None) -> Item:
        pk, mention, sponsor = self._new(), Mention(_short(self._new())), _short(self._new())
        media_type = None if kind is None else kind.value
        nameless = UserSummary(author.id)  # as an item names its author
        return Item(pk, pk, media_type=media_type, author=nameless, mentions=(mention,), sponsors=(sponsor,))

    def _new(self) -> str:
        self._made += 1
        return f"?{self._made}"

    def _told_tray(self, owner: UserId) -> bool:
        return any(Call(Endpoint.TRAY, owner.pk, forced) in self.told for forced in (False, True))


class _Luck:
    """Which kinds of questions the imagined calls may have settled by the way."""

    def __init__(self) -> None:
        self.names = self.shorts = self.briefs = self.items = False

    def note(self, call: Call, known: OperationData) -> None:
        match call.endpoint:
            case Endpoint.TRAY | Endpoint.PROFILE:
                self.names |= known.name_of(UserId(call.key)) is None
            case Endpoint.HIGHLIGHT if not known.names_owner(HighlightId(call.key)):
                self.names = self.shorts = True
            case Endpoint.TRAY_BY_USERNAME | Endpoint.PROFILE_BY_USERNAME:
                self.shorts = True
            case Endpoint.HIGHLIGHT | Endpoint.ITEM:
                pass  # an item names its author by id alone
            case _:
                assert_never(call.endpoint)
        self.items |= call.endpoint is Endpoint.HIGHLIGHT
        self.briefs |= call.endpoint.is_tray


def _is_phantom(pk: str) -> bool:
    return pk.rpartition(":")[2].startswith("?")


def _short(pk: str) -> UserSummary:
    return UserSummary(pk, username=f"?{pk}")


def _profile(pk: str) -> Profile:
    return Profile(pk, username=f"?{pk}")
