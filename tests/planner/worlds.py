"""Small worlds of accounts and highlights, and an upstream that answers about them by its contract."""

from __future__ import annotations

import asyncio
import enum
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import httpx
import msgspec

from gateway.domain import ids
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints

BY_NAME = {endpoints.TRAY_BY_USERNAME, endpoints.PROFILE_BY_USERNAME, endpoints.STORIES_BY_USERNAME}
ENDPOINTS = {endpoint.path: endpoint for endpoint in endpoints.ENDPOINTS}


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
        yield from (Call(endpoints.HIGHLIGHT, pk) for pk in self.owners)
        yield from (Call(endpoints.ITEM, pk) for pk in self.items)
        yield from (Call(endpoints.MEDIA, pk) for pk in self.posts_by_pk)


class BilledUpstream(httpx.AsyncBaseTransport, ABC):
    """A read vendor's upstream that answers about `world`. It counts what it bills."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.latency = 0.0
        self.billed = 0
        self.asked: list[Call] = []
        self.troubles: Iterator[int] = iter(())
        """Statuses of the next answers, which are not charged; 0 is an answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = self.call(request)
        await asyncio.sleep(self.latency)
        if status := next(self.troubles, 0):
            return self.trouble(status)
        self.billed += call.nominal_price
        self.asked.append(call)
        return self.respond(call)

    @abstractmethod
    def call(self, request: httpx.Request) -> Call:
        """Return the call that was sent as `request`."""

    @abstractmethod
    def respond(self, call: Call) -> httpx.Response:
        """Return the billed response to `call`."""

    @abstractmethod
    def trouble(self, status: int) -> httpx.Response:
        """Return a response with this status that is not charged."""


class Upstream(BilledUpstream):
    """HikerAPI's contract, spoken about a world."""

    def call(self, request: httpx.Request) -> Call:
        return _call(request)

    def respond(self, call: Call) -> httpx.Response:
        status, body = self._answer(call)
        headers = {"x-hiker-info": f"reqs={call.nominal_price}", "content-type": "application/json"}
        return httpx.Response(status, headers=headers, content=msgspec.json.encode(body))

    def trouble(self, status: int) -> httpx.Response:
        return httpx.Response(status, headers={"x-hiker-info": "reqs=1"}, json={"detail": "trouble"})

    def _answer(self, call: Call) -> tuple[int, Any]:
        match call.endpoint:
            case endpoints.HIGHLIGHT:
                found = self.world.owners.get(call.key)
                return _unless_hidden(found[0], _highlight(*found, self.world)) if found else NOTHING
            case endpoints.MEDIA:
                post = self.world.posts_by_pk.get(call.key)
                if post is None or post[0].kind is Kind.MISSING:
                    return NOTHING
                return _unless_hidden(post[0], _post(*post, self.world))
            case endpoints.ITEM:
                story = self.world.items.get(call.key)
                return _unless_hidden(story[0], _item(*story, self.world)) if story else NOTHING
            case _:
                return self._about_a_user(call)

    def _about_a_user(self, call: Call) -> tuple[int, Any]:
        account = (self.world.by_name if call.endpoint in BY_NAME else self.world.by_id).get(call.key)
        if account is None or account.kind is Kind.MISSING:
            return 404, {"detail": "User not found", "exc_type": "UserNotFound"}
        if call.endpoint.answers is FactKind.PROFILE:
            return 200, {**_short(account), "biography": f"I am {account.pk}."}
        if not call.forced and account.kind is Kind.PRIVATE:
            return PRIVATE
        if call.endpoint.answers is FactKind.STORIES:
            found = [_item(account, story, self.world) for story in account.live_stories(forced=call.forced) or ()]
        else:
            found = [_entry(account, reel) for reel in account.tray(forced=call.forced) or ()]
        return (200, found) if found or account.kind is not Kind.EMPTY_IS_404 else NOTHING


NOTHING = (404, {"detail": "Entries not found", "exc_type": "NotFoundError"})
PRIVATE = (403, {"detail": "Private account", "exc_type": "PrivateAccount"})


def _call(request: httpx.Request) -> Call:
    endpoint = ENDPOINTS[request.url.path]
    key = request.url.params[endpoint.parameter]
    if endpoint is endpoints.HIGHLIGHT:
        key = ids.highlight_from_url(key, field="url")
    return Call(endpoint, key, request.url.params.get("force") == "on")


def _unless_hidden(account: Account, answer: Any) -> tuple[int, Any]:
    return PRIVATE if account.kind is Kind.PRIVATE else (200, answer)


def _short(account: Account) -> dict[str, Any]:
    return {"pk": account.pk, "username": account.name, "full_name": account.pk, "is_verified": False}


def _entry(account: Account, reel: Reel) -> dict[str, Any]:
    return {"pk": reel.pk, "id": reel.id, "title": reel.pk, "media_count": len(reel.stories), "user": _short(account)}


def _highlight(account: Account, reel: Reel, world: World) -> dict[str, Any]:
    items = [_item(account, story, world) for story in reel.stories]
    return {**_entry(account, reel), "items": items, "media_ids": [int(story.pk) for story in reel.stories]}


def _item(account: Account, story: Story, world: World) -> dict[str, Any]:
    """An item names its author by id alone; who is mentioned or sponsors comes with the short fields."""
    return {
        "pk": story.pk,
        "id": story.id,
        "code": story.pk,
        "media_type": 2 if story.is_video else 1,
        "user": {"pk": account.pk, "username": None},
        "mentions": [{"user": _short(world.accounts[position])} for position in story.mentions],
        "sponsor_tags": [_short(world.accounts[position]) for position in story.sponsors],
        "medias": [{"media_pk": world.posts[position].pk} for position in story.posts],
    }


def _post(account: Account, post: Post, world: World) -> dict[str, Any]:
    """A post names its author with the short fields."""
    tags = [{"user": _short(world.accounts[position])} for position in post.tags]
    return {"pk": post.pk, "code": post.pk, "caption_text": post.pk, "user": _short(account), "usertags": tags}
