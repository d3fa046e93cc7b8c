"""Draws small worlds, what was asked of them before, and operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from gateway.reads.endpoints import Call
from tests.planner.listings import DEAD_CURSOR, NO_ENTRIES, Leaf, Listing, Paged
from tests.planner.selections import (
    By,
    Comments,
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
from tests.planner.slices import Mark, Slice
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World

B = TypeVar("B")
# Seconds: nothing happened; absences, trays, profiles and highlights, names were forgotten since.
PAUSES = (0.0, 200.0, 1_000.0, 5_000.0, 100_000.0)
STRANGER, NOBODY, LOST = "99", "nobody", "990"
NOTHING: frozenset[str] = frozenset()


class Author:
    """Draws small numbers, zero being the simplest choice."""

    def __init__(self, draw: st.DrawFn, largest: int, *, lists: bool | None = None) -> None:
        """`lists`: whether the world has some that the upstream pages, and the operation selects one; None: perhaps."""
        self._draw = draw
        self._largest = largest
        self.names: list[str] = []
        self.posts = 0
        self._lists = lists
        self._has_lists = self._owes_list = lists is True

    def upto(self, most: int) -> int:
        return self._draw(UPTO[most]) if most else 0

    # -- the world

    def world(self) -> World:
        count = 2 + self.upto(self._largest - 1)
        self._has_lists = self.upto(2) == 2 if self._lists is None else self._lists
        posts = tuple(self._post(f"7{at}", count) for at in range(self.upto(3)))
        self.posts = len(posts)
        return World(tuple(self._account(str(10 + at), f"user{at}", count) for at in range(count)), posts)

    def _post(self, pk: str, count: int) -> Post:
        return Post(pk, self.upto(count - 1), (count - 1,) if self.upto(1) else (), self._listing(9))

    def _account(self, pk: str, name: str, count: int) -> Account:
        kind = KINDS[self.upto(len(KINDS) - 1)]
        reels = 0 if kind is Kind.MISSING else self.upto(self._largest)
        held = tuple(self._reel(pk, at, count) for at in range(reels))
        live = 0 if kind is Kind.MISSING else self.upto(2)
        kept = [story for reel in held for story in reel.stories][:1]  # a live story may lie in a highlight, too
        stories = tuple(self._story(f"{pk}9{item}_{pk}", count) for item in range(live))
        live_ones = stories[1:] + tuple(kept) if live == 2 else stories
        lists = (self._listing(self.posts), self._listing(count), self._listing(count))
        return Account(pk, name, kind, held, live_ones, *lists)

    def _listing(self, count: int) -> Listing:
        """Pages of up to two new entries out of `count`, some of which repeat the last one of the page before."""
        if not self._has_lists:
            return NO_ENTRIES
        leaves, following = list[Leaf](), 0
        most = self.upto(3)
        for at in range(most + 1):
            new, repeats = (self.upto(5) % 3, self.upto(3) == 3) if count else (0, False)
            first = following - 1 if repeats and following else following
            following += new
            entries = tuple(number % count for number in range(first, following))
            leaves.append(Leaf(entries, str(at + 1) if at < most else self._end(at)))
        return Listing(tuple(leaves))

    def _end(self, at: int) -> str | None:
        """What the last page names as the next one: nothing, a cursor that is none, or a page that was read."""
        return (None, None, DEAD_CURSOR, str(max(1, at - 1)) if at else None)[self.upto(3)]

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
        if depth <= 0 or not self._has_lists:
            return Users(fields, trays, stories)
        kinds = (Paged.FOLLOWERS, Paged.FOLLOWING)
        people = tuple(
            self._slice(world, kinds[self.upto(1)], self._users(world, depth - 1)) for _ in range(self._few())
        )
        posts = tuple(self._slice(world, Paged.POSTS, self._posts(world, depth - 1)) for _ in range(self._few()))
        return Users(fields, trays, stories, posts, people)

    def _few(self) -> int:
        """How often one list is selected."""
        if self._owes_list:
            self._owes_list = False
            return 1 + self.upto(1)
        return (0, 0, 0, 1, 2)[self.upto(4)]

    def _slice(self, world: World, listing: Paged, below: B) -> Slice[B]:
        after = self._mark(world, listing) if self.upto(3) == 3 else None
        return Slice(listing, below, (None, 1, 2, 3, 100)[self.upto(4)], after, self.upto(3) == 3)

    def _mark(self, world: World, listing: Paged) -> Mark | None:
        """A position after some entries of a page, or before its first one and after those of the page before."""
        if self.upto(9) == 9:
            listing = tuple(Paged)[self.upto(3)]
        owners = list(world.posts_by_pk if listing is Paged.COMMENTS else world.by_id)
        if not owners:
            return None
        owner = owners[self.upto(len(owners) - 1)]
        account = world.by_id.get(owner)
        pages = world.posts_by_pk[owner][1].comments if account is None else account.lists()[listing]
        cursor = pages.cursors[self.upto(len(pages.cursors) - 1)]
        leaf = pages.at(cursor) or Leaf()
        offset = self.upto(len(leaf.entries))
        had = leaf.entries[:offset]
        if not offset and cursor:
            had = (pages.at("" if cursor == "1" else str(int(cursor) - 1)) or Leaf()).entries
        return Mark(listing, owner, cursor, offset, tuple(world.entry_id(listing, owner, number) for number in had))

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
        fields = POST_FIELDS[self.upto(len(POST_FIELDS) - 1)]
        if depth < 0 or not self._has_lists:
            return Posts(fields, author, tagged)
        comments = tuple(
            self._slice(world, Paged.COMMENTS, self._comments(world, depth - 1)) for _ in range(self._few())
        )
        return Posts(fields, author, tagged, comments)

    def _comments(self, world: World, depth: int) -> Comments:
        author = self._users(world, max(depth, 0)) if self.upto(1) else None
        return Comments(frozenset({"text"}), author)


UPTO = [st.integers(0, most) for most in range(300)]
KINDS = (Kind.PUBLIC, Kind.PUBLIC, Kind.PUBLIC, Kind.EMPTY_IS_404, Kind.PRIVATE, Kind.MISSING)
USER_FIELDS = tuple(
    frozenset(fields)
    for fields in ((), ("id",), ("username",), ("id", "username"), ("biography",), ("id", "username", "biography"))
)
HIGHLIGHT_FIELDS = tuple(
    frozenset(fields) for fields in ((), ("title",), ("missingItemIds",), ("title", "missingItemIds"))
)
POST_FIELDS = tuple(frozenset(fields) for fields in ((), ("caption",), ("playCount",), ("caption", "playCount")))
