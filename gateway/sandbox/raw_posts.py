"""Posts as the platform itself sends them: nested where the read API's own models are flat, in irregular spellings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.sandbox.deterministic_random import mixed
from gateway.sandbox.entities import Post, PostKind
from gateway.sandbox.listing import pinned
from gateway.sandbox.posts import PostWire

Json = dict[str, Any]
GRAPH_IDS = 18_000_000_000_000_000
# The web envelope's spellings of a long and a float.
PREFIXED: Mapping[str, str] = {"taken_at": "1ltaken_at", "video_duration": "1fvideo_duration"}
SAME = (
    "code",
    "media_type",
    "product_type",
    "like_count",
    "comment_count",
    "comments_disabled",
    "like_and_view_counts_disabled",
    "has_liked",
    "accessibility_caption",
    "title",
    "coauthor_producers",
    "is_paid_partnership",
)


def raw_post(wire: PostWire, post: Post) -> Json:
    """Return the post with the same values as in its flat form."""
    flat = wire.media(post)
    bits = mixed(post.pk)
    raw = {
        **_spelled_pk(post, bits),
        "id": post.id,
        _name("taken_at", bits): post.taken_at,
        "device_timestamp": post.taken_at * 1_000_000 + bits % 1_000_000,
        "fbid": str(GRAPH_IDS + bits % 1_000_000_000_000),
        **{name: flat[name] for name in SAME},
        "user": wire.raw.user(post.user),
        "caption": raw_caption(wire, post),
        "timeline_pinned_user_ids": [post.user.pk] if _is_pinned(post) else [],
        "sponsor_tags": [{"sponsor": user, "permission": True} for user in flat["sponsor_tags"]] or None,
        **_files(flat, bits),
    }
    if flat["resources"]:
        raw["carousel_media"] = [_resource(each) for each in flat["resources"]]
        raw["carousel_media_count"] = len(flat["resources"])
    if flat["usertags"]:
        raw["usertags"] = {"in": [_usertag(tag) for tag in flat["usertags"]]}
    if flat["location"]:
        raw["location"] = raw_location(flat["location"])
    if post.kind.is_video:
        raw["play_count"] = flat["play_count"]
    if post.kind is PostKind.REEL:
        raw["clips_metadata"] = _clips_metadata(bits)
    return raw


def _name(name: str, bits: int) -> str:
    return PREFIXED[name] if bits >> 8 & 3 == 0 else name


def _spelled_pk(post: Post, bits: int) -> Json:
    spellings: tuple[Json, ...] = ({"pk": post.pk}, {"pk": str(post.pk)}, {"strong_id__": post.id})
    return spellings[bits % 3]


def _is_pinned(post: Post) -> bool:
    return post.listed is not None and post.listed.number in pinned(post.user.index)


def raw_caption(wire: PostWire, post: Post) -> Json | None:
    """Return the caption; None if it is empty."""
    if not post.caption:
        return None
    pk = GRAPH_IDS + mixed(post.pk + 1) % 1_000_000_000_000
    return {
        "pk": str(pk),
        "text": post.caption,
        "created_at": post.taken_at,
        "created_at_utc": post.taken_at,
        "content_type": "comment",
        "status": "Active",
        "media_id": post.pk,
        "user_id": post.user.pk,
        "user": wire.raw.user(post.user),
    }


def _files(flat: Json, bits: int) -> Json:
    """Return images and videos; an album has neither."""
    files: Json = {}
    if flat["image_versions"]:
        files["image_versions2"] = {
            "candidates": [
                {name: each[name] for name in ("width", "height", "url", "scans_profile")}
                for each in flat["image_versions"]
            ]
        }
    if flat["video_versions"]:
        files["video_versions"] = [
            {name: each[name] for name in ("type", "width", "height", "url", "id")} for each in flat["video_versions"]
        ]
    if flat.get("video_duration"):
        files[_name("video_duration", bits)] = flat["video_duration"]
    return files


def _resource(flat: Json) -> Json:
    pk = int(flat["pk"])
    return {
        "pk": pk if mixed(pk) & 1 else str(pk),
        "id": flat["id"],
        "media_type": flat["media_type"],
        "product_type": flat["product_type"],
        "carousel_parent_id": flat["carousel_parent_id"],
        "taken_at": flat["taken_at"],
        **_files(flat, 1 << 8),
    }


def _usertag(flat: Json) -> Json:
    user = {name: value for name, value in flat["user"].items() if name != "profile_pic_url_hd"}
    return {"user": user, "position": [flat["x"], flat["y"]], "categories": [], "show_category_of_user": False}


def raw_location(flat: Json) -> Json:
    return {
        "pk": flat["pk"],
        "name": flat["name"],
        "short_name": flat["name"],
        "address": flat["address"],
        "city": flat["city"],
        "lat": flat["lat"],
        "lng": flat["lng"],
        "facebook_places_id": int(flat["external_id"]),
        "external_source": flat["external_id_source"],
    }


def _clips_metadata(bits: int) -> Json:
    """Return a part of what the platform sends with each reel, which nobody needs."""
    return {
        "music_info": None,
        "original_sound_info": {
            "audio_asset_id": GRAPH_IDS + bits % 1_000_000_007,
            "original_audio_title": "Original audio",
            "is_explicit": False,
        },
        "audio_type": "original_sounds",
        "clips_creation_entry_point": "clips",
        "achievements_info": {"num_earned_achievements": None, "show_achievements": False},
        "mashup_info": {"mashups_allowed": True, "can_toggle_mashups_allowed": False},
    }
