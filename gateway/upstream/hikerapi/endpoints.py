"""The endpoints of HikerAPI. Source of paths, parameters and prices: the vendor's documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gateway.domain.ids import HighlightId, ItemId, UserId, Username, highlight_url
from gateway.domain.media import MediaId
from gateway.reads.endpoints import Call, Endpoint, Endpoints
from gateway.reads.facts import FactKind
from gateway.upstream.client.exchange import Reply
from gateway.upstream.hikerapi import highlight_shapes, media_shapes, story_shapes, user_shapes
from gateway.upstream.hikerapi.decoding import ResponseShape
from gateway.upstream.hikerapi.errors import is_empty_list


@dataclass(frozen=True, kw_only=True, eq=False)
class HikerEndpoint(Endpoint):
    """An endpoint with its path and the query parameter of its key, which `spelled` converts.

    `is_empty` returns whether a 404 response means an empty list.
    """

    path: str
    parameter: str
    decoder: ResponseShape[Any]
    spelled: Callable[[str], str] | None = None
    is_empty: Callable[[Reply], bool] | None = None

    def target(self, call: Call) -> str:
        """Return the path and query of `call`."""
        key = call.key if self.spelled is None else self.spelled(call.key)
        force = "&force=on" if call.forced else ""
        return f"{self.path}?{self.parameter}={quote(key, safe='')}{force}"


HIGHLIGHT = HikerEndpoint(
    label="highlight",
    noun="highlight",
    answers=FactKind.HIGHLIGHT,
    by=HighlightId,
    price=1,
    path="/v1/highlight/by/url",
    parameter="url",
    spelled=highlight_url,
    decoder=highlight_shapes.HIGHLIGHT,
)
TRAY = HikerEndpoint(
    label="tray",
    noun="user",
    answers=FactKind.TRAY,
    by=UserId,
    price=2,
    forced_price=1,
    path="/v1/user/highlights",
    parameter="user_id",
    decoder=user_shapes.TRAY,
    is_empty=is_empty_list,
)
TRAY_BY_USERNAME = HikerEndpoint(
    label="tray_by_username",
    noun="user",
    answers=FactKind.TRAY,
    by=Username,
    by_id=TRAY,
    price=3,
    forced_price=2,
    path="/v1/user/highlights/by/username",
    parameter="username",
    decoder=user_shapes.TRAY,
    is_empty=is_empty_list,
)
STORIES = HikerEndpoint(
    label="stories",
    noun="user",
    answers=FactKind.STORIES,
    by=UserId,
    price=2,
    forced_price=1,
    path="/v1/user/stories",
    parameter="user_id",
    decoder=story_shapes.STORIES,
    is_empty=is_empty_list,
)
STORIES_BY_USERNAME = HikerEndpoint(
    label="stories_by_username",
    noun="user",
    answers=FactKind.STORIES,
    by=Username,
    by_id=STORIES,
    price=3,
    forced_price=2,
    path="/v1/user/stories/by/username",
    parameter="username",
    decoder=story_shapes.STORIES,
    is_empty=is_empty_list,
)
PROFILE = HikerEndpoint(
    label="profile",
    noun="user",
    answers=FactKind.PROFILE,
    by=UserId,
    price=1,
    path="/v1/user/by/id",
    parameter="id",
    decoder=user_shapes.PROFILE,
)
PROFILE_BY_USERNAME = HikerEndpoint(
    label="profile_by_username",
    noun="user",
    answers=FactKind.PROFILE,
    by=Username,
    by_id=PROFILE,
    price=1,
    path="/v1/user/by/username",
    parameter="username",
    decoder=user_shapes.PROFILE,
)
ITEM = HikerEndpoint(
    label="item",
    noun="item",
    answers=FactKind.ITEM,
    by=ItemId,
    price=1,
    path="/v1/story/by/id",
    parameter="id",
    decoder=highlight_shapes.ITEM,
)
MEDIA = HikerEndpoint(
    label="media",
    noun="media",
    answers=FactKind.MEDIA,
    by=MediaId,
    price=1,
    path="/v1/media/by/id",
    parameter="id",
    decoder=media_shapes.MEDIA,
)
ENDPOINTS = Endpoints(
    HIGHLIGHT, TRAY, TRAY_BY_USERNAME, STORIES, STORIES_BY_USERNAME, PROFILE, PROFILE_BY_USERNAME, ITEM, MEDIA
)
