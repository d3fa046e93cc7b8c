"""Upstreams that answer about a world: what all have in common, and HikerAPI's by its contract."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from gateway.domain import ids
from gateway.domain.list_pages import BEGINNING
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.listings import Of, Paged
from tests.planner.pages import NO_SPOT, NO_TAG, NO_USER, NOTHING, PRIVATE, page, short, spot_record, tag_record
from tests.planner.worlds import LISTS, Account, Kind, Post, Reel, Story, World

BY_NAME = {endpoints.TRAY_BY_USERNAME, endpoints.PROFILE_BY_USERNAME, endpoints.STORIES_BY_USERNAME}
ENDPOINTS = {endpoint.path: endpoint for endpoint in endpoints.ENDPOINTS}


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
            case list_endpoints.COMMENT_COUNTS:
                return 200, _post_counts(self.world, call.key.split(","))
            case endpoints.HASHTAG:
                return _place(self.world, Of.TAG, call.key)
            case endpoints.LOCATION:
                return _place(self.world, Of.SPOT, call.key)
            case _ if call.endpoint in LISTS:
                return page(self.world, LISTS[call.endpoint], call)
            case _:
                return self._about_a_user(call)

    def _about_a_user(self, call: Call) -> tuple[int, Any]:
        account = (self.world.by_name if call.endpoint in BY_NAME else self.world.by_id).get(call.key)
        if account is None or account.kind is Kind.MISSING:
            return NO_USER
        if call.endpoint.answers is FactKind.PROFILE:
            return 200, {**short(account), "biography": f"I am {account.pk}.", **_counts(account)}
        if not call.forced and account.kind is Kind.PRIVATE:
            return PRIVATE
        if call.endpoint.answers is FactKind.STORIES:
            found = [_item(account, story, self.world) for story in account.live_stories(forced=call.forced) or ()]
        else:
            found = [_entry(account, reel) for reel in account.tray(forced=call.forced) or ()]
        return (200, found) if found or account.kind is not Kind.EMPTY_IS_404 else NOTHING


def _call(request: httpx.Request) -> Call:
    endpoint = ENDPOINTS[request.url.path]
    key = " ".join(request.url.params[name] for name in endpoint.parameter.split(" "))
    if endpoint is endpoints.HIGHLIGHT:
        key = ids.highlight_from_url(key, field="url")
    if endpoint is list_endpoints.COMMENT_COUNTS:
        key = ",".join(sorted(key.split(",")))  # the oracle knows no order
    beginning = BEGINNING if endpoint is list_endpoints.REPLIES else ""
    cursor = request.url.params.get(endpoint.cursor_parameter, beginning)
    return Call(endpoint, key, request.url.params.get("force") == "on", cursor)


def _unless_hidden(account: Account, answer: Any) -> tuple[int, Any]:
    return PRIVATE if account.kind is Kind.PRIVATE else (200, answer)


def _entry(account: Account, reel: Reel) -> dict[str, Any]:
    return {"pk": reel.pk, "id": reel.id, "title": reel.pk, "media_count": len(reel.stories), "user": short(account)}


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
        "mentions": [{"user": short(world.accounts[position])} for position in story.mentions],
        "sponsor_tags": [short(world.accounts[position]) for position in story.sponsors],
        "medias": [{"media_pk": world.posts[position].pk} for position in story.posts],
        "hashtags": [{"hashtag": tag_record(world.tags[position])} for position in story.tags],
        "locations": [{"location": spot_record(world.spots[position])} for position in story.spots],
    }


def _post(account: Account, post: Post, world: World) -> dict[str, Any]:
    """A post names its author with the short fields."""
    tags = [{"user": short(world.accounts[position])} for position in post.tags]
    counts = {"play_count": int(post.pk), "comment_count": post.comments.total}
    spot = None if post.spot is None else spot_record(world.spots[post.spot])
    names = {"user": short(account), "usertags": tags, "location": spot}
    return {"pk": post.pk, "code": post.pk, "caption_text": post.pk, **names, **counts}


def _counts(account: Account) -> dict[str, int]:
    names = {Paged.POSTS: "media_count", Paged.FOLLOWERS: "follower_count", Paged.FOLLOWING: "following_count"}
    return {names[listing]: pages.total for listing, pages in account.lists().items() if listing in names}


def _post_counts(world: World, pks: list[str]) -> Any:
    """Of the posts that there are."""
    found = [world.posts_by_pk[pk][1] for pk in pks if pk in world.posts_by_pk]
    return {"comment_infos": {f"{post.pk}_1": {"comment_count": post.comments.total} for post in found}}


def _place(world: World, of: Of, key: str) -> tuple[int, Any]:
    """The record of a hashtag or a location."""
    place = world.places[of].get(key)
    if place is None or place.kind is Kind.MISSING:
        return NO_TAG if of is Of.TAG else NO_SPOT
    return 200, tag_record(place) if of is Of.TAG else spot_record(place)
