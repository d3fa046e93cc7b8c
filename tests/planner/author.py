"""Draws small worlds, what was asked of them before, and operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from gateway.reads.endpoints import Call
from tests.planner.list_author import NO_LISTS, THEMES, ListAuthor, Theme
from tests.planner.listings import Has, Of, Paged
from tests.planner.selections import (
    By,
    Comments,
    HighlightRoot,
    Highlights,
    Items,
    Operation,
    Page,
    PlaceRoot,
    PostRoot,
    Posts,
    References,
    Root,
    SearchRoot,
    Spots,
    Tags,
    UserRoot,
    Users,
)
from tests.planner.slices import Slice
from tests.planner.worlds import PLACES, POINT, TEXTS, Account, Kind, Place, Post, Reel, Story, World, count_calls

# Seconds: nothing happened; absences, trays, profiles and highlights, names were forgotten since.
PAUSES = (0.0, 200.0, 1_000.0, 5_000.0, 100_000.0)
STRANGER, NOBODY, LOST = "99", "nobody", "990"
NOTHING: frozenset[str] = frozenset()


class Author(ListAuthor):
    """Draws a world, its past and an operation."""

    def __init__(
        self, draw: st.DrawFn, largest: int, *, lists: bool | None = None, themes: Sequence[Theme] = THEMES
    ) -> None:
        """`lists`: whether the world has some that the upstream pages, and the operation selects one; None: perhaps."""
        super().__init__(draw)
        self._largest = largest
        self.names: list[str] = []
        self.posts = self.tags = self.spots = 0
        self._lists = lists
        self._themes = themes

    # -- the world

    def world(self) -> World:
        count = 2 + self.upto(self._largest - 1)
        has_lists = self.upto(2) == 2 if self._lists is None else self._lists
        self.theme = self._themes[self.upto(len(self._themes) - 1)] if has_lists else NO_LISTS
        self._owes_list = self._lists is True
        owners = {listing.of for listing in self.theme.lists}
        entries = {listing.has for listing in self.theme.lists}
        self.spots = 2 if Of.SPOT in owners or Has.SPOTS in entries else 0
        self.tags = 2 if Of.TAG in owners or Has.TAGS in entries else 0
        post_count = 1 + self.upto(2) if self.theme.begins_with is Of.POST else self.upto(3)
        posts = tuple(self._post(f"7{at}", count) for at in range(post_count))
        self.posts = len(posts)
        accounts = tuple(self._account(str(10 + at), f"user{at}", count) for at in range(count))
        tags = tuple(self._place(Of.TAG, f"tag{at}", count) for at in range(self.tags))
        spots = tuple(self._place(Of.SPOT, str(60 + at), count) for at in range(self.spots))
        searches = [self._place(Of.SEARCH, text, count) for text in TEXTS] if Of.SEARCH in owners else []
        searches += [self._place(Of.POINT, POINT, count)] if Of.POINT in owners else []
        return World(accounts, posts, tags, spots, tuple(searches))

    def _post(self, pk: str, count: int) -> Post:
        tags = (count - 1,) if self.upto(1) else ()
        author, comments = self.upto(count - 1), self.listing(Paged.COMMENTS, 9)
        likers, thread = self.listing(Paged.LIKERS, count), self.thread()
        spot = self.upto(2) - 1 if self.spots else -1
        is_counted = self.theme.counts and comments.total > 0 and self.upto(1) == 1
        return Post(pk, author, tags, comments, likers, thread, spot if spot >= 0 else None, is_counted)

    def _place(self, of: Of, key: str, count: int) -> Place:
        kinds = (Kind.PUBLIC, Kind.PUBLIC, Kind.EMPTY_IS_404, Kind.MISSING if of in (Of.TAG, Of.SPOT) else Kind.PUBLIC)
        return Place(key, kinds[self.upto(3)], self.listings(of, self.posts, count, 2))

    def _account(self, pk: str, name: str, count: int) -> Account:
        kind = KINDS[self.upto(len(KINDS) - (3 if self.theme.hides_nobody else 1))]
        reels = 0 if kind is Kind.MISSING else self.upto(self._largest)
        held = tuple(self._reel(pk, at, count) for at in range(reels))
        live = 0 if kind is Kind.MISSING else self.upto(2)
        kept = [story for reel in held for story in reel.stories][:1]  # a live story may lie in a highlight, too
        stories = tuple(self._story(f"{pk}9{item}_{pk}", count) for item in range(live))
        live_ones = stories[1:] + tuple(kept) if live == 2 else stories
        lists = self.listings(Of.USER, self.posts, count) | self.listings(Of.SEARCH_IN_USER, self.posts, count)
        return Account(pk, name, kind, held, live_ones, more=lists)

    def _reel(self, owner: str, at: int, count: int) -> Reel:
        pk = f"{owner}{at}"
        return Reel(pk, tuple(self._story(f"{pk}{item}_{owner}", count) for item in range(self.upto(2))))

    def _story(self, id_: str, count: int) -> Story:
        """Whom it names: nobody, or one or two accounts."""
        named = self.upto(2 * count + 1)
        mentions = () if named < 2 else (named // 2 - 1,) if named % 2 else (named // 2 - 1, 0)
        posts = (self.upto(self.posts - 1),) if self.posts and self.upto(2) == 2 else ()
        tags, spots = ((self.upto(1),) if places and self.upto(2) == 2 else () for places in (self.tags, self.spots))
        return Story(id_, bool(named % 2), mentions, (count - 1,) if named == 2 else (), posts, tags, spots)

    # -- the past

    def history(self, world: World) -> tuple[tuple[Call, float], ...]:
        count = self.upto(4)
        if not count:
            return ()
        calls = [*world.calls(forced=False), *(call for call in world.calls(forced=True) if call.forced)]
        calls += count_calls(world.posts_by_pk) if self.theme.counts else ()
        return tuple((calls[self.upto(len(calls) - 1)], PAUSES[self.upto(len(PAUSES) - 1)]) for _ in range(count))

    # -- the operation

    def operation(self, world: World) -> Operation:
        return Operation(tuple(self._root(world) for _ in range(1 + self.upto(2))), forced=self.upto(3) == 3)

    def _root(self, world: World) -> Root:
        if any(listing.of in PLACES for listing in self.theme.lists) and (self._owes_list or self.upto(1)):
            return self._place_root(world)
        match 6 if self._owes_list and self.theme.begins_with is Of.POST else self.upto(7):
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
                posts = tuple(pks[self.upto(len(pks) - 1)] for _ in range(1 + self.upto(2)))
                return PostRoot(posts, self._posts(world, 1))
            case _:
                keys_ = tuple(self._reference(world) for _ in range(1 + self.upto(2)))
                return References(keys_, self._users(world, 1), self._highlights(world, 1), self._items(world, 1))

    def _place_root(self, world: World) -> Root:
        roots = list(dict.fromkeys(listing for listing in self.theme.lists if listing.of in PLACES))
        listing = roots[self.upto(len(roots) - 1)]
        match listing.of:
            case Of.TAG:
                keys = [*(tag.key for tag in world.tags), "tag9"]
                return PlaceRoot(keys[self.upto(len(keys) - 1)], self._tags(world, 2))
            case Of.SPOT:
                keys = [*(spot.key for spot in world.spots), "69"]
                return PlaceRoot(keys[self.upto(len(keys) - 1)], self._spots(world, 2))
            case _:
                self._owes_list = False
                below = {Has.TAGS: self._tags, Has.SPOTS: self._spots}.get(listing.has, self._users)
                return SearchRoot(self.slice(world, listing, below(world, 1)))

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
        if depth <= 0:
            return Users(fields, trays, stories)
        kinds = [*self.few(Of.USER, Has.PEOPLE), *self.few(Of.SEARCH_IN_USER, Has.PEOPLE)]
        people = tuple(self.slice(world, kind, self._users(world, depth - 1)) for kind in kinds)
        posts = tuple(self.slice(world, kind, self._posts(world, depth - 1)) for kind in self.few(Of.USER, Has.POSTS))
        return Users(fields, trays, stories, posts, people)

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
        tags = self._tags(world, depth - 1) if self.tags and depth >= 0 and self.upto(2) == 2 else None
        spots = self._spots(world, depth - 1) if self.spots and depth >= 0 and self.upto(2) == 2 else None
        return Items(NOTHING if self.upto(1) else frozenset({"code"}), author, mentioned, sponsors, posts, tags, spots)

    def _posts(self, world: World, depth: int) -> Posts:
        if self.theme.counts and self.upto(1):
            number = frozenset[str]() if (extent := self.upto(2)) == 2 else frozenset({"commentCount"})
            return Posts(number, comments=(Slice(Paged.COMMENTS, Comments(), alone=True),) if extent else ())
        author, tagged = (self._users(world, depth - 1) if depth >= 0 and self.upto(2) == 2 else None for _ in range(2))
        fields = POST_FIELDS[self.upto(len(POST_FIELDS) - 1)]
        if self.theme.counts and self.upto(1):
            fields |= {"commentCount"}
        if depth < 0:
            return Posts(fields, author, tagged)
        spot = self._spots(world, depth - 1) if self.spots and self.upto(2) == 2 else None
        comments = tuple(
            self.slice(world, kind, self._comments(world, depth - 1)) for kind in self.few(Of.POST, Has.COMMENTS)
        )
        likers = tuple(self.slice(world, kind, self._users(world, depth - 1)) for kind in self.few(Of.POST, Has.PEOPLE))
        return Posts(fields, author, tagged, comments, likers, spot)

    def _comments(self, world: World, depth: int) -> Comments:
        author = self._users(world, max(depth, 0)) if self.upto(1) else None
        replies = tuple(
            self.slice(world, kind, Comments(frozenset({"text"}), self._users(world, 0) if self.upto(1) else None))
            for kind in self.few(Of.COMMENT, Has.COMMENTS)
        )
        return Comments(frozenset({"text"}), author, replies)

    def _tags(self, world: World, depth: int) -> Tags:
        fields = frozenset(({"name"}, {"mediaCount"}, set[str]())[self.upto(2)])
        posts = (self.slice(world, kind, self._posts(world, depth - 1)) for kind in self.few(Of.TAG, Has.POSTS))
        return Tags(fields, tuple(posts) if depth >= 0 else ())

    def _spots(self, world: World, depth: int) -> Spots:
        fields = frozenset(({"name"}, {"category"}, set[str]())[self.upto(2)])
        posts = (self.slice(world, kind, self._posts(world, depth - 1)) for kind in self.few(Of.SPOT, Has.POSTS))
        return Spots(fields, tuple(posts) if depth >= 0 else ())


KINDS = (Kind.PUBLIC, Kind.PUBLIC, Kind.PUBLIC, Kind.EMPTY_IS_404, Kind.PRIVATE, Kind.MISSING)
USER_FIELDS = tuple(
    frozenset(fields)
    for fields in ((), ("id",), ("username",), ("id", "username"), ("biography",), ("id", "username", "biography"))
)
HIGHLIGHT_FIELDS = tuple(
    frozenset(fields) for fields in ((), ("title",), ("missingItemIds",), ("title", "missingItemIds"))
)
POST_FIELDS = tuple(frozenset(fields) for fields in ((), ("caption",), ("playCount",), ("caption", "playCount")))
