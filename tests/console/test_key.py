"""Where clients have keys, the console asks for one, and keeps it in the tab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.commands.process import run
from tests.console.conftest import serving
from tests.console.page import RUN, SHOWN_TOOL, Console, emptied, watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = "JSON.stringify(localStorage) + document.cookie"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The clients file, and the key of each client."""
    file = tmp_path_factory.mktemp("clients") / "clients.toml"
    made = {}
    rights_of = {"reader": (), "maker": ("--rights", "read,introspect"), "mute": ("--rights", "introspect")}
    for name, rights in rights_of.items():
        made[name] = run("keys", "add", name, "--file", str(file), "--allowance", "day=50", *rights).stdout.strip()
    return file, made


@pytest.fixture
def unasked(console: None, keys: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[str]:
    """Where a gateway answers that has bought nothing yet."""
    with serving(tmp_path, GATEWAY_CLIENTS_FILE=str(keys[0])) as url:
        yield url


@pytest.fixture(scope="module")
def guarded(
    console: None, keys: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a gateway answers: for tests that do not mind what others have bought."""
    with serving(tmp_path_factory.mktemp("guarded"), GATEWAY_CLIENTS_FILE=str(keys[0])) as url:
        yield url


async def enter(console: Console, key: str) -> None:
    await console.page.get_by_label("Key").fill(key)
    await console.page.get_by_role("button", name="Open the console").click()


async def test_a_key_is_asked_for_and_kept_in_the_tab_alone(
    unasked: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    key = keys[1]["maker"]
    async with watched(browser, unasked) as console:
        await console.page.goto(f"{unasked}/graphql")
        await expect(console.page.locator(RUN)).to_have_count(0)
        await enter(console, "hg_unknown")
        await expect(console.page.get_by_role("alert")).to_have_text("The gateway does not know this key.")
        await enter(console, key)
        await console.ready()
        await console.page.wait_for_load_state("networkidle")
        await console.run()
        await expect(console.answer).to_contain_text("highlight:")
        panel = await console.show("Billing")
        await expect(panel.get_by_role("meter")).to_be_visible()
        await expect(panel).to_contain_text("48 of 50 left")
        assert key not in await console.page.evaluate(KEPT)
        await console.page.reload()
        await expect(console.page.locator(RUN)).to_be_visible()
        await console.page.get_by_role("button", name="Forget key").click()
        await expect(console.page.get_by_label("Key")).to_be_visible()
        console.forgive("401")


async def test_read_alone_opens_the_console_with_the_samples(
    guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    """What needs the schema is not there; what does not, works: prices, runs, and the preview."""
    async with emptied(browser, guarded) as console:
        await console.page.goto(f"{guarded}/graphql")
        await enter(console, keys[1]["reader"])
        await console.ready()
        panel = console.page.locator(".graphiql-plugin")
        await expect(panel.get_by_role("heading", level=2)).to_have_text("Examples")
        for left_out in ("Show Documentation Explorer", "Show GraphiQL Explorer", re.compile("^Re-fetch")):
            await expect(console.page.get_by_role("button", name=left_out)).to_have_count(0)
        await console.example("Tray rings")
        await expect(console.page.get_by_test_id("next-price")).to_have_text(re.compile("[0-9]"))
        await console.run()
        await expect(console.answer).to_contain_text("thirty.highlights")
        await expect((await console.show("Preview")).locator(".hg-ring-button")).to_have_count(30)
        await expect(await console.show("Create")).to_contain_text("no account that you may publish for")
        console.forgive("401", "403")


async def test_a_key_that_lacks_the_right_is_told_so(
    guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    async with emptied(browser, guarded) as console:
        await console.page.goto(f"{guarded}/graphql")
        await enter(console, keys[1]["mute"])
        await expect(console.page.get_by_role("alert")).to_contain_text("lacks the right `read`")
        console.forgive("401", "403")


BOXES = """() => [
  document.querySelector(".graphiql-session-header"),
  document.querySelector("h1"),
  [...document.querySelectorAll("button")].find(one => one.textContent.includes("Forget key")),
].map(one => one.getBoundingClientRect().toJSON())"""


@pytest.mark.parametrize("width", [1440, 900, 390])
async def test_the_header_holds_the_name_and_forget_key_in_one_line(
    width: int, guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    async with emptied(browser, guarded, viewport={"width": width, "height": 844}) as console:
        await console.page.goto(f"{guarded}/graphql")
        await enter(console, keys[1]["maker"])
        await console.ready()
        # All three at once, as what is above them may still change its height.
        header, name, button = await console.page.evaluate(BOXES)
        assert name["y"] + name["height"] / 2 == pytest.approx(button["y"] + button["height"] / 2, abs=3)
        assert name["x"] + name["width"] < button["x"]
        assert button["x"] + button["width"] <= header["x"] + header["width"]
        assert all(header["y"] <= one["y"] for one in (name, button))
        assert all(one["y"] + one["height"] <= header["y"] + header["height"] for one in (name, button))
        console.forgive("401")


async def test_a_forgotten_key_leaves_nothing_in_the_headers(
    guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    async with emptied(browser, guarded) as console:
        await console.page.goto(f"{guarded}/graphql")
        await enter(console, keys[1]["maker"])
        await console.ready()
        await console.head('{ "x-billing-limit": 1 }')
        await console.page.get_by_role("button", name="Forget key").click()
        await enter(console, keys[1]["maker"])
        await console.ready()
        await console.page.get_by_role("button", name="Headers", exact=True).click()
        await expect(console.page.locator(SHOWN_TOOL)).to_have_text("")
        console.forgive("401")
