"""Where clients have keys, the console asks for one, and keeps it in the tab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.commands.process import address, run, started_for
from tests.console.conftest import LIMIT
from tests.console.page import RUN, Console, watched

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEPT = "JSON.stringify(localStorage) + document.cookie"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The clients file, and the key of each client."""
    file = tmp_path_factory.mktemp("clients") / "clients.toml"
    made = {}
    for name, rights in (("reader", ()), ("maker", ("--rights", "read,introspect"))):
        made[name] = run("keys", "add", name, "--file", str(file), "--allowance", "day=50", *rights).stdout.strip()
    return file, made


@pytest.fixture(scope="module")
def guarded(
    console: None, keys: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    given = {"GATEWAY_CLIENTS_FILE": str(keys[0]), "GATEWAY_DATA_DIR": str(tmp_path_factory.mktemp("guarded"))}
    with started_for(LIMIT, "serve", **given) as (announcement, _):
        yield address(announcement)


async def enter(console: Console, key: str) -> None:
    await console.page.get_by_label("Key").fill(key)
    await console.page.get_by_role("button", name="Open the console").click()


async def test_a_key_is_asked_for_and_kept_in_the_tab_alone(
    guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    key = keys[1]["maker"]
    async with watched(browser, guarded) as console:
        await console.page.goto(f"{guarded}/graphql")
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


async def test_a_key_that_lacks_the_right_is_told_so(
    guarded: str, browser: Browser, keys: tuple[Path, dict[str, str]]
) -> None:
    async with watched(browser, guarded) as console:
        await console.page.goto(f"{guarded}/graphql")
        await enter(console, keys[1]["reader"])
        await expect(console.page.get_by_role("alert")).to_contain_text("lacks the right `introspect`")
        console.forgive("401", "403")
