"""The console in a browser, and what the browser had to complain about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Route, WebError

TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`violation of ${violatedDirective}: ${blockedURI}`));
"""
RUN = ".graphiql-execute-button"
# Variables and headers have one place.
SHOWN_TOOL = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines"
PATIENCE = 15.0  # seconds


class Console:
    """A page of the console. `complaints` holds errors, violations of the policy, and requests to elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []

    async def go(self, query: str = "") -> None:
        await self.page.goto(f"{self.url}/graphql{query}")
        await self.ready()

    async def ready(self) -> None:
        await self.page.locator(RUN).wait_for()
        await self.query_editor.wait_for()
        # The schema has come when the types are listed.
        await self.page.locator(".graphiql-query-editor .monaco-editor").wait_for()

    @property
    def query_editor(self) -> Locator:
        return self.page.locator(".graphiql-query-editor .view-lines")

    @property
    def answer(self) -> Locator:
        return self.page.locator(".result-window .view-lines")

    async def run(self) -> None:
        async with self.page.expect_response(lambda response: response.url.endswith("/graphql")):
            await self.page.locator(RUN).click()

    async def show(self, panel: str) -> Locator:
        """The panel, which is in front afterwards."""
        button = self.page.get_by_role("button", name=f"Show {panel}", exact=True)
        if await button.count():
            await button.click()
        return self.page.locator(".graphiql-plugin")

    async def example(self, name: str) -> None:
        """Opens one of the examples in a tab of its own."""
        panel = await self.show("Examples")
        await panel.get_by_role("button", name=name).first.click()

    async def type(self, document: str, variables: str = "") -> None:
        """Leaves the cursor at the end. The document is put in one line: in each the editor closes what is open."""
        await self.vary(variables)
        await self._fill(".graphiql-query-editor", " ".join(document.split()))

    async def vary(self, variables: str) -> None:
        await self._fill(".graphiql-editor-tool", variables)

    async def head(self, headers: str) -> None:
        """Types the request's headers."""
        await self.page.get_by_role("button", name="Headers", exact=True).click()
        await self.page.locator(SHOWN_TOOL).click()
        await self.page.keyboard.insert_text(headers)

    def forgive(self, *statuses: str) -> None:
        """The browser reports each refusal as an error, also one that the page expects and tells of."""
        self.complaints = [text for text in self.complaints if not any(f"status of {one}" in text for one in statuses)]

    @asynccontextmanager
    async def cut(self, operation: str = "") -> AsyncIterator[None]:
        """The gateway cannot be reached meanwhile, but for the page and its files.

        With an `operation`, only the requests for it are refused.
        """
        named = f'"operationName":"{operation}"'.encode() if operation else b""

        async def refuse(route: Route) -> None:
            refused = route.request.method == "POST" and named in (route.request.post_data_buffer or b"")
            await (route.abort("connectionrefused") if refused else route.fallback())

        await self.page.route("**/graphql", refuse)
        try:
            yield
        finally:
            await self.page.unroute("**/graphql", refuse)
            self.complaints = [text for text in self.complaints if "ERR_CONNECTION_REFUSED" not in text]

    async def until(self, condition: str) -> None:
        """Waits in the page itself: the policy forbids Playwright's own way, which evaluates a text there."""
        look = f"const look = () => {condition} ? done() : setTimeout(look, 20)"
        async with asyncio.timeout(PATIENCE):
            await self.page.evaluate(f"() => new Promise(done => {{ {look}; look() }})")

    async def _fill(self, section: str, text: str) -> None:
        await self.page.locator(f"{section} .view-lines").first.click()
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.press("Delete")
        await self.page.keyboard.insert_text(text)


@asynccontextmanager
async def opened(browser: Browser, url: str, query: str = "", **options: Any) -> AsyncIterator[Console]:
    """The console, loaded."""
    async with watched(browser, url, **options) as console:
        await console.go(query)
        yield console


@asynccontextmanager
async def watched(browser: Browser, url: str, **options: Any) -> AsyncIterator[Console]:
    """An empty page in a fresh profile. Afterwards the browser must not have had anything to complain about."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.set_default_timeout(1_000 * PATIENCE)
    console = Console(await context.new_page(), url)
    await _watch(console)
    try:
        yield console
    finally:
        await context.close()
    assert console.complaints == []


async def _watch(console: Console) -> None:
    def say(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            console.complaints.append(f"{message.type}: {message.text}")

    def fail(error: WebError) -> None:
        console.complaints.append(f"uncaught: {error.error}")

    async def guard(route: Route) -> None:
        host = urlsplit(route.request.url).hostname
        if host == "127.0.0.1":
            await route.continue_()
        else:
            console.complaints.append(f"request to {host}")
            await route.abort()

    context = console.page.context
    context.on("console", say)
    context.on("weberror", fail)
    await context.add_init_script(TELL_VIOLATIONS)
    await context.route(lambda url: not url.startswith("data:"), guard)
