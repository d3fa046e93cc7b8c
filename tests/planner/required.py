"""What an operation requires in a world that is fully known: facts, each with the ways in which it may be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from tests.planner.answers import (
    BRIEF,
    GONE,
    ITEM,
    ITEMS,
    LINK,
    NAMED_STORIES,
    NAMED_TRAY,
    PAGE,
    POST,
    PROFILE,
    SHORT,
    STORIES,
    TRAY,
    Fact,
    place,
)
from tests.planner.listings import MOST_PAGES, Leaf, Paged
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
    UserRoot,
    Users,
)
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Reel, Story, World

Ways: TypeAlias = tuple[tuple[Fact, ...], ...]
E = TypeVar("E", Reel, Story)
LONGEST_PAGE = 100


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
        if below.fields or below.lists:
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
        for part in below.lists:
            yield from self._slice(pk, part)

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
        account, _ = self.world.posts_by_pk.get(pk, (None, None))
        if account is not None and account.kind not in (Kind.PRIVATE, Kind.MISSING):
            yield from self._people(pk, below)

    def _people(self, post: str, below: Posts) -> Iterator[Ways]:
        """Whom a post names, and its comments."""
        author, found = self.world.posts_by_pk[post]
        if below.author:
            yield from self._user(author.pk, below.author, rides=True)
        for position in found.tags if below.tagged else ():
            assert below.tagged is not None
            yield from self._user(self.world.accounts[position].pk, below.tagged, rides=True)
        for part in below.comments:
            yield from self._slice(post, part)

    def _slice(self, owner: str, part: Slice[Any]) -> Iterator[Ways]:
        """All pages that a slice is read from, and what is selected of its entries. A foreign position asks nothing."""
        if not part.begins_in(owner):
            return
        if part.total and part.listing is not Paged.COMMENTS:
            yield (((PROFILE, owner),),)
        cursors, entries = self._read(owner, part)
        for cursor in cursors:
            gone = () if part.listing is Paged.COMMENTS else (((GONE, owner),),)
            yield (((PAGE, place(part.listing, owner, cursor)),), *gone)
        for number in entries:
            match part.below:
                case Users():
                    yield from self._user(self.world.accounts[number].pk, part.below, rides=True)
                case Posts(fields):
                    pk = self.world.posts[number].pk
                    if "playCount" in fields:
                        yield (((POST, pk),),)
                    yield from self._people(pk, part.below)
                case Comments(author=author):
                    if author:
                        yield from self._user(self.world.comment(owner, number)[1].pk, author, rides=True)
                case _:
                    raise AssertionError(f"no list has entries for {part.below}")

    def _read(self, owner: str, part: Slice[Any]) -> tuple[list[str], list[int]]:
        """Return the cursors of the pages that are read, and the entries that are shown.

        One page, unless so many entries are wanted that it has too few. Each entry is shown once, and none that the
        client has just had. A page that brings nothing new is the last one, as is one that leads back to another.
        """
        wanted = LONGEST_PAGE if part.first is None else part.first
        cursor, skipped, had = "", 0, list[str]()
        if part.after is not None:
            cursor, skipped, had = part.after.cursor, part.after.offset, list(part.after.recent)
        read, shown = list[str](), list[int]()
        while True:
            read.append(cursor)
            leaf = self.world.leaf(part.listing, owner, cursor)
            if not isinstance(leaf, Leaf):
                return read, shown
            new = [
                number
                for number in dict.fromkeys(leaf.entries[skipped:])
                if number not in shown and self.world.entry_id(part.listing, owner, number) not in had
            ]
            shown += new[: wanted - len(shown)]
            is_met = part.first is None or len(shown) == wanted
            if is_met or not new or len(read) == MOST_PAGES or leaf.next in (None, *read):
                return read, shown
            cursor, skipped = leaf.next or "", 0


def _within(entries: Sequence[E], page: Page) -> Sequence[E]:
    names = [entry.id for entry in entries]
    if any(cursor is not None and cursor not in names for cursor in (page.after, page.before)):
        return ()
    start = 0 if page.after is None else names.index(page.after) + 1
    left = entries[start : None if page.before is None else max(start, names.index(page.before))]
    if page.first is not None or page.last is None:
        left = left[: LONGEST_PAGE if page.first is None else page.first]
    return left if page.last is None else left[max(0, len(left) - page.last) :]
