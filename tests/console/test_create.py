"""A highlight, made in the browser."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from tests.console.page import Console, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The sandbox takes its time over media, as the platform does.
DONE = 60_000  # milliseconds
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const zone = document.querySelector("[data-testid=drop]");
  for (const type of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: dropped }));
}"""


def photo() -> bytes:
    """A JPEG of a story's shape: red above, green below."""
    image = Image.new("RGB", (720, 1280), (200, 30, 60))
    image.paste((30, 160, 90), (0, 640, 720, 1280))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


async def drop(console: Console, name: str, data: bytes | None = None) -> None:
    await console.page.get_by_test_id("drop").wait_for()
    await console.page.evaluate(DROP, [base64.b64encode(data or photo()).decode(), name])


async def names(console: Console) -> list[str]:
    found = await console.page.locator(".hg-medium-name").all_inner_texts()
    return [text.splitlines()[0] for text in found]


async def test_a_dropped_file_becomes_a_highlight_at_the_top_of_the_tray(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        await panel.get_by_label("Title").fill("Dropped here")
        await drop(console, "field.jpg")
        await panel.get_by_label("URL of a medium").fill("https://example.com/waves.jpg")
        await console.page.keyboard.press("Enter")
        await panel.get_by_role("button", name="Create the highlight").click()
        states = panel.get_by_test_id("medium-state")
        await expect(states.first).to_have_text(re.compile("^(Upload|Process|Publish)"))
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)
        await expect(states).to_have_text(["Published", "Published"])
        await panel.get_by_role("button", name="Show it in the tray").click()
        ring = console.page.get_by_test_id("tray").locator(".hg-ring-button").first
        await expect(ring).to_contain_text("Dropped here")
        await ring.click()
        player = console.page.get_by_test_id("player")
        await expect(player.locator(".hg-segment")).to_have_count(2)
        await expect(player.locator("figure > img")).to_be_visible()


async def test_media_are_put_in_order_and_the_cover_stays_with_its_medium(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await drop(console, name)
        await panel.get_by_role("radio").nth(1).check()
        await panel.get_by_role("button", name="Move up: three.jpg").click()
        assert await names(console) == ["one.jpg", "three.jpg", "two.jpg"]
        await expect(panel.get_by_role("radio").nth(2)).to_be_checked()
        await panel.get_by_role("button", name="Remove: one.jpg").click()
        assert await names(console) == ["three.jpg", "two.jpg"]
        await panel.locator(".hg-media li").nth(0).drag_to(panel.locator(".hg-media li").nth(1))
        assert await names(console) == ["two.jpg", "three.jpg"]
        await expect(panel.get_by_role("radio").nth(0)).to_be_checked()


async def test_a_dropped_picture_is_shown_before_it_is_sent(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.show("Create")
        await drop(console, "field.jpg")
        drawn = console.page.locator(".hg-drawn")
        await expect(drawn).to_be_visible()
        shown = Image.open(io.BytesIO(await drawn.screenshot())).convert("RGB")
        assert shown.getpixel((18, 12)) == pytest.approx((200, 30, 60), abs=12)
        assert shown.getpixel((18, 52)) == pytest.approx((30, 160, 90), abs=12)


async def test_what_is_wrong_with_the_input_is_told_at_its_field(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        await panel.get_by_label("Title").fill("A title that is far too long")
        await panel.get_by_label("URL of a medium").fill("https://127.0.0.1/one.jpg")
        await panel.get_by_role("button", name="Add").click()
        await panel.get_by_role("button", name="Create the highlight").click()
        problems = panel.get_by_role("alert")
        await expect(problems).to_contain_text("title")
        await expect(problems).to_contain_text("media.0")
