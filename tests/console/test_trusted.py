"""The console of a gateway that runs trusted documents alone: what it asks by itself is trusted as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.commands.process import address, run, started_for
from tests.console.conftest import LIMIT, serving
from tests.console.page import emptied, opened
from tests.console.test_create import DONE, drop
from tests.console.test_examples import copied
from tests.node import projects

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def strict(console: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("strict"), GATEWAY_DOCUMENTS="trusted") as url:
        yield url


async def test_the_examples_are_priced_run_and_played(strict: str, browser: Browser) -> None:
    async with opened(browser, strict) as console:
        panel = console.page.locator(".graphiql-plugin")
        await expect(panel).to_contain_text("runs the documents that it trusts and no others")
        await expect(console.page.get_by_test_id("next-price")).to_have_text("2")
        await console.run()
        await expect(console.answer).to_contain_text("highlight:")
        await (await console.show("Preview")).locator(".hg-ring-button").first.click()
        await expect(console.page.get_by_test_id("player").locator(".hg-segment")).to_have_count(40)
        console.forgive("403")


async def test_an_operation_that_is_not_trusted_is_told_so(strict: str, browser: Browser) -> None:
    async with opened(browser, strict) as console:
        await console.type("{ allowance { client } }")
        await console.run()
        await expect(console.answer).to_contain_text("DOCUMENT_NOT_TRUSTED")
        console.forgive("403")


async def test_a_highlight_is_made_watched_and_shown(strict: str, browser: Browser) -> None:
    async with opened(browser, strict) as console:
        panel = await console.show("Create")
        await panel.get_by_label("Title").fill("Trusted")
        await drop(console, "field.jpg")
        await panel.get_by_role("button", name="Create the highlight").click()
        await panel.get_by_role("button", name="Show it in the tray").click(timeout=DONE)
        await expect(panel.locator(".hg-ring-button").first).to_contain_text("Trusted")
        await console.example("Watch flow")
        await expect(console.query_editor).to_contain_text("WatchFlow")
        await console.page.locator(".graphiql-execute-button").click()
        await expect(console.answer).to_contain_text("DONE")
        # The recorded covers beside it are on servers of the platform, where the sandbox has none.
        console.forgive("403", "502")


async def test_what_is_copied_as_fetch_is_trusted_too(strict: str, browser: Browser, tmp_path: Path) -> None:
    async with opened(browser, strict) as console:
        await console.example("My allowance")
        module = tmp_path / "copied.mjs"
        module.write_text(await copied(console, "fetch") + "console.log(JSON.stringify({ data, errors }));")
        console.forgive("403")
    answer: Any = json.loads(projects.run(tmp_path, module))
    assert "errors" not in answer


async def test_a_key_that_may_not_read_does_not_open_it(console: None, browser: Browser, tmp_path: Path) -> None:
    """Trust is asked for before rights: the console asks again, with a document that is trusted."""
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "mute", "--file", str(file), "--rights", "introspect").stdout.strip()
    given = {"GATEWAY_DOCUMENTS": "trusted", "GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_CLIENTS_FILE": str(file)}
    with started_for(LIMIT, "serve", **given) as (announcement, _):
        async with emptied(browser, address(announcement)) as page:
            await page.page.goto(f"{page.url}/graphql")
            await page.page.get_by_label("Key").fill(key)
            await page.page.keyboard.press("Enter")
            await expect(page.page.get_by_role("alert")).to_contain_text("lacks the right `read`")
            page.forgive("401", "403")
