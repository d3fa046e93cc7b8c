"""A highlight, made in the browser."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, expect

from tests.console.page import Console, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The sandbox takes its time over media, as the platform does.
DONE = 60_000  # milliseconds
DROP = """([data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], name, { type }));
  const zone = document.querySelector("[data-testid=drop]");
  for (const event of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer: dropped }));
}"""


def photo() -> bytes:
    """A JPEG of a story's shape: red above, green below."""
    image = Image.new("RGB", (720, 1280), (200, 30, 60))
    image.paste((30, 160, 90), (0, 640, 720, 1280))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


async def drop(console: Console, name: str, data: bytes | None = None, kind: str = "image/jpeg") -> None:
    await console.page.get_by_test_id("drop").wait_for()
    sent = photo() if data is None else data
    await console.page.evaluate(DROP, [base64.b64encode(sent).decode(), name, kind])


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
        # The recorded covers beside it are on servers of the platform, where the sandbox has none.
        console.forgive("502")


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


async def test_mistakes_are_told_beside_what_they_are_about_by_its_name(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await refused(console)
        await expect(panel.get_by_role("alert")).to_have_text(
            "Nothing was begun. See what is said of the title, empty.jpg, one.jpg."
        )
        await expect(panel.get_by_label("Title")).to_have_accessible_description(re.compile("at most 16 characters"))
        assert await mistakes(panel) == {"good.jpg": 0, "empty.jpg": 1, "one.jpg": 1}
        await expect(panel.get_by_test_id("medium-mistake").last).to_contain_text(re.compile("^one.jpg must"))
        await panel.get_by_role("button", name="Move up: one.jpg").click()
        assert await mistakes(panel) == {"good.jpg": 0, "one.jpg": 1, "empty.jpg": 1}


async def test_what_is_typed_and_is_no_url_stays_and_is_told(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        field = panel.get_by_label("URL of a medium")
        await field.fill("http://example.com/plain.jpg")
        await console.page.keyboard.press("Enter")
        await expect(field).to_have_value("http://example.com/plain.jpg")
        await expect(field).to_have_accessible_description("That is neither a file nor a URL with https.")
        await field.fill("https://example.com/my photo.jpg")
        await expect(panel.get_by_role("alert")).to_have_count(0)
        await panel.get_by_role("button", name="Add").click()
        await expect(field).to_have_value("")
        assert await names(console) == ["my%20photo.jpg"]


async def test_a_mistake_goes_with_what_it_was_about(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await refused(console)
        await panel.get_by_label("Title").fill("Short")
        await expect(panel.get_by_role("alert")).to_have_text(
            "Nothing was begun. See what is said of empty.jpg, one.jpg."
        )
        await panel.get_by_role("button", name="Remove: empty.jpg").click()
        assert await mistakes(panel) == {"good.jpg": 0, "one.jpg": 1}
        await panel.get_by_role("button", name="Remove: one.jpg").click()
        await expect(panel.get_by_role("alert")).to_have_count(0)


async def test_the_form_survives_switching_panels(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await refused(console)
        await panel.get_by_role("radio").nth(2).check()
        await console.show("Billing")
        await expect(panel).not_to_contain_text("Create a highlight")
        await console.show("Create")
        await expect(panel.get_by_label("Title")).to_have_value("A title that is far too long")
        await expect(panel.get_by_role("radio").nth(2)).to_be_checked()
        assert await mistakes(panel) == {"good.jpg": 0, "empty.jpg": 1, "one.jpg": 1}
        await expect(panel.locator(".hg-drawn")).to_have_count(1)


async def test_media_are_dragged_by_finger_from_their_handle(served: str, browser: Browser) -> None:
    async with opened(browser, served, has_touch=True) as console:
        panel = await console.show("Create")
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await drop(console, name)
        session = await console.page.context.new_cdp_session(console.page)
        first, last = panel.locator(".hg-handle").first, panel.locator(".hg-handle").last
        for kind, at in (("touchStart", first), ("touchMove", panel.locator(".hg-handle").nth(1)), ("touchMove", last)):
            await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [await middle(at)]})
        await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert await names(console) == ["two.jpg", "three.jpg", "one.jpg"]


async def test_a_dropped_video_is_shown_by_a_frame_of_it(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.show("Create")
        await drop(console, "waves.mp4", await video(served), "video/mp4")
        drawn = console.page.locator(".hg-drawn")
        await expect(drawn).to_be_visible()
        shown = Image.open(io.BytesIO(await drawn.screenshot())).convert("RGB").crop((4, 4, 32, 40))
        found: Any = shown.getcolors(28 * 36)
        assert len(found) > 20
        await expect(console.page.locator(".hg-thumbnail")).to_have_text("Video")


async def test_the_size_of_each_file_is_told_and_of_all(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        await drop(console, "large.jpg", b"x" * 1_234_567)
        await drop(console, "small.jpg", b"x" * 950)
        await expect(panel.locator(".hg-size")).to_have_text(["1.2 MB", "950 bytes"])
        await expect(panel.get_by_test_id("total")).to_have_text("2 media, 1.2 MB")


async def refused(console: Console) -> Locator:
    """The panel with a title that is too long, a good file, an empty one, and a URL that is not public."""
    panel = await console.show("Create")
    await panel.get_by_label("Title").fill("A title that is far too long")
    await drop(console, "good.jpg")
    await drop(console, "empty.jpg", b"")
    await panel.get_by_label("URL of a medium").fill("https://127.0.0.1/one.jpg")
    await panel.get_by_role("button", name="Add").click()
    await panel.get_by_role("button", name="Create the highlight").click()
    await expect(panel.get_by_role("alert")).to_be_visible()
    return panel


async def mistakes(panel: Locator) -> dict[str, int]:
    """How many are told beside each medium."""
    entries = await panel.get_by_test_id("media").locator("li").all()
    return {
        await entry.locator(".hg-name").inner_text(): await entry.get_by_test_id("medium-mistake").count()
        for entry in entries
    }


async def middle(place: Locator) -> dict[str, float]:
    box = await place.bounding_box()
    assert box is not None
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}


async def video(url: str) -> bytes:
    """One of the sandbox's, by way of the gateway."""
    items = "items(kind: VIDEO, first: 1) { nodes { videoUrl(proxied: true) } }"
    query = f'{{ highlight(by: {{ id: "17902817445546428" }}) {{ {items} }} }}'
    async with httpx.AsyncClient() as client:
        answer = (await client.post(f"{url}/graphql", json={"query": query})).json()
        (node,) = answer["data"]["highlight"]["items"]["nodes"]
        return (await client.get(node["videoUrl"])).content
