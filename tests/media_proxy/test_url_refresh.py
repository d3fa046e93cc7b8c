"""A picture whose URL has died is looked for in a fresh answer, once, and only if there is money for it.

Nothing is forgotten for it, and none is bought while the new URLs die as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.billing.budget import Allowance, OperationBudget
from gateway.cache.store import Entry
from gateway.domain.ids import HighlightId, Subject, UserId
from gateway.domain.models import Item, LoadedHighlight
from gateway.domain.users import Profile
from gateway.errors import GatewayError
from gateway.http.routes.media import route
from gateway.media_proxy.proxy import MediaProxy, identity
from gateway.media_proxy.signed_urls import MediaClaims, UrlSigner
from gateway.media_proxy.url_refresh import MOST_SIZES, ONCE, PAUSE, TROUBLE, UrlRefresher, pictures
from gateway.planner.requirements import Requirement
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.sandbox import create_sandbox, fixture_users
from gateway.sandbox.faults import Status
from gateway.upstream.egress.cdn_client import EmbeddedServer, MediaServers
from gateway.upstream.hikerapi import endpoints
from tests.fakes.clock import EPOCH, ManualClock, VirtualLoop
from tests.fakes.upstream_services import Shop, shop
from tests.work import calls

LOOP = VirtualLoop
OWNER, HIGHLIGHT = "787132", "17902048142215579"
ORIGIN = "http://gateway.test/sandbox"
TOKENS = UrlSigner(b"secret")


class Till:
    """What a renewal buys from, and its budget."""

    def __init__(self, shop: Shop, clock: ManualClock) -> None:
        self.shop = shop
        self.clock = clock
        self.ceiling: int | None = None
        self.refuses_all = False
        self.heads: list[str] = []
        self.renewal = UrlRefresher(self.shop.services, self.budget, is_alive=self.is_alive)

    async def is_alive(self, url: str) -> bool:
        self.heads.append(url)
        return not self.refuses_all

    def budget(self) -> OperationBudget:
        allowance = Allowance("media", {}, ledger=self.shop.ledger, clock=self.clock)
        return OperationBudget(ceiling=self.ceiling, allowance=allowance, account=self.shop.account)

    async def ask(self, subject: Subject, want: FactKind, known: Callable[[Any], Any]) -> Any:
        fetcher = self.shop.fetcher()
        await fetcher.answer([Requirement(subject, want, path="")])
        answer = known(fetcher.facts)
        assert not isinstance(answer, GatewayError)
        return answer

    async def highlight(self) -> LoadedHighlight:
        loaded = await self.ask(
            HighlightId(HIGHLIGHT),
            FactKind.HIGHLIGHT,
            lambda facts: facts.fact(FactKind.HIGHLIGHT, HighlightId(HIGHLIGHT)),
        )
        assert isinstance(loaded, LoadedHighlight)
        return loaded

    async def profile(self, user: UserId) -> Profile:
        profile = await self.ask(user, FactKind.PROFILE, lambda facts: facts.fact(FactKind.PROFILE, user))
        assert isinstance(profile, Profile)
        return profile

    def calls(self) -> int:
        return sum(self.shop.calls.values())

    @property
    def billed(self) -> int:
        return self.shop.sandbox.meter.total_billed

    def entry(self, call: Call) -> Entry | None:
        return self.shop.services.memory.store.get(call)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    clock = ManualClock()
    stand = shop(tmp_path, clock)
    with contextlib.closing(stand.ledger):
        yield Till(stand, clock)


async def test_an_item_s_picture_is_found_in_a_fresh_answer(till: Till) -> None:
    item = (await till.highlight()).items[0]
    assert item.thumbnail_url is not None
    till.clock.advance(120)
    before = till.calls()
    newer = await till.renewal(f"item:{item.pk}", item.thumbnail_url)
    assert newer is not None
    assert newer != item.thumbnail_url
    assert identity(newer) == identity(item.thumbnail_url)
    assert till.calls() == before + 1


async def test_what_a_newer_answer_told_already_is_not_bought(till: Till) -> None:
    item = (await till.highlight()).items[0]
    assert item.thumbnail_url is not None
    till.clock.advance(120)
    till.shop.services.memory.store.forget(Call(endpoints.HIGHLIGHT, HIGHLIGHT))
    fresh = (await till.highlight()).items[0]
    before = till.calls()
    assert await till.renewal(f"item:{item.pk}", item.thumbnail_url) == fresh.thumbnail_url
    assert till.calls() == before


async def test_a_profile_s_and_a_cover_s_pictures_are_found_the_same_way(till: Till) -> None:
    loaded = await till.highlight()
    profile = await till.profile(UserId(OWNER))
    till.clock.advance(120)
    for reference, url in [
        (f"highlight:{HIGHLIGHT}", loaded.cover.url if loaded.cover else None),
        (f"user:{OWNER}", profile.profile_picture_url),
    ]:
        assert url is not None
        newer = await till.renewal(reference, url)
        assert newer not in (None, url)
        assert identity(str(newer)) == identity(url)


async def test_without_money_nothing_is_renewed(till: Till) -> None:
    item = (await till.highlight()).items[0]
    till.clock.advance(120)
    till.ceiling = 0
    before = till.calls()
    assert await till.renewal(f"item:{item.pk}", str(item.thumbnail_url)) is None
    assert till.calls() == before
    till.ceiling = 1
    assert await till.renewal(f"item:{item.pk}", str(item.thumbnail_url)) is not None
    assert till.calls() == before + 1


async def test_nothing_is_forgotten_before_its_successor_is_there(till: Till) -> None:
    """What is shown beside the dead picture was paid for, and may be alive."""
    item, call = (await till.highlight()).items[0], Call(endpoints.HIGHLIGHT, HIGHLIGHT)
    before = till.entry(call)
    till.clock.advance(120)
    till.ceiling = 0
    await till.renewal(f"item:{item.pk}", str(item.thumbnail_url))
    assert till.entry(call) is before
    till.ceiling = None
    till.shop.sandbox.faults.lay(Status(status=503))
    await till.renewal(f"item:{item.pk}", str(item.thumbnail_url))
    assert till.entry(call) is before
    till.shop.sandbox.faults.clear()
    till.clock.advance(ONCE)
    entry = till.entry(call)
    assert entry is None or entry is before
    await till.renewal(f"item:{item.pk}", str(item.thumbnail_url))
    assert till.entry(call) not in (None, before)


async def test_all_pictures_of_an_answer_share_one_renewal(till: Till) -> None:
    """Those that are asked for at once, and those that are asked for later."""
    loaded = await till.highlight()
    till.clock.advance(120)
    before = till.billed
    shown = [(f"item:{item.pk}", str(item.thumbnail_url)) for item in loaded.items]
    assert len(shown) == 3
    newer = await asyncio.gather(*(till.renewal(*one) for one in shown), *(till.renewal(*one) for one in shown))
    newer += [await till.renewal(*one) for one in shown]
    assert None not in newer
    assert not {url for _, url in shown} & set(newer)
    assert till.billed == before + 1


async def test_an_answer_is_renewed_once_in_an_hour(till: Till) -> None:
    item = (await till.highlight()).items[0]
    till.clock.advance(120)
    before = till.billed
    newer = await till.renewal(f"item:{item.pk}", str(item.thumbnail_url))
    assert till.billed == before + 1
    till.clock.advance(ONCE - 1)
    assert await till.renewal(f"item:{item.pk}", str(newer)) is None
    assert till.billed == before + 1
    till.clock.advance(1)
    assert await till.renewal(f"item:{item.pk}", str(newer)) not in (None, newer)
    assert till.billed == before + 2


@pytest.mark.parametrize("seconds", [0, 120])
async def test_none_is_renewed_for_a_while_after_a_new_url_was_dead_as_well(till: Till, seconds: int) -> None:
    """Signed anew in the same minute, a URL is the same, and as dead as it was."""
    till.refuses_all = True
    item = (await till.highlight()).items[0]
    profile = await till.profile(UserId(OWNER))
    till.clock.advance(seconds)
    before = till.billed
    await till.renewal(f"item:{item.pk}", str(item.thumbnail_url))
    assert till.billed == before + 1
    assert len(till.heads) == (1 if seconds else 0)
    till.clock.advance(PAUSE - 1)
    assert await till.renewal(f"user:{OWNER}", str(profile.profile_picture_url)) is None
    assert till.billed == before + 1
    till.clock.advance(1)
    assert await till.renewal(f"user:{OWNER}", str(profile.profile_picture_url)) is not None
    assert till.billed == before + 2


async def test_of_many_that_are_asked_for_at_once_none_is_renewed_before_the_last_one_is_known_to_live(
    till: Till,
) -> None:
    till.refuses_all = True
    users = [UserId(str(user.pk)) for user in fixture_users.CAST[:6]]
    shown = [(f"user:{user.pk}", str((await till.profile(user)).profile_picture_url)) for user in users]
    till.clock.advance(120)
    before = till.billed
    await asyncio.gather(*(till.renewal(*one) for one in shown))
    assert till.billed == before + 1


async def test_a_picture_that_is_shown_no_more_is_no_sign_that_all_are_refused(till: Till) -> None:
    item = (await till.highlight()).items[0]
    profile = await till.profile(UserId(OWNER))
    till.clock.advance(120)
    gone = str(item.thumbnail_url).replace("_n.jpg", "0_n.jpg")
    assert await till.renewal(f"item:{item.pk}", gone) is None
    assert await till.renewal(f"user:{OWNER}", str(profile.profile_picture_url)) is not None


async def test_while_the_upstream_fails_it_is_asked_once_in_a_while(till: Till) -> None:
    item = (await till.highlight()).items[0]
    till.clock.advance(120)
    till.shop.sandbox.faults.lay(Status(status=422))
    before = till.calls()
    for _ in range(3):
        assert await till.renewal(f"item:{item.pk}", str(item.thumbnail_url)) is None
    assert till.calls() == before + 1
    till.shop.sandbox.faults.clear()
    till.clock.advance(TROUBLE)
    assert await till.renewal(f"item:{item.pk}", str(item.thumbnail_url)) is not None
    assert till.calls() == before + 2


async def test_the_covers_of_a_tray_are_renewed_with_it(till: Till) -> None:
    user = UserId(str(fixture_users.THIRTY.pk))
    tray = await till.ask(user, FactKind.TRAY, lambda facts: facts.fact(FactKind.TRAY, user))
    till.clock.advance(120)
    before = till.billed
    newer = [await till.renewal(f"highlight:{one.pk}", one.cover.url) for one in tray]
    assert len(newer) == 30
    assert not {None, *(one.cover.url for one in tray)} & set(newer)
    assert till.billed == before + 2


@pytest.mark.parametrize("reference", ["", "item", "item:", "item:x", "tray:1", "item:1:2", "item:" + "1" * 21])
async def test_what_refers_to_nothing_is_not_asked_for(till: Till, reference: str) -> None:
    assert await till.renewal(reference, "https://a.cdninstagram.com/v/1.jpg?oh=a") is None
    assert till.calls() == 0


def test_a_url_is_found_however_json_spells_it() -> None:
    old = "https://a.cdninstagram.com/v/1_n.jpg?stp=s&oh=old&oe=1"
    body = (
        rb'{"a": ["https:\/\/b.cdninstagram.com\/v\/1_n.jpg?stp=l\u0026oh=new&oe=2", "1_n.jpg", "https://x/1_n.jpg"]}'
    )
    large, small = (
        "https://b.cdninstagram.com/v/1_n.jpg?stp=l&oh=new&oe=2",
        "https://a.cdninstagram.com/v/1_n.jpg?stp=s&oh=new&oe=3",
    )
    assert pictures(old, body) == [large]
    assert pictures(old, b'{"b": "' + small.encode() + b'", ' + body[1:]) == [small, large]
    assert pictures(old, body[:-1] + b', "b": "' + small.encode() + b'"}') == [small, large]
    assert pictures(old, b'{"a": "' + old.encode() + b'"}') == [old]
    assert pictures(old, b"") == []


def test_an_answer_of_one_picture_a_million_times_is_not_looked_through() -> None:
    old = "https://a.cdninstagram.com/v/1_n.jpg?stp=l&oh=old&oe=1"
    another = b'"https://a.cdninstagram.com/v/1_n.jpg?stp=s&oh=new&oe=3",'
    sought = b'"https://a.cdninstagram.com/v/1_n.jpg?stp=l&oh=new&oe=2"'
    found = [pictures(old, b"[" + another * count + sought + b"]")[0] for count in (MOST_SIZES - 1, MOST_SIZES)]
    assert found == [sought[1:-1].decode(), another[1:-2].decode()]


def test_a_text_is_passed_over_at_once_however_often_it_holds_the_name() -> None:
    url, sought = "https://a.cdninstagram.com/a", b'"https://a.cdninstagram.com/a?oe=2"'

    def searched(times: int) -> int:
        body = b'{"biography": "' + times * b"a\\\\" + b'", "1": ' + sought + b"}"
        return calls(lambda: pictures(url, body))

    pictures(url, sought)  # urlsplit remembers what it has split
    assert searched(10_000) == searched(10)


async def test_the_sandbox_s_own_pictures_are_served_without_a_network(till: Till) -> None:
    """Under the gateway's own address, where a browser would find them, too, and by nothing else of the sandbox."""
    clock = till.clock
    app = create_sandbox(clock=clock, keys=frozenset({"k"}), base_url=ORIGIN)
    servers = MediaServers([EmbeddedServer(ORIGIN, httpx.ASGITransport(app))])
    proxy = MediaProxy(servers, till.renewal, clock=clock, max_bytes=2**20)
    page = Starlette(routes=[route(TOKENS, proxy, clock)])
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://upstream.test") as upstream,
        httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url="http://gateway.test") as browser,
    ):
        answer = await upstream.get("/v1/user/by/id", params={"id": OWNER}, headers={"x-access-key": "k"})
        url = answer.json()["profile_pic_url"]
        assert url.startswith(f"{ORIGIN}/cdn/")
        picture = await browser.get("/media/" + TOKENS.sign(MediaClaims(url, f"user:{OWNER}", int(EPOCH) + 60)))
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        assert picture.content.startswith(b"\xff\xd8\xff")
        for other in (
            f"{ORIGIN}/v1/user/by/id?id={OWNER}",
            f"{ORIGIN}/cdn/../v1/user/by/id",
            "http://127.0.0.1/cdn/a.jpg",
        ):
            refused = await browser.get("/media/" + TOKENS.sign(MediaClaims(other, "", int(EPOCH) + 60)))
            assert refused.status_code == 502
    await servers.aclose()


async def live(till: Till) -> Item:
    stories = await till.ask(UserId(OWNER), FactKind.STORIES, lambda facts: facts.fact(FactKind.STORIES, UserId(OWNER)))
    story: Item = stories[0]
    return story


async def test_a_live_story_s_picture_is_found_while_its_list_is_fresh(till: Till) -> None:
    story = await live(till)
    assert story.thumbnail_url is not None
    till.clock.advance(60)
    newer = await till.renewal(f"item:{story.pk}", story.thumbnail_url)
    assert newer not in (None, story.thumbnail_url)
    assert identity(str(newer)) == identity(story.thumbnail_url)


async def test_what_a_newer_list_of_stories_told_already_is_not_bought(till: Till) -> None:
    story = await live(till)
    assert story.thumbnail_url is not None
    till.clock.advance(121)
    till.shop.services.memory.store.forget(Call(endpoints.STORIES, OWNER))
    fresh = await live(till)
    before = till.calls()
    assert await till.renewal(f"item:{story.pk}", story.thumbnail_url) == fresh.thumbnail_url
    assert till.calls() == before
