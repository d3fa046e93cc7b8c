"""The console in a browser, and what the browser had to complain about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Route, ViewportSize, WebError

TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`violation of ${violatedDirective}: ${blockedURI}`));
"""
RUN = ".graphiql-execute-button"
# Variables and headers have one place.
SHOWN_TOOL = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines"
PATIENCE = 15.0  # seconds
VIEWPORT: ViewportSize = {"width": 1440, "height": 900}


class Console:
    """A page of the console. `complaints` holds errors, violations of the policy, and requests to elsewhere.

    Whoever does to it what cannot be undone says so by `is_reusable`.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.is_reusable = True

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


Kind: TypeAlias = tuple[bool, bool]
"""Whether a page has a touch screen and is that of a telephone, which is settled when it is made."""

# Of each browser the pages that tests have left.
_left: WeakKeyDictionary[Browser, dict[Kind, Page]] = WeakKeyDictionary()


@asynccontextmanager
async def opened(browser: Browser, url: str, query: str = "", **options: Any) -> AsyncIterator[Console]:
    """The console, loaded, in a page as `emptied` gives it."""
    async with emptied(browser, url, **options) as console:
        await console.go(query)
        yield console


@asynccontextmanager
async def watched(browser: Browser, url: str, **options: Any) -> AsyncIterator[Console]:
    """An empty page in a fresh profile. Afterwards the browser must not have had anything to complain about."""
    page = await _page(browser, **options)
    console = Console(page, url)
    try:
        async with _watching(console):
            yield console
    finally:
        await page.context.close()
    assert console.complaints == [], console.complaints


@asynccontextmanager
async def emptied(
    browser: Browser,
    url: str,
    *,
    viewport: ViewportSize = VIEWPORT,
    has_touch: bool = False,
    is_mobile: bool = False,
    color_scheme: Literal["light", "dark"] = "light",
    reduced_motion: Literal["no-preference", "reduce"] = "no-preference",
) -> AsyncIterator[Console]:
    """As `watched`, but in a page that an earlier test has left, whose cache has the files of a page already.

    A process of the browser's needs two seconds of a processor to begin. What a test leaves is removed after it, and a
    failed test leaves no page.
    """
    kind = (has_touch, is_mobile)
    left = _left.setdefault(browser, {})
    page = left.pop(kind, None) or await _page(browser, has_touch=has_touch, is_mobile=is_mobile)
    console = Console(page, url)
    try:
        async with _watching(console):
            # Behind a page of another test it would have no focus for the clipboard, and would be drawn seldom.
            await page.bring_to_front()
            await page.set_viewport_size(viewport)
            await page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
            yield console
        assert console.complaints == [], console.complaints
        if console.is_reusable:
            await _clear(page, url)
            left[kind] = page
    finally:
        if left.get(kind) is not page:
            await page.context.close()


async def _clear(page: Page, url: str) -> None:
    await page.mouse.move(0, 0)
    # Of the same origin, so the browser's process stays, and without a script that would go on to write there.
    await page.route("**/empty", _empty)
    await page.goto(f"{url}/empty")
    await page.unroute("**/empty", _empty)
    await page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    await page.context.clear_cookies()
    await page.context.clear_permissions()


async def _empty(route: Route) -> None:
    # Without an icon the browser would ask for one, and complain in the next test that there is none.
    await route.fulfill(body='<link rel="icon" href="data:,">', content_type="text/html")


async def _page(browser: Browser, **options: Any) -> Page:
    context = await browser.new_context(**{"viewport": VIEWPORT, **options})
    context.set_default_timeout(1_000 * PATIENCE)
    await context.add_init_script(TELL_VIOLATIONS)
    return await context.new_page()


@asynccontextmanager
async def _watching(console: Console) -> AsyncIterator[None]:
    def say(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            console.complaints.append(f"{message.type}: {message.text}")

    def fail(error: WebError) -> None:
        console.complaints.append(f"uncaught: {error.error}")

    def guard(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1":
            console.complaints.append(f"request to {url.hostname}")

    context = console.page.context
    context.on("console", say)
    context.on("weberror", fail)
    context.on("request", guard)
    try:
        yield
    finally:
        context.remove_listener("console", say)
        context.remove_listener("weberror", fail)
        context.remove_listener("request", guard)
        await console.page.unroute_all(behavior="ignoreErrors")
