"""An account in memory, behind the routes of aiograpi-rest: what of its client these call."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiograpi.exceptions import ClientError, HighlightNotFound
from aiograpi.types import Account, Highlight, Story, UserShort

from tests.fakes.clock import EPOCH

PK, NAME = "787132", "natgeo"
PICTURE = "https://pictures.example.com/a.jpg"
IMAGE, VIDEO = 1, 2
LISTS = ("sponsor_tags", "mentions", "links", "hashtags", "locations", "stickers")  # of a story, that must be there


class InMemory:
    """`is_bare`: its tray names no media. `failing` are methods that do their work and then fail."""

    user_id = PK

    def __init__(self) -> None:
        self.is_bare = False
        self.failing: dict[str, Exception] = {}
        self.called: list[str] = []
        self.stories: dict[str, Story] = {}
        self.contents: list[bytes] = []
        self.highlights: dict[str, Highlight] = {}
        self.likes: set[str] = set()
        self._numbers = itertools.count(3_100_000_000_000_000_001)

    async def account_info(self) -> Account:
        self._note("account_info")
        plain = {"full_name": "", "profile_pic_url": PICTURE, "is_verified": True, "is_business": True}
        return Account(pk=PK, username=NAME, is_private=False, **plain)

    async def photo_upload_to_story(self, path: str, **form: Any) -> Story:
        return self._story("photo_upload_to_story", path, IMAGE)

    async def video_upload_to_story(self, path: str, **form: Any) -> Story:
        return self._story("video_upload_to_story", path, VIDEO)

    async def media_like(self, media_id: str, revert: bool) -> bool:
        assert not revert
        self.likes.add(_pk(media_id))
        self._note("media_like")
        return True

    async def media_unlike(self, media_id: str) -> bool:
        self.likes.discard(_pk(media_id))
        self._note("media_unlike")
        return True

    async def highlight_create(
        self, title: str, story_ids: Sequence[str], cover_story_id: str, crop_rect: Sequence[float]
    ) -> Highlight:
        pk = str(next(self._numbers))
        self.highlights = {pk: self._highlight(pk, title, story_ids, cover_story_id or story_ids[0]), **self.highlights}
        self._note("highlight_create")
        return self.highlights[pk]

    async def highlight_change_title(self, highlight_pk: str, title: str) -> Highlight:
        return await self.highlight_edit(highlight_pk, title, {}, [], [])

    async def highlight_edit(
        self, highlight_pk: str, title: str, cover: dict[str, Any], added: Sequence[str], removed: Sequence[str]
    ) -> Highlight:
        before = self._found(highlight_pk)
        gone = {_pk(id) for id in removed}
        kept = [item.id for item in before.items if item.pk not in gone]
        chosen = cover.get("media_id") or before.cover_media["media_id"]
        self.highlights[highlight_pk] = self._highlight(highlight_pk, title or before.title, [*kept, *added], chosen)
        self._note("highlight_edit")
        return self.highlights[highlight_pk]

    async def highlight_info(self, highlight_pk: str) -> Highlight:
        self._note("highlight_info")
        return self._found(highlight_pk)

    async def highlight_delete(self, highlight_pk: str) -> bool:
        self._found(highlight_pk)
        del self.highlights[highlight_pk]
        self._note("highlight_delete")
        return True

    async def user_highlights(self, user_id: str, amount: int = 0) -> list[Highlight]:
        self._note("user_highlights")
        assert int(user_id) == int(PK)
        shown: dict[str, Any] = {"items": [], **({"media_ids": []} if self.is_bare else {})}
        return [each.model_copy(update=shown) for each in self.highlights.values()][: amount or None]

    def _note(self, name: str) -> None:
        self.called.append(name)
        if name in self.failing:
            raise self.failing.pop(name)

    def _story(self, name: str, path: str, media_type: int) -> Story:
        self.contents.append(Path(path).read_bytes())
        pk = str(next(self._numbers))
        lists: dict[str, Any] = {name: [] for name in LISTS}
        user = UserShort(pk=PK, username=NAME)
        story = Story(pk=pk, id=f"{pk}_{PK}", code="A", taken_at=EPOCH, media_type=media_type, user=user, **lists)
        self.stories[pk] = story
        self._note(name)
        return story

    def _highlight(self, pk: str, title: str, ids: Sequence[str], cover: str) -> Highlight:
        items = []
        for id in ids:
            if _pk(id) not in self.stories:
                raise ClientError(f"no such story: {id}")
            items.append(self.stories[_pk(id)])
        return Highlight(
            pk=pk,
            id=f"highlight:{pk}",
            latest_reel_media=int(EPOCH),
            cover_media={"media_id": cover},
            user=UserShort(pk=PK, username=NAME),
            title=title,
            created_at=EPOCH,
            is_pinned_highlight=False,
            media_count=len(items),
            media_ids=[int(item.pk) for item in items],
            items=items,
        )

    def _found(self, pk: str) -> Highlight:
        if pk not in self.highlights:
            raise HighlightNotFound(highlight_pk=pk)
        return self.highlights[pk]


def _pk(id: str) -> str:
    return id.partition("_")[0]
