"""Everybody can use it: by keyboard, with a screen reader, on a telephone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.console.page import Console, opened
from tests.console.test_create import DONE, drop, refused
from tests.console.test_posts import PEOPLE, PLACES, PROFILE, THREAD, shown
from tests.console.test_preview import ABSENT
from tests.node import projects

pytestmark = pytest.mark.asyncio(loop_scope="session")

PANELS = ("Billing", "Preview", "Create", "Accounts", "Examples")
GRAPHIQL = ("Documentation Explorer", "GraphiQL Explorer", "History")
TELEPHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# What can be clicked, but for the inside of the editors, which have keys of their own.
REACHABLE = """() => [...document.querySelectorAll("button, a[href], input, select")]
  .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.closest(".monaco-editor"))
  .map(one => one.ariaLabel || one.innerText || one.name || one.tagName)"""
AXE = "() => axe.run({ exclude: ['.monaco-editor'] }, { resultTypes: ['violations'] })"
FOCUSED = """() => { const one = document.activeElement;
  return one.closest(".monaco-editor") ? "editor" : one.ariaLabel || one.innerText || one.name || one.tagName }"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    project = projects.installed(projects.AXE, tmp_path_factory.mktemp("axe"))
    return (projects.package(project, "axe-core") / "axe.min.js").read_text()


async def violations(console: Console, axe: str) -> list[str]:
    """What axe finds, of any grade."""
    if not await console.page.evaluate("() => 'axe' in window"):
        await console.page.evaluate(axe)
    # The editors are Monaco's own: what is drawn in them is hidden from readers, who get its text area.
    found: Any = await console.page.evaluate(
        "() => axe.run({ exclude: ['.monaco-editor'] }, { resultTypes: ['violations'] })"
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_panel(scheme: str, served: str, browser: Browser, axe: str) -> None:
    async with opened(browser, served, color_scheme=scheme) as console:
        await console.run()
        await expect(console.page.get_by_test_id("next-price")).to_have_text("0")
        for panel in PANELS + GRAPHIQL:
            await console.show(panel)
            assert await violations(console, axe) == [], panel


async def test_axe_finds_nothing_in_the_player(served: str, browser: Browser, axe: str) -> None:
    async with opened(browser, served) as console:
        await console.run()
        await (await console.show("Preview")).locator(".hg-ring-button").first.click()
        await expect(console.page.get_by_test_id("player")).to_be_visible()
        assert await violations(console, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_what_is_told_of_mistakes_and_absences(
    scheme: str, served: str, browser: Browser, axe: str
) -> None:
    async with opened(browser, served, color_scheme=scheme) as console:
        await console.type(ABSENT)
        await console.run()
        await expect((await console.show("Preview")).get_by_test_id("absent")).to_have_count(2)
        assert await violations(console, axe) == []
        await refused(console)
        assert await violations(console, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_preview_of_posts_and_lists(
    scheme: str, served: str, browser: Browser, axe: str
) -> None:
    async with opened(browser, served, color_scheme=scheme) as console:
        for query in (PROFILE, THREAD, PLACES, PEOPLE):
            panel = await shown(console, query)
            await expect(panel.locator(".hg-subject").first).to_be_visible()
            assert await violations(console, axe) == [], query


async def test_everything_can_be_reached_by_keyboard(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.run()
        await expect(console.page.get_by_test_id("next-price")).to_have_text("0")
        for panel in PANELS:
            await console.show(panel)
            wanted = left = set(await console.page.evaluate(REACHABLE))
            for _ in range(3 * len(wanted)):
                await console.page.keyboard.press("Tab")
                left = left - {await console.page.evaluate(FOCUSED)}
                if not left:
                    break
            assert left == set(), panel


async def test_a_highlight_is_played_by_keyboard_alone(served: str, browser: Browser) -> None:
    async with opened(browser, served) as console:
        await console.page.locator(".graphiql-query-editor .view-lines").click()
        await console.page.keyboard.press("Control+Enter")
        await expect(console.answer).to_contain_text("highlight:")
        await console.show("Preview")
        ring = console.page.locator(".hg-ring-button").first
        await ring.focus()
        await console.page.keyboard.press("Enter")
        player = console.page.get_by_test_id("player")
        await expect(player.locator(".hg-segment")).to_have_count(40)
        await console.page.keyboard.press("ArrowRight")
        await expect(player.locator("[aria-live]")).to_have_text("Item 2 of 40")
        await console.page.keyboard.press("Escape")
        await expect(player).to_have_count(0)
        await expect(ring).to_be_focused()


async def test_the_focus_stays_where_a_highlight_is_made(served: str, browser: Browser) -> None:
    """At the end of the way a button leads no further, and what is removed takes its own button along."""
    async with opened(browser, served) as console:
        panel = await console.show("Create")
        button = partial(panel.get_by_role, "button")
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await drop(console, name)
        await button(name="Move up: three.jpg").focus()
        for _ in range(3):
            await console.page.keyboard.press("Enter")
        await expect(button(name="Move up: three.jpg")).to_be_focused()
        await button(name="Remove: two.jpg").focus()
        for left in ("one.jpg", "three.jpg"):
            await console.page.keyboard.press("Enter")
            await expect(button(name=f"Remove: {left}")).to_be_focused()
        await panel.get_by_label("Title").fill("By keyboard")
        await button(name="Create the highlight").focus()
        await console.page.keyboard.press("Enter")
        await expect(button(name="Show it in the tray")).to_be_focused(timeout=DONE)
        await button(name="Make another").focus()
        await console.page.keyboard.press("Enter")
        await expect(panel.get_by_label("Title")).to_be_focused()


async def test_a_telephone_shows_all_of_it_below_each_other(served: str, browser: Browser) -> None:
    async with opened(browser, served, **TELEPHONE) as console:
        await console.run()
        for panel in PANELS:
            await console.show(panel)
            assert await console.page.evaluate("document.documentElement.scrollWidth") <= 390, panel
        await (await console.show("Preview")).locator(".hg-ring-button").first.tap()
        frame = await console.page.locator(".hg-phone").bounding_box()
        assert frame is not None
        assert frame["width"] <= 390


async def test_on_a_telephone_what_was_asked_for_scrolls_into_view(served: str, browser: Browser) -> None:
    """The answer of a run, a panel, the operation of an example, the errors that the bar tells of."""
    async with opened(browser, served, **TELEPHONE) as console:
        assert not await in_view(console, ".graphiql-response")
        await console.run()
        await expect(console.answer).to_contain_text("highlight:")
        await console.until(IN_VIEW % ".graphiql-response")
        await console.show("Preview")
        await console.until(IN_VIEW % ".graphiql-plugin")
        await console.example("My allowance")
        await console.until(IN_VIEW % ".graphiql-query-editor")
        await console.type('{ user(by: { username: "not.here.at.all" }) { id } }')
        await console.run()
        await console.page.get_by_role("button", name="1 error").wait_for()
        await console.until(IN_VIEW % ".graphiql-response")
        sidebar = await console.page.locator(".graphiql-sidebar").bounding_box()
        assert sidebar is not None
        assert sidebar["y"] == 0


# More than half of the screen below its top edge and the bar there.
IN_VIEW = """(({ top }) => top >= 0 && top < innerHeight / 2)(document.querySelector('%s').getBoundingClientRect())"""


async def in_view(console: Console, selector: str) -> bool:
    seen: bool = await console.page.evaluate(IN_VIEW % selector)
    return seen
