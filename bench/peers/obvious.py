"""The obvious Strawberry: a DataLoader per request and a TTLCache in front of httpx.

By Strawberry's pages "DataLoaders" and "ASGI" and cachetools' own example.

    BENCH_UPSTREAM=http://... uvicorn bench.peers.obvious:app
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import strawberry
from cachetools import TTLCache
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

LIFETIME = 600
KEPT = 10_000

client = httpx.AsyncClient(base_url=os.environ["BENCH_UPSTREAM"], headers={"x-access-key": "bench"}, timeout=30)
trays: TTLCache[str, list[Any]] = TTLCache(KEPT, LIFETIME)
highlights: TTLCache[str, Any] = TTLCache(KEPT, LIFETIME)


@strawberry.type
class Cover:
    url: str | None


@strawberry.type
class Item:
    id: strawberry.ID
    pk: strawberry.ID
    code: str | None
    taken_at: datetime | None
    product_type: str | None
    thumbnail_url: str | None
    video_url: str | None
    video_duration: float | None

    @classmethod
    def of(cls, story: dict[str, Any]) -> Item:
        return cls(
            id=story["id"],
            pk=story["pk"],
            code=story["code"],
            taken_at=datetime.fromisoformat(story["taken_at"]),
            product_type=story["product_type"],
            thumbnail_url=story["thumbnail_url"],
            video_url=story["video_url"],
            video_duration=story["video_duration"],
        )


@strawberry.type
class Items:
    nodes: list[Item]


@strawberry.type
class Highlight:
    pk: strawberry.Private[str]
    id: strawberry.ID
    title: str
    media_count: int | None
    created_at: datetime | None
    is_pinned: bool | None
    cover: Cover | None

    @strawberry.field
    async def items(self, info: strawberry.Info) -> Items:
        loaded = await info.context["loaders"].highlights.load(self.pk)
        return Items(nodes=[Item.of(story) for story in loaded["items"]])

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Highlight:
        return cls(
            pk=entry["pk"],
            id=entry["id"],
            title=entry["title"],
            media_count=entry["media_count"],
            created_at=datetime.fromisoformat(entry["created_at"]),
            is_pinned=entry["is_pinned_highlight"],
            cover=Cover(url=entry["cover_media"]["cropped_image_version"]["url"]),
        )


@strawberry.type
class Highlights:
    nodes: list[Highlight]


@strawberry.type
class User:
    id: strawberry.ID

    @strawberry.field
    async def highlights(self, info: strawberry.Info) -> Highlights:
        entries = await info.context["loaders"].trays.load(self.id)
        return Highlights(nodes=[Highlight.of(entry) for entry in entries])


@strawberry.input
class UserBy:
    id: strawberry.ID


@strawberry.type
class Query:
    @strawberry.field
    def user(self, by: UserBy) -> User:
        return User(id=by.id)


async def load_tray(user: str) -> list[Any]:
    if user not in trays:
        response = await client.get("/v1/user/highlights", params={"user_id": user})
        trays[user] = response.raise_for_status().json()
    return trays[user]


async def load_highlight(pk: str) -> Any:
    if pk not in highlights:
        url = f"https://www.instagram.com/stories/highlights/{pk}/"
        response = await client.get("/v1/highlight/by/url", params={"url": url})
        highlights[pk] = response.raise_for_status().json()
    return highlights[pk]


async def load_trays(users: list[str]) -> list[Any]:
    return list(await asyncio.gather(*map(load_tray, users)))


async def load_highlights(pks: list[str]) -> list[Any]:
    return list(await asyncio.gather(*map(load_highlight, pks)))


@dataclass
class Loaders:
    trays: DataLoader[str, list[Any]]
    highlights: DataLoader[str, Any]


class WithLoaders(GraphQL):
    async def get_context(self, request: Any, response: Any) -> Any:
        loaders = Loaders(DataLoader(load_fn=load_trays), DataLoader(load_fn=load_highlights))
        return {"request": request, "response": response, "loaders": loaders}


app = WithLoaders(strawberry.Schema(Query))
