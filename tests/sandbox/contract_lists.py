"""The models of the raw lists, strictly, as `contract` has those of the vendor's own flat answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from tests.sandbox.contract import Model, Pk
from tests.sandbox.contract_posts import Count, MediaId, RawUser

Positive = Annotated[int, Meta(ge=1)]
RawPk = int | Pk
Coordinate = Annotated[float, Meta(ge=0, le=1)]


class RawImage(Model):
    width: int
    height: int
    url: str
    scans_profile: str


class Candidates(Model):
    candidates: Annotated[list[RawImage], Meta(min_length=1)]


class RawVideo(Model):
    type: int
    width: int
    height: int
    url: str
    id: str


class ShortOfList(Model):
    """A summary of a user in a list of people: without the large picture."""

    pk: str | int
    id: str | int
    username: str
    full_name: str
    profile_pic_url: str
    is_private: bool
    is_verified: bool


class RawUsertag(Model):
    user: ShortOfList
    position: tuple[Coordinate, Coordinate]
    categories: list[str]
    show_category_of_user: bool


class RawUsertags(Model, rename={"tags": "in"}):
    tags: Annotated[list[RawUsertag], Meta(min_length=1)]


class RawLocation(Model):
    pk: int
    name: str
    short_name: str
    address: str
    city: str
    lat: float | None
    lng: float | None
    facebook_places_id: int
    external_source: str


class RawCaption(Model):
    pk: Pk
    text: Annotated[str, Meta(min_length=1)]
    created_at: int
    created_at_utc: int
    content_type: Literal["comment"]
    status: Literal["Active"]
    media_id: int
    user_id: int
    user: RawUser


class RawResource(Model, kw_only=True):
    pk: RawPk
    id: MediaId
    media_type: Literal[1, 2]
    product_type: Literal["carousel_item"]
    carousel_parent_id: MediaId
    taken_at: int
    image_versions2: Candidates
    video_versions: list[RawVideo] | UnsetType = UNSET


class Sponsor(Model):
    sponsor: dict[str, Any]
    permission: bool


class RawMedia(Model, kw_only=True):
    pk: RawPk | UnsetType = UNSET
    strong_id__: MediaId | UnsetType = UNSET
    id: MediaId
    taken_at: int | UnsetType = UNSET
    long_taken_at: int | UnsetType = field(name="1ltaken_at", default=UNSET)
    device_timestamp: int
    fbid: Pk
    code: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
    media_type: Literal[1, 2, 8]
    product_type: Literal["feed", "clips", "carousel_container", "igtv", "ad"]
    like_count: Count
    comment_count: Count
    play_count: Count | UnsetType = UNSET
    comments_disabled: bool
    like_and_view_counts_disabled: bool
    has_liked: bool
    accessibility_caption: str | None
    title: str
    coauthor_producers: list[RawUser]
    is_paid_partnership: bool
    user: RawUser
    caption: RawCaption | None
    timeline_pinned_user_ids: list[int]
    sponsor_tags: list[Sponsor] | None
    image_versions2: Candidates | UnsetType = UNSET
    video_versions: list[RawVideo] | UnsetType = UNSET
    video_duration: float | UnsetType = UNSET
    float_video_duration: float | UnsetType = field(name="1fvideo_duration", default=UNSET)
    carousel_media: list[RawResource] | UnsetType = UNSET
    carousel_media_count: int | UnsetType = UNSET
    usertags: RawUsertags | UnsetType = UNSET
    location: RawLocation | UnsetType = UNSET
    clips_metadata: dict[str, Any] | UnsetType = UNSET


class MediasResponse(Model):
    items: list[RawMedia]
    num_results: Count
    more_available: bool
    auto_load_more_enabled: bool
    profile_grid_items_cursor: str | None
    next_max_id: MediaId | None
    status: Literal["ok"]


class Medias(Model):
    response: MediasResponse
    next_page_id: str | None


class PeopleResponse(Model):
    users: list[RawUser]
    big_list: bool
    page_size: int
    next_max_id: Annotated[str, Meta(pattern=r"^\d+$")] | None
    has_more: bool
    should_limit_list_of_followers: bool
    status: Literal["ok"]


class People(Model):
    response: PeopleResponse
    next_page_id: str | None


class FoundAccount(RawUser, kw_only=True):
    social_context: Annotated[str, Meta(pattern=r"^\d+[KM]? followers$")]
    search_social_context: str | None


class Accounts(Model):
    users: list[FoundAccount]
    num_results: Count
    has_more: bool
    page_token: str | None
    rank_token: str
    status: Literal["ok"]


class About(Model):
    username: str
    is_verified: bool
    country: str | None
    date: Annotated[str, Meta(pattern=r"^[A-Z][a-z]+ 20\d\d$")]
    former_usernames: list[str]


class RawComment(Model, kw_only=True):
    pk: RawPk
    user_id: int
    user: RawUser
    text: str
    type: Literal[0, 2]
    created_at: int
    created_at_utc: int
    content_type: Literal["comment"]
    status: Literal["Active"]
    bit_flags: int
    did_report_as_spam: bool
    share_enabled: bool
    is_covered: bool
    is_edited: bool
    has_liked_comment: bool
    comment_like_count: Count
    media_id: int


class RawReply(RawComment, kw_only=True):
    parent_comment_id: Pk
    replied_to_comment_id: Pk


class Thread(RawComment, kw_only=True):
    child_comment_count: Count
    preview_child_comments: list[RawReply]
    other_preview_users: list[RawUser]
    has_more_tail_child_comments: bool
    has_more_head_child_comments: bool
    num_tail_child_comments: Count
    next_max_child_cursor: str | None
    inline_composer_display_condition: str


class CommentsResponse(Model):
    comments: list[Thread]
    caption: RawCaption | None
    caption_is_edited: bool
    comment_count: Count
    comment_likes_enabled: bool
    comment_cover_pos: str
    has_more_comments: bool
    has_more_headload_comments: bool
    is_ranked: bool
    next_min_id: str | None
    preview_comments: list[RawComment]
    threading_enabled: bool
    status: Literal["ok"]


class Comments(Model):
    response: CommentsResponse
    next_page_id: str | None


class Replies(Model):
    child_comments: list[RawReply]
    child_comment_count: Count
    parent_comment: RawComment
    has_more_tail_child_comments: bool
    has_more_head_child_comments: bool
    next_min_child_cursor: str | None
    status: Literal["ok"]


class CommentInfo(Model):
    comment_count: Count
    has_more_comments: bool
    comment_threading_enabled: bool
    comment_likes_enabled: bool
    preview_comments: list[RawComment]


class CommentInfos(Model):
    comment_infos: dict[MediaId, CommentInfo]
    status: Literal["ok"]


class Likers(Model):
    users: list[RawUser]
    user_count: Count
    status: Literal["ok"]


class Entry(Model):
    media: RawMedia


class Clips(Model):
    items: list[Entry]
    more_available: bool
    design: str


class Beside(Model):
    clips: Clips


class Layout(Model, kw_only=True):
    medias: list[Entry] | UnsetType = UNSET
    fill_items: list[Entry] | UnsetType = UNSET
    one_by_two_item: Beside | UnsetType = UNSET


class Section(Model):
    layout_type: Literal["one_by_two_left", "media_grid"]
    layout_content: Layout
    feed_type: Literal["clips", "media"]
    explore_item_info: dict[str, Any]


class SectionsResponse(Model):
    sections: list[Section]
    more_available: bool
    next_max_id: str | None
    next_page: int | None
    next_media_ids: list[int]
    auto_load_more_enabled: bool
    status: Literal["ok"]


class Sections(Model):
    response: SectionsResponse
    next_page_id: str | None


class Hashtag(Model):
    id: Pk
    name: Annotated[str, Meta(pattern=r"^\w+$")]
    media_count: Count
    profile_pic_url: str | None


class NamedHashtag(Hashtag):
    allow_following: bool


class LocatedPlace(Model):
    pk: int
    name: str
    lat: float
    lng: float
    category: str
    description: str | None
    address: str
    city: str
    zip: str
    phone: str
    website: str


class FoundPlace(Model):
    location: RawLocation
    title: str
    subtitle: str


class Places(Model):
    items: list[FoundPlace]
    has_more: bool
    rank_token: str
    status: Literal["ok"]
