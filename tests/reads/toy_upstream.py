"""The upstream of the toy vendor, over the worlds of the planner's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
import msgspec
from msgspec.structs import replace

from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import FactKind
from tests.planner.gateways import Vendor
from tests.planner.listings import Leaf, Paged, Refusal
from tests.planner.upstreams import BilledUpstream
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World
from tests.reads.toy_vendor import (
    BALANCE_TARGET,
    COLLECTION,
    COLLECTIONS,
    ENDPOINTS,
    FANS,
    IDOLS,
    LIVE,
    LOCKED,
    PERSON,
    PERSON_BY_HANDLE,
    POST,
    REMARK_COUNTS,
    REMARKS,
    STORY,
    TORN,
    UNKNOWN,
    WALL,
    connect,
)
from tests.reads.toy_wire import (
    WireCollection,
    WireEnvelope,
    WirePerson,
    WirePost,
    WireRemark,
    WireRemarkCount,
    WireSheet,
    WireStory,
)

T = TypeVar("T")
LISTS: Mapping[Endpoint, Paged] = {
    WALL: Paged.POSTS,
    FANS: Paged.FOLLOWERS,
    IDOLS: Paged.FOLLOWING,
    REMARKS: Paged.COMMENTS,
}
PATHS = {"wall": WALL, "fans": FANS, "idols": IDOLS}
PROBLEMS = {Refusal.UNKNOWN: UNKNOWN, Refusal.HIDDEN: LOCKED, Refusal.DEAD: TORN}


class ToyUpstream(BilledUpstream):
    """The vendor's contract, spoken about a world."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == BALANCE_TARGET:
            return _response(200, WireEnvelope(0, result={"requests": 1_000 - self.billed}))
        return await super().handle_async_request(request)

    def call(self, request: httpx.Request) -> Call:
        page = request.url.params.get("page", "")
        match unquote(request.url.path).removeprefix("/").split("/"):
            case ["people", key] if key.startswith("@"):
                return Call(PERSON_BY_HANDLE, key.removeprefix("@"))
            case ["people", key]:
                return Call(PERSON, key)
            case ["people", key, "collections"]:
                return Call(COLLECTIONS, key)
            case ["people", key, "live"]:
                return Call(LIVE, key)
            case ["people", key, ("wall" | "fans" | "idols") as name]:
                return Call(PATHS[name], key, cursor=page)
            case ["remark-counts", keys]:
                return Call(REMARK_COUNTS, keys)
            case ["posts", key, "remarks"]:
                return Call(REMARKS, key, cursor=page)
            case ["collections", key]:
                return Call(COLLECTION, key)
            case ["posts", key]:
                return Call(POST, key)
            case ["stories", key]:
                return Call(STORY, key)
            case parts:
                raise AssertionError(f"no such path: {parts}")

    def respond(self, call: Call) -> httpx.Response:
        result = self._result(call)
        if not isinstance(result, str):
            return _response(200, WireEnvelope(call.nominal_price, result=result))
        return _response(403 if result == LOCKED else 404, WireEnvelope(call.nominal_price, problem=result))

    def trouble(self, status: int) -> httpx.Response:
        return _response(status, WireEnvelope(0, problem="trouble"))

    def _result(self, call: Call) -> object:
        """Return the result, or the problem as a text."""
        world = self.world
        match call.endpoint:
            case _ if call.endpoint is COLLECTION:
                owned = world.owners.get(call.key)
                return UNKNOWN if owned is None else _unless_hidden(owned[0], lambda: _wire_collection(*owned, world))
            case _ if call.endpoint is POST:
                post = world.posts_by_pk.get(call.key)
                if post is None or post[0].kind is Kind.MISSING:
                    return UNKNOWN
                return _unless_hidden(post[0], lambda: _wire_post(*post, world))
            case _ if call.endpoint is REMARK_COUNTS:
                posts = [world.posts_by_pk[pk][1] for pk in call.key.split(",") if pk in world.posts_by_pk]
                return {"entries": [WireRemarkCount(post.pk, post.comments.total) for post in posts]}
            case _ if call.endpoint is STORY:
                held = world.items.get(call.key)
                return UNKNOWN if held is None else _unless_hidden(held[0], lambda: _wire_story(*held, world))
            case _ if (listing := LISTS.get(call.endpoint)) is not None:
                leaf = world.leaf(listing, call.key, call.cursor)
                return PROBLEMS[leaf] if isinstance(leaf, Refusal) else _wire_sheet(listing, call.key, leaf, world)
            case _:
                return self._about_a_user(call)

    def _about_a_user(self, call: Call) -> object:
        account = (self.world.by_name if call.endpoint.by_name else self.world.by_id).get(call.key)
        if account is None or account.kind is Kind.MISSING:
            return UNKNOWN
        if call.endpoint.answers is FactKind.PROFILE:
            lists = account.lists()
            sizes = (lists[Paged.POSTS].total, lists[Paged.FOLLOWERS].total, lists[Paged.FOLLOWING].total)
            return WirePerson(account.pk, account.name, f"I am {account.pk}.", sizes)
        if call.endpoint is LIVE:
            stories = account.live_stories(forced=False) or ()
            return _unless_hidden(account, lambda: [_wire_story(account, story, self.world) for story in stories])
        reels = account.tray(forced=False) or ()
        return _unless_hidden(account, lambda: [_wire_collection(account, reel, self.world) for reel in reels])


def _response(status: int, envelope: WireEnvelope[Any]) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(envelope))


def _unless_hidden(account: Account, result: Callable[[], T]) -> T | str:
    return LOCKED if account.kind is Kind.PRIVATE else result()


def _wire_person(account: Account) -> WirePerson:
    return WirePerson(account.pk, account.name)


def _wire_collection(account: Account, reel: Reel, world: World) -> WireCollection:
    stories = tuple(_wire_story(account, story, world) for story in reel.stories)
    return WireCollection(reel.pk, reel.pk, _wire_person(account), stories, tuple(story.pk for story in reel.stories))


def _wire_story(account: Account, story: Story, world: World) -> WireStory:
    tags, paid_by = (
        tuple(_wire_person(world.accounts[position]) for position in positions)
        for positions in (story.mentions, story.sponsors)
    )
    shares = tuple(world.posts[position].pk for position in story.posts)
    return WireStory(story.pk, account.pk, story.is_video, tags, paid_by, shares)


def _wire_post(account: Account, post: Post, world: World) -> WirePost:
    tags = tuple(_wire_person(world.accounts[position]) for position in post.tags)
    counts = {"plays": int(post.pk), "remarks": post.comments.total}
    return WirePost(post.pk, _wire_person(account), post.pk, tags, **counts)


def _wire_sheet(listing: Paged, owner: str, leaf: Leaf, world: World) -> WireSheet[Any]:
    then = None if leaf.next is None else int(leaf.next)
    match listing:
        case Paged.POSTS:
            posts = [world.posts[number] for number in leaf.entries]
            found = tuple(_listed(_wire_post(world.accounts[post.author], post, world), post) for post in posts)
            return WireSheet(found, then, of=next((post.by for post in found if post.by.uid == owner), None))
        case Paged.FOLLOWERS | Paged.FOLLOWING:
            return WireSheet(tuple(_wire_person(world.accounts[number]) for number in leaf.entries), then)
        case Paged.COMMENTS:
            remarks = tuple(_wire_remark(*world.comment(owner, number)) for number in leaf.entries)
            return WireSheet(remarks, then, whole=world.comments_told(owner, leaf))
        case _:
            raise AssertionError(f"the toy has no {listing}")


def _listed(full: WirePost, post: Post) -> WirePost:
    return replace(full, plays=None, remarks=full.remarks if post.is_counted else None)


def _wire_remark(pk: str, author: Account) -> WireRemark:
    return WireRemark(pk, _wire_person(author), pk)


TOY = Vendor("toy", ENDPOINTS, ToyUpstream, connect)
