"""Small worlds of accounts, highlights, posts, hashtags, locations and lists."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import TypeAlias

from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.listings import NO_ENTRIES, NO_REPLIES, Has, Leaf, Listing, Of, Paged, Refusal, Thread

LISTS: Mapping[Endpoint, Paged] = {
    list_endpoints.POSTS: Paged.POSTS,
    list_endpoints.REELS: Paged.REELS,
    list_endpoints.TAGGED_POSTS: Paged.TAGGED,
    list_endpoints.PINNED_POSTS: Paged.PINNED,
    list_endpoints.FOLLOWERS: Paged.FOLLOWERS,
    list_endpoints.FOLLOWING: Paged.FOLLOWING,
    list_endpoints.MATCHING_FOLLOWERS: Paged.MATCHING_FOLLOWERS,
    list_endpoints.MATCHING_FOLLOWING: Paged.MATCHING_FOLLOWING,
    list_endpoints.COMMENTS: Paged.COMMENTS,
    list_endpoints.LIKERS: Paged.LIKERS,
    list_endpoints.REPLIES: Paged.REPLIES,
    list_endpoints.RECENT_OF_HASHTAG: Paged.RECENT_OF_TAG,
    list_endpoints.TOP_OF_HASHTAG: Paged.TOP_OF_TAG,
    list_endpoints.RECENT_AT_LOCATION: Paged.RECENT_AT_SPOT,
    list_endpoints.TOP_AT_LOCATION: Paged.TOP_AT_SPOT,
    list_endpoints.FOUND_USERS: Paged.FOUND_USERS,
    list_endpoints.FOUND_HASHTAGS: Paged.FOUND_TAGS,
    list_endpoints.FOUND_LOCATIONS: Paged.FOUND_SPOTS,
    list_endpoints.LOCATIONS_NEAR: Paged.SPOTS_NEAR,
}
ENDPOINT_OF = {listing: endpoint for endpoint, listing in LISTS.items()}
LARGEST_BATCH = 10  # posts, in one call about the numbers of their comments
MOST_SUBSETS = 4  # posts, of which each set may be asked about at once
PLACES = (Of.TAG, Of.SPOT, Of.SEARCH, Of.POINT)
POINT = "48.8584 2.2945"
TEXTS = ("ann", "bob")  # that may be searched for


class Kind(enum.Enum):
    """What the upstream says of an account. An empty list is `[]` or a 404 of its own."""

    PUBLIC = "public"
    EMPTY_IS_404 = "public, and an empty tray is a 404"
    PRIVATE = "private"
    MISSING = "missing"


@dataclass(frozen=True)
class Story:
    """An item; its id ends in its author's. Whom and what it names are positions in the world."""

    id: str
    is_video: bool
    mentions: tuple[int, ...]
    sponsors: tuple[int, ...]
    posts: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    spots: tuple[int, ...] = ()

    @property
    def pk(self) -> str:
        return self.id.partition("_")[0]


Lists: TypeAlias = Mapping[Paged, Listing]


@dataclass(frozen=True)
class Post:
    """`author` and `tags` are positions of accounts in the world, `spot` that of its location.

    Each comment with an even number has the replies of `thread`. `is_counted`: lists tell how many comments there are.
    """

    pk: str
    author: int
    tags: tuple[int, ...]
    comments: Listing = NO_ENTRIES
    likers: Listing = NO_ENTRIES
    thread: Thread = NO_REPLIES
    spot: int | None = None
    is_counted: bool = False

    def lists(self) -> Lists:
        return {Paged.COMMENTS: self.comments, Paged.LIKERS: self.likers}

    def thread_of(self, comment: int) -> Thread:
        return NO_REPLIES if comment % 2 else self.thread


@dataclass(frozen=True)
class Reel:
    """A highlight."""

    pk: str
    stories: tuple[Story, ...]

    @property
    def id(self) -> str:
        return f"highlight:{self.pk}"


@dataclass(frozen=True)
class Account:
    """`more` are lists that few accounts have. A search among its followers finds the same ones by any text."""

    pk: str
    name: str
    kind: Kind
    reels: tuple[Reel, ...]
    live: tuple[Story, ...] = ()
    posts: Listing = NO_ENTRIES
    followers: Listing = NO_ENTRIES
    following: Listing = NO_ENTRIES
    more: Lists = field(default_factory=dict)

    def lists(self) -> Lists:
        base = {Paged.POSTS: self.posts, Paged.FOLLOWERS: self.followers, Paged.FOLLOWING: self.following}
        return {**base, **self.more}

    def tray(self, *, forced: bool) -> tuple[Reel, ...] | None:
        """None where there is no tray to be had. A forced call skips the privacy check, and finds nothing behind it."""
        match self.kind:
            case Kind.MISSING:
                return None
            case Kind.PRIVATE:
                return () if forced else None
            case _:
                return self.reels

    def live_stories(self, *, forced: bool) -> tuple[Story, ...] | None:
        """As `tray`, of the live stories."""
        return () if self.kind is Kind.PRIVATE and forced else None if self.tray(forced=forced) is None else self.live


@dataclass(frozen=True)
class Place:
    """A hashtag, a location, or what a search finds by `key`: its name, its pk, its text."""

    key: str
    kind: Kind = Kind.PUBLIC
    more: Lists = field(default_factory=dict)

    def lists(self) -> Lists:
        return self.more


Holder: TypeAlias = Account | Post | Place


@dataclass(frozen=True)
class World:
    accounts: tuple[Account, ...]
    posts: tuple[Post, ...] = ()
    tags: tuple[Place, ...] = ()
    spots: tuple[Place, ...] = ()
    searches: tuple[Place, ...] = ()

    @cached_property
    def posts_by_pk(self) -> Mapping[str, tuple[Account, Post]]:
        return {post.pk: (self.accounts[post.author], post) for post in self.posts}

    @cached_property
    def by_id(self) -> Mapping[str, Account]:
        return {account.pk: account for account in self.accounts}

    @cached_property
    def by_name(self) -> Mapping[str, Account]:
        return {account.name: account for account in self.accounts if account.kind is not Kind.MISSING}

    @cached_property
    def owners(self) -> Mapping[str, tuple[Account, Reel]]:
        return {reel.pk: (account, reel) for account in self.accounts for reel in account.reels}

    @cached_property
    def shelves(self) -> Mapping[str, tuple[Account, Reel, Story]]:
        return {story.pk: (account, reel, story) for account, reel in self.owners.values() for story in reel.stories}

    @cached_property
    def items(self) -> Mapping[str, tuple[Account, Story]]:
        """All stories, in a highlight or live."""
        live = {story.pk: (account, story) for account in self.accounts for story in account.live}
        return live | {pk: (account, story) for pk, (account, _, story) in self.shelves.items()}

    @cached_property
    def places(self) -> Mapping[Of, Mapping[str, Place]]:
        groups = {Of.TAG: self.tags, Of.SPOT: self.spots, Of.SEARCH: self.searches, Of.POINT: self.searches}
        return {of: {place.key: place for place in places} for of, places in groups.items()}

    def account_behind(self, listing: Paged, owner: str) -> Account | None:
        """Return the account that a list is of, or by whom the post is that it is of."""
        if listing.of in (Of.USER, Of.SEARCH_IN_USER):
            return self.by_id.get(owner.partition(" ")[0])
        return self.posts_by_pk.get(owner.partition(" ")[0], (None, None))[0]

    def listed(self, listing: Paged, owner: str) -> tuple[Kind, Listing | Thread] | None:
        """Return the kind of what a list is of, and the list; None if its owner is not there. A search always is."""
        post, _, comment = owner.partition(" ")
        if listing.of is Of.COMMENT:
            account, held = self.posts_by_pk[post]
            return account.kind, held.thread_of(int(comment.removeprefix(f"8{post}")))
        holder: Holder | None
        if listing.of in PLACES:
            holder = self.places[listing.of].get(owner)
            if holder is None and listing.of in (Of.SEARCH, Of.POINT):
                holder = Place(owner)
            kind = None if holder is None else holder.kind
        else:
            account_behind = self.account_behind(listing, owner)
            kind = None if account_behind is None else account_behind.kind
            holder = self.posts_by_pk[owner][1] if listing.of is Of.POST and account_behind else account_behind
        if holder is None or kind in (None, Kind.MISSING):
            return None
        return kind, holder.lists().get(listing, NO_ENTRIES)

    def leaf(self, listing: Paged, owner: str, cursor: str, *, forced: bool = False) -> Leaf | Refusal:
        """Return what the upstream says of a page. A page without entries may be a 404, which names no next one.

        `forced` skips the privacy check of a search among accounts, which finds nothing behind it.
        """
        found = self.listed(listing, owner)
        if found is None:
            return Refusal.UNKNOWN
        kind, pages = found
        if kind is Kind.PRIVATE:
            return Leaf() if forced and listing.of is Of.SEARCH_IN_USER else Refusal.HIDDEN
        leaf = pages.at(cursor)
        if leaf is None:
            return Refusal.DEAD
        is_along = listing.of is Of.COMMENT and not cursor
        return Leaf() if kind is Kind.EMPTY_IS_404 and not leaf.entries and not is_along else leaf

    def comment(self, post: str, number: int) -> tuple[str, Account]:
        """Return the pk of a comment, and its author."""
        return f"8{post}{number}", self.accounts[number % len(self.accounts)]

    def reply(self, comment: str, number: int) -> tuple[str, Account]:
        """Return the pk of a reply, and its author. `comment` is the key of the comment: the post's pk and its own."""
        return f"9{comment.partition(' ')[2]}{number}", self.accounts[(number + 1) % len(self.accounts)]

    def remark(self, listing: Paged, owner: str, number: int) -> tuple[str, Account]:
        """Return the pk of an entry of a list of comments, and its author."""
        return (self.reply if listing is Paged.REPLIES else self.comment)(owner, number)

    def comments_told(self, post: str, leaf: Leaf) -> int | None:
        """Return what a page of comments says of their number. A 404 in its place says nothing."""
        account, found = self.posts_by_pk[post]
        return None if account.kind is Kind.EMPTY_IS_404 and not leaf.entries else found.comments.total

    def entry_id(self, listing: Paged, owner: str, number: int) -> str:
        """Return the id in the graph of an entry of a list."""
        match listing.has:
            case Has.POSTS:
                return f"media:{self.posts[number].pk}"
            case Has.PEOPLE:
                return self.accounts[number].pk
            case Has.COMMENTS:
                return self.remark(listing, owner, number)[0]
            case Has.TAGS:
                return f"hashtag:{self.tags[number].key}"
            case Has.SPOTS:
                return f"location:{self.spots[number].key}"

    def renamed(self, position: int, name: str) -> World:
        accounts = list(self.accounts)
        accounts[position] = replace(accounts[position], name=name)
        return replace(self, accounts=tuple(accounts))

    def calls(self, *, forced: bool) -> Iterator[Call]:
        """Every call that anybody could make about this world."""
        for account in self.accounts:
            yield Call(endpoints.PROFILE, account.pk)
            yield Call(endpoints.PROFILE_BY_USERNAME, account.name)
            yield Call(endpoints.TRAY, account.pk, forced)
            yield Call(endpoints.TRAY_BY_USERNAME, account.name, forced)
            yield Call(endpoints.STORIES, account.pk, forced)
            yield Call(endpoints.STORIES_BY_USERNAME, account.name, forced)
            yield from _page_calls(account.lists(), account.pk, forced=forced)
        for post in self.posts:
            yield from _page_calls(post.lists(), post.pk)
        yield from (Call(endpoints.HIGHLIGHT, pk) for pk in self.owners)
        yield from (Call(endpoints.ITEM, pk) for pk in self.items)
        yield from (Call(endpoints.MEDIA, pk) for pk in self.posts_by_pk)
        for places, endpoint in ((self.tags, endpoints.HASHTAG), (self.spots, endpoints.LOCATION)):
            for place in places:
                yield Call(endpoint, place.key)
                yield from _page_calls(place.more, place.key)
        for search in self.searches:
            yield from _page_calls(search.more, search.key)
        for key in self.comment_keys():
            found = self.listed(Paged.REPLIES, key)
            cursors = () if found is None else found[1].cursors
            yield from (Call(list_endpoints.REPLIES, key, cursor=cursor) for cursor in cursors if cursor)

    def comment_keys(self) -> Iterator[str]:
        """The keys of all comments: the post's pk and its own."""
        for post in self.posts:
            for number in dict.fromkeys(number for leaf in post.comments.leaves for number in leaf.entries):
                yield f"{post.pk} {self.comment(post.pk, number)[0]}"


def _page_calls(lists: Lists, owner: str, *, forced: bool = False) -> Iterator[Call]:
    for listing, found in lists.items():
        endpoint = ENDPOINT_OF[listing]
        for text in TEXTS if listing.of is Of.SEARCH_IN_USER else ("",):
            key = listing.owner(owner, text or owner)
            force = forced and endpoint.forced_price is not None
            yield from (Call(endpoint, key, force, cursor) for cursor in found.cursors)


def count_calls(pks: Iterable[str]) -> Iterator[Call]:
    """The calls about the numbers of comments of several of these posts: of each set of few, and of all of many."""
    pks = sorted(set(pks))
    if len(pks) <= MOST_SUBSETS:
        sets = (chosen for count in range(2, len(pks) + 1) for chosen in combinations(pks, count))
    else:
        sets = (tuple(pks[at : at + LARGEST_BATCH]) for at in range(0, len(pks), LARGEST_BATCH))
    yield from (Call(list_endpoints.COMMENT_COUNTS, ",".join(chosen)) for chosen in sets)
