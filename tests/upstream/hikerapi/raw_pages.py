"""Raw pages as the upstream sends them, with the weight of the parts that nobody reads."""

from __future__ import annotations

import json
import string
from random import Random
from typing import Any

HOST = "https://scontent-fra3-1.cdninstagram.com/v/t51.2885-15"
LETTERS = string.ascii_letters + string.digits + "-_"
CAPTION = "Ein Tag am Meer \U0001f30a und \u00abnichts\u00bb als Wind \u2014 #sea #love @ann.other\n"
WIDTHS = (1440, 1080, 750, 640, 480, 320, 240, 150)


class RawPages:
    """Draws raw objects; equal seeds draw equal ones."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)

    def hashtag(self, medias: int = 75) -> bytes:
        """A page of a hashtag: rows of three posts, and every fifth row one of reels."""
        sections: list[dict[str, Any]] = []
        while medias > 0:
            reels = len(sections) % 5 == 0
            row = [{"media": self.media()} for _ in range(min(medias, 5 if reels else 3))]
            medias -= len(row)
            content: dict[str, Any] = {"medias": row}
            if reels:
                content = {
                    "one_by_two_item": {"clips": {"items": row[:1], "id": "c", "more_available": True}},
                    "fill_items": row[1:],
                }
            sections.append({"layout_type": "media_grid", "layout_content": content, "feed_type": "media"})
        inner = {"sections": sections, "more_available": True, "next_max_id": self._text(200), "status": "ok"}
        return _json({"response": inner, "next_page_id": self._text(300)})

    def user_medias(self, medias: int = 12) -> bytes:
        items = [self.media(owner=7, is_album=at % 4 == 0) for at in range(medias)]
        inner = {"items": items, "more_available": True, "next_max_id": self._text(60), "num_results": medias}
        return _json({"response": inner, "next_page_id": self._text(300)})

    def followers(self, users: int = 25) -> bytes:
        inner = {"users": [self.user() for _ in range(users)], "has_more": True, "next_max_id": "25"}
        return _json({"response": inner, "next_page_id": "25"})

    def comments(self, comments: int = 15) -> bytes:
        inner = {
            "comments": [self.comment(replies=at % 3) for at in range(comments)],
            "caption": {"text": CAPTION, "user": self.user()},
            "comment_count": 4_321,
            "next_min_id": self._text(300),
        }
        return _json({"response": inner, "next_page_id": self._text(300)})

    def media(self, *, owner: int | None = None, is_album: bool = False) -> dict[str, Any]:
        """A reel or an album of some 20 KB."""
        user = self.user(owner)
        pk = self._random.randrange(3 * 10**18, 4 * 10**18)
        video = {} if is_album else self._video()
        album = {"carousel_media": [self._child(pk, user) for _ in range(4)]} if is_album else {}
        return {
            "taken_at": self._random.randrange(1_700_000_000, 1_772_000_000),
            "pk": pk,
            "id": f"{pk}_{user['pk']}",
            "fbid": 18_000_000_000_000_000 + pk % 1_000,
            "device_timestamp": 1_772_000_000_123_456,
            "code": self._text(11),
            "media_type": 8 if is_album else 2,
            "product_type": "carousel_container" if is_album else "clips",
            "organic_tracking_token": self._text(300),
            "image_versions2": self._images(),
            **video,
            **album,
            "caption": {"pk": pk, "text": CAPTION * 6, "user": self.user(owner), "created_at": 1_772_000_000},
            "user": user,
            "owner": user,
            "coauthor_producers": [self.user()] if pk % 3 == 0 else [],
            "usertags": {"in": [{"user": self.user(), "position": [0.25, 0.75], "start_time_in_video_in_sec": None}]},
            "sponsor_tags": [{"sponsor": self.user(), "permission": True}] if pk % 5 == 0 else None,
            "location": self._location() if pk % 2 else None,
            "like_count": self._random.randrange(100_000),
            "play_count": self._random.randrange(5_000_000_000),
            "comment_count": self._random.randrange(1_000),
            "like_and_view_counts_disabled": False,
            "timeline_pinned_user_ids": [user["pk"]] if pk % 7 == 0 else [],
            "clips_metadata": self._clips_metadata(),
            "facepile_top_likers": [self.user()],
            **{f"can_{name}": True for name in ("viewer_reshare", "viewer_save", "see_insights_as_brand", "reply")},
            **{f"has_{name}": False for name in ("liked", "audio", "more_comments", "delayed_metadata")},
        }

    def user(self, pk: int | None = None) -> dict[str, Any]:
        """An account of some 1.5 KB."""
        pk = pk or self._random.randrange(10**6, 7 * 10**10)
        return {
            "pk": pk,
            "pk_id": str(pk),
            "id": str(pk),
            "strong_id__": str(pk),
            "fbid_v2": 17_841_400_000_000_000 + pk,
            "username": f"user.{pk}",
            "full_name": "Ann \u00c5ngstr\u00f6m",
            "is_private": False,
            "is_verified": pk % 2 == 0,
            "profile_pic_id": f"{pk}_{pk}",
            "profile_pic_url": self._url(),
            "hd_profile_pic_url_info": {"url": self._url(), "width": 1080, "height": 1080},
            "friendship_status": {"following": False, "is_bestie": False, "is_restricted": False, "muting": False},
            "account_badges": [],
            "latest_reel_media": 1_772_000_000,
            "third_party_downloads_enabled": 1,
            "has_anonymous_profile_picture": False,
        }

    def comment(self, *, replies: int = 0) -> dict[str, Any]:
        pk = self._random.randrange(17 * 10**15, 18 * 10**15)
        return {
            "pk": str(pk),
            "text": CAPTION,
            "user": self.user(),
            "created_at": 1_772_000_000,
            "created_at_utc": 1_772_000_000,
            "comment_like_count": pk % 100,
            "child_comment_count": replies,
            "preview_child_comments": [{**self.comment(), "parent_comment_id": str(pk)} for _ in range(replies)],
            "media_id": 3_776_832_898_280_228_145,
            "content_type": "comment",
            "other_preview_users": [self.user()],
            "inline_composer_display_condition": "never",
        }

    def _child(self, parent: int, owner: dict[str, Any]) -> dict[str, Any]:
        pk = self._random.randrange(3 * 10**18, 4 * 10**18)
        return {
            "id": f"{pk}_{owner['pk']}",
            "pk": pk,
            "media_type": 1,
            "image_versions2": self._images(),
            "carousel_parent_id": f"{parent}_{owner['pk']}",
            "sharing_friction_info": {"should_have_sharing_friction": False, "bloks_app_url": None},
        }

    def _location(self) -> dict[str, Any]:
        return {
            "pk": 213_131_048,
            "short_name": "Berlin",
            "name": "Berlin, Germany",
            "lat": 52.5166667,
            "lng": 13.4,
            "address": "",
            "city": "",
            "external_source": "facebook_places",
            "facebook_places_id": 111_175_118_906_315,
        }

    def _images(self) -> dict[str, Any]:
        candidates = [{"width": width, "height": width, "url": self._url()} for width in WIDTHS]
        frame = {"width": 640, "height": 1136, "url": self._url()}
        return {"candidates": candidates, "additional_candidates": {"igtv_first_frame": frame, "first_frame": frame}}

    def _video(self) -> dict[str, Any]:
        return {
            "video_versions": [
                {"type": kind, "width": 720, "height": 1280, "url": self._url(), "bandwidth": 1_000_000}
                for kind in (101, 102, 103)
            ],
            "video_duration": 31.4159,
            "video_dash_manifest": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash">{self._text(2_500)}</MPD>',
        }

    def _clips_metadata(self) -> dict[str, Any]:
        achievements = {f"achievement_{at}": {"title": None, "is_shown": False, "rank": at} for at in range(20)}
        return {
            "music_info": {"music_asset_info": {"title": "Song", "ig_artist": self.user(), "lyrics": self._text(900)}},
            "original_sound_info": {"audio_asset_id": 1, "ig_artist": self.user(), "progressive": self._url()},
            "mashup_info": {"mashups_allowed": True, "formatted": None, "original_media": None},
            "achievements_info": achievements,
            "reusable_text_info": [{"text": CAPTION, "color": "#fff", "x": 0.5, "y": 0.5} for _ in range(4)],
        }

    def _url(self) -> str:
        return f"{HOST}/{self._text(60)}_n.jpg?stp=dst-jpg_e35_p720x720&_nc_ht={self._text(230)}&oe=69AA3F6F&_nc_sid=1"

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(LETTERS, k=length))


def _json(value: Any) -> bytes:
    """JSON as the upstream writes it: without spaces, and with everything beyond ASCII escaped."""
    return json.dumps(value, separators=(",", ":")).encode()
