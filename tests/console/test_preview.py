"""Highlights as they look: pictures that are drawn, videos that run."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, Route, expect

from tests.console.page import Console, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRAWN = "[...document.querySelectorAll('.hg-ring img')].every(image => image.naturalWidth > 0)"
ITEMS = """{
  highlight(by: { id: "17902817445546428" }) {
    id title items { nodes { id thumbnailUrl videoUrl takenAt } }
  }
}"""
MISSING = (
    '{ highlight(by: { id: "17901792374438633" }) { id title missingItemIds items { nodes { id thumbnailUrl } } } }'
)


PRIVATE = "private.person Private accountUser 'private.person' belongs to a private account."
MISSING_USER = "Not foundUser 'not.here.at.all' was not found."
ABSENT = """{
  users(by: [{ username: "private.person" }, { username: "not.here.at.all" }, { id: "2610000190" }]) {
    id username profilePictureUrl(proxied: true) highlights { nodes { id title } }
  }
}"""


async def playing(console: Console, number: int = 0) -> Locator:
    panel = await console.show("Preview")
    await panel.locator(".hg-ring-button").nth(number).click()
    return console.page.get_by_test_id("player")


async def colours(place: Locator) -> int:
    """How many a screenshot of it has."""
    picture = Image.open(io.BytesIO(await place.screenshot())).convert("RGB").resize((90, 160))
    found: Any = picture.getcolors(90 * 160)
    return len(found)


async def test_a_tray_is_shown_as_rings_with_covers_that_are_drawn(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.run()
        rings = (await console.show("Preview")).locator(".hg-ring img")
        await expect(rings).to_have_count(30)
        await console.until(DRAWN)
        assert await colours(rings.first) > 20


async def test_a_ring_whose_items_were_not_asked_for_fetches_and_plays_them(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.run()
        player = await playing(console, 17)  # which no other test plays
        photo = player.locator("figure > img, figure > video")
        await expect(photo).to_be_visible()
        await expect(player).to_contain_text("charged 1")
        assert await colours(player.locator("figure")) > 20


async def test_photos_and_videos_play_one_after_the_other(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type(ITEMS)
        await console.run()
        player = await playing(console)
        photo = player.locator("figure > img")
        await expect(photo).to_be_visible()
        await console.until("document.querySelector('figure > img').naturalWidth > 0")
        assert await colours(player.locator("figure")) > 20
        await expect(player.locator(".hg-segment")).to_have_count(20)
        await console.page.keyboard.press("ArrowRight")
        await console.until("document.querySelector('figure > video')?.currentTime > 0.2")
        await console.page.keyboard.press("ArrowLeft")
        await expect(photo).to_be_visible()
        frame = await player.locator(".hg-phone").bounding_box()
        assert frame is not None
        assert frame["width"] / frame["height"] == pytest.approx(9 / 16, abs=0.01)


async def test_a_tap_on_the_sides_goes_forth_and_back_and_escape_leaves(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type(ITEMS)
        await console.run()
        player = await playing(console)
        told = player.locator("[aria-live]")
        await player.locator(".hg-next").click()
        await expect(told).to_have_text("Item 2 of 20")
        await player.locator(".hg-back").click()
        await expect(told).to_have_text("Item 1 of 20")
        await console.page.keyboard.press("Escape")
        await expect(player).to_have_count(0)


async def test_mentions_and_links_lie_where_the_item_has_them(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.example("Complete highlight")
        await console.run()
        player = await playing(console)
        mention = player.locator(".hg-mention").first
        await expect(mention).to_have_text("@noble.glacier")
        await expect(mention).to_have_attribute("href", "https://www.instagram.com/noble.glacier/")
        frame, place = await player.locator("figure").bounding_box(), await mention.bounding_box()
        assert frame is not None
        assert place is not None
        assert (place["x"] + place["width"] / 2 - frame["x"]) / frame["width"] == pytest.approx(0.2868, abs=0.01)
        assert (place["y"] + place["height"] / 2 - frame["y"]) / frame["height"] == pytest.approx(0.1328, abs=0.01)


async def test_items_that_are_missing_are_shown_as_such(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type(MISSING)
        await console.run()
        await expect((await console.show("Preview")).locator(".hg-ring-button")).to_contain_text("9, 3 missing")
        player = await playing(console)
        await expect(player.locator(".hg-segment-missing")).to_have_count(3)
        await console.page.keyboard.press("End")
        await expect(player).to_contain_text("Not handed out any more")


async def test_nothing_moves_by_itself_for_who_asked_for_that(served: str, browser: Browser) -> None:
    async with opened(browser, served, reduced_motion="reduce") as console:
        await console.type(ITEMS)
        await console.run()
        player = await playing(console)
        await expect(player.locator("figure > img")).to_be_visible()
        await expect(player.locator(".hg-runs")).to_have_count(0)
        await console.page.keyboard.press("ArrowRight")
        await console.until("document.querySelector('figure > video')?.readyState >= 2")
        assert await console.page.evaluate("document.querySelector('figure > video').paused")


async def test_pictures_of_other_sites_are_not_fetched(served: str, browser: Browser) -> None:
    """The recorded tray's covers are on Instagram's servers, which would refuse to show them here."""
    async with opened(browser, served) as console:
        await console.type(
            '{ user(by: { id: "787132" }) { username highlights { nodes { id title cover { url } } } } }'
        )
        await console.run()
        rings = (await console.show("Preview")).locator(".hg-ring-button")
        # Beside them may be highlights that other tests have made, whose covers are here.
        initials = rings.locator(".hg-initial")
        await expect(initials).to_have_count(3)
        await expect(initials.first).to_have_text("G")


async def test_private_and_missing_users_are_shown_as_such(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type(ABSENT)
        await console.run()
        panel = await console.show("Preview")
        absent = panel.get_by_test_id("absent")
        await expect(absent).to_have_text([PRIVATE, MISSING_USER])
        await expect(absent.first.locator("img")).to_be_visible()
        await expect(panel.locator(".hg-ring-button")).to_have_count(2)
        await console.type('{ user(by: { username: "not.here.at.all" }) { id } }')
        await console.run()
        await expect(absent).to_have_text([MISSING_USER])
        await expect(panel).not_to_contain_text("Run an operation")


async def test_an_answer_without_a_preview_is_told_so(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Preview")
        await expect(panel).not_to_contain_text("Nothing in this answer has a preview.")
        await console.type('{ user(by: { username: "empty.list" }) { username highlights { nodes { id } } } }')
        await console.run()
        await expect(panel).to_contain_text("Nothing in this answer has a preview.")


async def test_pictures_of_samples_and_of_the_player_come_by_way_of_the_gateway(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        asked: set[str] = set()
        console.page.on("request", lambda request: asked.add(urlsplit(request.url).path.split("/")[1]))
        await console.run()
        await (await console.show("Preview")).locator(".hg-ring img").first.wait_for()
        player = await playing(console)
        await expect(player.locator("figure > img, figure > video")).to_be_visible()
        await console.page.keyboard.press("Escape")
        for name in ("Highlight by id", "Complete highlight", "Play highlight"):
            await console.example(name)
            await console.run()
            player = await playing(console)
            await expect(player.locator("figure > img, figure > video, .hg-ghost").first).to_be_visible()
            await console.page.keyboard.press("Escape")
        console.forgive("502")
    assert "media" in asked
    assert "sandbox" not in asked


async def test_a_photo_fits_the_frame_on_a_blurred_ground(served: str, browser: Browser) -> None:
    """A square with a border: all of it is seen, and above and below is its colour, not black."""
    square = Image.new("RGB", (600, 600), (240, 240, 240))
    square.paste((20, 90, 200), (40, 40, 560, 560))
    buffer = io.BytesIO()
    square.save(buffer, "PNG")
    async with opened(browser, served) as console:

        async def drawn(route: Route) -> None:
            await route.fulfill(body=buffer.getvalue(), content_type="image/png")

        await console.page.route("**/sandbox/cdn/**", drawn)
        await console.type(ITEMS)
        await console.run()
        player = await playing(console)
        await console.page.keyboard.press("Space")
        await console.until("document.querySelector('figure > img')?.naturalWidth === 600")
        frame = Image.open(io.BytesIO(await player.locator("figure").screenshot())).convert("RGB")
    width, height = frame.size
    top = (height - width) // 2
    border, inside, ground = (frame.getpixel((width // 2, top + at)) for at in (width // 60, width // 3, -top // 3))
    assert border == pytest.approx((240, 240, 240), abs=12)
    assert inside == pytest.approx((20, 90, 200), abs=12)
    assert isinstance(ground, tuple)
    assert ground[2] > 60
    assert ground[2] > 2 * ground[0]


async def test_what_was_said_of_the_answer_before_goes_with_it(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type('{ highlight(by: { id: "17902562332205232" }) { id title } }')
        await console.run()
        panel = await console.show("Preview")
        await console.page.route("**/graphql", lambda route: route.abort())
        await panel.locator(".hg-ring-button").click()
        await expect(panel.get_by_role("alert")).to_be_visible()
        await console.page.unroute("**/graphql")
        await console.run()
        await expect(panel.get_by_role("alert")).to_have_count(0)
        console.complaints = [text for text in console.complaints if "ERR_FAILED" not in text]


async def test_long_names_leave_room_and_are_read_from_their_own_side(served: str, browser: Browser) -> None:
    highlight = {"id": "highlight:1", "title": "قصص السفر الطويلة"}
    user = {"fullName": "Aname" * 20, "isPrivate": True, "highlights": {"nodes": [highlight]}}
    async with opened(browser, served) as console:

        async def answer(route: Route) -> None:
            await route.fulfill(json={"data": {"user": user}})

        panel = await console.show("Preview")
        await console.page.route("**/graphql", answer)
        await console.run()
        count = await panel.locator(".hg-owner small").bounding_box()
        whole = await panel.bounding_box()
        assert count is not None
        assert whole is not None
        assert count["x"] + count["width"] <= whole["x"] + whole["width"]
        await expect(panel.locator(".hg-ring-title")).to_have_css("direction", "rtl")
