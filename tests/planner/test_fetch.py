"""Operations at the same time, on one market."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.domain.ids import UserId
from gateway.errors import PrivateAccount
from gateway.planner.bill import Source
from gateway.upstream.endpoints import Call, Endpoint
from tests.planner.cases import Case
from tests.planner.gateways import Shops, selections
from tests.planner.selections import By, Highlights, Operation, Page, UserRoot, Users
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
    others, ours = shop.buyer(forced=False), shop.buyer(forced=True)

    async def at_once() -> None:
        await asyncio.gather(
            others.prepare(selections(tray_of("10", forced=False))),
            ours.prepare(selections(tray_of("10", forced=True))),
        )

    shops.run(at_once())
    assert shop.upstream.asked == [Call(Endpoint.TRAY, "10"), Call(Endpoint.TRAY, "10", forced=True)]
    assert isinstance(others.facts.tray(UserId("10")), PrivateAccount)
    assert ours.facts.tray(UserId("10")) == ()
    assert (others.bill.charged, ours.bill.charged) == (2, 1)


def test_who_may_force_shares_what_another_is_shown(shops: Shops) -> None:
    shop = shops.open(Case(PRIVATE, (), tray_of("11", forced=False)))
    others, ours = shop.buyer(forced=False), shop.buyer(forced=True)

    async def at_once() -> None:
        await asyncio.gather(
            others.prepare(selections(tray_of("11", forced=False))),
            ours.prepare(selections(tray_of("11", forced=True))),
        )

    shops.run(at_once())
    assert shop.upstream.asked == [Call(Endpoint.TRAY, "11")]
    assert [line.source for line in ours.bill.lines] == [Source.SHARED]


def test_who_may_not_force_does_not_see_what_was_forced(shops: Shops) -> None:
    shop = shops.open(Case(PRIVATE, (), tray_of("10", forced=True)))
    shops.buy(shop, tray_of("10", forced=True))
    refused = shops.buy(shop, tray_of("10", forced=False))
    assert isinstance(refused.facts.tray(UserId("10")), PrivateAccount)
    allowed = shops.buy(shop, tray_of("10", forced=True))
    assert allowed.facts.tray(UserId("10")) == ()
    assert (refused.bill.charged, allowed.bill.charged) == (2, 0)
