"""The sandbox behind it all, as it tells of itself what was ever made there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.domain.ids import pk_of


@dataclass(frozen=True, slots=True)
class Made:
    """All that was ever made: highlights by title, how often each medium was uploaded, which medium a story is of."""

    highlights: dict[str, list[dict[str, Any]]]
    uploads: dict[str, int]
    origins: dict[str, str]

    def origins_of(self, stories: Sequence[str]) -> list[str]:
        return [self.origins[pk_of(id)] for id in stories]


def made_of(told: Mapping[str, Any]) -> Made:
    """Of what the sandbox tells as published."""
    highlights: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for highlight in told["highlights"]:
        highlights[highlight["title"]].append(highlight)
    uploads: defaultdict[str, int] = defaultdict(int)
    for upload in told["uploads"]:
        uploads[upload["origin"]] += 1
    of = {upload["id"]: upload["origin"] for upload in told["uploads"]}
    origins = {pk_of(story["id"]): of[pk_of(story["media_id"])] for story in told["stories"]}
    return Made(dict(highlights), dict(uploads), origins)


class Upstream:
    def __init__(self, url: str) -> None:
        self.url = url
        # The server closes a connection that is idle for five seconds, perhaps just when it is used again.
        limits = httpx.Limits(keepalive_expiry=2.0)
        self._client = httpx.AsyncClient(base_url=f"{url}/_control", timeout=30.0, limits=limits)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def made(self) -> Made:
        return made_of((await self._client.get("/published")).json())

    async def stories_of(self, pk: str) -> list[str]:
        """The ids of the items that the highlight was made of."""
        told = (await self._client.get("/published")).json()
        (one,) = (highlight for highlight in told["highlights"] if highlight["id"] == pk)
        items = set(one["media_ids"])
        ids = {pk_of(story["id"]): str(story["id"]) for story in told["stories"] if pk_of(story["id"]) in items}
        return [ids[item] for item in one["media_ids"]]

    async def let_publish(self, total: int) -> None:
        await self._post("/quota", {"total": total})

    async def play(self, faults: Sequence[dict[str, Any]], seed: int) -> None:
        await self._post("/faults", {"faults": list(faults), "seed": seed})

    async def tell(self, url: str, app_secret: str, verify_token: str, mode: dict[str, Any]) -> None:
        """By webhooks from now on."""
        await self._post(
            "/webhooks", {"url": url, "app_secret": app_secret, "verify_token": verify_token, "mode": mode}
        )

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        (await self._client.post(path, json=body)).raise_for_status()
