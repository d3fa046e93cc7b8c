"""What the answer to each call tells, as facts, in a world that is fully known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints
from tests.planner.worlds import Account, Kind, Reel, Story, World

# What can be known: noun and key. A named list may not say whose it is: when it is empty, or private.
Fact: TypeAlias = tuple[str, str]
ID, NAME, PK, ITEM_PK = "id", "name", "pk", "item pk"
LINK, SHORT, PROFILE, TRAY, NAMED_TRAY = "link", "short", "profile", "tray", "named tray"
STORIES, NAMED_STORIES = "stories", "named stories"
POST, POST_PK = "post", "post pk"
BRIEF, ITEMS, ITEM, SHELF, HOME = "brief", "items", "item", "shelf", "home"


def tells(world: World, call: Call) -> Iterator[Fact]:
    match call.endpoint:
        case endpoints.PROFILE:
            yield from _profile(world.by_id.get(call.key), call.key)
        case endpoints.PROFILE_BY_USERNAME:
            yield LINK, call.key
            if account := world.by_name.get(call.key):
                yield from _profile(account, account.pk)
        case endpoints.TRAY:
            yield from _tray(world.by_id.get(call.key), call)
        case endpoints.TRAY_BY_USERNAME:
            yield from _tray_by_name(world.by_name.get(call.key), call)
        case endpoints.STORIES:
            yield from _stories(world, world.by_id.get(call.key), call)
        case endpoints.STORIES_BY_USERNAME:
            yield from _stories_by_name(world, world.by_name.get(call.key), call)
        case endpoints.HIGHLIGHT:
            yield from _highlight(world, call.key)
        case endpoints.ITEM:
            yield from _item(world, call.key)
        case endpoints.MEDIA:
            yield from _post(world, call.key)
        case _:
            raise AssertionError(f"the oracle knows no {call}")


def _highlight(world: World, pk: str) -> Iterator[Fact]:
    yield from ((BRIEF, pk), (ITEMS, pk))
    account, reel = world.owners.get(pk, (None, None))
    if account and reel and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield from ((SHELF, pk), (HOME, pk))
        yield from _rider(account)
        yield from _inside(world, reel)


def _item(world: World, pk: str) -> Iterator[Fact]:
    yield ITEM, pk
    account, story = world.items.get(pk, (None, None))
    if account and story and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield ID, account.pk
        yield from _people(world, story)


def _profile(account: Account | None, pk: str) -> Iterator[Fact]:
    if account is None or account.kind is Kind.MISSING:
        yield from ((SHORT, pk), (PROFILE, pk), (TRAY, pk), (STORIES, pk))
    else:
        yield PROFILE, pk
        yield from _rider(account)


def _tray(account: Account | None, call: Call) -> Iterator[Fact]:
    if account is None or account.kind is Kind.MISSING:
        yield from ((SHORT, call.key), (PROFILE, call.key), (TRAY, call.key), (STORIES, call.key))
        return
    yield TRAY, call.key
    if tray := account.tray(forced=call.forced):
        yield from _rider(account)
        for reel in tray:
            yield from ((BRIEF, reel.pk), (PK, reel.pk), (HOME, reel.pk))


def _tray_by_name(account: Account | None, call: Call) -> Iterator[Fact]:
    yield NAMED_TRAY, call.key
    if account is None:
        yield LINK, call.key
    elif account.tray(forced=call.forced):
        yield from _tray(account, Call(endpoints.TRAY, account.pk, call.forced))


def _stories(world: World, account: Account | None, call: Call) -> Iterator[Fact]:
    """An item of the list names its author by id alone."""
    if account is None or account.kind is Kind.MISSING:
        yield from ((SHORT, call.key), (PROFILE, call.key), (TRAY, call.key), (STORIES, call.key))
        return
    yield STORIES, call.key
    for story in account.live_stories(forced=call.forced) or ():
        yield ITEM, story.pk
        yield from _people(world, story)


def _stories_by_name(world: World, account: Account | None, call: Call) -> Iterator[Fact]:
    yield NAMED_STORIES, call.key
    if account is None:
        yield LINK, call.key
    elif account.live_stories(forced=call.forced):
        yield from ((LINK, call.key), (ID, account.pk))
        yield from _stories(world, account, Call(endpoints.STORIES, account.pk, call.forced))


def _rider(account: Account) -> Iterator[Fact]:
    """An answer that carries the short fields of an account names its id, and whose the name is."""
    yield from ((ID, account.pk), (SHORT, account.pk), (LINK, account.name))


def _inside(world: World, reel: Reel) -> Iterator[Fact]:
    for story in reel.stories:
        yield ITEM, story.pk
        yield from _people(world, story)


def _post(world: World, pk: str) -> Iterator[Fact]:
    yield POST, pk
    account, post = world.posts_by_pk.get(pk, (None, None))
    if account and post and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield from _rider(account)
        for position in post.tags:
            yield ID, world.accounts[position].pk


def _people(world: World, story: Story) -> Iterator[Fact]:
    """Who is mentioned can be asked for by id. What the mention shows of them is for its own place in the answer."""
    for position in (*story.mentions, *story.sponsors):
        yield ID, world.accounts[position].pk
    for position in story.posts:
        yield POST_PK, world.posts[position].pk
