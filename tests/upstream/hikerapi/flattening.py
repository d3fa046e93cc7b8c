"""Flattening of answers in the envelopes of their endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.domain.media import Media
from gateway.domain.users import Count, UserSummary
from gateway.upstream.hikerapi import flat_pages

Flatten = Callable[[str, bytes], bytes]
FUNCTIONS: dict[str, Flatten] = {
    name: getattr(flat_pages, name)
    for name in (
        *("user_medias", "media_chunk", "users", "accounts", "likers", "user_array"),
        *("comments", "replies", "comment_infos", "hashtag_medias"),
    )
}


class MediaPage(msgspec.Struct):
    """A flat page as its decoder reads it."""

    entries: tuple[Media, ...]
    next: str | None
    owner: UserSummary | None
    total: Count | None


MEDIA_PAGE = msgspec.json.Decoder(MediaPage)


def flat(flatten: Flatten, answer: Any, key: str = "7") -> dict[str, Any]:
    page: dict[str, Any] = json.loads(flatten(key, msgspec.json.encode(answer)))
    assert list(page) == ["entries", "next", "owner", "total"]
    return page


def enveloped(name: str, entries: Any, cursor: Any = None) -> Any:
    """Entries in the raw envelope of an endpoint."""
    return {
        "user_medias": {"response": {"items": entries, "next_max_id": "inner"}, "next_page_id": cursor},
        "media_chunk": [entries, cursor],
        "users": {"response": {"users": entries, "next_max_id": "inner"}, "next_page_id": cursor},
        "accounts": {"users": entries, "has_more": True, "page_token": cursor, "num_results": 9},
        "likers": {"users": entries, "user_count": 5_000, "status": "ok"},
        "user_array": entries,
        "comments": {"response": {"comments": entries, "next_min_id": "inner"}, "next_page_id": cursor},
        "replies": {"child_comments": entries, "next_min_child_cursor": cursor, "child_comment_count": 3},
        "comment_infos": {"comment_infos": entries},
        "hashtag_medias": {
            "response": {"sections": [{"layout_content": {"medias": [{"media": entry} for entry in entries]}}]},
            "next_page_id": cursor,
        },
    }[name]
