"""The cheapest set of calls that answers an operation, found by exhaustive search in a world that is fully known.

It shares nothing with the planner but the names of calls and their prices. What an operation *requires* is read off the
true world; what a call *tells* too; the optimum is the cheapest set of calls that, with what the cache holds, tells all
that is required, where a call can be made only once its key is known: from the operation, from the cache, or from
another answer.

The optimum is in hindsight: it is chosen knowing what every answer will say. The planner chooses before. Where it pays
more, one of the gaps of `allowed_gaps.py` must be there, and says how much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias, TypeVar

from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints
from tests.planner.answers import (
    BRIEF,
    HOME,
    ID,
    ITEM,
    ITEM_PK,
    ITEMS,
    LINK,
    NAME,
    NAMED_STORIES,
    NAMED_TRAY,
    PK,
    POST,
    POST_PK,
    PROFILE,
    SHELF,
    SHORT,
    STORIES,
    TRAY,
    Fact,
    tells,
)
from tests.planner.selections import (
    By,
    HighlightRoot,
    Highlights,
    Items,
    Operation,
    Page,
    PostRoot,
    Posts,
    References,
    UserRoot,
    Users,
)
from tests.planner.worlds import Account, Kind, Reel, Story, World

Ways: TypeAlias = tuple[tuple[Fact, ...], ...]
E = TypeVar("E", Reel, Story)
LONGEST_PAGE = 100


@dataclass
class Oracle:
    """Judges one operation in one world. `cached` is what the cache tells, as facts."""

    world: World
    operation: Operation
    cached: Collection[Fact]
    calls: tuple[Call, ...] = ()
    given: frozenset[Fact] = frozenset()
    required: tuple[Ways, ...] = ()
    told: dict[Call, frozenset[Fact]] = field(default_factory=dict)
    givers: dict[Fact, list[Call]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.required = tuple(dict.fromkeys(Requirements(self.world, self.operation.forced).of(self.operation)))
        self.calls = tuple(dict.fromkeys(call for call in self._nameable() if self._is_relevant(call)))
        self.told = {call: frozenset(tells(self.world, call)) for call in self.calls}
        for call in self.calls:
            for fact in self.told[call]:
                self.givers.setdefault(fact, []).append(call)
        self.given = frozenset((*self.cached, *self._keys(), *self._named_inside(), *self._shelves(), *self._homes()))

    def requires(self, fact: Fact) -> bool:
        return any(fact in way for ways in self.required for way in ways)

    def answers(self, bought: Collection[Call]) -> bool:
        """Whether these calls can be made one after the other, and then tell all that is required."""
        return not self._open(bought)

    def optimum(self, below: int) -> int:
        """The least price of calls that answer the operation, or `below` if it is not less than that."""
        return self._search((), 0, below, frozenset())

    def exhaustive(self) -> int:
        """The same by trying all sets of calls: only for very small worlds."""
        return min(
            sum(call.nominal_price for call in bought)
            for count in range(len(self.calls) + 1)
            for bought in combinations(self.calls, count)
            if self.answers(bought)
        )

    def _nameable(self) -> Iterator[Call]:
        """All calls about the world, and about what the operation names that is not there."""
        forced = self.operation.forced
        yield from self.world.calls(forced=forced)
        for by, key in self.operation.user_keys():
            by_id = by is By.ID
            yield Call(endpoints.PROFILE if by_id else endpoints.PROFILE_BY_USERNAME, key)
            yield Call(endpoints.TRAY if by_id else endpoints.TRAY_BY_USERNAME, key, forced)
            yield Call(endpoints.STORIES if by_id else endpoints.STORIES_BY_USERNAME, key, forced)
        yield from (Call(endpoints.HIGHLIGHT, pk) for pk in self.operation.highlight_keys())
        yield from (Call(endpoints.ITEM, pk) for pk in self.operation.item_keys())
        yield from (Call(endpoints.MEDIA, pk) for pk in self.operation.post_keys())

    def _is_relevant(self, call: Call) -> bool:
        """Whether something is required of what the call asks about: all else would be a guess at a best_case find."""
        match call.endpoint:
            case endpoints.MEDIA:
                return self.requires((POST, call.key))
            case endpoints.HIGHLIGHT:
                return self._is_wanted(call.key) or (PK, call.key) in self._shelves()
            case endpoints.STORIES | endpoints.STORIES_BY_USERNAME:
                account = self.world.by_id.get(call.key) or self.world.by_name.get(call.key)
                keys = (call.key,) if account is None else (account.pk, account.name)
                return any(self.requires((noun, key)) for noun in (STORIES, NAMED_STORIES) for key in keys) or any(
                    self.requires((ITEM, story.pk)) for story in (account.live if account else ())
                )
            case endpoints.PROFILE | endpoints.TRAY:
                account = self.world.by_id.get(call.key)
                names = (LINK, NAMED_TRAY) if account else ()
                return (
                    any(self.requires((noun, call.key)) for noun in (SHORT, PROFILE, TRAY, STORIES))
                    or any(account and self.requires((noun, account.name)) for noun in names)
                    or any(self._is_wanted(reel.pk) for reel in (account.reels if account else ()))
                )
            case _:
                return True

    def _homes(self) -> Iterator[Fact]:
        """Remembered owners of highlights that are asked for."""
        for noun, pk in self._keys():
            if noun == PK and (HOME, pk) in self.cached:
                yield ID, self.world.owners[pk][0].pk

    def _shelves(self) -> Iterator[Fact]:
        """Highlights in which an item that is asked for was seen."""
        for pk in self.operation.item_keys():
            if pk in self.world.shelves and (SHELF, self.world.shelves[pk][1].pk) in self.cached:
                yield PK, self.world.shelves[pk][1].pk

    def _is_wanted(self, pk: str) -> bool:
        return self.requires((BRIEF, pk)) or self.requires((ITEMS, pk))

    def _keys(self) -> Iterator[Fact]:
        """What can be asked for at once. An id that nothing is asked about is no key to guess with."""
        for root in self.operation.roots:
            match root:
                case UserRoot(keys, below):
                    yield from ((NAME, key) for by, key in keys if by is not By.ID)
                    yield from ((ID, key) for by, key in keys if by is By.ID and _asks_user(below))
                case HighlightRoot(keys, below):
                    yield from ((PK, pk) for _, pk in keys if _asks_highlight(below))
                case PostRoot(pks):
                    yield from ((POST_PK, pk) for pk in pks)
                case References(keys, users, highlights):
                    asked = {"User": _asks_user(users), "Highlight": _asks_highlight(highlights), "Item": True}
                    nouns = {"User": ID, "Highlight": PK, "Item": ITEM_PK}
                    yield from ((nouns[type_], pk) for type_, pk in keys if asked[type_])

    def _named_inside(self) -> Iterator[Fact]:
        """The ids of those whom the cached items that the operation shows mention."""
        for call in self.calls:
            nouns: dict[Endpoint, str] = {endpoints.HIGHLIGHT: ITEMS, endpoints.ITEM: ITEM, endpoints.MEDIA: POST}
            noun = nouns.get(call.endpoint)
            if noun is not None and self.requires((noun, call.key)) and (noun, call.key) in self.cached:
                yield from (fact for fact in self.told[call] if fact[0] in (ID, POST_PK))

    def _open(self, bought: Collection[Call]) -> list[list[Call]]:
        """For each requirement that `bought` leaves open: further calls, of which every answering set holds one.

        Calls that wait for their keys settle nothing yet, but one of them must get its key from a further call.
        """
        facts = set(self.given)
        waiting = list(bought)
        while ready := [call for call in waiting if _key(call) in facts]:
            for call in ready:
                facts |= self.told[call]
            waiting = [call for call in waiting if call not in ready]
        options = [self._options(ways, facts) for ways in self.required if not _is_met(ways, facts)]
        options = [calls for calls in options if not any(call in waiting for call in calls)]
        keys = [giver for call in waiting for giver in self.givers.get(_key(call), ())]
        return options + ([list(dict.fromkeys(keys))] if waiting else [])

    def _options(self, ways: Ways, facts: Collection[Fact]) -> list[Call]:
        """Whichever way is gone, its first unknown fact must come from one of these calls."""
        lacking = [next(fact for fact in way if fact not in facts) for way in ways]
        return list(dict.fromkeys(call for fact in lacking for call in self.givers.get(fact, ())))

    def _search(self, bought: tuple[Call, ...], price: int, best: int, excluded: frozenset[Call]) -> int:
        if price >= best:
            return best
        options = [
            [call for call in calls if call not in excluded and call not in bought] for calls in self._open(bought)
        ]
        if not options:
            return price
        if price + _at_least(options) >= best:
            return best
        fewest: list[Call] = min(options, key=len)
        for call in sorted(fewest, key=lambda call: call.nominal_price):
            best = self._search((*bought, call), price + call.nominal_price, best, excluded)
            excluded |= {call}
        return best


def _at_least(options: Iterable[list[Call]]) -> int:
    """Requirements with no call in common must each be paid for."""
    seen: set[Call] = set()
    price = 0
    for calls in sorted(options, key=len):
        if seen.isdisjoint(calls):
            price += min((call.nominal_price for call in calls), default=10**6)
            seen.update(calls)
    return price


def _is_met(ways: Ways, facts: Collection[Fact]) -> bool:
    return any(all(fact in facts for fact in way) for way in ways)


def _key(call: Call) -> Fact:
    """What must be known to make the call."""
    match call.endpoint:
        case endpoints.PROFILE | endpoints.TRAY | endpoints.STORIES:
            return ID, call.key
        case endpoints.PROFILE_BY_USERNAME | endpoints.TRAY_BY_USERNAME | endpoints.STORIES_BY_USERNAME:
            return NAME, call.key
        case endpoints.HIGHLIGHT:
            return PK, call.key
        case endpoints.ITEM:
            return ITEM_PK, call.key
        case endpoints.MEDIA:
            return POST_PK, call.key
        case _:
            raise AssertionError(f"the oracle knows no {call}")


# -- what an operation requires


@dataclass(frozen=True)
class Requirements:
    world: World
    forced: bool

    def of(self, operation: Operation) -> Iterator[Ways]:
        for root in operation.roots:
            match root:
                case UserRoot(keys, below):
                    for by, key in keys:
                        yield from self._named(by, key, below)
                case HighlightRoot(keys, below):
                    for _, pk in keys:
                        yield from self._highlight(pk, below, in_tray=False)
                case PostRoot(pks, below):
                    for pk in pks:
                        yield from self._post(pk, below)
                case References():
                    yield from self._references(root)

    def _references(self, root: References) -> Iterator[Ways]:
        for type_, pk in root.keys:
            match type_:
                case "User":
                    yield from self._user(pk, root.users)
                case "Highlight":
                    yield from self._highlight(pk, root.highlights, in_tray=False)
                case _:
                    yield (((ITEM, pk),),)
                    account, story = self.world.items.get(pk, (None, None))
                    if account and story and account.kind not in (Kind.PRIVATE, Kind.MISSING):
                        yield from self._item(account, story, root.items)

    def _named(self, by: By, key: str, below: Users) -> Iterator[Ways]:
        if by is By.ID:
            yield from self._user(key, below)
            return
        account = self.world.by_name.get(key)
        if below.fields:
            yield (((LINK, key),),)
        if below.trays:
            known = ((LINK, key),) if account is None else ((LINK, key), (TRAY, account.pk))
            yield (((NAMED_TRAY, key),), known)
        if below.stories:
            known = ((LINK, key),) if account is None else ((LINK, key), (STORIES, account.pk))
            yield (((NAMED_STORIES, key),), known)
        if account is not None:
            yield from self._user(account.pk, below, by_name=True)

    def _user(self, pk: str, below: Users, *, rides: bool = False, by_name: bool = False) -> Iterator[Ways]:
        """`rides`: the short fields came with the reference."""
        account = self.world.by_id.get(pk)
        if "username" in below.fields and not rides:
            yield (((SHORT, pk),),)
        if "biography" in below.fields:
            yield (((PROFILE, pk),),)
        if below.trays and not by_name:
            yield (((TRAY, pk),),)
        if below.stories and not by_name:
            yield (((STORIES, pk),),)
        if below.stories and account is not None:
            for story in account.live_stories(forced=self.forced) or ():
                yield from self._item(account, story, below.stories)
        for page, selection in below.trays:
            tray = (account and account.tray(forced=self.forced)) or ()
            matching = [reel for reel in tray if page.title is None or page.title in reel.pk]
            for reel in _within(sorted(matching, key=lambda reel: reel.pk) if page.by_title else matching, page):
                yield from self._highlight(reel.pk, selection, in_tray=True)

    def _highlight(self, pk: str, below: Highlights, *, in_tray: bool) -> Iterator[Ways]:
        account, reel = self.world.owners.get(pk, (None, None))
        hidden = account is None or account.kind in (Kind.PRIVATE, Kind.MISSING)
        if below.items or "missingItemIds" in below.fields:
            empty = () if hidden or reel is None or reel.stories else (((BRIEF, pk),),)
            yield (((ITEMS, pk),), *empty)
        if not in_tray and ("title" in below.fields or below.owner):
            yield (((BRIEF, pk),),)
        if account is None or reel is None or hidden:
            return
        if below.owner:
            yield from self._user(account.pk, below.owner, rides=True)
        for page, selection in below.items:
            stories = [story for story in reel.stories if page.kind in (None, "VIDEO" if story.is_video else "PHOTO")]
            for story in _within(stories, page):
                yield from self._item(account, story, selection)

    def _item(self, author: Account, story: Story, below: Items) -> Iterator[Ways]:
        if below.author:
            yield from self._user(author.pk, below.author)
        for positions, selection in ((story.mentions, below.mentioned), (story.sponsors, below.sponsors)):
            for position in positions if selection else ():
                assert selection is not None
                yield from self._user(self.world.accounts[position].pk, selection, rides=True)
        for position in story.posts if below.posts else ():
            assert below.posts is not None
            yield from self._post(self.world.posts[position].pk, below.posts)

    def _post(self, pk: str, below: Posts) -> Iterator[Ways]:
        """Only its own answer tells that it exists, whatever is selected of it; so it is with an item."""
        yield (((POST, pk),),)
        account, post = self.world.posts_by_pk.get(pk, (None, None))
        if account is None or post is None or account.kind in (Kind.PRIVATE, Kind.MISSING):
            return
        if below.author:
            yield from self._user(account.pk, below.author, rides=True)
        for position in post.tags if below.tagged else ():
            assert below.tagged is not None
            yield from self._user(self.world.accounts[position].pk, below.tagged, rides=True)


def _asks_highlight(below: Highlights) -> bool:
    return bool(below.fields or below.owner or below.items)


def _asks_user(below: Users) -> bool:
    """The id itself is an echo."""
    return bool(below.fields - {"id"} or below.trays or below.stories)


def _within(entries: Sequence[E], page: Page) -> Sequence[E]:
    names = [entry.id for entry in entries]
    if any(cursor is not None and cursor not in names for cursor in (page.after, page.before)):
        return ()
    start = 0 if page.after is None else names.index(page.after) + 1
    left = entries[start : None if page.before is None else max(start, names.index(page.before))]
    if page.first is not None or page.last is None:
        left = left[: LONGEST_PAGE if page.first is None else page.first]
    return left if page.last is None else left[max(0, len(left) - page.last) :]
