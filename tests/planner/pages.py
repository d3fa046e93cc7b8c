"""Pages of lists in HikerAPI's own forms, about a world."""

from __future__ import annotations

from typing import Any

from gateway.reads.endpoints import Call
from tests.planner.listings import Has, Leaf, Of, Paged, Refusal
from tests.planner.worlds import Account, Kind, Place, Post, World

NOTHING = (404, {"detail": "Entries not found", "exc_type": "NotFoundError"})
PRIVATE = (403, {"detail": "Private account", "exc_type": "PrivateAccount"})
NO_USER = (404, {"detail": "User not found", "exc_type": "UserNotFound"})
NO_MEDIA = (404, {"detail": "Media not found", "exc_type": "MediaNotFound"})
NO_TAG = (404, {"detail": "Hashtag not found", "exc_type": "HashtagNotFound"})
NO_SPOT = (404, {"detail": "Location not found", "exc_type": "LocationNotFound"})
NO_CURSOR = (400, {"detail": "Invalid cursor", "exc_type": "BadRequest"})
UNKNOWN = {Of.POST: NO_MEDIA, Of.COMMENT: NO_MEDIA, Of.TAG: NO_TAG, Of.SPOT: NO_SPOT}
# Whose posts have the vendor's own flat model.
TYPED = (Paged.REELS, Paged.TAGGED, Paged.PINNED, Paged.RECENT_AT_SPOT, Paged.TOP_AT_SPOT)


def page(world: World, listing: Paged, call: Call) -> tuple[int, Any]:
    match world.leaf(listing, call.key, call.cursor, forced=call.forced):
        case Refusal.UNKNOWN:
            return UNKNOWN.get(listing.of, NO_USER)
        case Refusal.HIDDEN:
            return PRIVATE
        case Refusal.DEAD:
            return NO_CURSOR
        case Leaf(entries, following):
            listed = world.listed(listing, call.key)
            if not entries and listed is not None and listed[0] is Kind.EMPTY_IS_404:
                return NOTHING
            found = [_entry(world, listing, call.key, number) for number in entries]
            return 200, _envelope(world, listing, call.key, found, following)


def short(account: Account) -> dict[str, Any]:
    return {"pk": account.pk, "username": account.name, "full_name": account.pk, "is_verified": False}


def tag_record(tag: Place) -> dict[str, Any]:
    posts = [listing.total for listing in tag.more.values()]
    return {"id": "5", "name": tag.key, "media_count": max(posts, default=0)}


def spot_record(spot: Place) -> dict[str, Any]:
    return {"pk": int(spot.key), "name": spot.key, "category": f"Category {spot.key}"}


def _envelope(world: World, listing: Paged, owner: str, found: list[Any], following: str | None) -> Any:
    match listing:
        case Paged.POSTS:
            return {"response": {"items": found}, "next_page_id": following}
        case Paged.FOLLOWERS | Paged.FOLLOWING:
            return {"response": {"users": found}, "next_page_id": following}
        case Paged.COMMENTS:
            count = world.posts_by_pk[owner][1].comments.total
            return {"response": {"comments": found, "comment_count": count}, "next_page_id": following}
        case Paged.REPLIES:
            return {"child_comments": found, "next_min_child_cursor": following}
        case Paged.LIKERS:
            return {"users": found, "user_count": world.posts_by_pk[owner][1].likers.total}
        case Paged.RECENT_OF_TAG | Paged.TOP_OF_TAG:
            medias = [{"media": post} for post in found]
            return {"response": {"sections": [{"layout_content": {"medias": medias}}]}, "next_page_id": following}
        case Paged.FOUND_USERS:
            return {"users": found, "has_more": following is not None, "page_token": following}
        case Paged.FOUND_SPOTS:
            return {"items": [{"location": spot} for spot in found]}
        case Paged.REELS | Paged.TAGGED | Paged.RECENT_AT_SPOT | Paged.TOP_AT_SPOT:
            return [found, following]
        case _:
            return found


def _entry(world: World, listing: Paged, owner: str, number: int) -> Any:
    match listing.has:
        case Has.POSTS:
            return (_typed_post if listing in TYPED else _raw_post)(world, world.posts[number])
        case Has.PEOPLE:
            return short(world.accounts[number])
        case Has.COMMENTS:
            return _comment(world, listing, owner, number)
        case Has.TAGS:
            return tag_record(world.tags[number])
        case Has.SPOTS:
            return spot_record(world.spots[number])


def _raw_post(world: World, post: Post) -> dict[str, Any]:
    tags = {"in": [{"user": short(world.accounts[position])} for position in post.tags]}
    return {"pk": post.pk, "code": post.pk, "caption": {"text": post.pk}, "usertags": tags, **_named_by(world, post)}


def _typed_post(world: World, post: Post) -> dict[str, Any]:
    tags = [{"user": short(world.accounts[position])} for position in post.tags]
    return {"pk": post.pk, "code": post.pk, "caption_text": post.pk, "usertags": tags, **_named_by(world, post)}


def _named_by(world: World, post: Post) -> dict[str, Any]:
    """Without the number of plays, and with that of comments where lists have it."""
    spot = None if post.spot is None else spot_record(world.spots[post.spot])
    count = {"comment_count": post.comments.total} if post.is_counted else {}
    return {"user": short(world.accounts[post.author]), "location": spot, **count}


def _comment(world: World, listing: Paged, owner: str, number: int) -> dict[str, Any]:
    pk, author = world.remark(listing, owner, number)
    if listing is Paged.REPLIES:
        return _reply(pk, author, owner)
    key, thread = f"{owner} {pk}", world.posts_by_pk[owner][1].thread_of(number)
    along = [_reply(*world.reply(key, reply), key) for reply in thread.first]
    replies = {"child_comment_count": thread.listing.total, "preview_child_comments": along}
    return {"pk": pk, "text": pk, "user": short(author), **replies}


def _reply(pk: str, author: Account, comment: str) -> dict[str, Any]:
    return {"pk": pk, "text": pk, "user": short(author), "parent_comment_id": int(comment.partition(" ")[2])}
