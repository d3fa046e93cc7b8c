"""Generated stories are live for a day, and others follow them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from gateway.sandbox import fixture_users
from gateway.sandbox.world import DAY, HOUR
from tests.sandbox.harness import SteppedClock

Json = dict[str, Any]


async def stories_of(client: httpx.AsyncClient) -> list[Json]:
    response = await client.get("/v1/user/stories", params={"user_id": fixture_users.THIRTY.pk})
    assert response.status_code == 200, response.text
    stories: list[Json] = response.json()
    assert stories, "the user has stories"
    return stories


@pytest.mark.parametrize("hours", [0, 1, 12, 23, 24, 24 * 365])
async def test_every_listed_story_is_live(client: httpx.AsyncClient, clock: SteppedClock, hours: int) -> None:
    now_there_are = len(await stories_of(client))
    await clock.sleep(hours * HOUR)
    stories = await stories_of(client)
    assert len(stories) == now_there_are
    taken = [datetime.fromisoformat(story["taken_at"]).timestamp() for story in stories]
    assert taken == sorted(taken)
    assert all(clock.now() - DAY < moment <= clock.now() for moment in taken)


async def test_a_story_is_gone_when_its_day_is_over(client: httpx.AsyncClient, clock: SteppedClock) -> None:
    story = (await stories_of(client))[0]
    assert (await client.get("/v1/story/by/id", params={"id": story["id"]})).json() == story
    await clock.sleep(DAY)
    assert story["pk"] not in [each["pk"] for each in await stories_of(client)]
    gone = await client.get("/v1/story/by/id", params={"id": story["id"]})
    assert (gone.status_code, gone.json()["exc_type"]) == (404, "NotFoundError")
