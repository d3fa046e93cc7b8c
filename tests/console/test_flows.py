"""What becomes of a highlight that is being made: how far it is, and what can be done next."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, CDPSession, Locator, expect

from tests.console.page import Console, opened
from tests.console.test_create import DONE, drop, photo

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = 300_000  # bytes a second
CREATE = """mutation($input: CreateHighlightInput!) {
  createHighlight(input: $input) { flow { id } userErrors { message } }
}"""


async def slowed(console: Console, bytes_per_second: int = SLOW) -> CDPSession:
    """The browser sends no faster from now on."""
    console.is_reusable = False
    session = await console.page.context.new_cdp_session(console.page)
    await session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    await session.send("Network.emulateNetworkConditions", limits)
    return session


async def sending(console: Console, title: str) -> Locator:
    """The panel, while two files are on their way: a small one, and a megabyte that is no picture."""
    panel = await console.show("Create")
    await panel.get_by_label("Title").fill(title)
    await drop(console, "small.jpg")
    await drop(console, "large.jpg", photo() + bytes(1_000_000))
    await slowed(console)
    await panel.get_by_role("button", name="Create the highlight").click()
    await expect(panel.get_by_test_id("flow-state")).to_contain_text("Sending")
    return panel


async def begun(url: str, key: str) -> str:
    """The id of a flow that was begun elsewhere."""
    media = [{"url": f"https://example.com/{key}.jpg"}]
    order = {"account": "787132", "title": "Elsewhere", "media": media, "idempotencyKey": key, "waitSeconds": 0}
    async with httpx.AsyncClient() as client:
        answer: Any = await client.post(f"{url}/graphql", json={"query": CREATE, "variables": {"input": order}})
    id_: str = answer.json()["data"]["createHighlight"]["flow"]["id"]
    return id_


async def test_it_is_told_how_much_of_each_file_has_gone(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await sending(console, "Sent slowly")
        states = panel.get_by_test_id("medium-state")
        await expect(states.first).to_have_text("Sent 100 %")
        await expect(states.last).to_have_text(re.compile("^Sent [1-9][0-9]? %$"))


async def test_sending_can_be_cancelled_and_nothing_is_lost(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await sending(console, "Not sent")
        await panel.get_by_role("button", name="Cancel").click()
        await expect(panel.get_by_role("alert")).to_have_text("Sending was cancelled.")
        await expect(panel.get_by_test_id("media").locator("li")).to_have_count(2)
        await expect(panel.get_by_role("button", name="Create the highlight")).to_be_enabled()
        await panel.get_by_label("Title").fill("Another")
        await expect(panel.get_by_role("alert")).to_have_count(0)


async def test_progress_survives_switching_panels(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await sending(console, "Looked away")
        await console.show("Billing")
        await console.show("Create")
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Sending")
        await expect(panel.get_by_test_id("medium-state").last).to_have_text(re.compile("^Sent "))
        await console.show("Examples")
        await console.show("Create")
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)
        await expect(panel.get_by_test_id("medium-state")).to_have_text(["Published", "Published"])


async def test_one_button_is_the_primary_one(served: str, browser: Browser) -> None:
    """It is the next thing to do, whatever that is."""
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        primary = panel.locator(".hg-primary")
        await expect(primary).to_have_text(["Create the highlight"])
        await expect(primary).to_be_disabled()
        await sending(console, "One at a time")
        await expect(primary).to_have_text(["Sending…"])
        await expect(primary).to_be_disabled()
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)
        await expect(primary).to_have_text(["Show it in the tray"])
        await panel.get_by_role("button", name="Make another").click()
        await expect(primary).to_have_text(["Create the highlight"])
        await expect(panel.get_by_test_id("media")).to_have_count(0)


async def test_a_change_of_the_form_takes_an_outcome_away(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        await panel.get_by_label("Title").fill("First")
        await drop(console, "field.jpg")
        await panel.get_by_role("button", name="Create the highlight").click()
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)
        await panel.get_by_label("Title").fill("Second")
        await expect(panel.get_by_test_id("flow-state")).to_have_count(0)
        await expect(panel.get_by_test_id("medium-state")).to_have_count(0)
        await expect(panel.locator(".hg-primary")).to_have_text(["Create the highlight"])


async def test_flows_that_run_are_listed_and_can_be_cancelled_and_tried_again(unasked: str, browser: Browser) -> None:
    async with opened(browser, unasked) as console:
        panel = await console.show("Create")
        await panel.get_by_label("Title").wait_for()
        await begun(unasked, "elsewhere")
        await console.show("Billing")
        await console.show("Create")
        flow = panel.get_by_test_id("flow")
        await expect(flow).to_have_count(1)
        await expect(flow).to_contain_text("Create highlight: natgeo")
        await flow.get_by_role("button", name="Cancel").click()
        await expect(flow.get_by_test_id("flow-state")).to_contain_text("Cancelled")
        await flow.get_by_role("button", name="Try again").click()
        await expect(flow.get_by_role("button", name="Cancel")).to_be_visible()
        await expect(flow).to_have_count(0, timeout=DONE)


async def test_watch_flow_takes_the_newest_flow(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await (await console.show("Create")).get_by_label("Title").wait_for()
        await begun(served, "older")
        newest = await begun(served, "newer")
        await console.example("Watch flow")
        await expect(console.page.locator(".graphiql-editor-tool .view-lines").first).to_contain_text(newest)
        await console.page.locator(".graphiql-execute-button").click()
        # Its lines are too long for the screen.
        await expect(console.answer).to_contain_text(newest[:24])
