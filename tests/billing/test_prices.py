"""Which prices of the upstream's are believed, and for how long: one odd answer must not shut an endpoint for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.billing.prices import BELIEVED
from gateway.domain.ids import UserId
from gateway.errors import BudgetExceeded
from gateway.events import Event, PriceDisbelieved, PriceMismatch
from gateway.planner.fetcher import Fetcher
from gateway.planner.requirements import Requirement
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.client import REPORT_SECONDS, connect
from tests.fakes.clock import ManualClock
from tests.fakes.upstream_services import ORIGIN, Shop, shop
from tests.upstream.harness import TRAY

USER = UserId("787132")
CALL = Call(endpoints.TRAY, "787132")
LISTED = 2


class Desk:
    """A services whose upstream names the price that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.info = f"reqs={LISTED}"
        self.asked = 0
        made = shop(folder, self.clock)
        api = connect(
            base_url=ORIGIN,
            key="sandbox",
            clock=self.clock,
            hook=self.events.append,
            rate=10_000.0,
            transport=httpx.MockTransport(self._answer),
        )
        self.shop: Shop = replace(made, services=replace(made.services, api=api))

    @property
    def price(self) -> int:
        return self.shop.services.prices.of(CALL)

    @property
    def told(self) -> list[Event]:
        return [event for event in self.events if isinstance(event, PriceMismatch | PriceDisbelieved)]

    async def buy(self, *, ceiling: int | None = None, info: str | None = None) -> Fetcher:
        """The tray, of which nothing is remembered."""
        if info is not None:
            self.info = info
        self.shop.services.memory.store.forget(CALL)
        fetcher = self.shop.fetcher(ceiling=ceiling)
        await fetcher.answer([Requirement(USER, FactKind.TRAY, "user")])
        return fetcher

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, content=TRAY, headers={"x-hiker-info": self.info})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.shop.ledger.close()


@pytest.mark.parametrize("named", [10 * LISTED + 1, 999_999, 10**17])
async def test_a_price_of_more_than_ten_times_the_listed_one_shuts_nothing(desk: Desk, named: int) -> None:
    odd = await desk.buy(info=f"reqs={named}")
    assert (odd.bill.charged, desk.price) == (LISTED, LISTED)
    assert desk.told == [PriceDisbelieved("tray", LISTED, named)]
    after = await desk.buy(ceiling=LISTED, info=f"reqs={LISTED}")
    assert (after.bill.charged, desk.asked) == (LISTED, 2)


@pytest.mark.parametrize("named", [1, 3, 10 * LISTED])
async def test_a_price_up_to_ten_times_the_listed_one_is_believed_for_a_while(desk: Desk, named: int) -> None:
    """As long as it is believed, who may spend less is refused, so no answer could say that it is over."""
    assert (await desk.buy(info=f"reqs={named}")).bill.charged == named
    assert desk.price == named
    assert desk.told == [PriceMismatch("tray", LISTED, named)]
    refused = await desk.buy(ceiling=named - 1)
    assert isinstance(refused.facts.fact(FactKind.TRAY, USER), BudgetExceeded)
    desk.clock.advance(BELIEVED)
    assert desk.price == LISTED
    assert (await desk.buy(ceiling=LISTED, info=f"reqs={LISTED}")).bill.charged == LISTED


async def test_a_price_that_goes_on_being_named_goes_on_being_believed(desk: Desk) -> None:
    for _ in range(5):
        await desk.buy(info="reqs=3")
        desk.clock.advance(BELIEVED - 1)
        assert desk.price == 3


async def test_the_listed_price_is_believed_again_at_once(desk: Desk) -> None:
    await desk.buy(info="reqs=3")
    await desk.buy(info=f"reqs={LISTED}")
    assert desk.price == LISTED


async def test_an_odd_price_does_not_hide_one_that_was_believed(desk: Desk) -> None:
    await desk.buy(info="reqs=3")
    await desk.buy(info="reqs=999999")
    assert desk.price == 3


async def test_a_price_of_nothing_is_charged_so_and_the_next_call_is_reserved_as_listed(desk: Desk) -> None:
    assert (await desk.buy(info="reqs=0")).bill.charged == 0
    assert desk.price == LISTED


async def test_an_odd_price_is_told_once_an_hour(desk: Desk) -> None:
    for _ in range(3):
        await desk.buy(info="reqs=999999")
    await desk.buy(info="reqs=3")
    desk.clock.advance(REPORT_SECONDS)
    await desk.buy(info="reqs=999999")
    odd = PriceDisbelieved("tray", LISTED, 999_999)
    assert desk.told == [odd, PriceMismatch("tray", LISTED, 3), odd]
