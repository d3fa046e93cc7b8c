"""The example frontend in a browser, before a gateway on the embedded sandbox."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, Route, expect

from gateway.clients import Right
from gateway.clients.editing import add_key
from gateway.settings import Settings
from tests.console.page import Console, emptied
from tests.console.test_access import axe, violations
from tests.examples.conftest import gateway_of, vite

__all__ = ["axe"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

TELEPHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DRAWN = "[...document.querySelectorAll('.cover img')].every(image => image.complete && image.naturalWidth > 0)"


@asynccontextmanager
async def tray_of(browser: Browser, url: str, username: str, **options: Any) -> AsyncIterator[Console]:
    """The page with this user's rings. Afterwards the browser must not have had anything to complain about."""
    async with emptied(browser, url, **options) as console:
        await console.page.goto(f"{url}/?user={username}")
        await expect(console.page.locator("h1")).to_contain_text(username)
        yield console


async def playing(console: Console, number: int = 0) -> Locator:
    await console.page.locator(".ring").nth(number).click()
    player = console.page.get_by_role("dialog")
    await expect(player).to_be_visible()
    return player


async def colours(place: Locator) -> int:
    """How many a screenshot of it has."""
    picture = Image.open(io.BytesIO(await place.screenshot())).convert("RGB").resize((90, 160))
    found: Any = picture.getcolors(90 * 160)
    return len(found)


def bill(console: Console) -> Locator:
    return console.page.get_by_role("contentinfo")


@pytest.fixture(scope="module")
def unasked_url(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the page in front of a gateway that has bought nothing yet: each test asks it of another user."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("unasked"))
    with gateway_of(settings) as gateway, vite(project, "preview", HIGHLIGHTS_URL=gateway) as url:
        yield url


async def test_a_tray_is_shown_as_rings_and_the_footer_says_what_it_cost(unasked_url: str, browser: Browser) -> None:
    """The user is named in the form, as people do. Nothing is asked before, and a second look is free."""
    async with emptied(browser, unasked_url) as console:
        await console.page.goto(unasked_url)
        await expect(bill(console).get_by_role("status")).to_have_text("0 billed requests")
        await expect(console.page.get_by_label("User name")).to_be_focused()
        await console.page.keyboard.type("@thirty.highlights")
        await console.page.keyboard.press("Enter")
        rings = console.page.locator(".ring")
        await expect(rings).to_have_count(30)
        await expect(bill(console).get_by_role("status")).to_have_text("3 billed requests")
        await expect(bill(console).get_by_role("listitem")).to_have_text(["3 tray of thirty.highlights"])
        await rings.last.scroll_into_view_if_needed()
        await console.until(DRAWN)
        assert await colours(rings.first.locator(".cover")) > 20
        await console.page.get_by_role("button", name="Show").click()
        await expect(bill(console).get_by_role("listitem").first).to_have_text("0 tray of thirty.highlights")


async def test_a_click_plays_and_the_footer_says_what_that_cost(unasked_url: str, browser: Browser) -> None:
    async with tray_of(browser, unasked_url, "photos.and.videos") as console:
        player = await playing(console)
        await expect(player.locator(".segment")).to_have_count(20)
        await console.until("document.querySelector('.medium img')?.naturalWidth > 0")
        assert await colours(player.locator(".medium")) > 20
        frame = await player.locator(".phone").bounding_box()
        assert frame is not None
        assert frame["width"] / frame["height"] == pytest.approx(9 / 16, abs=0.01)
        await expect(bill(console).get_by_text("1 Turns")).to_be_attached()


async def test_photos_and_videos_are_gone_through_by_keyboard(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "photos.and.videos") as console:
        ring = console.page.locator(".ring").first
        await ring.focus()
        await console.page.keyboard.press("Enter")
        player = console.page.get_by_role("dialog", name="Highlight Turns")
        told = player.locator("[aria-live]")
        await expect(told).to_have_text("Item 1 of 20")
        await console.page.keyboard.press("ArrowRight")
        await expect(told).to_have_text("Item 2 of 20")
        await console.until("document.querySelector('.medium video')?.currentTime > 0.2")
        await console.page.keyboard.press("Space")
        await console.until("document.querySelector('.medium video').paused")
        await console.page.keyboard.press("m")
        await expect(player.get_by_role("button", name="Sound off")).to_be_visible()
        await console.page.keyboard.press("ArrowLeft")
        await expect(player.locator(".medium img")).to_be_visible()
        await console.page.keyboard.press("End")
        await expect(told).to_have_text("Item 20 of 20")
        await console.page.keyboard.press("ArrowRight")
        await expect(player).to_have_count(0)
        await expect(ring).to_be_focused()


async def test_a_photo_gives_way_to_what_follows_by_itself(page_url: str, browser: Browser) -> None:
    """Its time is moved on by hand: to the end of the five seconds."""
    async with tray_of(browser, page_url, "photos.and.videos") as console:
        player = await playing(console)
        await console.until("document.getAnimations().some(one => one.playState === 'running')")
        await console.page.evaluate("document.getAnimations().forEach(one => one.finish())")
        await expect(player.locator("[aria-live]")).to_have_text("Item 2 of 20")


async def test_a_video_that_does_not_come_is_told_and_passed_over(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "photos.and.videos") as console:
        page = console.page
        player = await playing(console)
        await expect(player.locator(".medium img")).to_be_visible()
        await page.route("**/media/*", gone)
        await page.keyboard.press("ArrowRight")
        await expect(player).to_contain_text("This item cannot be shown")
        await page.unroute("**/media/*")
        await console.until("document.getAnimations().some(one => one.playState === 'running')")
        await page.evaluate("document.getAnimations().forEach(one => one.finish())")
        await expect(player.locator("[aria-live]")).to_have_text("Item 3 of 20")
        console.forgive("410")


async def gone(route: Route) -> None:
    await route.fulfill(status=410)


async def test_a_tap_on_the_sides_goes_forth_and_back(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "photos.and.videos", **TELEPHONE) as console:
        player = await playing(console)
        told = player.locator("[aria-live]")
        await player.get_by_role("button", name="Next item").tap()
        await expect(told).to_have_text("Item 2 of 20")
        await player.get_by_role("button", name="Previous item").tap()
        await expect(told).to_have_text("Item 1 of 20")


async def test_a_finger_that_stays_makes_the_item_stand(page_url: str, browser: Browser) -> None:
    """Until it is lifted, which is no tap."""
    async with tray_of(browser, page_url, "photos.and.videos") as console:
        console.is_reusable = False
        await console.page.clock.install()
        player = await playing(console)
        await console.page.keyboard.press("ArrowRight")
        await console.until("document.querySelector('.medium video')?.currentTime > 0.1")
        await player.get_by_role("button", name="Next item").hover()
        await console.page.mouse.down()
        await console.until("document.querySelector('.medium video').paused")
        await console.page.clock.fast_forward(1_000)
        await console.page.mouse.up()
        await console.until("!document.querySelector('.medium video').paused")
        await expect(player.locator("[aria-live]")).to_have_text("Item 2 of 20")


async def test_mentions_and_links_lie_where_the_item_has_them(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "every.attachment") as console:
        player = await playing(console)
        await console.page.keyboard.press("Space")
        link = player.locator(".sticker.link")
        await expect(link).to_have_attribute("href", "https://example.net/read/the-long-way-home")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        mention = player.get_by_role("link", name="@noble.glacier")
        frame, place = await player.locator(".frame").bounding_box(), await mention.bounding_box()
        assert frame is not None
        assert place is not None
        assert (place["x"] + place["width"] / 2 - frame["x"]) / frame["width"] == pytest.approx(0.2868, abs=0.01)
        assert (place["y"] + place["height"] / 2 - frame["y"]) / frame["height"] == pytest.approx(0.1328, abs=0.01)
        await mention.click()
        await expect(player).to_have_count(0)
        await expect(console.page.locator("h1")).to_have_text("noble.glacier")
        await console.page.go_back()
        await expect(console.page.locator("h1")).to_have_text("every.attachment")


async def test_items_that_are_missing_are_told(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "dropped.items") as console:
        player = await playing(console)
        await expect(player).to_contain_text("3 items are missing: deleted, or private by now")
        await expect(player.locator(".segment")).to_have_count(9)
        await console.page.keyboard.press("Escape")
        player = await playing(console, 1)
        await expect(player).to_contain_text("There is nothing to show.")


@pytest.mark.parametrize(
    ("username", "code", "title"),
    [
        ("private.person", "PRIVATE_ACCOUNT", "This account is private"),
        ("not.here.at.all", "NOT_FOUND", "Nobody is there"),
        ("a b", "BAD_USER_INPUT", "That is no user name"),
    ],
)
async def test_an_error_is_told_by_its_code(
    username: str, code: str, title: str, page_url: str, browser: Browser
) -> None:
    async with emptied(browser, page_url) as console:
        await console.page.goto(f"{page_url}/?user={username}")
        trouble = console.page.get_by_role("alert")
        await expect(trouble).to_have_attribute("data-code", code)
        await expect(trouble).to_contain_text(title)
        await expect(trouble.get_by_role("button")).to_have_count(0)
        console.forgive("400")


async def test_an_unreachable_gateway_is_told_and_can_be_tried_again(project: Path, browser: Browser) -> None:
    with vite(project, "preview", HIGHLIGHTS_URL="http://127.0.0.1:1") as url:
        async with emptied(browser, url) as console:
            await console.page.goto(f"{url}/?user=natgeo")
            trouble = console.page.get_by_role("alert")
            await expect(trouble).to_have_attribute("data-code", "UNREACHABLE")
            async with console.page.expect_request("**/graphql"):
                await trouble.get_by_role("button", name="Try again").click()
            await expect(trouble).to_be_visible()
            console.forgive("500")


async def test_documents_are_named_so_that_a_gateway_which_trusts_only_its_own_answers(
    project: Path, browser: Browser, tmp_path: Path
) -> None:
    """And the key is added on the way: the page holds none."""
    file = tmp_path / "clients.toml"
    key = add_key(file, "web", allowance={}, ceiling=None, rights={Right.READ})
    settings = Settings(data_dir=tmp_path, clients_file=file, documents="trusted")
    with (
        gateway_of(settings) as gateway,
        vite(project, "preview", HIGHLIGHTS_URL=gateway, HIGHLIGHTS_KEY=key) as url,
    ):
        async with tray_of(browser, url, "thirty.highlights") as console:
            async with console.page.expect_request("**/graphql") as asked:
                await playing(console)
            request = await asked.value
            assert set(request.post_data_json or ()) == {"documentId", "variables"}
            assert "authorization" not in await request.all_headers()


async def test_a_document_that_the_gateway_does_not_know_is_sent(page_url: str, browser: Browser) -> None:
    """As from a page that is newer than its gateway."""
    async with emptied(browser, page_url) as console:
        page = console.page
        await page.route("**/assets/*.js", strange)
        await page.goto(f"{page_url}/?user=thirty.highlights")
        await expect(page.locator(".ring")).to_have_count(30)
        console.forgive("400")


async def strange(route: Route) -> None:
    """Hands the page on, with hashes that no gateway knows."""
    answer = await route.fetch()
    text = await answer.text()
    assert text.count('"sha256:') == 2
    await route.fulfill(response=answer, body=text.replace('"sha256:', '"sha256:0'))


async def test_it_is_served_while_it_is_written(project: Path, gateway: str, browser: Browser) -> None:
    """`npm run dev`, after its codegen."""
    with vite(project, "dev", HIGHLIGHTS_URL=gateway) as url:
        async with tray_of(browser, url, "every.attachment") as console:
            player = await playing(console)
            await console.until("document.querySelector('.medium video')?.currentTime > 0.1")
            assert await colours(player.locator(".medium")) > 20


async def test_nothing_moves_by_itself_for_who_asked_for_that(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "every.attachment", reduced_motion="reduce") as console:
        player = await playing(console)
        await expect(player.get_by_role("button", name="Play")).to_be_focused()
        await console.until("document.querySelector('.medium video')?.readyState >= 2")
        assert await console.page.evaluate("document.querySelector('.medium video').paused")
        await console.page.keyboard.press("Space")
        await console.until("document.querySelector('.medium video').currentTime > 0.1")


@pytest.mark.parametrize("options", [{}, TELEPHONE], ids=["desktop", "telephone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(
    scheme: str, options: dict[str, Any], page_url: str, browser: Browser, axe: str
) -> None:
    async with tray_of(browser, page_url, "every.attachment", color_scheme=scheme, **options) as console:
        assert await violations(console, axe) == []
        await playing(console)
        assert await violations(console, axe) == []


async def test_a_telephone_shows_all_of_it(page_url: str, browser: Browser) -> None:
    async with tray_of(browser, page_url, "thirty.highlights", **TELEPHONE) as console:
        assert await console.page.evaluate("document.documentElement.scrollWidth") <= 390
        player = await playing(console)
        frame = await player.locator(".phone").bounding_box()
        assert frame is not None
        assert frame["width"] == 390
