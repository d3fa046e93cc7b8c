"""Posts: their ids and links, and frozen models decoded directly from the read API's responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import ClassVar

from msgspec import field

from gateway.domain.ids import EntityId, instagram_path, pk_beside_owner, pk_in_code
from gateway.domain.locations import Location, location_ids
from gateway.domain.models import MediaKind, first_expiry, kind_of
from gateway.domain.users import Count, Model, Moment, Small, UserSummary
from gateway.errors import InvalidInput

CODE = re.compile(r"[A-Za-z0-9_-]{1,11}")
# Characters of a code that encode the pk; those that follow it belong to the link of a private account's post.
CODE_LENGTH = 11
# Path segments before a code: of a post, a reel and an old long video.
PAGES = frozenset({"p", "reel", "reels", "tv"})
MEDIA_PREFIX = "media:"  # of a post's id in the graph, before its pk


class MediaId(EntityId, frozen=True, gc=False):
    noun = "media"


def media_key(by: Mapping[str, str], *, field: str) -> MediaId:
    """Return the key of a `MediaBy` with exactly one of `id`, `code`, `url`. Raise InvalidInput."""
    if "id" in by:
        return media_id(by["id"], field=f"{field}.id")
    if "code" in by:
        return _from_code(by["code"].strip(), field=f"{field}.code")
    if "url" in by:
        return _from_url(by["url"], field=f"{field}.url")
    raise InvalidInput(f"{field} must have exactly one of id, code and url.", field=field)


def media_id(text: str, *, field: str) -> MediaId:
    """Return the post's id. Accept `media:<pk>`, `<pk>_<user>` and a bare pk. Raise InvalidInput."""
    return MediaId(pk_beside_owner(text.strip().removeprefix(MEDIA_PREFIX), "media", field))


def _from_code(code: str, *, field: str) -> MediaId:
    """Return the id in a shortcode: the base64url digits of the pk. Raise InvalidInput."""
    digits = code[:CODE_LENGTH]
    if CODE.fullmatch(digits) and 0 < (pk := pk_in_code(digits)) < 2**64:
        return MediaId(str(pk))
    raise InvalidInput(f"{field} must be a post's shortcode, like DV4lmYTgB5A.", field=field)


def _from_url(url: str, *, field: str) -> MediaId:
    """Return the id in a post's link: `/p/<code>/`, `/reel/<code>/`, `/tv/<code>/`, after a user name or not."""
    segments = instagram_path(url, field)
    for page, code in pairwise(segments[:3]):
        if page.lower() in PAGES:
            return _from_code(code, field=field)
    raise InvalidInput(f"{field} must link to a post, like https://www.instagram.com/p/DV4lmYTgB5A/.", field=field)


class UserTag(Model, frozen=True, gc=False):
    """An account tagged in a post. `x` and `y` are fractions of the picture's size."""

    user: UserSummary
    x: float | None = None
    y: float | None = None


class MediaChild(Model, frozen=True, gc=False):
    """One photo or video of an album. `parent_id` is the album's `<pk>_<user>`."""

    pk: str | int
    media_type: int | None = None
    thumbnail_url: str | None = None
    video_url: str | None = None
    width: Small | None = None
    height: Small | None = None
    parent_id: str | None = field(name="carousel_parent_id", default=None)

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"kind": ("media_type",)}

    @property
    def id(self) -> str:
        return str(self.pk)

    @property
    def kind(self) -> MediaKind | None:
        """The kind, or None for a media type that the contract does not know."""
        return kind_of(self.media_type)


class Media(Model, frozen=True, gc=False):
    """A post, reel or album."""

    pk: str | int
    code: str | None = None
    taken_at: Moment | None = None
    media_type: int | None = None
    product_type: str | None = None
    thumbnail_url: str | None = None
    video_url: str | None = None
    width: Small | None = None
    height: Small | None = None
    duration: float | None = field(name="video_duration", default=None)
    caption: str | None = field(name="caption_text", default=None)
    alt_text: str | None = field(name="accessibility_caption", default=None)
    author: UserSummary | None = field(name="user", default=None)
    likes: Count | None = field(name="like_count", default=None)
    plays: Count | None = field(name="play_count", default=None)
    comment_count: Count | None = None
    hides_counts: bool | None = field(name="like_and_view_counts_disabled", default=None)
    comments_disabled: bool | None = None
    is_paid_partnership: bool | None = None
    sponsors: tuple[UserSummary, ...] | None = field(name="sponsor_tags", default=None)
    tagged_users: tuple[UserTag, ...] = field(name="usertags", default=())
    children: tuple[MediaChild, ...] = field(name="resources", default=())
    coauthors: tuple[UserSummary, ...] = field(name="coauthor_producers", default=())
    location: Location | None = None
    is_pinned: bool | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "url": ("code",),
        "mentions": ("tagged_users",),
        "location_ids": ("location",),
        "kind": ("media_type",),
        "video_duration": ("duration",),
        "like_count": ("likes",),
        "play_count": ("plays",),
        "urls_expire_at": ("thumbnail_url", "video_url"),
    }

    @property
    def id(self) -> str:
        return f"{MEDIA_PREFIX}{self.pk}"

    @property
    def named_user(self) -> UserSummary | None:
        return self.author

    @property
    def mentions(self) -> tuple[UserTag, ...]:
        """The people whom the post names beside its author."""
        return self.tagged_users

    @property
    def location_ids(self) -> tuple[str, ...]:
        """The id of the location, if there is one that has a page."""
        return location_ids(self.location)

    @property
    def url(self) -> str | None:
        """The page of the post."""
        return None if self.code is None else f"https://www.instagram.com/p/{self.code}/"

    @property
    def kind(self) -> MediaKind | None:
        """The kind, or None for a media type that the contract does not know."""
        return kind_of(self.media_type)

    @property
    def video_duration(self) -> float | None:
        """The duration in seconds, or None for a post without a video, for which the upstream sends 0."""
        return self.duration or None

    @property
    def like_count(self) -> int | None:
        """The number of likes, or None if the account hides it: the upstream then sends 0."""
        return None if self.hides_counts else self.likes

    @property
    def play_count(self) -> int | None:
        """The number of plays, or None for a post without a video and if the account hides it."""
        return None if self.hides_counts else self.plays or None

    @property
    def urls_expire_at(self) -> datetime | None:
        """The earliest expiry signed into the URLs of the post and of its children."""
        urls = [self.thumbnail_url, self.video_url]
        urls += [url for child in self.children for url in (child.thumbnail_url, child.video_url)]
        return first_expiry(urls)


class MediaReference(Model, frozen=True, gc=False):
    """A post of which only the id is known."""

    pk: str

    @property
    def id(self) -> str:
        return f"{MEDIA_PREFIX}{self.pk}"


class ListedMedia(Media, frozen=True, gc=False):
    """A post as a list has it: without the number of plays."""

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {**Media.SOURCES, "may_have_plays": ("media_type",)}

    @property
    def may_have_plays(self) -> bool:
        """True unless the post is a photo or an album."""
        return self.kind not in (MediaKind.PHOTO, MediaKind.ALBUM)


def placeholder(pk: str, author: UserSummary, person: UserSummary) -> Media:
    """Return a post for simulation, which tags and is sponsored by `person`."""
    return Media(
        pk,
        author=author,
        tagged_users=(UserTag(person),),
        sponsors=(person,),
        coauthors=(person,),
        location=Location(pk, person.id),
    )
