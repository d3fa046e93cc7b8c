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
from gateway.sandbox.attachments import location, place
from gateway.sandbox.deterministic_random import Dice, mixed
from gateway.sandbox.entities import AlbumEntry, Listed, Post, PostKind, User
from gateway.sandbox.ids import ITEM_ID
from gateway.sandbox.pictures import SIZES, Frame
from gateway.sandbox.raw import RawUsers
from gateway.sandbox.replies import ReadError, refusal
from gateway.sandbox.wire import Wire, iso
from gateway.sandbox.world import POPULATION, World

Json = dict[str, Any]
CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
LINKS = frozenset({"p", "reel", "reels", "tv"})  # path segments before a code
CLIP_SIZE = (180, 320)  # of the one video of the CDN
PAST_INT = 5_000_000_000  # a play count can pass 2^31


def post_by_id(answers: Answers, question: Question) -> bytes:
    """Return a post by `<pk>` or `<pk>_<user>`."""
    return _post(answers, identified(answers, question.value))


def post_by_code(answers: Answers, question: Question) -> bytes:
    return _post(answers, _found(answers, _pk_of(question.value, "code must be the code of a media")))


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
            return _post(answers, _found(answers, _pk_of(code, refused)))
        case _:
            raise ReadError(refusal(400, refused))


def _is_owner(segments: list[str]) -> bool:
    """Return whether these segments of a link, before those of the post, name a user, or are none."""
    return not segments or (len(segments) == 1 and segments[0] not in PAGES)


def _pk_of(code: str, refused: str) -> int:
    if not CODE.fullmatch(code):
        raise ReadError(refusal(400, refused))
    return pk_in_code(code)


def identified(answers: Answers, value: str) -> Post:
    """Return the post of an id `<pk>` or `<pk>_<user>`.

    Raises ReadError: 400 for no id and for a story, 403 for a private user, 404.
    """
    if not (match := ITEM_ID.fullmatch(value)):
        raise ReadError(refusal(400, "id must be a media id"))
    return _found(answers, int(match[1]), owner=match[2])


def wire_of(answers: Answers) -> PostWire:
    return PostWire(answers.world, answers.wire, answers.moment().now)


def _found(answers: Answers, pk: int, owner: str | None = None) -> Post:
    if answers.world.item(pk) or answers.recorded_item(pk):
        raise ReadError(refusal(400, "This is a story: use /v1/story/by/id"))
    post = answers.world.post_by_pk(pk)
    if post is None or (owner and int(owner) != post.user.pk):
        raise ReadError(refusal(404, "Media not found", "MediaNotFound"))
    refuse_private(post.user)
    return post


def _post(answers: Answers, post: Post) -> bytes:
    return encode(wire_of(answers).media(post))


@dataclass(frozen=True, slots=True)
class PostWire:
    """The JSON of a post at the time `now` of the response, for the signed URLs."""

    world: World
    wire: Wire
    now: int

    @property
    def raw(self) -> RawUsers:
        return RawUsers(self.world, self.wire, self.now)

    def media(self, post: Post) -> Json:
        dice = Dice("post", post.pk)
        sponsors = self._users(dice, 0.1, self._short)
        drawn = {
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
            "coauthor_producers": self._users(dice, 0.2, self.raw.user),
            "video_duration": dice.real(3, 90) if post.kind.is_video else 0.0,
            "title": f"Episode {dice.between(1, 99)}" if post.kind is PostKind.LONG_VIDEO else "",
            "resources": [self._resource(entry, post) for entry in post.entries],
            **self._files(post.pk, has_image=post.kind is not PostKind.ALBUM, is_video=post.kind.is_video),
        }
        return drawn | self._listed(post, post.listed) if post.listed else drawn

    def _listed(self, post: Post, entry: Listed) -> Json:
        """Return what other lists hold the post for: its place, and the users who are tagged in it."""
        dice = Dice("tagged", post.pk)
        return {
            "location": None if entry.place is None else located(entry.place, has_coordinates=mixed(post.pk) % 5 > 0),
            "usertags": [self._tag(self.world.user(index), dice) for index in entry.people],
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
    """Return a drawn location of a post that no list holds."""
    drawn = location(dice)
    has_coordinates = dice.chance(0.8)
    return _location_of_post(drawn, dice.pick(names.CATEGORIES), has_coordinates=has_coordinates)


def located(number: int, *, has_coordinates: bool = True) -> Json:
    """Return the place of this number as a post names it."""
    return _location_of_post(place(number), category_of(number), has_coordinates=has_coordinates)


def category_of(number: int) -> str:
    return names.CATEGORIES[number % len(names.CATEGORIES)]


def _location_of_post(place: Json, category: str, *, has_coordinates: bool) -> Json:
    """Return a location with more fields than that of a sticker, and the external id as text."""
    return place | {
        "phone": "",
        "website": "",
        "category": category,
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
