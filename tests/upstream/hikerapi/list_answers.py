"""What the vendor documents of each list endpoint, of hashtags and of locations: a request, and an answer to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints, list_endpoints
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint

Envelope = Callable[[list[Any], Any], Any]
TIME = 1_773_532_800  # 2026-03-15T00:00:00Z
CURSOR = "QVFE+/8=&a b%23\u00e9_1234567890"
USER = {"pk": 7, "username": "ann"}
OTHER = {"pk": "8", "username": "bob"}
RAW_POST = {"pk": 11, "id": "11_7", "taken_at": TIME, "media_type": 1, "user": USER}
TYPED_POST = {"pk": "11", "id": "11_7", "taken_at": "2026-03-15T00:00:00Z", "media_type": 1, "user": USER}
COMMENT = {"pk": "21", "text": "hi", "user": USER, "created_at": TIME, "media_id": 11, "child_comment_count": 1}
REPLY = {"pk": "22", "text": "ho", "user": OTHER, "created_at": TIME, "media_id": 11, "parent_comment_id": 21}
TAG = {"id": "17843", "name": "love", "media_count": 3, "profile_pic_url": None}
PLACE = {"pk": 213, "name": "Berlin", "lat": 52.5, "lng": 13.4, "external_id": "1111"}
ABOUT = {"username": "ann", "is_verified": False, "country": "Peru", "date": "May 2011", "former_usernames": "2"}


@dataclass(frozen=True)
class Documented:
    """`query` are the parameters of `key`. `cursor` names the parameter of a page's cursor; "" for a list in one go.

    `entry` is an entry of an answer in its `envelope`, and `id` that of what is decoded from it.
    """

    endpoint: HikerEndpoint
    path: str
    key: str
    query: dict[str, str]
    entry: Any
    envelope: Envelope
    id: str
    cursor: str = ""
    price: int = 1
    forced: int | None = None
    odd: Any = field(default_factory=lambda: "no object")

    @property
    def is_list(self) -> bool:
        return self.envelope is not alone

    def call(self, cursor: str = "", *, forced: bool = False) -> Call:
        return Call(self.endpoint, self.key, forced, cursor)

    def body(self, *entries: Any, next_: Any = None) -> Any:
        return self.envelope(list(entries), next_)


def raw(name: str) -> Envelope:
    return lambda entries, cursor: {
        "response": {name: entries, "next_max_id": "inner", "next_min_id": "inner", "status": "ok"},
        "next_page_id": cursor,
    }


def chunk(entries: list[Any], cursor: Any) -> Any:
    return [entries, cursor]


def array(entries: list[Any], cursor: Any) -> Any:
    return entries


def alone(entries: list[Any], cursor: Any) -> Any:
    return entries[0]


def sections(entries: list[Any], cursor: Any) -> Any:
    slots = [{"media": entry} for entry in entries]
    page = {"sections": [{"layout_content": {"medias": slots}}], "more_available": True, "next_max_id": "inner"}
    return {"response": page, "next_page_id": cursor}


def replies(entries: list[Any], cursor: Any) -> Any:
    return {"child_comments": entries, "child_comment_count": len(entries), "next_min_child_cursor": cursor}


def likers(entries: list[Any], cursor: Any) -> Any:
    return {"users": entries, "user_count": 5_000, "status": "ok"}


def accounts(entries: list[Any], cursor: Any) -> Any:
    return {"users": entries, "num_results": 1, "has_more": cursor is not None, "page_token": cursor, "rank_token": "r"}


def places(entries: list[Any], cursor: Any) -> Any:
    return {"items": [{"location": entry, "title": "t", "subtitle": "s"} for entry in entries], "has_more": False}


def counts(entries: list[Any], cursor: Any) -> Any:
    return {"comment_infos": {f"{pk}_7": entry for pk, entry in enumerate(entries, 11)}, "status": "ok"}


RAW_USERS = raw("users")


def of_user(endpoint: HikerEndpoint, path: str, entry: Any, envelope: Envelope, id: str, cursor: str) -> Documented:
    return Documented(endpoint, path, "7", {"user_id": "7"}, entry, envelope, id, cursor)


def of_hashtag(endpoint: HikerEndpoint, order: str) -> Documented:
    path, name = f"/v2/hashtag/medias/{order}", "stra\u00dfe_\u6d77"
    return Documented(endpoint, path, name, {"name": name}, RAW_POST, sections, "media:11", "page_id")


def at_location(endpoint: HikerEndpoint, order: str) -> Documented:
    path = f"/v1/location/medias/{order}/chunk"
    return Documented(endpoint, path, "213", {"location_pk": "213"}, TYPED_POST, chunk, "media:11", "max_id")


def matching(endpoint: HikerEndpoint, side: str) -> Documented:
    query = {"user_id": "7", "query": "ann & \u00fc + b"}
    path = f"/v1/user/search/{side}"
    return Documented(endpoint, path, "7 ann & \u00fc + b", query, OTHER, array, "8", price=2, forced=1)


def found(endpoint: HikerEndpoint, path: str, entry: Any, envelope: Envelope, id: str, cursor: str = "") -> Documented:
    text = "caf\u00e9 +/=&?#%25 \U0001f30a"
    return Documented(endpoint, path, text, {"query": text}, entry, envelope, id, cursor)


LISTS = (
    of_user(list_endpoints.POSTS, "/g2/user/medias", RAW_POST, raw("items"), "media:11", "next_page_id"),
    of_user(list_endpoints.REELS, "/v1/user/clips/chunk", TYPED_POST, chunk, "media:11", "end_cursor"),
    of_user(list_endpoints.PINNED_POSTS, "/v1/user/medias/pinned", TYPED_POST, array, "media:11", ""),
    of_user(list_endpoints.TAGGED_POSTS, "/v1/user/tag/medias/chunk", TYPED_POST, chunk, "media:11", "max_id"),
    of_user(list_endpoints.FOLLOWERS, "/g2/user/followers", OTHER, RAW_USERS, "8", "page_id"),
    of_user(list_endpoints.FOLLOWING, "/g2/user/following", OTHER, RAW_USERS, "8", "page_id"),
    matching(list_endpoints.MATCHING_FOLLOWERS, "followers"),
    matching(list_endpoints.MATCHING_FOLLOWING, "following"),
    Documented(list_endpoints.ACCOUNT_HISTORY, "/gql/user/about", "7", {"id": "7"}, ABOUT, alone, "history"),
    Documented(
        list_endpoints.COMMENTS, "/v2/media/comments", "11", {"id": "11"}, COMMENT, raw("comments"), "21", "page_id"
    ),
    Documented(
        list_endpoints.REPLIES,
        "/v2/media/comments/replies",
        "11 21",
        {"media_id": "11", "comment_id": "21"},
        REPLY,
        replies,
        "22",
        "min_id",
    ),
    Documented(list_endpoints.LIKERS, "/v2/media/likers", "11", {"id": "11"}, OTHER, likers, "8"),
    of_hashtag(list_endpoints.RECENT_OF_HASHTAG, "recent"),
    of_hashtag(list_endpoints.TOP_OF_HASHTAG, "top"),
    at_location(list_endpoints.RECENT_AT_LOCATION, "recent"),
    at_location(list_endpoints.TOP_AT_LOCATION, "top"),
    found(list_endpoints.FOUND_USERS, "/v2/fbsearch/accounts", OTHER, accounts, "8", "page_token"),
    found(list_endpoints.FOUND_HASHTAGS, "/v1/search/hashtags", TAG, array, "hashtag:love"),
    found(list_endpoints.FOUND_LOCATIONS, "/v2/fbsearch/places", PLACE, places, "location:213"),
    Documented(
        list_endpoints.LOCATIONS_NEAR,
        "/v1/location/search",
        "-52.5000 13.4000",
        {"lat": "-52.5000", "lng": "13.4000"},
        PLACE,
        array,
        "location:213",
    ),
)
HASHTAG = Documented(
    endpoints.HASHTAG, "/v1/hashtag/by/name", "love", {"name": "love"}, TAG, alone, "hashtag:love", odd={"name": []}
)
LOCATION = Documented(
    endpoints.LOCATION, "/g2/location/by/id", "213", {"id": "213"}, PLACE, alone, "location:213", odd={"pk": {}}
)
COUNTS = Documented(
    list_endpoints.COMMENT_COUNTS,
    "/v2/media/comments/infos",
    "11,12",
    {"media_ids": "11,12"},
    {"comment_count": 3, "comments_disabled": False, "has_more_comments": False},
    counts,
    "11",
)
ALL = (*LISTS, COUNTS, HASHTAG, LOCATION)
PAGED = tuple(row for row in LISTS if row.cursor)
COMMENTS, REPLIES = LISTS[9], LISTS[10]


# Answers in which nothing says which endpoint they are of: arrays, and lists of users in an object.
LIKE: dict[Envelope, set[Envelope]] = {
    array: {array, chunk},
    counts: {counts, array, chunk},
    likers: {likers, accounts},
    accounts: {accounts, likers},
}


def is_like(row: Documented, other: Documented) -> bool:
    """Return whether an answer of `other` may be taken for one of `row`."""
    return row is other or (row.is_list and other.envelope in LIKE.get(row.envelope, {row.envelope}))


def label(row: Documented) -> str:
    return row.endpoint.label
