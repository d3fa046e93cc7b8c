"""The pictures of the README: `SCREENSHOTS=docs/images` has them written there."""

from __future__ import annotations

import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps
from playwright.async_api import Browser, expect

from tests.console.page import Console, opened
from tests.console.test_create import DONE, drop

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZE = {"width": 1280, "height": 760}
LARGEST = 400_000  # bytes


def seascape(sky: str, horizon: str) -> bytes:
    """A JPEG of a story's shape."""
    image = ImageOps.colorize(Image.linear_gradient("L").resize((720, 1280)), sky, horizon)
    draw = ImageDraw.Draw(image)
    draw.ellipse((230, 500, 490, 760), fill="#fff4d6")
    draw.rectangle((0, 800, 720, 1280), fill=sky)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


async def billing(console: Console) -> None:
    await console.example("Tray with items")
    await console.run()
    panel = await console.show("Billing")
    await expect(panel.locator(".hg-waterfall")).to_be_visible()
    await console.vary('{ "username": "thirty.highlights" }')
    await expect(panel.get_by_test_id("price")).to_have_text("3 to 103")


async def preview(console: Console) -> None:
    await console.run()
    await (await console.show("Preview")).locator(".hg-ring-button").first.wait_for()
    await console.until("[...document.querySelectorAll('.hg-ring img')].every(image => image.naturalWidth > 0)")


async def create(console: Console) -> None:
    panel = await console.show("Create")
    await panel.get_by_label("Title").fill("Summer")
    for name, sky, sea in (("dusk.jpg", "#3b1d60", "#f2a65a"), ("noon.jpg", "#1e6fb8", "#cdeefd")):
        await drop(console, name, seascape(sky, sea))
    await panel.get_by_role("button", name="Create the highlight").click()
    await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)


async def player(console: Console) -> None:
    await console.example("Complete highlight")
    await console.run()
    await (await console.show("Preview")).locator(".hg-ring-button").first.click()
    await console.until("document.querySelector('figure > video')?.currentTime > 0.2")


SCENES: dict[str, Callable[[Console], Awaitable[None]]] = {
    "billing": billing,
    "preview": preview,
    "create": create,
    "player": player,
}


@pytest.mark.parametrize("name", SCENES)
async def test_a_panel_makes_a_picture(name: str, served: str, unasked: str, browser: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    # The bill is that of an empty cache.
    async with opened(browser, unasked if name == "billing" else served, viewport=SIZE) as console:
        await SCENES[name](console)
        file = folder / f"{name}.png"
        picture = Image.open(await _taken(console, tmp_path))
        picture.convert("RGB").save(file, optimize=True)
    assert file.stat().st_size < LARGEST


async def _taken(console: Console, folder: Path) -> Path:
    path = folder / "taken.png"
    await console.page.screenshot(path=path, animations="disabled")
    return path
