"""The cheapest set of calls that answers an operation, found by exhaustive search in a world that is fully known.

It shares nothing with the planner but the names of calls and their prices. What an operation *requires* is read off the
true world; what a call *tells* too; the optimum is the cheapest set of calls that, with what the cache holds, tells all
that is required, where a call can be made only once its key is known: from the operation, from the cache, or from
another answer.

The optimum is in hindsight: it is chosen knowing what every answer will say. The planner chooses before. Where it pays
more, one of the gaps of `allowed_gaps.py` must be there, and says how much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.answers import (
    BRIEF,
    COUNT,
    CURSOR,
    GONE,
    HOME,
    ID,
    ITEM,
    ITEM_PK,
    ITEMS,
    KEYS,
    LINK,
    NAME,
    NAMED_STORIES,
    NAMED_TRAY,
    PAGE,
    PK,
    POST,
    POST_PK,
    PROFILE,
    SHELF,
    SHORT,
    SPOT,
    SPOT_PK,
    STORIES,
    TAG,
    TAG_NAME,
    TRAY,
    Fact,
    place,
    place_of,
    tells,
)
from tests.planner.listings import Of, Paged
from tests.planner.required import Requirements, Ways
from tests.planner.selections import (
    By,
    HighlightRoot,
    Highlights,
    Operation,
    PlaceRoot,
    PostRoot,
    References,
    SearchRoot,
    Tags,
    UserRoot,
    Users,
)
from tests.planner.worlds import ENDPOINT_OF, LISTS, World, count_calls

# What must be known of that which a list is of.
OWNERS = {Of.USER: ID, Of.SEARCH_IN_USER: ID, Of.POST: POST_PK, Of.TAG: TAG_NAME, Of.SPOT: SPOT_PK}


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
        self.required = tuple(dict.fromkeys(Requirements.in_(self.world, self.operation)))
        self.calls = tuple(dict.fromkeys(call for call in self._nameable() if self._is_relevant(call)))
        self.told = {call: frozenset(tells(self.world, call)) for call in self.calls}
        for call in self.calls:
            for fact in self.told[call]:
                self.givers.setdefault(fact, []).append(call)
        self.given = frozenset(
            (*self.cached, *self._keys(), *self._named_inside(), *self._shelves(), *self._homes(), *self._marked())
        )

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
            if by_id:
                yield from (Call(ENDPOINT_OF[listing], key) for listing in Paged if listing.of is Of.USER)
        yield from (Call(endpoints.HIGHLIGHT, pk) for pk in self.operation.highlight_keys())
        yield from (Call(endpoints.ITEM, pk) for pk in self.operation.item_keys())
        for mark in self.operation.marks():
            yield Call(ENDPOINT_OF[mark.listing], mark.owner, cursor=mark.cursor)
        for pk in self.operation.post_keys():
            yield Call(endpoints.MEDIA, pk)
            yield from (Call(ENDPOINT_OF[listing], pk) for listing in Paged if listing.of is Of.POST)
        for kind, key in self.operation.places():
            of, endpoint = (Of.TAG, endpoints.HASHTAG) if kind is Tags else (Of.SPOT, endpoints.LOCATION)
            yield Call(endpoint, key)
            yield from (Call(ENDPOINT_OF[listing], key) for listing in Paged if listing.of is of)
        yield from self._searches()
        yield from count_calls(key for ways in self.required for way in ways for noun, key in way if noun == COUNT)

    def _searches(self) -> Iterator[Call]:
        """The calls about what the operation searches for, among accounts those that it may be about."""
        pks = [*self.world.by_id, *(key for by, key in self.operation.user_keys() if by is By.ID)]
        for part in self.operation.slices():
            endpoint = ENDPOINT_OF[part.listing]
            if part.listing.of is Of.SEARCH_IN_USER:
                yield from (Call(endpoint, part.listing.owner(pk, part.text), self.operation.forced) for pk in pks)
            elif part.listing.of in (Of.SEARCH, Of.POINT):
                yield Call(endpoint, part.text)

    def _is_relevant(self, call: Call) -> bool:
        """Whether something is required of what the call asks about: all else would be a guess at a best_case find."""
        match call.endpoint:
            case endpoints.MEDIA:
                return self.requires((POST, call.key)) or self.requires((COUNT, call.key))
            case endpoints.HASHTAG | endpoints.LOCATION:
                return self.requires((TAG if call.endpoint is endpoints.HASHTAG else SPOT, call.key))
            case list_endpoints.COMMENT_COUNTS:
                return all(self.requires((COUNT, pk)) for pk in call.key.split(","))
            case _ if call.endpoint in LISTS:
                return self.requires((PAGE, place_of(call)))
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
                    any(self.requires((noun, call.key)) for noun in (SHORT, PROFILE, TRAY, STORIES, GONE))
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
                case SearchRoot():
                    pass
                case PlaceRoot(key, below):
                    yield (TAG_NAME if isinstance(below, Tags) else SPOT_PK), key
                case References(keys, users, highlights):
                    asked = {"User": _asks_user(users), "Highlight": _asks_highlight(highlights), "Item": True}
                    nouns = {"User": ID, "Highlight": PK, "Item": ITEM_PK}
                    yield from ((nouns[type_], pk) for type_, pk in keys if asked[type_])

    def _named_inside(self) -> Iterator[Fact]:
        """The ids of those whom the cached items and pages that the operation shows mention."""
        nouns: dict[Endpoint, str] = {endpoints.HIGHLIGHT: ITEMS, endpoints.ITEM: ITEM, endpoints.MEDIA: POST}
        for call in self.calls:
            noun = PAGE if call.endpoint in LISTS else nouns.get(call.endpoint)
            shown = noun and (noun, place_of(call) if noun == PAGE else call.key)
            if shown and self.requires(shown) and shown in self.cached:
                yield from (fact for fact in self.told[call] if fact[0] in KEYS)

    def _marked(self) -> Iterator[Fact]:
        """The cursors in the positions that the operation names."""
        for mark in self.operation.marks():
            yield CURSOR, place(mark.listing, mark.owner, mark.cursor)

    def _open(self, bought: Collection[Call]) -> list[list[Call]]:
        """For each requirement that `bought` leaves open: further calls, of which every answering set holds one.

        Calls that wait for their keys settle nothing yet, but one of them must get its key from a further call.
        """
        facts = set(self.given)
        waiting = list(bought)
        while ready := [call for call in waiting if all(key in facts for key in _keys(call))]:
            for call in ready:
                facts |= self.told[call]
            waiting = [call for call in waiting if call not in ready]
        options = [self._options(ways, facts) for ways in self.required if not _is_met(ways, facts)]
        options = [calls for calls in options if not any(call in waiting for call in calls)]
        unknown = [key for call in waiting for key in _keys(call) if key not in facts]
        keys = [giver for key in unknown for giver in self.givers.get(key, ())]
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


def _keys(call: Call) -> tuple[Fact, ...]:
    """All that must be known to make the call.

    What is searched for is known, and so is a comment of which a cursor of its replies is.
    """
    if call.endpoint is list_endpoints.COMMENT_COUNTS:
        return tuple((POST_PK, pk) for pk in call.key.split(","))
    if call.endpoint not in LISTS:
        return (_key(call),)
    noun = OWNERS.get(LISTS[call.endpoint].of)
    owner = () if noun is None else ((noun, call.key.partition(" ")[0]),)
    return (*owner, (CURSOR, place_of(call))) if call.cursor else owner


def _key(call: Call) -> Fact:
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
        case endpoints.HASHTAG:
            return TAG_NAME, call.key
        case endpoints.LOCATION:
            return SPOT_PK, call.key
        case _:
            raise AssertionError(f"the oracle knows no {call}")


def _asks_highlight(below: Highlights) -> bool:
    return bool(below.fields or below.owner or below.items)


def _asks_user(below: Users) -> bool:
    """The id itself is an echo."""
    return bool(below.fields - {"id"} or below.trays or below.stories or below.lists)
