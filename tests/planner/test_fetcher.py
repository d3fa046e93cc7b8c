"""Operations at the same time, on one services."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.billing.bill import Source
from gateway.billing.prices import Purchase
from gateway.cache.operation_view import STEP
from gateway.domain.ids import UserId
from gateway.errors import NotFound, PrivateAccount
from gateway.planner.purchasing import Purchasing
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind, Lifetime
from gateway.scheduling import REST
from gateway.upstream.hikerapi import endpoints, list_endpoints
from gateway.upstream.hikerapi.decoding import ResponseShape
from tests.planner.cases import LIFETIMES, Case
from tests.planner.gateways import Shops, selections
from tests.planner.listings import Paged, pages
from tests.planner.selections import By, Highlights, Items, Operation, Page, UserRoot, Users
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Reel, World

PRIVATE = World((Account("10", "shy", Kind.PRIVATE, ()), Account("11", "open", Kind.PUBLIC, (Reel("110", ()),))))


@pytest.fixture
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        yield shops


def tray_of(pk: str, *, forced: bool) -> Operation:
    below = Users(trays=((Page(), Highlights(frozenset({"title"}))),))
    return Operation((UserRoot(((By.ID, pk),), below),), forced=forced)


def test_who_may_force_is_not_refused_because_another_is(shops: Shops) -> None:
    """The call of the other was already on its way when the forced operation came."""
    shop = shops.open(Case(PRIVATE, (), tray_of("10", forced=False)))
    others, ours = shop.fetcher(forced=False), shop.fetcher(forced=True)

    async def at_once() -> None:
        await asyncio.gather(
            others.prepare(selections(tray_of("10", forced=False))),
            ours.prepare(selections(tray_of("10", forced=True))),
        )

    shops.run(at_once())
    assert shop.upstream.asked == [Call(endpoints.TRAY, "10"), Call(endpoints.TRAY, "10", forced=True)]
    assert isinstance(others.facts.fact(FactKind.TRAY, UserId("10")), PrivateAccount)
    assert ours.facts.fact(FactKind.TRAY, UserId("10")) == ()
    assert (others.bill.charged, ours.bill.charged) == (2, 1)


def test_who_may_force_shares_what_another_is_shown(shops: Shops) -> None:
    shop = shops.open(Case(PRIVATE, (), tray_of("11", forced=False)))
    others, ours = shop.fetcher(forced=False), shop.fetcher(forced=True)

    async def at_once() -> None:
        await asyncio.gather(
            others.prepare(selections(tray_of("11", forced=False))),
            ours.prepare(selections(tray_of("11", forced=True))),
        )

    shops.run(at_once())
    assert shop.upstream.asked == [Call(endpoints.TRAY, "11")]
    assert [line.source for line in ours.bill.lines] == [Source.SHARED]


@pytest.mark.parametrize(("in_flight", "is_shared"), [("2", True), ("3", False), ("", False)])
def test_a_forced_page_is_shared_with_the_unforced_page_at_the_same_cursor(
    in_flight: str, is_shared: bool, shops: Shops
) -> None:
    shop = shops.open(Case(PRIVATE, (), tray_of("11", forced=False)))
    other = Call(endpoints.TRAY, "11", cursor=in_flight)
    wanted = Purchase(Call(endpoints.TRAY, "11", forced=True, cursor="2"), 1, path="")

    async def at_once() -> tuple[Call, Source]:
        shop.services.flights.start(other, shop.services.api.fetch(other))
        step = await Purchasing(shop.services, shop.fetcher(forced=True).budget).start([wanted])
        assert isinstance(step, tuple)
        call, source, pending = step
        await pending
        return call, source

    shared = other, Source.SHARED
    assert shops.run(at_once()) == (shared if is_shared else (wanted.call, Source.BOUGHT))


def test_a_page_on_its_way_is_shared_and_its_list_is_read_on_from_it(shops: Shops) -> None:
    world = World((Account("10", "ann", Kind.PUBLIC, (), followers=pages((1,), (0,))), *PRIVATE.accounts[1:]))
    few, many = (
        Operation((UserRoot(((By.ID, "10"),), Users(people=(Slice(Paged.FOLLOWERS, Users(), first=first),))),))
        for first in (1, 2)
    )
    shop = shops.open(Case(world, (), few))
    ours, others = shop.fetcher(forced=False), shop.fetcher(forced=False)

    async def at_once() -> None:
        await asyncio.gather(ours.prepare(selections(few)), others.prepare(selections(many)))

    shops.run(at_once())
    first = Call(list_endpoints.FOLLOWERS, "10")
    assert shop.upstream.asked == [first, Call(list_endpoints.FOLLOWERS, "10", cursor="1")]
    assert [line.source for line in others.bill.lines] == [Source.SHARED, Source.BOUGHT]


def test_who_may_not_force_does_not_see_what_was_forced(shops: Shops) -> None:
    shop = shops.open(Case(PRIVATE, (), tray_of("10", forced=True)))
    shops.buy(shop, tray_of("10", forced=True))
    refused = shops.buy(shop, tray_of("10", forced=False))
    assert isinstance(refused.facts.fact(FactKind.TRAY, UserId("10")), PrivateAccount)
    allowed = shops.buy(shop, tray_of("10", forced=True))
    assert allowed.facts.fact(FactKind.TRAY, UserId("10")) == ()
    assert (refused.bill.charged, allowed.bill.charged) == (2, 0)


def test_who_does_not_exist_has_no_stories_either_though_the_cache_has_forgotten_it(shops: Shops) -> None:
    """What an operation knows, it knows until its end."""
    tray, stories = tray_of("99", forced=False), Users(stories=Items(frozenset({"takenAt"})))
    shop = shops.open(Case(PRIVATE, (), tray))
    fetcher = shop.fetcher(forced=False)
    shops.run(fetcher.prepare(selections(tray)))
    shop.clock.advance(LIFETIMES.ttls[Lifetime.MISSING])
    shops.run(fetcher.prepare(selections(Operation((UserRoot(((By.ID, "99"),), stories),)))))
    assert isinstance(fetcher.facts.fact(FactKind.STORIES, UserId("99")), NotFound)
    assert shop.upstream.asked == [Call(endpoints.TRAY, "99")]


async def turns_of(work: Coroutine[Any, Any, None]) -> int:
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


def test_others_have_turns_while_much_is_read_of_what_is_remembered(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each answer is read once, though there is no room for its model among those of all operations."""
    pks = [str(pk) for pk in range(10, 26)]
    world = World(tuple(Account(pk, f"u{pk}", Kind.PUBLIC, (Reel(f"{pk}0", ()),)) for pk in pks))
    wanted = Operation(
        (UserRoot(tuple((By.ID, pk) for pk in pks), Users(trays=((Page(), Highlights(frozenset({"title"}))),))),)
    )
    shop = shops.open(Case(world, (), wanted))
    read: list[Call] = []
    reads = ResponseShape.read

    def noted(shape: ResponseShape[Any], call: Call, *more: Any) -> Any:
        read.append(call)
        return reads(shape, call, *more)

    async def remember() -> None:
        for pk in pks:
            outcome = await shop.services.api.fetch(Call(endpoints.TRAY, pk))
            shop.services.memory.keep(replace(outcome, body=outcome.body + b" " * (STEP // 4)))

    shops.run(remember())
    shop.upstream.asked.clear()
    monkeypatch.setattr(ResponseShape, "read", noted)
    fetcher = shop.fetcher(forced=False)
    turns = shops.run(turns_of(fetcher.prepare(selections(wanted))))
    assert shop.upstream.asked == []
    assert all(isinstance(fetcher.facts.fact(FactKind.TRAY, UserId(pk)), tuple) for pk in pks)
    assert sorted(call.key for call in read) == pks
    assert turns >= REST
