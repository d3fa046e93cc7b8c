"""Generated cases: a small world, what was asked of it before and how long ago, and an operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from gateway.cache.freshness import Lifetimes
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind, Lifetime
from gateway.upstream.hikerapi import endpoints
from tests.planner.answers import (
    BRIEF,
    HOME,
    ID,
    ITEM,
    ITEMS,
    LINK,
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
    Root,
    UserRoot,
    Users,
)
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World

LIFETIMES = Lifetimes(
    {
        Lifetime.TRAY: 600,
        Lifetime.STORIES: 120,
        Lifetime.HIGHLIGHT: 3_600,
        Lifetime.MEDIA: 3_600,
        Lifetime.PROFILE: 3_600,
        Lifetime.USERNAME: 86_400,
        Lifetime.MISSING: 120,
    },
    stale=3_600,
    margin=300,
)
# Seconds: nothing happened; absences, trays, profiles and highlights, names were forgotten since.
PAUSES = (0.0, 200.0, 1_000.0, 5_000.0, 100_000.0)
STRANGER, NOBODY, LOST = "99", "nobody", "990"
NOTHING: frozenset[str] = frozenset()


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
        for call, pause in self.history:
            facts |= _remembered(self.world, call, age, forced=self.operation.forced)
            age -= pause
        return frozenset(facts)


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
    POST_PK: 0,  # they are told by what names them, as those who are named inside
    HOME: float("inf"),  # whose a highlight is never changes
    SHELF: float("inf"),  # which items lie in a highlight
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
        return set() if of_others or age >= LIFETIMES.ttls[Lifetime.MISSING] else told
    tray = (
        LIFETIMES.ttls[Lifetime.TRAY] if call.endpoint.answers is FactKind.TRAY else LIFETIMES.ttls[Lifetime.HIGHLIGHT]
    )
    serves_all = forced or not call.forced
    lives = {**LIVES, BRIEF: tray, PK: tray}
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
        case endpoints.ITEM:
            return call.key not in world.items or world.items[call.key][0].kind is Kind.PRIVATE
        case _:
            return _is_refused_user(call, account)


def _is_refused_user(call: Call, account: Account | None) -> bool:
    if account is None or account.kind is Kind.MISSING:
        return True
    return call.endpoint.answers is not FactKind.PROFILE and account.kind is Kind.PRIVATE and not call.forced


@st.composite
def cases(draw: st.DrawFn, largest: int = 3) -> Case:
    """`largest` bounds how many more accounts than one, and highlights of each, there are."""
    author = _Author(draw, largest)
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
    author = _Author(draw, 3)
    world = author.world()
    author.names = [*world.by_name, NOBODY]
    return Rush(
        world,
        tuple((author.operation(world), (None, *range(8))[author.upto(8)]) for _ in range(2 + author.upto(3))),
        allowance=author.upto(20),
        troubles=tuple((0, 0, 500, 503)[author.upto(3)] for _ in range(author.upto(6))),
        leavers=tuple(author.upto(4) for _ in range(author.upto(2))),
    )


class _Author:
    """Draws small numbers, zero being the simplest choice."""

    def __init__(self, draw: st.DrawFn, largest: int) -> None:
        self._draw = draw
        self._largest = largest
        self.names: list[str] = []
        self.posts = 0

    def upto(self, most: int) -> int:
        return self._draw(UPTO[most]) if most else 0

    # -- the world

    def world(self) -> World:
        count = 2 + self.upto(self._largest - 1)
        posts = tuple(self._post(f"7{at}", count) for at in range(self.upto(2)))
        self.posts = len(posts)
        return World(tuple(self._account(str(10 + at), f"user{at}", count) for at in range(count)), posts)

    def _post(self, pk: str, count: int) -> Post:
        return Post(pk, self.upto(count - 1), (count - 1,) if self.upto(1) else ())

    def _account(self, pk: str, name: str, count: int) -> Account:
        kind = KINDS[self.upto(len(KINDS) - 1)]
        reels = 0 if kind is Kind.MISSING else self.upto(self._largest)
        held = tuple(self._reel(pk, at, count) for at in range(reels))
        live = 0 if kind is Kind.MISSING else self.upto(2)
        kept = [story for reel in held for story in reel.stories][:1]  # a live story may lie in a highlight, too
        stories = tuple(self._story(f"{pk}9{item}_{pk}", count) for item in range(live))
        return Account(pk, name, kind, held, stories[1:] + tuple(kept) if live == 2 else stories)

    def _reel(self, owner: str, at: int, count: int) -> Reel:
        pk = f"{owner}{at}"
        return Reel(pk, tuple(self._story(f"{pk}{item}_{owner}", count) for item in range(self.upto(2))))

    def _story(self, id_: str, count: int) -> Story:
        """Whom it names: nobody, or one or two accounts."""
        named = self.upto(2 * count + 1)
        mentions = () if named < 2 else (named // 2 - 1,) if named % 2 else (named // 2 - 1, 0)
        posts = (self.upto(self.posts - 1),) if self.posts and self.upto(2) == 2 else ()
        return Story(id_, bool(named % 2), mentions, (count - 1,) if named == 2 else (), posts)

    # -- the past

    def history(self, world: World) -> tuple[tuple[Call, float], ...]:
        count = self.upto(4)
        if not count:
            return ()
        calls = [*world.calls(forced=False), *(call for call in world.calls(forced=True) if call.forced)]
        return tuple((calls[self.upto(len(calls) - 1)], PAUSES[self.upto(len(PAUSES) - 1)]) for _ in range(count))

    # -- the operation

    def operation(self, world: World) -> Operation:
        return Operation(tuple(self._root(world) for _ in range(1 + self.upto(2))), forced=self.upto(3) == 3)

    def _root(self, world: World) -> Root:
        match self.upto(7):
            case 0 | 1 | 2:
                return UserRoot((self._user_key(world),), self._users(world, 3))
            case 3:
                return UserRoot((self._user_key(world), self._user_key(world)), self._users(world, 2))
            case 4:
                return HighlightRoot((self._highlight_key(world),), self._highlights(world, 2))
            case 5:
                keys = tuple((By.ID, self._highlight_key(world)[1]) for _ in range(1 + self.upto(3)))
                return HighlightRoot(keys, self._highlights(world, 1))
            case 6:
                pks = [*world.posts_by_pk, LOST]
                posts = tuple(pks[self.upto(len(pks) - 1)] for _ in range(1 + self.upto(1)))
                return PostRoot(posts, self._posts(world, 1))
            case _:
                keys_ = tuple(self._reference(world) for _ in range(1 + self.upto(2)))
                return References(keys_, self._users(world, 1), self._highlights(world, 1), self._items(world, 1))

    def _user_key(self, world: World) -> tuple[By, str]:
        by = (By.NAME, By.ID, By.URL)[self.upto(2)]
        keys = [*world.by_id, STRANGER] if by is By.ID else self.names
        return by, keys[self.upto(len(keys) - 1)]

    def _highlight_key(self, world: World) -> tuple[By, str]:
        pks = [*world.owners, LOST]
        return (By.ID, By.URL, By.SHARE)[self.upto(2)], pks[self.upto(len(pks) - 1)]

    def _reference(self, world: World) -> tuple[str, str]:
        match self.upto(2):
            case 0:
                return "User", [*world.by_id, STRANGER][self.upto(len(world.by_id))]
            case 1:
                return "Highlight", self._highlight_key(world)[1]
            case _:
                pks = [*world.items, LOST]
                return "Item", pks[self.upto(len(pks) - 1)]

    def _users(self, world: World, depth: int) -> Users:
        fields = USER_FIELDS[self.upto(len(USER_FIELDS) - 1)]
        count = (0, 1, 1, 1, 2)[self.upto(4) if depth else 0]
        trays = tuple((self._tray_page(world), self._highlights(world, depth - 1)) for _ in range(count))
        stories = self._items(world, depth - 1) if depth and self.upto(3) == 3 else None
        return Users(fields, trays, stories)

    def _tray_page(self, world: World) -> Page:
        page = self._window(world)
        title = ("1", "02")[self.upto(1)] if self.upto(5) == 5 else None
        return replace(page, title=title, by_title=self.upto(5) == 5)

    def _window(self, world: World) -> Page:
        size = (None, None, 1, 2, 0)[self.upto(4)]
        shape = self.upto(8)
        if shape <= 5 or not world.owners:
            return Page(last=size) if shape == 5 else Page(size)
        reels = [reel for _, reel in world.owners.values()]
        reel = reels[self.upto(len(reels) - 1)].id
        match shape:
            case 6:
                return Page(size, after=reel)
            case 7:
                return Page(size, before=reel)
            case _:
                return Page(last=size, before=reel)

    def _highlights(self, world: World, depth: int) -> Highlights:
        fields = HIGHLIGHT_FIELDS[self.upto(len(HIGHLIGHT_FIELDS) - 1)]
        owner = self._users(world, depth - 1) if depth and self.upto(3) == 3 else None
        count = (0, 0, 1, 2)[self.upto(3)] if depth else 0
        return Highlights(
            fields, owner, tuple((self._item_page(), self._items(world, depth - 1)) for _ in range(count))
        )

    def _item_page(self) -> Page:
        first, last = ((None, None), (None, None), (1, None), (None, 1))[self.upto(3)]
        return Page(first, last=last, kind=(None, None, "PHOTO", "VIDEO")[self.upto(3)])

    def _items(self, world: World, depth: int) -> Items:
        author, mentioned, sponsors = (
            self._users(world, depth - 1) if depth >= 0 and self.upto(2) == 2 else None for _ in range(3)
        )
        posts = self._posts(world, depth - 1) if depth >= 0 and self.upto(3) == 3 else None
        return Items(NOTHING if self.upto(1) else frozenset({"code"}), author, mentioned, sponsors, posts)

    def _posts(self, world: World, depth: int) -> Posts:
        author, tagged = (self._users(world, depth - 1) if depth >= 0 and self.upto(2) == 2 else None for _ in range(2))
        return Posts(NOTHING if self.upto(1) else frozenset({"caption"}), author, tagged)


UPTO = [st.integers(0, most) for most in range(100)]
KINDS = (Kind.PUBLIC, Kind.PUBLIC, Kind.PUBLIC, Kind.EMPTY_IS_404, Kind.PRIVATE, Kind.MISSING)
USER_FIELDS = tuple(
    frozenset(fields)
    for fields in ((), ("id",), ("username",), ("id", "username"), ("biography",), ("id", "username", "biography"))
)
HIGHLIGHT_FIELDS = tuple(
    frozenset(fields) for fields in ((), ("title",), ("missingItemIds",), ("title", "missingItemIds"))
)
