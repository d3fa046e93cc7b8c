"""Small worlds of accounts, highlights, posts and lists."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.listings import NO_ENTRIES, Leaf, Listing, Paged, Refusal

LISTS: Mapping[Endpoint, Paged] = {
    list_endpoints.POSTS: Paged.POSTS,
    list_endpoints.FOLLOWERS: Paged.FOLLOWERS,
    list_endpoints.FOLLOWING: Paged.FOLLOWING,
    list_endpoints.COMMENTS: Paged.COMMENTS,
}
ENDPOINT_OF = {listing: endpoint for endpoint, listing in LISTS.items()}


class Kind(enum.Enum):
    """What the upstream says of an account. An empty list is `[]` or a 404 of its own."""

    PUBLIC = "public"
    EMPTY_IS_404 = "public, and an empty tray is a 404"
    PRIVATE = "private"
    MISSING = "missing"


@dataclass(frozen=True)
class Story:
    """An item; its id ends in its author's. `mentions`, `sponsors` and `posts` are positions in the world."""

    id: str
    is_video: bool
    mentions: tuple[int, ...]
    sponsors: tuple[int, ...]
    posts: tuple[int, ...] = ()

    @property
    def pk(self) -> str:
        return self.id.partition("_")[0]


@dataclass(frozen=True)
class Post:
    """`author` and `tags` are positions of accounts in the world."""

    pk: str
    author: int
    tags: tuple[int, ...]
    comments: Listing = NO_ENTRIES


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
    pk: str
    name: str
    kind: Kind
    reels: tuple[Reel, ...]
    live: tuple[Story, ...] = ()
    posts: Listing = NO_ENTRIES
    followers: Listing = NO_ENTRIES
    following: Listing = NO_ENTRIES

    def lists(self) -> Mapping[Paged, Listing]:
        return {Paged.POSTS: self.posts, Paged.FOLLOWERS: self.followers, Paged.FOLLOWING: self.following}

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
class World:
    accounts: tuple[Account, ...]
    posts: tuple[Post, ...] = ()

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

    def listed(self, listing: Paged, owner: str) -> tuple[Account, Listing] | None:
        """Return a list and the account that it is of, or None if its owner is not there."""
        if listing is Paged.COMMENTS:
            account, post = self.posts_by_pk.get(owner, (None, None))
            found = None if post is None else post.comments
        else:
            account = self.by_id.get(owner)
            found = None if account is None else account.lists()[listing]
        return None if account is None or found is None or account.kind is Kind.MISSING else (account, found)

    def leaf(self, listing: Paged, owner: str, cursor: str) -> Leaf | Refusal:
        """Return what the upstream says of a page. A page without entries may be a 404, which names no next one."""
        found = self.listed(listing, owner)
        if found is None:
            return Refusal.UNKNOWN
        account, pages = found
        if account.kind is Kind.PRIVATE:
            return Refusal.HIDDEN
        leaf = pages.at(cursor)
        if leaf is None:
            return Refusal.DEAD
        return Leaf() if account.kind is Kind.EMPTY_IS_404 and not leaf.entries else leaf

    def comment(self, post: str, number: int) -> tuple[str, Account]:
        """Return the pk of a comment, and its author."""
        return f"8{post}{number}", self.accounts[number % len(self.accounts)]

    def comments_told(self, post: str, leaf: Leaf) -> int | None:
        """Return what a page of comments says of their number. A 404 in its place says nothing."""
        account, found = self.posts_by_pk[post]
        return None if account.kind is Kind.EMPTY_IS_404 and not leaf.entries else found.comments.total

    def entry_id(self, listing: Paged, owner: str, number: int) -> str:
        """Return the id in the graph of an entry of a list."""
        match listing:
            case Paged.POSTS:
                return f"media:{self.posts[number].pk}"
            case Paged.FOLLOWERS | Paged.FOLLOWING:
                return self.accounts[number].pk
            case Paged.COMMENTS:
                return self.comment(owner, number)[0]

    def renamed(self, position: int, name: str) -> World:
        accounts = list(self.accounts)
        accounts[position] = replace(accounts[position], name=name)
        return World(tuple(accounts), self.posts)

    def calls(self, *, forced: bool) -> Iterator[Call]:
        """Every call that anybody could make about this world."""
        for account in self.accounts:
            yield Call(endpoints.PROFILE, account.pk)
            yield Call(endpoints.PROFILE_BY_USERNAME, account.name)
            yield Call(endpoints.TRAY, account.pk, forced)
            yield Call(endpoints.TRAY_BY_USERNAME, account.name, forced)
            yield Call(endpoints.STORIES, account.pk, forced)
            yield Call(endpoints.STORIES_BY_USERNAME, account.name, forced)
            for listing, pages in account.lists().items():
                yield from (Call(ENDPOINT_OF[listing], account.pk, cursor=cursor) for cursor in pages.cursors)
        for post in self.posts:
            yield from (Call(list_endpoints.COMMENTS, post.pk, cursor=cursor) for cursor in post.comments.cursors)
        yield from (Call(endpoints.HIGHLIGHT, pk) for pk in self.owners)
        yield from (Call(endpoints.ITEM, pk) for pk in self.items)
        yield from (Call(endpoints.MEDIA, pk) for pk in self.posts_by_pk)
