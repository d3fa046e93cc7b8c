"""Highlights as they look: pictures that are drawn, videos that run."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, expect

from tests.console.page import Console, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRAWN = "[...document.querySelectorAll('.hg-ring img')].every(image => image.naturalWidth > 0)"
ITEMS = """{
  highlight(by: { id: "17902817445546428" }) {
    id title items { nodes { id thumbnailUrl videoUrl takenAt } }
  }
}"""
MISSING = (
    '{ highlight(by: { id: "17901792374438633" }) { id title missingItemIds items { nodes { id thumbnailUrl } } } }'
)


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


async def test_a_ring_whose_items_were_not_asked_for_fetches_and_plays_them(unasked: str, browser: Browser) -> None:
    async with opened(browser, unasked) as console:
        await console.run()
        player = await playing(console)
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
        await expect(rings).to_have_count(3)
        await expect(rings.first.locator(".hg-initial")).to_have_text("G")
