"""Raw pages of lists become small flat ones: values move, and none is judged, lost or invented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.upstream.client.decoding import strict
from gateway.upstream.hikerapi import flat_pages
from tests.upstream.hikerapi.flattening import FUNCTIONS, MEDIA_PAGE, Flatten, enveloped, flat
from tests.upstream.hikerapi.raw_pages import RawPages

USER = {"pk": 7, "username": "ann", "strong_id__": "7", "friendship_status": {"following": True}}
FLAT_USER = {"pk": 7, "username": "ann"}
POST: dict[str, Any] = {"pk": 11, "id": "11_7", "taken_at": 1_773_532_800, "user": USER}
LARGE = 2**53 + 1


def flat_post(**changes: Any) -> dict[str, Any]:
    (entry,) = flat(flat_pages.user_medias, enveloped("user_medias", [POST | changes]))["entries"]
    assert isinstance(entry, dict)
    return entry


def typed_post(**changes: Any) -> dict[str, Any]:
    (entry,) = flat(flat_pages.media_chunk, [[{"pk": "11", "user": USER} | changes], None])["entries"]
    assert isinstance(entry, dict)
    return entry


@pytest.mark.parametrize(
    ("flatten", "key", "body"),
    [
        (flat_pages.user_medias, "7", RawPages().user_medias()),
        (flat_pages.hashtag_medias, "love", RawPages().hashtag(60)),
    ],
)
def test_real_pages_are_read_strictly_and_are_small(flatten: Flatten, key: str, body: bytes) -> None:
    """A page that had to be read leniently would take fifty times as long."""
    page = flatten(key, body)
    assert len(page) < len(body) / 5
    decoded = strict(MEDIA_PAGE, page)
    assert decoded is not None
    assert all(media.thumbnail_url and media.author and media.caption for media in decoded.entries)
    assert decoded.next is not None


def test_a_hashtag_page_is_as_large_as_observed_ones() -> None:
    assert 1_400_000 < len(RawPages().hashtag(64)) < 1_600_000


def test_a_raw_post() -> None:
    raw = POST | {
        "code": "L",
        "media_type": 8,
        "product_type": "carousel_container",
        "fbid": "18",
        "image_versions2": {"candidates": [{"url": "https://a/1", "width": 9}, {"url": "https://a/2"}]},
        "video_versions": [{"url": "https://v/1", "type": 101, "width": 720, "height": 1280}, {"width": 1}],
        "video_duration": 1.5,
        "caption": {"text": "hi", "pk": 1},
        "accessibility_caption": "a dog",
        "like_count": LARGE,
        "play_count": 3,
        "comment_count": 0,
        "usertags": {"in": [{"user": USER, "position": [0.5, 0.25]}]},
        "sponsor_tags": [{"sponsor": USER, "permission": True}, USER],
        "carousel_media": [{"id": "12_7", "media_type": 1, "carousel_parent_id": "11_7", "image_versions2": {}}],
        "coauthor_producers": [{"id": "8"}],
        "location": {"pk": 5, "name": "Berlin", "lat": 52.5, "1flng": 13.4, "short_name": "B"},
        "timeline_pinned_user_ids": ["7"],
        "clips_metadata": {"large": True},
    }
    page = flat(flat_pages.user_medias, enveloped("user_medias", [raw], "c"))
    assert page == {
        "entries": [
            {
                "pk": 11,
                "id": "11_7",
                "code": "L",
                "taken_at": "2026-03-15T00:00:00Z",
                "media_type": 8,
                "product_type": "carousel_container",
                "thumbnail_url": "https://a/1",
                "video_url": "https://v/1",
                "width": 720,
                "height": 1280,
                "video_duration": 1.5,
                "caption_text": "hi",
                "accessibility_caption": "a dog",
                "user": FLAT_USER,
                "like_count": LARGE,
                "play_count": 3,
                "comment_count": 0,
                "sponsor_tags": [FLAT_USER, FLAT_USER],
                "usertags": [{"user": FLAT_USER, "x": 0.5, "y": 0.25}],
                "resources": [
                    {
                        "pk": "12",
                        "media_type": 1,
                        "thumbnail_url": None,
                        "video_url": None,
                        "carousel_parent_id": "11_7",
                    }
                ],
                "coauthor_producers": [{"pk": "8", "id": "8"}],
                "location": {"pk": 5, "name": "Berlin", "lat": 52.5, "lng": 13.4},
                "is_pinned": True,
            }
        ],
        "next": "c",
        "owner": FLAT_USER,
        "total": None,
    }


def test_absent_parts_of_a_raw_post() -> None:
    entry = flat_post(caption=None, sponsor_tags=None, usertags=None, carousel_media=None, coauthor_producers=None)
    assert entry == {
        "pk": 11,
        "id": "11_7",
        "taken_at": "2026-03-15T00:00:00Z",
        "video_url": None,
        "caption_text": "",
        "user": FLAT_USER,
        "sponsor_tags": None,
        "coauthor_producers": [],
        "location": None,
        "is_pinned": False,
    }


@pytest.mark.parametrize(
    ("raw", "pk"),
    [
        ({"pk": LARGE}, LARGE),
        ({"pk": None, "id": "12_7"}, "12"),
        ({"strong_id__": "12_7"}, "12"),
        ({"1lpk": 12}, 12),
        ({"id": 12}, 12),
    ],
)
def test_the_pk_of_a_post_is_in_one_of_several_fields(raw: dict[str, Any], pk: Any) -> None:
    (entry,) = flat(flat_pages.user_medias, enveloped("user_medias", [raw]))["entries"]
    assert entry["pk"] == pk


def test_names_with_the_type_of_their_number() -> None:
    raw = {"1ltaken_at": 1_773_532_800, "1fvideo_duration": 2.5, "1llike_count": 4, "1lplay_count": 0, "taken_at": None}
    entry = flat_post(**raw)
    assert (entry["taken_at"], entry["video_duration"]) == ("2026-03-15T00:00:00Z", 2.5)
    assert (entry["like_count"], entry["play_count"]) == (4, None)
    assert not any(name.startswith("1") for name in entry)


@pytest.mark.parametrize("post", [flat_post, typed_post])
def test_zero_and_hidden_counts_are_null_in_lists(post: Callable[..., dict[str, Any]]) -> None:
    """The same reel had 0 plays in a list, and 2,866,123 by its id."""
    entry = post(like_count=0, play_count=0)
    assert (entry["like_count"], entry["play_count"]) == (None, None)
    entry = post(like_count=3, play_count=4, like_and_view_counts_disabled=True)
    assert (entry["like_count"], entry["play_count"]) == (None, None)
    assert post(like_count=3)["like_count"] == 3


def test_no_comments_is_a_fact_of_the_platform_alone() -> None:
    assert flat_post(comment_count=0)["comment_count"] == 0
    assert typed_post(comment_count=0)["comment_count"] is None


def test_pinned_by_another_user_is_not_pinned_in_this_list() -> None:
    assert flat_post(timeline_pinned_user_ids=[8])["is_pinned"] is False
    assert flat_post(timeline_pinned_user_ids=[8, 7])["is_pinned"] is True
    (entry,) = flat(flat_pages.hashtag_medias, enveloped("hashtag_medias", [POST | {"timeline_pinned_user_ids": [7]}]))[
        "entries"
    ]
    assert entry["is_pinned"] is True


def test_a_typed_post_keeps_what_is_read() -> None:
    entry = typed_post(
        taken_at="2026-03-15T00:00:00Z",
        taken_at_ts=1,
        usertags=[{"user": USER, "x": 0.5, "y": 0.5}],
        resources=[{"pk": "12", "taken_at": 1, "image_versions": [{"url": "u", "width": 3, "height": 4}]}],
        image_versions=[{"url": "u", "width": 5, "height": 6, "scans_profile": "e35"}, {"url": "v", "width": 7}],
        video_versions=[],
        location={"pk": 5, "name": "Berlin", "hours": {}},
    )
    assert entry == {
        "pk": "11",
        "taken_at": "2026-03-15T00:00:00Z",
        "user": FLAT_USER,
        "width": 5,
        "height": 6,
        "usertags": [{"user": FLAT_USER, "x": 0.5, "y": 0.5}],
        "resources": [{"pk": "12", "width": 3, "height": 4}],
        "location": {"pk": 5, "name": "Berlin"},
    }


def test_the_size_is_that_of_the_video_otherwise_of_the_picture() -> None:
    image, video = {"url": "u", "width": 4, "height": 5}, {"url": "v", "width": 9, "height": 16}

    def sizes(images: list[Any], videos: list[Any]) -> list[Any]:
        raw = {"image_versions2": {"candidates": images}, "video_versions": videos}
        typed = {"image_versions": images, "video_versions": videos}
        posts = [flat_post(**raw), typed_post(**typed)]
        posts += [flat_post(carousel_media=[raw])["resources"][0], typed_post(resources=[typed])["resources"][0]]
        return [(post.get("width"), post.get("height")) for post in posts]

    assert sizes([image], [video]) == [(9, 16)] * 4
    assert sizes([image, video], []) == [(4, 5)] * 4
    assert sizes([], []) == sizes([{"url": "u"}], []) == [(None, None)] * 4


def test_users_keep_the_time_of_their_newest_story() -> None:
    listed = {**USER, "pk": None, "pk_id": "7", "latest_reel_media": 0, "profile_pic_url_hd": "h"}
    expected = [{"pk": "7", "username": "ann", "profile_pic_url_hd": "h", "latest_reel_media": 0}]
    for name in ("users", "accounts", "likers", "user_array"):
        assert flat(FUNCTIONS[name], enveloped(name, [listed]))["entries"] == expected, name


@pytest.mark.parametrize("name", ["user_medias", "media_chunk", "users", "accounts", "comments", "replies"])
@pytest.mark.parametrize(("given", "cursor"), [("c", "c"), (25, "25"), ("", None), (None, None)])
def test_the_cursor_is_the_outer_one(name: str, given: Any, cursor: str | None) -> None:
    assert flat(FUNCTIONS[name], enveloped(name, [], given))["next"] == cursor


def test_the_token_of_the_last_accounts_leads_nowhere() -> None:
    answer = enveloped("accounts", [], "t") | {"has_more": False}
    assert flat(flat_pages.accounts, answer)["next"] is None


def test_totals() -> None:
    comments = {"response": {"comments": [], "comment_count": 0}}
    assert flat(flat_pages.comments, comments)["total"] == 0
    assert flat(flat_pages.likers, enveloped("likers", []))["total"] == 5_000
    assert flat(flat_pages.replies, enveloped("replies", []))["total"] == 3


def test_comments_and_the_replies_beside_them() -> None:
    reply = {"pk": "2", "text": "b", "created_at": 1_773_532_800, "parent_comment_id": 1, "media_id": "11_7"}
    raw = {
        "pk": "1",
        "text": "a",
        "user": USER,
        "created_at_utc": 1_773_532_800,
        "comment_like_count": 0,
        "like_count": 9,
        "child_comment_count": 4,
        "preview_child_comments": [reply],
        "media_id": LARGE,
    }
    (entry,) = flat(flat_pages.comments, enveloped("comments", [raw]))["entries"]
    time = "2026-03-15T00:00:00Z"
    assert entry == {
        "pk": "1",
        "text": "a",
        "user": FLAT_USER,
        "created_at": time,
        "like_count": 0,
        "reply_count": 4,
        "replies": [{"pk": "2", "text": "b", "created_at": time, "replies": [], "parent_id": "1", "media_id": "11"}],
        "parent_id": None,
        "media_id": str(LARGE),
    }
    assert flat(flat_pages.replies, enveloped("replies", [reply | {"like_count": 2}]))["entries"][0]["like_count"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"comment_infos": {"11_7": {"comment_count": 0, "preview_comments": []}}, "status": "ok"},
        {"response": {"comment_infos": {"11": {"comment_count": 0}}}},
        {"comment_infos": [{"media_id": 11, "comment_count": 0}]},
        {"11_7": {"comment_count": 0}, "status": "ok"},
        [{"id": "11_7", "1lcomment_count": 0}],
    ],
)
def test_counts_of_comments(answer: Any) -> None:
    assert flat(flat_pages.comment_infos, answer)["entries"] == [{"pk": "11", "comment_count": 0}]


def test_posts_of_a_hashtag_lie_in_three_places_and_repeat() -> None:
    def slots(*pks: int) -> list[Any]:
        return [{"media": {"pk": pk}} for pk in pks]

    tall = {"clips": {"items": slots(4, 1)}}
    layouts = [{"one_by_two_item": tall, "fill_items": slots(3), "medias": slots(1, 2)}, {"medias": slots(3, 5)}, {}]
    answer = {"response": {"sections": [{"layout_content": layout} for layout in layouts]}, "next_page_id": "c"}
    page = flat(flat_pages.hashtag_medias, answer, "love")
    assert [entry["pk"] for entry in page["entries"]] == [1, 2, 3, 4, 5]
    assert page["next"] == "c"
