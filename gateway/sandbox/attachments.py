"""Attachments of an item: mentions, links, hashtags, locations, stickers, embedded media and sponsors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.domain.ids import code_of
from gateway.sandbox import names
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import Item, PostKind, User
from gateway.sandbox.feed import post_pk
from gateway.sandbox.listing import PLACES
from gateway.sandbox.world import EPOCH, FEED_SPAN, POPULATION, World

Json = dict[str, Any]
Short = Callable[[User], Json]


def attachments(item: Item, world: World, short: Short) -> Json:
    """Return the seven lists of an item. Most are empty; all are for items published here.

    `short` returns the JSON of a user summary.
    """
    dice = Dice("attachments", *item.key)

    def some(share: float, make: Callable[[], Json]) -> list[Json]:
        is_bare = item.is_published or not (item.attached or dice.chance(share))
        return [] if is_bare else [make() for _ in range(dice.between(1, 2))]

    def other_user() -> User:
        return world.user(dice.below(POPULATION))

    return {
        "sponsor_tags": some(0.04, lambda: short(other_user())),
        "mentions": some(0.2, lambda: {"user": short(other_user()), **_place(dice)}),
        "links": some(0.08, lambda: _link(dice)),
        "hashtags": some(0.15, lambda: _hashtag(dice)),
        "locations": some(0.1, lambda: {"location": location(dice), **_place(dice)}),
        "stickers": some(0.12, lambda: _sticker(dice)),
        "medias": some(0.06, lambda: _media(dice, other_user())),
    }


def _place(dice: Dice) -> Json:
    """Return centre and size, as fractions of the frame."""
    return {
        "x": dice.real(0.2, 0.8),
        "y": dice.real(0.1, 0.9),
        "width": dice.real(0.1, 0.6),
        "height": dice.real(0.02, 0.1),
    }


def _link(dice: Dice) -> Json:
    """Return a link at the contract's default position: the app rarely sends another."""
    return {
        "webUri": dice.pick(names.LINKS),
        "x": 0.5126011,
        "y": 0.5168225,
        "z": 0,
        "width": 0.50998676,
        "height": 0.25875,
        "rotation": 0,
    }


def _hashtag(dice: Dice) -> Json:
    number = dice.below(len(names.HASHTAGS))
    return {
        "hashtag": {
            "id": hashtag_id(number),
            "name": names.HASHTAGS[number],
            "media_count": dice.between(1_000, 9_000_000),
            "profile_pic_url": None,
        },
        **_place(dice),
    }


def location(dice: Dice) -> Json:
    """Return a location as the sticker of an item names it."""
    return place(dice.below(len(names.PLACES)))


def place(number: int) -> Json:
    """Return the place of this number among all places."""
    name, latitude, longitude, city = PLACES[number]
    return {
        "pk": place_pk(number),
        "name": name,
        "lat": latitude,
        "lng": longitude,
        "address": "",
        "city": city,
        "zip": "",
        "external_id": 110_000_000_000_000 + number * 15_485_863,
        "external_id_source": "facebook_places",
    }


def place_pk(number: int) -> int:
    return 212_000_000 + number * 7_919


def hashtag_id(number: int) -> str:
    return str(17_841_500_000_000_000 + number * 104_729)


def _sticker(dice: Dice) -> Json:
    is_link = dice.chance(0.5)
    url = dice.pick(names.LINKS)
    link = {"url": url, "link_title": "Read more", "link_type": "web", "display_url": url.split("/")[2]}
    return {
        "id": f"{'story_link' if is_link else 'sticker'}_{dice.below(10**9)}",
        "type": "story_link" if is_link else "gif",
        **_place(dice),
        "z": 1000005,
        "rotation": dice.real(-0.2, 0.2),
        "story_link": link if is_link else None,
        "extra": {} if is_link else {"attribution": "sandbox"},
    }


def _media(dice: Dice, author: User) -> Json:
    """Return the sticker that embeds a photo of the author's feed."""
    pk = post_pk(author, EPOCH - dice.below(FEED_SPAN), PostKind.PHOTO)
    return {
        "media_pk": str(pk),
        "user_id": author.pk,
        "product_type": PostKind.PHOTO.product_type,
        "media_code": code_of(pk),
        **_place(dice),
        "z": 1,
        "rotation": 0.0,
        "is_pinned": False,
        "is_hidden": False,
        "is_sticker": True,
    }
