"""The flat form of posts: the fields that Media reads, and those of a list.

Raw posts name the fields as the platform does. Some answers mark the type of a number in its name: `1l` is an integer,
`1f` a real number.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, field

from gateway.upstream.hikerapi.flat_parts import (
    UNREADABLE,
    Given,
    Part,
    first_given,
    first_pk,
    flat_list,
    is_given,
    moment,
)
from gateway.upstream.hikerapi.flat_users import RawUser, flat_user
from gateway.upstream.hikerapi.flat_versions import RawImages, RawVersion, candidates, first_url, size_of


class FlatTag(Part):
    user: Given[RawUser] = UNSET
    x: Any = UNSET
    y: Any = UNSET


class FlatChild(Part):
    pk: Any = UNSET
    media_type: Any = UNSET
    thumbnail_url: Any = UNSET
    video_url: Any = UNSET
    width: Any = UNSET
    height: Any = UNSET
    carousel_parent_id: Any = UNSET
    image_versions: Given[list[RawVersion]] = UNSET
    video_versions: Given[list[RawVersion]] = UNSET


class PostPlace(Part):
    """The place of a post, raw and flat: `real_lat` and `real_lng` are not in the flat form."""

    pk: Any = UNSET
    name: Any = UNSET
    lat: Any = UNSET
    lng: Any = UNSET
    address: Any = UNSET
    city: Any = UNSET
    zip: Any = UNSET
    category: Any = UNSET
    phone: Any = UNSET
    website: Any = UNSET
    external_id: Any = UNSET
    real_lat: Any = field(name="1flat", default=UNSET)
    real_lng: Any = field(name="1flng", default=UNSET)


class FlatMedia(Part):
    """A post as the vendor's typed endpoints send it, without what nobody reads.

    `width` and `height` are in the flat form alone; the versions that have them are not.
    """

    pk: Any = UNSET
    id: Any = UNSET
    code: Any = UNSET
    taken_at: Any = UNSET
    media_type: Any = UNSET
    product_type: Any = UNSET
    thumbnail_url: Any = UNSET
    video_url: Any = UNSET
    width: Any = UNSET
    height: Any = UNSET
    video_duration: Any = UNSET
    caption_text: Any = UNSET
    accessibility_caption: Any = UNSET
    user: Given[RawUser] = UNSET
    like_count: Any = UNSET
    play_count: Any = UNSET
    comment_count: Any = UNSET
    like_and_view_counts_disabled: Any = UNSET
    comments_disabled: Any = UNSET
    is_paid_partnership: Any = UNSET
    sponsor_tags: Given[list[RawUser]] = UNSET
    usertags: Given[list[FlatTag]] = UNSET
    resources: Given[list[FlatChild]] = UNSET
    coauthor_producers: Given[list[RawUser]] = UNSET
    location: Given[PostPlace] = UNSET
    is_pinned: Any = UNSET
    image_versions: Given[list[RawVersion]] = UNSET
    video_versions: Given[list[RawVersion]] = UNSET


class RawCaption(Part):
    text: Any = UNSET


class RawTag(Part):
    user: Given[RawUser] = UNSET
    position: Any = UNSET


class RawTags(Part):
    inside: Given[list[RawTag]] = field(name="in", default=UNSET)


class RawSponsor(RawUser):
    """A sponsor, or an object that holds one."""

    sponsor: Given[RawUser] = UNSET


class RawPost(Part):
    """The fields that a post and a part of an album have."""

    pk: Any = UNSET
    long_pk: Any = field(name="1lpk", default=UNSET)
    id: Any = UNSET
    strong_id: Any = field(name="strong_id__", default=UNSET)
    media_type: Any = UNSET
    long_media_type: Any = field(name="1lmedia_type", default=UNSET)
    image_versions2: Given[RawImages] = UNSET
    video_versions: Given[list[RawVersion]] = UNSET


class RawChild(RawPost):
    carousel_parent_id: Any = UNSET


class RawMedia(RawPost):
    code: Any = UNSET
    taken_at: Any = UNSET
    long_taken_at: Any = field(name="1ltaken_at", default=UNSET)
    product_type: Any = UNSET
    video_duration: Any = UNSET
    real_video_duration: Any = field(name="1fvideo_duration", default=UNSET)
    caption: Given[RawCaption] = UNSET
    accessibility_caption: Any = UNSET
    user: Given[RawUser] = UNSET
    like_count: Any = UNSET
    long_like_count: Any = field(name="1llike_count", default=UNSET)
    play_count: Any = UNSET
    long_play_count: Any = field(name="1lplay_count", default=UNSET)
    comment_count: Any = UNSET
    long_comment_count: Any = field(name="1lcomment_count", default=UNSET)
    like_and_view_counts_disabled: Any = UNSET
    comments_disabled: Any = UNSET
    is_paid_partnership: Any = UNSET
    sponsor_tags: Given[list[RawSponsor]] = UNSET
    usertags: Given[RawTags] = UNSET
    carousel_media: Given[list[RawChild]] = UNSET
    coauthor_producers: Given[list[RawUser]] = UNSET
    location: Given[PostPlace] = UNSET
    timeline_pinned_user_ids: Any = UNSET


def flat_raw_media(raw: Any, owner: str | None = None) -> Any:
    """Return the flat form of a raw post. `owner` is the id of the user whose list it is in, None for the author."""
    if not isinstance(raw, RawMedia):
        return raw
    is_hidden = raw.like_and_view_counts_disabled is True
    user = flat_user(raw.user)
    width, height = size_of(raw.video_versions, candidates(raw.image_versions2))
    return FlatMedia(
        pk=_pk(raw),
        id=raw.id,
        code=raw.code,
        taken_at=moment(first_given(raw.taken_at, raw.long_taken_at)),
        media_type=first_given(raw.media_type, raw.long_media_type),
        product_type=raw.product_type,
        thumbnail_url=_thumbnail(raw.image_versions2),
        video_url=first_url(raw.video_versions),
        width=width,
        height=height,
        video_duration=first_given(raw.video_duration, raw.real_video_duration),
        caption_text=_caption(raw.caption),
        accessibility_caption=raw.accessibility_caption,
        user=user,
        like_count=_known(first_given(raw.like_count, raw.long_like_count), is_hidden),
        play_count=_known(first_given(raw.play_count, raw.long_play_count), is_hidden),
        comment_count=first_given(raw.comment_count, raw.long_comment_count),
        like_and_view_counts_disabled=raw.like_and_view_counts_disabled,
        comments_disabled=raw.comments_disabled,
        is_paid_partnership=raw.is_paid_partnership,
        sponsor_tags=None if raw.sponsor_tags is None else flat_list(raw.sponsor_tags, _sponsor),
        usertags=_tags(raw.usertags),
        resources=flat_list(raw.carousel_media, _child),
        coauthor_producers=flat_list(first_given(raw.coauthor_producers, []), flat_user),
        location=_place(raw.location),
        is_pinned=_is_pinned(raw.timeline_pinned_user_ids, author_id(user) if owner is None else owner),
    )


def flat_typed_media(media: Any) -> Any:
    """Make a typed post of a list flat in place, and return it. Its counts are 0 if the upstream does not know them."""
    if isinstance(media, FlatMedia):
        is_hidden = media.like_and_view_counts_disabled is True
        media.like_count = _known(media.like_count, is_hidden)
        media.play_count = _known(media.play_count, is_hidden)
        media.comment_count = _known(media.comment_count, is_hidden=False)
    return flat_typed_parts(media)


def flat_typed_parts(media: Any) -> Any:
    """Make the people, the location and the sizes of a typed post flat in place, and return the post."""
    if isinstance(media, FlatMedia):
        media.user = flat_user(media.user)
        for people in (media.sponsor_tags, media.coauthor_producers):
            flat_list(people, flat_user)
        for tag in media.usertags if isinstance(media.usertags, list) else ():
            flat_user(getattr(tag, "user", None))
        media.location = _place(media.location)
        _state_size(media)
        for child in media.resources if isinstance(media.resources, list) else ():
            if isinstance(child, FlatChild):
                _state_size(child)
    return media


def author_id(user: Any) -> str | None:
    return str(user.pk) if isinstance(user, RawUser) and is_given(user.pk) else None


def _pk(raw: RawPost) -> Any:
    return raw.pk or first_pk(raw.long_pk, raw.id, raw.strong_id)


def _known(count: Any, is_hidden: bool) -> Any:
    """Return the count, or None if the account hides it and for 0, by which a list says that it is not known."""
    return None if is_hidden or (count in (0, "0") and count is not False) else count


def _thumbnail(images: Any) -> Any:
    return first_url(candidates(images)) if isinstance(images, RawImages) or is_given(images) else images


def _state_size(post: FlatMedia | FlatChild) -> None:
    """Put the size of a typed post, or of a part of one, in the place of the versions that it is read from."""
    post.width, post.height = size_of(post.video_versions, post.image_versions)
    post.image_versions = post.video_versions = UNSET


def _caption(caption: Any) -> Any:
    if isinstance(caption, RawCaption):
        return caption.text
    if caption is None:
        return ""
    return UNREADABLE if is_given(caption) else UNSET


def _tags(tags: Any) -> Any:
    if isinstance(tags, RawTags):
        return flat_list(tags.inside, _tag)
    return UNSET if tags is None else tags


def _tag(raw: Any) -> Any:
    if not isinstance(raw, RawTag):
        return raw
    x: Any = raw.position
    y: Any = raw.position
    if is_given(raw.position):
        is_pair = isinstance(raw.position, list) and len(raw.position) == 2
        x, y = raw.position if is_pair else (UNREADABLE, UNREADABLE)
    return FlatTag(flat_user(raw.user), x, y)


def _sponsor(raw: Any) -> Any:
    if isinstance(raw, RawSponsor) and raw.sponsor is not UNSET:
        return flat_user(raw.sponsor)
    return flat_user(raw)


def _child(raw: Any) -> Any:
    if not isinstance(raw, RawChild):
        return raw
    width, height = size_of(raw.video_versions, candidates(raw.image_versions2))
    return FlatChild(
        pk=_pk(raw),
        media_type=first_given(raw.media_type, raw.long_media_type),
        thumbnail_url=_thumbnail(raw.image_versions2),
        video_url=first_url(raw.video_versions),
        width=width,
        height=height,
        carousel_parent_id=raw.carousel_parent_id,
    )


def _place(place: Any) -> Any:
    if isinstance(place, PostPlace):
        place.lat = first_given(place.lat, place.real_lat)
        place.lng = first_given(place.lng, place.real_lng)
        place.real_lat = place.real_lng = UNSET
        return place
    return place if is_given(place) else None


def _is_pinned(users: Any, owner: str | None) -> Any:
    if isinstance(users, list):
        return owner is not None and owner in map(str, users)
    return UNREADABLE if is_given(users) else False
