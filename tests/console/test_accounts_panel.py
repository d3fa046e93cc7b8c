"""Accounts in the console: a person connects one on the platform's page, sees its state, and disconnects it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from gateway.sandbox.fixture_users import THIRTY
from tests.console.conftest import serving
from tests.console.page import Console, opened
from tests.console.test_create import DONE, drop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_person_connects_an_account_and_disconnects_it(console: None, tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path) as url:
        async with opened(browser, url) as page:
            panel = await page.show("Accounts")
            account = panel.get_by_test_id("account").filter(has_text=THIRTY.username)
            await expect(panel.get_by_test_id("account")).to_have_count(1)
            await expect(panel).to_contain_text("By the token of the operator")
            await consented(page, panel.get_by_role("button", name="Connect an account"))
            await expect(panel.get_by_role("status")).to_have_text("The account is connected.")
            assert page.page.url == f"{url}/graphql"
            await expect(account.get_by_test_id("account-state")).to_have_text("Connected")
            await expect(account).to_contain_text("Permissions: basic, publish")
            await send(f"{url}/sandbox/_control/oauth/end", {"account": str(THIRTY.pk)})
            liked = """mutation($a: ID!) { setLike(input: { account: $a, id: "3286412355219875123", liked: true,
                waitSeconds: 1 }) { flow { id } } }"""
            await send(f"{url}/graphql", {"query": liked, "variables": {"a": str(THIRTY.pk)}})
            await page.go()
            panel = await page.show("Accounts")
            await expect(account.get_by_test_id("account-state")).to_contain_text("Must be connected again")
            await consented(page, panel.get_by_role("button", name=f"Connect {THIRTY.username} again"))
            await expect(account.get_by_test_id("account-state")).to_have_text("Connected")
            await panel.get_by_role("button", name=f"Disconnect {THIRTY.username}").click()
            await expect(account).to_have_count(0)
            assert page.complaints == []


async def test_a_highlight_of_a_revoked_account_says_why_it_waits_and_goes_on_after_the_reconnection(
    console: None, tmp_path: Path, browser: Browser
) -> None:
    with serving(tmp_path) as url:
        async with opened(browser, url) as page:
            panel = await page.show("Accounts")
            await panel.get_by_label("Manage comments").check()
            await consented(page, panel.get_by_role("button", name="Connect an account"))
            await send(f"{url}/sandbox/_control/oauth/end", {"account": str(THIRTY.pk)})
            panel = await page.show("Create")
            await panel.get_by_label("Account").select_option(label=THIRTY.username)
            await panel.get_by_label("Title").fill("Waits")
            await drop(page, "field.jpg")
            await panel.get_by_role("button", name="Create the highlight").click()
            await expect(panel.get_by_test_id("flow-reason")).to_contain_text("connect it again", timeout=DONE)
            panel = await page.show("Accounts")
            await consented(page, panel.get_by_role("button", name=f"Connect {THIRTY.username} again"))
            await expect(panel).to_contain_text("Permissions: basic, publish, comments")
            panel = await page.show("Create")
            await panel.get_by_label("Title").wait_for()
            await expect(panel.get_by_test_id("flow")).to_have_count(0, timeout=DONE)
            async with httpx.AsyncClient(timeout=60) as client:
                published = (await client.get(f"{url}/sandbox/_control/published")).json()
            assert [(one["title"], one["status"]) for one in published["highlights"]] == [("Waits", "LIVE")]


async def send(url: str, body: object) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        (await client.post(url, json=body)).raise_for_status()


async def consented(console: Console, button: Locator) -> None:
    """Leave by the button, choose the account on the platform's page, allow, and be back."""
    await button.click()
    await console.page.get_by_role("radio", name=THIRTY.username).check()
    await console.page.get_by_role("button", name="Allow").click()
    await console.ready()
