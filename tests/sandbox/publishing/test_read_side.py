"""What was created is what the read API shows, by whichever way it is asked for."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.domain import ids
from gateway.sandbox import Sandbox, create_sandbox, fixture_users
from gateway.sandbox.pictures import Frame
from gateway.sandbox.uploaded_media import Gallery, Shots
from tests.sandbox import contract
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of
from tests.sandbox.publishing.media import BLUE, RED, film, halves, jpeg
from tests.sandbox.publishing.platform_client import NATGEO, SESSION, Press, done
from tests.sandbox.test_recorded import recorded


async def read(client: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    return done(await client.get(f"/v1/{path}", params=query))


async def test_a_created_highlight_heads_the_tray_by_id_and_by_name(press: Press, client: httpx.AsyncClient) -> None:
    profile = await read(client, "user/by/id", id=NATGEO)
    older, newer = await press.highlight("Older"), await press.highlight("Newer", 3)
    trays = [
        await read(client, "user/highlights", user_id=NATGEO),
        await read(client, "user/highlights/by/username", username="natgeo"),
    ]
    for tray, recording in zip(trays, ("user_highlights", "user_highlights_by_username"), strict=True):
        msgspec.convert(tray, list[contract.TrayEntry])
        assert [(entry["pk"], entry["title"]) for entry in tray[:2]] == [
            (newer["pk"], "Newer"),
            (older["pk"], "Older"),
        ]
        assert tray[0]["media_count"] == 3
        assert tray[2:] == json.loads(recorded(recording)), "the recorded entries stay as they were"
    assert [entry["pk"] for entry in await read(client, "user/highlights", user_id=NATGEO, amount=1)] == [newer["pk"]]
    assert await read(client, "user/by/id", id=NATGEO) == profile


async def test_it_is_found_by_id_by_url_and_by_its_items(press: Press, client: httpx.AsyncClient) -> None:
    made = await press.highlight("Found", 2)
    by_id = await read(client, "highlight/by/id", id=made["pk"])
    assert by_id == await read(client, "highlight/by/url", url=ids.highlight_url(made["pk"])) == made
    assert by_id == await read(client, "highlight/by/url", url=ids.share_url(made["pk"]))
    for item in by_id["items"]:
        story = await read(client, "story/by/id", id=item["id"])
        assert msgspec.convert(story, contract.Story) == msgspec.convert(item, contract.Story)
        assert story["product_type"] == "story"
        assert not any(story[name] for name in ("mentions", "links", "hashtags", "locations", "stickers", "medias"))


async def test_until_something_is_created_recorded_trays_are_byte_for_byte(
    press: Press, client: httpx.AsyncClient
) -> None:
    async def tray() -> bytes:
        return (await client.get("/v1/user/highlights", params={"user_id": NATGEO})).content

    story = await press.story()
    assert await tray() == recorded("user_highlights"), "a story alone is no highlight"
    made = done(await press.create([story["id"]]), 201)
    assert await tray() != recorded("user_highlights")
    await press.delete(f"/highlights/{made['pk']}")
    assert await tray() == recorded("user_highlights")


async def test_what_is_deleted_is_gone_for_readers(press: Press, client: httpx.AsyncClient) -> None:
    made = await press.highlight()
    await press.delete(f"/highlights/{made['pk']}")
    assert (await client.get("/v1/highlight/by/id", params={"id": made["pk"]})).status_code == 404


async def test_a_renamed_account_renames_what_it_created(
    press: Press, client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    made = await press.highlight()
    sandbox.world.rename(fixture_users.NATGEO.pk, "geo")
    assert (await read(client, "highlight/by/id", id=made["pk"]))["user"]["username"] == "geo"
    assert (await read(client, "user/highlights/by/username", username="geo"))[0]["pk"] == made["pk"]


def colour(picture: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    pixel = picture.convert("RGB").getpixel((int(x * picture.width), int(y * picture.height)))
    assert isinstance(pixel, tuple)
    return int(pixel[0]), int(pixel[1]), int(pixel[2])


def near(seen: tuple[int, int, int], meant: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(seen, meant, strict=True))


async def shown(client: httpx.AsyncClient, url: str) -> Image.Image:
    response = await client.get(url)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    image = Image.open(io.BytesIO(response.content))
    image.load()
    return image


async def test_the_pictures_served_are_the_pixels_uploaded(press: Press, client: httpx.AsyncClient) -> None:
    story = (await press.story(halves()))["id"]
    made = done(await press.create([story]), 201)
    picture = await shown(client, made["items"][0]["thumbnail_url"])
    assert (picture.format, picture.size) == ("JPEG", (90, 160))
    assert near(colour(picture, 0.5, 0.2), RED)
    assert near(colour(picture, 0.5, 0.8), BLUE)
    cover = await shown(client, made["cover_media"]["cropped_image_version"]["url"])
    assert cover.size == (150, 150)
    assert near(colour(cover, 0.5, 0.2), RED)
    assert near(colour(cover, 0.5, 0.8), BLUE)


async def test_a_cover_of_its_own_and_a_new_one_are_the_ones_shown(press: Press, client: httpx.AsyncClient) -> None:
    story = (await press.story(jpeg(RED)))["id"]
    own = done(await press.upload(jpeg(BLUE)), 201)["id"]
    made = done(await press.create([story], cover_media_id=own), 201)
    before = made["cover_media"]["cropped_image_version"]["url"]
    assert near(colour(await shown(client, before), 0.5, 0.5), BLUE)
    edited = done(await press.post(f"/highlights/{made['pk']}/edit", json={"cover_media_id": story}))
    after = edited["cover_media"]["cropped_image_version"]["url"]
    assert near(colour(await shown(client, after), 0.5, 0.5), RED)
    assert near(colour(await shown(client, before), 0.5, 0.5), BLUE), "a URL never changes its picture"


async def test_a_chosen_part_is_what_the_cover_shows(client: httpx.AsyncClient) -> None:
    upload = await client.post("/aiograpi/story/upload", headers=SESSION, files={"file": ("a.jpg", halves())})
    story = done(upload)["id"]
    for corners, meant in (((0, 0.5, 1, 1), BLUE), ((0, 0, 1, 0.5), RED)):
        sent = {"title": "Cut", "story_ids": [story], "cover_story_id": story, "crop_rect": list(map(str, corners))}
        made = done(await client.post("/aiograpi/highlight", headers=SESSION, data=sent))
        assert made["cover_media"]["crop_rect"] == list(corners)
        cover = await shown(client, made["cover_media"]["cropped_image_version"]["url"])
        assert near(colour(cover, 0.5, 0.05), meant)
        assert near(colour(cover, 0.5, 0.95), meant)


async def test_large_pictures_are_made_smaller_and_turned_upright(press: Press, client: httpx.AsyncClient) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    Image.new("RGB", (4000, 2250), RED).save(buffer, "JPEG", exif=exif)
    story = (await press.story(buffer.getvalue()))["id"]
    made = done(await press.create([story]), 201)
    assert (await shown(client, made["items"][0]["thumbnail_url"])).size == (1080, 1920)


async def test_a_film_is_served_as_it_was_uploaded_with_a_drawn_poster(
    press: Press, client: httpx.AsyncClient, clock: SteppedClock
) -> None:
    data = film(seconds=12.5)
    upload = done(await press.upload(data, "VIDEO"), 202)["id"]
    clock.seconds = 2
    story = done(await press.publish(upload), 201)["id"]
    item = done(await press.create([story]), 201)["items"][0]
    assert (item["media_type"], item["video_duration"]) == (2, 12.5)
    served = await client.get(item["video_url"])
    assert (served.headers["content-type"], served.content) == ("video/mp4", data)
    assert (await shown(client, item["thumbnail_url"])).size == (360, 640)


@pytest.mark.parametrize(("media_type", "number"), [("IMAGE", 1), ("VIDEO", 2)])
async def test_a_linked_medium_is_drawn(
    press: Press, client: httpx.AsyncClient, clock: SteppedClock, media_type: str, number: int
) -> None:
    upload = done(await press.link(media_type=media_type), 202)["id"]
    clock.seconds = 2
    story = done(await press.publish(upload), 201)["id"]
    item = done(await press.create([story]), 201)["items"][0]
    assert item["media_type"] == number
    assert (await shown(client, item["thumbnail_url"])).size == (360, 640)
    if number == 2:
        clip = await client.get(item["video_url"])
        assert clip.content[4:8] == b"ftyp"


async def test_an_item_published_again_looks_as_it_did(press: Press, client: httpx.AsyncClient) -> None:
    item = done(await press.get("/highlights/17983616051768088"))["items"][0]
    again = done(await press.publish(item["id"]), 201)["id"]
    made = done(await press.create([again]), 201)["items"][0]
    before, after = [await shown(client, each["thumbnail_url"]) for each in (item, made)]
    assert near(colour(before, 0.1, 0.1), colour(after, 0.1, 0.1))


async def test_mounted_under_a_prefix_everything_leads_back_to_the_app() -> None:
    sandbox = create_sandbox(clock=SteppedClock(), base_url=f"{ORIGIN}/sandbox")
    async with client_of(Starlette(routes=[Mount("/sandbox", sandbox)])) as client:
        press = Press(client, prefix="/sandbox")
        for _ in range(2):
            made = await press.highlight()
        assert near(colour(await shown(client, made["items"][0]["thumbnail_url"]), 0.5, 0.5), RED)
        tray = done(await press.get("/users/self/highlights", limit=1))
        following = done(await client.get(tray["paging"]["next"], headers=press.headers))
        assert following["data"][0]["pk"] != tray["data"][0]["pk"] == made["pk"]


def test_the_gallery_is_bounded_and_keeps_what_was_seen_last() -> None:
    gallery = Gallery(capacity=100)
    for pk in (1, 2):
        gallery.hang(pk, Shots(story=bytes(40), cover=bytes(5)))
    gallery.share(10, 1)
    assert gallery.picture(Frame.STORY, 10) == bytes(40)
    gallery.hang(3, Shots(film=bytes(50)))
    assert [gallery.picture(Frame.COVER, pk) for pk in (10, 2)] == [bytes(5), None]
    gallery.hang(4, Shots(film=bytes(101)))
    assert [gallery.film(pk) for pk in (3, 4)] == [None, None]
    assert (gallery.name(10), gallery.name(4)) == (1, 4)
