"""A person with a real browser: consents on the sandbox's page, removes the access, and consents again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.sandbox.fixture_users import THIRTY
from tests.accounts.consent import ACCOUNTS, CONNECT, SECOND
from tests.commands.process import address, launched

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIMIT = 120.0
LIKE = """mutation($account: ID!, $id: ID!) {
  setLike(input: { account: $account, id: $id, liked: true, waitSeconds: 0 }) { flow { id } userErrors { message } }
}"""
FLOW = "query($id: ID!) { flow(id: $id) { state steps { error { code } } } }"


class Person:
    """Somebody at a page, and the client that sends the person there."""

    def __init__(self, url: str, page: Page) -> None:
        self.url = url
        self.page = page

    async def ask(self, query: str, **variables: Any) -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=LIMIT) as client:
            answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def consent(self, **variables: str) -> None:
        begun = (await self.ask(CONNECT, returnTo=f"{self.url}/version", **variables))["connectAccount"]
        assert begun["userErrors"] == []
        await self.page.goto(begun["authorizeUrl"])
        await self.page.get_by_role("radio", name=THIRTY.username).check()
        await self.page.get_by_role("button", name="Allow").click()
        await expect(self.page).to_have_url(f"{self.url}/version?connection=connected&account={SECOND}")

    async def remove_access(self) -> None:
        await self.page.goto(f"{self.url}/sandbox/platform/oauth/access")
        await self.page.get_by_role("button", name=f"Remove access to {THIRTY.username}").click()
        await expect(self.page.get_by_role("button", name=f"Remove access to {THIRTY.username}")).to_have_count(0)

    async def like(self, medium: str) -> str:
        made = (await self.ask(LIKE, account=SECOND, id=medium))["setLike"]
        assert made["userErrors"] == []
        id: str = made["flow"]["id"]
        return id

    async def until(self, id: str, state: str, code: str | None = None) -> None:
        """Wait until the flow is in this state, or the error of a step has this code."""
        async with asyncio.timeout(LIMIT):
            while True:
                flow = (await self.ask(FLOW, id=id))["flow"]
                codes = [step["error"]["code"] for step in flow["steps"] if step["error"]]
                if (code is None and flow["state"] == state) or code in codes:
                    return
                await asyncio.sleep(0.2)

    async def state(self) -> str:
        found: dict[str, str] = {one["id"]: one["state"] for one in (await self.ask(ACCOUNTS))["accounts"]}
        return found[SECOND]


async def test_a_person_connects_an_account_removes_it_and_connects_it_again(tmp_path: Path, browser: Browser) -> None:
    with launched(LIMIT, "serve", GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, _):
        page = await browser.new_page()
        person = Person(address(announcement), page)
        await person.consent()
        assert await person.state() == "CONNECTED"
        await person.until(await person.like("3286412355219875123"), "DONE")
        await person.remove_access()
        waiting = await person.like("3286412355219875124")
        await person.until(waiting, "", "RECONNECT_REQUIRED")
        assert await person.state() == "RECONNECT_REQUIRED"
        await person.consent(reconnect=SECOND)
        await person.until(waiting, "DONE")
        assert await person.state() == "CONNECTED"
        await page.close()
