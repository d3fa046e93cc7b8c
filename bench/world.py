"""The accounts of the benchmark, as the read API would show them: any number of users, all made of one template.

A user's id says how many highlights the account has and how many items each of them: `1HHHIIISSSSSSS`, with the serial
number S. A highlight's pk is its owner's id and its place (3 digits), an item's pk the highlight's and its place (2).
So a body is a template with the user's id put in, and no two users share an entity.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

MOST_ITEMS = 100
HOLE = "<user>"
# Around what is a number on the wire: a hole cannot be put into a Python integer.
DIGITS = "#"
# Far ahead, so that no entry dies of its URLs while it is measured.
EXPIRY = 0x7FFF0000


@dataclass(frozen=True, slots=True)
class Shape:
    """How many highlights an account has, and how many items each of them."""

    highlights: int
    items: int

    def user(self, serial: int) -> str:
        return f"1{self.highlights:03}{self.items:03}{serial:07}"

    @property
    def total(self) -> int:
        return self.highlights * self.items


def shape_of(user: str) -> Shape:
    return Shape(int(user[1:4]), int(user[4:7]))


def tray(user: bytes) -> bytes:
    """The answer of `/v1/user/highlights`."""
    return user.join(_tray(shape_of(user.decode())))


def highlight(pk: bytes) -> bytes:
    """The answer of `/v1/highlight/by/url`."""
    user, place = pk[:14], int(pk[14:])
    return user.join(_highlight(shape_of(user.decode()).items, place))


@cache
def _tray(shape: Shape) -> list[bytes]:
    return _holed([_entry(place, shape.items, loaded=False) for place in range(shape.highlights)])


@cache
def _highlight(items: int, place: int) -> list[bytes]:
    return _holed(_entry(place, items, loaded=True))


def _holed(body: Any) -> list[bytes]:
    text = json.dumps(body, separators=(",", ":"))
    return text.replace(f'"{DIGITS}', "").replace(f'{DIGITS}"', "").encode().split(HOLE.encode())


def _entry(place: int, items: int, *, loaded: bool) -> dict[str, Any]:
    pk = f"{HOLE}{place:03}"
    return {
        "pk": pk,
        "id": f"highlight:{pk}",
        "latest_reel_media": 1_773_304_526,
        "cover_media": {
            "cropped_image_version": {"width": 150, "height": 150, "url": _image(pk), "scans_profile": "e15"},
            "crop_rect": [0.0, 0.21830457, 1.0, 0.78169543],
            "media_id": f"{pk}00_{HOLE}",
            "full_image_version": None,
            "upload_id": None,
        },
        "user": _owner(username=f"user.{HOLE}", full_name="Salma Bench"),
        "title": f"Trip {place}",
        "created_at": "2025-11-26T06:32:13+00:00",
        "is_pinned_highlight": place == 0,
        "media_count": items,
        "media_ids": [f"{DIGITS}{pk}{i:02}{DIGITS}" for i in range(items)] if loaded else [],
        "items": [_item(f"{pk}{i:02}", i) for i in range(items)] if loaded else [],
    }


def _item(pk: str, place: int) -> dict[str, Any]:
    video = place % 2 == 0
    return {
        "pk": pk,
        "id": f"{pk}_{HOLE}",
        "code": f"DRZBs{place:02}EDz8A",
        "taken_at": f"2025-11-23T07:44:{place % 60:02}+00:00",
        "media_type": 2 if video else 1,
        "product_type": "story",
        "thumbnail_url": _image(pk),
        "user": _owner(username=None, full_name=""),
        "video_url": _video(pk) if video else None,
        "video_duration": 20.014999389648438 if video else 0.0,
        "sponsor_tags": [],
        "mentions": [],
        "links": [],
        "hashtags": [],
        "locations": [],
        "stickers": [],
        "medias": [],
    }


def _owner(*, username: str | None, full_name: str) -> dict[str, Any]:
    return {
        "pk": HOLE,
        "id": HOLE,
        "username": username,
        "full_name": full_name,
        "profile_pic_url": _image("0") if username else None,
        "profile_pic_url_hd": None,
        "is_private": False,
        "is_verified": False if username else None,
    }


def _image(name: str) -> str:
    return (
        f"https://scontent-sjc6-1.cdninstagram.com/v/t51.2885-15/{name}_n.jpg?stp=dst-jpg_e35_p1080x1080_tt6&_nc_cat=109"
        "&ccb=7-5&_nc_sid=18de74&efg=eyJlZmdfdGFnIjoiU1RPUlkuYmVzdF9pbWFnZV91cmxnZW4uQzMifQ%3D%3D"
        f"&{_signature(260)}"
    )


def _video(name: str) -> str:
    return (
        f"https://scontent-sjc3-1.cdninstagram.com/o1/v/t2/f2/m78/{name}.mp4?_nc_cat=111&_nc_sid=5e9851&_nc_ht="
        "scontent-sjc3-1.cdninstagram.com&efg=eyJ2ZW5jb2RlX3RhZyI6Inhwdl9wcm9ncmVzc2l2ZS5JTlNUQUdSQU0uU1RPUlkuQzMu"
        f"NzIwLmRhc2hfYmFzZWxpbmVfMV92MSJ9&ccb=17-1&{_signature(420)}"
    )


def _signature(length: int) -> str:
    """The rest of a signed URL, as long as a real one's."""
    noise = ("Afj8mQd0vT1sXk2LrZ9yWb3HcNp5EuGa7oJi6RtYfBxKzMlSqDwVgPhC4nOeUA" * 8)[:length]  # pragma: allowlist secret
    return f"_nc_ohc={noise[:24]}&_nc_gid={noise[24:46]}&edm=ALbqBD0BAAAA&oh=00_{noise[46:]}&oe={EXPIRY:X}"
