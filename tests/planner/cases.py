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
    STORIES,
    TRAY,
    Fact,
    tells,
)
from tests.planner.author import NOBODY, Author
from tests.planner.listings import Leaf, Refusal
from tests.planner.selections import Operation, Root
from tests.planner.worlds import LISTS, Account, Kind, Post, World

LIFETIMES = Lifetimes(
    {
        Lifetime.TRAY: 600,
        Lifetime.STORIES: 120,
        Lifetime.HIGHLIGHT: 3_600,
        Lifetime.MEDIA: 3_600,
        Lifetime.POSTS: 600,
        Lifetime.COMMENTS: 120,
        Lifetime.PEOPLE: 1_800,
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
    history: Sequence[tuple[Call, float]] = (),
) -> Case:
    """A case that is written down. It forces nothing."""
    return Case(World(tuple(accounts), tuple(posts)), tuple(history), Operation(roots))


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
    GONE: 0,  # an absence has a life of its own
    POST_PK: 0,  # they are told by what names them, as those who are named inside
    HOME: float("inf"),  # whose a highlight is never changes
    SHELF: float("inf"),  # which items lie in a highlight
}
PAGES_LIVE: Mapping[Endpoint, float] = {
    list_endpoints.POSTS: LIFETIMES.ttls[Lifetime.POSTS],
    list_endpoints.FOLLOWERS: LIFETIMES.ttls[Lifetime.PEOPLE],
    list_endpoints.FOLLOWING: LIFETIMES.ttls[Lifetime.PEOPLE],
    list_endpoints.COMMENTS: LIFETIMES.ttls[Lifetime.COMMENTS],
}
RIDERS = {ID, LINK, SHORT, HOME}


def _remembered(world: World, call: Call, age: float, *, forced: bool) -> set[Fact]:
    """What an answer that is `age` seconds old still tells.

    A forced answer serves those who may force, what rides on it serves all; nobody who may force is served a refusal
    of those who may not.
    """
    told = set(tells(world, call))
    account = (world.by_name if "username" in call.endpoint.label else world.by_id).get(call.key)
    if _is_refusal(world, call, account):
        of_others = call.forced != forced and (call.forced or (account is not None and account.kind is Kind.PRIVATE))
        of_others &= call.endpoint.forced_price is not None
        return set() if of_others or age >= LIFETIMES.ttls[Lifetime.MISSING] else told
    tray = (
        LIFETIMES.ttls[Lifetime.TRAY] if call.endpoint.answers is FactKind.TRAY else LIFETIMES.ttls[Lifetime.HIGHLIGHT]
    )
    serves_all = forced or not call.forced
    page = PAGES_LIVE.get(call.endpoint, 0)
    lives = {**LIVES, BRIEF: tray, PK: tray, PAGE: page, CURSOR: page}
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
        case _ if call.endpoint in LISTS:
            return isinstance(world.leaf(LISTS[call.endpoint], call.key, call.cursor), Refusal)
        case endpoints.ITEM:
            return call.key not in world.items or world.items[call.key][0].kind is Kind.PRIVATE
        case _:
            return _is_refused_user(call, account)


def _is_refused_user(call: Call, account: Account | None) -> bool:
    if account is None or account.kind is Kind.MISSING:
        return True
    return call.endpoint.answers is not FactKind.PROFILE and account.kind is Kind.PRIVATE and not call.forced


@st.composite
def cases(draw: st.DrawFn, largest: int = 3, *, lists: bool | None = None) -> Case:
    """`largest` bounds how many more accounts than one, and highlights of each, there are.

    `lists`: whether the operation selects one that the upstream pages; None: perhaps.
    """
    author = Author(draw, largest, lists=lists)
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
