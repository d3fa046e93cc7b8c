"""The vendor's recorded answers, leaf by leaf: each is reachable in the graph, and says there what it says here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes.gateway import running_gateway
from tests.operations.scenario import QUERIES

RECORDED = Path(__file__).parents[1] / "recorded"
LINK = "https://www.instagram.com/stories/highlights/18085475671830440/"
TRAY = """
query Tray($by: UserBy!) {
  user(by: $by) {
    highlights {
      nodes {
        id pk title createdAt latestMediaAt isPinned mediaCount
        cover { cropped { url width height scansProfile } full { url } cropRect mediaId uploadId }
        user { id username fullName profilePictureUrl profilePictureHdUrl isPrivate isVerified }
      }
    }
  }
}
"""
# Where in the graph each leaf of an upstream answer is; `*` is any index. An empty list stands for its leaves.
PLACES = {
    "pk": "pk",
    "id": "id",
    "title": "title",
    "created_at": "createdAt",
    "latest_reel_media": "latestMediaAt",
    "is_pinned_highlight": "isPinned",
    "media_count": "mediaCount",
    "media_ids.*": "items.nodes.*.pk",
    "cover_media.cropped_image_version.url": "cover.cropped.url",
    "cover_media.cropped_image_version.width": "cover.cropped.width",
    "cover_media.cropped_image_version.height": "cover.cropped.height",
    "cover_media.cropped_image_version.scans_profile": "cover.cropped.scansProfile",
    "cover_media.full_image_version": "cover.full",
    "cover_media.crop_rect": "cover.cropRect",
    "cover_media.crop_rect.*": "cover.cropRect.*",
    "cover_media.media_id": "cover.mediaId",
    "cover_media.upload_id": "cover.uploadId",
    "user.pk": "user.id",
    "user.id": "user.id",
    "user.username": "user.username",
    "user.full_name": "user.fullName",
    "user.profile_pic_url": "user.profilePictureUrl",
    "user.profile_pic_url_hd": "user.profilePictureHdUrl",
    "user.is_private": "user.isPrivate",
    "user.is_verified": "user.isVerified",
    "items.*.pk": "items.nodes.*.pk",
    "items.*.id": "items.nodes.*.id",
    "items.*.code": "items.nodes.*.code",
    "items.*.taken_at": "items.nodes.*.takenAt",
    "items.*.media_type": "items.nodes.*.kind",
    "items.*.product_type": "items.nodes.*.productType",
    "items.*.thumbnail_url": "items.nodes.*.thumbnailUrl",
    "items.*.video_url": "items.nodes.*.videoUrl",
    "items.*.video_duration": "items.nodes.*.videoDuration",
    "items.*.user.pk": "items.nodes.*.user.id",
    "items.*.user.id": "items.nodes.*.user.id",
    "items.*.user.is_private": "items.nodes.*.user.isPrivate",
    "items.*.user.profile_pic_url_hd": "items.nodes.*.user.profilePictureHdUrl",
    "items.*.sponsor_tags": "items.nodes.*.sponsors",
    "items.*.mentions": "items.nodes.*.mentions",
    "items.*.links": "items.nodes.*.links",
    "items.*.hashtags": "items.nodes.*.hashtags",
    "items.*.locations": "items.nodes.*.locations",
    "items.*.stickers": "items.nodes.*.stickers",
    "items.*.medias": "items.nodes.*.medias",
}
# What an item leaves blank of its user, who is the highlight's: the graph says what the highlight knows.
BLANK = {
    "items.*.user.username": "username",
    "items.*.user.full_name": "fullName",
    "items.*.user.profile_pic_url": "profilePictureUrl",
    "items.*.user.is_verified": "isVerified",
}
# A tray entry holds none of these: they are not loaded, which is not to say that there are none.
NOT_LOADED = {"media_ids", "items"}
Leaf = tuple[str, Any]


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


SPELLINGS: dict[str, Callable[[Any], Any]] = {
    "latest_reel_media": instant,
    "created_at": lambda text: text.replace("Z", "+00:00"),
    "media_ids.*": str,
    "items.*.media_type": {1: "PHOTO", 2: "VIDEO", 8: "ALBUM"}.__getitem__,
}


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Scalars and what is empty, with their paths."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield path, value
    for key, part in inner:
        yield from leaves(part, f"{path}.{key}" if path else str(key))


def at(answer: Any, path: str) -> Any:
    return reduce(lambda value, key: value[int(key) if isinstance(value, list) else key], path.split("."), answer)


def pattern(path: str) -> str:
    return re.sub(r"\b\d+\b", "*", path)


def place(path: str) -> str:
    """The same place in the graph, indices and all."""
    indices = iter(re.findall(r"\b\d+\b", path))
    return re.sub(r"\*", lambda _: next(indices), PLACES[pattern(path)])


def check(recorded: Any, answer: Any) -> None:
    assert list(leaves(recorded))
    for path, value in leaves(recorded):
        kind = pattern(path)
        if kind in NOT_LOADED:
            assert value == []
        elif kind in BLANK:
            assert value in (None, "")
            assert at(answer, path.partition(".user.")[0].replace("items", "items.nodes"))["user"] == answer["user"]
        else:
            spelled = SPELLINGS[kind](value) if kind in SPELLINGS else value
            assert at(answer, place(path)) == spelled, path


async def test_the_recorded_highlight_is_all_there(tmp_path: Path) -> None:
    recorded = msgspec.json.decode((RECORDED / "highlight_by_url.json").read_bytes())
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(
            (QUERIES / "complete_highlight.graphql").read_text(), {"url": LINK, "proxied": False}
        )
        check(recorded, answer.data["highlight"])


@pytest.mark.parametrize(
    ("by", "file"),
    [({"id": "787132"}, "user_highlights.json"), ({"username": "natgeo"}, "user_highlights_by_username.json")],
    ids=["id", "username"],
)
async def test_each_entry_of_the_recorded_trays_is_all_there(tmp_path: Path, by: dict[str, str], file: str) -> None:
    recorded = msgspec.json.decode((RECORDED / file).read_bytes())
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(TRAY, {"by": by})
        for entry, node in zip(recorded, answer.data["user"]["highlights"]["nodes"], strict=True):
            check(entry, node)
