"""The endpoints of a post: by id, code and link, with the JSON of **Media** and **Resource** of the read API's v1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.domain.ids import HOSTS, PAGES, code_of, pk_in_code
from gateway.sandbox import names
from gateway.sandbox.answers import Answers, Question, encode, refuse_private
from gateway.sandbox.attachments import location
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import AlbumEntry, Post, PostKind, User
from gateway.sandbox.ids import ITEM_ID
from gateway.sandbox.pictures import SIZES, Frame
from gateway.sandbox.replies import ReadError, refusal
from gateway.sandbox.wire import Wire, iso
from gateway.sandbox.world import POPULATION, World

Json = dict[str, Any]
CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
LINKS = frozenset({"p", "reel", "reels", "tv"})  # path segments before a code
CLIP_SIZE = (180, 320)  # of the one video of the CDN
PAST_INT = 5_000_000_000  # a play count can pass 2^31
RAW_FIELDS = ("username", "full_name", "is_private", "is_verified", "profile_pic_url")  # as in a user summary


def post_by_id(answers: Answers, question: Question) -> bytes:
    """Return a post by `<pk>` or `<pk>_<user>`."""
    if not (match := ITEM_ID.fullmatch(question.value)):
        raise ReadError(refusal(400, "id must be a media id"))
    return _post(answers, int(match[1]), owner=match[2])


def post_by_code(answers: Answers, question: Question) -> bytes:
    return _post(answers, _pk_of(question.value, "code must be the code of a media"))


def post_by_url(answers: Answers, question: Question) -> bytes:
    """Return a post by a link such as `/p/<code>/` or `/<username>/reel/<code>/`."""
    refused = "url must link to a media"
    try:
        parts = urlsplit(question.value)
        host = (parts.hostname or "").lower()
    except ValueError as exc:
        raise ReadError(refusal(400, refused)) from exc
    match [segment for segment in parts.path.split("/") if segment]:
        case [*owner, kind, code] if host in HOSTS and kind in LINKS and _is_owner(owner):
            return _post(answers, _pk_of(code, refused))
        case _:
            raise ReadError(refusal(400, refused))


def _is_owner(segments: list[str]) -> bool:
    """Return whether these segments of a link, before those of the post, name a user, or are none."""
    return not segments or (len(segments) == 1 and segments[0] not in PAGES)


def _pk_of(code: str, refused: str) -> int:
    if not CODE.fullmatch(code):
        raise ReadError(refusal(400, refused))
    return pk_in_code(code)


def _post(answers: Answers, pk: int, owner: str | None = None) -> bytes:
    """Return the post as JSON. Raises ReadError: 400 for a story, 403 for a private user, 404."""
    if answers.world.item(pk) or answers.recorded_item(pk):
        raise ReadError(refusal(400, "This is a story: use /v1/story/by/id"))
    post = answers.world.post_by_pk(pk)
    if post is None or (owner and int(owner) != post.user.pk):
        raise ReadError(refusal(404, "Media not found", "MediaNotFound"))
    refuse_private(post.user)
    return encode(_PostWire(answers.world, answers.wire, answers.moment().now).media(post))


@dataclass(frozen=True, slots=True)
class _PostWire:
    """The JSON of a post at the time `now` of the response, for the signed URLs."""

    world: World
    wire: Wire
    now: int

    def media(self, post: Post) -> Json:
        dice = Dice("post", post.pk)
        sponsors = self._users(dice, 0.1, self._short)
        return {
            "pk": str(post.pk),
            "id": post.id,
            "code": code_of(post.pk),
            "taken_at": iso(post.taken_at) + "Z",
            "taken_at_ts": post.taken_at,
            "media_type": post.kind.media_type,
            "product_type": post.kind.product_type,
            "location": _location(dice) if dice.chance(0.4) else None,
            "user": self._short(post.user),
            **_counts(dice, post.kind),
            "has_liked": False,
            "caption_text": post.caption,
            "accessibility_caption": f"Photo by {post.user.full_name}." if post.kind is PostKind.PHOTO else None,
            "usertags": self._users(dice, 0.3, lambda user: self._tag(user, dice)),
            "sponsor_tags": sponsors,
            "is_paid_partnership": bool(sponsors),
            "coauthor_producers": self._users(dice, 0.2, self._raw_user),
            "video_duration": dice.real(3, 90) if post.kind.is_video else 0.0,
            "title": f"Episode {dice.between(1, 99)}" if post.kind is PostKind.LONG_VIDEO else "",
            "resources": [self._resource(entry, post) for entry in post.entries],
            **self._files(post.pk, has_image=post.kind is not PostKind.ALBUM, is_video=post.kind.is_video),
        }

    def _resource(self, entry: AlbumEntry, album: Post) -> Json:
        """Return an entry of an album. Its time is a number, unlike the album's own."""
        return {
            "pk": str(entry.pk),
            "id": f"{entry.pk}_{album.user.pk}",
            "media_type": 2 if entry.is_video else 1,
            "product_type": "carousel_item",
            "carousel_parent_id": album.id,
            "taken_at": album.taken_at,
            **self._files(entry.pk, has_image=True, is_video=entry.is_video),
        }

    def _files(self, pk: int, *, has_image: bool, is_video: bool) -> Json:
        image = self.wire.signer.image(Frame.POST, pk, self.now) if has_image else None
        video = self.wire.signer.video(pk, self.now) if is_video else None
        return {
            "thumbnail_url": image,
            "image_versions": [_image_version(image)] if image else [],
            "video_url": video,
            "video_versions": [_video_version(video, pk)] if video else [],
        }

    def _users(self, dice: Dice, share: float, make: Callable[[User], Json]) -> list[Json]:
        """Return one or two other users for this share of the posts, otherwise none."""
        if not dice.chance(share):
            return []
        return [make(self.world.user(dice.below(POPULATION))) for _ in range(dice.between(1, 2))]

    def _short(self, user: User) -> Json:
        return self.wire.user_short(user, self.now)

    def _tag(self, user: User, dice: Dice) -> Json:
        return {"user": self._short(user), "x": dice.real(0.1, 0.9), "y": dice.real(0.1, 0.9)}

    def _raw_user(self, user: User) -> Json:
        """Return a user as the platform sends it: with a numeric pk, one in text, or `id` and `strong_id__` instead."""
        pk = str(user.pk)
        spelling: tuple[Json, ...] = ({"pk": user.pk}, {"pk": pk}, {"id": pk, "strong_id__": pk})
        fbid = 17_841_400_000_000_000 + user.index
        short = self._short(user)
        return spelling[user.index % 3] | {
            "pk_id": pk,
            "profile_pic_id": f"{fbid}_{pk}",
            "fbid_v2": str(fbid) if user.index % 2 else fbid,
            "latest_reel_media": self._newest_story(user),
            **{name: short[name] for name in RAW_FIELDS},
        }

    def _newest_story(self, user: User) -> int | None:
        """Return the time of the newest live story: 0 without one, None for a private user."""
        if user.is_private:
            return None
        return max((story.taken_at for story in self.world.stories(user, self.now)), default=0)


def _counts(dice: Dice, kind: PostKind) -> Json:
    """Return the counts. 0 stands for those that are hidden, or that this kind of post does not have."""
    is_hidden = dice.chance(0.15)
    comments_disabled = dice.chance(0.1)
    plays = dice.between(100, PAST_INT if dice.chance(0.1) else 3_000_000)
    return {
        "like_and_view_counts_disabled": is_hidden,
        "like_count": 0 if is_hidden else dice.between(1, 200_000),
        "play_count": plays if kind.is_video and not is_hidden else 0,
        "view_count": 0,
        "comments_disabled": comments_disabled,
        "comment_count": 0 if comments_disabled else dice.between(0, 900),
    }


def _location(dice: Dice) -> Json:
    """Return a location as a post names it: with more fields than that of a sticker, and the external id as text."""
    place = location(dice)
    has_coordinates = dice.chance(0.8)
    return place | {
        "phone": "",
        "website": "",
        "category": dice.pick(names.CATEGORIES),
        "hours": {},
        "lat": place["lat"] if has_coordinates else None,
        "lng": place["lng"] if has_coordinates else None,
        "external_id": str(place["external_id"]),
    }


def _image_version(url: str) -> Json:
    width, height = SIZES[Frame.POST]
    return {
        "url": url,
        "width": width,
        "height": height,
        "scans_profile": "e35",
        "estimated_scans_sizes": [9_000, 18_000, 27_000],
    }


def _video_version(url: str, pk: int) -> Json:
    width, height = CLIP_SIZE
    return {
        "url": url,
        "width": width,
        "height": height,
        "type": 101,
        "id": f"{pk}v",
        "bandwidth": 41_000,
        "url_expiration_timestamp_us": None,
    }
