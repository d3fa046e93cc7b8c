"""What a careful programmer writes for the one big answer, without GraphQL: the same calls, the same answer.

    BENCH_UPSTREAM=http://... uvicorn bench.handwritten:app

One call for the tray, then one per highlight, all at once; decoded with msgspec into just what is shown, and written
with it. It keeps nothing, counts no money and checks nothing: the least that a cold read can cost.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from starlette.types import Receive, Scope, Send

UPSTREAM = os.environ["BENCH_UPSTREAM"]
CONNECTIONS = 64


class Item(msgspec.Struct, rename="camel", gc=False):
    id: str
    pk: str
    code: str
    taken_at: str
    product_type: str
    thumbnail_url: str | None
    video_url: str | None
    video_duration: float


class Story(msgspec.Struct, gc=False):
    id: str
    pk: str
    code: str
    taken_at: str
    product_type: str
    thumbnail_url: str | None
    video_url: str | None
    video_duration: float


class Image(msgspec.Struct, gc=False):
    url: str


class CoverMedia(msgspec.Struct, gc=False):
    cropped_image_version: Image


class Entry(msgspec.Struct, gc=False):
    pk: str
    id: str
    title: str
    media_count: int
    created_at: str
    is_pinned_highlight: bool
    cover_media: CoverMedia
    items: list[Story]


class Variables(msgspec.Struct):
    id: str


class Asked(msgspec.Struct):
    variables: Variables


ASKED = msgspec.json.Decoder(Asked)
TRAY = msgspec.json.Decoder(list[Entry])
LOADED = msgspec.json.Decoder(Entry)
ENCODER = msgspec.json.Encoder()


class Api:
    def __init__(self) -> None:
        self.session = aiohttp.ClientSession(
            UPSTREAM, connector=aiohttp.TCPConnector(limit=CONNECTIONS), headers={"x-access-key": "bench"}
        )

    async def tray(self, user: str) -> list[Entry]:
        return TRAY.decode(await self._get(f"/v1/user/highlights?user_id={user}"))

    async def highlight(self, pk: str) -> Entry:
        url = quote(f"https://www.instagram.com/stories/highlights/{pk}/", safe="")
        return LOADED.decode(await self._get(f"/v1/highlight/by/url?url={url}"))

    async def _get(self, target: str) -> bytes:
        async with self.session.get(target) as response:
            response.raise_for_status()
            return await response.read()


async def big(api: Api, user: str) -> bytes:
    tray = await api.tray(user)
    loaded = await asyncio.gather(*(api.highlight(entry.pk) for entry in tray))
    nodes = [shown(entry, whole.items) for entry, whole in zip(tray, loaded, strict=True)]
    return ENCODER.encode({"data": {"user": {"id": user, "highlights": {"nodes": nodes}}}})


def shown(entry: Entry, stories: list[Story]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title,
        "mediaCount": entry.media_count,
        "createdAt": entry.created_at,
        "isPinned": entry.is_pinned_highlight,
        "cover": {"url": entry.cover_media.cropped_image_version.url},
        "items": {"nodes": [item(story) for story in stories]},
    }


def item(story: Story) -> Item:
    return Item(
        story.id,
        story.pk,
        story.code,
        story.taken_at,
        story.product_type,
        story.thumbnail_url,
        story.video_url,
        story.video_duration,
    )


class App:
    api: Api | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.api = self.api or Api()
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        answer = await big(self.api, ASKED.decode(body).variables.id) if body else b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


app = App()
