"""Generated cases: a small world, what was asked of it before and how long ago, and an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from gateway.cache.freshness import Lifetimes
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import FactKind, Lifetime
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.answers import (
    BRIEF,
    COUNT,
    CURSOR,
    GONE,
    HOME,
    ID,
    ITEM,
    ITEMS,
    LINK,
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
    tells,
)
from tests.planner.author import NOBODY, Author
from tests.planner.list_author import THEMES, Theme
from tests.planner.listings import Leaf, Of, Paged, Refusal
from tests.planner.selections import Operation, Root
from tests.planner.worlds import LISTS, Account, Kind, Place, Post, World

LIFETIMES = Lifetimes(
    {
        Lifetime.TRAY: 600,
        Lifetime.STORIES: 120,
        Lifetime.HIGHLIGHT: 3_600,
        Lifetime.MEDIA: 3_600,
        Lifetime.POSTS: 600,
        Lifetime.COMMENTS: 120,
        Lifetime.PEOPLE: 1_800,
        Lifetime.HASHTAG: 3_600,
        Lifetime.SEARCH: 600,
        Lifetime.PROFILE: 3_600,
        Lifetime.USERNAME: 86_400,
        Lifetime.MISSING: 120,
    },
    stale=3_600,
    margin=300,
)


@dataclass(frozen=True)
class Case:
    """`history`: calls made before, each followed by a pause in seconds."""

    world: World
    history: tuple[tuple[Call, float], ...]
    operation: Operation

    def cached(self) -> frozenset[Fact]:
        """What the cache still tells this operation."""
        age = sum(pause for _, pause in self.history)
        facts = set[Fact]()
        dropped = self._dropped()
        for at, (call, pause) in enumerate(self.history):
            told = _remembered(self.world, call, age, forced=self.operation.forced)
            facts |= {fact for fact in told if fact[0] in RIDERS} if at in dropped else told
            age -= pause
        return frozenset(facts)

    def _dropped(self) -> set[int]:
        """The places in history of pages that a refused cursor has made worthless: they lead to it."""
        dropped = set[int]()
        for at, (call, _) in enumerate(self.history):
            listing = LISTS.get(call.endpoint)
            if listing is None or self.world.leaf(listing, call.key, call.cursor) is not Refusal.DEAD:
                continue
            cursor: str | None = ""
            path = set[int]()
            while cursor is not None and cursor != call.cursor and not path >= (found := self._kept(call, cursor, at)):
                path |= found
                leaf = self.world.leaf(listing, call.key, cursor)
                cursor = leaf.next if isinstance(leaf, Leaf) else None
            if cursor == call.cursor:
                dropped |= path
        return dropped

    def _kept(self, call: Call, cursor: str, until: int) -> set[int]:
        """The places before `until` of calls of another page of the same list whose answers are fresh then."""
        found, age = set[int](), 0.0
        for at in range(until - 1, -1, -1):
            earlier, pause = self.history[at]
            age += pause
            is_page = (earlier.endpoint, earlier.key, earlier.cursor) == (call.endpoint, call.key, cursor)
            if is_page and age < PAGES_LIVE[call.endpoint]:
                found.add(at)
        return found


def case_of(
    *roots: Root,
    accounts: Sequence[Account],
    posts: Sequence[Post] = (),
    tags: Sequence[Place] = (),
    searches: Sequence[Place] = (),
    history: Sequence[tuple[Call, float]] = (),
) -> Case:
    """A case that is written down. It forces nothing."""
    world = World(tuple(accounts), tuple(posts), tuple(tags), searches=tuple(searches))
    return Case(world, tuple(history), Operation(roots))


LIVES = {
    ID: LIFETIMES.ttls[Lifetime.USERNAME],  # of the owner; those who are named inside are told by what names them
    LINK: LIFETIMES.ttls[Lifetime.USERNAME],
    SHORT: LIFETIMES.ttls[Lifetime.PROFILE],
    PROFILE: LIFETIMES.ttls[Lifetime.PROFILE],
    TRAY: LIFETIMES.ttls[Lifetime.TRAY],
    NAMED_TRAY: LIFETIMES.ttls[Lifetime.TRAY],
    STORIES: LIFETIMES.ttls[Lifetime.STORIES],
    NAMED_STORIES: LIFETIMES.ttls[Lifetime.STORIES],
    ITEMS: LIFETIMES.ttls[Lifetime.HIGHLIGHT],
    ITEM: LIFETIMES.ttls[Lifetime.HIGHLIGHT],
    POST: LIFETIMES.ttls[Lifetime.MEDIA],
    TAG: LIFETIMES.ttls[Lifetime.HASHTAG],
    SPOT: LIFETIMES.ttls[Lifetime.HASHTAG],
    GONE: 0,  # an absence has a life of its own
    POST_PK: 0,  # they are told by what names them, as those who are named inside
    TAG_NAME: 0,
    SPOT_PK: 0,
    HOME: float("inf"),  # whose a highlight is never changes
    SHELF: float("inf"),  # which items lie in a highlight
}
# Of the lists that are not posts.
LIFETIME_OF = {
    Paged.FOLLOWERS: Lifetime.PEOPLE,
    Paged.FOLLOWING: Lifetime.PEOPLE,
    Paged.LIKERS: Lifetime.PEOPLE,
    Paged.COMMENTS: Lifetime.COMMENTS,
    Paged.REPLIES: Lifetime.COMMENTS,
}
PAGES_LIVE: Mapping[Endpoint, float] = {
    endpoint: LIFETIMES.ttls[
        Lifetime.SEARCH
        if listing.of in (Of.SEARCH, Of.SEARCH_IN_USER, Of.POINT)
        else LIFETIME_OF.get(listing, Lifetime.POSTS)
    ]
    for endpoint, listing in LISTS.items()
}
RIDERS = {ID, LINK, SHORT, HOME}


def _remembered(world: World, call: Call, age: float, *, forced: bool) -> set[Fact]:
    """What an answer that is `age` seconds old still tells.

    A forced answer serves those who may force, what rides on it serves all; nobody who may force is served a refusal
    of those who may not.
    """
    told = set(tells(world, call))
    listing = LISTS.get(call.endpoint)
    account = (world.by_name if "username" in call.endpoint.label else world.by_id).get(call.key)
    account = world.account_behind(listing, call.key) if listing is not None else account
    if _is_refusal(world, call, account):
        of_others = call.forced != forced and (call.forced or (account is not None and account.kind is Kind.PRIVATE))
        of_others &= call.endpoint.forced_price is not None
        return set() if of_others or age >= LIFETIMES.ttls[Lifetime.MISSING] else told
    tray = (
        LIFETIMES.ttls[Lifetime.TRAY] if call.endpoint.answers is FactKind.TRAY else LIFETIMES.ttls[Lifetime.HIGHLIGHT]
    )
    serves_all = forced or not call.forced
    page = PAGES_LIVE.get(call.endpoint, 0)
    count = LIFETIMES.ttls[Lifetime.MEDIA if call.endpoint is endpoints.MEDIA else Lifetime.COMMENTS]
    lives = {**LIVES, BRIEF: tray, PK: tray, PAGE: page, CURSOR: page, COUNT: count}
    if call.endpoint.answers is FactKind.STORIES:
        lives[ITEM] = LIVES[STORIES]
    return {
        (noun, key)
        for noun, key in told
        if age < lives[noun] and (noun != ID or _is_linked(world, key, told)) and (serves_all or noun in RIDERS)
    }


def _is_linked(world: World, pk: str, told: set[Fact]) -> bool:
    return (LINK, world.by_id[pk].name) in told


def _is_refusal(world: World, call: Call, account: Account | None) -> bool:
    match call.endpoint:
        case endpoints.HIGHLIGHT:
            return call.key not in world.owners or world.owners[call.key][0].kind is Kind.PRIVATE
        case endpoints.MEDIA:
            account, _ = world.posts_by_pk.get(call.key, (None, None))
            return account is None or account.kind in (Kind.PRIVATE, Kind.MISSING)
        case endpoints.HASHTAG | endpoints.LOCATION:
            found = world.places[Of.TAG if call.endpoint is endpoints.HASHTAG else Of.SPOT].get(call.key)
            return found is None or found.kind is Kind.MISSING
        case list_endpoints.COMMENT_COUNTS:
            return False  # it answers all that there are; that one is missing lives as long as a count
        case _ if call.endpoint in LISTS:
            page = world.leaf(LISTS[call.endpoint], call.key, call.cursor, forced=call.forced)
            return isinstance(page, Refusal)
        case endpoints.ITEM:
            return call.key not in world.items or world.items[call.key][0].kind is Kind.PRIVATE
        case _:
            return _is_refused_user(call, account)


def _is_refused_user(call: Call, account: Account | None) -> bool:
    if account is None or account.kind is Kind.MISSING:
        return True
    return call.endpoint.answers is not FactKind.PROFILE and account.kind is Kind.PRIVATE and not call.forced


@st.composite
def cases(draw: st.DrawFn, largest: int = 3, *, lists: bool | None = None, themes: Sequence[Theme] = THEMES) -> Case:
    """`largest` bounds how many more accounts than one, and highlights of each, there are.

    `lists`: whether the operation selects one that the upstream pages, out of those of `themes`; None: perhaps.
    """
    author = Author(draw, largest, lists=lists, themes=themes)
    world = author.world()
    author.names = [*world.by_name, *(a.name for a in world.accounts if a.kind is Kind.MISSING), NOBODY]
    operation = author.operation(world)
    return Case(world, author.history(world), operation)


@dataclass(frozen=True)
class Rush:
    """Operations at once, each with its ceiling, on one allowance.

    `troubles` are the upstream's next statuses, 0 where it answers; `leavers` are operations whose clients go away.
    """

    world: World
    operations: tuple[tuple[Operation, int | None], ...]
    allowance: int
    troubles: tuple[int, ...]
    leavers: tuple[int, ...]


@st.composite
def rushes(draw: st.DrawFn) -> Rush:
    author = Author(draw, 3)
    world = author.world()
    author.names = [*world.by_name, NOBODY]
    return Rush(
        world,
        tuple((author.operation(world), (None, *range(8))[author.upto(8)]) for _ in range(2 + author.upto(3))),
        allowance=author.upto(20),
        troubles=tuple((0, 0, 500, 503)[author.upto(3)] for _ in range(author.upto(6))),
        leavers=tuple(author.upto(4) for _ in range(author.upto(2))),
    )
