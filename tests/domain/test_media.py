"""Posts are named by id, shortcode or link, which are one question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import code_of
from gateway.domain.media import Media, MediaChild, MediaId, media_key
from gateway.errors import InvalidInput

PK, CODE = "3852994846390230602", "DV4lmYUgB5K"


@pytest.mark.parametrize(
    "by",
    [
        {"id": PK},
        {"id": f" media:{PK} "},
        {"id": f"{PK}_787132"},
        {"code": CODE},
        {"code": f"{CODE}aBcDeFgHiJkLmNoPqRsTuVwXyZ0"},  # of a private account: the rest is not the id
        {"url": f"https://www.instagram.com/p/{CODE}/"},
        {"url": f"instagram.com/p/{CODE}"},
        {"url": f"https://www.instagram.com/reel/{CODE}/?igsh=x"},
        {"url": f"https://www.instagram.com/natgeo/reel/{CODE}/"},
        {"url": f"https://www.instagram.com/tv/{CODE}/"},
        {"url": f"https://www.instagram.com/p/{CODE}/media/?size=l"},
    ],
    ids=str,
)
def test_each_form_is_the_same_key(by: dict[str, str]) -> None:
    assert media_key(by, field="by") == MediaId(PK)


@pytest.mark.parametrize(
    ("by", "field"),
    [
        ({}, "by"),
        ({"id": ""}, "by.id"),
        ({"id": "media:"}, "by.id"),
        ({"id": "highlight:1"}, "by.id"),
        ({"id": f"{PK}_x"}, "by.id"),
        ({"id": str(2**64)}, "by.id"),
        ({"code": ""}, "by.code"),
        ({"code": "A"}, "by.code"),
        ({"code": "!!"}, "by.code"),
        ({"code": "-----------"}, "by.code"),
        ({"url": "https://www.instagram.com/natgeo/"}, "by.url"),
        ({"url": "https://www.instagram.com/p/"}, "by.url"),
        ({"url": f"https://www.instagram.com/stories/natgeo/{PK}/"}, "by.url"),
        ({"url": f"https://example.test/p/{CODE}/"}, "by.url"),
    ],
    ids=str,
)
def test_anything_else_is_refused_by_its_field(by: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        media_key(by, field="by")
    assert refused.value.extensions["field"] == field


@given(st.integers(1, 2**64 - 1))
def test_a_code_is_the_id(pk: int) -> None:
    assert media_key({"code": code_of(pk)}, field="by") == MediaId(str(pk))


def test_hidden_counts_are_not_zero() -> None:
    shown, hidden = (Media("1", likes=0, plays=7, hides_counts=hides) for hides in (False, True))
    assert (shown.like_count, shown.play_count) == (0, 7)
    assert (hidden.like_count, hidden.play_count) == (None, None)
    assert (Media("1", plays=0).play_count, Media("1", duration=0.0).video_duration) == (None, None)


def test_the_first_url_to_expire_may_be_a_child_s() -> None:
    album = Media("1", children=(MediaChild("2", thumbnail_url="https://cdn.test/2.jpg?oe=69BAB47F"),))
    assert album.urls_expire_at is not None
    assert album.urls_expire_at.timestamp() == 0x69BAB47F
    assert Media("1", thumbnail_url="https://cdn.test/1.jpg").urls_expire_at is None
