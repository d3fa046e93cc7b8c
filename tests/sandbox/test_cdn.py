from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.sandbox import Sandbox, create_sandbox, fixture_users
from tests.sandbox.harness import KEY, NOON, ORIGIN, SteppedClock, client_of

HOUR = 3_600
DAY = 24 * HOUR


async def highlight(client: httpx.AsyncClient, prefix: str = "") -> dict[str, Any]:
    response = await client.get(
        f"{prefix}/v1/highlight/by/id", params={"id": fixture_users.highlight_pk(fixture_users.MIXED, 0)}
    )
    answer: dict[str, Any] = response.json()
    return answer


def expiry(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["oe"][0], 16)


async def test_images_live_four_to_seven_days_and_videos_108_hours(client: httpx.AsyncClient) -> None:
    items = (await highlight(client))["items"]
    for item in items:
        assert 4 * DAY <= expiry(item["thumbnail_url"]) - NOON < 7 * DAY
    assert {expiry(item["video_url"]) - NOON for item in items if item["video_url"]} == {108 * HOUR}


async def test_pictures_are_real_and_of_their_sizes(client: httpx.AsyncClient) -> None:
    answer = await highlight(client)
    urls = {
        answer["cover_media"]["cropped_image_version"]["url"]: (150, 150),
        answer["user"]["profile_pic_url"]: (150, 150),
        answer["items"][0]["thumbnail_url"]: (360, 640),
    }
    for url, size in urls.items():
        response = await client.get(url)
        assert response.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(response.content)) as image:
            image.load()
            assert (image.format, image.size) == ("JPEG", size)


async def test_a_video_is_an_mp4_that_can_start_before_it_is_whole(client: httpx.AsyncClient) -> None:
    url = (await highlight(client))["items"][1]["video_url"]
    response = await client.get(url)
    assert response.headers["content-type"] == "video/mp4"
    assert response.content[4:8] == b"ftyp"
    assert 0 < response.content.index(b"moov") < response.content.index(b"mdat")
    assert len(response.content) < 40_000


async def test_every_answer_forbids_other_sites_to_show_it_and_costs_nothing(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    url = (await highlight(client))["items"][0]["thumbnail_url"]
    sandbox.meter.reset()
    del client.headers["x-access-key"]
    for target in (url, f"{url}0", f"{ORIGIN}/cdn/unknown.jpg"):
        assert (await client.get(target)).headers["cross-origin-resource-policy"] == "same-origin"
    assert sandbox.meter.total_calls == 0


@pytest.mark.parametrize(
    ("genuine", "forged"),
    [("oh=00_", "oh=00_f"), ("/cdn/v/", "/cdn/w/"), ("_n.jpg", "0_n.jpg"), ("oe=", "oe=F"), ("&oe=", "&no=")],
)
async def test_a_changed_url_is_refused(client: httpx.AsyncClient, genuine: str, forged: str) -> None:
    url = (await highlight(client))["items"][0]["thumbnail_url"]
    assert genuine in url
    response = await client.get(url.replace(genuine, forged, 1))
    assert (response.status_code, response.text) == (403, "URL signature mismatch")


async def test_after_its_expiry_a_url_is_dead_and_a_new_answer_has_a_live_one(
    client: httpx.AsyncClient, clock: SteppedClock
) -> None:
    url = (await highlight(client))["items"][0]["thumbnail_url"]
    clock.seconds = expiry(url) - NOON - 1
    assert (await client.get(url)).status_code == 200
    clock.seconds += 1
    dead = await client.get(url)
    assert (dead.status_code, dead.text) == (403, "URL signature expired")
    assert dead.headers["content-type"].startswith("text/plain")
    fresh = (await highlight(client))["items"][0]["thumbnail_url"]
    assert (await client.get(fresh)).status_code == 200


async def test_answers_of_one_minute_are_the_same_bytes_and_later_ones_are_signed_anew(
    client: httpx.AsyncClient, clock: SteppedClock
) -> None:
    first = await highlight(client)
    clock.seconds = 59
    assert await highlight(client) == first
    clock.seconds = 60
    later = await highlight(client)
    assert expiry(later["items"][0]["thumbnail_url"]) == expiry(first["items"][0]["thumbnail_url"]) + 60


async def test_pictures_of_what_was_deleted_live_on_until_they_expire(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    answer = await highlight(client)
    sandbox.world.delete_highlight(int(answer["pk"]))
    for url in (answer["items"][0]["thumbnail_url"], answer["cover_media"]["cropped_image_version"]["url"]):
        assert (await client.get(url)).status_code == 200


async def test_under_a_prefix_the_urls_lead_back_to_the_app() -> None:
    app = Starlette(
        routes=[Mount("/sandbox", create_sandbox(clock=SteppedClock(), base_url=f"{ORIGIN}/sandbox/"))],
    )
    async with client_of(app, KEY) as client:
        answer = await highlight(client, "/sandbox")
        assert (await client.get(answer["items"][0]["thumbnail_url"])).status_code == 200
