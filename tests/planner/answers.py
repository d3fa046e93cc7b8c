"""What the answer to each call tells, as facts, in a world that is fully known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.listings import Has, Leaf, Of, Paged, Refusal
from tests.planner.worlds import LISTS, Account, Kind, Post, Reel, Story, World

# What can be known: noun and key. A named list may not say whose it is: when it is empty, or private.
Fact: TypeAlias = tuple[str, str]
ID, NAME, PK, ITEM_PK = "id", "name", "pk", "item pk"
LINK, SHORT, PROFILE, TRAY, NAMED_TRAY = "link", "short", "profile", "tray", "named tray"
STORIES, NAMED_STORIES = "stories", "named stories"
POST, POST_PK, COUNT = "post", "post pk", "count"
TAG, TAG_NAME, SPOT, SPOT_PK = "tag", "tag name", "spot", "spot pk"
BRIEF, ITEMS, ITEM, SHELF, HOME = "brief", "items", "item", "shelf", "home"
# A page of a list, and its cursor, by the place of the page; that there is nobody, which is said of all pages at once.
PAGE, CURSOR, GONE = "page", "cursor", "gone"
# What names what else can be asked for.
KEYS = (ID, POST_PK, TAG_NAME, SPOT_PK)


def place(listing: Paged, owner: str, cursor: str) -> str:
    return f"{listing.name} {owner} {cursor}"


def place_of(call: Call) -> str:
    """The place of the page that the call asks for."""
    return place(LISTS[call.endpoint], call.key, call.cursor)


def tells(world: World, call: Call) -> Iterator[Fact]:
    if call.endpoint in LISTS:
        return _page(world, LISTS[call.endpoint], call)
    return _tells(world, call)


def _tells(world: World, call: Call) -> Iterator[Fact]:
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
        case _:
            yield from _tells_of_one(world, call)


def _tells_of_one(world: World, call: Call) -> Iterator[Fact]:
    match call.endpoint:
        case endpoints.HIGHLIGHT:
            yield from _highlight(world, call.key)
        case endpoints.ITEM:
            yield from _item(world, call.key)
        case endpoints.MEDIA:
            yield from _post(world, call.key)
        case list_endpoints.COMMENT_COUNTS:
            yield from ((COUNT, pk) for pk in call.key.split(","))
        case endpoints.HASHTAG:
            yield from _record(world, TAG, call.key)
        case endpoints.LOCATION:
            yield from _record(world, SPOT, call.key)
        case _:
            raise AssertionError(f"the oracle knows no {call}")


def _highlight(world: World, pk: str) -> Iterator[Fact]:
    yield from ((BRIEF, pk), (ITEMS, pk))
    account, reel = world.owners.get(pk, (None, None))
    if account and reel and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield from ((SHELF, pk), (HOME, pk))
        yield from _rider(account)
        yield from _inside(world, reel)


def _record(world: World, noun: str, key: str) -> Iterator[Fact]:
    """That there is no such hashtag or location answers every question about it, asked by its name."""
    yield noun, key
    place = world.places[Of.TAG if noun == TAG else Of.SPOT].get(key)
    if place is None or place.kind is Kind.MISSING:
        yield GONE, f"{noun} {key}"


def _item(world: World, pk: str) -> Iterator[Fact]:
    yield ITEM, pk
    account, story = world.items.get(pk, (None, None))
    if account and story and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield ID, account.pk
        yield from _people(world, story)


def _absence(pk: str) -> Iterator[Fact]:
    """That there is no such user answers every question about it."""
    yield from ((SHORT, pk), (PROFILE, pk), (TRAY, pk), (STORIES, pk), (GONE, pk))
    yield from ((PAGE, place(listing, pk, "")) for listing in Paged if listing.of is Of.USER)


def _profile(account: Account | None, pk: str) -> Iterator[Fact]:
    if account is None or account.kind is Kind.MISSING:
        yield from _absence(pk)
    else:
        yield PROFILE, pk
        yield from _rider(account)


def _tray(account: Account | None, call: Call) -> Iterator[Fact]:
    if account is None or account.kind is Kind.MISSING:
        yield from _absence(call.key)
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
        yield from _absence(call.key)
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
    """A post tells how many comments are on it, too."""
    yield from ((POST, pk), (COUNT, pk))
    account, post = world.posts_by_pk.get(pk, (None, None))
    if account and post and account.kind not in (Kind.PRIVATE, Kind.MISSING):
        yield from _rider(account)
        yield from _named_by(world, post)


def _page(world: World, listing: Paged, call: Call) -> Iterator[Fact]:
    """A page of a user's posts names whose list it is, if one of them is by that user; no other page does."""
    yield PAGE, place_of(call)
    leaf = world.leaf(listing, call.key, call.cursor, forced=call.forced)
    if leaf is Refusal.UNKNOWN and listing.of is Of.USER and not call.cursor:
        yield from _absence(call.key)
    if not isinstance(leaf, Leaf):
        return
    if leaf.next is not None:
        yield CURSOR, place(listing, call.key, leaf.next)
    for number in leaf.entries:
        match listing.has:
            case Has.POSTS:
                yield from _listed_post(world, world.posts[number], call.key if listing.of is Of.USER else None)
            case Has.PEOPLE:
                yield ID, world.accounts[number].pk
            case Has.COMMENTS:
                yield ID, world.remark(listing, call.key, number)[1].pk
                if listing is Paged.COMMENTS:
                    yield from _along(world, call.key, number)
            case Has.TAGS:
                yield TAG_NAME, world.tags[number].key
            case Has.SPOTS:
                yield SPOT_PK, world.spots[number].key


def _along(world: World, post: str, number: int) -> Iterator[Fact]:
    """The replies that come along with a comment are the first page of them."""
    key = f"{post} {world.comment(post, number)[0]}"
    yield PAGE, place(Paged.REPLIES, key, "")
    leaf = world.leaf(Paged.REPLIES, key, "")
    assert isinstance(leaf, Leaf)
    if leaf.next is not None:
        yield CURSOR, place(Paged.REPLIES, key, leaf.next)
    yield from ((ID, world.reply(key, reply)[1].pk) for reply in leaf.entries)


def _listed_post(world: World, post: Post, owner: str | None) -> Iterator[Fact]:
    author = world.accounts[post.author]
    yield from ((POST_PK, post.pk), (ID, author.pk))
    yield from _named_by(world, post)
    if author.pk == owner:
        yield from _rider(author)


def _named_by(world: World, post: Post) -> Iterator[Fact]:
    yield from ((ID, world.accounts[position].pk) for position in post.tags)
    if post.spot is not None:
        yield SPOT_PK, world.spots[post.spot].key


def _people(world: World, story: Story) -> Iterator[Fact]:
    """Who is mentioned can be asked for by id. What the mention shows of them is for its own place in the answer."""
    for position in (*story.mentions, *story.sponsors):
        yield ID, world.accounts[position].pk
    for position in story.posts:
        yield POST_PK, world.posts[position].pk
    yield from ((TAG_NAME, world.tags[position].key) for position in story.tags)
    yield from ((SPOT_PK, world.spots[position].key) for position in story.spots)
