"""What an operation requires in a world that is fully known: facts, each with the ways in which it may be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from gateway.domain.list_pages import BEGINNING
from tests.planner.answers import (
    BRIEF,
    COUNT,
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
    SPOT,
    STORIES,
    TAG,
    TRAY,
    Fact,
    place,
)
from tests.planner.listings import MOST_PAGES, Leaf, Of, Paged
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
    SearchRoot,
    Spots,
    Tags,
    UserRoot,
    Users,
)
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World

Ways: TypeAlias = tuple[tuple[Fact, ...], ...]
Part: TypeAlias = tuple[Paged, int | None, str | None]
E = TypeVar("E", Reel, Story)
LONGEST_PAGE = 100
# The facts that tell the lengths of lists, where no page does.
TOTALS = {
    Paged.POSTS: PROFILE,
    Paged.FOLLOWERS: PROFILE,
    Paged.FOLLOWING: PROFILE,
    Paged.RECENT_OF_TAG: TAG,
    Paged.TOP_OF_TAG: TAG,
}


@dataclass(frozen=True)
class Requirements:
    world: World
    forced: bool
    read: frozenset[Part] = frozenset()
    """The parts of lists of which more than the length is selected, whichever lists they are of."""

    @classmethod
    def in_(cls, world: World, operation: Operation) -> Iterator[Ways]:
        """All that the operation requires."""
        read = frozenset(part_of(part) for part in operation.slices() if not part.alone)
        return cls(world, operation.forced, read)._of(operation)

    def _of(self, operation: Operation) -> Iterator[Ways]:
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
                case PlaceRoot(key, below):
                    yield from self._place(key, below)
                case SearchRoot(below):
                    yield from self._slice(below.text, below)
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
        for position in story.tags if below.tags else ():
            assert below.tags is not None
            yield from self._place(self.world.tags[position].key, below.tags)
        for position in story.spots if below.spots else ():
            assert below.spots is not None
            yield from self._place(self.world.spots[position].key, below.spots, along=frozenset({"name"}))

    def _post(self, pk: str, below: Posts) -> Iterator[Ways]:
        """Only its own answer tells that it exists, whatever is selected of it; so it is with an item.

        The number of its comments tells so, too, where nothing else is selected.
        """
        counted = tuple(part for part in below.comments if self._is_counted(part))
        more = below.fields - {"commentCount"}
        is_counted = bool(counted or below.fields) and below == Posts(below.fields - more, comments=counted)
        yield (((COUNT if is_counted else POST, pk),),)
        account, post = self.world.posts_by_pk.get(pk, (None, None))
        if account and post and account.kind not in (Kind.PRIVATE, Kind.MISSING):
            yield from self._named_by(account, post, below)

    def _named_by(self, author: Account, post: Post, below: Posts, *, is_counted: bool = False) -> Iterator[Ways]:
        """Whom and what a post names, and its lists. `is_counted`: what names it tells the number of its comments."""
        if below.author:
            yield from self._user(author.pk, below.author, rides=True)
        for position in post.tags if below.tagged else ():
            assert below.tagged is not None
            yield from self._user(self.world.accounts[position].pk, below.tagged, rides=True)
        if below.spot and post.spot is not None:
            yield from self._place(self.world.spots[post.spot].key, below.spot, along=frozenset({"name"}))
        parts: tuple[Slice[Any], ...] = (*below.comments, *below.likers)
        for part in parts:
            yield from self._slice(post.pk, part, is_counted=is_counted and part.listing is Paged.COMMENTS)

    def _place(self, key: str, below: Tags | Spots, *, along: frozenset[str] = frozenset()) -> Iterator[Ways]:
        """A hashtag or a location. `along` are the fields that came with what names it.

        Its record is asked for only where it is needed. Where that says that there is none, no list of it is asked for,
        unless another answer has named it.
        """
        is_tag = isinstance(below, Tags)
        noun = TAG if is_tag else SPOT
        if below.fields - along - ({"name"} if is_tag else set()):
            yield (((noun, key),),)
            found = self.world.places[Of.TAG if is_tag else Of.SPOT].get(key)
            if not along and (found is None or found.kind is Kind.MISSING):
                return
        parts: tuple[Slice[Posts], ...] = below.posts
        for part in parts:
            yield from self._slice(key, part, noun="" if along else noun, is_counted="mediaCount" in along)

    def _slice(self, pk: str, part: Slice[Any], *, noun: str = "", is_counted: bool = False) -> Iterator[Ways]:
        """All pages that a slice is read from, and what is selected of its entries. A foreign position asks nothing.

        `noun` is that of the record that may say that the owner is not there, `is_counted` says that the length of the
        list came with what names the owner.
        """
        listing, owner = part.listing, part.listing.owner(pk, part.text)
        if not part.begins_in(owner):
            return
        if self._is_counted(part):
            total = COUNT if listing is Paged.COMMENTS else TOTALS.get(listing)
            if total and not is_counted:
                yield (((total, owner),),)
            return
        if (part.total or part.alone) and not is_counted and listing in TOTALS:
            yield (((TOTALS[listing], owner),),)
        cursors, entries = self._read(owner, part)
        nobody = f"{noun} {owner}" if noun else owner
        gone = (((GONE, nobody),),) if noun or listing.of is Of.USER else ()
        for cursor in cursors:
            yield (((PAGE, place(listing, owner, cursor)),), *gone)
        for number in () if part.alone else entries:
            yield from self._entry(listing, owner, number, part.below)

    def _is_counted(self, part: Slice[Any]) -> bool:
        """Whether only the length is selected, which nothing but a page tells of likes and replies."""
        return part.alone and part_of(part) not in self.read and part.listing not in (Paged.LIKERS, Paged.REPLIES)

    def _entry(self, listing: Paged, owner: str, number: int, below: object) -> Iterator[Ways]:
        match below:
            case Users():
                yield from self._user(self.world.accounts[number].pk, below, rides=True)
            case Posts(fields):
                post = self.world.posts[number]
                if "playCount" in fields:
                    yield (((POST, post.pk),),)
                if "commentCount" in fields and not post.is_counted:
                    yield (((COUNT, post.pk),),)
                author_of_post = self.world.accounts[post.author]
                yield from self._named_by(author_of_post, post, below, is_counted=post.is_counted)
            case Comments(author=author, replies=replies):
                pk, writer = self.world.remark(listing, owner, number)
                if author:
                    yield from self._user(writer.pk, author, rides=True)
                if listing is Paged.COMMENTS:
                    yield from self._replies(f"{owner} {pk}", replies)
            case Tags():
                yield from self._place(self.world.tags[number].key, below, along=frozenset({"name", "mediaCount"}))
            case Spots():
                yield from self._place(self.world.spots[number].key, below, along=frozenset({"name"}))
            case _:
                raise AssertionError(f"no list has entries for {below}")

    def _replies(self, comment: str, parts: Sequence[Slice[Comments]]) -> Iterator[Ways]:
        for part in parts:
            yield from self._slice(comment, part)

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
            leaf = self.world.leaf(part.listing, owner, cursor, forced=self.forced)
            if not isinstance(leaf, Leaf):
                return read, shown
            new = [
                number
                for number in dict.fromkeys(leaf.entries[skipped:])
                if number not in shown and self.world.entry_id(part.listing, owner, number) not in had
            ]
            shown += new[: wanted - len(shown)]
            is_met = part.first is None or len(shown) == wanted
            is_over = not new and leaf.next != BEGINNING  # what comes along with a comment may be nothing
            if is_met or is_over or len(read) == MOST_PAGES or leaf.next in (None, *read):
                return read, shown
            cursor, skipped = leaf.next or "", 0


def part_of(part: Slice[Any]) -> Part:
    return part.listing, part.first, None if part.after is None else str(part.after)


def _within(entries: Sequence[E], page: Page) -> Sequence[E]:
    names = [entry.id for entry in entries]
    if any(cursor is not None and cursor not in names for cursor in (page.after, page.before)):
        return ()
    start = 0 if page.after is None else names.index(page.after) + 1
    left = entries[start : None if page.before is None else max(start, names.index(page.before))]
    if page.first is not None or page.last is None:
        left = left[: LONGEST_PAGE if page.first is None else page.first]
    return left if page.last is None else left[max(0, len(left) - page.last) :]
