"""What the console tells while the gateway cannot be reached, and that it goes on afterwards."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, Route, WebSocketRoute, expect

from tests.console.page import RUN, emptied, opened, watched
from tests.console.test_create import DONE, drop

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = "The gateway could not be reached."


async def without_sockets(page: Page) -> None:
    """As behind a proxy that knows no WebSockets."""

    async def hang_up(socket: WebSocketRoute) -> None:
        await socket.close(code=1011)

    await page.route_web_socket("**/graphql", hang_up)


async def test_a_flow_is_followed_through_an_outage(served: str, browser: Browser) -> None:
    async with watched(browser, served) as console:
        await without_sockets(console.page)
        await console.go()
        panel = await console.show("Create")
        await panel.get_by_label("Title").fill("Not forgotten")
        await drop(console, "field.jpg")
        # The outage begins as soon as the gateway has taken the order: a flow may be done before a test can act.
        async with console.cut("Look"):
            await panel.get_by_role("button", name="Create the highlight").click()
            await expect(panel.locator(".hg-primary")).to_have_text("Creating…")
            await expect(panel.get_by_role("alert")).to_have_text(f"{AWAY} Trying again …")
        await expect(panel.get_by_test_id("flow-state")).to_contain_text("Done", timeout=DONE)
        await expect(panel.get_by_role("alert")).to_have_count(0)
        await expect(panel.get_by_test_id("medium-state")).to_have_text("Published")


async def test_a_run_and_a_price_that_reach_nobody_say_so(served: str, browser: Browser) -> None:
    """In words: where in the console's own code that was helps nobody."""
    async with opened(browser, served) as console:
        panel = await console.show("Billing")
        await console.vary('{ "userId": "787132" }')
        await expect(panel.get_by_test_id("price")).to_have_text("2")
        async with console.cut():
            await console.page.locator(RUN).click()
            await expect(console.answer).to_contain_text(AWAY)
            await expect(console.answer).not_to_contain_text("stack")
            await expect(panel.locator(".hg-problem")).to_have_text(AWAY)
        await console.page.locator(RUN).click()
        await expect(console.answer).to_contain_text("highlight:")
        await expect(panel.locator(".hg-problem")).to_have_count(0)


async def test_what_answers_in_the_gateways_place_is_not_taken_for_it(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:

        async def answer(route: Route) -> None:
            await route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")

        await console.page.route("**/graphql", answer)
        await console.page.locator(RUN).click()
        await expect(console.answer).to_contain_text("What answered was not the gateway (status 502).")
        console.forgive("502")


async def test_a_page_that_reaches_nobody_asks_for_no_key_and_can_try_again(served: str, browser: Browser) -> None:
    async with emptied(browser, served) as console:
        async with console.cut():
            await console.page.goto(f"{served}/graphql")
            await expect(console.page.get_by_role("alert")).to_have_text(AWAY)
            await expect(console.page.get_by_label("Key")).to_have_count(0)
        await console.page.get_by_role("button", name="Try again").click()
        await console.ready()


async def test_accounts_are_asked_for_until_there_is_one(served: str, browser: Browser) -> None:
    """Soon after its start a gateway does not know yet whose there are."""
    async with opened(browser, served) as console:
        asked: list[str] = []

        async def first_none(route: Route) -> None:
            if not asked and re.search(r"query Accounts\b", route.request.post_data or ""):
                asked.append(route.request.url)
                await route.fulfill(json={"data": {"accounts": []}})
            else:
                await route.fallback()

        await console.page.route("**/graphql", first_none)
        panel = await console.show("Create")
        await expect(panel).to_contain_text("There is no account that you may publish for.")
        await expect(panel.get_by_label("Account")).to_contain_text("natgeo")


async def test_the_create_panel_does_not_keep_a_problem_that_is_over(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        async with console.cut():
            panel = await console.show("Create")
            await expect(panel.locator(".hg-problem")).to_have_text(AWAY)
        await expect(panel.get_by_label("Account")).to_contain_text("natgeo")
        await expect(panel.locator(".hg-problem")).to_have_count(0)
