"""A client of the Platform dialect for tests: one short method per call, answers as they came."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette

from tests.sandbox.harness import ORIGIN
from tests.sandbox.publishing.media import jpeg

NATGEO = "787132"
LINK = "https://cdn.example.com/picture.jpg"
TOKEN = {"authorization": "Bearer sandbox"}
SESSION = {"x-session-id": "sandbox"}


class Press:
    def __init__(self, client: httpx.AsyncClient, token: str = "sandbox", prefix: str = "") -> None:
        self.client = client
        self.base = f"{prefix}/platform"
        self.headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: str | int) -> httpx.Response:
        return await self.client.get(f"{self.base}{path}", params=query, headers=self.headers)

    async def post(self, path: str, *, key: str | None = None, **sent: Any) -> httpx.Response:
        headers = self.headers | ({} if key is None else {"idempotency-key": key})
        return await self.client.post(f"{self.base}{path}", headers=headers, **sent)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(f"{self.base}{path}", headers=self.headers)

    async def upload(
        self, data: bytes, media_type: str = "IMAGE", *, key: str | None = None, name: str = "upload"
    ) -> httpx.Response:
        return await self.post("/media/upload", key=key, files={"file": (name, data)}, data={"media_type": media_type})

    async def link(self, url: str = LINK, media_type: str = "IMAGE", *, key: str | None = None) -> httpx.Response:
        return await self.post("/media/upload", key=key, json={"media_url": url, "media_type": media_type})

    async def publish(self, medium: str, *, key: str | None = None) -> httpx.Response:
        return await self.post(f"/media/{medium}/stories", key=key)

    async def create(
        self, media: list[str], title: str = "New", *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        return await self.post(
            f"/users/{NATGEO}/highlights", key=key, json={"title": title, "media_ids": media, **more}
        )

    async def story(self, data: bytes | None = None) -> dict[str, Any]:
        """An image, uploaded and published."""
        medium = done(await self.upload(jpeg() if data is None else data), 201)
        story: dict[str, Any] = done(await self.publish(medium["id"]), 201)
        return story

    async def highlight(self, title: str = "New", count: int = 1, **more: Any) -> dict[str, Any]:
        media = [(await self.story())["id"] for _ in range(count)]
        made: dict[str, Any] = done(await self.create(media, title, **more), 201)
        return made


def done(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def refused(response: httpx.Response, code: int, subcode: int | None = None) -> dict[str, Any]:
    """The error, in the platform's envelope: nothing more in it and nothing less."""
    assert response.status_code >= 400, response.text
    envelope = response.json()
    assert envelope.keys() == {"error"}
    error: dict[str, Any] = envelope["error"]
    assert error.keys() - {"error_subcode"} == {"message", "type", "code", "is_transient", "fbtrace_id"}
    assert (error["code"], error.get("error_subcode")) == (code, subcode), error
    return error


def new_key() -> str:
    return str(uuid4())


def visitor(app: Starlette, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN, headers=headers)
