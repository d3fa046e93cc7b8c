"""The endpoints of HikerAPI. Source of paths, parameters and prices: the vendor's documentation."""

from __future__ import annotations

from gateway.domain.hashtags import HashtagName
from gateway.domain.ids import HighlightId, ItemId, UserId, Username, highlight_url
from gateway.domain.locations import LocationId
from gateway.domain.media import MediaId
from gateway.reads.endpoints import Endpoints
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import (
    flat_lists,
    highlight_shapes,
    list_endpoints,
    media_shapes,
    object_shapes,
    story_shapes,
    user_shapes,
)
from gateway.upstream.hikerapi.errors import is_empty_list
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint

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
    flatten=flat_lists.media,
    decoder=media_shapes.MEDIA,
)
HASHTAG = HikerEndpoint(
    label="hashtag",
    noun="hashtag",
    answers=FactKind.HASHTAG,
    by=HashtagName,
    price=1,
    path="/v1/hashtag/by/name",
    parameter="name",
    decoder=object_shapes.HASHTAG,
)
LOCATION = HikerEndpoint(
    label="location",
    noun="location",
    answers=FactKind.LOCATION,
    by=LocationId,
    price=1,
    path="/g2/location/by/id",
    parameter="id",
    decoder=object_shapes.LOCATION,
)
ENDPOINTS = Endpoints(
    HIGHLIGHT,
    TRAY,
    TRAY_BY_USERNAME,
    STORIES,
    STORIES_BY_USERNAME,
    PROFILE,
    PROFILE_BY_USERNAME,
    ITEM,
    MEDIA,
    HASHTAG,
    LOCATION,
    *list_endpoints.ENDPOINTS,
)
