from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec

from gateway.sandbox import Sandbox, fixture_users
from gateway.sandbox import recorded as package
from tests.sandbox import contract

RECORDED = Path(package.__file__).parent / "recorded"
URL = f"https://www.instagram.com/stories/highlights/{fixture_users.SALWAAA_HIGHLIGHT}/"


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


async def ask(client: httpx.AsyncClient, path: str, **params: str | int) -> httpx.Response:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response


async def test_recorded_answers_are_served_byte_for_byte(client: httpx.AsyncClient) -> None:
    by_id = await ask(client, "/v1/user/highlights", user_id=787132)
    by_name = await ask(client, "/v1/user/highlights/by/username", username="natgeo", amount=0)
    assert by_id.content == recorded("user_highlights")
    assert by_name.content == recorded("user_highlights_by_username")
    assert (await ask(client, "/v1/highlight/by/url", url=URL)).content == recorded("highlight_by_url")
    assert (await ask(client, "/v1/highlight/by/id", id="highlight:18085475671830440")).content == recorded(
        "highlight_by_url"
    )


async def test_the_recordings_themselves_follow_the_contract() -> None:
    """The models the generated answers are held to are also those of the vendor's own examples."""
    msgspec.json.decode(recorded("user_highlights"), type=list[contract.TrayEntry])
    msgspec.json.decode(recorded("user_highlights_by_username"), type=list[contract.TrayEntry])
    msgspec.json.decode(recorded("highlight_by_url"), type=contract.Highlight)


async def test_a_cut_recorded_tray_keeps_its_first_entries(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/v1/user/highlights", user_id=787132, amount=2)
    assert response.json() == json.loads(recorded("user_highlights"))[:2]


async def test_recorded_users_have_profiles_that_agree_with_their_recordings(client: httpx.AsyncClient) -> None:
    for name, owner in (("natgeo", tray_owner()), ("salwaaa_ki", json.loads(recorded("highlight_by_url"))["user"])):
        profile = (await ask(client, "/v1/user/by/username", username=name)).json()
        for field in ("pk", "id", "username", "full_name", "is_private", "is_verified"):
            assert profile[field] == owner[field]


def tray_owner() -> dict[str, Any]:
    owner: dict[str, Any] = json.loads(recorded("user_highlights"))[0]["user"]
    return owner


async def test_each_highlight_of_the_recorded_tray_opens_as_the_tray_says(client: httpx.AsyncClient) -> None:
    for entry in json.loads(recorded("user_highlights")):
        highlight = (await ask(client, "/v1/highlight/by/id", id=entry["pk"])).json()
        assert highlight["created_at"] == entry["created_at"].replace("Z", "+00:00")
        for field in ("pk", "id", "title", "media_count", "latest_reel_media", "is_pinned_highlight"):
            assert highlight[field] == entry[field]
        assert len(highlight["items"]) == len(highlight["media_ids"]) == entry["media_count"]
        assert highlight["cover_media"]["crop_rect"] is entry["cover_media"]["crop_rect"] is None


async def test_salwaaas_tray_is_her_recorded_highlight_without_its_items(client: httpx.AsyncClient) -> None:
    highlight = json.loads(recorded("highlight_by_url"))
    [entry] = (await ask(client, "/v1/user/highlights", user_id=75885841119)).json()
    assert entry == highlight | {"created_at": "2025-11-26T06:32:13Z", "media_ids": [], "items": []}


async def test_salwaaas_recorded_items_are_found_by_their_ids(client: httpx.AsyncClient) -> None:
    for item in json.loads(recorded("highlight_by_url"))["items"]:
        assert (await ask(client, "/v1/story/by/id", id=item["pk"])).json() == item
        assert (await ask(client, "/v1/story/by/id", id=item["id"])).json() == item


async def test_a_renaming_shows_in_recorded_answers_too(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.world.rename(fixture_users.NATGEO_PK, "nationalgeographic")
    tray = (await ask(client, "/v1/user/highlights", user_id=787132)).json()
    assert {entry["user"]["username"] for entry in tray} == {"nationalgeographic"}
    assert tray[0]["title"] == "Gift Guide"


async def test_deleted_recorded_highlights_are_gone(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.world.delete_highlight(17983616051768088)
    sandbox.world.delete_highlight(fixture_users.SALWAAA_HIGHLIGHT)
    tray = (await ask(client, "/v1/user/highlights", user_id=787132)).json()
    assert [entry["title"] for entry in tray] == ["BOTW 2026", "Limitless"]
    assert (await client.get("/v1/highlight/by/url", params={"url": URL})).status_code == 404
    assert (await client.get("/v1/story/by/id", params={"id": 3772053608293416704})).status_code == 404
    assert (await ask(client, "/v1/user/highlights/by/username", username="salwaaa_ki")).json() == []
