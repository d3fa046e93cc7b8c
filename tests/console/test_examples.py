"""The examples, and the editor's operation as text for elsewhere."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.console.page import Console, opened
from tests.meta.tree import ROOT
from tests.node import projects

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUPS = list(json.loads((ROOT / "queries/examples.json").read_text()))
# Two operations, and what each kind of quoting has to mind.
QUOTED = """query Name($id: ID!) { user(by: { id: $id }) { username } } # it's `one` of ${two} \\ "these"
query Other { allowance { client } }"""
VARIABLES = '{ "id": "787132" }'
HEADERS = '{ "x-billing-limit": 7, "X-Api-Key": "hg_secret" }'
TITLE = "document.querySelector('.graphiql-tab-active').innerText"
# GraphiQL keeps it half a second later.
KEPT_TAB = "JSON.parse(localStorage.getItem('graphiql:tabState')).activeTabIndex"
IN_VIEW = """(() => {
  const places = ['.graphiql-tabs', '.graphiql-tab-active'].map((one) => document.querySelector(one));
  const [strip, tab] = places.map((one) => one.getBoundingClientRect());
  return tab.left >= strip.left - 1 && tab.right <= strip.right + 1;
})()"""
WATCH = 'subscription { flow(id: "none") { state } }'


async def copied(console: Console, form: str) -> str:
    await console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await console.page.get_by_role("button", name=f"Copy as {form}").click()
    await expect(console.page.get_by_role("status").filter(has_text="Copied as")).to_have_text(f"Copied as {form}.")
    text: str = await console.page.evaluate("() => navigator.clipboard.readText()")
    return text


async def edited(console: Console) -> None:
    """The first of two operations is the one that is meant."""
    await console.page.locator(".graphiql-query-editor .view-lines").first.click()
    await console.page.keyboard.press("Control+A")
    await console.page.keyboard.press("Delete")
    for number, line in enumerate(QUOTED.splitlines()):
        await console.page.keyboard.insert_text(f"{chr(10) if number else ''}{line}")
    await console.vary(VARIABLES)
    await console.head(HEADERS)
    await console.page.locator(".graphiql-query-editor .view-lines").first.click()
    await console.page.keyboard.press("Control+Home")


async def test_examples_are_grouped_and_filtered(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Examples")
        await expect(panel.get_by_role("heading", level=3)).to_have_text(GROUPS)
        choice = panel.get_by_role("group", name="Groups of examples").get_by_role("button")
        await expect(choice).to_have_text(["All", *GROUPS])
        await choice.last.click()
        await expect(panel.get_by_role("heading", level=3)).to_have_text(GROUPS[-1:])
        await choice.first.click()
        await panel.get_by_label("Filter the examples").fill("missingItemIds")
        await expect(panel.locator(".hg-examples b")).to_have_text(
            ["Complete highlight", "Play highlight", "Missing items"]
        )
        await expect(panel.get_by_role("heading", level=3)).to_have_text(["Highlights"])
        await console.show("Billing")
        await console.show("Examples")
        await expect(panel.locator(".hg-examples b")).to_have_count(3)
        await panel.get_by_label("Filter the examples").fill("inNoExample")
        await expect(panel.get_by_role("status")).to_have_text("No example has all of this.")


async def test_the_active_tab_is_in_view(served: str, browser: Browser) -> None:
    """When it is opened, when it is chosen, and when the page has become narrower."""
    async with opened(browser, served, viewport={"width": 1000, "height": 700}) as console:
        for name in ("Profile by id", "Trays of several users", "Mentions in highlight"):
            await console.example(name)
        await console.until(f"{IN_VIEW} && {TITLE} === 'MentionsInHighlight'")
        await console.page.locator(".graphiql-tab-button").first.click()
        await console.until(f"{IN_VIEW} && {TITLE} === 'CoverGallery'")
        # Without a pointer, for which Playwright would scroll the strip as well.
        await console.page.locator(".graphiql-tab-button").last.dispatch_event("click")
        await console.page.set_viewport_size({"width": 700, "height": 700})
        await console.until(f"{IN_VIEW} && {TITLE} === 'MentionsInHighlight'")
        await console.until(f"{KEPT_TAB} === 6")
        await console.page.reload()
        await console.ready()
        await console.until(f"{IN_VIEW} && {TITLE} === 'MentionsInHighlight'")


async def test_an_operation_is_copied_as_curl(served: str, browser: Browser) -> None:
    """The key of the headers is left out, and the copy asks what the editor asks."""
    async with opened(browser, served) as console:
        await edited(console)
        text = await copied(console, "curl")
    assert "hg_secret" not in text
    words = shlex.split(text.replace("\\\n", " "))
    assert words[:3] == ["curl", "-sS", f"{served}/graphql"]
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    assert headers == {"content-type": "application/json", "x-billing-limit": "7", "x-api-key": "$HIGHLIGHTS_KEY"}
    async with httpx.AsyncClient(headers=headers) as client:
        answer = (await client.post(words[2], content=words[words.index("-d") + 1])).json()
    assert answer["data"] == {"user": {"username": "natgeo"}}
    assert answer["extensions"]["billing"]["budget"] == 7


async def test_an_operation_is_copied_as_fetch(served: str, browser: Browser, tmp_path: Path) -> None:
    async with opened(browser, served) as console:
        await edited(console)
        text = await copied(console, "fetch")
    assert "hg_secret" not in text
    module = tmp_path / "copied.mjs"
    module.write_text(text + "console.log(JSON.stringify({ data, errors }));")
    answer: Any = json.loads(projects.run(tmp_path, module))
    assert answer == {"data": {"user": {"username": "natgeo"}}}


async def test_a_subscription_is_copied_as_one(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type(WATCH)
        assert "-H 'accept: text/event-stream'" in await copied(console, "curl")
        assert "for await (const part of response.body)" in await copied(console, "fetch")


async def test_what_is_no_operation_is_not_copied(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.type("{ user(")
        await console.page.get_by_role("button", name="Copy as curl").click()
        await expect(console.page.get_by_text("Not copied")).to_be_visible()
