"""Stories, posts, comments, accounts, hashtags and locations as the preview shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.console.page import Console, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")

POST = "id kind url caption takenAt isPinned likeCount commentCount thumbnailUrl(proxied: true) user { username }"
PROFILE = f"""{{ user(by: {{ id: "787132" }}) {{
  username
  stories {{ id expiresAt thumbnailUrl(proxied: true) }}
  media(first: 12) {{ totalCount nodes {{ {POST} }} }}
}} }}"""
THREAD = f"""{{ media(by: {{ id: "3829449844045389376" }}) {{ {POST}
  likers(first: 3) {{ totalCount nodes {{ username fullName }} }}
  comments(first: 3) {{ edges {{ node {{
    id text createdAt likeCount replyCount user {{ username }} replies {{ nodes {{ id text user {{ username }} }} }}
  }} }} }}
}} }}"""
PLACES = f"""{{
  hashtag(name: "coastline") {{ name mediaCount media(first: 6) {{ nodes {{ {POST} }} pageInfo {{ hasNextPage }} }} }}
  location(id: "location:212000000") {{ id name city media(first: 3) {{ nodes {{ id kind }} }} }}
}}"""
PEOPLE = """{
  user(by: { id: "787132" }) { username followers(first: 6) { totalCount edges { node {
    username fullName isPrivate hasLiveStories profilePictureUrl(proxied: true)
  } } } }
  found: searchUsers(query: "kettle", first: 2) { nodes { username } }
  searchHashtags(query: "coast") { name }
  searchLocations(by: { query: "park" }) { name }
}"""
UNSEEN = """{ user(by: { id: "787132" }) { username stories { id kind expiresAt } } }"""
# What a highlight names is its own: neither a list of accounts nor a heading.
NAMED = """{ highlight(by: { id: "17902048142215579" }) { id title items { nodes {
  id mentions { user { username } x y } locations { location { name } } hashtags { hashtag { name } }
} } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(served: str, browser: Browser) -> AsyncIterator[Console]:
    """One page for all of these tests, in a window that is high enough for most."""
    async with opened(browser, served, viewport={"width": 1440, "height": 1200}) as console:
        yield console


async def shown(console: Console, query: str) -> Locator:
    """The preview of the answer."""
    await console.type(query)
    await console.run()
    return await console.show("Preview")


async def left_of(place: Locator) -> float:
    box = await place.bounding_box()
    assert box is not None
    return box["x"]


async def test_an_account_has_its_stories_and_a_grid_of_its_posts(page: Console) -> None:
    panel = await shown(page, PROFILE)
    await expect(panel.locator(".hg-owner")).to_have_text("natgeo")
    await expect(panel.locator(".hg-ring-title")).to_have_text(["Live stories"])
    await expect(panel.locator(".hg-list-head")).to_have_text("Posts 12 of 240")
    posts = panel.locator(".hg-post")
    await expect(posts).to_have_count(12)
    await expect(panel.locator(".hg-pin")).to_have_count(3)
    first = posts.first
    await expect(first).to_have_text("Photo Pinned 177K likes 885 comments Thanks to everybody who came!2/26/2024")
    await expect(first.get_by_role("link")).to_have_attribute("href", "https://www.instagram.com/p/C30gr8ngB5A/")
    await page.until("document.querySelector('.hg-frame img')?.naturalWidth > 0")
    assert "/media/" in (await first.locator("img").get_attribute("src") or "")


async def test_stories_are_played(page: Console) -> None:
    panel = await shown(page, PROFILE)
    await panel.locator(".hg-ring-button").click()
    player = page.page.get_by_role("dialog", name="Live stories")
    await expect(player.locator("figure > img, figure > video")).to_be_visible()
    await page.page.keyboard.press("Escape")
    await expect(player).to_have_count(0)


async def test_stories_without_pictures_are_fetched_when_they_are_played(page: Console) -> None:
    panel = await shown(page, UNSEEN)
    await panel.locator(".hg-ring-button").click()
    player = page.page.get_by_test_id("player")
    await expect(player.locator("figure > img, figure > video")).to_be_visible()
    await expect(player).to_contain_text("charged 0")
    await page.page.keyboard.press("Escape")


async def test_comments_stand_below_their_post_and_replies_further_in(page: Console) -> None:
    panel = await shown(page, THREAD)
    await expect(panel.locator(".hg-post-wide")).to_contain_text("natgeo")
    comments = panel.get_by_role("list", name="Comments").locator("> li")
    await expect(comments).to_have_count(3)
    await expect(comments.first.locator("> p")).to_have_text("eager.engine Do you ship to Portugal?")
    await expect(comments.first.locator("> small time")).to_have_attribute("datetime", "2026-02-13T20:48:42+00:00")
    await expect(comments.first.locator("> small")).to_contain_text("34 replies")
    replies = panel.get_by_role("list", name="Replies to eager.engine").locator("> li")
    await expect(replies).to_have_count(3)
    assert await left_of(replies.first) > await left_of(comments.first) + 10
    await expect(panel.locator(".hg-list-head")).to_have_text(["Likers 3 of 142,062"])
    await expect(panel.locator(".hg-line-of")).to_have_count(3)


async def test_a_comment_without_a_text_is_one(page: Console) -> None:
    """The upstream may say nothing of it: here it is another field of that name, which is null."""
    nodes = "id text: parentId user { username }"
    panel = await shown(
        page, f'{{ media(by: {{ id: "3829449844045389376" }}) {{ id comments(first: 2) {{ nodes {{ {nodes} }} }} }} }}'
    )
    await expect(panel.locator(".hg-post .hg-comments > li")).to_have_count(2)


async def test_a_hashtag_and_a_location_stand_above_their_posts(page: Console) -> None:
    panel = await shown(page, PLACES)
    await expect(panel.get_by_role("heading", level=3)).to_have_text(["#coastline1,129 posts", "Tōdai-ji TempleNara"])
    await expect(panel.locator(".hg-list-head")).to_have_text(["Posts 6, more follow", "Posts 3"])
    sections = panel.locator(".hg-subject")
    await expect(sections.first.locator(".hg-post")).to_have_count(6)
    await expect(sections.last.locator(".hg-post")).to_have_count(3)
    await expect(sections.first.locator(".hg-post b")).to_have_count(6)


async def test_posts_stand_below_their_account_by_its_id_where_its_name_is_unknown(page: Console) -> None:
    query = '{ users(by: [{ id: "787132" }, { id: "2122000038" }]) { id media(first: 2) { nodes { id kind } } } }'
    panel = await shown(page, query)
    await expect(panel.locator(".hg-owner")).to_have_text(["787132", "2122000038"])
    await expect(panel.locator(".hg-subject").first.locator(".hg-post")).to_have_count(2)


async def test_accounts_and_what_else_is_found_are_lists(page: Console) -> None:
    panel = await shown(page, PEOPLE)
    await expect(panel.locator(".hg-list-head")).to_have_text(
        ["Followers 6 of 514", "Found 2", "Search hashtags 1", "Search locations 1"]
    )
    followers = panel.locator(".hg-list").first.get_by_role("listitem")
    await expect(followers).to_have_count(6)
    await expect(followers.first).to_have_text("open.riverOpen River")
    await expect(followers.first.get_by_role("link")).to_have_attribute("href", "https://www.instagram.com/open.river/")
    await expect(followers.filter(has_text="has live stories").first.locator(".hg-face-live")).to_be_visible()
    await expect(panel.get_by_text("#coastline")).to_be_visible()
    await expect(panel.get_by_text("Stanley Park")).to_be_visible()


async def test_one_account_is_shown_as_several_are(page: Console) -> None:
    query = '{ user(by: { id: "787132" }) { username fullName profilePictureUrl(proxied: true) } }'
    panel = await shown(page, query)
    await expect(panel.locator(".hg-list-head")).to_have_text(["User 1"])
    await expect(panel.locator(".hg-list").get_by_role("listitem")).to_have_text(["natgeoNational Geographic"])
    await shown(page, '{ user(by: { id: "787132" }) { username media(first: 1) { nodes { id } } } }')
    await expect(panel.locator(".hg-owner")).to_have_text("natgeo")
    await expect(panel.locator(".hg-list-head")).to_have_count(0)


async def test_what_an_item_names_is_no_list_of_its_own(page: Console) -> None:
    panel = await shown(page, NAMED)
    await expect(panel.locator(".hg-ring-button")).to_have_count(1)
    await expect(panel.locator(".hg-list-head")).to_have_count(0)


async def test_nothing_is_wider_than_the_panel(page: Console) -> None:
    """A name or a caption may be one long word."""
    word = "W" * 200
    post = {"id": "media:1", "caption": word, "user": {"username": word}, "comments": {"nodes": [{"text": word}]}}
    data = {"user": {"username": word, "media": {"nodes": [post]}, "followers": {"nodes": [{"username": word}]}}}
    panel = await page.show("Preview")
    await page.page.route("**/graphql", lambda route: route.fulfill(json={"data": data}))
    await page.run()
    await page.page.unroute("**/graphql")
    await expect(panel.locator(".hg-comments p")).to_have_text(word)
    assert await panel.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth")
