"""The read API's JSON for the entities. `now` is the time of the response, for the signed URLs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.domain.ids import code_of
from gateway.sandbox import follows, listing, names
from gateway.sandbox.attachments import attachments
from gateway.sandbox.cdn import Signer
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import Cover, Highlight, Item, User
from gateway.sandbox.pictures import Frame
from gateway.sandbox.world import World, media_ids

Json = dict[str, Any]
MIDDLE = (0.0, 0.21830986, 1.0, 0.78169014)  # the square in the middle of the 9:16 frame


class Wire:
    def __init__(self, world: World, signer: Signer) -> None:
        self._world = world
        self.signer = signer

    def user_short(self, user: User, now: int) -> Json:
        pk = user.pk if user.integer_pk else str(user.pk)
        return {
            "pk": pk,
            "id": pk,
            "username": user.username,
            "full_name": user.full_name,
            "profile_pic_url": self.signer.image(Frame.PROFILE, user.pk, now),
            "profile_pic_url_hd": None,
            "is_private": user.is_private,
            "is_verified": user.is_verified,
        }

    def profile(self, user: User, now: int) -> Json:
        """Return a profile. Only businesses have an e-mail address and a place; others have nulls."""
        dice = Dice("profile", user.index)
        picture = self.signer.image(Frame.PROFILE, user.pk, now)
        business = _business(user, dice) if dice.chance(0.3) else _NO_BUSINESS
        for _ in range(3):
            dice.fraction()  # what follows was drawn after three counts, and documents show it
        followers, following = follows.counts(user.index)
        return self.user_short(user, now) | {
            "profile_pic_url_hd": picture,
            "media_count": listing.post_count(user.index),
            "follower_count": followers,
            "following_count": following,
            "biography": dice.pick(names.BIOGRAPHIES),
            "external_url": f"https://example.com/{user.username}" if dice.chance(0.4) else None,
            **business,
        }

    def tray_entry(self, highlight: Highlight, now: int) -> Json:
        """Return a highlight in its list form: nothing loaded, and dates ending in `Z`."""
        return self._highlight(highlight, now) | {"created_at": iso(highlight.created_at) + "Z"}

    def highlight(self, highlight: Highlight, now: int) -> Json:
        """Return a highlight with its items, in its single form: dates end in `+00:00`."""
        items = self._world.items(highlight)
        return self._highlight(highlight, now) | {
            "media_ids": media_ids(highlight),
            "items": [self.item(item, now) for item in items],
        }

    def item(self, item: Item, now: int) -> Json:
        return {
            "pk": str(item.pk),
            "id": item.id,
            "code": code_of(item.pk),
            "taken_at": iso(item.taken_at) + "+00:00",
            "media_type": 2 if item.is_video else 1,
            "product_type": "story",
            "thumbnail_url": self.signer.image(Frame.STORY, item.pk, now),
            "user": _author(item.user),
            "video_url": self.signer.video(item.pk, now) if item.is_video else None,
            "video_duration": duration_of(item),
            **attachments(item, self._world, lambda user: self.user_short(user, now)),
        }

    def _highlight(self, highlight: Highlight, now: int) -> Json:
        count = highlight.sketch.media_count
        return {
            "pk": str(highlight.pk),
            "id": f"highlight:{highlight.pk}",
            "latest_reel_media": highlight.latest_at if count else None,
            "cover_media": self._cover(highlight, now),
            "user": self.user_short(highlight.user, now),
            "title": highlight.title,
            "created_at": iso(highlight.created_at) + "+00:00",
            "is_pinned_highlight": highlight.is_pinned,
            "media_count": count,
            "media_ids": [],
            "items": [],
        }

    def _cover(self, highlight: Highlight, now: int) -> Json:
        """Return a cover. Only one that was cut from an item names the item and the crop."""
        cover = cover_of(highlight)
        return {
            "crop_rect": list(cover.crop_rect) if cover.crop_rect else None,
            "media_id": cover.item,
            "upload_id": None,
            "cropped_image_version": {
                "height": 150,
                "scans_profile": "",
                "url": self.signer.image(Frame.COVER, cover.pk, now),
                "width": 150,
            },
            "full_image_version": None,
        }


def cover_of(highlight: Highlight) -> Cover:
    """Return the chosen cover, otherwise the generated one."""
    if highlight.cover is not None:
        return highlight.cover
    if highlight.sketch.pk is not None or not highlight.sketch.media_count:
        return Cover(highlight.pk)
    return Cover(highlight.pk, f"{media_ids(highlight)[-1]}_{highlight.user.pk}", MIDDLE)


def duration_of(item: Item) -> float:
    """Return the duration in seconds; 0 for a photo."""
    if item.duration is not None:
        return item.duration
    return Dice("length", *item.key).real(3, 60) if item.is_video else 0.0


_NO_BUSINESS: Json = {
    "account_type": 1,
    "is_business": False,
    "category_name": None,
    "public_email": None,
    "contact_phone_number": None,
    "city_name": None,
    "zip": None,
    "latitude": None,
    "longitude": None,
}


def _business(user: User, dice: Dice) -> Json:
    _, latitude, longitude, city = dice.pick(names.PLACES)
    return {
        "account_type": 2,
        "is_business": True,
        "category_name": dice.pick(names.CATEGORIES),
        "public_email": f"hello@{user.username}.example",
        "contact_phone_number": f"+1555{dice.between(0, 9_999_999):07}",
        "city_name": city,
        "zip": str(dice.between(10_000, 99_999)),
        "latitude": latitude,
        "longitude": longitude,
    }


def _author(user: User) -> Json:
    """Return the user of an item, which the upstream leaves nearly blank."""
    pk = user.pk if user.integer_pk else str(user.pk)
    return {
        "pk": pk,
        "id": pk,
        "username": None,
        "full_name": "",
        "profile_pic_url": None,
        "profile_pic_url_hd": None,
        "is_private": user.is_private,
        "is_verified": None,
    }


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
